// The op for ONNX Runtime's CUDA provider, fp32 and fp16, on the session's compute stream.
#pragma once

#include "../cuda/kernel.h"
#include "op.h"

namespace deform::ort {

template <typename T>
class CudaKernel {
public:
    static constexpr const char* kProvider = "CUDAExecutionProvider";

    explicit CudaKernel(const OrtKernelInfo* info) : attributes_(read_attributes(Ort::ConstKernelInfo(info))) {}

    OrtStatusPtr ComputeV2(OrtKernelContext* context) {
        return guarded([&] { compute(Ort::KernelContext(context)); });
    }

private:
    void compute(Ort::KernelContext context) const {
        const Inputs inputs(context);
        const Geometry geometry = inputs.checked(attributes_);
        T* y = output<T>(context, geometry);
        const cuda::Tensors<T> tensors{inputs.data<T>(kX),    inputs.data<T>(kWeight), inputs.data<T>(kOffset),
                                       inputs.data<T>(kBias), inputs.data<T>(kMask),   y};
        if (const char* error = cuda::run(geometry, tensors, context.GetGPUComputeStream()))
            throw Ort::Exception(std::string(kName) + ": CUDA: " + error, ORT_FAIL);
    }

    Attributes attributes_;
};

using CudaFloatOp = Op<CudaKernel<float>, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT>;
using CudaHalfOp = Op<CudaKernel<cuda::Half>, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16>;

}  // namespace deform::ort
