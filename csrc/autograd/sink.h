// Where gradients go: an optimizer, a collective, per-sample clipping.
#pragma once
#include <vector>

#include "ops/product.h"

namespace fastdl {

// Gradients are numbered as the inputs they are for. A sink is asked and told on the thread that goes backward.
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  // Where gradient i is to lie in the end, so that what computes it can write it there at once. Null: anywhere.
  virtual Tensor place(size_t) { return nullptr; }
  // Whether gradient i, if it is one product of matrices, may come as that: computed later, some rows at a time.
  virtual bool takes_parts(size_t) { return false; }
  // Gradient i is complete; that is when no other part of the graph adds to it. Once for each that anything flows into.
  virtual void take(size_t i, const Tensor& whole) = 0;
  virtual void take(size_t i, const Product& parts) { take(i, compute_rows(parts, 0, parts.rows(), place(i))); }
};

}  // namespace fastdl
