// What the table of update rules in cpu/kernels/update.cc consists of: a row per rule, and the arguments of an update.
// Plain data, since the table is compiled for every instruction set.
#pragma once
#include <stdint.h>

namespace fastdl {

inline constexpr int kSlots = 4, kHyper = 8, kCoefficients = 6;

// A stretch of parameters and the values that update them.
struct UpdateSpan {
  float* p;
  const float* g;
  float* slots[kSlots];  // null where an optional one is absent
  int64_t n;
  // g = g_scale g + l1 sign(p) + l2 p, then p -= decay p, come before every rule.
  float g_scale, l1, l2, decay;
  const float* coefficients;
};

struct UpdateRule {
  const char* name;
  // State, one value for each parameter. A state whose name ends in '?' may be absent; the formula says what that
  // means.
  const char* slots[kSlots];
  struct Hyper {
    const char* name;
    double value;        // the default
    unsigned needs = 0;  // unless the value is 0, one of these slots (bits) must be present
  } hyper[kHyper];
  // Computes the coefficients of a step once, in double: from the hyper-parameters, the learning rate and the number of
  // finished steps.
  void (*prepare)(const double* hyper, double lr, double finished, float* coefficients) = nullptr;
  void (*update)(const UpdateSpan&) = nullptr;
};

}  // namespace fastdl
