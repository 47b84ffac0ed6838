// The order of the elements along an axis. A comparison sort on indices; numbers of 32 bits are packed with their
// index into one word, and words are sorted without looking anything up.
#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "ops/arguments.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

struct OrderAttrs {
  bool descending;
  Attributes describe() const { return {{"descending", descending}}; }
};

void infer_order(InferContext& c) {
  const Shape& s = c.in[0]->shape;
  FASTDL_CHECK(s[s.rank() - 1] <= INT32_MAX, ShapeError, c.op.name, ": expected at most 2^31 - 1 elements, got shape ",
               s);
  c.output(s, DType::int64);
}

// A number that is ordered as x is. Zeros of both signs are equal, so are NaNs, which come last.
uint32_t key(float x) {
  if (x != x) return ~0u;
  x += 0.0f;  // -0 becomes 0
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits >> 31 ? ~bits : bits | 1u << 31;
}
uint32_t key(int32_t x) { return uint32_t(x) ^ 1u << 31; }
uint32_t key(uint8_t x) { return x; }

template <class T>
void order_row(int64_t* y, const T* x, int64_t n, bool descending) {
  auto* words = reinterpret_cast<uint64_t*>(y);
  for (int64_t i = 0; i < n; ++i) words[i] = uint64_t(descending ? ~key(x[i]) : key(x[i])) << 32 | uint64_t(i);
  std::sort(words, words + n);
  for (int64_t i = 0; i < n; ++i) y[i] = int64_t(words[i] & UINT32_MAX);
}
void order_row(int64_t* y, const int64_t* x, int64_t n, bool descending) {
  for (int64_t i = 0; i < n; ++i) y[i] = i;
  std::sort(y, y + n, [=](int64_t a, int64_t b) {
    if (x[a] == x[b]) return a < b;
    return (x[a] < x[b]) != descending;
  });
}

void run_order(const RunContext& c) {
  const View& x = c.in[0];
  const int64_t n = x.shape[x.shape.rank() - 1], rows = n ? x.numel() / n : 0;
  const bool descending = c.attrs.as<OrderAttrs>().descending;
  int64_t* y = c.out[0].as<int64_t>();
  dispatch(x.dtype, [&](auto zero) {
    const auto* from = x.as<decltype(zero)>();
    parallel_for(rows, grain_for(20.0 * double(n)), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) order_row(y + r * n, from + r * n, n, descending);
    });
  });
}
const Op op_order = OpRow{.name = "order", .infer = infer_order, .run = run_order, .describe = describe<OrderAttrs>};

}  // namespace

Tensor order(const Tensor& given, int64_t axis, bool descending) {
  const Tensor x = computable(given, "order", "x");
  const int rank = x->shape.rank(), last = rank - 1;
  if (!rank) return reshape(order(reshape(x, {1}), 0, descending), {});
  const int i = normalize_axis(axis, rank, "order");
  if (i == last) return apply(op_order, {x}, OrderAttrs{descending});
  std::vector<int64_t> perm;
  for (int k = 0; k < rank; ++k) perm.push_back(k == i ? last : k == last ? i : k);
  return transpose(apply(op_order, {transpose(x, perm)}, OrderAttrs{descending}), perm);
}

}  // namespace fastdl
