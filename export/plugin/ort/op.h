// What ONNX Runtime's kernels for all devices share: the op's interface, its attributes, its inputs.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "../geometry.h"

namespace deform::ort {

constexpr const char* kDomain = "mot.ops";
constexpr const char* kName = "ModulatedDeformConv2d";

enum Input : size_t { kX, kWeight, kOffset, kBias, kMask, kInputs };

// Run `body`; an exception becomes the status that ONNX Runtime reports.
template <typename Body>
OrtStatusPtr guarded(Body body) noexcept {
    try {
        body();
        return nullptr;
    } catch (const Ort::Exception& error) {
        return Ort::GetApi().CreateStatus(error.GetOrtErrorCode(), error.what());
    } catch (const std::exception& error) {
        return Ort::GetApi().CreateStatus(ORT_FAIL, error.what());
    }
}

Attributes read_attributes(Ort::ConstKernelInfo info);

// The inputs of one call; absent optional ones are null.
struct Inputs {
    explicit Inputs(Ort::KernelContext& context);

    // Throws where shapes do not fit together.
    Geometry checked(const Attributes& attributes) const;

    // The elements of one input, null where it is absent.
    template <typename T>
    const T* data(Input index) const {
        return values[index] ? values[index].GetTensorData<T>() : nullptr;
    }

    Ort::ConstValue values[kInputs];
};

// Room for (N, M, oH, oW).
template <typename T>
T* output(Ort::KernelContext& context, const Geometry& g) {
    return context.GetOutput(0, {g.batch, g.outputs, g.out_height, g.out_width}).GetTensorMutableData<T>();
}

// The op on one device and for one element type; Kernel has `Kernel(OrtKernelInfo)` and
// `OrtStatusPtr ComputeV2(OrtKernelContext*)`.
template <typename Kernel, ONNXTensorElementDataType kElement>
struct Op : Ort::CustomOpBase<Op<Kernel, kElement>, Kernel, true> {
    const char* GetName() const { return kName; }
    const char* GetExecutionProviderType() const { return Kernel::kProvider; }
    size_t GetInputTypeCount() const { return kInputs; }
    size_t GetOutputTypeCount() const { return 1; }
    ONNXTensorElementDataType GetInputType(size_t) const { return kElement; }
    ONNXTensorElementDataType GetOutputType(size_t) const { return kElement; }
    OrtCustomOpInputOutputCharacteristic GetInputCharacteristic(size_t index) const {
        return index < kBias ? INPUT_OUTPUT_REQUIRED : INPUT_OUTPUT_OPTIONAL;
    }

    OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const {
        return guarded([&] { *kernel = std::make_unique<Kernel>(info).release(); });
    }
};

}  // namespace deform::ort
