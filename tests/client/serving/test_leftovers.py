"""client.serving.leftovers: what killed owners leave is removed, what living ones have is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.serving import leftovers
from client.serving.leftovers import Place, remove_leftovers
from client.serving.networks import Networks
from tests.command import ROOT

OWNER = """
import time
from client.serving.leftovers import SHARED_MEMORY, Place
place = Place()
(SHARED_MEMORY / f"{place.shared_memory_prefix}region").touch()
print(place.folder, flush=True)
time.sleep(60)
"""


# Places that are filled as a server would, and what is left of them.
PLACES = """
import tempfile
from pathlib import Path
from client.serving.leftovers import SHARED_MEMORY, Place, remove_leftovers
from tests.each_call import at_each_call, in_a_child, kill

tempfile.gettempdir()  # once: it has a lock of its own

def fill(place):
    (place.folder / "models").mkdir()
    (SHARED_MEMORY / f"{place.shared_memory_prefix}region").touch()

def live():
    place = Place()
    fill(place)
    place.remove()

def left():
    folders = list(Path(tempfile.gettempdir()).iterdir())
    within = sorted(path.name for folder in folders for path in folder.iterdir())
    regions = ["region" for folder in folders for _ in SHARED_MEMORY.glob(f"{folder.name}-*")]
    return " ".join(["folder" for _ in folders] + within + regions) or "nothing"
"""


def run_script(temporary: Path, script: str) -> list[str]:
    """The lines that it prints; what is in it beside PLACES happens in a process of its own."""
    environment = os.environ | {"TMPDIR": str(temporary)}
    command = [sys.executable, "-c", PLACES + script]
    return subprocess.check_output(command, text=True, cwd=ROOT, env=environment, timeout=300).splitlines()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def owner(temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has a place, with a region of shared memory."""
    environment = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        assert process.stdout and process.stdout.readline().strip().startswith(str(temporary))
        yield process
        process.kill()


def make_environment(elsewhere: Path, name: str, made: float) -> None:
    """What a server makes, as if at that second."""
    folder = elsewhere / f"python_env_{name}"
    folder.mkdir(parents=True)
    os.utime(folder, (made, made))


def regions(process: subprocess.Popen[str]) -> list[Path]:
    return list(leftovers.SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))


def test_the_place_of_a_killed_owner_is_removed(temporary: Path, owner: subprocess.Popen[str]) -> None:
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert len(regions(owner)) == 1 and len(list(temporary.iterdir())) == 1
    remove_leftovers()
    assert regions(owner) == [] and list(temporary.iterdir()) == []


def test_who_may_need_a_network_removes_them_though_none_is_needed(
    temporary: Path, owner: subprocess.Popen[str]
) -> None:
    """As the same command again does where the first was killed after its results."""
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    with Networks():
        assert regions(owner) == [] and list(temporary.iterdir()) == []


def test_the_place_of_a_living_owner_stays(temporary: Path, owner: subprocess.Popen[str]) -> None:
    mine = Place()
    remove_leftovers()
    assert len(regions(owner)) == 1 and len(list(temporary.iterdir())) == 2
    mine.remove()
    assert len(list(temporary.iterdir())) == 1


def test_folders_of_others_stay(temporary: Path) -> None:
    (temporary / "mot-triton-notes").mkdir()
    (temporary / "other-1-abc").mkdir()
    remove_leftovers()
    assert len(list(temporary.iterdir())) == 2


def test_an_owner_that_is_killed_anywhere_leaves_nothing_for_long(temporary: Path) -> None:
    """At each of its calls, from the folder's making to the end of its removal."""
    left = run_script(temporary, "for _ in at_each_call(live, kill): print(left()); remove_leftovers(); print(left())")
    before, after = left[::2], left[1::2]
    assert {"folder", "folder models region"} <= set(before) and set(after) == {"nothing"}
    assert "folder models" in before  # its removal had begun


