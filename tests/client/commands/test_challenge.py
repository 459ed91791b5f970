"""The command ``mot challenge``."""

from __future__ import annotations

import re
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from client.cli import main
from mot import splits
from mot.sequence import SeqInfo, read_results, write_seqinfo
from mot.splits import sequences
from tests.client.challenge.benchmark import make_benchmark, make_detections
from tests.command import start, wait_for_line
from tests.media import names
from tests.tiny_model import repository


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    def row(self, name: str) -> list[str]:
        """The cells of the table's row of a sequence."""
        return next(line.split() for line in self.out.splitlines() if line.split()[:1] == [name])


@pytest.fixture
def mot(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Outcome]]:
    """The command, run in this process."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as left:
            main(["challenge", *map(str, arguments)])
        captured = capsys.readouterr()
        return Outcome(int(left.value.code or 0), captured.out, captured.err)

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("models"))


@pytest.fixture
def track(mot: Callable[..., Outcome], models: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """``mot challenge track`` of ``tmp_path/MOT`` with the tiny model; results in ``tmp_path/out``."""

    def run(*arguments: object) -> Outcome:
        engine = ("--engine", "local", "--model-repository", models, "--conf-thres", 0.2)
        return mot("track", "--root", tmp_path / "MOT", "--out", tmp_path / "out", *engine, *arguments)

    return run


@pytest.mark.parametrize("command", ["track", "zip", "check"])
def test_help_has_examples(mot: Callable[..., Outcome], command: str) -> None:
    outcome = mot(command, "--help")
    assert outcome.status == 0
    lines = [line.strip() for line in outcome.out.splitlines()]
    assert any(line.startswith(f"mot challenge {command}") for line in lines[lines.index("Examples") :])


@pytest.mark.parametrize(
    "arguments",
    [
        ("track", "--split", "test"),
        ("track", "--root", "x"),
        ("track", "--root", "x", "--split", "val"),
        ("track", "--root", "x", "--split", "val-half", "--half", "jde"),
        ("track", "--root", "x", "--split", "test", "--jobs", 0),
        ("track", "--root", "x", "--split", "test", "--detections", "public", "--embeddings"),
    ],
    ids=["no root", "no split", "split", "half", "jobs", "embeddings of given detections"],
)
def test_wrong_usage_is_status_2(mot: Callable[..., Outcome], arguments: tuple[object, ...]) -> None:
    assert mot(*arguments).status == 2


def test_halves_of_a_training_split(track: Callable[..., Outcome], tmp_path: Path) -> None:
    make_benchmark(tmp_path / "MOT", {"train/MOT17-09-FRCNN": 9, "train/MOT17-09-SDP": 9, "train/MOT17-13-SDP": 6})
    outcome = track("--split", "val-half", "--half", "fairmot")
    assert outcome.status == 0, outcome.err
    assert set(read_results(tmp_path / "out/MOT17-09-SDP.txt").frames) == {5, 6, 7, 8, 9}
    assert outcome.row("MOT17-09")[1] == "5" and "tracked, 2 files" in outcome.out
    assert outcome.row("MOT17-13")[1] == "3"
    assert outcome.row("all")[1] == "8" and "8 tracked in" in outcome.out
    assert "warning: MOT17 has 5 more sequences in this split: MOT17-02, MOT17-04, " in outcome.err
    assert "MOT17: frame 1 of 8, " in outcome.err
    again = track("--split", "val-half", "--half", "fairmot")
    assert again.row("MOT17-09")[-3:] == ["kept,", "2", "files"]
    assert "0 tracked in" in again.out


def test_default_folder_is_named_by_benchmark_and_split(
    mot: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_benchmark(tmp_path / "MOT", {"train/MOT20-01": 4}, detections=True)
    assert mot("track", "--root", "MOT", "--split", "train-half", "--detections", "public").status == 0
    assert names(tmp_path / "out/MOT20/train-half") == {"MOT20-01.txt", "MOT20-01.json"}


@pytest.mark.parametrize("looks", [(), ("--embeddings",)], ids=["rows", "embeddings"])
def test_test_split_ends_with_the_zip(
    track: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: tuple[str, ...]
) -> None:
    """With sequences of a few frames, as the server's would take minutes."""
    lengths = {name: 3 + k for k, name in enumerate(splits.VIDEOS["MOT17"]["test"])}
    monkeypatch.setitem(splits.VIDEOS, "MOT17", {"train": {}, "test": lengths})  # type: ignore[arg-type]
    make_benchmark(tmp_path / "MOT", {f"test/{name}-FRCNN": length for name, length in lengths.items()})
    outcome = track("--split", "test", *looks)
    assert outcome.status == 0, outcome.err
    assert len(list((tmp_path / "out").glob("*.npz"))) == (21 if looks else 0)
    path = tmp_path / "out/MOT17.zip"
    assert outcome.out.splitlines()[-1].startswith(f"{path}: MOT17, 21 sequences, ")
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {f"{name}.txt" for name in sequences("MOT17", "test")}
        for name in archive.namelist():
            assert archive.read(name) == (tmp_path / "out" / name).read_bytes()


