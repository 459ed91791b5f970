// The kernel as C++; check_cuda includes check/cuda_on_cpu instead of CUDA.
#include "../cuda/kernel.cu"
