// Device memory for the length of a computation, in the order of a stream.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <map>
#include <mutex>

namespace deform::cuda {

// A pool of our own for each device, which keeps what it has: the device's default one gives all memory back at every
// synchronisation unless the whole process is told otherwise.
inline cudaError_t pool_of(int device, cudaMemPool_t& pool) {
    static std::mutex mutex;
    static std::map<int, cudaMemPool_t> pools;
    const std::lock_guard<std::mutex> lock(mutex);
    if (const auto found = pools.find(device); found != pools.end()) {
        pool = found->second;
        return cudaSuccess;
    }
    cudaMemPoolProps properties{};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = device;
    if (const cudaError_t error = cudaMemPoolCreate(&pool, &properties); error != cudaSuccess) return error;
    uint64_t all = UINT64_MAX;
    if (const cudaError_t error = cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all);
        error != cudaSuccess) {
        cudaMemPoolDestroy(pool);
        return error;
    }
    pools[device] = pool;
    return cudaSuccess;
}

class Scratch {
public:
    Scratch(int device, cudaStream_t stream, size_t bytes) : stream_(stream) {
        cudaMemPool_t pool;
        error = pool_of(device, pool);
        if (error == cudaSuccess) error = cudaMallocFromPoolAsync(&memory, bytes, pool, stream);
        if (error != cudaSuccess) memory = nullptr;
    }
    ~Scratch() {
        if (memory) cudaFreeAsync(memory, stream_);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    cudaError_t error;
    void* memory = nullptr;

private:
    cudaStream_t stream_;
};

}  // namespace deform::cuda
