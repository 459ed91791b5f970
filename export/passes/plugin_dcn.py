"""Deformable convolutions become the plugin's operator; the graph then needs its library (export/plugin)."""

from __future__ import annotations

import onnx

from mot.custom_ops import DOMAIN

OPERATOR = "ModulatedDeformConv2d"  # inputs, attributes and meaning are those of ONNX DeformConv
_VERSION = 1


def use_plugin(graph: onnx.ModelProto) -> int:
    """Rename every ONNX DeformConv in place; the result says how many there were."""
    nodes = [node for node in graph.graph.node if node.op_type == "DeformConv" and node.domain in ("", "ai.onnx")]
    for node in nodes:
        node.op_type, node.domain = OPERATOR, DOMAIN
    if nodes and not needs_plugin(graph):
        graph.opset_import.add(domain=DOMAIN, version=_VERSION)
    return len(nodes)


def needs_plugin(graph: onnx.ModelProto) -> bool:
    """Whether the graph declares the plugin's operators."""
    return any(entry.domain == DOMAIN for entry in graph.opset_import)
