// Shared by all kernels. T is the element type, A the type in which sums are formed: float, double for double.
// No CUDA header is needed, so that NVRTC alone compiles this; a host compiler does with `emulation.h` before it.

typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

struct half_t { u16 bits; };
struct bf16_t { u16 bits; };

#ifndef EMULATED
__device__ __forceinline__ float wide(half_t x) {
    float out;
    asm("cvt.f32.f16 %0, %1;" : "=f"(out) : "h"(x.bits));
    return out;
}
__device__ __forceinline__ half_t narrow_half(float x) {
    half_t out;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(out.bits) : "f"(x));
    return out;
}
__device__ __forceinline__ float from_bits(u32 bits) { return __uint_as_float(bits); }
__device__ __forceinline__ u32 to_bits(float x) { return __float_as_uint(x); }
#define INFINITE __int_as_float(0x7f800000)
#endif

__device__ __forceinline__ float wide(float x) { return x; }
__device__ __forceinline__ double wide(double x) { return x; }
__device__ __forceinline__ float wide(bf16_t x) { return from_bits((u32)x.bits << 16); }

__device__ __forceinline__ void store(float* to, float x) { *to = x; }
__device__ __forceinline__ void store(double* to, double x) { *to = x; }
__device__ __forceinline__ void store(half_t* to, float x) { *to = narrow_half(x); }
__device__ __forceinline__ void store(bf16_t* to, float x) {  // to the nearest, ties to even
    u32 bits = to_bits(x);
    bf16_t out;
    if (x != x) {
        out.bits = (u16)(0x7fc0 | (bits >> 16 & 0x8000));
    } else {
        out.bits = (u16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
    *to = out;
}

// One element after the other over any number of blocks.
#define EACH(i, n) i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (i64)gridDim.x * blockDim.x

struct Sum { __device__ static A of(A a, A b) { return a + b; } };
struct Max { __device__ static A of(A a, A b) { return a > b || a != a ? a : b; } };

// Combines the values of all threads of a block, in one order: the same bits every time. `shared` has 32 places.
template <class Op>
__device__ A combine(A value, A* shared) {
    for (int step = 16; step; step >>= 1) value = Op::of(value, __shfl_xor_sync(0xffffffffu, value, step));
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
    __syncthreads();
    value = shared[0];
    for (u32 i = 1; i < blockDim.x / 32; i++) value = Op::of(value, shared[i]);
    __syncthreads();
    return value;
}
