"""Messages and progress, in a terminal and elsewhere."""

from __future__ import annotations

import errno
import io
import logging

import pytest
from rich.console import Console

from client import terminal
from client.commands.tables import summary_table
from client.jobs.job import JobSummary
from mot.errors import MotError


def test_messages_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    message = f"seqinfo.ini: [Sequence] is missing in {'a/very/long/path/' * 20}"
    terminal.show("error", message)
    captured = capsys.readouterr()
    assert captured.err == f"error: {message}\n"
    assert captured.out == ""


def test_warnings_are_shown_within_the_block_only(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("client.somewhere")
    with terminal.warnings_shown():
        log.warning("%s: cut off", "a.mp4")
        log.info("not this")
    log.warning("nor this")
    assert capsys.readouterr().err == "warning: a.mp4: cut off\n"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (MotError("a.mp4: no video in it"), "error: a.mp4: no video in it\n"),
        (MemoryError("Unable to allocate 12 GiB"), "error: memory is used up; end other programs, or lift the limit"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "error: memory is used up"),
        (OSError(errno.EMFILE, "Too many open files"), "error: the system allows no more open files; raise the limit"),
    ],
    ids=["the user's", "memory", "memory for a library", "open files"],
)
def test_errors_of_a_command_are_one_line(error: Exception, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"), terminal.errors_shown():
        raise error
    assert capsys.readouterr().err.startswith(shown)


def test_a_missing_library_is_traced() -> None:
    with pytest.raises(ImportError, match="No module named"), terminal.errors_shown():
        raise ImportError("No module named 'torch'")


@pytest.mark.parametrize(("total", "shown"), [(30, "frame 1 of 30, "), (None, "frame 1, ")])
def test_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, total: int | None, shown: str
) -> None:
    with terminal.progress("walk", total) as advance:
        for _ in range(30):
            advance()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"walk: {shown}") and lines[0].endswith(" frames/s")
    monkeypatch.setattr(terminal, "_LINE_EVERY_S", 0)
    with terminal.progress("walk", total) as advance:
        for _ in range(30):
            advance()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 30 and lines[29].startswith(f"walk: {shown.replace('1', '30', 1)}")


@pytest.mark.parametrize("total", [30, None, 10])  # 10: a container that announced too few
def test_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch, total: int | None) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(terminal, "errors", Console(file=screen, force_terminal=True, width=80))
    with terminal.progress("walk", total) as advance:
        for _ in range(30):
            advance()
        terminal.show("warning", "in between")
    assert "walk" in screen.getvalue() and "30/" in screen.getvalue()
    assert "in between" in screen.getvalue()


def test_summary_fits_80_columns() -> None:
    stages = ("decode", "letterbox", "infer", "wait", "associate", "render/encode")
    summary = JobSummary(
        frames=123_456,
        boxes=1_234_567,
        ids=9876,
        seconds=4115.2,
        milliseconds={stage: 10.5 + n for n, stage in enumerate(stages)},
    )
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(summary_table("MOT17-09-FRCNN", summary))
    lines = {line.split("  ")[0].strip() or line.split()[0]: line for line in console.export_text().splitlines()}
    assert "MOT17-09-FRCNN" in lines
    for stage in stages:
        assert sum(f" {stage} " in line for line in lines.values()) == 1
    assert "30.0" in lines["frames per second"] and "123456" in lines["frames"]


def test_what_is_waited_for_is_a_line_now_and_then_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with terminal.progress_bars() as bars:
        for second in range(1, 20):
            bars.trouble(f"server away, waiting {second} of 60 s")
        bars.trouble_over("the server is back after 19 s")
        bars.trouble("server away, waiting 1 of 60 s")  # a new one is told of at once
    assert capsys.readouterr().err.splitlines() == [
        "warning: server away, waiting 1 of 60 s",
        "note: the server is back after 19 s",
        "warning: server away, waiting 1 of 60 s",
    ]


def test_what_is_waited_for_is_a_living_line_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(terminal, "errors", Console(file=screen, force_terminal=True, width=80))
    with terminal.progress_bars() as bars:
        bars.begin("walk", 30)()
        bars.trouble("server away, waiting 23 of 60 s")
        assert bars._bars
        bars._bars.refresh()
        assert "server away, waiting 23 of 60 s" in screen.getvalue()
        bars.trouble_over("the server is back after 24 s")
        seen = len(screen.getvalue())
        bars._bars.refresh()
        assert "server away" not in screen.getvalue()[seen:]
    assert "note: the server is back after 24 s" in "".join(screen.getvalue().split("\x1b[0m"))
