// Results that were computed outside of the core, with a gradient that is computed there, too.
#pragma once
#include "ops/op.h"

namespace fastdl {

// Gives the gradients of the inputs from those of the results.
class Pullback : public RefCounted {
 public:
  // Sets c.gin[i] for the inputs with c.needs(i); null is zero.
  virtual void operator()(GradContext& c, int inputs, int results) = 0;
};

// Puts results on the tape as if an op had made them from the inputs. RuntimeError if there are too many of either, or
// a result is on the tape already. A plan cannot hold such a step.
void put_on_tape(const std::vector<Tensor>& results, const std::vector<Tensor>& inputs, const Ref<Pullback>& pullback);

}  // namespace fastdl
