// The CUDA kernel's source, compiled for the CPU (see cuda_on_cpu/), against the reference. Needs no GPU.
#include <bit>

#include "../cuda/kernel.h"
#include "cases.h"
#include "cuda_fp16.h"

namespace {

using namespace deform;

std::vector<cuda::Half> to_half(const std::vector<float>& values) {
    std::vector<cuda::Half> out;
    for (float value : values) {
        out.push_back(std::bit_cast<cuda::Half>(__float2half(value)));
    }
    return out;
}

std::vector<float> to_float(const std::vector<cuda::Half>& values) {
    std::vector<float> out;
    for (const cuda::Half& value : values) out.push_back(__half2float(std::bit_cast<__half>(value)));
    return out;
}

template <typename T>
std::vector<T> run(const Geometry& g, const std::vector<T>& x, const std::vector<T>& weight,
                   const std::vector<T>& offset, const std::vector<T>& bias, const std::vector<T>& mask) {
    std::vector<T> y(static_cast<size_t>(g.batch * g.outputs * g.out_pixels()));
    const auto data_or_null = [](const std::vector<T>& v) { return v.empty() ? nullptr : v.data(); };
    const cuda::Tensors<T> tensors{x.data(),           weight.data(),      offset.data(),
                                   data_or_null(bias), data_or_null(mask), y.data()};
    if (const char* error = cuda::run(g, tensors, nullptr)) {
        std::printf("%s\n", error);
        std::exit(1);
    }
    return y;
}

}  // namespace

int main() {
    int failures = 0;
    for (const testing::Case& c : testing::cases()) {
        testing::Data d(c);
        const double single =
            testing::difference(run(d.g, d.x, d.weight, d.offset, d.bias, d.mask), testing::reference(d));
        // fp16 rounds the inputs; the reference gets the rounded ones.
        for (std::vector<float>* values : {&d.x, &d.weight, &d.offset, &d.bias, &d.mask})
            *values = to_float(to_half(*values));
        const std::vector<float> half_result =
            to_float(run(d.g, to_half(d.x), to_half(d.weight), to_half(d.offset), to_half(d.bias), to_half(d.mask)));
        const double half = testing::difference(half_result, testing::reference(d));
        if (single <= 1e-4 && half <= 0.06) continue;
        std::printf("%s: fp32 differs by %g, fp16 by %g\n", c.name, single, half);
        ++failures;
    }
    std::printf("cuda: %zu cases\n", testing::cases().size());
    return failures ? 1 : 0;
}
