// Every code that this machine can run, against the reference. Tests build it with sanitizers, without ONNX Runtime.
#include <cstdlib>
#include <thread>

#include "../cpu/kernel.h"
#include "cases.h"

namespace deform::cpu {
extern const Code wide_code;
}

namespace {

using namespace deform;

void on_threads(size_t count, const std::function<void(size_t)>& task) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < count; ++i) threads.emplace_back(task, i);
    for (std::thread& thread : threads) thread.join();
}

std::vector<float> run(const cpu::Code& code, const testing::Data& d, size_t threads) {
    const Geometry& g = d.g;
    std::vector<float> y(static_cast<size_t>(g.batch * g.outputs * g.out_pixels()),
                         std::numeric_limits<float>::quiet_NaN());
    const size_t bytes = (cpu::scratch_bytes(code, g, threads) + 63) / 64 * 64;
    void* scratch = std::aligned_alloc(64, bytes);
    const auto data_or_null = [](const std::vector<float>& v) { return v.empty() ? nullptr : v.data(); };
    cpu::run(code, g, {d.x.data(), d.offset.data(), data_or_null(d.bias), data_or_null(d.mask), y.data()},
             cpu::pack_weights(code, g, d.weight.data()), scratch, threads, on_threads);
    std::free(scratch);
    return y;
}

}  // namespace

int main() {
    int failures = 0;
    for (const char* name : {"generic", "avx2", "avx512", "wide"}) {
        const cpu::Code* code = cpu::wide_code.name == std::string(name) ? &cpu::wide_code : cpu::find_code(name);
        if (!code) {
            std::printf("%s: this machine cannot run it\n", name);
            continue;
        }
        for (const testing::Case& c : testing::cases()) {
            const testing::Data data(c);
            const std::vector<float> expected = testing::reference(data);
            for (size_t threads : {1, 3, 64}) {
                const double difference = testing::difference(run(*code, data, threads), expected);
                if (difference <= 1e-4) continue;
                std::printf("%s, %zu threads, %s: differs by %g\n", name, threads, c.name, difference);
                ++failures;
            }
        }
        std::printf("%s: %zu cases\n", name, testing::cases().size());
    }
    return failures ? 1 : 0;
}
