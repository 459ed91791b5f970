// One block of threads computes 64 outputs of 64 pixels. It samples 16 channels at a time into shared memory and
// multiplies them there, fp16 on tensor cores, so no im2col matrix exists in device memory. Sums are fp32 in both
// types.
#include "kernel.h"

#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <mma.h>

namespace deform::cuda {
namespace {

constexpr int kTile = 64;        // outputs, and pixels, of a block
constexpr int kDepth = 16;       // channels in shared memory at once; one step of a tensor core
constexpr int kThreads = 256;    // 8 warps
constexpr int kRow = kTile + 8;  // elements of a row in shared memory; wmma wants a multiple of 8 halves, and the 8
                                 // more spread rows over the banks

struct Sizes {
    int channels, height, width, outputs, out_width;
    int kernel_x, points;
    int stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left;
    int group_channels, group_outputs, offset_group, offset_channels;
    int64_t pixels, out_pixels;
    int64_t pixel_tiles, output_tiles, groups;  // the grid, innermost first; then images
};

// Where one kernel point samples for the pixels of the block.
struct Samples {
    float weight[4][kTile];  // bilinear weight times mask
    int pixel[4][kTile];     // -1 outside
};

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(__half value) { return __half2float(value); }
__device__ inline void from_float(float value, float& to) { to = value; }
__device__ inline void from_float(float value, __half& to) { to = __float2half(value); }

// Samples of output pixel `p` in column `t` of the block; beyond the last pixel, nothing.
template <typename T>
__device__ void locate(const Sizes& s, const T* offset, const T* mask, int plane, int64_t p, int t, Samples& out) {
    for (int i = 0; i < 4; ++i) {
        out.weight[i][t] = 0.f;
        out.pixel[i][t] = -1;
    }
    if (p >= s.out_pixels) return;
    const int point = plane % s.points;
    const int row = static_cast<int>(p / s.out_width), column = static_cast<int>(p % s.out_width);
    const float y = static_cast<float>(row * s.stride_y - s.pad_top + point / s.kernel_x * s.dilation_y) +
                    to_float(offset[2 * plane * s.out_pixels + p]);
    const float x = static_cast<float>(column * s.stride_x - s.pad_left + point % s.kernel_x * s.dilation_x) +
                    to_float(offset[(2 * plane + 1) * s.out_pixels + p]);
    if (!(y > -1.f && y < s.height && x > -1.f && x < s.width)) return;  // NaN is outside
    const int top = static_cast<int>(floorf(y)), left = static_cast<int>(floorf(x));
    const float scale = mask ? to_float(mask[plane * s.out_pixels + p]) : 1.f;
    const float down = y - top, right = x - left;
    for (int i = 0; i < 4; ++i) {
        const int r = top + i / 2, c = left + i % 2;
        out.weight[i][t] = scale * (i / 2 ? down : 1.f - down) * (i % 2 ? right : 1.f - right);
        out.pixel[i][t] = r >= 0 && r < s.height && c >= 0 && c < s.width ? r * s.width + c : -1;
    }
}

// sums (outputs, pixels) of a block, in registers, fp32: four by four a thread.
template <typename T>
struct Product {
    float sums[4][4] = {};

    __device__ void add(const T (*weight)[kRow], const T (*sampled)[kRow]) {
        const int o = threadIdx.x / 16 * 4, p = threadIdx.x % 16 * 4;
        for (int k = 0; k < kDepth; ++k)
            for (int i = 0; i < 4; ++i)
                for (int j = 0; j < 4; ++j) sums[i][j] += weight[k][o + i] * sampled[k][p + j];
    }

    __device__ void store(float (*out)[kRow]) const {
        const int o = threadIdx.x / 16 * 4, p = threadIdx.x % 16 * 4;
        for (int i = 0; i < 4; ++i)
            for (int j = 0; j < 4; ++j) out[o + i][p + j] = sums[i][j];
    }
};

// ... fp16: each warp has two tensor-core tiles of 16 outputs by 16 pixels, side by side.
template <>
struct Product<__half> {
    nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float> sums[2];

    __device__ Product() {
        for (auto& sum : sums) nvcuda::wmma::fill_fragment(sum, 0.f);
    }

    __device__ static int output() { return threadIdx.x / 32 / 2 * 16; }
    __device__ static int pixel(int i) { return threadIdx.x / 32 % 2 * 32 + i * 16; }

    __device__ void add(const __half (*weight)[kRow], const __half (*sampled)[kRow]) {
        nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, __half, nvcuda::wmma::col_major> left;
        nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 16, __half, nvcuda::wmma::row_major> right;
        nvcuda::wmma::load_matrix_sync(left, &weight[0][output()], kRow);
        for (int i = 0; i < 2; ++i) {
            nvcuda::wmma::load_matrix_sync(right, &sampled[0][pixel(i)], kRow);
            nvcuda::wmma::mma_sync(sums[i], left, right, sums[i]);
        }
    }

