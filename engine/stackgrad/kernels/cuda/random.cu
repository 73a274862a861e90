// Philox4x64-10 (Salmon, Moraes, Dror, Shaw, SC 2011): number i of a draw is a function of seed and counter alone.

__device__ __forceinline__ u64 philox(u64 seed, u64 counter, u64 number) {  // number: of 64-bit words of the draw
    u64 c0 = counter + number / 4, c1 = 0, c2 = 0, c3 = 0, k0 = seed, k1 = 0;
    if (c0 < counter) c1 = 1;
    for (int round = 0; round < 10; round++) {
        u64 high0 = __umul64hi(0xD2E7470EE14C6C93ull, c0), low0 = 0xD2E7470EE14C6C93ull * c0;
        u64 high1 = __umul64hi(0xCA5A826395121157ull, c2), low1 = 0xCA5A826395121157ull * c2;
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B97F4A7C15ull;
        k1 += 0xBB67AE8584CAA73Bull;
    }
    int place = (int)(number % 4);
    return place == 0 ? c0 : place == 1 ? c1 : place == 2 ? c2 : c3;
}

__device__ __forceinline__ u32 philox_half(u64 seed, u64 counter, u64 number) {  // number: of 32-bit words
    u64 word = philox(seed, counter, number / 2);
    return number % 2 ? (u32)(word >> 32) : (u32)word;
}

// `state` is {seed, counter} in device memory, so that a captured graph draws anew when it is written to.
extern "C" __global__ void philox_words(u64* out, const u64* state, i64 n) {
    for (EACH(i, n)) out[i] = philox(state[0], state[1], i);
}

// y = x * scale where the draw of 24 bits is at least p, else 0. Backward is the same with the gradient as x.
extern "C" __global__ void dropout(const T* x, T* y, const u64* state, i64 n, float p, A scale) {
    for (EACH(i, n)) {
        float drawn = (philox_half(state[0], state[1], i) >> 8) * 5.9604644775390625e-08f;
        store(y + i, drawn >= p ? wide(x[i]) * scale : (A)0);
    }
}
