// The op for ONNX Runtime's CPU provider, fp32, on ONNX Runtime's own threads.
#pragma once

#include <optional>

#include "../cpu/kernel.h"
#include "op.h"

namespace deform::ort {

class CpuKernel {
public:
    static constexpr const char* kProvider = "CPUExecutionProvider";

    explicit CpuKernel(const OrtKernelInfo* info);
    OrtStatusPtr ComputeV2(OrtKernelContext* context);

private:
    void compute(Ort::KernelContext context) const;

    const cpu::Code& code_;
    Attributes attributes_;
    std::optional<std::vector<float>> packed_;  // weights, where the graph holds them as constants
};

using CpuOp = Op<CpuKernel, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT>;

}  // namespace deform::ort
