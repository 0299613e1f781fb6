/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What layers do beside products of matrices. f32; tensors are NHWC in one arena, batch outermost; OpenCL C 1.2.
 *
 * Every kernel but the first begins with the arena and three tensors in it, as offsets in floats: what it reads, what it
 * takes beside (a residual, a gate; unused by some), what it writes. Names in capitals are numbers that the host defines:
 * activations, what follows a sum, sizes of work-groups. No group has more than 64 items. */

/* A run begins when this one ends: see struct runtime_device. */
__kernel void start(void)
{
}

float activate(float x, int act)
{
    switch (act) {
    case ACT_RELU:
        return fmax(x, 0.0f);
    case ACT_RELU6:
        return clamp(x, 0.0f, 6.0f);
    case ACT_HSWISH:
        return x * clamp(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f);
    case ACT_SWISH:
        return x / (1.0f + exp(-x));
    case GATE_HARD:
        return clamp(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f);
    case GATE_SIGMOID:
        return 1.0f / (1.0f + exp(-x));
    default:
        return x;
    }
}

/* The end of a sum: activation, and a residual after or before it. */
float conclude(float x, int act, int residual, __global const float *with)
{
    if (residual == RESIDUAL_BEFORE_ACT) x += *with;
    x = activate(x, act);
    return residual == RESIDUAL_AFTER_ACT ? x + *with : x;
}

/* After a product of matrices, in place: bias, activation, residual. One item a value. */
__kernel void finish(__global float *arena, ulong from, ulong with, ulong to, __global const float *weights, ulong bias,
                     uint count, uint channels, int act, int residual)
{
    const uint i = get_global_id(0);
    if (i >= count) return;
    const float x = arena[from + i] + weights[bias + i % channels];
    arena[to + i] = conclude(x, act, residual, arena + with + i);
}

/* Dense k x k convolution, "same" padding. An item makes four channels of four pixels of one row, so that a weight is
 * used four times and an input value four times. Weights: [k][k][inputs][outputs, padded to a multiple of 4]. */
__kernel void convolve(__global float *arena, ulong from, ulong with, ulong to, __global const float *weights,
                       ulong taps, ulong bias, int4 in, int4 out, int kernel_size, int stride, int act, int residual)
{
    const int first = (int)get_global_id(0) * 4;
    const int tiles = (out.y + 3) / 4;
    const int row = (int)get_global_id(1) / tiles;
    const int column = (int)get_global_id(1) % tiles * 4;
    if (first >= out.z || row >= out.x) return;
    const int pad = (kernel_size - 1) / 2;
    const int outputs = (out.z + 3) / 4 * 4;
    __global const float *image = arena + from + get_global_id(2) * (ulong)in.x * in.y * in.z;
    float4 sum[4];
    for (int p = 0; p < 4; p++) sum[p] = vload4(0, weights + bias + first);
    for (int i = 0; i < kernel_size; i++) {
        const int y = row * stride + i - pad;
        if (y < 0 || y >= in.x) continue;
        for (int j = 0; j < kernel_size; j++) {
            __global const float *w = weights + taps + (ulong)(i * kernel_size + j) * in.z * outputs + first;
            __global const float *pixel[4];
            bool inside[4];
            for (int p = 0; p < 4; p++) {
                const int x = (column + p) * stride + j - pad;
                inside[p] = x >= 0 && x < in.y;
                pixel[p] = image + ((ulong)y * in.y + (inside[p] ? x : 0)) * in.z;
            }
            for (int c = 0; c < in.z; c++) {
                const float4 tap = vload4(0, w + (ulong)c * outputs);
                for (int p = 0; p < 4; p++) sum[p] += tap * (inside[p] ? pixel[p][c] : 0.0f);
            }
        }
    }
    const ulong start_of_image = get_global_id(2) * (ulong)out.x * out.y * out.z;
    for (int p = 0; p < 4 && column + p < out.y; p++) {
        const float values[4] = {sum[p].x, sum[p].y, sum[p].z, sum[p].w};
        const ulong at = start_of_image + ((ulong)row * out.y + column + p) * out.z + first;
        for (int c = 0; c < 4 && first + c < out.z; c++)
            arena[to + at + c] = conclude(values[c], act, residual, arena + with + at + c);
    }
}

/* Depthwise k x k convolution, "same" padding. One item a value. Weights: [k][k][channels]. */
__kernel void depthwise(__global float *arena, ulong from, ulong with, ulong to, __global const float *weights,
                        ulong taps, ulong bias, int4 in, int4 out, int kernel_size, int stride, int act)
{
    const int c = get_global_id(0);
    const int row = (int)get_global_id(1) / out.y;
    const int column = (int)get_global_id(1) % out.y;
    if (c >= out.z || row >= out.x) return;
    const int pad = (kernel_size - 1) / 2;
    const int top = row * stride - pad;
    const int left = column * stride - pad;
    __global const float *image = arena + from + get_global_id(2) * (ulong)in.x * in.y * in.z + c;
    __global const float *tap = weights + taps + c;
    float sum = weights[bias + c];
    for (int i = max(0, -top); i < min(kernel_size, in.x - top); i++)
        for (int j = max(0, -left); j < min(kernel_size, in.y - left); j++)
            sum += image[((ulong)(top + i) * in.y + left + j) * in.z] * tap[(i * kernel_size + j) * in.z];
    arena[to + ((get_global_id(2) * (ulong)out.x + row) * out.y + column) * out.z + c] = activate(sum, act);
}

