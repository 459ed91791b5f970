// As much of CUDA as cuda/kernel.cu uses, on a CPU: blocks run one after another, the threads of a block take turns,
// and __syncthreads hands over to the next. It proves the kernel's arithmetic and its barriers, not its speed; a
// barrier that only some threads reach ends the program.
#pragma once

#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
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

namespace cuda_on_cpu {

struct Thread {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool finished;
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
    constexpr size_t kStack = 64 * 1024;
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