def test_whoever_is_killed_while_removing_leaves_the_rest_to_the_next(temporary: Path) -> None:
    script = """
def prepare():
    in_a_child(lambda: (fill(Place()), kill()))
prepare()
for _ in at_each_call(remove_leftovers, kill): print(left()); remove_leftovers(); print(left()); prepare()
"""
    left = run_script(temporary, script)
    before, after = left[::2], left[1::2]
    assert {"folder models region", "folder models"} <= set(before) and set(after) == {"nothing"}


def test_whoever_removes_while_a_place_is_made_takes_none_from_its_owner(temporary: Path) -> None:
    """At each of the owner's calls; where it was too early, the owner has made another place."""
    script = """
def claim():
    place = Place()
    fill(place)
    in_a_child(remove_leftovers)
    print(left(), flush=True)
    place.remove()
for status in at_each_call(claim, remove_leftovers): assert status == 0, status
"""
    assert set(run_script(temporary, script)) == {"folder models region"}


def test_what_the_server_makes_elsewhere_is_noted_and_removed(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = temporary / "elsewhere"
    (elsewhere / "python_env_before").mkdir(parents=True)
    monkeypatch.setattr(leftovers, "_ENVIRONMENTS", (elsewhere, "python_env_*"))
    place = Place()
    log = place.folder / "triton.log"
    log.touch()
    with place.starting(log):
        (elsewhere / "python_env_mine").mkdir()
    place.clear()
    assert [path.name for path in elsewhere.iterdir()] == ["python_env_before"]
    place.remove()
    assert not place.folder.exists()


def test_of_two_that_start_at_the_same_time_each_removes_its_own(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the times in the server's log, whatever the zone."""
    elsewhere = temporary / "elsewhere"
    monkeypatch.setattr(leftovers, "_ENVIRONMENTS", (elsewhere, "python_env_*"))
    place = Place()
    log = place.folder / "triton.log"
    with place.starting(log):
        for name, minute in (("mine", 16), ("other", 17)):
            # A multiple of 900 s, minutes, 2.5 s.
            make_environment(elsewhere, name, 1_763_766_900 - 900 + 60 * minute + 2.5)
        log.write_text(
            'E1125 05:16:02.400000 6312 server.cc:241] "CudaDriverHelper has not been initialized."\n'
            'I1125 05:16:02.600000 6312 model_lifecycle.cc:472] "loading: fairmot:1"\n'
            'I1125 05:17:09.116600 6312 model_lifecycle.cc:839] "successfully loaded"\n'
        )
    place.remove()
    assert [path.name for path in elsewhere.iterdir()] == ["python_env_other"]


def test_what_was_made_before_a_start_was_broken_off_is_removed(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has noted it, but the log says when; at the same minute of another quarter of an hour it is another's."""
    elsewhere = temporary / "elsewhere"
    monkeypatch.setattr(leftovers, "_ENVIRONMENTS", (elsewhere, "python_env_*"))
    place = Place()
    log = place.folder / "triton.log"
    log.write_text(
        'I1125 05:16:02.400000 6312 pinned_memory_manager.cc:277] "Pinned memory pool is created"\n'
        'I1125 05:16:02.600000 6312 model_lifecycle.cc:472] "loading: fairmot:1"\n'
    )
    begun = 1_763_766_900 + 60 * 1 + 2.4
    os.utime(log, (begun + 0.2, begun + 0.2))
    for name, made in (("mine", begun + 0.1), ("other", begun + 0.5), ("older", begun + 0.1 - 900)):
        make_environment(elsewhere, name, made)
    place.remove()
    assert {path.name for path in elsewhere.iterdir()} == {"python_env_other", "python_env_older"}


def test_one_of_another_server_that_vanishes_meanwhile_is_passed_over(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(leftovers, "_ENVIRONMENTS", (elsewhere, "python_env_*"))
    place = Place()
    log = place.folder / "triton.log"
    log.touch()
    with place.starting(log):
        for name in ("a", "b"):  # listed, and not there when it is looked at
            (elsewhere / f"python_env_{name}").symlink_to(elsewhere / "gone")
    place.remove()
    assert not place.folder.exists()


def test_names_are_never_the_same(temporary: Path) -> None:
    places = [Place() for _ in range(3)]
    assert len({place.shared_memory_prefix for place in places}) == 3
    for place in places:
        place.remove()
