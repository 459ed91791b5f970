// What all parts of the CUDA kernel share: sizes of tiles and of one convolution, vectors, conversions.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "kernel.h"

namespace deform::cuda {

constexpr int kTile = 64;      // pixels of a block, and outputs of a part of it
constexpr int kThreads = 256;  // 8 warps
constexpr int kPoints = 9;     // kernel points located at once

// Elements of 16 bytes, a uint4: what a thread loads and stores at once.
template <typename T>
constexpr int kVector = 16 / sizeof(T);

// Products of an output are summed in the order (slice, run, point, channel). A slice is a number of channels that
// have group and offset group in common, a run up to kPoints kernel points. All numbers are elements.
struct Sizes {
    int channels, height, width, outputs, out_height, out_width;
    int kernel_x, points;
    int stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left;
    int group_channels, group_outputs, offset_group, offset_channels;
    int slice, slice_row;     // channels of a slice, and with zeros up to whole vectors
    int slices, runs;         // of a group, of a slice
    int run_points, segment;  // of a run: points, and products with zeros up to whole steps of the kernel
    int64_t pixels, out_pixels;
    int row;                                             // channels of a pixel of the turned image
    int step;                                            // products of an output between two barriers
    int64_t depth;                                       // ... in all, with the zeros
    int64_t pixel_blocks, output_blocks, groups, batch;  // the grid, innermost first
};

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(__half value) { return __half2float(value); }
__device__ inline void from_float(float value, float& to) { to = value; }
__device__ inline void from_float(float value, __half& to) { to = __float2half(value); }

__device__ inline void unpack(const uint4& vector, float (&to)[4]) {
    const float4 values = reinterpret_cast<const float4&>(vector);
    to[0] = values.x, to[1] = values.y, to[2] = values.z, to[3] = values.w;
}

__device__ inline void unpack(const uint4& vector, float (&to)[8]) {
    const __half2* pairs = reinterpret_cast<const __half2*>(&vector);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const float2 pair = __half22float2(pairs[i]);
        to[2 * i] = pair.x, to[2 * i + 1] = pair.y;
    }
}

__device__ inline void store(const float (&from)[4], float* to) {
    *reinterpret_cast<float4*>(to) = make_float4(from[0], from[1], from[2], from[3]);
}

__device__ inline void store(const float (&from)[8], __half* to) {
    uint4 vector;
    __half2* pairs = reinterpret_cast<__half2*>(&vector);
#pragma unroll
    for (int i = 0; i < 4; ++i) pairs[i] = __floats2half2_rn(from[2 * i], from[2 * i + 1]);
    *reinterpret_cast<uint4*>(to) = vector;
}

inline int64_t ceil_div(int64_t size, int64_t step) { return (size + step - 1) / step; }

}  // namespace deform::cuda
