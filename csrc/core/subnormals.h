// Treats subnormal numbers as zero on the calling thread, or keeps them, for the lifetime of an object.
//
// The rule: ops that multiply and add many numbers treat subnormals as zero (matrix products with their bias and
// activation, optimizer updates). Elementwise ops and reductions keep them, as IEEE 754 says. Every part of an op
// follows the rule on every thread, so neither the path nor the threads show in a result.
//
// Arithmetic on subnormals takes an assist of 150 cycles per vector on x86. The moments of a parameter whose gradient
// is zero (a dead unit) decay into this range within some hundred steps and stay there, which made the Adam update of a
// small network 10 times slower. Values below 1e-38 do not matter to any sum.
#pragma once
#include "core/parallel.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace fastdl {

#if defined(__SSE2__)
template <bool flush>
class Subnormals {
 public:
  Subnormals() { set(flush ? before_ | kFlush : before_ & ~kFlush); }
  ~Subnormals() { set(before_); }

 private:
  static constexpr unsigned kFlush = 0x8040;  // FTZ: results; DAZ: operands
  // Writing the register is slower than reading it, and objects may be nested.
  void set(unsigned value) const {
    if ((before_ & kFlush) != (flush ? kFlush : 0)) _mm_setcsr(value);
  }
  const unsigned before_ = _mm_getcsr();
};
#elif defined(__aarch64__)
template <bool flush>
class Subnormals {
 public:
  Subnormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" : : "r"(flush ? before_ | (1ull << 24) : before_ & ~(1ull << 24)));
  }
  ~Subnormals() { asm volatile("msr fpcr, %0" : : "r"(before_)); }

 private:
  unsigned long long before_;
};
#else
template <bool flush>
class Subnormals {
 public:
  Subnormals() {}
};
#endif
using FlushSubnormals = Subnormals<true>;
using KeepSubnormals = Subnormals<false>;  // within the part of an op that flushes them

// parallel_for whose body treats subnormals as zero, on every thread.
template <class Body>
void parallel_for_flushing(int64_t n, int64_t grain, const Body& body) {
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    const FlushSubnormals flush;
    body(begin, end);
  });
}

}  // namespace fastdl
