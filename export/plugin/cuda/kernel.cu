// Three kernels: `turn` lays the image out pixel by pixel and `pack` the weights in the order of the sums, both in
// scratch memory (layout.h); `deform_conv` samples into shared memory and multiplies there, fp16 on tensor cores, so no
// im2col matrix exists in device memory. Sums are fp32 in both types.
#include "kernel.h"

#include <cuda_pipeline_primitives.h>

#include "layout.h"
#include "product.h"
#include "samples.h"
#include "scratch.h"

namespace deform::cuda {
namespace {

constexpr int kMostParts = 5;  // of kTile outputs, in a block
#ifndef DEFORM_SCRATCH
#define DEFORM_SCRATCH (int64_t{64} << 20)
#endif
constexpr int64_t kScratch = DEFORM_SCRATCH;  // bytes of images turned at once; more where one is larger

// Bytes of a row of a tile: products between two barriers. Shared memory stays below 48 KB.
constexpr int row_bytes(int parts) { return parts <= 2 ? 128 : 64; }
// Blocks on a multiprocessor, for the sake of which registers are limited.
constexpr int resident(int parts) { return parts <= 2 ? 3 : 2; }

template <typename T, int kSub>
struct Tiles {
    static constexpr int kDepth = row_bytes(kSub) / sizeof(T);
    static constexpr int kRow =
        kDepth + kVector<T>;  // 16 bytes more: the rows that are read at once lie in other banks
    T weight[kSub * kTile][kRow];
    T sampled[kTile][kRow];
};

// A block computes kSub * kTile outputs of kTile pixels.
template <typename T, int kSub>
__global__ void __launch_bounds__(kThreads, resident(kSub))
    deform_conv(Sizes s, Tensors<T> all, const T* turned, const T* packed) {
    using Tiled = Tiles<T, kSub>;
    constexpr int kDepth = Tiled::kDepth, kVectors = kDepth / kVector<T>, kRows = kThreads / kVectors;
    constexpr size_t kSums = sizeof(float[kTile][kSumRow]);
    __shared__ Samples samples;
    __shared__ __align__(128) unsigned char memory[sizeof(Tiled) > kSums ? sizeof(Tiled) : kSums];
    Tiled& tiles = *reinterpret_cast<Tiled*>(memory);

    int64_t block = blockIdx.x;
    const int64_t first_pixel = block % s.pixel_blocks * kTile;
    const int64_t output_block = (block /= s.pixel_blocks) % s.output_blocks;
    const int group = static_cast<int>((block /= s.output_blocks) % s.groups);
    const int64_t n = block / s.groups;
    const int64_t planes = static_cast<int64_t>(s.offset_group) * s.points;
    const T* offset = all.offset + n * 2 * planes * s.out_pixels;
    const T* mask = all.mask ? all.mask + n * planes * s.out_pixels : nullptr;
    const int image = static_cast<int>(n * s.pixels) * (s.row / kVector<T>);
    packed += (group * s.output_blocks + output_block) * kSub * kTile * s.depth + threadIdx.x * kVector<T>;
    const Place place(s, first_pixel);
    const int vector = threadIdx.x % kVectors * kVector<T>, tile_row = threadIdx.x / kVectors;  // what a thread fills

    Product<T, kSub> product;
    for (int segment = 0; segment < s.slices * s.runs; ++segment) {
        const int slice = group * s.slices + segment / s.runs, first_point = segment % s.runs * s.run_points;
        const int first_plane = slice * s.slice / s.offset_channels * s.points;
        for (int i = threadIdx.x / kTile; i < s.run_points; i += kThreads / kTile)
            locate(s, offset, mask, first_plane + first_point + i, first_point + i, image, place,
                   samples.weight[i][place.number], samples.vector[i][place.number]);
        __syncthreads();
        const T* x = turned + static_cast<int64_t>(slice) * s.slice_row;
        int point = 0, channel = vector;
        for (int k = 0; k < s.segment; k += kDepth, channel += kDepth) {
#pragma unroll
            for (int i = 0; i < kSub * kTile; i += kRows)
                __pipeline_memcpy_async(&tiles.weight[tile_row + i][vector], packed + i * kDepth, sizeof(uint4));
            __pipeline_commit();
            packed += kSub * kTile * kDepth;
            for (; channel >= s.slice_row; channel -= s.slice_row) ++point;
            float values[kTile / kRows][kVector<T>] = {};
            if (point < s.run_points)
#pragma unroll
                for (int i = 0; i < kTile / kRows; ++i)
                    sample(samples.weight[point][tile_row + i * kRows], samples.vector[point][tile_row + i * kRows],
                           x + channel, values[i]);
#pragma unroll
            for (int i = 0; i < kTile / kRows; ++i) store(values[i], &tiles.sampled[tile_row + i * kRows][vector]);
            __pipeline_wait_prior(0);
            __syncthreads();
            product.template add<kDepth>(tiles.weight, tiles.sampled);
            __syncthreads();
        }
    }

    float (*sums)[kSumRow] = reinterpret_cast<float (*)[kSumRow]>(memory);
#pragma unroll
    for (int part = 0; part < kSub; ++part) {
        product.store(part, sums);
        __syncthreads();
        const int first = static_cast<int>(output_block * kSub + part) * kTile;
        for (int i = threadIdx.x / kTile; i < kTile && first + i < s.group_outputs; i += kThreads / kTile) {
            if (!place.inside) break;
            const int64_t o = static_cast<int64_t>(group) * s.group_outputs + first + i;
            const float bias = all.bias ? to_float(all.bias[o]) : 0.f;
            from_float(sums[i][place.number] + bias, all.y[(n * s.outputs + o) * s.out_pixels + place.pixel(s)]);
        }
        __syncthreads();
    }
}

// Part counts at compile time, since sums are in registers.
template <typename T>
using Kernel = void (*)(Sizes, Tensors<T>, const T*, const T*);
template <typename T>
constexpr Kernel<T> kKernels[kMostParts] = {&deform_conv<T, 1>, &deform_conv<T, 2>, &deform_conv<T, 3>,
                                            &deform_conv<T, 4>, &deform_conv<T, 5>};

int64_t gcd(int64_t a, int64_t b) { return b ? gcd(b, a % b) : a; }

template <typename T>
Sizes sizes_of(const Geometry& g, int multiprocessors, int& parts) {
    Sizes s{};
    s.channels = static_cast<int>(g.channels), s.height = static_cast<int>(g.height);
    s.width = static_cast<int>(g.width), s.outputs = static_cast<int>(g.outputs);
    s.out_height = static_cast<int>(g.out_height), s.out_width = static_cast<int>(g.out_width);
    s.kernel_x = static_cast<int>(g.kernel.x), s.points = static_cast<int>(g.points());
    s.stride_y = static_cast<int>(g.stride.y), s.stride_x = static_cast<int>(g.stride.x);
    s.dilation_y = static_cast<int>(g.dilation.y), s.dilation_x = static_cast<int>(g.dilation.x);
    s.pad_top = static_cast<int>(g.pad_top), s.pad_left = static_cast<int>(g.pad_left);
    s.group_channels = static_cast<int>(g.group_channels()), s.group_outputs = static_cast<int>(g.group_outputs());
    s.offset_group = static_cast<int>(g.offset_group);
    s.offset_channels = static_cast<int>(g.channels / g.offset_group);
    s.pixels = g.pixels(), s.out_pixels = g.out_pixels(), s.groups = g.group, s.batch = g.batch;

    // As many parts as spare sampling again, and as few as leave two blocks to each multiprocessor.
    const int64_t tiles = ceil_div(g.group_outputs(), kTile);
    s.pixel_blocks = ceil_div(g.out_pixels(), kTile);
    for (parts = static_cast<int>(ceil_div(tiles, ceil_div(tiles, kMostParts)));; --parts) {
        s.output_blocks = ceil_div(tiles, parts);
        if (parts == 1 || s.pixel_blocks * s.output_blocks * g.group * g.batch >= 2 * multiprocessors) break;
    }
    s.slice = static_cast<int>(gcd(s.group_channels, s.offset_channels));
    s.slice_row = static_cast<int>(ceil_div(s.slice, kVector<T>) * kVector<T>);
    s.slices = s.group_channels / s.slice;
    s.run_points = s.points < kPoints ? s.points : kPoints;
    s.runs = static_cast<int>(ceil_div(s.points, s.run_points));
    s.step = row_bytes(parts) / static_cast<int>(sizeof(T));
    s.segment = static_cast<int>(ceil_div(int64_t{s.run_points} * s.slice_row, s.step) * s.step);
    s.row = static_cast<int>(s.groups) * s.slices * s.slice_row;
    s.depth = int64_t{s.slices} * s.runs * s.segment;
    return s;
}

template <typename... Arguments>
const char* queue(void (*kernel)(Arguments...), int64_t blocks, cudaStream_t stream, Arguments... arguments) {
    if (blocks >= int64_t{1} << 31) return "more than 2^31 blocks of threads; use smaller batches";
    void* pointers[] = {&arguments...};
    const dim3 grid(static_cast<unsigned>(blocks)), block(kThreads);
    const cudaError_t error = cudaLaunchKernel(kernel, grid, block, pointers, 0, stream);
    return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

template <typename T>
const char* launch(const Geometry& g, Tensors<T> t, void* to) {
    if (!g.batch || !g.outputs || !g.out_pixels()) return nullptr;
    if (g.pixels() >= int64_t{1} << 30 || g.out_pixels() >= int64_t{1} << 30) return "more than 2^30 pixels";
    const auto stream = static_cast<cudaStream_t>(to);
    int device = 0, multiprocessors = 0, parts = 0;
    cudaError_t error = cudaGetDevice(&device);
    if (error == cudaSuccess) error = cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device);
    if (error != cudaSuccess) return cudaGetErrorString(error);

    const Sizes s = sizes_of<T>(g, multiprocessors, parts);
    const int64_t weights = s.groups * s.output_blocks * parts * kTile * s.depth;
    if (s.pixels * s.row / kVector<T> >= int64_t{1} << 31) return "an image of more than 2^31 vectors of channels";
    const int64_t image = s.pixels * s.row, fitting = kScratch / static_cast<int64_t>(image * sizeof(T));
    const int64_t images = fitting < 1 ? 1 : fitting < s.batch ? fitting : s.batch;
    const Scratch scratch(device, stream, static_cast<size_t>(weights + s.row + images * image) * sizeof(T));
    if (scratch.error != cudaSuccess) return cudaGetErrorString(scratch.error);
    T* packed = static_cast<T*>(scratch.memory);
    T* turned = packed + weights + s.row;  // both are whole vectors
    if (const char* wrong =
            queue(&pack<T>, ceil_div(weights + s.row, kThreads), stream, s, parts * kTile, t.weight, packed))
        return wrong;
    for (int64_t n = 0, count; n < s.batch; n += count) {
        count = s.batch - n < images ? s.batch - n : images;
        const int64_t tiles = ceil_div(s.pixels, kTile) * ceil_div(s.slice_row, kTile) * (s.row / s.slice_row);
        if (const char* wrong = queue(&turn<T>, count * tiles, stream, s, t.x, turned)) return wrong;
        const int64_t blocks = s.pixel_blocks * s.output_blocks * s.groups * count;
        if (const char* wrong = queue(kKernels<T>[parts - 1], blocks, stream, s, t, static_cast<const T*>(turned),
                                      static_cast<const T*>(packed)))
            return wrong;
        const int64_t planes = count * s.offset_group * s.points * s.out_pixels;
        t.x += count * s.channels * s.pixels, t.offset += 2 * planes, t.y += count * s.outputs * s.out_pixels;
        if (t.mask) t.mask += planes;
    }
    return nullptr;
}

}  // namespace

const char* run(const Geometry& geometry, const Tensors<float>& tensors, void* stream) {
    return launch(geometry, tensors, stream);
}

const char* run(const Geometry& geometry, const Tensors<Half>& t, void* stream) {
    const auto as_half = [](const Half* p) { return reinterpret_cast<const __half*>(p); };
    const Tensors<__half> tensors{as_half(t.x),    as_half(t.weight), as_half(t.offset),
                                  as_half(t.bias), as_half(t.mask),   reinterpret_cast<__half*>(t.y)};
    return launch(geometry, tensors, stream);
}

}  // namespace deform::cuda
