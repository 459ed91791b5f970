"""A video as a generator of frames with tracks, for programs of one's own."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from client.jobs.spec import TrackerSpec
from client.pipeline.track import track
from client.pipeline.tracked import TrackedFrame
from client.serving.network import NetworkConfig, open_network
from client.tracking import TrackerConfig
from client.video.open import open_source

LOCAL = NetworkConfig(kind="local")


def track_video(
    input: str,
    *,
    start: int = 1,
    end: int | None = None,
    network: NetworkConfig = LOCAL,
    tracker: TrackerConfig | None = None,
) -> Generator[TrackedFrame, None, None]:
    """Give each frame of a video with its tracks, in order; memory does not grow with its length.

    Closing the generator, or leaving it to be collected, closes the source and the network.

    Args:
        input: a file, folder, MOT sequence, camera number or address, as `mot track` takes it.
        start: first frame, from 1.
        end: last frame; by default the last there is.
        network: where it runs; by default in this process, with the shipped model.
        tracker: settings; by default those of the default tracker, for the model.

    Raises:
        MotError: the input cannot be read, or the network fails.
    """
    with open_network(network) as opened, open_source(input, start, end) as source:
        config = tracker or TrackerSpec().resolved(opened.detector.spec.thresholds).config()
        follow = config.tracker(source.frame_rate)
        with closing(track(source, opened.detector, follow, in_flight=opened.in_flight)) as frames:
            yield from frames
