// Where a run of kernel points samples for the pixels of a block, and the sampling.
#pragma once

#include "sizes.h"

namespace deform::cuda {

// Bilinear weights times the mask, 0 where there is nothing to add, for the pixel itself and those right of it, below
// and right below. The index may lie outside where the weight is 0.
struct Samples {
    float4 weight[kPoints][kTile];
    int pixel[kPoints][kTile];
};

// Row and column of output pixel `p` -> sample of kernel point `point`; `plane` is its mask's.
template <typename T>
__device__ void locate(const Sizes& s, const T* offset, const T* mask, int plane, int point, int64_t p, float4& weight,
                       int& pixel) {
    weight = make_float4(0.f, 0.f, 0.f, 0.f);
    pixel = 0;
    if (point >= s.points || p >= s.out_pixels) return;
    const int row = static_cast<int>(p) / s.out_width, column = static_cast<int>(p) % s.out_width;
    const float y = static_cast<float>(row * s.stride_y - s.pad_top + point / s.kernel_x * s.dilation_y) +
                    to_float(offset[2 * plane * s.out_pixels + p]);
    const float x = static_cast<float>(column * s.stride_x - s.pad_left + point % s.kernel_x * s.dilation_x) +
                    to_float(offset[(2 * plane + 1) * s.out_pixels + p]);
    if (!(y > -1.f && y < s.height && x > -1.f && x < s.width)) return;  // NaN is outside
    const int top = static_cast<int>(floorf(y)), left = static_cast<int>(floorf(x));
    const float scale = mask ? to_float(mask[plane * s.out_pixels + p]) : 1.f;
    const float down = y - top, right = x - left;
    const float upper = top >= 0 ? scale * (1.f - down) : 0.f, lower = top + 1 < s.height ? scale * down : 0.f;
    const bool has_left = left >= 0, has_right = left + 1 < s.width;
    weight.x = has_left ? upper * (1.f - right) : 0.f, weight.y = has_right ? upper * right : 0.f;
    weight.z = has_left ? lower * (1.f - right) : 0.f, weight.w = has_right ? lower * right : 0.f;
    pixel = top * s.width + left;
}

__device__ inline uint4 load_unless_zero(float weight, const void* from) {
    uint4 vector = make_uint4(0, 0, 0, 0);
    if (weight != 0.f) vector = *static_cast<const uint4*>(from);
    return vector;
}

// A vector of channels, fp32; `at` is the pixel's in the turned image.
template <typename T>
__device__ inline void sample(const Sizes& s, float4 weight, const T* at, float (&value)[kVector<T>]) {
    const int64_t below = s.width * s.row;
    const float weights[] = {weight.x, weight.y, weight.z, weight.w};
    const uint4 corners[] = {load_unless_zero(weight.x, at), load_unless_zero(weight.y, at + s.row),
                             load_unless_zero(weight.z, at + below), load_unless_zero(weight.w, at + below + s.row)};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        float corner[kVector<T>];
        unpack(corners[i], corner);
#pragma unroll
        for (int j = 0; j < kVector<T>; ++j) value[j] += weights[i] * corner[j];
    }
}

}  // namespace deform::cuda
