// Samples a tile of output pixels and multiplies it by the weights: the im2col matrix never exists as a whole.
//
// Channels of a pixel lie side by side, so one output pixel's sample of eight channels is four vector loads; with
// channels apart it would be thirty-two scalar ones. The product is that of Goto and van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication" (2008): a block of sums stays in registers over a chunk of the depth.
//
// Compiled with DEFORM_CODE (the name of the Code to define), DEFORM_LANES and DEFORM_ROWS.
#include "tile.h"

#include <utility>

namespace deform::cpu {
namespace {

constexpr int64_t kLanes = DEFORM_LANES, kRows = DEFORM_ROWS, kColumns = 2 * kLanes;
static_assert(kTile % (2 * kRows) == 0 && kLanes <= kMargin);

typedef float Vector __attribute__((vector_size(4 * DEFORM_LANES), aligned(4), may_alias));

inline Vector& at(float* p) { return *reinterpret_cast<Vector*>(p); }
inline const Vector& at(const float* p) { return *reinterpret_cast<const Vector*>(p); }
inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Swap the off-diagonal quarters of every 2*kStep block of two rows that lie kStep apart.
template <int kStep, int... kLane>
inline void swap_quarters(Vector& above, Vector& below, std::integer_sequence<int, kLane...>) {
    const Vector a = above, b = below;
    above = __builtin_shufflevector(a, b, (kLane & kStep ? kLanes + kLane - kStep : kLane)...);
    below = __builtin_shufflevector(a, b, (kLane & kStep ? kLanes + kLane : kLane + kStep)...);
}

template <int kStep>
inline void transpose_steps(Vector (&block)[kLanes]) {
    if constexpr (kStep < kLanes) {
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i)
            if (!(i & kStep))
                swap_quarters<kStep>(block[i], block[i + kStep], std::make_integer_sequence<int, kLanes>());
        transpose_steps<2 * kStep>(block);
    }
}

// to (columns, rows) = from (rows, columns); strides are floats from one row to the next.
void transpose(const float* from, int64_t from_stride, int64_t rows, int64_t columns, float* to, int64_t to_stride) {
    const int64_t whole_rows = rows - rows % kLanes, whole_columns = columns - columns % kLanes;
    for (int64_t r = 0; r < whole_rows; r += kLanes)
        for (int64_t c = 0; c < whole_columns; c += kLanes) {
            Vector block[kLanes];
#pragma GCC unroll 16
            for (int i = 0; i < kLanes; ++i) block[i] = at(from + (r + i) * from_stride + c);
            transpose_steps<1>(block);
#pragma GCC unroll 16
            for (int i = 0; i < kLanes; ++i) at(to + (c + i) * to_stride + r) = block[i];
        }
    for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = r < whole_rows ? whole_columns : 0; c < columns; ++c)
            to[c * to_stride + r] = from[r * from_stride + c];
}

// Without the library's floor, which plain SSE2 has no instruction for.
inline int32_t floor_of(float value) {
    const int32_t whole = static_cast<int32_t>(value);
    return whole - (static_cast<float>(whole) > value);
}

