// The innermost work of the CPU kernel, compiled once for each instruction set.
//
// The numbers below are plain on purpose: an inline function shared with the rest of the library could be linked in its
// AVX-512 form and then run on a machine without.
#pragma once

#include <cstdint>

namespace deform::cpu {

constexpr int64_t kTile = 96;    // output pixels sampled and multiplied at once, at most
constexpr int64_t kChunk = 576;  // of depth sampled and multiplied at once, at most: a 3x3 kernel on 64 channels
constexpr int64_t kMargin = 16;  // floats that a whole vector may reach beyond its last element

// Where one kernel point samples for the pixels of a tile: four neighbours each, and how much of them.
struct Samples {
    float weight[4][kTile];   // bilinear weight times mask
    int32_t pixel[4][kTile];  // in the pixel-major image; its last pixel is the zero outside
};

struct Sizes {
    int64_t channels, height, width;
    int64_t out_width, out_pixels;
    int64_t kernel_y, kernel_x, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left;
    int64_t group, group_channels, group_outputs, offset_group;
    int64_t depth;           // products in one output: kernel points * group_channels, in this order
    int64_t tile;            // output pixels at once: at most kTile, a multiple of Code::rows
    int64_t chunk;           // of depth, sampled and multiplied at once
    int64_t padded_outputs;  // group_outputs, rounded up to Code::columns
    int64_t sampled_stride;  // floats from one pixel's row to the next in Scratch::sampled
};

// Memory of one thread.
struct Scratch {
    Samples* samples;  // offset_group * kernel points
    float* sampled;    // (kTile, sampled_stride): the part of the im2col matrix in work, pixel by pixel
    float* sums;       // (kTile, padded_outputs)
    float* bias;       // (padded_outputs), zeros where there is none
};

// Tensors of one image.
struct Image {
    const float* pixels;  // (H*W + 1, C) pixel-major, the last pixel zero, then kMargin floats
    const float* offset;  // (offset_group, kH*kW, 2, oH*oW)
    const float* mask;    // (offset_group, kH*kW, oH*oW) or null for ones
    const float* weight;  // packed: group, chunk, block of `columns` outputs, depth in the chunk, output in the block
    const float* bias;    // (M) or null for zeros
    float* y;             // (M, oH*oW)
};

// What one instruction set offers. Output blocks of `columns` floats are two vectors wide.
struct Code {
    const char* name;
    int64_t rows, columns;  // pixels and outputs that a block of registers holds
    void (*compute)(const Sizes&, const Image&, const Scratch&, int64_t first, int64_t count);
    void (*to_pixel_major)(const float* image, int64_t channels, int64_t pixels, int64_t first, int64_t end,
                           float* out);
};

extern const Code generic_code;
#if defined(__x86_64__)
extern const Code avx2_code;
extern const Code avx512_code;
#endif

}  // namespace deform::cpu
