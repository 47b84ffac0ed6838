// Depthwise convolutions: each group has one input channel, and one or more outputs. The rules are those of cpu/conv.h,
// but the gradient of a kernel sums in the order that depthwise.cc tells, and that of an input with several outputs
// adds up the sums of its outputs.
#pragma once
#include <stdint.h>

#include "cpu/conv.h"

namespace fastdl {

bool is_depthwise(const ConvShape& s);
void depthwise(const ConvShape& s, const float* x, const float* w, float* y, const Epilogue& epilogue,
               const RowSink* rows);
void depthwise_input(const ConvShape& s, const float* dy, const float* w, float* dx, const RowSink* rows);
void depthwise_kernel(const ConvShape& s, const float* x, const float* dy, float* dw);

}  // namespace fastdl
