// A product of two matrices that is computed later, a few rows at a time. An optimizer takes the gradient of a large
// weight this way, so that the whole gradient never lies in memory.
#pragma once
#include "ops/ops.h"

namespace fastdl {

// op(a) op(b), op = transpose if its flag is set, in that precision.
struct Product {
  Tensor a, b;
  bool transpose_a = false, transpose_b = false;
  Precision precision = Precision::float32;

  explicit operator bool() const { return a && b; }
  int64_t rows() const { return transpose_a ? a->shape.back(0) : a->shape.back(1); }
  int64_t columns() const { return transpose_b ? b->shape.back(1) : b->shape.back(0); }
  int64_t depth() const { return transpose_a ? a->shape.back(1) : a->shape.back(0); }
};

// Rows first ... first + count - 1, bit for bit those of the whole product. They are written into `into` as apply()
// does it. IndexError unless there are such rows.
Tensor compute_rows(const Product& p, int64_t first, int64_t count, const Tensor& into = nullptr);

}  // namespace fastdl
