// float16 on the host, after common.cuh; _Float16 is the compiler's.
static inline float wide(half_t x) { _Float16 v; std::memcpy(&v, &x.bits, 2); return (float)v; }
static inline half_t narrow_half(float x) { _Float16 v = (_Float16)x; half_t out; std::memcpy(&out.bits, &v, 2); return out; }
