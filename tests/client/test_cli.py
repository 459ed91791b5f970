"""The command ``mot`` with the engine in process: results, messages, exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest

import mot as mot_package
from client.evaluation.measures import MEASURES
from client.outputs.embeddings import read_embeddings
from client.video.open import open_source
from mot.sequence import read_results
from tests.command import ROOT, Outcome, colours, grainy, start, wait_for_line, walk
from tests.media import make_video, names, write_image
from tests.tiny_model import TINY, repository, save

COUNT = 30


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("models"))


@pytest.fixture
def track(mot: Callable[..., Outcome], models: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """``mot track`` with the tiny model in process and results in ``tmp_path/out``."""

    def run(*arguments: object) -> Outcome:
        fixed = ("--engine", "local", "--model-repository", models, "--output", tmp_path / "out")
        return mot("track", *fixed, "--conf-thres", 0.2, *arguments)

    return run


def unwrapped(panel: str) -> str:
    """The text in a box of Typer's."""
    return " ".join(panel.replace("│", "").split())


def write_zero_frames(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    return path


# Help, version, start-up.


@pytest.mark.parametrize("command", ["track", "refine", "serve", "eval", "sample"])
def test_help_has_examples(mot: Callable[..., Outcome], command: str) -> None:
    outcome = mot(command, "--help")
    assert outcome.status == 0
    lines = [line.strip() for line in outcome.out.splitlines()]
    assert any(line.startswith(f"mot {command}") for line in lines[lines.index("Examples") :])
    assert command in mot("-h").out


def test_version(mot: Callable[..., Outcome]) -> None:
    outcome = mot("--version")
    assert (outcome.status, outcome.err) == (0, "")
    version, code, weights = outcome.out.splitlines()
    assert version == f"mot {mot_package.__version__}"
    assert code == "licence of the code: Apache-2.0"
    card = Path(weights.removeprefix("terms of the shipped weights (research): "))
    assert card.read_text(encoding="utf-8").startswith("# Model card")


def test_help_loads_no_heavy_package() -> None:
    code = (
        "import sys; from client.cli import main\n"
        "try: main(['track', '--help'])\n"
        "except SystemExit: print(sorted({'av', 'cv2', 'lap', 'numpy', 'onnxruntime', 'trackeval', 'tritonclient', "
        "'torch'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("track",), "Missing argument 'INPUT'"),
        (("track", "a.mp4", "--conf-thres", "1.5"), "--conf-thres"),
        (("track", "a.mp4", "--engine", "magic"), "'magic' is not one of 'triton', 'local'"),
        (("track", "a.mp4", "--engine", "local", "--url", "host:8001"), "--engine local uses no server"),
        (("track", "a.mp4", "--in-flight", "0"), "--in-flight"),
        (("track", "a.mp4", "b.mp4", "--detections", "d.txt"), "one file of detections cannot fit 2 inputs"),
        (("serve", "--http-port", "70000"), "--http-port"),
    ],
)
def test_wrong_usage_is_status_2(mot: Callable[..., Outcome], arguments: tuple[str, ...], message: str) -> None:
    outcome = mot(*arguments)
    assert outcome.status == 2
    assert message in unwrapped(outcome.err)


# Tracking.


def results(folder: Path) -> set[str]:
    """The files in a folder without records."""
    return {name for name in names(folder) if not name.endswith(".json")} if folder.exists() else set()


