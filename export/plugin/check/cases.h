// Convolutions to try, and what they must give: a slow, readable reference in double precision.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "../geometry.h"

namespace deform::testing {

struct Case {
    const char* name;
    Shape x, weight;
    Attributes attributes;
    bool bias = true, mask = true;
};

inline Attributes attributes(Shape strides, Shape dilations, Shape pads, int64_t group, int64_t offset_group) {
    return {{}, strides, dilations, pads, group, offset_group};
}

inline std::vector<Case> cases() {
    const Attributes same = attributes({1, 1}, {1, 1}, {1, 1, 1, 1}, 1, 1);
    return {
        {"as in the networks", {1, 16, 9, 13}, {16, 16, 3, 3}, same},
        {"odd channels", {2, 5, 7, 8}, {3, 5, 3, 3}, same},
        {"depth of several chunks", {1, 67, 12, 11}, {37, 67, 3, 3}, same},
        {"many outputs", {1, 3, 6, 5}, {131, 3, 3, 3}, same},
        {"several tiles", {1, 4, 31, 23}, {8, 4, 3, 3}, same},
        {"groups", {2, 12, 6, 7}, {6, 4, 3, 3}, attributes({1, 1}, {1, 1}, {1, 1, 1, 1}, 3, 1)},
        {"offset groups", {1, 12, 6, 7}, {6, 12, 3, 3}, attributes({1, 1}, {1, 1}, {1, 1, 1, 1}, 1, 4)},
        {"offset groups across groups", {1, 12, 6, 7}, {4, 6, 3, 3}, attributes({1, 1}, {1, 1}, {1, 1, 1, 1}, 2, 3)},
        {"depthwise", {1, 9, 6, 7}, {9, 1, 3, 3}, attributes({1, 1}, {1, 1}, {1, 1, 1, 1}, 9, 9)},
        {"strides", {1, 4, 11, 14}, {4, 4, 3, 3}, attributes({2, 3}, {1, 1}, {1, 1, 1, 1}, 1, 1)},
        {"dilations", {1, 4, 11, 14}, {4, 4, 3, 3}, attributes({1, 1}, {2, 3}, {2, 3, 2, 3}, 1, 1)},
        {"uneven pads", {1, 4, 6, 7}, {4, 4, 3, 3}, attributes({1, 1}, {1, 1}, {0, 3, 2, 1}, 1, 1)},
        {"no attributes", {1, 4, 6, 7}, {4, 4, 3, 3}, {}},
        {"kernel 1x5", {1, 4, 6, 9}, {4, 4, 1, 5}, attributes({1, 1}, {1, 1}, {0, 2, 0, 2}, 1, 2)},
        {"kernel 1x1", {1, 4, 6, 9}, {4, 4, 1, 1}, {}},
        {"kernel 5x5, odd channels", {1, 17, 7, 9}, {3, 17, 5, 5}, attributes({1, 1}, {1, 1}, {2, 2, 2, 2}, 1, 1)},
        {"kernel 4x4, offset groups", {1, 6, 7, 8}, {4, 6, 4, 4}, attributes({1, 1}, {1, 1}, {2, 2, 1, 1}, 1, 2)},
        {"offset groups of odd channels",
         {3, 51, 5, 13},
         {6, 51, 3, 3},
         attributes({1, 1}, {1, 1}, {1, 1, 1, 1}, 1, 3)},
        {"65 outputs", {1, 19, 9, 13}, {65, 19, 3, 3}, same},
        {"130 outputs", {2, 9, 9, 13}, {130, 9, 3, 3}, same},
        {"320 outputs", {1, 24, 9, 13}, {320, 24, 3, 3}, same},
        {"320 outputs of few pixels", {1, 11, 7, 9}, {320, 11, 3, 3}, same},
        {"321 outputs", {1, 5, 9, 13}, {321, 5, 3, 3}, same},
        {"many outputs of groups", {1, 10, 9, 13}, {390, 5, 3, 3}, attributes({1, 1}, {1, 1}, {1, 1, 1, 1}, 2, 5)},
        {"one pixel", {1, 1, 1, 1}, {1, 1, 3, 3}, same},
        {"neither bias nor mask", {1, 4, 6, 7}, {4, 4, 3, 3}, same, false, false},
        {"empty batch", {0, 4, 6, 7}, {4, 4, 3, 3}, same},
    };
}

// Random tensors of a case. Offsets reach far outside; some land exactly on borders, some are no numbers.
struct Data {
    Geometry g;
    std::vector<float> x, weight, offset, bias, mask;