    __device__ void store(float (*out)[kRow]) const {
        for (int i = 0; i < 2; ++i)
            nvcuda::wmma::store_matrix_sync(&out[output()][pixel(i)], sums[i], kRow, nvcuda::wmma::mem_row_major);
    }
};

template <typename T>
__global__ void __launch_bounds__(kThreads, 2) deform_conv(Sizes s, Tensors<T> all) {
    __shared__ Samples samples;
    __shared__ __align__(32) T weight[kDepth][kRow];
    __shared__ __align__(32) T sampled[kDepth][kRow];
    __shared__ __align__(32) float sums[kTile][kRow];

    int64_t block = blockIdx.x;
    const int64_t first_pixel = block % s.pixel_tiles * kTile;
    const int first_output = static_cast<int>((block /= s.pixel_tiles) % s.output_tiles) * kTile;
    const int group = static_cast<int>((block /= s.output_tiles) % s.groups);
    const int64_t n = block / s.groups;
    const int64_t planes = static_cast<int64_t>(s.offset_group) * s.points;
    const T* x = all.x + n * s.channels * s.pixels;
    const T* offset = all.offset + n * 2 * planes * s.out_pixels;
    const T* mask = all.mask ? all.mask + n * planes * s.out_pixels : nullptr;
    const T* group_weight = all.weight + static_cast<int64_t>(group) * s.group_outputs * s.group_channels * s.points;
    const int column = threadIdx.x % kTile;

    Product<T> product;
    // Channels of this group, split where the offset group changes.
    for (int begin = 0, end; begin < s.group_channels; begin = end) {
        const int channel = group * s.group_channels + begin, offset_group = channel / s.offset_channels;
        end = min(s.group_channels, begin + (offset_group + 1) * s.offset_channels - channel);
        for (int point = 0; point < s.points; ++point) {
            if (threadIdx.x < kTile)
                locate(s, offset, mask, offset_group * s.points + point, first_pixel + column, column, samples);
            for (int first = begin; first < end; first += kDepth) {
                __syncthreads();  // samples are there, and the former channels have been multiplied
                for (int k = threadIdx.x / kTile; k < kDepth; k += kThreads / kTile) {
                    const int c = first + k, o = first_output + column;
                    float value = 0.f;
                    if (c < end)
                        for (int i = 0; i < 4; ++i) {
                            const int from = samples.pixel[i][column];
                            const int64_t plane = static_cast<int64_t>(group * s.group_channels + c) * s.pixels;
                            if (from >= 0) value += samples.weight[i][column] * to_float(x[plane + from]);
                        }
                    from_float(value, sampled[k][column]);
                    const bool has_weight = c < end && o < s.group_outputs;
                    const int64_t row = static_cast<int64_t>(o) * s.group_channels + c;
                    from_float(has_weight ? to_float(group_weight[row * s.points + point]) : 0.f, weight[k][column]);
                }
                __syncthreads();
                product.add(weight, sampled);
            }
        }
    }

    product.store(sums);
    __syncthreads();
    if (first_pixel + column >= s.out_pixels) return;
    for (int i = threadIdx.x / kTile; i < kTile && first_output + i < s.group_outputs; i += kThreads / kTile) {
        const int64_t o = static_cast<int64_t>(group) * s.group_outputs + first_output + i;
        const float bias = all.bias ? to_float(all.bias[o]) : 0.f;
        from_float(sums[i][column] + bias, all.y[(n * s.outputs + o) * s.out_pixels + first_pixel + column]);
    }
}

int64_t tiles(int64_t size) { return (size + kTile - 1) / kTile; }

template <typename T>
const char* launch(const Geometry& g, Tensors<T> tensors, void* stream) {
    Sizes s{};
    s.channels = static_cast<int>(g.channels), s.height = static_cast<int>(g.height);
    s.width = static_cast<int>(g.width), s.outputs = static_cast<int>(g.outputs);
    s.out_width = static_cast<int>(g.out_width);
    s.kernel_x = static_cast<int>(g.kernel.x), s.points = static_cast<int>(g.points());
    s.stride_y = static_cast<int>(g.stride.y), s.stride_x = static_cast<int>(g.stride.x);
    s.dilation_y = static_cast<int>(g.dilation.y), s.dilation_x = static_cast<int>(g.dilation.x);
    s.pad_top = static_cast<int>(g.pad_top), s.pad_left = static_cast<int>(g.pad_left);
    s.group_channels = static_cast<int>(g.group_channels()), s.group_outputs = static_cast<int>(g.group_outputs());
    s.offset_group = static_cast<int>(g.offset_group);
    s.offset_channels = static_cast<int>(g.channels / g.offset_group);
    s.pixels = g.pixels(), s.out_pixels = g.out_pixels();
    s.pixel_tiles = tiles(g.out_pixels()), s.output_tiles = tiles(g.group_outputs()), s.groups = g.group;

    const int64_t blocks = s.pixel_tiles * s.output_tiles * s.groups * g.batch;
    if (!blocks) return nullptr;
    if (blocks >= int64_t{1} << 31) return "more than 2^31 blocks of threads; use smaller batches";
    void* arguments[] = {&s, &tensors};
    const cudaError_t error = cudaLaunchKernel(&deform_conv<T>, dim3(static_cast<unsigned>(blocks)), dim3(kThreads),
                                               arguments, 0, static_cast<cudaStream_t>(stream));
    return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
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
