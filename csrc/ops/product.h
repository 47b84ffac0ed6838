// Gradients that are never whole in memory: an optimizer takes them as they are here.
#pragma once
#include "ops/ops.h"

namespace fastdl {

// A product of two matrices that is computed later, a few rows at a time: op(a) op(b), op = transpose if its flag is
// set, in that precision.
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

// A table that is 0 but for some rows: row ids[k] of `count` is the sum of the values[k] in their order. The ids may
// have several axes; values have the same axes and that of a row's elements.
struct Rows {
  Tensor ids, values;
  int64_t count = 0;

  explicit operator bool() const { return bool(values); }
};

// The whole table, written into `into` as apply() does it.
Tensor table_of(const Rows& r, const Tensor& into = nullptr);

}  // namespace fastdl
