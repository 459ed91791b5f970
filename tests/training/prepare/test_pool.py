from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training.data.labels import DataError
from training.prepare.pool import map_parallel


def square(number: int) -> int:
    return number * number


def process(_item: int) -> int:
    return os.getpid()


def refuse_seven(number: int) -> int:
    if number == 7:
        raise DataError("file 7: is bad")
    return number


@pytest.mark.parametrize("count", [0, 1, 5, 40])
def test_results_come_in_order(count: int) -> None:
    assert map_parallel(square, range(count), "squares", batch=10) == [n * n for n in range(count)]


def test_few_jobs_start_no_process() -> None:
    assert set(map_parallel(process, range(19), "few", batch=10)) == {os.getpid()}


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: nothing to share")
def test_many_jobs_are_shared() -> None:
    assert os.getpid() not in map_parallel(process, range(40), "many", batch=10)


@pytest.mark.parametrize("batch", [2, 100], ids=["processes", "here"])
def test_an_error_ends_all(batch: int) -> None:
    with pytest.raises(DataError, match="file 7: is bad"):
        map_parallel(refuse_seven, range(20), "one is bad", batch=batch)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("batch", [2, 1000], ids=["processes", "here"])
def test_a_signal_ends_all_processes(number: signal.Signals, batch: int, tmp_path: Path) -> None:
    """KeyboardInterrupt arrives, and no worker stays behind: the pipe that all of them hold is closed."""
    script = (
        "import functools, pathlib, sys, time\n"
        "from training.prepare.pool import map_parallel\n"
        "from tests.training.prepare.test_pool import touch_slowly\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        f"        map_parallel(functools.partial(touch_slowly, sys.argv[1]), range(100), 'slow', batch={batch})\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted')\n"
    )
    (tmp_path / "run.py").write_text(script)
    command = [sys.executable, str(tmp_path / "run.py"), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("*.touched")):
        assert time.monotonic() < deadline
        assert run.poll() is None
        time.sleep(0.02)
    run.send_signal(number)
    assert run.communicate(timeout=60)[0] == "interrupted\n"  # waits until nobody holds the pipe
    assert run.returncode == 0
    assert len(list(tmp_path.glob("*.touched"))) < 100


def touch_slowly(folder: str, number: int) -> None:
    (Path(folder) / f"{number}.touched").touch()
    time.sleep(0.2)
