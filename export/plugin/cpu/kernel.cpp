#include "kernel.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace deform::cpu {
namespace {

constexpr size_t kAlignment = 64;        // bytes: a cache line
constexpr int64_t kPixelsAtOnce = 1024;  // of the image turned pixel-major by one task

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }
size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Large tiles read the weights less often; a number of tiles that divides by that of threads leaves none waiting. There
// may be fewer threads than said, so tiles for many are not made small.
int64_t tile_pixels(const Code& code, int64_t pixels, int64_t threads) {
    const int64_t tiles = round_up(divide_up(pixels, kTile), threads);
    return std::clamp(round_up(divide_up(pixels, tiles), code.rows), kTile / 2, kTile);
}

// Chunks of equal size, of whole vectors.
int64_t chunk_of(int64_t depth) {
    return std::min(depth, round_up(divide_up(depth, divide_up(depth, kChunk)), kMargin));
}

Sizes sizes_of(const Code& code, const Geometry& g, int64_t threads) {
    Sizes s{};
    s.channels = g.channels, s.height = g.height, s.width = g.width;
    s.out_width = g.out_width, s.out_pixels = g.out_pixels();
    s.kernel_y = g.kernel.y, s.kernel_x = g.kernel.x;
    s.stride_y = g.stride.y, s.stride_x = g.stride.x;
    s.dilation_y = g.dilation.y, s.dilation_x = g.dilation.x;
    s.pad_top = g.pad_top, s.pad_left = g.pad_left;
    s.group = g.group, s.group_channels = g.group_channels(), s.group_outputs = g.group_outputs();
    s.offset_group = g.offset_group;
    s.depth = g.depth();
    s.tile = tile_pixels(code, g.out_pixels(), threads);
    s.chunk = chunk_of(s.depth);
    s.padded_outputs = round_up(s.group_outputs, code.columns);
    s.sampled_stride = round_up(s.chunk, kMargin) + kMargin;  // no power of two: rows must not share cache sets
    return s;
}

// Parts of one thread's scratch memory, in bytes.
struct Parts {
    size_t samples, sampled, sums, bias;
    size_t total() const { return samples + sampled + sums + bias; }
};

Parts parts_of(const Geometry& g, const Sizes& s) {
    return {aligned(g.offset_group * g.points() * sizeof(Samples)), aligned(kTile * s.sampled_stride * sizeof(float)),
            aligned(kTile * s.padded_outputs * sizeof(float)), aligned(s.padded_outputs * sizeof(float))};
}

// Threads that find a tile.
size_t workers(const Sizes& s, size_t threads) {
    return std::min(threads, static_cast<size_t>(divide_up(s.out_pixels, s.tile)));
}

size_t image_floats(const Geometry& g) { return (g.pixels() + 1) * g.channels + kMargin; }

}  // namespace

const Code* find_code(const char* name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!std::strcmp(name, avx512_code.name)) return avx2 && __builtin_cpu_supports("avx512f") ? &avx512_code : nullptr;
    if (!std::strcmp(name, avx2_code.name)) return avx2 ? &avx2_code : nullptr;
#endif
    return std::strcmp(name, generic_code.name) ? nullptr : &generic_code;
}

const Code& best_code() {
    for (const char* name : {"avx512", "avx2"})
        if (const Code* code = find_code(name)) return *code;
    return generic_code;
}

std::vector<float> pack_weights(const Code& code, const Geometry& g, const float* weight) {
    const int64_t channels = g.group_channels(), outputs = g.group_outputs(), chunk = chunk_of(g.depth());
    std::vector<float> packed(g.group * g.depth() * round_up(outputs, code.columns));  // zeros beyond the last output
    float* to = packed.data();
    for (int64_t group = 0; group < g.group; ++group)
        for (int64_t begin = 0; begin < g.depth(); begin += chunk)
            for (int64_t first = 0; first < outputs; first += code.columns)
                for (int64_t k = begin; k < std::min(begin + chunk, g.depth()); ++k, to += code.columns) {
                    const int64_t point = k / channels, channel = k % channels;
                    for (int64_t o = first; o < std::min(first + code.columns, outputs); ++o)
                        to[o - first] = weight[((group * outputs + o) * channels + channel) * g.points() + point];
                }
    return packed;
}

size_t scratch_bytes(const Code& code, const Geometry& g, size_t threads) {
    const Sizes s = sizes_of(code, g, threads);
    return aligned(image_floats(g) * sizeof(float)) + workers(s, threads) * parts_of(g, s).total();
}

void run(const Code& code, const Geometry& g, const Tensors& tensors, const std::vector<float>& packed, void* scratch,
         size_t threads, const ParallelFor& parallel_for) {
    const Sizes s = sizes_of(code, g, threads);
    const Parts parts = parts_of(g, s);
    float* pixels = static_cast<float*>(scratch);
    char* of_threads = static_cast<char*>(scratch) + aligned(image_floats(g) * sizeof(float));
    std::fill_n(pixels + g.pixels() * g.channels, g.channels + kMargin, 0.f);

    for (int64_t n = 0; n < g.batch; ++n) {
        const float* x = tensors.x + n * g.channels * g.pixels();
        parallel_for(divide_up(g.pixels(), kPixelsAtOnce), [&](size_t i) {
            const int64_t first = static_cast<int64_t>(i) * kPixelsAtOnce;
            code.to_pixel_major(x, g.channels, g.pixels(), first, std::min(first + kPixelsAtOnce, g.pixels()), pixels);
        });
        const int64_t planes = g.offset_group * g.points();
        const Image image{pixels,
                          tensors.offset + n * 2 * planes * g.out_pixels(),
                          tensors.mask ? tensors.mask + n * planes * g.out_pixels() : nullptr,
                          packed.data(),
                          tensors.bias,
                          tensors.y + n * g.outputs * g.out_pixels()};
        std::atomic<int64_t> next{0};  // first pixel of the next tile: a thread that is late takes fewer
        parallel_for(workers(s, threads), [&](size_t thread) {
            char* own = of_threads + thread * parts.total();
            float* sampled = reinterpret_cast<float*>(own + parts.samples);
            float* sums = reinterpret_cast<float*>(own + parts.samples + parts.sampled);
            float* bias = reinterpret_cast<float*>(own + parts.samples + parts.sampled + parts.sums);
            const Scratch memory{reinterpret_cast<Samples*>(own), sampled, sums, bias};
            for (int64_t first; (first = next.fetch_add(s.tile)) < g.out_pixels();)
                code.compute(s, image, memory, first, std::min(s.tile, g.out_pixels() - first));
        });
    }
}

}  // namespace deform::cpu
