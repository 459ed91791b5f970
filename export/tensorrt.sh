#!/bin/sh
# NOT RUN HERE: there was neither a GPU nor NVIDIA's container where this was written.
#
# Build a TensorRT engine, fp16, from an exported graph, with trtexec in NVIDIA's TensorRT container (10.1 or newer):
#
#     mot-export model runs/default/last.pt --output runs/tensorrt/fairmot --passes portable --dcn native
#     IMAGE=... export/tensorrt.sh runs/tensorrt/fairmot/1/model.onnx runs/tensorrt/fairmot/1/model.plan
#
# TensorRT reads ONNX DeformConv since 10.1 (onnx-tensorrt, docs/Changelog.md) where opposite pads are equal and there is
# a mask, as mot-export always writes it. The library of `make plugin` is for ONNX Runtime, so the graph must
# be one of --dcn native; and of --passes portable, because TensorRT does not know ONNX Runtime's own operators.
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

graph = onnx.load(sys.argv[1]).graph
foreign = sorted({node.domain for node in graph.node} - {""})
if foreign:
    sys.exit(f"tensorrt.sh: {sys.argv[1]} has operators of {foreign[0]}; export it with --passes portable --dcn native")
print(*(side.dim_value for side in graph.input[0].type.tensor_type.shape.dim[1:]), sep="x")
END
)
mkdir -p "$(dirname "$engine")"
docker run --rm --gpus all \
    -v "$(cd "$(dirname "$graph")" && pwd):/graph:ro" -v "$(cd "$(dirname "$engine")" && pwd):/engine" \
    "$IMAGE" trtexec --onnx="/graph/$(basename "$graph")" --saveEngine="/engine/$(basename "$engine")" --fp16 \
    --minShapes="image:1x$size" --optShapes="image:1x$size" --maxShapes="image:${MAX_BATCH:-8}x$size"
