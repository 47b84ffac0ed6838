// Where gradients go: an optimizer, a collective, per-sample clipping.
#pragma once
#include <vector>

#include "ops/product.h"

namespace fastdl {

// Gradients have the numbers of their inputs. The thread that runs backward calls the sink.
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  // Where gradient i is to lie in the end, so that it can be computed in place. Null: anywhere.
  virtual Tensor place(size_t) { return nullptr; }
  // Whether gradient i, if it is one matrix product, may come as a Product, which is computed later, some rows at a
  // time.
  virtual bool takes_parts(size_t) { return false; }
  // Takes gradient i, once it is complete: no other part of the graph adds to it. Not called where no gradient flows.
  virtual void take(size_t i, const Tensor& whole) = 0;
  virtual void take(size_t i, const Product& parts) { take(i, compute_rows(parts, 0, parts.rows(), place(i))); }
  // Whether gradient i, if few rows of it are not 0, may come as these rows.
  virtual bool takes_rows(size_t) { return false; }
  virtual void take(size_t i, const Rows& rows) { take(i, table_of(rows, place(i))); }
};

}  // namespace fastdl
