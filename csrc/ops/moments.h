// Mean and variance together, in one pass over memory, for `var` and normalizations.
#pragma once
#include "core/tensor.h"
#include "ops/extents.h"

namespace fastdl {

struct Moments {
  Tensor mean, variance;  // divided by n; NaN without elements
};
// Over the axes [first, last) of a float32 tensor, which stay with extent 1.
Moments moments_of_run(const Tensor& x, int first, int last);

// The count of some values, their mean, and the sum of the squared distances from it.
struct Sums {
  double n = 0, mean = 0, squares = 0;
};
// The Sums of the pieces into which the reduced axis is cut: [outer, pieces_for(e), inner]. No extent is 0.
int64_t pieces_for(const Extents& e);
void sums_of_pieces(Sums* part, const float* x, const Extents& e);
// The Sums of `count` sets of values together, which are `stride` apart.
Sums joined(const Sums* sets, int64_t count, int64_t stride);
// The Sums of a row of at least one element: those of its pieces, joined.
Sums sums_of_row(const float* x, int64_t n);

}  // namespace fastdl
