// Argument checks shared by the op families; the errors name the op and the argument.
#pragma once
#include "autograd/tape.h"
#include "ops/op.h"

namespace fastdl {

inline void check_tensor(const Tensor& t, const char* who, const char* argument) {
  FASTDL_CHECK(t, TypeError, who, ": argument '", argument, "' must be a tensor, got None");
}

// Indices: any integer type, but not truth values.
inline void check_indices(const Tensor& t, const char* who, const char* argument) {
  check_tensor(t, who, argument);
  FASTDL_CHECK(!is_float(t->dtype) && t->dtype != DType::bool8, TypeError, who, ": argument '", argument,
               "' must be of an integer type, got ", t->dtype);
}

// A value to be written in place: no gradient would flow back through the assignment.
inline void check_assignable(const Tensor& t, const char* who, const char* argument) {
  check_tensor(t, who, argument);
  FASTDL_CHECK(!(grad_enabled() && t->requires_grad), RuntimeError, who, ": '", argument,
               "' requires a gradient, which does not flow through an assignment; detach it or use "
               "no_grad()");
}

}  // namespace fastdl
