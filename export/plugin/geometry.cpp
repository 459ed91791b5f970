#include "geometry.h"

#include <limits>

namespace deform {
namespace {

constexpr int64_t kLargest = int64_t{1} << 24;  // of a size: up to here fp32 counts pixels exactly

std::string text(const Shape& shape) {
    std::string out = "(";
    for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
    return out + ")";
}

std::string wrong(const char* name, const Shape& shape, const std::string& expected) {
    return std::string("ModulatedDeformConv2d: ") + name + " is " + text(shape) + ", but must be " + expected;
}

bool within(const Shape& values, int64_t least) {
    for (int64_t value : values)
        if (value < least || value > kLargest) return false;
    return true;
}

// A pair of positive sizes, or 1, 1 where the attribute is absent.
std::string read_pair(const char* name, const Shape& values, Pair& pair) {
    if (values.empty()) return "";
    if (values.size() != 2 || !within(values, 1)) return wrong(name, values, "two positive numbers");
    pair = {values[0], values[1]};
    return "";
}

std::string read_attributes(const Attributes& attributes, const Shape& weight, Geometry& g, Shape& pads) {
    g.kernel = {weight[2], weight[3]};
    Pair kernel = g.kernel;
    std::string error = read_pair("attribute kernel_shape", attributes.kernel_shape, kernel);
    if (error.empty() && (kernel.y != g.kernel.y || kernel.x != g.kernel.x))
        error = wrong("attribute kernel_shape", attributes.kernel_shape, "as in input W " + text(weight));
    if (error.empty()) error = read_pair("attribute strides", attributes.strides, g.stride);
    if (error.empty()) error = read_pair("attribute dilations", attributes.dilations, g.dilation);
    if (!error.empty()) return error;

    pads = attributes.pads.empty() ? Shape{0, 0, 0, 0} : attributes.pads;
    if (pads.size() != 4 || !within(pads, 0))
        return wrong("attribute pads", pads, "top, left, bottom, right, none of them negative");
    g.pad_top = pads[0];
    g.pad_left = pads[1];
    g.group = attributes.group;
    g.offset_group = attributes.offset_group;
    if (g.group < 1) return wrong("attribute group", {g.group}, "positive");
    if (g.offset_group < 1) return wrong("attribute offset_group", {g.offset_group}, "positive");
    return "";
}

}  // namespace

bool describe_weight(const Shape& weight, int64_t group, Geometry& g) {
    if (weight.size() != 4 || !within(weight, 1) || group < 1 || weight[0] % group) return false;
    g.kernel = {weight[2], weight[3]};
    g.group = group;
    g.outputs = weight[0];
    g.channels = weight[1] * group;
    return true;
}

std::string check(const Attributes& attributes, const InputShapes& shapes, Geometry& geometry) {
    const Shape &x = shapes.x, &weight = shapes.weight;
    Geometry g;
    if (x.size() != 4 || !within({x[1], x[2], x[3]}, 1))
        return wrong("input X", x, "(N, C, H, W), C, H and W from 1 to 2^24");
    if (weight.size() != 4 || !within(weight, 1))
        return wrong("input W", weight, "(M, C/group, kH, kW), from 1 to 2^24");

    Shape pads;
    std::string error = read_attributes(attributes, weight, g, pads);
    if (!error.empty()) return error;
    g.batch = x[0];
    g.channels = x[1];
    g.height = x[2];
    g.width = x[3];
    g.outputs = weight[0];
    const std::string channels = std::to_string(g.channels), group = std::to_string(g.group);
    if (g.channels % g.group || weight[1] != g.channels / g.group)
        return wrong("input W", weight, "(M, C/group, kH, kW) where C is " + channels + " and group is " + group);
    if (g.outputs % g.group) return wrong("input W", weight, "(M, ...) with M a multiple of group " + group);
    if (g.channels % g.offset_group)
        return wrong("attribute offset_group", {g.offset_group}, "a divisor of the channels of input X " + text(x));
    if (g.pixels() >= std::numeric_limits<int32_t>::max())
        return wrong("input X", x, "smaller: at most 2^31 - 2 pixels an image");

    const int64_t room_y = g.height + pads[0] + pads[2] - g.dilation.y * (g.kernel.y - 1) - 1;
    const int64_t room_x = g.width + pads[1] + pads[3] - g.dilation.x * (g.kernel.x - 1) - 1;
    if (room_y < 0 || room_x < 0) return wrong("input X", x, "with its pads at least as large as the dilated kernel");
    g.out_height = room_y / g.stride.y + 1;
    g.out_width = room_x / g.stride.x + 1;

    const Shape offset{g.batch, g.offset_group * g.points() * 2, g.out_height, g.out_width};
    const Shape mask{g.batch, g.offset_group * g.points(), g.out_height, g.out_width};
    const Shape bias{g.outputs};
    if (shapes.offset != offset) return wrong("input offset", shapes.offset, text(offset));
    if (shapes.bias && *shapes.bias != bias) return wrong("input B", *shapes.bias, text(bias));
    if (shapes.mask && *shapes.mask != mask) return wrong("input mask", *shapes.mask, text(mask));
    geometry = g;
    return "";
}

}  // namespace deform
