// What a plan needs to know of `linear` to give it a packed weight.
#pragma once
#include <optional>

#include "plan/call.h"

namespace fastdl {

// y (m, n) = x (m, k) w, with w (k, n), or (n, k) where it is transposed.
struct LinearShape {
  bool transpose_w;
  int64_t m, n, k;
};
// Of a call of `linear` that computes in float32; nothing for any other call.
std::optional<LinearShape> linear_shape(const Step& step);
// Lets such a call read its weight as pack_b has packed it; from where it lies again, if `packed` is null.
void read_packed(Step& step, void* packed);

}  // namespace fastdl
