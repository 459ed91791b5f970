// As much of CUDA as cuda/ uses, on a CPU: blocks run one after another, the threads of a block take turns,
// and __syncthreads hands over to the next. It proves the kernel's arithmetic and its barriers, not its speed; a
// barrier that only some threads reach ends the program.
#pragma once

#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static  // one block at a time
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)

struct dim3 {
    unsigned x;
    explicit dim3(unsigned size) : x(size) {}
};
inline dim3 threadIdx(0), blockIdx(0);

using std::min;
typedef int cudaError_t;
typedef void* cudaStream_t;
constexpr cudaError_t cudaSuccess = 0;
inline const char* cudaGetErrorString(cudaError_t) { return "unknown"; }

struct float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }

// One device with one multiprocessor, on which two blocks are enough; memory is the CPU's, so that a sanitizer sees
// what is read or written beyond it.
enum { cudaDevAttrMultiProcessorCount };
inline cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
inline cudaError_t cudaDeviceGetAttribute(int* value, int, int) { return *value = 1, cudaSuccess; }

typedef void* cudaMemPool_t;
enum { cudaMemAllocationTypePinned, cudaMemLocationTypeDevice, cudaMemPoolAttrReleaseThreshold };
struct cudaMemPoolProps {
    int allocType;
    struct {
        int type, id;
    } location;
};
inline cudaError_t cudaMemPoolCreate(cudaMemPool_t*, const cudaMemPoolProps*) { return cudaSuccess; }
inline cudaError_t cudaMemPoolDestroy(cudaMemPool_t) { return cudaSuccess; }
inline cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, int, void*) { return cudaSuccess; }
inline cudaError_t cudaMallocFromPoolAsync(void** memory, size_t bytes, cudaMemPool_t, cudaStream_t) {
    if (posix_memalign(memory, 256, bytes)) return 2;
    std::memset(*memory, 0xff, bytes);  // no numbers, where the kernel forgets to write
    return cudaSuccess;
}
inline cudaError_t cudaFreeAsync(void* memory, cudaStream_t) { return std::free(memory), cudaSuccess; }

namespace cuda_on_cpu {

struct Thread {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool finished;
    std::vector<std::function<void()>> copies;  // that may still be on their way
};

inline ucontext_t scheduler;
inline Thread* current;
inline std::function<void()> kernel;

inline void enter() {
    kernel();
    current->finished = true;
    swapcontext(&current->context, &scheduler);
}

inline void run_block(std::vector<Thread>& threads) {
    constexpr size_t kStack = 128 * 1024;
    for (Thread& thread : threads) {
        if (!thread.stack) thread.stack.reset(new char[kStack]);
        thread.finished = false;
        getcontext(&thread.context);
        thread.context.uc_stack.ss_sp = thread.stack.get();
        thread.context.uc_stack.ss_size = kStack;
        makecontext(&thread.context, enter, 0);
    }
    for (size_t round = 0, finished = 0; !finished; ++round) {
        for (size_t i = 0; i < threads.size(); ++i) {
            // Now forwards, now backwards: a result that hangs on the order, for want of a barrier, will differ.
            threadIdx.x = static_cast<unsigned>(round % 2 ? threads.size() - 1 - i : i);
            current = &threads[threadIdx.x];
            swapcontext(&scheduler, &current->context);
            finished += current->finished;
        }
        if (finished && finished != threads.size()) {
            std::puts("some threads have ended, others wait at a barrier");
            std::exit(1);
        }
    }
}

}  // namespace cuda_on_cpu

inline void __syncthreads() {
    cuda_on_cpu::Thread* self = cuda_on_cpu::current;
    swapcontext(&self->context, &cuda_on_cpu::scheduler);
}

template <typename... Arguments>
cudaError_t cudaLaunchKernel(void (*kernel)(Arguments...), dim3 grid, dim3 block, void** arguments, size_t,
                             cudaStream_t) {
    std::tuple<Arguments...> values = [&]<size_t... i>(std::index_sequence<i...>) {
        return std::tuple<Arguments...>(*static_cast<Arguments*>(arguments[i])...);
    }(std::index_sequence_for<Arguments...>());
    cuda_on_cpu::kernel = [&] { std::apply(kernel, values); };
    std::vector<cuda_on_cpu::Thread> threads(block.x);
    for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) cuda_on_cpu::run_block(threads);
    return cudaSuccess;
}
