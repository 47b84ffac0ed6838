// Tensors whose axes are [samples, channels, places...], as in PyTorch, and whose values lie channels-last, as the
// kernels of images read them. They come from channels_first(). Elementwise ops, reductions and the functions that call
// as_held() work on the values as they lie; apply() gives all other ops a copy in the order of the axes.
#pragma once
#include "ops/ops.h"

namespace fastdl {

// Where an axis of a tensor of `rank` axes lies in its values, and the axis that lies at a place.
inline int held_place(int axis, int rank) { return axis == 0 ? 0 : axis == 1 ? rank - 1 : axis - 1; }
inline int held_axis(int place, int rank) { return place == 0 ? 0 : place == rank - 1 ? 1 : place + 1; }
Shape held_shape(const Shape& shape);
uint32_t held_mask(uint32_t mask, int rank);
// One value for each axis, as the axes lie.
std::vector<int64_t> held_order(const std::vector<int64_t>& values);

// What f makes of x as it lies: f(x, axis); if x lies channels-last, so does the result.
template <class F>
Tensor as_held(const Tensor& x, int axis, F f) {
  if (!x->channels_last) return f(x, axis);
  return channels_first(f(channels_last(x), held_place(axis, x->shape.rank())));
}

// Runs an op on inputs of which some lie channels-last.
Outputs apply_to_held(const Op& op, const Tensor* in, int inputs, const Attrs& attrs);

}  // namespace fastdl
