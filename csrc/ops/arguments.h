// Argument checks shared by the op families; the errors name the op and the argument.
#pragma once
#include "autograd/tape.h"
#include "ops/ops.h"

namespace fastdl {

inline void check_tensor(const Tensor& t, const char* who, const char* argument) {
  FASTDL_CHECK(t, TypeError, who, ": argument '", argument, "' must be a tensor, got None");
}

// What a float is computed from: float32, or another type to compute with.
inline Tensor as_float(const Tensor& t, const char* who, const char* argument) {
  check_computing(t, who, argument);
  return cast(t, DType::float32);
}
// For questions, whose answer is no number: a storage type's values as one that holds them all.
inline Tensor computable(const Tensor& t, const char* who, const char* argument) {
  check_tensor(t, who, argument);
  return cast(t, computing_type(t->dtype));
}

// Indices: any integer type, but not truth values.
inline Tensor as_indices(const Tensor& t, const char* who, const char* argument) {
  check_tensor(t, who, argument);
  FASTDL_CHECK(is_integer(t->dtype), TypeError, who, ": argument '", argument, "' must be of an integer type, got ",
               t->dtype);
  return cast(t, computing_type(t->dtype));
}

// A value to be written in place: no gradient would flow back through the assignment.
inline void check_assignable(const Tensor& t, const char* who, const char* argument) {
  check_tensor(t, who, argument);
  FASTDL_CHECK(!(grad_enabled() && t->requires_grad), RuntimeError, who, ": '", argument,
               "' requires a gradient, which does not flow through an assignment; detach it or use "
               "no_grad()");
}

}  // namespace fastdl
