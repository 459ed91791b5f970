"""Events in a file, and posted to a real web server."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from client.live.cameras import Webhook
from client.live.event import Event
from client.live.outbox import DeliveryError, Outbox
from client.live.targets import JsonLines, StandardOutput, WebhookTarget
from tests.client.live.servers import Hook, free_port

QUESTION = Event(
    camera="door", kind="crossed", time=1_800_000_000.25, key="k1", details={"person": 7, "line": "gate ü"}
)


def many(count: int) -> list[Event]:
    return [Event(camera="door", kind="left", time=0.0, key=str(n), details={"person": n}) for n in range(count)]


def keys(lines: str) -> list[str]:
    return [json.loads(line)["key"] for line in lines.splitlines()]


def test_an_event_is_one_line_of_json() -> None:
    assert json.loads(QUESTION.to_json()) == {
        "time": "2027-01-15T08:00:00.250Z",
        "camera": "door",
        "event": "crossed",
        "person": 7,
        "line": "gate ü",
        "key": "k1",
    }


def test_a_file_grows_also_after_it_was_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "new" / "events.jsonl"
    target = JsonLines(path)
    target.deliver(many(2))
    target.deliver([QUESTION])
    assert keys(path.read_text("utf-8")) == ["0", "1", "k1"]
    path.rename(tmp_path / "yesterday.jsonl")
    target.deliver(many(1))
    assert keys(path.read_text("utf-8")) == ["0"]


def test_a_full_disk_leaves_no_half_of_a_line_and_what_waits_is_written_later(small_disk: Path) -> None:
    path, ballast = small_disk / "events.jsonl", small_disk / "ballast"
    target = JsonLines(path)
    target.deliver(many(3))
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(bytes(1 << 20))
    with pytest.raises(DeliveryError, match="No space left on device; check"):
        target.deliver(many(1000))
    assert keys(path.read_text()) == ["0", "1", "2"]
    ballast.unlink()
    target.deliver(many(1000))
    assert len(keys(path.read_text())) == 1003


def test_standard_output_gets_lines(capsys: pytest.CaptureFixture[str]) -> None:
    StandardOutput().deliver(many(2))
    assert keys(capsys.readouterr().out) == ["0", "1"]


def test_a_webhook_gets_all_with_its_headers() -> None:
    hook = Hook()
    outbox = Outbox(WebhookTarget(Webhook(url=hook.url, headers={"Authorization": "Bearer word"})), 1000)
    for event in many(250):
        outbox.put(event)
    assert outbox.close(60) == 0
    hook.close()
    assert [event["key"] for event in hook.events] == [str(n) for n in range(250)]
    assert {headers["Authorization"] for headers in hook.headers} == {"Bearer word"}


def test_a_webhook_that_is_away_or_overloaded_gets_them_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    target = WebhookTarget(Webhook(url=f"http://127.0.0.1:{port}/in?token=hidden"))
    with pytest.raises(DeliveryError, match="refused") as caught:
        target.deliver(many(1))
    assert caught.value.again
    outbox = Outbox(target, 1000, first_pause=0.01)
    for event in many(3):
        outbox.put(event)
    while not outbox.trouble:
        time.sleep(0.01)
    hook = Hook(port, 503, 429)
    assert outbox.close(60) == 0
    hook.close()
    assert [event["key"] for event in hook.events] == ["0", "1", "2"]
    assert "events arrive again" in caplog.text
    assert "hidden" not in caplog.text


def test_a_webhook_that_does_not_want_them_is_not_asked_again() -> None:
    hook = Hook(0, 400)
    with pytest.raises(DeliveryError, match="answers 400") as caught:
        WebhookTarget(Webhook(url=hook.url)).deliver(many(1))
    hook.close()
    assert not caught.value.again
