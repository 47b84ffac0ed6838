// Activations by name, for ops that apply one to their result.
#pragma once
#include <string>

#include "cpu/kernels.h"
#include "ops/op.h"

namespace fastdl {

// An activation whose gradient needs only the output. So a matmul can apply it while a tile is in the cache, and need
// not keep the values before it.
struct FusedActivation {
  const char* name;
  UnaryKernel KernelTable::* kernel;
  const Op* grad;  // (dy, y) -> dx
  float parameter;
};
const FusedActivation* find_fused_activation(const std::string& name);  // null: none of that name
Tensor fused_activation_grad(const FusedActivation& a, const Tensor& dy, const Tensor& y);

// Any activation, by its Keras name, with its Keras defaults.
Tensor activate(const std::string& name, const Tensor& x);

}  // namespace fastdl
