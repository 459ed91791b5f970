"""CAMERAS.toml: what it may hold, and what is said of one that cannot be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from client.analysis.places import PlacesError
from client.live.cameras import CamerasError, read_cameras
from client.tracking import ByteConfig

ROOT = Path(__file__).resolve().parents[3]
DOOR = '[[camera]]\nname = "door"\naddress = "rtsp://user:secret@10.0.0.5/live?token=hidden"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "cameras.toml"
    path.write_text(text, encoding="utf-8")
    return path


def fault(folder: Path, text: str) -> str:
    path = write(folder, text)
    with pytest.raises((CamerasError, PlacesError)) as caught:
        read_cameras(path)
    message = str(caught.value)
    assert str(folder) in message, "names the file"
    assert "secret" not in message and "token" not in message
    return message


def test_a_camera_is_enough(tmp_path: Path) -> None:
    cameras = read_cameras(write(tmp_path, DOOR))
    (door,) = cameras.camera
    assert (door.name, door.shown, door.waiting, door.drawn()) == ("door", "rtsp://10.0.0.5/live", 8, None)
    assert (cameras.output, cameras.events_path) == (tmp_path / "watched", tmp_path / "watched" / "events.jsonl")
    assert (cameras.recording.rows, cameras.recording.video, cameras.recording.every) == (True, False, 3600)


def test_the_example_is_right_also_with_all_that_is_commented_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DOOR_PASSWORD", "EVENTS_TOKEN", "MQTT_PASSWORD"):
        monkeypatch.setenv(name, "x")
    text = (ROOT / "deploy" / "cameras.toml").read_text("utf-8")
    assert len(read_cameras(write(tmp_path, text)).camera) == 2
    head, separator, tables = text.partition("# [events.webhook]")
    commented, more, rest = tables.partition("[recording]")
    everything = head + re.sub("^# ", "", separator + commented, flags=re.MULTILINE) + more + rest
    events = read_cameras(write(tmp_path, everything)).events
    assert events.webhook is not None and events.mqtt is not None


def test_everything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", "from outside")
    (tmp_path / "hall.json").write_text('{"width": 64, "height": 48, "zones": []}')
    (tmp_path / "clip.mp4").touch()
    text = """
        output = "here"
        [events]
        file = "-"
        interval = 900
        webhook = {url = "https://example.org/in", headers = {Authorization = "Bearer ${WORD}"}}
        mqtt = {host = "broker", password = "${WORD}", ca = "ca.pem"}
        [recording]
        every = 600
        video = true
        [[camera]]
        name = "door"
        address = "rtsp://user:${WORD}@10.0.0.5/live"
        places = {width = 64, height = 48, lines = [{name = "gate", points = [[0, 9], [64, 9]], in = "enter"}]}
        [[camera]]
        name = "hall"
        address = "clip.mp4"
        lines = "hall.json"
        tracker = {name = "byte", settings = {conf_thres = 0.5}, preset = "paper"}
        [[camera]]
        name = "desk"
        address = "0"
    """
    cameras = read_cameras(write(tmp_path, text))
    door, hall, desk = cameras.camera
    assert cameras.events_path is None
    assert cameras.events.webhook and cameras.events.webhook.headers == {"Authorization": "Bearer from outside"}
    assert cameras.events.mqtt and cameras.events.mqtt.ca == tmp_path / "ca.pem"
    assert door.address == "rtsp://user:from outside@10.0.0.5/live"
    places = door.drawn()
    assert places and places.lines[0].label_in == "enter"
    assert hall.tracker and hall.tracker.config() == ByteConfig(conf_thres=0.5) and desk.tracker is None
    assert (hall.address, desk.address) == (str(tmp_path / "clip.mp4"), "0")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["camera", "is missing", "[[camera]]"]),
        ("camera = []", ["camera", "there is none"]),
        ("[[camera]\n", ["is not TOML", "line 1"]),
        (DOOR + "adress = 3", ["camera.1.adress is 3", "no such key"]),
        (DOOR + 'waiting = "many"', ["camera.1.waiting is 'many'", "integer"]),
        (DOOR + "waiting = 0", ["camera.1.waiting is 0", "greater than or equal to 1"]),
        (DOOR + DOOR, ["2 cameras are called 'door'", "its own name"]),
        ('[events]\nfile = "door"\n' + DOOR, ["both called 'door'", "rename one"]),
        (DOOR.replace("door", "the/door"), ["camera.1.name is 'the/door'", "letters, digits"]),
        (DOOR.replace("rtsp:", "rstp:"), ["camera.1.address", "rstp://: unknown kind of address", "rtsp"]),
        ('[[camera]]\nname = "a"\naddress = "no.mp4"', ["camera.1.address", "no such file"]),
        ('[[camera]]\nname = "a"', ["camera.1.address: is missing"]),
        (DOOR.replace("user", "${NO_SUCH_NAME}"), ["camera.1.address", "no NO_SUCH_NAME", "set it"]),
        (DOOR + 'lines = "no.json"', ["no.json", "cannot be read", "check the path"]),
        (DOOR + "places = {width = 64, height = 48, lines = [{name = 'a', points = [[1, 2]]}]}", ["two points"]),
        (DOOR + 'lines = "a.json"\nplaces = {width = 64, height = 48}', ["keep one of them"]),
        ("[events]\ninterval = 0\n" + DOOR, ["events.interval is 0"]),
        ('[events]\nwebhook = {url = "secret.org"}\n' + DOOR, ["events.webhook.url", "begins with http://"]),
        ('[events]\nwebhook = {url = "http://me:secret@a.org"}\n' + DOOR, ["events.webhook.url", "into headers"]),
        ('[events]\nmqtt = {host = "a", topic = "mot/#"}\n' + DOOR, ["events.mqtt.topic is 'mot/#'", "no wildcards"]),
        (DOOR + 'tracker = {name = "sort"}', ["camera.1.tracker", "'sort'", "overlap_reid"]),
        (DOOR + 'tracker = {name = "byte", settings = {colour = 3}}', ["camera.1.tracker", "no setting colour"]),
        (DOOR + 'tracker = {name = "byte", settings = {conf_thres = 3}}', ["camera.1.tracker", "conf_thres"]),
        (DOOR + "tracker = {settings = {}}", ["camera.1.tracker.name", "is missing"]),
        ("[recording]\nevery = 1e9\n" + DOOR, ["recording.every is 1000000000.0", "86400"]),
    ],
)
def test_a_bad_file_is_an_error_with_key_value_and_remedy(tmp_path: Path, text: str, parts: list[str]) -> None:
    message = fault(tmp_path, text)
    for part in parts:
        assert part in message


def test_a_file_that_is_not_there_or_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CamerasError, match=r"no\.toml: cannot be read: No such file"):
        read_cameras(tmp_path / "no.toml")
    (tmp_path / "raw.toml").write_bytes(b"\x89PNG\xff")
    with pytest.raises(CamerasError, match=r"raw\.toml: not a text file"):
        read_cameras(tmp_path / "raw.toml")


def test_deeper_than_anybody_writes(tmp_path: Path) -> None:
    """Found by fuzzing: RecursionError."""
    assert "is not TOML: too deeply nested" in fault(tmp_path, f"a = {'[' * 3000}")


def test_a_key_of_thousands_of_letters(tmp_path: Path) -> None:
    assert len(fault(tmp_path, f"{DOOR}{'x' * 8000} = 1\n")) < 1000 + len(str(tmp_path))
