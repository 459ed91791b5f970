// Where a run of kernel points samples for the pixels of a block, and the sampling.
#pragma once

#include "sizes.h"

namespace deform::cuda {

constexpr int kStrip = 4;  // rows

// The output pixel of a thread. Blocks go through the map in strips of kStrip rows, column by column: what a block
// samples is then about as high as it is wide, and more of it is in the cache. Neighbours in memory are neighbouring
// threads' nevertheless.
struct Place {
    int number;  // 0 to kTile - 1, in the order of the strip
    int row, column;
    bool inside;

    __device__ Place(const Sizes& s, int64_t first) {
        constexpr int kColumns = kTile / kStrip;
        const int t = threadIdx.x % kTile;
        number = t % kColumns * kStrip + t / kColumns;
        const int p = static_cast<int>(first) + number, strip = p / (kStrip * s.out_width) * kStrip;
        const int rows = min(kStrip, s.out_height - strip), in_strip = p - strip * s.out_width;
        inside = p < s.out_pixels;
        row = inside ? strip + in_strip % rows : 0;
        column = inside ? in_strip / rows : 0;
    }

    __device__ int64_t pixel(const Sizes& s) const { return static_cast<int64_t>(row) * s.out_width + column; }
};

// Bilinear weights times the mask, and vectors of the turned image: the pixel, those right of it, below and right
// below. What has no weight points to the row of zeros.
struct Samples {
    float4 weight[kPoints][kTile];
    int4 vector[kPoints][kTile];
};

// Fills sample `i` of the run at `place`: kernel point `point`, whose mask has the plane `plane`. `image` is the first
// vector of the image.
template <typename T>
__device__ void locate(const Sizes& s, const T* offset, const T* mask, int plane, int point, int image,
                       const Place& place, float4& weight, int4& vector) {
    const int zeros = -s.row / kVector<T>;
    weight = make_float4(0.f, 0.f, 0.f, 0.f);
    vector = make_int4(zeros, zeros, zeros, zeros);
    if (point >= s.points || !place.inside) return;
    const int64_t p = place.pixel(s);
    const float y = static_cast<float>(place.row * s.stride_y - s.pad_top + point / s.kernel_x * s.dilation_y) +
                    to_float(offset[2 * plane * s.out_pixels + p]);
    const float x = static_cast<float>(place.column * s.stride_x - s.pad_left + point % s.kernel_x * s.dilation_x) +
                    to_float(offset[(2 * plane + 1) * s.out_pixels + p]);
    if (!(y > -1.f && y < s.height && x > -1.f && x < s.width)) return;  // NaN is outside
    const int top = static_cast<int>(floorf(y)), left = static_cast<int>(floorf(x));
    const float scale = mask ? to_float(mask[plane * s.out_pixels + p]) : 1.f;
    const float down = y - top, right = x - left;
    const float upper = top >= 0 ? scale * (1.f - down) : 0.f, lower = top + 1 < s.height ? scale * down : 0.f;
    const bool has_left = left >= 0, has_right = left + 1 < s.width;
    weight.x = has_left ? upper * (1.f - right) : 0.f, weight.y = has_right ? upper * right : 0.f;
    weight.z = has_left ? lower * (1.f - right) : 0.f, weight.w = has_right ? lower * right : 0.f;
    const int step = s.row / kVector<T>, at = image + (top * s.width + left) * step, below = at + s.width * step;
    if (weight.x != 0.f) vector.x = at;
    if (weight.y != 0.f) vector.y = at + step;
    if (weight.z != 0.f) vector.z = below;
    if (weight.w != 0.f) vector.w = below + step;
}

// A vector of channels, fp32; `x` is where the channels are in the turned images' first pixel.
template <typename T>
__device__ inline void sample(float4 weight, int4 vector, const T* x, float (&value)[kVector<T>]) {
    const uint4* from = reinterpret_cast<const uint4*>(x);
    const float weights[] = {weight.x, weight.y, weight.z, weight.w};
    const uint4 corners[] = {from[vector.x], from[vector.y], from[vector.z], from[vector.w]};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        float corner[kVector<T>];
        unpack(corners[i], corner);
#pragma unroll
        for (int j = 0; j < kVector<T>; ++j) value[j] += weights[i] * corner[j];
    }
}

}  // namespace deform::cuda
