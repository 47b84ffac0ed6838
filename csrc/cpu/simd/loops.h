// Loop and tail, written once. `loop(n, f)` calls f(i, Full{}) for every whole vector of a range and f(i, Part{rest})
// for the rest. So a kernel writes its arithmetic once, and the tail gives the same bits as the body. `map1`, `map2`,
// ... are the common shapes over it.
#pragma once
#include "cpu/simd/simd.h"

// The signatures behind UNARY, BINARY and COMPARE of kernels.inc, for the definitions. `flatten`
// inlines the loop and the function it maps into the kernel.
#define FASTDL_UNARY(name) \
  __attribute__((flatten)) void name(float* y, const float* x, int64_t n, [[maybe_unused]] const float* p)
#define FASTDL_BINARY(name)                                                                               \
  __attribute__((flatten)) void name(float* y, const float* a, const float* b, int64_t n, int sa, int sb, \
                                     [[maybe_unused]] const float* p)
#define FASTDL_COMPARE(name) \
  __attribute__((flatten)) void name(uint8_t* y, const float* a, const float* b, int64_t n, int sa, int sb)

namespace fastdl::FASTDL_ISA_NS {
namespace {

// How to touch memory at one step of a loop: a whole vector, or its first n lanes.
struct Full {
  FASTDL_INLINE vf load(const float* p) const { return fastdl::FASTDL_ISA_NS::load(p); }
  FASTDL_INLINE vf load(const float* p, vf) const { return load(p); }
  FASTDL_INLINE void store(float* p, vf v) const { fastdl::FASTDL_ISA_NS::store(p, v); }
  FASTDL_INLINE vf or_else(vf v, vf) const { return v; }  // v, and `rest` in lanes that are not touched
  FASTDL_INLINE vi load_mask(const uint8_t* p) const { return fastdl::FASTDL_ISA_NS::load_mask(p, kLanes); }
  FASTDL_INLINE void store_mask(uint8_t* p, vi m) const { fastdl::FASTDL_ISA_NS::store_mask(p, m, kLanes); }
  FASTDL_INLINE int64_t lanes() const { return kLanes; }
};
struct Part {
  int64_t n;
  FASTDL_INLINE vf load(const float* p) const { return load_n(p, n); }
  FASTDL_INLINE vf load(const float* p, vf rest) const { return load_n(p, n, rest); }
  FASTDL_INLINE void store(float* p, vf v) const { store_n(p, v, n); }
  FASTDL_INLINE vf or_else(vf v, vf rest) const { return select(first_lanes(n), v, rest); }
  FASTDL_INLINE vi load_mask(const uint8_t* p) const { return fastdl::FASTDL_ISA_NS::load_mask(p, n); }
  FASTDL_INLINE void store_mask(uint8_t* p, vi m) const { fastdl::FASTDL_ISA_NS::store_mask(p, m, n); }
  FASTDL_INLINE int64_t lanes() const { return n; }
};

template <class F>
FASTDL_INLINE void loop(int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, Full{});
  if (i < n) f(i, Part{n - i});
}

// An operand of stride 1 or 0. Stride 0 reads a vector filled with the scalar, taken before anything
// is stored, so the scalar may lie in the output.
class Operand {
 public:
  FASTDL_INLINE Operand(const float* p, int stride) : base_(p), keep_(-1) {
    if (stride == 0) {
      fastdl::FASTDL_ISA_NS::store(copies_, splat(*p));
      base_ = copies_;
      keep_ = 0;
    }
  }
  FASTDL_INLINE const float* at(int64_t i) const { return base_ + (i & keep_); }

 private:
  const float* base_;
  int64_t keep_;
  float copies_[kLanes];
};

// y[i] = f(x[i])
template <class F>
FASTDL_INLINE void map1(float* y, const float* x, int64_t n, F f) {
  loop(n, [&](int64_t i, auto at) { at.store(y + i, f(at.load(x + i))); });
}

// y[i] = f(a[i * sa], b[i * sb])
template <class F>
FASTDL_INLINE void map2(float* y, const float* a, const float* b, int64_t n, int sa, int sb, F f) {
  if (n <= 0) return;
  const Operand u(a, sa), v(b, sb);
  loop(n, [&](int64_t i, auto at) { at.store(y + i, f(at.load(u.at(i)), at.load(v.at(i)))); });
}

// y[i] = f(a[i * sa], b[i * sb]) ? 1 : 0, for an f that returns a lane mask
template <class F>
FASTDL_INLINE void compare2(uint8_t* y, const float* a, const float* b, int64_t n, int sa, int sb, F f) {
  if (n <= 0) return;
  const Operand u(a, sa), v(b, sb);
  loop(n, [&](int64_t i, auto at) { at.store_mask(y + i, f(at.load(u.at(i)), at.load(v.at(i)))); });
}

// combine() of all x[i], a function whose value does not depend on order (max, min), from `start`.
template <class F>
FASTDL_INLINE vf fold(const float* x, int64_t n, vf start, F combine) {
  vf acc[4] = {start, start, start, start};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes)
    for (int c = 0; c < 4; ++c) acc[c] = combine(acc[c], load(x + i + c * kLanes));
  for (int c = 0; i < n; ++c, i += kLanes)
    acc[c] = combine(acc[c], n - i >= kLanes ? load(x + i) : load_n(x + i, n - i, start));
  return combine(combine(acc[0], acc[1]), combine(acc[2], acc[3]));
}

// The sum of f(i, at) over the vectors of a range. Runs of 64 vectors are summed on their own first, then
// groups of 64 runs, so the error stays small for long ranges; the order depends on n alone.
template <class F>
FASTDL_INLINE float sum_over(int64_t n, F f) {
  constexpr int64_t kRun = 64 * kLanes, kGroup = 64 * kRun;
  vf total = {}, group = {};
  for (int64_t start = 0; start < n; start += kRun) {
    vf run = {};
    loop(n - start < kRun ? n - start : kRun, [&](int64_t i, auto at) { run += f(start + i, at); });
    group += run;
    if ((start + kRun) % kGroup == 0) {
      total += group;
      group = vf{};
    }
  }
  return reduce_add(total + group);
}

}  // namespace
}  // namespace fastdl::FASTDL_ISA_NS
