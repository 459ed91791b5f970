"""The plugin's operator, against its definition and against ONNX Runtime's own DeformConv."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.export.deform_case import Case, run
from tests.export.deform_reference import deform_conv
from tests.plugin_library import plugin_library

CASES = {
    "plain": Case(),
    "odd channels": Case(channels=5, outputs=3),
    "one channel": Case(channels=1, outputs=1),
    "more outputs than a block of registers": Case(channels=3, outputs=37),
    "several chunks of depth": Case(channels=67, outputs=9, size=(4, 5)),
    "several tiles": Case(channels=2, outputs=2, size=(23, 19)),
    "groups": Case(channels=12, outputs=6, attributes={"pads": [1, 1, 1, 1], "group": 3}),
    "depthwise": Case(channels=5, outputs=5, attributes={"pads": [1, 1, 1, 1], "group": 5, "offset_group": 5}),
    "offset groups": Case(channels=12, outputs=5, attributes={"pads": [1, 1, 1, 1], "offset_group": 4}),
    "offset groups across groups": Case(
        channels=12, outputs=4, attributes={"pads": [1, 1, 1, 1], "group": 2, "offset_group": 3}
    ),
    "strides": Case(size=(9, 11), attributes={"pads": [1, 1, 1, 1], "strides": [2, 3]}),
    "dilations": Case(size=(9, 11), attributes={"pads": [2, 3, 2, 3], "dilations": [2, 3]}),
    "uneven pads": Case(attributes={"pads": [0, 3, 2, 1]}),
    "no attributes": Case(attributes={}),
    "kernel_shape given": Case(attributes={"kernel_shape": [3, 3]}),
    "kernel 1x5": Case(kernel=(1, 5), attributes={"pads": [0, 2, 0, 2], "offset_group": 2}),
    "kernel 1x1": Case(kernel=(1, 1), attributes={}),
    "kernel 2x4": Case(kernel=(2, 4), attributes={}),
    "batch": Case(batch=3, size=(5, 4)),
    "one pixel": Case(size=(1, 1)),
    "no mask": Case(mask=False),
    "no bias": Case(bias=False),
    "neither": Case(bias=False, mask=False),
}


@pytest.fixture(scope="module")
def library() -> Path:
    return plugin_library()


@pytest.mark.parametrize("constants", [True, False], ids=["constant weights", "computed weights"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_as_defined_and_as_native(library: Path, case: Case, constants: bool) -> None:
    feeds = case.tensors()
    actual = run(feeds, case.attributes, library, constants=constants)
    expected = deform_conv(
        feeds["x"], feeds["weight"], feeds["offset"], feeds.get("bias"), feeds.get("mask"), case.attributes
    )
    np.testing.assert_allclose(actual, expected, atol=1e-4)
    np.testing.assert_allclose(actual, run(feeds, case.attributes, None), atol=1e-4)


@pytest.mark.parametrize("code", ["generic", "avx2", "avx512"])
@pytest.mark.parametrize("case", [Case(channels=35, outputs=21, size=(13, 9)), CASES["offset groups across groups"]])
def test_every_instruction_set(library: Path, code: str, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    feeds = case.tensors()
    expected = run(feeds, case.attributes, None)
    monkeypatch.setenv("DEFORM_CONV_CODE", code)
    try:
        actual = run(feeds, case.attributes, library)
    except Exception as error:
        if f"DEFORM_CONV_CODE={code} " not in str(error) or code == "generic":
            raise
        pytest.skip(f"this processor has no {code}")
    np.testing.assert_allclose(actual, expected, atol=1e-4)


def test_unknown_instruction_set(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFORM_CONV_CODE", "mmx")
    with pytest.raises(Exception, match="DEFORM_CONV_CODE=mmx is not one of generic, avx2, avx512"):
        run(Case().tensors(), Case().attributes, library)


def test_empty_batch(library: Path) -> None:
    case = Case(batch=0)
    assert run(case.tensors(), case.attributes, library).shape == (0, 4, 6, 7)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_offset_that_is_nowhere_samples_zero(library: Path, value: float) -> None:
    case = Case()
    feeds = case.tensors()
    feeds["offset"][0, 0] = value
    actual = run(feeds, case.attributes, library)
    expected = deform_conv(*(feeds[n] for n in ("x", "weight", "offset", "bias", "mask")), case.attributes)
    np.testing.assert_allclose(actual, expected, atol=1e-4)


@pytest.mark.parametrize("shift", [-1.0, -0.5, 0.5, 5.0, 5.5, 6.0])
def test_sample_on_the_border(library: Path, shift: float) -> None:
    """A 1x1 kernel on an image of 6x6 ones: what is beyond the border counts as zero, by the share it has."""
    case = Case(channels=1, outputs=1, size=(6, 6), kernel=(1, 1), attributes={}, bias=False, mask=False)
    feeds = case.tensors()
    feeds["x"][:], feeds["weight"][:], feeds["offset"][:] = 1, 1, 0
    feeds["offset"][0, 0] = shift
    rows = np.arange(6) + shift
    inside = np.clip(np.minimum(rows + 1, 6 - rows), 0, 1)
    np.testing.assert_allclose(run(feeds, {}, library)[0, 0], np.repeat(inside[:, None], 6, axis=1), atol=1e-6)


WRONG = {
    "x": (Case(), {"x": (4, 6, 7)}, {}, r"input X is \(4, 6, 7\), but must be \(N, C, H, W\)"),
    "x without pixels": (Case(), {"x": (1, 4, 0, 7)}, {}, r"input X is \(1, 4, 0, 7\)"),
    "weight": (Case(), {"weight": (4, 3, 3, 3)}, {}, r"input W is \(4, 3, 3, 3\), .* where C is 4 and group is 1"),
    "weight of three sizes": (Case(), {"weight": (4, 4, 3)}, {}, r"input W is \(4, 4, 3\)"),
    "offset": (Case(), {"offset": (1, 9, 6, 7)}, {}, r"input offset is \(1, 9, 6, 7\), but must be \(1, 18, 6, 7\)"),
    "bias": (Case(), {"bias": (3,)}, {}, r"input B is \(3\), but must be \(4\)"),
    "mask": (Case(), {"mask": (1, 9, 6, 6)}, {}, r"input mask is \(1, 9, 6, 6\), but must be \(1, 9, 6, 7\)"),
    "kernel_shape": (Case(), {}, {"kernel_shape": [5, 5]}, r"attribute kernel_shape is \(5, 5\), .* input W"),
    "strides": (Case(), {}, {"strides": [0, 1]}, r"attribute strides is \(0, 1\)"),
    "dilations": (Case(), {}, {"dilations": [1]}, r"attribute dilations is \(1\)"),
    "pads": (Case(), {}, {"pads": [1, 1, -1, 1]}, r"attribute pads is \(1, 1, -1, 1\)"),
    "group": (Case(), {}, {"group": 3}, r"input W .* group is 3"),
    "no group": (Case(), {}, {"group": 0}, r"attribute group is \(0\)"),
    "offset_group": (Case(), {}, {"offset_group": 3}, r"attribute offset_group is \(3\), .* divisor"),
    "kernel beyond the image": (Case(size=(3, 3)), {"x": (1, 4, 1, 1)}, {"pads": [0] * 4}, r"input X .* kernel"),
}


@pytest.mark.parametrize(("case", "shapes", "attributes", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_shapes_name_the_input(
    library: Path,
    case: Case,
    shapes: dict[str, tuple[int, ...]],
    attributes: dict[str, int | list[int]],
    message: str,
) -> None:
    feeds = case.tensors() | {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    with pytest.raises(Exception, match=f"ModulatedDeformConv2d: {message}"):
        run(feeds, case.attributes | attributes, library)


def test_same_result_every_time_and_on_any_number_of_threads(library: Path) -> None:
    case = Case(batch=2, channels=16, outputs=16, size=(20, 30))
    first, *others = [run(case.tensors(), case.attributes, library) for _ in range(4)]
    for other in others:
        np.testing.assert_array_equal(first, other)
