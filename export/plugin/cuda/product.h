// Sums of a block, (kSub * kTile outputs, kTile pixels), in registers, fp32.
#pragma once

#include <mma.h>

#include "sizes.h"

namespace deform::cuda {

constexpr int kSumRow = kTile + 8;  // floats of a row of sums in shared memory

// fp32: a thread has four by four of each kTile outputs, a sixteenth of a tile apart: other banks.
template <typename T, int kSub>
struct Product {
    float sums[kSub][4][4] = {};

    // weight (kSub * kTile, kDepth), sampled (kTile, kDepth)
    template <int kDepth, int kRow>
    __device__ void add(const T (*weight)[kRow], const T (*sampled)[kRow]) {
        const int o = threadIdx.x / 16, p = threadIdx.x % 16;
        for (int k = 0; k < kDepth; k += kVector<T>) {
            float right[4][kVector<T>];
#pragma unroll
            for (int j = 0; j < 4; ++j) unpack(*reinterpret_cast<const uint4*>(&sampled[p + 16 * j][k]), right[j]);
#pragma unroll
            for (int i = 0; i < 4 * kSub; ++i) {
                float left[kVector<T>];
                unpack(*reinterpret_cast<const uint4*>(&weight[o + 16 * i][k]), left);
#pragma unroll
                for (int j = 0; j < 4; ++j)
#pragma unroll
                    for (int n = 0; n < kVector<T>; ++n) sums[i / 4][i % 4][j] += left[n] * right[j][n];
            }
        }
    }

    __device__ void store(int part, float (*out)[kSumRow]) const {
        const int o = threadIdx.x / 16, p = threadIdx.x % 16;
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
            for (int j = 0; j < 4; ++j) out[o + 16 * i][p + 16 * j] = sums[part][i][j];
    }
};

// fp16 on tensor cores: a warp has 16 outputs of each kTile by 32 pixels.
template <int kSub>
struct Product<__half, kSub> {
    nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float> sums[kSub][2];

    __device__ Product() {
#pragma unroll
        for (int i = 0; i < 2 * kSub; ++i) nvcuda::wmma::fill_fragment(sums[i / 2][i % 2], 0.f);
    }

    __device__ static int output() { return threadIdx.x / 32 / 2 * 16; }
    __device__ static int pixel() { return threadIdx.x / 32 % 2 * 32; }

    template <int kDepth, int kRow>
    __device__ void add(const __half (*weight)[kRow], const __half (*sampled)[kRow]) {
#pragma unroll
        for (int k = 0; k < kDepth; k += 16) {
            nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 16, __half, nvcuda::wmma::col_major> right[2];
#pragma unroll
            for (int j = 0; j < 2; ++j) nvcuda::wmma::load_matrix_sync(right[j], &sampled[pixel() + 16 * j][k], kRow);
#pragma unroll
            for (int i = 0; i < kSub; ++i) {
                nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, __half, nvcuda::wmma::row_major> left;
                nvcuda::wmma::load_matrix_sync(left, &weight[i * kTile + output()][k], kRow);
#pragma unroll
                for (int j = 0; j < 2; ++j) nvcuda::wmma::mma_sync(sums[i][j], left, right[j], sums[i][j]);
            }
        }
    }

    __device__ void store(int part, float (*out)[kSumRow]) const {
#pragma unroll
        for (int j = 0; j < 2; ++j)
            nvcuda::wmma::store_matrix_sync(&out[output()][pixel() + 16 * j], sums[part][j], kSumRow,
                                            nvcuda::wmma::mem_row_major);
    }
};

}  // namespace deform::cuda
