// Functions that see gradients on their way: hooks of tensors, and gradients that are not ops.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "ops/op.h"

namespace fastdl {

// Hooks of one tensor. A node has those of its outputs, so that they work after the tensor is gone.
class GradHooks : public RefCounted {
 public:
  // The gradient is complete. The result takes its place.
  virtual Tensor changed(const Tensor& gradient) = 0;
  // backward() has added it to leaf->grad.
  virtual void accumulated(const Tensor& leaf) = 0;

  bool retains = false;  // whether a tensor that is no leaf keeps its gradient
  Tensor retained;
};

// The hooks of t; makes them by `make` if there are none.
GradHooks& hooks_of(const Tensor& t, Ref<GradHooks> (*make)());

// What a gradient function gets and gives: a gradient for each input, null for zero.
using GradFunction = std::function<std::vector<Tensor>(const GradContext&)>;

// Makes `outputs` the results of `inputs` on the tape, with a gradient by `function`, which reads the values of the
// inputs and outputs in the masks only. Returns views of the outputs; the outputs themselves where gradients are
// disabled or no input requires one. Outputs in `constant` require none.
std::vector<Tensor> attach(const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs, GradFunction function,
                           uint32_t reads_in, uint32_t reads_out, uint32_t constant);

// While it is set, calls of this thread remember where they were made, and backward raises RuntimeError at the first
// gradient that holds NaN. Returns the function that was set before.
using Where = std::function<std::string()>;
Where set_anomaly_detection(Where where);

}  // namespace fastdl
