"""client.outputs.sound and client.video.sound: the source's sound beside the pictures that are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from client.outputs.video import VideoSink
from client.video.open import open_source
from tests.media import numbered_image, tracked

HERTZ = 48_000
RATE = 10
Waves = npt.NDArray[np.float32]  # (N,) mono


def beeps(seconds: float, every: float = 0.5) -> Waves:
    """Silence with a short tone at every half second, by which its time can be told."""
    time = np.arange(round(seconds * HERTZ)) / HERTZ
    return np.where(time % every < 0.05, 0.8 * np.sin(2 * np.pi * 1000 * time), 0).astype(np.float32)


def onsets(path: Path) -> list[float]:
    """Seconds at which tones begin in what a player would play."""
    parts: list[tuple[float, Waves]] = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", HERTZ)
        for frame in container.decode(audio=0):
            for each in resampler.resample(frame):
                parts.append((float(each.time or 0), each.to_ndarray().ravel()))
    time = np.concatenate([begin + np.arange(len(wave)) / HERTZ for begin, wave in parts])
    loud = np.abs(np.concatenate([wave for _, wave in parts])) > 0.3
    times = time[loud & (time >= 0)]
    return times[np.diff(times, prepend=-1) > 0.2].tolist()


def make_clip(
    path: Path,
    codec: str,
    frames: int = 24,
    sound_s: float = 2.4,
    times: Sequence[float] | None = None,
    hertz: int = HERTZ,
) -> Path:
    """Numbered frames, ten a second or at ``times``, beside beeps."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream(codec, rate=hertz)
        audio.layout = "mono"
        for n in range(frames):
            picture = av.VideoFrame.from_ndarray(numbered_image(n), "rgb24")
            picture.pts = round(1000 * (times[n] if times else n / RATE))
            picture.time_base = Fraction(1, 1000)
            container.mux(video.encode(picture))
        container.mux(video.encode())
        kind = audio.format.name
        wave, resampler = beeps(sound_s), av.AudioResampler(kind, "mono", hertz)
        size = audio.codec_context.frame_size or 1024
        for begin in range(0, len(wave), size):
            tone = av.AudioFrame.from_ndarray(wave[None, begin : begin + size], "fltp", "mono")
            tone.sample_rate, tone.pts = HERTZ, begin
            for each in resampler.resample(tone):
                container.mux(audio.encode(each))
        container.mux(audio.encode())
    return path


def copy(source_path: Path, out: Path, start: int = 1, end: int | None = None, *, sound: bool = True) -> Path:
    """The pictures as they are, and the sound."""
    with (
        open_source(str(source_path), start, end) as source,
        VideoSink(out, frame_rate=source.frame_rate, sound=source.sound if sound else None) as sink,
    ):
        for frame in source:
            sink.write(replace(tracked(frame.index, frame.image), frame=frame))
    return out


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize(
    ("kind", "codec"),
    [("mp4", "aac"), ("mkv", "aac"), ("mkv", "libmp3lame"), ("mkv", "libopus"), ("mkv", "flac"), ("mkv", "ac3")],
)
def test_sound_is_copied_packet_by_packet(
    tmp_path: Path, kind: str, codec: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_clip(tmp_path / f"in.{kind}", codec)
    out = copy(path, tmp_path / "out.mp4")
    assert packets(out) == packets(path)
    assert onsets(out) == pytest.approx(onsets(path), abs=0.002)
    assert onsets(out) == pytest.approx([0, 0.5, 1, 1.5, 2], abs=0.06), "as the beeps were made"
    assert not caplog.records


def test_sound_of_a_transport_stream(tmp_path: Path) -> None:
    """Its AAC has headers of its own, which an MP4 does not take; FFmpeg's muxer removes them."""
    out = copy(make_clip(tmp_path / "in.ts", "aac"), tmp_path / "out.mp4")
    assert onsets(out) == pytest.approx([0, 0.5, 1, 1.5, 2], abs=0.06)


@pytest.mark.parametrize(("start", "end", "expected"), [(8, None, [0.3, 0.8, 1.3]), (1, 12, [0, 0.5, 1]), (6, 8, [0])])
def test_window_cuts_the_sound(tmp_path: Path, start: int, end: int | None, expected: list[float]) -> None:
    out = copy(make_clip(tmp_path / "in.mp4", "aac"), tmp_path / "out.mp4", start, end)
    assert onsets(out) == pytest.approx(expected, abs=0.06)
    with av.open(str(out)) as container:
        sound, video = container.streams.audio[0], container.streams.video[0]
        assert sound.duration * sound.time_base <= video.duration * video.time_base + 0.15


def test_sound_that_lasts_longer_is_kept(tmp_path: Path) -> None:
    out = copy(make_clip(tmp_path / "in.mp4", "aac", frames=8, sound_s=3.0), tmp_path / "out.mp4")
    assert onsets(out) == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5], abs=0.06)


def test_sound_goes_on_in_a_pause_of_the_pictures(tmp_path: Path) -> None:
    times = [n / 10 + (3 if n >= 12 else 0) for n in range(24)]
    out = copy(make_clip(tmp_path / "in.mp4", "aac", sound_s=5.0, times=times), tmp_path / "out.mp4")
    assert onsets(out) == pytest.approx([n / 2 for n in range(10)], abs=0.06)
    with open_source(str(out)) as source:
        assert [frame.time for frame in source] == pytest.approx(times, abs=1e-3)


def test_damaged_sound_ends_no_work(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The head of one packet of a transport stream's AAC (ADTS) is broken; the others are kept."""
    clip = make_clip(tmp_path / "clip.ts", "aac")
    data = bytearray(clip.read_bytes())
    heads = [place for place in range(len(data)) if data[place : place + 2] == b"\xff\xf1"]
    data[heads[len(heads) // 2] + 1] = 0x00
    clip.write_bytes(data)
    out = copy(clip, tmp_path / "out.mp4")
    assert len(packets(out)) > 50
    with open_source(str(out)) as source:
        assert len(list(source)) == 24


def test_sound_that_an_mp4_does_not_take_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out = copy(make_clip(tmp_path / "in.mkv", "pcm_s16le"), tmp_path / "out.mp4")
    with av.open(str(out)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    assert "out.mp4: is written without sound: it is pcm_s16le, which an MP4 does not take" in caplog.text


def test_a_rate_that_an_mp4_does_not_take_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out = copy(make_clip(tmp_path / "in.flv", "libmp3lame", hertz=11_025), tmp_path / "out.mp4")
    with av.open(str(out)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    with open_source(str(out)) as source:
        assert len(list(source)) == 24
    assert "out.mp4: is written without sound: it is mp3 of 11025 Hz, which an MP4 does not take" in caplog.text


def test_no_sound_is_wanted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out = copy(make_clip(tmp_path / "in.mkv", "pcm_s16le"), tmp_path / "out.mp4", sound=False)
    with av.open(str(out)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    assert not caplog.records


def test_sound_that_nobody_wants_is_not_kept(tmp_path: Path) -> None:
    with open_source(str(make_clip(tmp_path / "in.mp4", "aac"))) as source:
        assert source.sound is not None
        assert sum(1 for _ in source) == 24
        assert source.sound.take(1e9) == []


def test_sound_before_the_window_is_not_kept(tmp_path: Path) -> None:
    with open_source(str(make_clip(tmp_path / "in.mp4", "aac")), 20) as source:
        assert source.sound is not None
        source.sound.wanted = True
        next(iter(source))
        assert 1.7 < source.sound.take(1e9)[0][0] < 1.9
