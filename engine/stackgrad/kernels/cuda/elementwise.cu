// Activations and the cells of recurrent layers, one thread per element.

#define ROOT_2_OVER_PI 0.7978845608028654
#define CUBE 0.044715

extern "C" __global__ void gelu_tanh_forward(const T* x, T* y, i64 n) {
    for (EACH(i, n)) {
        A v = wide(x[i]);
        store(y + i, (A)0.5 * v * (1 + tanh((A)ROOT_2_OVER_PI * (v + (A)CUBE * v * v * v))));
    }
}

extern "C" __global__ void gelu_tanh_backward(const T* x, const T* g, T* dx, i64 n) {
    for (EACH(i, n)) {
        A v = wide(x[i]), t = tanh((A)ROOT_2_OVER_PI * (v + (A)CUBE * v * v * v));
        A slope = (A)ROOT_2_OVER_PI * (1 + 3 * (A)CUBE * v * v);
        store(dx + i, wide(g[i]) * (A)0.5 * (1 + t + v * (1 - t * t) * slope));
    }
}

extern "C" __global__ void gelu_forward(const T* x, T* y, i64 n) {
    for (EACH(i, n)) {
        A v = wide(x[i]);
        store(y + i, (A)0.5 * v * (1 + erf(v * (A)0.7071067811865476)));
    }
}

extern "C" __global__ void gelu_backward(const T* x, const T* g, T* dx, i64 n) {
    for (EACH(i, n)) {
        A v = wide(x[i]), density = (A)0.3989422804014327 * exp((A)-0.5 * v * v);
        store(dx + i, wide(g[i]) * ((A)0.5 * (1 + erf(v * (A)0.7071067811865476)) + v * density));
    }
}

extern "C" __global__ void silu_forward(const T* x, T* y, i64 n) {
    for (EACH(i, n)) {
        A v = wide(x[i]);
        store(y + i, v / (1 + exp(-v)));
    }
}

extern "C" __global__ void silu_backward(const T* x, const T* g, T* dx, i64 n) {
    for (EACH(i, n)) {
        A v = wide(x[i]), s = 1 / (1 + exp(-v));
        store(dx + i, wide(g[i]) * s * (1 + v * (1 - s)));
    }
}

__device__ __forceinline__ A logistic(A x) { return (A)0.5 * (tanh((A)0.5 * x) + 1); }

// One step of LSTM: `gates` (batch, 4 hidden) hold i, f, g, o before their bend, and after it when done.
extern "C" __global__ void lstm_cell_forward(T* gates, const T* recurrent, const T* bias, const T* cell, T* new_cell, T* squashed,
                                             T* y, i64 batch, i64 hidden) {
    for (EACH(k, batch * hidden)) {
        i64 row = k / hidden, j = k % hidden;
        A gate[4];
        for (int part = 0; part < 4; part++) {
            i64 at = row * 4 * hidden + part * hidden + j;
            A v = wide(gates[at]) + wide(recurrent[at]);
            if (bias) v += wide(bias[part * hidden + j]);
            gate[part] = part == 2 ? tanh(v) : logistic(v);
            store(gates + at, gate[part]);
        }
        A c = gate[1] * wide(cell[k]) + gate[0] * gate[2], t = tanh(c);
        store(new_cell + k, c);
        store(squashed + k, t);
        store(y + k, gate[3] * t);
    }
}

// The same step backwards: `slope` (batch, 4 hidden) by what went into the gates; `dc` becomes that of the cell before.
extern "C" __global__ void lstm_cell_backward(const T* gates, const T* cell, const T* squashed, const T* dh, const T* dy, A* dc,
                                              T* slope, i64 batch, i64 hidden) {
    for (EACH(k, batch * hidden)) {
        i64 at = k / hidden * 4 * hidden + k % hidden;
        A i = wide(gates[at]), f = wide(gates[at + hidden]), g = wide(gates[at + 2 * hidden]);
        A o = wide(gates[at + 3 * hidden]), t = wide(squashed[k]), h = wide(dh[k]);
        if (dy) h += wide(dy[k]);
        A c = dc[k] + h * o * (1 - t * t);
        store(slope + at, c * g * i * (1 - i));
        store(slope + at + hidden, c * wide(cell[k]) * f * (1 - f));
        store(slope + at + 2 * hidden, c * i * (1 - g * g));
        store(slope + at + 3 * hidden, h * t * o * (1 - o));
        dc[k] = c * f;
    }
}
