// Deformable convolution on the CPU, fp32.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "../geometry.h"
#include "tile.h"

namespace deform::cpu {

// Calls its second argument with 0, 1, ... count - 1, in any order and on any threads, and waits for all of them.
using ParallelFor = std::function<void(size_t count, const std::function<void(size_t)>& task)>;

// The fastest code that this machine can run; or the one named (generic, avx2, avx512), null where it cannot.
const Code& best_code();
const Code* find_code(const char* name);

// Weights in the order in which the inner loop reads them; made once where they are constant.
std::vector<float> pack_weights(const Code& code, const Geometry& geometry, const float* weight);

// Contiguous tensors in ONNX's layout; bias and mask may be null.
struct Tensors {
    const float* x;
    const float* offset;
    const float* bias;
    const float* mask;
    float* y;
};

// Bytes that `run` needs for at most `threads` threads.
size_t scratch_bytes(const Code& code, const Geometry& geometry, size_t threads);

// Compute Y. `scratch` holds scratch_bytes, aligned to 64; `packed` is what pack_weights gave for the same code.
void run(const Code& code, const Geometry& geometry, const Tensors& tensors, const std::vector<float>& packed,
         void* scratch, size_t threads, const ParallelFor& parallel_for);

}  // namespace deform::cpu
