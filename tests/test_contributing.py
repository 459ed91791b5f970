"""The worked examples of CONTRIBUTING.md do what they say."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx_ir
import pytest
import torch
from onnx import TensorProto, helper

from mot.detections import Detections

ROOT = Path(__file__).resolve().parents[1]
IMPORTS = {
    "tracker": """
        from dataclasses import dataclass
        import numpy as np
        from numpy.typing import NDArray
        from client.tracking.config import TrackerConfig
        from client.tracking.motion import XYAH
        from client.tracking.records import LOST, TENTATIVE, TRACKED
        from client.tracking.setting import setting
        from client.tracking.table import TrackTable
        from mot.detections import Detections, Tracks
        Image = NDArray[np.uint8]
    """,
    "backbone": """
        from functools import partial
        from itertools import accumulate, pairwise
        from torch import Tensor, nn
        from training.model.fairmot import ARCHITECTURES, Architecture
        from training.model.neck import TopDownNeck
    """,
    "pass": """
        from typing import Any
        from onnxscript.rewriter import RewriteRule, RewriteRuleSet
        from export.passes.rewriting import GraphPass
    """,
    "sink": """
        from pathlib import Path
        from client.outputs.sink import FileSink
        from client.pipeline.tracked import TrackedFrame
    """,
}


def example(kind: str) -> dict[str, Any]:
    """The names that the example defines."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(rf"^## Add a {kind}\n.*?^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found, f"no example of a {kind}"
    imports = "\n".join(line.strip() for line in IMPORTS[kind].splitlines())
    module = ModuleType(f"example_{kind}")
    sys.modules[module.__name__] = module  # where dataclasses look types up
    source = f"from __future__ import annotations\n{imports}\n{found[1]}"
    exec(compile(source, f"CONTRIBUTING.md, {kind}", "exec"), module.__dict__)
    return module.__dict__


def test_tracker_follows_a_person_who_walks() -> None:
    pytest.importorskip("client.tracking.table")
    tracker = example("tracker")["SortConfig"]().tracker(frame_rate=10)
    ids = []
    for left in range(10, 60, 5):
        boxes = np.array([[left, 20, left + 30, 100]], np.float32)
        found = Detections(boxes=boxes, scores=np.array([0.9], np.float32))
        ids += tracker.update(found).ids.tolist()
    assert ids == [1] * 9  # the second detection makes the track


@pytest.fixture
def architectures() -> Iterator[dict[str, Any]]:
    from training.model.fairmot import ARCHITECTURES

    before = dict(ARCHITECTURES)
    yield ARCHITECTURES
    ARCHITECTURES.clear()
    ARCHITECTURES.update(before)


def test_backbone_makes_a_network(architectures: dict[str, Any]) -> None:
    from training.model.fairmot import FairMOT

    example("backbone")
    features, heatmap = FairMOT("plain")(torch.zeros(1, 3, 64, 96))
    assert (features.shape, heatmap.shape) == ((1, 32, 16, 24), (1, 1, 16, 24))


def test_pass_leaves_out_what_it_says() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Relu", ["y"], ["z"])]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [3])] for name in "xz"]
    graph = helper.make_graph(nodes, "twice", *ends)
    model = onnx_ir.from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]))
    assert example("pass")["RELU"].apply(model) == 1
    assert [node.op_type for node in model.graph] == ["Relu"]


def test_sink_writes_its_rows(tmp_path: Path) -> None:
    sink = example("sink")["CountSink"]
    path = tmp_path / "people.txt"
    with sink(path) as out:
        for index, people in ((1, 3), (2, 0)):
            out.write(SimpleNamespace(frame=SimpleNamespace(index=index), tracks=range(people)))
        assert not path.exists()
    assert path.read_text() == "1,3\n2,0\n"