// Samples of the kernel point (point_y, point_x), in pixels from the kernel's corner; the arrays begin at the tile.
// `__restrict` and the absence of branches let the compiler turn the loop into vectors.
void locate(const Sizes& s, const float* __restrict corner_y, const float* __restrict corner_x, float point_y,
            float point_x, const float* __restrict dy, const float* __restrict dx, const float* __restrict mask,
            int64_t count, Samples& __restrict out) {
    const float height = static_cast<float>(s.height), width = static_cast<float>(s.width);
    const int32_t rows = static_cast<int32_t>(s.height), columns = static_cast<int32_t>(s.width);
    const int32_t outside = rows * columns;
    for (int64_t t = 0; t < count; ++t) {
        float at_y = corner_y[t] + point_y + dy[t], at_x = corner_x[t] + point_x + dx[t];
        const bool inside = (at_y > -1.f) & (at_y < height) & (at_x > -1.f) & (at_x < width);  // NaN is outside
        at_y = inside ? at_y : -1.f;
        at_x = inside ? at_x : -1.f;
        const int32_t top = floor_of(at_y), left = floor_of(at_x);
        const float down = at_y - static_cast<float>(top), right = at_x - static_cast<float>(left);
        const float upper = mask[t] * (1.f - down), lower = mask[t] * down;
        out.weight[0][t] = upper * (1.f - right);
        out.weight[1][t] = upper * right;
        out.weight[2][t] = lower * (1.f - right);
        out.weight[3][t] = lower * right;
        const int32_t first = top * columns + left;
        const bool has_top = top >= 0, has_left = left >= 0;
        const bool has_bottom = inside & (top + 1 < rows), has_right = inside & (left + 1 < columns);
        out.pixel[0][t] = (has_top & has_left) ? first : outside;
        out.pixel[1][t] = (has_top & has_right) ? first + 1 : outside;
        out.pixel[2][t] = (has_bottom & has_left) ? first + columns : outside;
        out.pixel[3][t] = (has_bottom & has_right) ? first + columns + 1 : outside;
    }
}

void locate_all(const Sizes& s, const Image& image, int64_t first, int64_t count, Samples* out) {
    float corner_y[kTile], corner_x[kTile];  // of the kernel, without offsets
    int64_t row = first / s.out_width, column = first % s.out_width;
    for (int64_t t = 0; t < count; ++t) {
        corner_y[t] = static_cast<float>(row * s.stride_y - s.pad_top);
        corner_x[t] = static_cast<float>(column * s.stride_x - s.pad_left);
        if (++column == s.out_width) column = 0, ++row;
    }
    float ones[kTile];
    for (float& one : ones) one = 1.f;
    const int64_t points = s.kernel_y * s.kernel_x;
    for (int64_t plane = 0; plane < s.offset_group * points; ++plane) {
        const int64_t point = plane % points;
        const float* offset = image.offset + 2 * plane * s.out_pixels + first;
        const float* mask = image.mask ? image.mask + plane * s.out_pixels + first : ones;
        locate(s, corner_y, corner_x, static_cast<float>(point / s.kernel_x * s.dilation_y),
               static_cast<float>(point % s.kernel_x * s.dilation_x), offset, offset + s.out_pixels, mask, count,
               out[plane]);
    }
}

// A run of channels at one kernel point, for which the samples are the same.
struct Run {
    const Samples* samples;
    const float* pixels;  // its first channel
    int64_t channels;
    int64_t column;  // of the sampled matrix
};

// Values of one output pixel; may write up to a vector too far to the right, which the next run overwrites.
inline void sample(const Run& run, int64_t pixel, int64_t stride, float* out) {
    const float* corner[4];
    for (int i = 0; i < 4; ++i) corner[i] = run.pixels + run.samples->pixel[i][pixel] * stride;
    const float w0 = run.samples->weight[0][pixel], w1 = run.samples->weight[1][pixel];
    const float w2 = run.samples->weight[2][pixel], w3 = run.samples->weight[3][pixel];
    for (int64_t c = 0; c < run.channels; c += kLanes)
        at(out + c) = w0 * at(corner[0] + c) + w1 * at(corner[1] + c) + w2 * at(corner[2] + c) + w3 * at(corner[3] + c);
}

