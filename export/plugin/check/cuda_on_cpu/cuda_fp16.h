// fp16 of CUDA, on a CPU.
#pragma once

#include "cuda_runtime.h"

struct __half {
    _Float16 value;
};
inline float __half2float(__half half) { return static_cast<float>(half.value); }
inline __half __float2half(float value) { return {static_cast<_Float16>(value)}; }

struct __half2 {
    __half x, y;
};
inline float2 __half22float2(__half2 pair) { return {__half2float(pair.x), __half2float(pair.y)}; }
inline __half2 __floats2half2_rn(float x, float y) { return {__float2half(x), __float2half(y)}; }
