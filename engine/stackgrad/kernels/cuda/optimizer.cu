// Updates of many parameters in one launch. `table` has one row of addresses per parameter, `ends` where its elements
// end in the count over all; `numbers` lie in device memory, so that a captured graph sees new learning rates.

__device__ __forceinline__ i64 owner(const i64* ends, i64 count, i64 i) {  // the first whose end is beyond i
    i64 low = 0, high = count - 1;
    while (low < high) {
        i64 middle = (low + high) / 2;
        if (ends[middle] > i) high = middle;
        else low = middle + 1;
    }
    return low;
}

// numbers: rate, eps, beta1, beta2, shrink, decay, sign. Rows: p, g, m, v, largest v or 0.
extern "C" __global__ void adam(const u64* table, const i64* ends, i64 count, i64 n, const A* numbers) {
    for (EACH(i, n)) {
        i64 k = owner(ends, count, i), j = i - (k ? ends[k - 1] : 0);
        const u64* row = table + 5 * k;
        T* p = (T*)row[0] + j;
        A* m = (A*)row[2] + j;
        A* v = (A*)row[3] + j;
        A* largest = (A*)row[4];
        A value = wide(*p), step = wide(((const T*)row[1])[j]) * numbers[6] + numbers[5] * value;
        value *= 1 - numbers[4];
        *m = *m * numbers[2] + step * (1 - numbers[2]);
        *v = *v * numbers[3] + step * step * (1 - numbers[3]);
        A spread = *v;
        if (largest) spread = largest[j] = Max::of(largest[j], spread);
        store(p, value - numbers[0] * *m / (sqrt(spread) + numbers[1]));
    }
}

// numbers: rate, momentum, 1 - dampening, decay, sign. Rows: p, g, buffer or 0.
extern "C" __global__ void sgd(const u64* table, const i64* ends, i64 count, i64 n, const A* numbers, int nesterov, int first) {
    for (EACH(i, n)) {
        i64 k = owner(ends, count, i), j = i - (k ? ends[k - 1] : 0);
        const u64* row = table + 3 * k;
        T* p = (T*)row[0] + j;
        A* buffer = (A*)row[2];
        A value = wide(*p), step = wide(((const T*)row[1])[j]) * numbers[4] + numbers[3] * value;
        if (buffer) {
            A moved = first ? step : numbers[1] * buffer[j] + numbers[2] * step;
            buffer[j] = moved;
            step = nesterov ? step + numbers[1] * moved : moved;
        }
        store(p, value - numbers[0] * step);
    }
}
