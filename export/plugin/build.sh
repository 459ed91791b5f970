#!/bin/sh
# Build the library: build.sh FOLDER [cmake options]; the result is FOLDER/libdeform_conv.so.
#
# ORT_INCLUDE_DIR  folder with ONNX Runtime's headers; by default they are fetched (see fetch_headers.sh)
# CUDA             ON or OFF; by default ON where nvcc is found
#
# Exit status 69 says that a tool or a header is missing, any other that the code does not build.
set -eu
folder=$1
shift
here=$(dirname "$0")

for tool in cmake make c++; do
    if ! command -v "$tool" > /dev/null; then
        echo "build.sh: $tool is missing; on Debian and Ubuntu: apt-get install g++ cmake make" >&2
        echo "Nothing needs the plugin: mot-export model --dcn native uses ONNX's own DeformConv." >&2
        exit 69
    fi
done
mkdir -p "$folder"
if [ -z "${ORT_INCLUDE_DIR:-}" ]; then
    ORT_INCLUDE_DIR=$folder/include
    test -r "$ORT_INCLUDE_DIR/onnxruntime_cxx_api.h" || "$here/fetch_headers.sh" "$ORT_INCLUDE_DIR"
elif [ ! -r "$ORT_INCLUDE_DIR/onnxruntime_cxx_api.h" ]; then
    echo "build.sh: ORT_INCLUDE_DIR=$ORT_INCLUDE_DIR has no onnxruntime_cxx_api.h" >&2
    exit 69
fi
if [ -z "${CUDA:-}" ]; then
    CUDA=$(command -v nvcc > /dev/null && echo ON || echo OFF)
fi
cmake -S "$here" -B "$folder" -DORT_INCLUDE_DIR="$(cd "$ORT_INCLUDE_DIR" && pwd)" -DDEFORM_CONV_CUDA="$CUDA" "$@" \
    > "$folder/cmake.log"
cmake --build "$folder" --target deform_conv
echo "$folder/libdeform_conv.so (CUDA: $CUDA)"
