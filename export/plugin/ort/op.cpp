#include "op.h"

#include <algorithm>
#include <utility>

namespace deform::ort {
namespace {

Shape list_or_empty(const Ort::ConstKernelInfo& info, const char* name) {
    size_t count = 0;  // an absent attribute is an error of ONNX Runtime's
    if (Ort::Status(Ort::GetApi().KernelInfoGetAttributeArray_int64(info, name, nullptr, &count)).IsOK())
        return info.GetAttributes<int64_t>(name);
    return {};
}

int64_t number_or_one(const Ort::ConstKernelInfo& info, const char* name) {
    int64_t value = 1;
    return Ort::Status(Ort::GetApi().KernelInfoGetAttribute_int64(info, name, &value)).IsOK() ? value : 1;
}

}  // namespace

Attributes read_attributes(Ort::ConstKernelInfo info) {
    return {list_or_empty(info, "kernel_shape"), list_or_empty(info, "strides"), list_or_empty(info, "dilations"),
            list_or_empty(info, "pads"),         number_or_one(info, "group"),   number_or_one(info, "offset_group")};
}

Inputs::Inputs(Ort::KernelContext& context) {
    for (size_t i = 0; i < std::min<size_t>(kInputs, context.GetInputCount()); ++i) values[i] = context.GetInput(i);
}

Geometry Inputs::checked(const Attributes& attributes) const {
    Shape shapes[kInputs];
    for (size_t i = 0; i < kInputs; ++i)
        if (values[i]) shapes[i] = values[i].GetTensorTypeAndShapeInfo().GetShape();
    Geometry geometry;
    std::string error = check(attributes,
                              {shapes[kX], shapes[kWeight], shapes[kOffset], values[kBias] ? &shapes[kBias] : nullptr,
                               values[kMask] ? &shapes[kMask] : nullptr},
                              geometry);
    if (!error.empty()) throw Ort::Exception(std::move(error), ORT_INVALID_ARGUMENT);
    return geometry;
}

}  // namespace deform::ort
