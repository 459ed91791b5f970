"""Small videos, images and tracked frames that tests make for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from client.pipeline.tracked import TrackedFrame
from mot.detections import Detections, Tracks
from mot.frame import Frame

Image = npt.NDArray[np.uint8]
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quarters(width: int, height: int) -> Image:
    """Red, green over blue, white: tells every turn and mirroring apart."""
    image = np.zeros((height, width, 3), np.uint8)
    middle, centre = height // 2, width // 2
    image[:middle, :centre], image[:middle, centre:] = RED, GREEN
    image[middle:, :centre], image[middle:, centre:] = BLUE, WHITE
    return image


def corners(image: Image) -> list[str]:
    """Names of the colours in the four quarters, row by row."""
    names = {RED: "red", GREEN: "green", BLUE: "blue", WHITE: "white"}
    height, width = image.shape[:2]
    pixels = [image[y, x] for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return [names[tuple(255 if value > 127 else 0 for value in pixel)] for pixel in pixels]


def numbered_image(number: int, width: int = 64, height: int = 48) -> Image:
    """A picture that says its number in its brightness: see :func:`number_of`."""
    return np.full((height, width, 3), 10 + 4 * number, np.uint8)


def frame_of(image: Image, index: int = 1) -> Frame:
    """A picture as the only frame of a video, or the one with this number, ten a second."""
    return Frame(index=index, image=image, time=(index - 1) / 10)


def number_of(image: Image) -> int:
    return round((float(image.mean()) - 10) / 4)


def make_video(
    path: Path,
    images: Sequence[Image],
    *,
    rate: int = 10,
    times: Sequence[float] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation: tuple[int, bool, bool] | None = None,
    options: dict[str, str] | None = None,
    ticks: int = 1000,
) -> Path:
    """Encode images; ``times`` are seconds, ``rotation`` is degrees, left-right and top-bottom mirroring.

    ``ticks``: of the clock, a second; an AVI fills those between its pictures with empty frames.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options={"g": "10"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = Fraction(1, ticks)
        if rotation:
            stream.set_display_rotation(rotation[0], hflip=rotation[1], vflip=rotation[2])
        for index, image in enumerate(images):
            picture = av.VideoFrame.from_ndarray(image, "rgb24")
            picture.pts = round(ticks * (times[index] if times else index / rate))
            picture.time_base = Fraction(1, ticks)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def with_sound(path: Path, images: Sequence[Image], sound_s: float, *, rate: int = 10, codec: str = "libx264") -> Path:
    """Pictures of 64x48 pixels beside silence in AAC of another length."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("aac", rate=8000)
        audio.layout = "mono"
        for n in range(round(max(sound_s, len(images) / rate) * rate)):
            if n < len(images):
                picture = av.VideoFrame.from_ndarray(images[n], "rgb24")
                picture.pts, picture.time_base = n, Fraction(1, rate)
                container.mux(video.encode(picture))
            if n < sound_s * rate:
                tone = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.float32), "fltp", "mono")
                tone.sample_rate, tone.pts = 8000, 800 * n
                container.mux(audio.encode(tone))
        container.mux(video.encode())
        container.mux(audio.encode())
    return path


def beginning(source: Path, target: Path, count: int) -> Path:
    """The first pictures of a video, copied packet by packet; it must have no B-frames."""
    with av.open(str(source)) as whole, av.open(str(target), "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(video=0)):
            if number == count or packet.dts is None:
                break
            packet.stream = stream
            part.mux(packet)
    return target


def write_image(path: Path, image: Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    good, data = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert good
    data.tofile(path)
    return path


def tracks(*boxes: tuple[float, float, float, float]) -> Tracks:
    count = len(boxes)
    return Tracks(
        ids=np.arange(1, count + 1),
        boxes=np.array(boxes, np.float32).reshape(count, 4),
        scores=np.full(count, 0.87654, np.float32),
        detections=np.arange(count),
    )


def tracked(index: int, image: Image, time: float | None = None, people: Tracks | None = None) -> TrackedFrame:
    frame = Frame(index=index, image=image, time=(index - 1) / 10 if time is None else time)
    people = people if people is not None else tracks()
    looks = np.eye(len(people), 4, dtype=np.float32)
    found = Detections(boxes=people.boxes, scores=people.scores, embeddings=looks)
    return TrackedFrame(frame=frame, tracks=people, detections=found)


def noise(index: int, width: int = 320, height: int = 240) -> TrackedFrame:
    """A frame that cannot be compressed, with many people: both files grow fast."""
    image = np.random.default_rng(index).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return tracked(index, image, people=tracks(*[(n, n, n + 10, n + 20) for n in range(200)]))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