// Depth begin to end of conv group `group`, for every pixel of the tile.
void sample_chunk(const Sizes& s, const Image& image, const Scratch& scratch, int64_t group, int64_t begin, int64_t end,
                  int64_t count) {
    const int64_t points = s.kernel_y * s.kernel_x, offset_channels = s.channels / s.offset_group;
    Run runs[kChunk];
    int64_t number = 0;
    for (int64_t k = begin; k < end; k += runs[number++].channels) {
        const int64_t point = k / s.group_channels;
        const int64_t channel = group * s.group_channels + k % s.group_channels;
        const int64_t offset_group = channel / offset_channels;
        const int64_t in_point = s.group_channels - k % s.group_channels;
        const int64_t in_offset_group = (offset_group + 1) * offset_channels - channel;
        runs[number] = {&scratch.samples[offset_group * points + point], image.pixels + channel,
                        smaller(end - k, smaller(in_point, in_offset_group)), k - begin};
    }
    // Pixel by pixel: the samples of all kernel points lie close together, and so do those of the next pixel.
    for (int64_t t = 0; t < count; ++t)
        for (int64_t i = 0; i < number; ++i)
            sample(runs[i], t, s.channels, scratch.sampled + t * s.sampled_stride + runs[i].column);
}

// sums (kRows, kColumns) = start (kRows, kColumns) + sampled (kRows, depth) * weight (depth, kColumns).
void multiply_block(const float* sampled, int64_t sampled_stride, const float* weight, int64_t depth,
                    const float* start, int64_t start_stride, float* sums, int64_t sums_stride) {
    Vector block[kRows][2];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
        for (int i = 0; i < 2; ++i) block[r][i] = at(start + r * start_stride + i * kLanes);
    for (int64_t k = 0; k < depth; ++k) {
        const Vector left = at(weight + k * kColumns), right = at(weight + k * kColumns + kLanes);
#pragma GCC unroll 16
        for (int r = 0; r < kRows; ++r) {
            const float value = sampled[r * sampled_stride + k];
            block[r][0] += value * left;
            block[r][1] += value * right;
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
        for (int i = 0; i < 2; ++i) at(sums + r * sums_stride + i * kLanes) = block[r][i];
}

void compute(const Sizes& s, const Image& image, const Scratch& scratch, int64_t first, int64_t count) {
    locate_all(s, image, first, count, scratch.samples);
    const float* weight = image.weight;
    for (int64_t group = 0; group < s.group; ++group) {
        const float* bias = image.bias ? image.bias + group * s.group_outputs : nullptr;
        for (int64_t o = 0; o < s.padded_outputs; ++o) scratch.bias[o] = bias && o < s.group_outputs ? bias[o] : 0.f;
        for (int64_t begin = 0; begin < s.depth; begin += s.chunk) {
            const int64_t end = smaller(begin + s.chunk, s.depth);
            sample_chunk(s, image, scratch, group, begin, end, count);
            for (int64_t o = 0; o < s.padded_outputs; o += kColumns, weight += (end - begin) * kColumns)
                for (int64_t t = 0; t < count; t += kRows) {
                    float* sums = scratch.sums + t * s.padded_outputs + o;
                    multiply_block(scratch.sampled + t * s.sampled_stride, s.sampled_stride, weight, end - begin,
                                   begin ? sums : scratch.bias + o, begin ? s.padded_outputs : 0, sums,
                                   s.padded_outputs);
                }
        }
        transpose(scratch.sums, s.padded_outputs, count, s.group_outputs,
                  image.y + group * s.group_outputs * s.out_pixels + first, s.out_pixels);
    }
}

// (channels, pixels) -> (pixels, channels), for pixels first to end.
void to_pixel_major(const float* image, int64_t channels, int64_t pixels, int64_t first, int64_t end, float* out) {
    constexpr int64_t kBlock = 64;  // pixels and channels that the first-level cache holds on both sides
    for (int64_t p = first; p < end; p += kBlock)
        for (int64_t c = 0; c < channels; c += kBlock)
            transpose(image + c * pixels + p, pixels, smaller(kBlock, channels - c), smaller(kBlock, end - p),
                      out + p * channels + c, channels);
}

}  // namespace

extern const Code DEFORM_CODE;  // tile.h does not name every one
const Code DEFORM_CODE = {DEFORM_NAME, kRows, kColumns, compute, to_pixel_major};

}  // namespace deform::cpu
