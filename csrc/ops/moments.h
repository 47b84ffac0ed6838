// Mean and variance together, in one pass over memory, for `var` and normalizations.
#pragma once
#include "core/tensor.h"

namespace fastdl {

struct Moments {
  Tensor mean, variance;  // divided by n; NaN without elements
};
// Over the axes [first, last) of a float32 tensor, which stay with extent 1.
Moments moments_of_run(const Tensor& x, int first, int last);

}  // namespace fastdl
