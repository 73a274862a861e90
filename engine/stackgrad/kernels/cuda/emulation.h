// CUDA's names for a host compiler, so that kernels run on the CPU: one block after the other, its threads as fibers
// that take turns at barriers and shuffles. Slow, and exact enough to test a kernel's arithmetic without a GPU.

#include <ucontext.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#define EMULATED 1
#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static
#define INFINITE INFINITY
using std::erf; using std::exp; using std::log; using std::sqrt; using std::tanh;

struct Index { unsigned x, y, z; };
static Index threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {
enum State { READY, AT_BLOCK, AT_WARP, DONE };
struct Fiber { ucontext_t context; State state; std::vector<char> stack; double value; };
static std::vector<Fiber> fibers;
static ucontext_t home;
static unsigned running;
static void (*body)();

static void enter() {
    body();
    fibers[running].state = DONE;
    swapcontext(&fibers[running].context, &home);
}

static void wait(State at) {
    unsigned self = running;
    fibers[self].state = at;
    swapcontext(&fibers[self].context, &home);
    threadIdx = {self, 0, 0};
}

// Lets every thread of the range go on that waits at `at`, if all that have not ended do.
static bool release(unsigned first, unsigned last, State at) {
    bool any = false;
    for (unsigned i = first; i < last; i++) {
        if (fibers[i].state != at && fibers[i].state != DONE) return false;
        any = any || fibers[i].state == at;
    }
    for (unsigned i = first; any && i < last; i++)
        if (fibers[i].state == at) fibers[i].state = READY;
    return any;
}

// Returns false where the threads of a block wait for each other at different places.
static bool run_block(unsigned threads) {
    fibers.resize(threads);
    for (unsigned i = 0; i < threads; i++) {
        Fiber& f = fibers[i];
        f.stack.resize(1 << 15);
        f.state = READY;
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = f.stack.data();
        f.context.uc_stack.ss_size = f.stack.size();
        f.context.uc_link = &home;
        makecontext(&f.context, enter, 0);
    }
    for (;;) {
        bool moved = false, left = false;
        for (running = 0; running < threads; running++) {
            if (fibers[running].state != READY) continue;
            threadIdx = {running, 0, 0};
            swapcontext(&home, &fibers[running].context);
            moved = true;
        }
        for (unsigned w = 0; w < threads; w += 32)
            moved = release(w, w + 32 < threads ? w + 32 : threads, AT_WARP) || moved;
        moved = release(0, threads, AT_BLOCK) || moved;
        for (unsigned i = 0; i < threads; i++) left = left || fibers[i].state != DONE;
        if (!left) return true;
        if (!moved) return false;
    }
}

static bool run(unsigned blocks, unsigned threads, void (*kernel)()) {
    gridDim = {blocks, 1, 1};
    blockDim = {threads, 1, 1};
    body = kernel;
    for (unsigned b = 0; b < blocks; b++) {
        blockIdx = {b, 0, 0};
        if (!run_block(threads)) return false;
    }
    return true;
}
}  // namespace emulation

static inline void __syncthreads() { emulation::wait(emulation::AT_BLOCK); }
static inline void __syncwarp(unsigned = ~0u) { emulation::wait(emulation::AT_WARP); }
template <class V>
static inline V __shfl_xor_sync(unsigned, V value, int step) {
    unsigned self = emulation::running;
    emulation::fibers[self].value = (double)value;
    __syncwarp();
    unsigned other = self ^ (unsigned)step;
    V found = other < emulation::fibers.size() ? (V)emulation::fibers[other].value : value;
    __syncwarp();
    return found;
}
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}
static inline float from_bits(unsigned bits) { float x; std::memcpy(&x, &bits, 4); return x; }
static inline unsigned to_bits(float x) { unsigned bits; std::memcpy(&bits, &x, 4); return bits; }

struct half_t; // emulation_half.h has the conversions
static inline float wide(half_t x);
static inline half_t narrow_half(float x);
