#include "cpu_op.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <thread>

namespace deform::ort {
namespace {

constexpr const char* kChoice = "DEFORM_CONV_CODE";  // environment variable: generic, avx2 or avx512

const cpu::Code& chosen_code() {
    const char* name = std::getenv(kChoice);
    if (!name || !*name) return cpu::best_code();
    if (const cpu::Code* code = cpu::find_code(name)) return *code;
    throw std::invalid_argument(std::string(kChoice) + "=" + name +
                                " is not one of generic, avx2, avx512, or this machine cannot run it");
}

// Memory of ONNX Runtime's arena, which keeps it from one call to the next.
class ArenaMemory {
public:
    ArenaMemory(const Ort::KernelContext& context, size_t bytes) {
        const Ort::MemoryInfo place = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
        allocator_.reset(context.GetAllocator(*static_cast<const OrtMemoryInfo*>(place)));
        begin_ = allocator_->Alloc(allocator_.get(), bytes + kAlignment);
    }
    ~ArenaMemory() { allocator_->Free(allocator_.get(), begin_); }
    ArenaMemory(const ArenaMemory&) = delete;
    ArenaMemory& operator=(const ArenaMemory&) = delete;

    void* aligned() const {
        return reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(begin_) + kAlignment - 1) / kAlignment *
                                       kAlignment);
    }

private:
    static constexpr size_t kAlignment = 64;
    struct Release {
        void operator()(OrtAllocator* allocator) const { Ort::GetApi().ReleaseAllocator(allocator); }
    };
    std::unique_ptr<OrtAllocator, Release> allocator_;
    void* begin_;
};

}  // namespace

CpuKernel::CpuKernel(const OrtKernelInfo* info)
    : code_(chosen_code()), attributes_(read_attributes(Ort::ConstKernelInfo(info))) {
    int constant = 0;
    const Ort::ConstValue weight = Ort::ConstKernelInfo(info).GetTensorConstantInput(kWeight, &constant);
    if (!constant) return;
    Geometry geometry;
    if (describe_weight(weight.GetTensorTypeAndShapeInfo().GetShape(), attributes_.group, geometry))
        packed_ = cpu::pack_weights(code_, geometry, weight.GetTensorData<float>());
}

OrtStatusPtr CpuKernel::ComputeV2(OrtKernelContext* context) {
    return guarded([&] { compute(Ort::KernelContext(context)); });
}

void CpuKernel::compute(Ort::KernelContext context) const {
    const Inputs inputs(context);
    const Geometry geometry = inputs.checked(attributes_);
    float* y = output<float>(context, geometry);
    if (!geometry.batch) return;

    // How many threads the pool has is not to be learnt; a part that finds no work left costs nothing.
    const size_t threads = std::max(1u, std::thread::hardware_concurrency());
    const ArenaMemory scratch(context, cpu::scratch_bytes(code_, geometry, threads));
    const cpu::ParallelFor parallel_for = [&](size_t count, const std::function<void(size_t)>& task) {
        const auto call = [](void* function, size_t i) {
            (*static_cast<const std::function<void(size_t)>*>(function))(i);
        };
        context.ParallelFor(call, count, 0, const_cast<std::function<void(size_t)>*>(&task));
    };
    const cpu::Tensors tensors{inputs.data<float>(kX), inputs.data<float>(kOffset), inputs.data<float>(kBias),
                               inputs.data<float>(kMask), y};
    std::vector<float> packed_now;
    if (!packed_) packed_now = cpu::pack_weights(code_, geometry, inputs.data<float>(kWeight));
    cpu::run(code_, geometry, tensors, packed_ ? *packed_ : packed_now, scratch.aligned(), threads, parallel_for);
}

}  // namespace deform::ort
