// Deformable convolution on an NVIDIA GPU, fp32 and fp16.
#pragma once

#include <cstdint>

#include "../geometry.h"

namespace deform::cuda {

struct Half {
    uint16_t bits;  // IEEE 754 binary16; __half without CUDA's headers
};

// Contiguous tensors in ONNX's layout, in device memory; bias and mask may be null.
template <typename T>
struct Tensors {
    const T* x;
    const T* weight;
    const T* offset;
    const T* bias;
    const T* mask;
    T* y;
};

// Queue the computation on `stream`, a cudaStream_t. Null on success, else CUDA's words for what went wrong.
const char* run(const Geometry& geometry, const Tensors<float>& tensors, void* stream);
const char* run(const Geometry& geometry, const Tensors<Half>& tensors, void* stream);

}  // namespace deform::cuda
