#!/bin/sh
# Not run on a GPU yet: tests/export/test_tensorrt.py checks what is asked of docker, not what trtexec makes of it.
#
# Build a TensorRT engine, fp16, from an exported graph, with trtexec in NVIDIA's TensorRT container (10.1 to 11.x):
#
#     mot-export model runs/mot17_mit_b1/last.pt --output runs/tensorrt/fairmot --passes portable --precision fp16 \
#         --image street.jpg
#     IMAGE=... export/tensorrt.sh runs/tensorrt/fairmot/1/model.onnx runs/tensorrt/fairmot/1/model.plan
#
# The graph's own types are the engine's: TensorRT 11 has no --fp16 any more and always builds strongly typed networks;
# 10.x does when asked by --stronglyTyped, which 11 takes and ignores (NVIDIA's guide "Migrating trtexec Usage from
# TensorRT 10.x to 11.x"). So the graph must be one of --precision fp16.
#
# TensorRT reads ONNX DeformConv since 10.1 (onnx-tensorrt, docs/Changelog.md) where opposite pads are equal and there is
# a mask, as mot-export always writes it. The library of `make plugin` is for ONNX Runtime, so the graph must
# be one of --dcn native; and of --passes portable, because TensorRT does not know ONNX Runtime's own operators.
#
# How Triton serves the engine: export/plugin/README.md, section TensorRT.
#
# IMAGE      the container's name with its tag
# MAX_BATCH  images at once, at most; by default 8, as in config.pbtxt
set -eu
fail() {
    echo "tensorrt.sh: $1" >&2
    exit 1
}
test $# = 2 || fail "usage: IMAGE=... tensorrt.sh GRAPH ENGINE"
graph=$1
engine=$2
test -n "${IMAGE:-}" || fail "IMAGE is not set: the name of NVIDIA's TensorRT container"
test -r "$graph" || fail "$graph: no such graph; mot-export writes it"
command -v docker > /dev/null || fail "docker is missing; trtexec runs in NVIDIA's container"

size=$("$(dirname "$0")/../.venv/bin/python" - "$graph" << 'END'
import sys

import onnx
from google.protobuf.message import DecodeError

path = sys.argv[1]
remedy = "export it with --passes portable --dcn native --precision fp16"
try:
    model = onnx.load(path)
except DecodeError:
    sys.exit(f"tensorrt.sh: {path} is no ONNX file; {remedy}")
foreign = sorted({node.domain for node in model.graph.node} - {""})
if foreign:
    sys.exit(f"tensorrt.sh: {path} has operators of {foreign[0]}; {remedy}")
precision = {entry.key: entry.value for entry in model.metadata_props}.get("mot.precision", "of unknown precision")
if precision != "fp16":
    sys.exit(f"tensorrt.sh: {path} is {precision}, and an engine has its graph's types; {remedy}")
print(*(side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim[1:]), sep="x")
END
)
mkdir -p "$(dirname "$engine")"
docker run --rm --gpus all \
    -v "$(cd "$(dirname "$graph")" && pwd):/graph:ro" -v "$(cd "$(dirname "$engine")" && pwd):/engine" \
    "$IMAGE" trtexec --onnx="/graph/$(basename "$graph")" --saveEngine="/engine/$(basename "$engine")" --stronglyTyped \
    --minShapes="image:1x$size" --optShapes="image:1x$size" --maxShapes="image:${MAX_BATCH:-8}x$size"
