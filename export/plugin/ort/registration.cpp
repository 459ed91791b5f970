// The library's one door: ONNX Runtime calls RegisterCustomOps when the library is registered with a session.
#include "cpu_op.h"
#ifdef DEFORM_CONV_CUDA
#include "cuda_op.h"
#endif

namespace {

using namespace deform::ort;

// Every kernel of the library. Static, because sessions keep pointers to it.
Ort::CustomOpDomain& domain() {
    static CpuOp cpu;
#ifdef DEFORM_CONV_CUDA
    static CudaFloatOp cuda_float;
    static CudaHalfOp cuda_half;
#endif
    static Ort::CustomOpDomain all = [] {
        Ort::CustomOpDomain made(kDomain);
        made.Add(&cpu);
#ifdef DEFORM_CONV_CUDA
        made.Add(&cuda_float);
        made.Add(&cuda_half);
#endif
        return made;
    }();
    return all;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) OrtStatus* RegisterCustomOps(OrtSessionOptions* options,
                                                                               const OrtApiBase* base) {
    const OrtApi* api = base->GetApi(ORT_API_VERSION);
    if (!api) {  // older than the headers: any version of the API can say so
        const std::string text = std::string("ModulatedDeformConv2d needs ONNX Runtime 1.") +
                                 std::to_string(ORT_API_VERSION) + " or newer; this is " + base->GetVersionString();
        return base->GetApi(1)->CreateStatus(ORT_FAIL, text.c_str());
    }
    Ort::InitApi(api);
    return guarded([&] { Ort::UnownedSessionOptions(options).Add(domain()); });
}
