// Image and weights rearranged in scratch memory, so that the convolution reads both in vectors along channels.
#pragma once

#include "sizes.h"

namespace deform::cuda {

// x (n, channels, pixels) -> turned (n, pixels, row): the channels of a pixel side by side, slice after slice.
// A block turns up to kTile channels of one slice, for kTile pixels.
template <typename T>
__global__ void __launch_bounds__(kThreads) turn(Sizes s, const T* x, T* turned) {
    constexpr int kVectors = kTile / kVector<T>, kRows = kThreads / kTile;
    __shared__ T tile[kTile][kTile + 4 / sizeof(T)];  // rows begin an odd number of banks apart
    const int64_t pixel_tiles = (s.pixels + kTile - 1) / kTile;
    const int slice_tiles = (s.slice_row + kTile - 1) / kTile, slices = s.row / s.slice_row;
    const int64_t first_pixel = blockIdx.x % pixel_tiles * kTile;
    const int64_t others = blockIdx.x / pixel_tiles, n = others / slice_tiles / slices;
    const int first = static_cast<int>(others % slice_tiles) * kTile;
    const int slice = static_cast<int>(others / slice_tiles % slices);

    const int column = threadIdx.x % kTile, row = threadIdx.x / kTile;
    const T* from = x + (n * s.channels + slice * s.slice + first + row) * s.pixels + first_pixel + column;
    const int present = first_pixel + column < s.pixels ? s.slice - first : 0;
#pragma unroll
    for (int c = row; c < kTile; c += kRows, from += kRows * s.pixels) {
        T value;
        from_float(0.f, value);
        if (c < present) value = *from;
        tile[c][column] = value;
    }
    __syncthreads();
    T* to = turned + (n * s.pixels + first_pixel) * s.row + slice * s.slice_row + first;
#pragma unroll
    for (int i = threadIdx.x; i < kTile * kVectors; i += kThreads) {
        const int c = i % kVectors * kVector<T>, p = i / kVectors;
        if (first_pixel + p >= s.pixels || first + c >= s.slice_row) continue;
        __align__(16) T vector[kVector<T>];
#pragma unroll
        for (int j = 0; j < kVector<T>; ++j) vector[j] = tile[c + j][p];
        *reinterpret_cast<uint4*>(&to[p * s.row + c]) = *reinterpret_cast<const uint4*>(vector);
    }
}

// weight (outputs, group channels, points) -> packed (groups, output blocks, steps, block_rows, s.step): what a block
// loads at once lies together, products in the kernel's order; zeros where there is no output, point or channel. Behind
// them a row of zeros, which is the turned image's pixel -1. A thread packs one element.
template <typename T>
__global__ void __launch_bounds__(kThreads) pack(Sizes s, int block_rows, const T* weight, T* packed) {
    const int64_t to = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    const int64_t row_of = to / s.step, step_of = row_of / block_rows, block_of = step_of / (s.depth / s.step);
    const int64_t group = block_of / s.output_blocks, o = block_of % s.output_blocks * block_rows + row_of % block_rows;
    if (group >= s.groups && to >= s.groups * s.output_blocks * block_rows * s.depth + s.row) return;
    const int k = static_cast<int>(step_of % (s.depth / s.step)) * s.step + static_cast<int>(to % s.step);
    const int segment = k / s.segment, in_segment = k % s.segment;
    const int in_run = in_segment / s.slice_row, c = in_segment % s.slice_row;
    const int point = segment % s.runs * s.run_points + in_run, channel = segment / s.runs * s.slice + c;
    T value;
    from_float(0.f, value);
    if (group < s.groups && o < s.group_outputs && in_run < s.run_points && point < s.points && c < s.slice)
        value = weight[((group * s.group_outputs + o) * s.group_channels + channel) * s.points + point];
    packed[to] = value;
}

}  // namespace deform::cuda
