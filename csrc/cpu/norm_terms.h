// What the kernels of normalization multiply and add.
#pragma once

namespace fastdl {

// With d = (x - mean) - rest, where `rest` is what rounding took from the mean, a value is d * a + b and a gradient
// dy * a + (d * b + c). Each pointer has one number for a column or a run.
struct NormTerms {
  const float *mean, *rest, *a, *b, *c;
};

}  // namespace fastdl
