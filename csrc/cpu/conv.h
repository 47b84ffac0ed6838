// Convolutions of channels-last arrays, in float32: forward, and the gradients of the input and of the kernel.
//
// An array is [batch, z, y, x, channels]; two or one spatial axes have z, or z and y, of size 1. A kernel is
// [z, y, x, channels in of a group, channels out], as in Keras.
//
//   y[n, o, k] = activation(sum over taps t and channels c of x[n, o stride - low + t dilation, c] w[t, c, k] +
//   bias[k])
//
// Places outside of x do not count. The sum of an output is a chain of fused multiply-adds over z, y, x and c of the
// kernel, in this order. It is cut into blocks of about 1,024 products, as in gemm.h. So bits depend neither on threads
// nor on the batch. Subnormals count as zero.
#pragma once
#include <stdint.h>

#include "core/parallel.h"
#include "cpu/gemm.h"

namespace fastdl {

struct ConvAxis {
  int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, low = 0;  // low: padding before the first place
};

struct ConvShape {
  int64_t batch, channels_in, channels_out, groups;
  ConvAxis z, y, x;
};

void conv(const ConvShape& s, const float* x, const float* w, float* y, const Epilogue& epilogue = {},
          const RowSink* rows = nullptr);
// dx from dy: the transposed convolution. `matrix` is memory for so many floats.
int64_t conv_input_floats(const ConvShape& s);
void conv_input(const ConvShape& s, const float* dy, const float* w, float* dx, float* matrix,
                const RowSink* rows = nullptr);
// dw from x and dy.
void conv_kernel(const ConvShape& s, const float* x, const float* dy, float* dw);

}  // namespace fastdl
