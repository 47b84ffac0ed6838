#include "ops/layout.h"

#include "autograd/tape.h"
#include "ops/arguments.h"

namespace fastdl {
namespace {

std::vector<int64_t> to_last(int rank) {
  std::vector<int64_t> perm;
  for (int i = 0; i < rank; ++i) perm.push_back(held_axis(i, rank));
  return perm;
}
std::vector<int64_t> to_first(int rank) {
  std::vector<int64_t> perm;
  for (int i = 0; i < rank; ++i) perm.push_back(held_place(i, rank));
  return perm;
}

// Both ops give another view of the same memory, so plans do not hold them.
void infer_view(InferContext&) {}
void grad_channels_last(GradContext& c) { c.gin[0] = channels_first(c.gout[0]); }
void grad_channels_first(GradContext& c) { c.gin[0] = channels_last(c.gout[0]); }
const Op op_channels_last = OpRow{.name = "channels_last",
                                  .infer = infer_view,
                                  .grad = grad_channels_last,
                                  .stored = 0b1,
                                  .grad_in = 0,
                                  .grad_out = false};
const Op op_channels_first = OpRow{.name = "channels_first",
                                   .infer = infer_view,
                                   .grad = grad_channels_first,
                                   .stored = 0b1,
                                   .grad_in = 0,
                                   .grad_out = false};

Tensor on_tape(const Op& op, const Tensor& x, const Tensor& seen) {
  Outputs out;
  out.t[out.count++] = seen;
  record_on_tape(op, &x, 1, out, {});
  return seen;
}

// Whether the elements lie in the same order with the channels first and last.
bool is_same_order(const Shape& s) { return s[1] == 1 || s.numel() == s[0] * s[1]; }

// t beside tensors of `rank` axes that lie channels-last.
Tensor held_beside(const Tensor& t, int rank) {
  if (!t || t->channels_last || t->numel() == 1) return t && t->channels_last ? channels_last(t) : t;
  Shape s = t->shape;
  while (s.rank() < rank) s.insert(0, 1);
  return is_same_order(s) ? reshape(t, held_shape(s)) : channels_last(s == t->shape ? t : reshape(t, s));
}

bool can_be_held(const Op& op, const Tensor* in, int inputs, int& rank) {
  if (!op.elementwise && !op.pointwise) return false;
  rank = 0;
  for (int i = 0; i < inputs; ++i)
    if (in[i] && in[i]->channels_last) rank = in[i]->shape.rank();
  for (int i = 0; i < inputs; ++i) {
    if (!in[i]) continue;
    if (in[i]->shape.rank() > rank || (in[i]->channels_last && in[i]->shape.rank() != rank)) return false;
    if (op.mutates >> i & 1 && !in[i]->channels_last) return false;
  }
  return true;
}

}  // namespace

Shape held_shape(const Shape& shape) {
  Shape held;
  for (int i = 0; i < shape.rank(); ++i) held.push_back(shape[held_axis(i, shape.rank())]);
  return held;
}
uint32_t held_mask(uint32_t mask, int rank) {
  uint32_t held = 0;
  for (int i = 0; i < rank; ++i) held |= (mask >> held_axis(i, rank) & 1) << i;
  return held;
}
std::vector<int64_t> held_order(const std::vector<int64_t>& values) {
  const int rank = int(values.size());
  std::vector<int64_t> held;
  for (int i = 0; i < rank; ++i) held.push_back(values[size_t(held_axis(i, rank))]);
  return held;
}

Tensor channels_last(const Tensor& x) {
  check_tensor(x, "channels_last", "x");
  const int rank = x->shape.rank();
  FASTDL_CHECK(rank >= 3, ShapeError,
               "channels_last: expected a tensor (samples, channels, places...) with at least 3 axes, got shape ",
               x->shape);
  if (!x->channels_last) return transpose(x, to_last(rank));
  const Tensor seen = detach(x);
  seen->shape = held_shape(x->shape);
  seen->channels_last = false;
  return on_tape(op_channels_last, x, seen);
}

Tensor channels_first(const Tensor& x) {
  check_tensor(x, "channels_first", "x");
  const int rank = x->shape.rank();
  FASTDL_CHECK(rank >= 3, ShapeError,
               "channels_first: expected a tensor (samples, places..., channels) with at least 3 axes, got shape ",
               x->shape);
  if (x->channels_last) return transpose(x, to_first(rank));
  const Tensor seen = detach(x);
  for (int i = 0; i < rank; ++i) seen->shape[i] = x->shape[held_place(i, rank)];
  seen->channels_last = true;
  return on_tape(op_channels_first, x, seen);
}

Tensor in_order(const Tensor& x) {
  check_tensor(x, "in_order", "x");
  if (!x->channels_last) return x;
  const Tensor held = channels_last(x);
  return is_same_order(x->shape) ? reshape(held, x->shape) : transpose(held, to_first(x->shape.rank()));
}

// An op that writes in place into such a tensor gets a copy, which is written back.
Outputs apply_to_held(const Op& op, const Tensor* in, int inputs, const Attrs& attrs) {
  Tensor given[kMaxInputs];
  int rank;
  if (can_be_held(op, in, inputs, rank)) {
    for (int i = 0; i < inputs; ++i) given[i] = held_beside(in[i], rank);
    Outputs out = apply(op, given, inputs, attrs);
    for (int i = 0; i < out.count; ++i) out.t[i] = channels_first(out.t[i]);
    return out;
  }
  for (int i = 0; i < inputs; ++i)
    if (in[i]) given[i] = in_order(in[i]);
  const Outputs out = apply(op, given, inputs, attrs);
  for (int i = 0; i < inputs; ++i)
    if (op.mutates >> i & 1 && in[i] && in[i]->channels_last && given[i]->storage != in[i]->storage)
      assign_(in[i], given[i]);
  return out;
}

}  // namespace fastdl