def test_results_with_embeddings_can_be_linked(
    track: Callable[..., Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_benchmark(tmp_path / "MOT", {"train/MOT20-01": 9, "train/MOT20-02": 6})
    link = ["refine", str(tmp_path / "out"), "--output", str(tmp_path / "better"), "--link-gap", "30"]
    assert track("--split", "train").status == 0
    with pytest.raises(SystemExit) as left:
        main(link)
    assert left.value.code == 1
    assert "MOT20-01.embeddings.npz: no such file; `mot track --embeddings` writes it" in capsys.readouterr().err
    assert track("--split", "train", "--embeddings").row("MOT20-01")[-1] == "tracked"
    with pytest.raises(SystemExit) as left:
        main(link)
    assert not left.value.code
    assert names(tmp_path / "better") == {"MOT20-01.txt", "MOT20-02.txt"}


def test_public_detections_of_a_test_split(track: Callable[..., Outcome], tmp_path: Path) -> None:
    """The server's own lengths; no image, no network."""
    for name, length in sequences("MOT20", "test").items():
        folder = tmp_path / "MOT/test" / name
        make_detections(folder / "det/det.txt", length)
        write_seqinfo(folder / "seqinfo.ini", SeqInfo(name=name, frame_rate=25, length=length, width=64, height=48))
    outcome = track("--split", "test", "--detections", "public", "--model-repository", tmp_path / "nowhere")
    assert outcome.status == 0, outcome.err
    assert outcome.row("all")[1:4] == ["4479", "8958", "8"]
    with zipfile.ZipFile(tmp_path / "out/MOT20.zip") as archive:
        assert len(archive.namelist()) == 4


def test_incomplete_test_split_has_no_zip(track: Callable[..., Outcome], tmp_path: Path) -> None:
    make_benchmark(tmp_path / "MOT", {"test/MOT20-04": 4})
    outcome = track("--split", "test")
    assert outcome.status == 1
    assert f"error: {tmp_path}/out: 3 of 4 sequences are missing: MOT20-06, MOT20-07, MOT20-08\n" in outcome.err
    assert "frames 1 to 4 of 4 were tracked, the server has 2080\n" in outcome.err
    assert names(tmp_path / "out") == {"MOT20-04.txt", "MOT20-04.json"}


def test_failed_sequence_is_status_1(track: Callable[..., Outcome], tmp_path: Path) -> None:
    make_benchmark(tmp_path / "MOT", {"train/MOT20-01": 4, "train/MOT20-02": 4})
    (tmp_path / "MOT/train/MOT20-01/img1/000003.png").write_bytes(b"damaged")
    outcome = track("--split", "train")
    assert outcome.status == 1
    assert re.search(r"error: MOT20-01: .*000003\.png: not an image", outcome.err)
    assert outcome.row("MOT20-01")[1:] == ["-", "-", "-", "-", "failed"]
    assert outcome.row("all")[1] == "4"
    assert names(tmp_path / "out") == {"MOT20-01.partial.json", "MOT20-01.partial.txt", "MOT20-02.json", "MOT20-02.txt"}


def test_changed_settings_need_overwrite(track: Callable[..., Outcome], tmp_path: Path) -> None:
    make_benchmark(tmp_path / "MOT", {"train/MOT20-01": 4})
    assert track("--split", "train").status == 0
    outcome = track("--split", "train", "--tracker", "byte")
    assert outcome.status == 1
    assert 'made with other settings (tracker: "overlap_reid" -> "byte"' in outcome.err
    assert track("--split", "train", "--tracker", "byte", "--overwrite").status == 0


def test_check_and_zip(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    for name in sequences("MOT15", "test"):
        (results / f"{name}.txt").write_text("1,1,10,20,30,60,0.9,-1,-1,-1\n")
    good = f"{results}: MOT15, 11 sequences, 11 rows, no fault\n"
    assert mot("check", results) == Outcome(0, good, "")
    assert mot("zip", results, "-o", tmp_path / "mine.zip").status == 0
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert len(archive.namelist()) == 11
    (results / "Venice-1.txt").write_text("451,1,10,20,30,60,0.9,-1,-1,-1\n")
    fault = f"error: {results}/Venice-1.txt: has frame 451, but the sequence has 450 frames\n"
    assert mot("check", results) == Outcome(1, "", fault)
    outcome = mot("zip", results)
    assert outcome.status == 1
    assert outcome.err.startswith(fault) and "MOT15.zip was not written" in outcome.err
    assert not (results / "MOT15.zip").exists()


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_goes_on_with_the_same_command(models: Path, tmp_path: Path, way: signal.Signals) -> None:
    lengths = {"train/MOT20-01": 30, "train/MOT20-02": 900, "train/MOT20-03": 900}
    make_benchmark(tmp_path / "MOT", lengths)
    engine = ("--engine", "local", "--model-repository", models, "--conf-thres", 0.2, "--jobs", 3)
    command = ("challenge", "track", "--root", tmp_path / "MOT", "--out", tmp_path / "out", "--split", "train", *engine)
    process = start(*command)
    with process:
        wait_for_line(process, "MOT20: frame 1 of 1830")
        deadline = time.monotonic() + 30
        while not (tmp_path / "out/MOT20-01.txt").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(way)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert {name for name in names(tmp_path / "out") if name.endswith(".txt") and "partial" not in name} == {
        "MOT20-01.txt"
    }
    process = start(*command)
    with process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    states = dict(re.findall(r"(MOT20-0\d).*?(tracked|kept) *$", out, re.MULTILINE))
    assert states == {"MOT20-01": "kept", "MOT20-02": "tracked", "MOT20-03": "tracked"}
    assert set(read_results(tmp_path / "out/MOT20-03.txt").frames) == set(range(1, 901))


def test_shares_fill_one_folder_and_the_last_to_finish_zips(
    mot: Callable[..., Outcome], track: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = {name: 3 + k for k, name in enumerate(splits.VIDEOS["MOT17"]["test"])}
    monkeypatch.setitem(splits.VIDEOS, "MOT17", {"train": {}, "test": lengths})  # type: ignore[arg-type]
    make_benchmark(tmp_path / "MOT", {f"test/{name}-FRCNN": length for name, length in lengths.items()})
    out = tmp_path / "out"

    assert track("--split", "test", "--share", "1/2").status == 0
    assert len(list(out.glob("*.txt"))) == 12  # of videos with 8, 7, 4 and 3 frames; the other share has 9, 6 and 5
    early = mot("zip", out, "--if-complete")
    assert early.status == 0 and "not complete yet, no zip: MOT17-06-DPM" in early.err
    assert mot("zip", out).status == 1

    assert track("--split", "test", "--share", "0/2").status == 0
    assert len(list(out.glob("*.txt"))) == 21 and not list(out.glob("*.zip"))
    assert mot("zip", out, "--if-complete").status == 0
    dealt = (out / "MOT17.zip").read_bytes()
    (out / "MOT17.zip").unlink()
    assert track("--split", "test").status == 0  # keeps all and zips
    assert (out / "MOT17.zip").read_bytes() == dealt


def test_share_without_a_sequence_is_no_failure(track: Callable[..., Outcome], tmp_path: Path) -> None:
    make_benchmark(tmp_path / "MOT", {"train/MOT20-01": 4})
    outcome = track("--split", "train", "--share", "1/2")
    assert outcome.status == 0 and "share 1/2 has no sequence: there are 1 in this split" in outcome.err


def test_share_that_is_none_is_refused(track: Callable[..., Outcome], tmp_path: Path) -> None:
    make_benchmark(tmp_path / "MOT", {"train/MOT20-01": 4})
    outcome = track("--split", "train", "--share", "2/2")
    assert outcome.status == 1 and "--share 2/2" in outcome.err


def test_share_comes_from_the_environment_too(
    track: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_benchmark(tmp_path / "MOT", {"train/MOT20-01": 4, "train/MOT20-02": 5})
    monkeypatch.setenv("MOT_SHARE", "1/2")
    assert track("--split", "train").status == 0
    assert [path.name for path in (tmp_path / "out").glob("*.txt")] == ["MOT20-01.txt"]