def test_track_writes_rows_and_video_and_prints_a_summary(track: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = track(walk(tmp_path / "walk.mp4", COUNT))
    assert outcome.status == 0, outcome.err
    assert results(tmp_path / "out") == {"walk.txt", "walk.mp4"}
    rows = read_results(tmp_path / "out/walk.txt")
    assert set(rows.frames) == set(range(1, COUNT + 1))
    with av.open(str(tmp_path / "out/walk.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.frames) == ("h264", "yuv420p", COUNT)
    cells = {line.split("  ")[0].strip(): line.split() for line in outcome.out.splitlines() if line.strip()}
    assert cells["frames"][1] == str(COUNT)
    assert cells["people"][1] == str(len(rows))
    assert cells["ids"][1] == str(len(set(rows.ids)))
    for stage in ("decode", "letterbox", "infer", "wait", "associate", "render/encode", "frames per second"):
        assert stage in outcome.out
    assert outcome.out.splitlines()[-2:] == [str(tmp_path / "out/walk.txt"), str(tmp_path / "out/walk.mp4")]
    assert f"walk: frame 1 of {COUNT}, " in outcome.err


@pytest.mark.parametrize("video", ["--video", "--no-video"])
def test_given_detections_need_no_network(track: Callable[..., Outcome], tmp_path: Path, video: str) -> None:
    given = tmp_path / "det.txt"
    given.write_text("".join(f"{n},-1,{10 + n},10,9,20,0.9\n" for n in range(1, COUNT + 1)))
    nowhere = ("--model-repository", tmp_path / "nowhere")
    outcome = track(walk(tmp_path / "walk.mp4", COUNT), "--detections", given, video, *nowhere)
    assert outcome.status == 0, outcome.err
    assert results(tmp_path / "out") == ({"walk.txt"} if video == "--no-video" else {"walk.txt", "walk.mp4"})
    rows = read_results(tmp_path / "out/walk.txt")
    assert rows.frames.tolist() == list(range(1, COUNT + 1))
    assert set(rows.ids) == {1}


def test_given_detections_need_no_images(track: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "seq").mkdir()
    (tmp_path / "det.txt").write_text("".join(f"{n},-1,10,10,9,20,0.9\n" for n in range(1, 8)))
    outcome = track(tmp_path / "seq", "--detections", tmp_path / "det.txt", "--no-video", "--start", 3)
    assert outcome.status == 0, outcome.err
    assert read_results(tmp_path / "out/seq.txt").frames.tolist() == [3, 4, 5, 6, 7]
    assert "seq: no seqinfo.ini; 30 frames per second are assumed" in outcome.err


def test_malformed_detections(track: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "det.txt").write_text("1,-1,10,10,9\n")
    outcome = track(walk(tmp_path / "walk.mp4", COUNT), "--detections", tmp_path / "det.txt")
    assert outcome.status == 1
    assert outcome.err.startswith(f"error: {tmp_path}/det.txt:1: 5 columns, expected 7 to 10")


def test_no_video(track: Callable[..., Outcome], tmp_path: Path) -> None:
    assert track(walk(tmp_path / "walk.mp4", COUNT), "--no-video").status == 0
    assert results(tmp_path / "out") == {"walk.txt"}


def test_a_range_of_frames_keeps_their_numbers(track: Callable[..., Outcome], tmp_path: Path) -> None:
    video = walk(tmp_path / "walk.mp4", COUNT)
    assert track(video, "--no-video", "--start", 11, "--end", 20).status == 0
    assert set(read_results(tmp_path / "out/walk.txt").frames) == set(range(11, 21))
    outcome = track(video, "--start", 20, "--end", 11)
    assert outcome == Outcome(1, "", "error: end 11 is before start 20\n")


def test_conf_thres_decides_who_is_tracked(track: Callable[..., Outcome], tmp_path: Path) -> None:
    assert track(walk(tmp_path / "walk.mp4", COUNT), "--no-video", "--conf-thres", 1).status == 0
    assert (tmp_path / "out/walk.txt").read_text() == ""


def test_frames_in_flight_do_not_change_the_rows(track: Callable[..., Outcome], tmp_path: Path) -> None:
    video = walk(tmp_path / "walk.mp4", COUNT)
    rows = set()
    for in_flight in (1, 3, 40):
        assert track(video, "--no-video", "--in-flight", in_flight).status == 0
        rows.add((tmp_path / "out/walk.txt").read_text())
    assert len(rows) == 1


def test_inputs_of_the_same_name_get_results_of_their_own(track: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    videos = walk(tmp_path / "walk.mp4", COUNT), walk(tmp_path / "other/walk.mp4", 5)
    third = walk(tmp_path / "walk-2.mp4", 7)
    outcome = track(*videos, third, "--no-video")
    assert outcome.status == 0
    assert results(tmp_path / "out") == {"walk.txt", "walk-2.txt", "walk-2-2.txt"}
    for name, count in (("walk", COUNT), ("walk-2", 5), ("walk-2-2", 7)):
        assert read_results(tmp_path / f"out/{name}.txt").frames.max() == count
        assert str(tmp_path / f"out/{name}.txt") in outcome.out.splitlines()


def test_looks_are_written_for_refinement(
    track: Callable[..., Outcome], mot: Callable[..., Outcome], tmp_path: Path
) -> None:
    assert track(walk(tmp_path / "walk.mp4", COUNT), "--no-video", "--embeddings").status == 0
    assert set(read_embeddings(tmp_path / "out/walk.embeddings.npz")) == set(
        read_results(tmp_path / "out/walk.txt").ids
    )
    assert mot("refine", tmp_path / "out/walk.txt", "--output", tmp_path / "better", "--link-gap", 30).status == 0
    assert (tmp_path / "better/walk.txt").exists()


def test_given_detections_have_no_looks(track: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = track(walk(tmp_path / "walk.mp4", 5), "--embeddings", "--detections", tmp_path / "det.txt")
    assert outcome.status == 2
    assert "given detections have no embeddings" in unwrapped(outcome.err)


def test_an_input_that_cannot_be_read_does_not_stop_the_others(track: Callable[..., Outcome], tmp_path: Path) -> None:
    videos = [walk(tmp_path / f"{name}.mp4", 5) for name in "ab"]
    outcome = track(videos[0], tmp_path / "missing.mp4", videos[1], "--no-video")
    assert outcome.status == 1
    assert f"error: '{tmp_path}/missing.mp4': no such file or folder; check the path\n" in outcome.err
    assert results(tmp_path / "out") == {"a.txt", "b.txt"}


def test_a_result_does_not_replace_its_input(track: Callable[..., Outcome], tmp_path: Path) -> None:
    video = walk(tmp_path / "walk.mp4", 5)
    before = video.read_bytes()
    outcome = track(video, "--output", tmp_path)
    assert outcome.status == 1
    assert outcome.err == f"error: {video}: the result would replace its own input; choose another output folder\n"
    assert video.read_bytes() == before and names(tmp_path) == {"walk.mp4"}


# Results that exist.


def test_same_command_again_keeps_what_is_finished(track: Callable[..., Outcome], tmp_path: Path) -> None:
    videos = [walk(tmp_path / f"{name}.mp4", 5) for name in "abc"]
    assert track(*videos[:2], "--no-video").status == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    outcome = track(*videos, "--no-video", "--jobs", 2)
    assert outcome.status == 0, outcome.err
    assert outcome.err.count("kept as an earlier run with the same settings has made it") == 2
    assert results(tmp_path / "out") == {"a.txt", "b.txt", "c.txt"}
    assert [path for path, time in before.items() if path.stat().st_mtime_ns != time] == []
    assert track(videos[0]).status == 0  # the video, too: what is there is not all that is asked for
    assert (tmp_path / "out/a.mp4").exists()


@pytest.mark.parametrize("change", ["settings", "input", "record"])
def test_results_that_are_not_the_same_are_replaced_with_overwrite_alone(
    track: Callable[..., Outcome], tmp_path: Path, change: str
) -> None:
    video = walk(tmp_path / "walk.mp4", 5)
    assert track(video, "--no-video").status == 0
    before = (tmp_path / "out/walk.txt").read_bytes()
    if change == "input":
        walk(video, 7)
    if change == "record":
        (tmp_path / "out/walk.json").unlink()
    options = ("--no-video", *(("--start", 2) if change == "settings" else ()))
    outcome = track(video, *options)
    assert outcome.status == 1
    reason = {
        "settings": "walk.json: made with other settings (frames: [1, null] -> [2, null])",
        "input": "walk.json: made with other settings (input.bytes: ",
        "record": "walk.txt: nothing says how it was made, walk.json is missing",
    }[change]
    assert reason in outcome.err and "replace these results with --overwrite" in outcome.err
    assert (tmp_path / "out/walk.txt").read_bytes() == before
    assert track(video, *options, "--overwrite").status == 0
    assert ((tmp_path / "out/walk.txt").read_bytes() == before) is (change == "record")


def test_former_name_of_the_output_folder(mot: Callable[..., Outcome], tmp_path: Path, models: Path) -> None:
    video = walk(tmp_path / "walk.mp4", 5)
    local = ("--engine", "local", "--model-repository", models, "--no-video")
    assert mot("track", video, *local, "--output-root", tmp_path / "old").status == 0
    assert names(tmp_path / "old") == {"walk.txt", "walk.json"}
    assert "--output-root" not in mot("track", "--help").out


def test_faults_of_inputs_are_told_before_any_is_tracked(track: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = track(walk(tmp_path / "a.mp4", 5), tmp_path / "typo.mp4", "--no-video")
    lines = outcome.err.splitlines()
    assert lines[0] == f"error: '{tmp_path}/typo.mp4': no such file or folder; check the path"
    assert outcome.status == 1 and results(tmp_path / "out") == {"a.txt"}


@pytest.mark.parametrize("name", ["a[bold]b", "[red]", "x[/]"])
def test_brackets_in_names_are_no_markup(track: Callable[..., Outcome], tmp_path: Path, name: str) -> None:
    (tmp_path / "videos").mkdir()
    video = walk(tmp_path / "walk.mp4", 5).rename(tmp_path / "videos" / f"{name.replace('/', '')}.mp4")
    outcome = track(video, "--no-video")
    assert outcome.status == 0, outcome.err
    assert f" {video.stem} " in outcome.out.splitlines()[0]


# Bad input.


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.mp4", None, "'{path}': no such file or folder; check the path"),
        ("empty.mp4", b"", "{path}: the file is empty"),
        (
            "text.mp4",
            b"no video\n" * 99,
            "{path}: not a video that can be read: another kind of file, or a video cut off before its index",
        ),
    ],
)
def test_files_that_are_no_video(
    track: Callable[..., Outcome], tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert track(path) == Outcome(1, "", f"error: {message.format(path=path)}\n")
    assert results(tmp_path / "out") == set()


def test_video_cut_in_half_is_tracked_with_a_warning(track: Callable[..., Outcome], tmp_path: Path) -> None:
    whole = make_video(tmp_path / "whole.mp4", grainy(40), options={"movflags": "+faststart"}).read_bytes()
    half = tmp_path / "half.mp4"
    half.write_bytes(whole[: len(whole) // 2])
    outcome = track(half)
    assert outcome.status == 0
    assert f"warning: {half}: " in outcome.err and "of the 40 that its header announces" in outcome.err
    with open_source(str(tmp_path / "out/half.mp4")) as source:
        assert 5 < sum(1 for _ in source) < 40


def test_video_without_frames(track: Callable[..., Outcome], tmp_path: Path) -> None:
    path = write_zero_frames(tmp_path / "none.mp4")
    outcome = track(path)
    assert outcome.status == 1
    assert outcome.err.startswith(f"error: {path}: ") and outcome.err.count("\n") == 1
    assert results(tmp_path / "out") == set()


def test_frames_of_one_pixel(track: Callable[..., Outcome], tmp_path: Path) -> None:
    for index, image in enumerate(colours(3, 1, 1), start=1):
        write_image(tmp_path / "dots" / f"{index}.png", image)
    outcome = track(tmp_path / "dots")
    assert outcome.status == 0, outcome.err
    with open_source(str(tmp_path / "out/dots.mp4")) as source:
        assert [frame.image.shape for frame in source] == [(2, 2, 3)] * 3


def test_frames_of_8k(track: Callable[..., Outcome], tmp_path: Path) -> None:
    for index, image in enumerate(colours(2, 7680, 4320), start=1):
        write_image(tmp_path / "large" / f"{index}.jpg", image)
    outcome = track(tmp_path / "large", "--no-video")
    assert outcome.status == 0, outcome.err
    assert set(read_results(tmp_path / "out/large.txt").frames) == {1, 2}


def test_folder_without_images(track: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("")
    outcome = track(tmp_path / "folder")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith(f"error: {tmp_path}/folder: no images in this folder (looked for .apng, .avif, .bmp")


def test_model_that_is_not_onnx(track: Callable[..., Outcome], tmp_path: Path, models: Path) -> None:
    broken = Path(shutil.copytree(models, tmp_path / "models"))
    (broken / "fairmot/1/model.onnx").write_text("not a graph")
    outcome = track(walk(tmp_path / "walk.mp4", 2), "--model-repository", broken)
    assert outcome.status == 1
    assert outcome.err.startswith(f"error: {broken}/fairmot/1/model.onnx: ONNX Runtime")
    assert "cannot load it as an ONNX model" in outcome.err and "export it again with mot-export" in outcome.err


def test_model_of_another_contract_version(track: Callable[..., Outcome], tmp_path: Path) -> None:
    model = save(tmp_path / "models/fairmot/1/model.onnx", metadata=TINY.to_metadata() | {"mot.version": "99"})
    outcome = track(walk(tmp_path / "walk.mp4", 2), "--model-repository", tmp_path / "models")
    assert outcome.status == 1
    assert outcome.err == (
        f"error: {model}: contract version 99, this program speaks 1; "
        "export the model again with the mot-export of this release\n"
    )


def test_model_that_is_missing(track: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = track(walk(tmp_path / "walk.mp4", 2), "--model-repository", tmp_path / "nowhere")
    assert outcome.status == 1
    assert f"error: {tmp_path}/nowhere/fairmot/1/model.onnx: no such model file" in outcome.err


def test_server_that_cannot_be_reached(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    outcome = mot("track", walk(tmp_path / "walk.mp4", 2), "--url", f"127.0.0.1:{port}", "--output", tmp_path / "out")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith(f"error: no Triton server is ready at grpc://127.0.0.1:{port} ")
    assert "start one with `mot serve`, or check the address" in outcome.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("video", ["--video", "--no-video"])
def test_full_disk_leaves_nothing_under_the_final_names(
    track: Callable[..., Outcome], tmp_path: Path, small_disk: Path, video: str
) -> None:
    kind = "mp4" if video == "--video" else "txt"
    if kind == "txt":
        (small_disk / "filler").write_bytes(bytes(252 << 10))
    source = make_video(tmp_path / "walk.mp4", grainy(150, 192, 144) if kind == "mp4" else colours(150))
    outcome = track(source, video, "--output", small_disk)
    assert outcome.status == 1
    message = rf"error: {small_disk}/walk\.\w+: no space left on device; free some or choose another output folder\n"
    assert re.search(message, outcome.err)
    assert names(small_disk) <= {"filler", "walk.partial.txt", "walk.partial.json"}


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interruption_keeps_finished_frames_as_partial(tmp_path: Path, models: Path, way: signal.Signals) -> None:
    video = walk(tmp_path / "walk.mp4", 3000)
    out = tmp_path / "out"
    with start("track", video, "--engine", "local", "--model-repository", models, "--output", out) as process:
        wait_for_line(process, "walk: frame 1 of 3000")
        process.send_signal(way)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert names(out) == {"walk.partial.txt", "walk.partial.mp4", "walk.partial.json"}
    assert f"warning: {out}/walk.partial.txt: kept the " in errors and "Traceback" not in errors
    with open_source(str(out / "walk.partial.mp4")) as source:
        assert 0 < sum(1 for _ in source) < 3000
    read_results(out / "walk.partial.txt")


# Scores and the sample.


def write_pair(folder: Path, name: str, frames: int = 10) -> None:
    """Two people in ``folder/gt/NAME/gt/gt.txt``, the first of whom ``folder/result/NAME.txt`` has."""
    truth, result = folder / "gt" / name / "gt" / "gt.txt", folder / "result" / f"{name}.txt"
    truth.parent.mkdir(parents=True)
    result.parent.mkdir(exist_ok=True)
    rows = [(frame, person) for frame in range(1, frames + 1) for person in (1, 2)]
    truth.write_text("".join(f"{f},{p},{100 * p + f},50,40,100,1,1,1\n" for f, p in rows))
    result.write_text("".join(f"{f},7,{100 * p + f},50,40,100,0.9,-1,-1,-1\n" for f, p in rows if p == 1))


def test_eval_of_two_files(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    write_pair(tmp_path, "street")
    outcome = mot("eval", tmp_path / "gt/street/gt/gt.txt", tmp_path / "result/street.txt", "--hz", 25)
    assert outcome.status == 0, outcome.err
    lines = {line.strip("│┃ ").split(" ↑")[0].split(" ↓")[0]: line for line in outcome.out.splitlines()}
    assert all(measure.name in lines for measure in MEASURES)
    assert " 50.0 " in lines["MOTA"] and " 10 " in lines["FN"] and " 25.00 " in lines["Hz"]
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_eval_of_folders_writes_json_and_csv(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    for name in "ABCDE":
        write_pair(tmp_path, name)
    files = tmp_path / "scores.json", tmp_path / "new" / "scores.csv"
    outcome = mot("eval", tmp_path / "gt", tmp_path / "result", "--json", files[0], "--csv", files[1])
    assert outcome.status == 0, outcome.err
    assert outcome.out.count("MOTA") == 2 and "COMBINED" in outcome.out
    assert json.loads(files[0].read_text())["combined"]["Frames"] == 50
    assert len(files[1].read_text().splitlines()) == 7


def test_eval_of_a_range_and_a_length(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    write_pair(tmp_path, "street")
    pair = tmp_path / "gt/street", tmp_path / "result"
    scores = tmp_path / "scores.json"
    assert mot("eval", *pair, "--start", 3, "--end", 6, "--json", scores).status == 0
    assert json.loads(scores.read_text())["combined"]["Frames"] == 4
    assert mot("eval", *pair, "--length", 12, "--benchmark", "MOT15", "--json", scores).status == 0
    assert json.loads(scores.read_text())["combined"]["Frames"] == 12
    outcome = mot("eval", *pair, "--length", 9)
    assert outcome.status == 1 and "frame 10 is beyond the 9 frames of street" in outcome.err


def test_eval_prints_warnings(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    write_pair(tmp_path, "street")
    (tmp_path / "result/street.txt").write_text("")
    outcome = mot("eval", tmp_path / "gt/street", tmp_path / "result")
    assert outcome.status == 0
    assert outcome.err.startswith(f"warning: street: {tmp_path}/result/street.txt has no rows in frames 1 to 10")


def test_eval_of_what_is_not_there(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    message = f"error: {tmp_path}/gt: no such file or folder; give a gt.txt or a folder of sequences\n"
    assert mot("eval", tmp_path / "gt", tmp_path) == Outcome(1, "", message)
    write_pair(tmp_path, "street")
    outcome = mot("eval", tmp_path / "gt", tmp_path / "result", "--name", "gt_val.txt")
    assert outcome == Outcome(1, "", f"error: {tmp_path}/gt: holds no SEQUENCE/gt/gt_val.txt\n")


def test_eval_with_one_length_for_several_sequences(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    for name in "AB":
        write_pair(tmp_path, name)
    outcome = mot("eval", tmp_path / "gt", tmp_path / "result", "--length", 10)
    assert outcome.status == 1 and "holds 2 sequences; a length" in unwrapped(outcome.err)


def test_eval_report_that_cannot_be_written(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    write_pair(tmp_path, "street")
    (tmp_path / "scores").mkdir()
    outcome = mot("eval", tmp_path / "gt/street", tmp_path / "result", "--json", tmp_path / "scores")
    assert outcome.status == 1
    assert outcome.err == f"error: {tmp_path}/scores: cannot be written: Is a directory; choose another file\n"


@pytest.mark.data
def test_sample_that_is_there_is_not_fetched_again(
    mot: Callable[..., Outcome], mot_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vtest.avi").symlink_to(mot_data / "videos/vtest.avi")
    monkeypatch.setenv("PATH", str(tmp_path))  # no apt-get
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert mot("sample", "--folder", tmp_path) == Outcome(0, f"{tmp_path}/vtest.avi\n", "")


# Names and standard streams.


@pytest.mark.parametrize("name", ["a\nb", " a ", "-a", "50%d", "a:b", "[red]a", "münchen – 東京", "x" * 245])
def test_any_name_of_a_file_will_do(track: Callable[..., Outcome], tmp_path: Path, name: str) -> None:
    video = walk(tmp_path / "walk.mp4", 6).rename(tmp_path / f"{name}.mp4")
    assert track("--", video).status == 0
    assert names(tmp_path / "out") == {f"{name[:200]}.{kind}" for kind in ("txt", "mp4", "json")}
    again = track("--no-video", "--", video)
    assert (again.status, "kept as an earlier run" in again.err) == (0, True)


@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_a_name_that_is_no_text_is_tracked_and_printed(models: Path, tmp_path: Path, locale: dict[str, str]) -> None:
    """In Latin-1, or in a locale of ASCII: Python has its bytes as lone surrogates."""
    walk(tmp_path / "walk.mp4", 6).rename(tmp_path / os.fsdecode(b"stra\xdfe.mp4"))
    options = ("track", "--engine", "local", "--model-repository", models, "--output", tmp_path / "out")
    done = subprocess.run(
        [sys.executable, "-m", "client.cli", *map(str, options), tmp_path / os.fsdecode(b"stra\xdfe.mp4")],
        capture_output=True, check=True, cwd=ROOT, timeout=120, env=os.environ | locale,
    )  # fmt: skip
    assert b"/out/stra\xdfe.mp4\n" in done.stdout
    assert names(tmp_path / "out") == {os.fsdecode(b"stra\xdfe.") + kind for kind in ("txt", "mp4", "json")}


def test_all_videos_are_tracked_though_nobody_reads_on(models: Path, tmp_path: Path) -> None:
    videos = [walk(tmp_path / f"{name}.mp4", 6) for name in "ab"]
    options = ("--engine", "local", "--model-repository", models, "--output", tmp_path / "out")
    process = start("track", *options, *videos)
    assert process.stdout and process.stderr
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=120) == 0
    assert names(tmp_path / "out") == {f"{name}.{kind}" for name in "ab" for kind in ("txt", "mp4", "json")}


def test_a_video_by_standard_input(models: Path, tmp_path: Path) -> None:
    walk(tmp_path / "walk.mkv", 6)
    options = ("--engine", "local", "--model-repository", models, "--output", tmp_path / "out")
    with (tmp_path / "walk.mkv").open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "client.cli", "track", *map(str, options), "-"],
            stdin=file, capture_output=True, check=True, cwd=ROOT, timeout=120,
        )  # fmt: skip
    assert b"stdin.mp4" in done.stdout
    assert names(tmp_path / "out") == {"stdin.txt", "stdin.mp4", "stdin.json"}