    explicit Data(const Case& c) {
        const Attributes& a = c.attributes;
        const auto or_ones = [](const Shape& pair) { return pair.empty() ? Shape{1, 1} : pair; };
        const Shape stride = or_ones(a.strides), dilation = or_ones(a.dilations);
        const Shape pads = a.pads.empty() ? Shape{0, 0, 0, 0} : a.pads;
        const auto out = [&](int i) {
            return (c.x[2 + i] + pads[i] + pads[2 + i] - dilation[i] * (c.weight[2 + i] - 1) - 1) / stride[i] + 1;
        };
        const int64_t points = c.weight[2] * c.weight[3];
        const Shape bias_shape{c.weight[0]}, mask_shape{c.x[0], a.offset_group * points, out(0), out(1)};
        const Shape offset_shape{c.x[0], a.offset_group * points * 2, out(0), out(1)};
        const std::string error =
            check(a, {c.x, c.weight, offset_shape, c.bias ? &bias_shape : nullptr, c.mask ? &mask_shape : nullptr}, g);
        if (!error.empty()) {
            std::printf("%s: %s\n", c.name, error.c_str());
            std::exit(1);
        }
        std::mt19937 random(7);
        const auto fill = [&](std::vector<float>& to, int64_t size, float scale) {
            std::normal_distribution<float> normal(0.f, scale);
            to.resize(static_cast<size_t>(size));
            for (float& value : to) value = normal(random);
        };
        const int64_t planes = g.offset_group * g.points();
        fill(x, g.batch * g.channels * g.pixels(), 1.f);
        fill(weight, g.outputs * g.depth(), 0.3f);
        fill(offset, g.batch * planes * 2 * g.out_pixels(), 2.f);
        if (c.bias) fill(bias, g.outputs, 1.f);
        if (c.mask) fill(mask, g.batch * planes * g.out_pixels(), 0.5f);
        const float odd[] = {0.f,
                             -1.f,
                             1.f,
                             -0.5f,
                             static_cast<float>(g.height),
                             1e30f,
                             -1e30f,
                             std::numeric_limits<float>::infinity(),
                             std::numeric_limits<float>::quiet_NaN()};
        for (size_t i = 0; i < offset.size(); i += 3) offset[i] = odd[i / 3 % (sizeof odd / sizeof *odd)];
    }
};

// Bilinear, zero outside; Zhu et al., "Deformable ConvNets v2", CVPR 2019, equation 1.
inline double bilinear(const float* plane, const Geometry& g, double y, double x) {
    if (!(y > -1 && y < g.height && x > -1 && x < g.width)) return 0;
    const double top = std::floor(y), left = std::floor(x);
    double sum = 0;
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j) {
            const int64_t r = static_cast<int64_t>(top) + i, c = static_cast<int64_t>(left) + j;
            if (r < 0 || r >= g.height || c < 0 || c >= g.width) continue;
            sum += (1 - std::abs(y - r)) * (1 - std::abs(x - c)) * plane[r * g.width + c];
        }
    return sum;
}

inline std::vector<float> reference(const Data& d) {
    const Geometry& g = d.g;
    std::vector<float> y;
    for (int64_t n = 0; n < g.batch; ++n)
        for (int64_t o = 0; o < g.outputs; ++o)
            for (int64_t p = 0; p < g.out_pixels(); ++p) {
                double sum = d.bias.empty() ? 0 : d.bias[o];
                for (int64_t c = 0; c < g.group_channels(); ++c)
                    for (int64_t k = 0; k < g.points(); ++k) {
                        const int64_t channel = o / g.group_outputs() * g.group_channels() + c;
                        const int64_t group = channel / (g.channels / g.offset_group);
                        const int64_t plane = (n * g.offset_group + group) * g.points() + k;
                        const float dy = d.offset[2 * plane * g.out_pixels() + p];
                        const float dx = d.offset[(2 * plane + 1) * g.out_pixels() + p];
                        const double at_y = p / g.out_width * g.stride.y - g.pad_top + k / g.kernel.x * g.dilation.y +
                                            static_cast<double>(dy);
                        const double at_x = p % g.out_width * g.stride.x - g.pad_left + k % g.kernel.x * g.dilation.x +
                                            static_cast<double>(dx);
                        const double mask = d.mask.empty() ? 1 : d.mask[plane * g.out_pixels() + p];
                        sum += d.weight[(o * g.group_channels() + c) * g.points() + k] * mask *
                               bilinear(&d.x[(n * g.channels + channel) * g.pixels()], g, at_y, at_x);
                    }
                y.push_back(static_cast<float>(sum));
            }
    return y;
}

// Largest difference; huge where one of the two is no number.
inline double difference(const std::vector<float>& a, const std::vector<float>& b) {
    double largest = a.size() == b.size() ? 0 : 1e30;
    for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
        const double d = std::abs(static_cast<double>(a[i]) - b[i]);
        largest = d <= largest ? largest : std::isnan(d) ? 1e30 : d;
    }
    return largest;
}

}  // namespace deform::testing
