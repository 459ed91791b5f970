// One deformable convolution: its attributes, the shapes of its tensors, and the check that they fit together.
//
// Semantics are those of ONNX DeformConv, 2-D; README.md has the table. This file knows neither ONNX Runtime nor CUDA.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace deform {

using Shape = std::vector<int64_t>;

// As in ONNX; empty lists mean the default. Pairs are (vertical, horizontal).
struct Attributes {
    Shape kernel_shape;  // the weight's when empty
    Shape strides;
    Shape dilations;
    Shape pads;  // top, left, bottom, right
    int64_t group = 1;
    int64_t offset_group = 1;
};

struct Pair {
    int64_t y = 1, x = 1;
};

// Sizes of a checked convolution; all tensors are contiguous.
struct Geometry {
    int64_t batch = 0, channels = 0, height = 0, width = 0;  // X: (N, C, H, W)
    int64_t outputs = 0, out_height = 0, out_width = 0;      // Y: (N, M, oH, oW)
    Pair kernel, stride, dilation;                           // W: (M, C/group, kH, kW)
    int64_t pad_top = 0, pad_left = 0;
    int64_t group = 1, offset_group = 1;

    int64_t points() const { return kernel.y * kernel.x; }
    int64_t pixels() const { return height * width; }
    int64_t out_pixels() const { return out_height * out_width; }
    int64_t group_channels() const { return channels / group; }
    int64_t group_outputs() const { return outputs / group; }
    int64_t depth() const { return points() * group_channels(); }  // products in one output
};

// Fill what `geometry` says of W alone, for work that can be done before the other inputs are known; false where W and
// group do not fit together.
bool describe_weight(const Shape& weight, int64_t group, Geometry& geometry);

// What the runtime hands over; an absent optional input is a null pointer.
struct InputShapes {
    Shape x, weight, offset;
    const Shape* bias = nullptr;
    const Shape* mask = nullptr;
};

// Fill `geometry`; the result says which input or attribute is wrong, and is empty when all fit together.
std::string check(const Attributes& attributes, const InputShapes& shapes, Geometry& geometry);

}  // namespace deform
