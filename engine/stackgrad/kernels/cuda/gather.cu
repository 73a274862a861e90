// Embedding gradients, pooling, and unrolled convolution: every output element gathers what belongs to it, in one order.

// dw (rows, width) += sums of g by row. `order` sorts the indices, `sorted` are they in that order.
extern "C" __global__ void embedding_backward(const T* g, const i64* order, const i64* sorted, T* dw, i64 count, i64 width,
                                              i64 skipped) {
    i64 i = blockIdx.x, row = sorted[i];
    if (row == skipped || (i && sorted[i - 1] == row)) return;  // the first of equal ones adds for all
    for (i64 j = threadIdx.x; j < width; j += blockDim.x) {
        A total = 0;
        for (i64 k = i; k < count && sorted[k] == row; k++) total += wide(g[order[k] * width + j]);
        store(dw + row * width + j, total);
    }
}

struct Window { i64 height, width, out_height, out_width, kh, kw, sh, sw, ph, pw, dh, dw; };

// `place` is which kernel position holds the maximum: the first of equal ones, a NaN before all.
extern "C" __global__ void max_pool_forward(const T* x, T* y, int* place, i64 n, Window s) {
    for (EACH(i, n)) {
        i64 ox = i % s.out_width, oy = i / s.out_width % s.out_height, image = i / s.out_width / s.out_height;
        const T* from = x + image * s.height * s.width;
        A best = -INFINITE;
        int chosen = 0, found = 0;
        for (i64 ky = 0; ky < s.kh; ky++)
            for (i64 kx = 0; kx < s.kw; kx++) {
                i64 iy = oy * s.sh - s.ph + ky * s.dh, ix = ox * s.sw - s.pw + kx * s.dw;
                if (iy < 0 || iy >= s.height || ix < 0 || ix >= s.width) continue;
                A v = wide(from[iy * s.width + ix]);
                if (!found || v > best || (v != v && best == best)) {
                    best = v;
                    chosen = (int)(ky * s.kw + kx);
                    found = 1;
                }
            }
        store(y + i, best);
        place[i] = chosen;
    }
}

extern "C" __global__ void max_pool_backward(const T* g, const int* place, T* dx, i64 n, Window s) {
    for (EACH(i, n)) {
        i64 ix = i % s.width, iy = i / s.width % s.height, image = i / s.width / s.height;
        A total = 0;
        for (i64 ky = 0; ky < s.kh; ky++)
            for (i64 kx = 0; kx < s.kw; kx++) {
                i64 oy = iy + s.ph - ky * s.dh, ox = ix + s.pw - kx * s.dw;
                if (oy < 0 || ox < 0 || oy % s.sh || ox % s.sw) continue;
                oy /= s.sh;
                ox /= s.sw;
                if (oy >= s.out_height || ox >= s.out_width) continue;
                i64 at = (image * s.out_height + oy) * s.out_width + ox;
                if (place[at] == ky * s.kw + kx) total += wide(g[at]);
            }
        store(dx + i, total);
    }
}

extern "C" __global__ void sum_pool_forward(const T* x, T* y, i64 n, Window s) {
    for (EACH(i, n)) {
        i64 ox = i % s.out_width, oy = i / s.out_width % s.out_height, image = i / s.out_width / s.out_height;
        const T* from = x + image * s.height * s.width;
        A total = 0;
        for (i64 ky = 0; ky < s.kh; ky++)
            for (i64 kx = 0; kx < s.kw; kx++) {
                i64 iy = oy * s.sh - s.ph + ky * s.dh, ix = ox * s.sw - s.pw + kx * s.dw;
                if (iy >= 0 && iy < s.height && ix >= 0 && ix < s.width) total += wide(from[iy * s.width + ix]);
            }
        store(y + i, total);
    }
}

extern "C" __global__ void sum_pool_backward(const T* g, T* dx, i64 n, Window s) {
    for (EACH(i, n)) {
        i64 ix = i % s.width, iy = i / s.width % s.height, image = i / s.width / s.height;
        A total = 0;
        for (i64 ky = 0; ky < s.kh; ky++)
            for (i64 kx = 0; kx < s.kw; kx++) {
                i64 oy = iy + s.ph - ky * s.dh, ox = ix + s.pw - kx * s.dw;
                if (oy < 0 || ox < 0 || oy % s.sh || ox % s.sw) continue;
                oy /= s.sh;
                ox /= s.sw;
                if (oy < s.out_height && ox < s.out_width)
                    total += wide(g[(image * s.out_height + oy) * s.out_width + ox]);
            }
        store(dx + i, total);
    }
}

// columns (planes, kh kw, out) of x (planes, height, width): what a convolution multiplies.
extern "C" __global__ void im2col(const T* x, T* columns, i64 n, Window s) {
    for (EACH(i, n)) {
        i64 ox = i % s.out_width, oy = i / s.out_width % s.out_height, rest = i / s.out_width / s.out_height;
        i64 k = rest % (s.kh * s.kw), plane = rest / (s.kh * s.kw);
        i64 iy = oy * s.sh - s.ph + k / s.kw * s.dh, ix = ox * s.sw - s.pw + k % s.kw * s.dw;
        bool inside = iy >= 0 && iy < s.height && ix >= 0 && ix < s.width;
        store(columns + i, inside ? wide(x[(plane * s.height + iy) * s.width + ix]) : (A)0);
    }
}

extern "C" __global__ void col2im(const T* columns, T* x, i64 n, Window s) {
    for (EACH(i, n)) {
        i64 ix = i % s.width, iy = i / s.width % s.height, plane = i / s.width / s.height;
        A total = 0;
        for (i64 ky = 0; ky < s.kh; ky++)
            for (i64 kx = 0; kx < s.kw; kx++) {
                i64 oy = iy + s.ph - ky * s.dh, ox = ix + s.pw - kx * s.dw;
                if (oy < 0 || ox < 0 || oy % s.sh || ox % s.sw) continue;
                oy /= s.sh;
                ox /= s.sw;
                if (oy >= s.out_height || ox >= s.out_width) continue;
                i64 k = ky * s.kw + kx;
                total += wide(columns[((plane * s.kh * s.kw + k) * s.out_height + oy) * s.out_width + ox]);
            }
        store(x + i, total);
    }
}
