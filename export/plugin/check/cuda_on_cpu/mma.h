// Tensor cores of CUDA, on a CPU: the first thread of a warp does the work of all thirty-two.
#pragma once

#include "cuda_fp16.h"
#include "cuda_runtime.h"

namespace nvcuda::wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
enum layout_t { mem_row_major };

template <typename Use, int m, int n, int k, typename T, typename Layout = void>
struct fragment {
    float at[16][16];  // row, column
};

inline bool works() { return threadIdx.x % 32 == 0; }

template <typename Use, int m, int n, int k, typename T, typename Layout>
void fill_fragment(fragment<Use, m, n, k, T, Layout>& f, float value) {
    for (auto& row : f.at)
        for (float& element : row) element = value;
}

template <typename Use, int m, int n, int k>
void load_matrix_sync(fragment<Use, m, n, k, __half, row_major>& f, const __half* from, unsigned stride) {
    for (int r = 0; works() && r < 16; ++r)
        for (int c = 0; c < 16; ++c) f.at[r][c] = __half2float(from[r * stride + c]);
}

template <typename Use, int m, int n, int k>
void load_matrix_sync(fragment<Use, m, n, k, __half, col_major>& f, const __half* from, unsigned stride) {
    for (int r = 0; works() && r < 16; ++r)
        for (int c = 0; c < 16; ++c) f.at[r][c] = __half2float(from[c * stride + r]);
}

template <typename A, typename B, typename C>
void mma_sync(C& out, const A& a, const B& b, const C& add) {
    for (int r = 0; works() && r < 16; ++r)
        for (int c = 0; c < 16; ++c) {
            float sum = add.at[r][c];
            for (int k = 0; k < 16; ++k) sum += a.at[r][k] * b.at[k][c];
            out.at[r][c] = sum;
        }
}

template <typename F>
void store_matrix_sync(float* to, const F& f, unsigned stride, layout_t) {
    for (int r = 0; works() && r < 16; ++r)
        for (int c = 0; c < 16; ++c) to[r * stride + c] = f.at[r][c];
}

}  // namespace nvcuda::wmma
