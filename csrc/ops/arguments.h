// Argument checks shared by the op families; the errors name the op and the argument.
#pragma once
#include "autograd/tape.h"
#include "ops/ops.h"

namespace fastdl {

inline void check_tensor(const Tensor& t, const char* who, const char* argument) {
  FASTDL_CHECK(t, TypeError, who, ": argument '", argument, "' must be a tensor, got None");
}

// The float32 input of a function of floats. Storage types are refused.
inline Tensor as_float(const Tensor& t, const char* who, const char* argument) {
  check_computing(t, who, argument);
  return cast(t, DType::float32);
}
// For predicates: storage types are accepted too, converted to a type that holds all their values.
inline Tensor computable(const Tensor& t, const char* who, const char* argument) {
  check_tensor(t, who, argument);
  return cast(t, computing_type(t->dtype));
}

// Indices: any integer type, but not bool.
inline Tensor as_indices(const Tensor& t, const char* who, const char* argument) {
  check_tensor(t, who, argument);
  FASTDL_CHECK(is_integer(t->dtype), TypeError, who, ": argument '", argument, "' must be of an integer type, got ",
               t->dtype);
  return cast(t, computing_type(t->dtype));
}

// A value to be written in place. It must not require a gradient, since none flows through the assignment.
inline void check_assignable(const Tensor& t, const char* who, const char* argument) {
  check_tensor(t, who, argument);
  FASTDL_CHECK(!(grad_enabled() && t->requires_grad), RuntimeError, who, ": '", argument,
               "' requires a gradient, which does not flow through an assignment; detach it or use "
               "no_grad()");
}

}  // namespace fastdl
