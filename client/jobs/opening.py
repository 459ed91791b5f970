"""How a job's input is opened, and what is said where it and the given detections do not fit."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from client.detection.given import GivenDetections
from client.jobs.spec import JobError, JobSpec
from client.tracking import TrackerConfig
from client.video.blank import BlankFrames
from client.video.images import SEQINFO, assumed_frame_rate
from client.video.open import open_source
from client.video.source import Source, VideoError, Window
from mot.sequence import SequenceError, read_seqinfo

log = logging.getLogger(__name__)


def open_input(job: JobSpec, given: GivenDetections | None) -> Source:
    """The job's frames: those of a sequence without their pixels where nobody looks at them.

    Raises:
        VideoError: the input cannot be read, or the sequence ends before the job's first frame.
        SequenceError: ``seqinfo.ini`` is malformed, or there are detections beyond the sequence's frames.
        JobError: the sequence has not the frames that the job asks for.
    """
    needs_images = job.tracker.config().needs_images
    if given and not job.video and not needs_images and Path(job.input).is_dir():
        return _open_blank(job, given)
    if given and job.length is not None:
        given.check_length(job.length)
    try:
        source = open_source(job.input, job.start, job.end, retry_for=job.network.retry_for_s)
    except VideoError as error:
        if given and needs_images and not job.video:
            raise VideoError(
                f"{error}; {job.tracker.name} reads the camera's motion from the images: fetch them, or leave that "
                "out with --tracker-set camera_motion=false"
            ) from error
        raise
    wanted = None if job.end is None else job.end - job.start + 1
    if job.length is not None and source.frame_count != wanted:
        source.close()
        raise JobError(
            f"{job.input}: frames {job.start} to {job.end} are wanted, but there are images of {source.frame_count} "
            "of them; fetch the rest of the sequence"
        )
    return source


def check_people(given: GivenDetections, tracker: TrackerConfig) -> None:
    """Warn where given detections can give no track at all."""
    least: float = getattr(tracker, "conf_thres", 0.0)
    if given.last_frame == 0:
        log.warning("%s: holds no detection; nobody will be tracked", given.path)
    elif given.best_score < np.float32(least):
        log.warning(
            "%s: no detection scores as much as %g, from which people are tracked (the best is %.3g); nobody will be: "
            "choose --conf-thres and the tracker's thresholds for this detector",
            *(given.path, least, given.best_score),
        )


def check_extent(given: GivenDetections, job: JobSpec, frames: int) -> None:
    """Warn where there are detections behind the last of ``frames`` frames that were tracked to the input's end."""
    last = job.start - 1 + frames
    if job.end is None and given.last_frame > last:
        log.warning(
            "%s: has detections up to frame %d, but %s ends with frame %d; are they of another video?",
            *(given.path, given.last_frame, job.input, last),
        )


def _open_blank(job: JobSpec, given: GivenDetections) -> BlankFrames:
    """As ``seqinfo.ini`` counts the frames; where it does not, up to the last that has a detection."""
    folder = Path(job.input).resolve()
    window = Window(start=job.start, end=job.end)
    info = read_seqinfo(folder / SEQINFO) if job.length is None and (folder / SEQINFO).is_file() else None
    length = job.length or (info and info.length) or given.last_frame
    if not length:
        raise SequenceError(
            f"{given.path}: holds no detection, and {folder} no {SEQINFO} with a seqLength, so that nothing says how "
            "many frames there are; give a file with rows frame,-1,left,top,width,height,score"
        )
    frame_rate = (info.frame_rate if info else job.frame_rate) or assumed_frame_rate(folder)
    given.check_length(length)
    window.check(str(folder), length)
    last = job.start + window.count(length) - 1
    return BlankFrames(job.name, first=job.start, last=last, frame_rate=frame_rate)
