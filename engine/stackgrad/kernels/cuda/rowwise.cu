// One block per row of `width` elements: softmax, normalisation, cross entropy.

// y = softmax(scale * x), or its logarithm; with `causal` > 0 row i of every `causal` rows sees i + offset + 1 elements.
extern "C" __global__ void softmax_forward(const T* x, T* y, i64 width, A scale, int logarithm, i64 causal, i64 offset) {
    __shared__ A shared[32];
    i64 row = blockIdx.x, seen = width;
    if (causal > 0) {
        seen = row % causal + offset + 1;
        seen = seen < 0 ? 0 : seen < width ? seen : width;
    }
    x += row * width;
    y += row * width;
    A largest = -INFINITE;
    for (i64 j = threadIdx.x; j < seen; j += blockDim.x) largest = Max::of(wide(x[j]) * scale, largest);
    largest = combine<Max>(largest, shared);
    A total = 0;
    for (i64 j = threadIdx.x; j < seen; j += blockDim.x) total += exp(wide(x[j]) * scale - largest);
    total = combine<Sum>(total, shared);
    A rest = logarithm ? largest + log(total) : 1 / total;
    for (i64 j = threadIdx.x; j < width; j += blockDim.x) {
        A v = wide(x[j]) * scale;
        A masked = logarithm ? -INFINITE : (A)0;
        store(y + j, j >= seen ? masked : logarithm ? v - rest : exp(v - largest) * rest);
    }
}

// dx = scale * y * (g - sum(g y)); of the logarithm: scale * (g - exp(y) sum(g)).
extern "C" __global__ void softmax_backward(const T* y, const T* g, T* dx, i64 width, A scale, int logarithm) {
    __shared__ A shared[32];
    i64 start = (i64)blockIdx.x * width;
    A total = 0;
    for (i64 j = threadIdx.x; j < width; j += blockDim.x)
        total += logarithm ? wide(g[start + j]) : wide(g[start + j]) * wide(y[start + j]);
    total = combine<Sum>(total, shared);
    for (i64 j = threadIdx.x; j < width; j += blockDim.x) {
        A out = wide(y[start + j]), slope = wide(g[start + j]);
        store(dx + start + j, scale * (logarithm ? slope - exp(out) * total : out * (slope - total)));
    }
}

// y = (x - mean) / sqrt(variance + eps) * weight + bias. A row is a group of channels of `spatial` elements each, and
// there are `groups` groups; layer norm has one group and spatial 1. `centred` 0 leaves the mean out: RMS norm.
extern "C" __global__ void norm_forward(const T* x, const T* weight, const T* bias, T* y, A* mean, A* inverse,
                                        i64 width, i64 groups, i64 spatial, A eps, int centred) {
    __shared__ A shared[32];
    i64 row = blockIdx.x, first = row % groups * (width / spatial);
    x += row * width;
    y += row * width;
    A total = 0, middle = 0;
    if (centred) {
        for (i64 j = threadIdx.x; j < width; j += blockDim.x) total += wide(x[j]);
        middle = combine<Sum>(total, shared) / width;
        total = 0;
    }
    for (i64 j = threadIdx.x; j < width; j += blockDim.x) {
        A d = wide(x[j]) - middle;
        total += d * d;
    }
    A scale = 1 / sqrt(combine<Sum>(total, shared) / width + eps);
    if (threadIdx.x == 0) {
        mean[row] = middle;
        inverse[row] = scale;
    }
    for (i64 j = threadIdx.x; j < width; j += blockDim.x) {
        A v = (wide(x[j]) - middle) * scale;
        i64 channel = first + j / spatial;
        if (weight) v *= wide(weight[channel]);
        if (bias) v += wide(bias[channel]);
        store(y + j, v);
    }
}

// dx = inverse * (h - mean(h) - n mean(h n)), h = g * weight, n = (x - mean) * inverse.
extern "C" __global__ void norm_backward(const T* x, const T* weight, const T* g, const A* mean, const A* inverse, T* dx,
                                         i64 width, i64 groups, i64 spatial, int centred) {
    __shared__ A shared[32];
    i64 row = blockIdx.x, first = row % groups * (width / spatial);
    x += row * width;
    g += row * width;
    dx += row * width;
    A middle = mean[row], scale = inverse[row], sum = 0, product = 0;
    for (i64 j = threadIdx.x; j < width; j += blockDim.x) {
        A h = wide(g[j]) * (weight ? wide(weight[first + j / spatial]) : (A)1);
        sum += h;
        product += h * (wide(x[j]) - middle) * scale;
    }
    sum = centred ? combine<Sum>(sum, shared) / width : (A)0;
    product = combine<Sum>(product, shared) / width;
    for (i64 j = threadIdx.x; j < width; j += blockDim.x) {
        A h = wide(g[j]) * (weight ? wide(weight[first + j / spatial]) : (A)1);
        store(dx + j, scale * (h - sum - (wide(x[j]) - middle) * scale * product));
    }
}

// One block per channel: dw = sum(g n), db = sum(g), over the `rows` rows of the channel's group.
extern "C" __global__ void norm_weights(const T* x, const T* g, const A* mean, const A* inverse, T* dw, T* db, i64 rows,
                                        i64 width, i64 groups, i64 spatial) {
    __shared__ A shared[32];
    i64 each = width / spatial, channel = blockIdx.x, group = channel / each, inside = channel % each * spatial;
    i64 count = rows / groups * spatial;
    A sum = 0, product = 0;
    for (i64 k = threadIdx.x; k < count; k += blockDim.x) {
        i64 row = k / spatial * groups + group, at = row * width + inside + k % spatial;
        A slope = wide(g[at]);
        sum += slope;
        product += slope * (wide(x[at]) - mean[row]) * inverse[row];
    }
    sum = combine<Sum>(sum, shared);
    product = combine<Sum>(product, shared);
    if (threadIdx.x == 0) {
        if (dw) store(dw + channel, product);
        if (db) store(db + channel, sum);
    }
}

// loss = log(sum(exp(x))) - x[target], 0 for ignored targets; `lse` keeps the logarithm.
extern "C" __global__ void cross_entropy_forward(const T* x, const i64* target, A* loss, A* lse, i64 width, i64 ignored) {
    __shared__ A shared[32];
    i64 row = blockIdx.x, chosen = target[row];
    x += row * width;
    A largest = -INFINITE, total = 0;
    for (i64 j = threadIdx.x; j < width; j += blockDim.x) largest = Max::of(wide(x[j]), largest);
    largest = combine<Max>(largest, shared);
    for (i64 j = threadIdx.x; j < width; j += blockDim.x) total += exp(wide(x[j]) - largest);
    total = combine<Sum>(total, shared);
    if (threadIdx.x == 0) {
        lse[row] = largest + log(total);
        loss[row] = chosen == ignored ? (A)0 : lse[row] - wide(x[chosen]);
    }
}

// dx = (exp(x - lse) - onehot) * g * factor; `factor` is one number: 1, or 1 / count.
extern "C" __global__ void cross_entropy_backward(const T* x, const i64* target, const A* lse, const A* factor, const T* g,
                                                  T* dx, i64 rows, i64 width, i64 ignored) {
    for (EACH(i, rows * width)) {
        i64 row = i / width, chosen = target[row];
        A p = exp(wide(x[i]) - lse[row]) - (i % width == chosen ? (A)1 : (A)0);
        store(dx + i, chosen == ignored ? (A)0 : p * factor[0] * wide(g[0]));
    }
}
