// matmul of two integer tensors with at least two axes each.
#pragma once
#include "core/tensor.h"

namespace fastdl {

// op(a) op(b) in the wider of the two types, op = transpose if its flag is set; leading axes broadcast.
Tensor integer_matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b);

}  // namespace fastdl
