// Scaled dot-product attention, computed by blocks (cpu/attention.h). The axes are (batch, length, heads, width), or
// (batch, heads, length, width) with heads_first; no tensor is transposed.
//
// The gradient is one fused op. Where it is differentiated again, or a bias has a gradient, it is written with ordinary
// ops, which hold a matrix of queries by keys.
#include "cpu/attention.h"

#include <cmath>
#include <vector>

#include "ops/arguments.h"
#include "ops/random.h"

namespace fastdl {
namespace {

enum Input {
  kQuery,
  kKey,
  kValue,
  kMask,
  kBias,
  kLengths,
  kOffset,
  kBlock,
  kKeyScale,
  kValueScale,
  kOut,
  kStats,
  kOutGrad
};

struct AttentionAttrs {
  double scale;
  bool causal, heads_first;
  double dropout;
  uint32_t wanted = 0;  // of the gradients: query 1, key 2, value 4
  Attributes describe() const {
    return {{"scale", scale}, {"causal", causal}, {"heads_first", heads_first}, {"dropout", dropout}};
  }
  int rows() const { return heads_first ? 2 : 1; }
  int heads() const { return heads_first ? 1 : 2; }
};

// --- the call

AttentionSteps steps_of(const AttentionAttrs& a, const Shape& s) {
  const int64_t inner = s[2] * s[3];
  return a.heads_first ? AttentionSteps{s[1] * inner, inner, s[3]} : AttentionSteps{s[1] * inner, s[3], inner};
}
template <class T>
AttentionTerm<T> term_of(const View& v) {
  AttentionTerm<T> t;
  if (!v) return t;
  t.data = v.as<T>();
  int64_t* const steps[] = {&t.key, &t.row, &t.head, &t.batch};
  int64_t step = 1;
  for (int i = 0; i < v.shape.rank(); ++i) {
    *steps[i] = v.shape.back(i) == 1 ? 0 : step;
    step *= v.shape.back(i);
  }
  return t;
}

// Keys and values may lie in shorter types, in memory that generation keeps.
bool is_stored(DType t) { return t == DType::bfloat16 || t == DType::int8; }

StoredRows stored_rows(const AttentionAttrs& a, const View& x, const View& scale) {
  StoredRows s;
  if (!is_stored(x.dtype)) return s;
  s.data = x.data;
  s.type = x.dtype;
  s.scale = scale.as<float>();
  const int64_t heads = x.shape[a.heads()], length = x.shape[a.rows()];
  s.scale_steps = a.heads_first ? AttentionSteps{heads * length, length, 1} : AttentionSteps{heads * length, 1, heads};
  return s;
}

// From shapes and addresses alone, which is what a workspace may depend on.
Attention attention_of(const AttentionAttrs& a, const View* in) {
  const Shape &q = in[kQuery].shape, &k = in[kKey].shape, &v = in[kValue].shape;
  Shape out = q;
  out[3] = v[3];
  Attention r = {};
  r.batch = q[0];
  r.heads = q[a.heads()];
  r.kv_heads = k[a.heads()];
  r.queries = q[a.rows()];
  r.keys = k[a.rows()];
  r.width = q[3];
  r.value_width = v[3];
  r.query = steps_of(a, q);
  r.key = steps_of(a, k);
  r.value = steps_of(a, v);
  r.out = steps_of(a, out);
  r.q = in[kQuery].as<float>();
  r.k = in[kKey].as<float>();
  r.v = in[kValue].as<float>();
  r.stored_k = stored_rows(a, in[kKey], in[kKeyScale]);
  r.stored_v = stored_rows(a, in[kValue], in[kValueScale]);
  r.scale = a.scale;
  r.mask = term_of<uint8_t>(in[kMask]);
  r.bias = term_of<float>(in[kBias]);
  r.causal = a.causal;
  if (in[kOffset]) {
    r.offset = in[kOffset].as<int64_t>();
    r.offset_step = in[kOffset].numel() > 1;
  }
  if (in[kLengths]) r.lengths = in[kLengths].as<int64_t>();
  return r;
}
// The same with what the op reads from memory: the block of random numbers, and lengths, which are checked.
Attention attention_of(const RunContext& c) {
  Attention a = attention_of(c.attrs.as<AttentionAttrs>(), c.in);
  if (c.in[kBlock]) {
    const Block block(c.in[kBlock]);
    a.rate = float(c.attrs.as<AttentionAttrs>().dropout);
    a.seed = block.seed;
    a.counter = block.counter;
  }
  for (int64_t b = 0; a.lengths && b < a.batch; ++b)
    FASTDL_CHECK(a.lengths[b] >= 0 && a.lengths[b] <= a.keys, ValueError, "attention: lengths: ", a.lengths[b],
                 " of sample ", b, " is outside [0, ", a.keys, "]");
  return a;
}

// --- shapes

void check_term(const InferContext& c, int input, const char* name, const Shape& scores) {
  const Tensor& t = c.in[input];
  if (!t) return;
  bool fits = t->shape.rank() <= 4;
  for (int i = 0; fits && i < t->shape.rank(); ++i) fits = t->shape.back(i) == 1 || t->shape.back(i) == scores.back(i);
  FASTDL_CHECK(fits, ShapeError, c.op.name, ": '", name, "' of shape ", t->shape, " does not broadcast to ", scores,
               ", (batch, heads, queries, keys)");
}

// int8 comes with a scale for each row of each head.
void check_scale(const InferContext& c, int input, int scale, const char* name) {
  const Tensor &x = c.in[input], &s = c.in[scale];
  const bool whole = x->dtype == DType::int8;
  FASTDL_CHECK(s || !whole, TypeError, c.op.name, ": '", name, "' must be float32, bfloat16, or int8 with '", name,
               "_scale', got ", x->dtype);
  if (!s) return;
  FASTDL_CHECK(whole, TypeError, c.op.name, ": '", name, "_scale' belongs to '", name, "' of type int8, got ",
               x->dtype);
  const Shape wanted = {x->shape[0], x->shape[1], x->shape[2]};
  FASTDL_CHECK(s->dtype == DType::float32 && s->shape == wanted, ShapeError, c.op.name, ": expected '", name,
               "_scale' of type float32 and shape ", wanted, ", one for each row of '", name, "', got ", s->dtype,
               " of shape ", s->shape);
}

Shape scores_shape(const AttentionAttrs& a, const Shape& q, const Shape& k) {
  return {q[0], q[a.heads()], q[a.rows()], k[a.rows()]};
}

void infer_attention(InferContext& c) {
  const AttentionAttrs& a = c.attrs.as<AttentionAttrs>();
  const char* const names[] = {"query", "key", "value"};
  for (int i = kQuery; i <= kValue; ++i) {
    if (i == kQuery || !c.in[i] || !is_stored(c.in[i]->dtype)) check_float(c.in[i], c.op.name, names[i]);
    FASTDL_CHECK(c.in[i]->shape.rank() == 4, ShapeError, c.op.name, ": expected '", names[i], "' of shape ",
                 a.heads_first ? "(batch, heads, length, width)" : "(batch, length, heads, width)", ", got shape ",
                 c.in[i]->shape);
  }
  const Shape &q = c.in[kQuery]->shape, &k = c.in[kKey]->shape, &v = c.in[kValue]->shape;
  const auto check = [&](bool holds, const char* what) {
    FASTDL_CHECK(holds, ShapeError, c.op.name, ": ", what, ", got query of shape ", q, ", key ", k, ", value ", v);
  };
  check(q[0] == k[0] && q[0] == v[0], "the batch sizes differ");
  check(q[3] == k[3], "query and key must have the same width");
  check(q[3] > 0, "the width must be at least 1");
  check(k[a.rows()] == v[a.rows()], "key and value must have the same length");
  check(k[a.heads()] == v[a.heads()], "key and value must have the same number of heads");
  const int64_t heads = q[a.heads()], kv_heads = k[a.heads()];
  check(kv_heads > 0 ? heads % kv_heads == 0 : heads == 0, "the heads of query must be a multiple of those of key");
  check_scale(c, kKey, kKeyScale, "key");
  check_scale(c, kValue, kValueScale, "value");
  const Shape scores = scores_shape(a, q, k);
  check_term(c, kMask, "mask", scores);
  check_term(c, kBias, "bias", scores);
  if (const Tensor& lengths = c.in[kLengths])
    FASTDL_CHECK(lengths->shape == Shape{q[0]}, ShapeError, c.op.name, ": expected 'lengths' of shape ", Shape{q[0]},
                 ", one for each sample, got ", lengths->shape);
  if (const Tensor& offset = c.in[kOffset])
    FASTDL_CHECK(offset->numel() == 1 || offset->shape == Shape{q[0]}, ShapeError, c.op.name,
                 ": expected one 'offset', or one for each sample, of shape ", Shape{q[0]}, ", got ", offset->shape);
  Shape y = q;
  y[3] = v[3];
  c.output(y, DType::float32);
  c.output({q[0], heads, q[a.rows()], 2}, DType::float32);
}

int64_t attention_workspace(const RunContext& c) {
  return attention_floats(attention_of(c.attrs.as<AttentionAttrs>(), c.in)) * int64_t(sizeof(float));
}
void run_attention(const RunContext& c) {
  attention(attention_of(c), c.out[0].as<float>(), c.out[1].as<float>(), c.scratch<float>());
}

// --- the gradient

void infer_attention_grad(InferContext& c) {
  for (int i = kQuery; i <= kValue; ++i)
    if (c.attrs.as<AttentionAttrs>().wanted >> i & 1) c.output(c.in[i]->shape, DType::float32);
}
int64_t attention_grad_workspace(const RunContext& c) {
  return attention_grad_floats(attention_of(c.attrs.as<AttentionAttrs>(), c.in)) * int64_t(sizeof(float));
}
void run_attention_grad(const RunContext& c) {
  const uint32_t wanted = c.attrs.as<AttentionAttrs>().wanted;
  float* grads[3] = {};
  int outputs = 0;
  for (int i = kQuery; i <= kValue; ++i)
    if (wanted >> i & 1) grads[i] = c.out[outputs++].as<float>();
  attention_grad(attention_of(c), c.in[kOut].as<float>(), c.in[kStats].as<float>(), c.in[kOutGrad].as<float>(),
                 grads[kQuery], grads[kKey], grads[kValue], c.scratch<float>());
}

const Op op_attention_grad = OpRow{.name = "attention_grad",
                                   .infer = infer_attention_grad,
                                   .run = run_attention_grad,
                                   .describe =
                                       [](const DescribeContext& c) {
                                         const AttentionAttrs& a = c.attrs.as<AttentionAttrs>();
                                         Attributes all = a.describe();
                                         all.push_back({"wanted", int64_t(a.wanted)});
                                         return all;
                                       },
                                   .workspace = attention_grad_workspace};

// 0, 1, ... along one of four axes
Tensor places(int axis, int64_t n, const Device& device) {
  Tensor t = empty({n}, DType::int64);
  for (int64_t i = 0; i < n; ++i) t->data<int64_t>()[i] = i;
  Shape shape = {1, 1, 1, 1};
  shape[axis] = n;
  return to_device(view(t, shape), device);
}

// (batch, heads, length, width), with the heads of key repeated for all of query.
Tensor by_heads(const AttentionAttrs& a, const Tensor& x, int64_t heads) {
  const Tensor t = a.heads_first ? x : transpose(x, std::vector<int64_t>{0, 2, 1, 3});
  const Shape s = t->shape;
  if (s[1] == heads) return t;
  return reshape(broadcast_to(reshape(t, {s[0], s[1], 1, s[2], s[3]}), {s[0], s[1], heads / s[1], s[2], s[3]}),
                 {s[0], heads, s[2], s[3]});
}
// Undoes by_heads for a gradient.
Tensor as_lies(const AttentionAttrs& a, const Tensor& g, const Shape& shape) {
  const int64_t heads = shape[a.heads()];
  Tensor t = g;
  const Shape s = t->shape;
  if (s[1] != heads) t = sum(reshape(t, {s[0], heads, s[1] / heads, s[2], s[3]}), std::vector<int64_t>{2}, false);
  return a.heads_first ? t : transpose(t, std::vector<int64_t>{0, 2, 1, 3});
}

// The same gradients, and that of the bias, by ops that can be differentiated again.
void grad_attention_by_ops(GradContext& c) {
  const AttentionAttrs& a = c.attrs.as<AttentionAttrs>();
  const Tensor* in = c.in;
  const Device& device = in[kQuery]->device();
  const int64_t heads = in[kQuery]->shape[a.heads()], keys = in[kKey]->shape[a.rows()];
  const Tensor q = by_heads(a, in[kQuery], heads), k = by_heads(a, in[kKey], heads), v = by_heads(a, in[kValue], heads),
               g = by_heads(a, c.gout[0], heads);
  Tensor x = scale(matmul(q, k, false, true), a.scale);
  if (in[kBias]) x = add(x, in[kBias]);
  Tensor attends = in[kMask];
  const auto restrict_to = [&](const Tensor& t) { attends = attends ? logical_and(attends, t) : t; };
  const Tensor key_places = places(3, keys, device);
  if (in[kLengths]) restrict_to(lt(key_places, reshape(in[kLengths], {in[kLengths]->numel(), 1, 1, 1})));
  if (a.causal) {
    Tensor last = places(2, q->shape[2], device);
    if (in[kOffset]) last = add(last, reshape(in[kOffset], {in[kOffset]->numel(), 1, 1, 1}));
    restrict_to(le(key_places, last));
  }
  if (attends) x = where(attends, x, scalar(-INFINITY));
  // A softmax that gives 0 where nothing is attended.
  const std::vector<int64_t> last = {-1};
  Tensor top = detach(max(x, last, true));
  top = where(eq(top, scalar(-INFINITY)), scalar(0), top);
  const Tensor e = exp(sub(x, top)), total = sum(e, last, true);
  const Tensor p = div(e, where(eq(total, scalar(0)), scalar(1), total));
  Tensor dropped = p, gp = matmul(g, v, false, true);
  if (in[kBlock]) {
    const Tensor drawn = uniform_of(in[kBlock], {p->shape[0], heads, p->shape[2], (keys + 3) / 4 * 4});
    const Tensor used = slice(drawn, {0, 0, 0, 0}, {p->shape[0], heads, p->shape[2], keys}, {1, 1, 1, 1});
    const Tensor kept = scale(cast(ge(used, scalar(float(a.dropout))), DType::float32), 1 / (1 - a.dropout));
    dropped = mul(p, kept);
    gp = mul(gp, kept);
  }
  const Tensor gx = mul(p, sub(gp, sum(mul(gp, p), last, true)));
  if (c.needs(kQuery)) c.gin[kQuery] = as_lies(a, scale(matmul(gx, k), a.scale), in[kQuery]->shape);
  if (c.needs(kKey)) c.gin[kKey] = as_lies(a, scale(matmul(gx, q, true), a.scale), in[kKey]->shape);
  if (c.needs(kValue)) c.gin[kValue] = as_lies(a, matmul(dropped, g, true), in[kValue]->shape);
  if (c.needs(kBias)) c.gin[kBias] = sum_to(gx, in[kBias]->shape);
}

void grad_attention(GradContext& c) {
  if (!c.gout[0]) return;
  if (grad_enabled() || c.needs(kBias)) return grad_attention_by_ops(c);
  Tensor in[kOutGrad + 1];
  for (int i = 0; i < kOut; ++i) in[i] = c.in[i];
  in[kOut] = c.out[0];
  in[kStats] = c.out[1];
  in[kOutGrad] = c.gout[0];
  AttentionAttrs a = c.attrs.as<AttentionAttrs>();
  a.wanted = c.needed & 0b111;
  const Outputs grads = apply(op_attention_grad, in, kOutGrad + 1, a);
  int outputs = 0;
  for (int i = kQuery; i <= kValue; ++i)
    if (c.needs(i)) c.gin[i] = grads.t[outputs++];
}

const Op op_attention = OpRow{.name = "attention",
                              .infer = infer_attention,
                              .run = run_attention,
                              .grad = grad_attention,
                              .describe = describe<AttentionAttrs>,
                              .workspace = attention_workspace,
                              .stored = 1u << kKey | 1u << kValue};

Tensor as_int64(const Tensor& t, const char* argument) {
  return t ? cast(as_indices(t, op_attention.name, argument), DType::int64) : t;
}

Tensor as_lies_or_float(const Tensor& t, const char* who, const char* argument) {
  return t && is_stored(t->dtype) ? t : as_float(t, who, argument);
}

}  // namespace

Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask, bool causal,
                 std::optional<double> scale, bool heads_first, const Tensor& bias, const Tensor& offset,
                 const Tensor& lengths, double dropout, const Tensor& generator, const Tensor& key_scale,
                 const Tensor& value_scale) {
  const char* const who = op_attention.name;
  const Tensor q = as_float(query, who, "query"), k = as_lies_or_float(key, who, "key"),
               v = as_lies_or_float(value, who, "value");
  if (is_stored(k->dtype) || is_stored(v->dtype))
    for (const Tensor* t : {&q, &k, &v, &mask, &bias})
      FASTDL_CHECK(!(*t && (*t)->requires_grad && grad_enabled()), RuntimeError, who, ": keys of type ", k->dtype,
                   " and values of type ", v->dtype,
                   " have no gradients, but an input requires one; use no_grad(), or cast them to float32");
  FASTDL_CHECK(!scale || std::isfinite(*scale), ValueError, who, ": expected a finite scale, got ", *scale);
  FASTDL_CHECK(dropout >= 0 && dropout < 1, ValueError, who, ": dropout must lie in [0, 1), got ", dropout);
  FASTDL_CHECK(!offset || causal, ValueError, who, ": 'offset' has no meaning unless causal is True");
  FASTDL_CHECK(!bias || bias->dtype == DType::float32, TypeError, who, ": 'bias' must be float32, got ", bias->dtype);
  Tensor flags = mask, added = bias;
  if (mask && mask->dtype != DType::bool8) {
    FASTDL_CHECK(mask->dtype == DType::float32, TypeError, who, ": 'mask' must be bool or float32, got ", mask->dtype);
    FASTDL_CHECK(!bias, ValueError, who, ": expected a bool mask beside a bias; add the two float32 tensors");
    added = mask;
    flags = nullptr;
  }
  AttentionAttrs a{0, causal, heads_first, dropout};
  Tensor block;
  if (q->shape.rank() == 4 && k->shape.rank() == 4) {  // else the op's shape rule raises
    a.scale = scale.value_or(1 / std::sqrt(double(q->shape[3])));
    if (dropout > 0) {
      const Shape s = scores_shape(a, q->shape, k->shape);
      const int64_t rows = checked_numel({s[0], s[1], s[2]}, who);
      block = to_device(reserve(checked_numel({rows, (s[3] + 3) / 4 * 4}, who), generator), q->device());
    }
  }
  return apply(
      op_attention,
      {q, k, v, flags, added, as_int64(lengths, "lengths"), as_int64(offset, "offset"), block, key_scale, value_scale},
      a);
}

}  // namespace fastdl
