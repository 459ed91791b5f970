"""The command ``mot watch``: files, signals, statuses."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from mot.sequence import read_results
from tests.client.live.servers import free_port
from tests.client.video.rtsp import Server
from tests.command import Outcome, colours, start, wait_for_line, walk
from tests.media import make_video
from tests.tiny_model import repository


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("models"))


def write(folder: Path, *cameras: str, head: str = "") -> Path:
    """A file with cameras called a, b, ... at these addresses."""
    path = folder / "cameras.toml"
    tables = [
        f'[[camera]]\nname = "{chr(97 + n)}"\naddress = "{address}"\nwaiting = 1000'
        for n, address in enumerate(cameras)
    ]
    path.write_text("\n".join([head, *tables]))
    return path


def test_videos_are_watched_to_their_ends(mot: Callable[..., Outcome], models: Path, tmp_path: Path) -> None:
    walk(tmp_path / "one.mp4", 20)
    walk(tmp_path / "two.mp4", 30)
    path = write(tmp_path, "one.mp4", "two.mp4", head='[events]\nfile = "-"')
    outcome = mot("watch", path, "--engine", "local", "--model-repository", models, "--conf-thres", 0.2)
    assert outcome.status == 0, outcome.err
    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert {one["camera"] for one in events if one["event"] == "appeared"} == {"a", "b"}
    assert "a: ended (64x48, 10 frames/s)" in outcome.err
    assert re.search(r"b +ended +30 +0 +0", outcome.err), "the table is beside the events"


def test_check_connects_to_nothing_and_shows_no_password(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    path = write(tmp_path, f"rtsp://me:secret@127.0.0.1:{free_port()}/live?token=hidden")
    outcome = mot("watch", path, "--check")
    assert outcome.status == 0
    assert re.fullmatch(r"a: rtsp://127\.0\.0\.1:\d+/live\n", outcome.out)


def test_a_bad_file_is_an_error(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    path = write(tmp_path, "rtsp://10.0.0.5/live", head="colour = 3")
    outcome = mot("watch", path)
    assert outcome.status == 1
    assert outcome.err == f"error: {path}: colour is 3: there is no such key; leave it out or correct its name\n"


def test_a_camera_that_is_lost_is_an_error_at_the_end(
    mot: Callable[..., Outcome], models: Path, tmp_path: Path
) -> None:
    walk(tmp_path / "here.mp4", 20)
    path = write(tmp_path, f"rtsp://me:secret@127.0.0.1:{free_port()}/live", "here.mp4")
    arguments = ("--engine", "local", "--model-repository", models, "--retry-for", 0, "--conf-thres", 0.2)
    outcome = mot("watch", path, *arguments)
    assert outcome.status == 1
    assert re.search(r"a: rtsp://127\.0\.0\.1:\d+/live: cannot be opened: Connection refused", outcome.err)
    assert re.search(r"b +ended +20 +0 +0", outcome.out)
    assert "secret" not in outcome.err + outcome.out


def test_sigterm_completes_files_and_events_and_is_a_good_end(models: Path, tmp_path: Path) -> None:
    server = Server(make_video(tmp_path / "live.mp4", colours(600, 64, 48), rate=20))
    server.start()
    path = write(tmp_path, server.url, head="[recording]\nvideo = true\nevery = 86400")
    arguments = ("--engine", "local", "--model-repository", models, "--conf-thres", 0.2, "--status-port", 0)
    process = start("watch", path, *arguments)
    try:
        url = wait_for_line(process, "status page: ").split()[-1]
        wait_for_line(process, "a: live (64x48")
        with urllib.request.urlopen(f"{url}status.json", timeout=30) as answer:
            (camera,) = json.load(answer)["cameras"]
        assert (camera["state"], camera["address"]) == ("live", server.url)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=120)
    finally:
        server.kill()
        process.kill()
    assert process.returncode == 0, err
    frames = int(re.search(r"a +stopped +(\d+) +0 +0", out)[1])  # type: ignore[index]
    (rows,), (video,) = (list((tmp_path / "watched" / "a").glob(f"*{suffix}")) for suffix in (".txt", ".mp4"))
    assert read_results(rows).frames.max() == frames and video.stat().st_size > 0
    events = [json.loads(line) for line in (tmp_path / "watched" / "events.jsonl").read_text().splitlines()]
    assert sum(one["frames"] for one in events if one["event"] == "counts") == frames
    assert events[-1]["state"] == "stopped"


def test_the_help_has_an_example_that_can_be_read(
    mot: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from client.live.cameras import read_cameras

    for name in ("TOKEN", "PASSWORD", "DOOR_PASSWORD"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("COLUMNS", "200")
    lines = [line.strip() for line in mot("watch", "--help").out.splitlines()]
    first = next(n for n, line in enumerate(lines) if line.startswith('output = "watched"'))
    behind = next(n for n in range(first, len(lines)) if not lines[n])
    (tmp_path / "door.json").write_text('{"width": 64, "height": 48}')
    (tmp_path / "cameras.toml").write_text("\n".join(lines[first:behind]))
    cameras = read_cameras(tmp_path / "cameras.toml")
    assert cameras.camera[0].name == "door" and cameras.events.mqtt is not None
