// Convolutions as in conv.h, of operands rounded to bfloat16 as in gemm_bf16.h, added up in float32.
//
// The sum of an output is one chain over the taps and channels, in steps of 32. That of an element of the kernel's
// gradient has blocks of pixels, whose size depends on the shape. So bits depend neither on the threads nor, but for
// the kernel's gradient, on the batch.
#pragma once
#include <stdint.h>

#include "cpu/conv.h"

namespace fastdl {

// Whether these convolutions are worth rounding, and there are instructions. It depends on the sizes of an image and of
// the kernel, not on the batch.
bool conv_in_bf16(const ConvShape& s);
// For the kernel's gradient, which depends on the batch anyway, the sums must be long enough, too.
bool conv_kernel_in_bf16(const ConvShape& s);

// `memory` has the bytes that the function before says.
int64_t conv_bf16_bytes(const ConvShape& s);
void conv_bf16(const ConvShape& s, const float* x, const float* w, float* y, const Epilogue& epilogue,
               const RowSink* rows, void* memory);
bool conv_input_bf16_reports_rows(const ConvShape& s);  // else `rows` must be null
int64_t conv_input_bf16_bytes(const ConvShape& s);
void conv_input_bf16(const ConvShape& s, const float* dy, const float* w, float* dx, const RowSink* rows, void* memory);
int64_t conv_kernel_bf16_bytes(const ConvShape& s);
void conv_kernel_bf16(const ConvShape& s, const float* x, const float* dy, float* dw, void* memory);

}  // namespace fastdl