/* The part of a window of size x size at (row, column) that lies inside of the image: first and end. */
int4 window_inside(int row, int column, int size, int stride, int pad, int4 in)
{
    const int top = row * stride - pad;
    const int left = column * stride - pad;
    return (int4)(max(0, top), min(in.x, top + size), max(0, left), min(in.y, left + size));
}

/* Greatest of k x k pixels, those outside left out. One item a value. */
__kernel void maximum(__global float *arena, ulong from, ulong with, ulong to, int4 in, int4 out, int kernel_size,
                      int stride)
{
    const int c = get_global_id(0);
    const int row = (int)get_global_id(1) / out.y;
    const int column = (int)get_global_id(1) % out.y;
    if (c >= out.z || row >= out.x) return;
    const int4 w = window_inside(row, column, kernel_size, stride, (kernel_size - 1) / 2, in);
    __global const float *image = arena + from + get_global_id(2) * (ulong)in.x * in.y * in.z + c;
    float most = -INFINITY;
    for (int y = w.x; y < w.y; y++)
        for (int x = w.z; x < w.w; x++) most = fmax(most, image[((ulong)y * in.y + x) * in.z]);
    arena[to + ((get_global_id(2) * (ulong)out.x + row) * out.y + column) * out.z + c] = most;
}

/* Mean of stride x stride pixels, those outside left out. One item a value. */
__kernel void shrink(__global float *arena, ulong from, ulong with, ulong to, int4 in, int4 out, int stride)
{
    const int c = get_global_id(0);
    const int row = (int)get_global_id(1) / out.y;
    const int column = (int)get_global_id(1) % out.y;
    if (c >= out.z || row >= out.x) return;
    const int4 w = window_inside(row, column, stride, stride, 0, in);
    __global const float *image = arena + from + get_global_id(2) * (ulong)in.x * in.y * in.z + c;
    float sum = 0;
    for (int y = w.x; y < w.y; y++)
        for (int x = w.z; x < w.w; x++) sum += image[((ulong)y * in.y + x) * in.z];
    arena[to + ((get_global_id(2) * (ulong)out.x + row) * out.y + column) * out.z + c] =
        sum / (float)((w.y - w.x) * (w.w - w.z));
}

/* Mean over all pixels of an image. A group of POOL_CHANNELS x POOL_LANES items makes POOL_CHANNELS means: each lane
 * sums its share of the pixels. */
__kernel __attribute__((reqd_work_group_size(POOL_CHANNELS, POOL_LANES, 1))) void average(
    __global float *arena, ulong from, ulong with, ulong to, uint pixels, uint channels)
{
    __local float parts[POOL_LANES][POOL_CHANNELS];
    const uint c = get_global_id(0);
    const uint lane = get_local_id(1);
    const uint column = get_local_id(0);
    float sum = 0;
    if (c < channels) {
        __global const float *image = arena + from + get_global_id(2) * (ulong)pixels * channels + c;
        for (uint p = lane; p < pixels; p += POOL_LANES) sum += image[(ulong)p * channels];
    }
    parts[lane][column] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane > 0 || c >= channels) return;
    for (uint i = 1; i < POOL_LANES; i++) sum += parts[i][column];
    arena[to + get_global_id(2) * channels + c] = sum / (float)pixels;
}

/* A fully connected layer of few values: a group of DENSE_LANES items makes one. Weights: [outputs][inputs]. */
__kernel __attribute__((reqd_work_group_size(DENSE_LANES, 1, 1))) void dense(
    __global float *arena, ulong from, ulong with, ulong to, __global const float *weights, ulong matrix, ulong bias,
    uint inputs, int act)
{
    __local float parts[DENSE_LANES];
    const uint lane = get_local_id(0);
    const ulong output = get_group_id(0);
    __global const float *in = arena + from + get_global_id(1) * (ulong)inputs;
    __global const float *row = weights + matrix + output * inputs;
    float sum = 0;
    for (uint i = lane; i < inputs; i += DENSE_LANES) sum += in[i] * row[i];
    parts[lane] = sum;
    for (uint half_lanes = DENSE_LANES / 2; half_lanes > 0; half_lanes /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_lanes) parts[lane] += parts[lane + half_lanes];
    }
    if (lane == 0)
        arena[to + get_global_id(1) * get_num_groups(0) + output] = activate(parts[0] + weights[bias + output], act);
}

/* Each channel of an image by its gate, in place. One item a value of an image. */
__kernel void scale(__global float *arena, ulong from, ulong with, ulong to, uint count, uint channels)
{
    const uint i = get_global_id(0);
    if (i >= count) return;
    const ulong at = get_global_id(1) * (ulong)count + i;
    arena[to + at] = arena[from + at] * arena[with + get_global_id(1) * channels + i % channels];
}
