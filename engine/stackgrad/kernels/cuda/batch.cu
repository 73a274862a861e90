// Batch normalisation of (N, C, spatial), one block per channel. `mean` and `variance` are of the batch (or given).

extern "C" __global__ void batch_statistics(const T* x, A* mean, A* variance, i64 batch, i64 channels, i64 spatial) {
    __shared__ A shared[32];
    i64 c = blockIdx.x, count = batch * spatial;
    A total = 0;
    for (i64 k = threadIdx.x; k < count; k += blockDim.x)
        total += wide(x[(k / spatial * channels + c) * spatial + k % spatial]);
    A middle = combine<Sum>(total, shared) / count;
    total = 0;
    for (i64 k = threadIdx.x; k < count; k += blockDim.x) {
        A d = wide(x[(k / spatial * channels + c) * spatial + k % spatial]) - middle;
        total += d * d;
    }
    total = combine<Sum>(total, shared) / count;
    if (threadIdx.x == 0) {
        mean[c] = middle;
        variance[c] = total;
    }
}

extern "C" __global__ void batch_norm_forward(const T* x, const T* weight, const T* bias, const A* mean, const A* variance, T* y,
                                              i64 n, i64 channels, i64 spatial, A eps) {
    for (EACH(i, n)) {
        i64 c = i / spatial % channels;
        A v = (wide(x[i]) - mean[c]) / sqrt(variance[c] + eps);
        if (weight) v *= wide(weight[c]);
        if (bias) v += wide(bias[c]);
        store(y + i, v);
    }
}

// dx = w / deviation * (g - mean(g) - n mean(g n)), dw = sum(g n), db = sum(g).
extern "C" __global__ void batch_norm_backward(const T* x, const T* weight, const T* g, const A* mean, const A* variance, T* dx,
                                               T* dw, T* db, i64 batch, i64 channels, i64 spatial, A eps) {
    __shared__ A shared[32];
    i64 c = blockIdx.x, count = batch * spatial;
    A middle = mean[c], inverse = 1 / sqrt(variance[c] + eps), sum = 0, product = 0;
    for (i64 k = threadIdx.x; k < count; k += blockDim.x) {
        i64 at = (k / spatial * channels + c) * spatial + k % spatial;
        A slope = wide(g[at]);
        sum += slope;
        product += slope * (wide(x[at]) - middle) * inverse;
    }
    sum = combine<Sum>(sum, shared);
    product = combine<Sum>(product, shared);
    if (threadIdx.x == 0) {
        if (dw) store(dw + c, product);
        if (db) store(db + c, sum);
    }
    if (!dx) return;
    A scale = inverse * (weight ? wide(weight[c]) : (A)1);
    for (i64 k = threadIdx.x; k < count; k += blockDim.x) {
        i64 at = (k / spatial * channels + c) * spatial + k % spatial;
        A normal = (wide(x[at]) - middle) * inverse;
        store(dx + at, scale * (wide(g[at]) - sum / count - normal * product / count));
    }
}
