// Recurrent layers over whole sequences, after the products of the inputs (cpu/recurrent.h).
#include "cpu/recurrent.h"

#include "ops/arguments.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

struct RecurrentAttrs {
  Cell cell;
  bool reset_first, reverse, transpose_w, masked_zero, steps_first;
  bool keeps;  // what the gradient reads
  Attributes describe() const;
};

constexpr const char* kCells[] = {"lstm", "gru", "tanh", "relu"};
const char* name_of(Cell c) { return kCells[int(c)]; }
Cell cell_of(const std::string& name) {
  for (int i = 0; i < 4; ++i)
    if (name == kCells[i]) return Cell(i);
  throw ValueError("recurrent: cell: expected 'lstm', 'gru', 'tanh' or 'relu', got '" + name + "'");
}

Attributes RecurrentAttrs::describe() const {
  return {{"cell", name_of(cell)},      {"reset_first", reset_first}, {"reverse", reverse},
          {"transpose_w", transpose_w}, {"masked_zero", masked_zero}, {"steps_first", steps_first}};
}

// The inputs of the op.
enum In { kX, kW, kBias, kH, kC, kMask, kInputs };
// Its outputs. The cell's value only for lstm.
enum Out { kY, kLastH, kBefore, kSaved, kLastC };

void check_shape(const Tensor& t, const Shape& expected, const char* argument) {
  FASTDL_CHECK(!t || t->shape == expected, ShapeError, "recurrent: ", argument, ": expected shape ", expected, ", got ",
               t ? t->shape : Shape());
}

void infer_recurrent(InferContext& c) {
  const RecurrentAttrs& a = c.attrs.as<RecurrentAttrs>();
  const Shape &x = c.in[kX]->shape, &w = c.in[kW]->shape;
  FASTDL_CHECK(x.rank() == 3, ShapeError, "recurrent: x: expected products of the inputs of shape ",
               a.steps_first ? "(steps, samples, gates)" : "(samples, steps, gates)", ", got ", x);
  FASTDL_CHECK(w.rank() == 2, ShapeError, "recurrent: w: expected a matrix, got shape ", w);
  const int64_t gates = gates_of(a.cell), units = w[a.transpose_w ? 1 : 0], samples = x[a.steps_first ? 1 : 0];
  check_shape(c.in[kW], a.transpose_w ? Shape{gates * units, units} : Shape{units, gates * units}, "w");
  FASTDL_CHECK(x[2] == gates * units, ShapeError, "recurrent: x: a ", name_of(a.cell), " of ", units, " units takes ",
               gates * units, " products of each step, got shape ", x);
  check_shape(c.in[kBias], {gates * units}, "bias");
  check_shape(c.in[kH], {samples, units}, "h");
  check_shape(c.in[kC], {samples, units}, "c");
  check_shape(c.in[kMask], {x[0], x[1]}, "mask");
  FASTDL_CHECK(!c.in[kC] || a.cell == Cell::lstm, ValueError, "recurrent: c: only lstm has a second state, not ",
               name_of(a.cell));
  const auto sequences = [&](int64_t size) { return Shape{x[0], x[1], size}; };
  c.output(sequences(units), DType::float32);
  c.output({samples, units}, DType::float32);
  c.output(sequences(a.keeps ? units : 0), DType::float32);
  c.output(sequences(a.keeps ? saved_blocks(a.cell) * units : 0), DType::float32);
  if (a.cell == Cell::lstm) c.output({samples, units}, DType::float32);
}

Recurrence recurrence_of(const RecurrentAttrs& a, const Shape& x) {
  const int64_t samples = x[a.steps_first ? 1 : 0], steps = x[a.steps_first ? 0 : 1];
  return {a.cell,        a.reset_first, a.reverse, a.transpose_w,          a.masked_zero,
          a.steps_first, samples,       steps,     x[2] / gates_of(a.cell)};
}
int64_t packed_bytes(const RecurrentAttrs& a, const Shape& x, bool gradient) {
  return recurrent_packed_floats(recurrence_of(a, x), gradient) * int64_t(sizeof(float));
}

int64_t recurrent_workspace(const RunContext& c) {
  return packed_bytes(c.attrs.as<RecurrentAttrs>(), c.in[kX].shape, false);
}
void run_recurrent(const RunContext& c) {
  const RecurrentAttrs& a = c.attrs.as<RecurrentAttrs>();
  RecurrentArrays arrays = {};
  arrays.x = c.in[kX].as<float>();
  arrays.w = c.in[kW].as<float>();
  arrays.bias = c.in[kBias].as<float>();
  arrays.h0 = c.in[kH].as<float>();
  arrays.c0 = c.in[kC].as<float>();
  arrays.mask = c.in[kMask].as<uint8_t>();
  arrays.y = c.out[kY].as<float>();
  arrays.before = a.keeps ? c.out[kBefore].as<float>() : nullptr;
  arrays.saved = a.keeps ? c.out[kSaved].as<float>() : nullptr;
  arrays.h = c.out[kLastH].as<float>();
  arrays.c = a.cell == Cell::lstm ? c.out[kLastC].as<float>() : nullptr;
  recurrent(recurrence_of(a, c.in[kX].shape), arrays, c.scratch<float>());
}

// --- gradient

enum GradIn { kDy, kDh, kDc, kGradW, kGradBefore, kGradSaved, kGradC, kGradMask, kGradInputs };
// Outputs: of x, of h, of c for lstm, of the products of the state for gru.

void infer_recurrent_grad(InferContext& c) {
  const RecurrentAttrs& a = c.attrs.as<RecurrentAttrs>();
  const Shape& before = c.in[kGradBefore]->shape;
  const Shape gates = {before[0], before[1], gates_of(a.cell) * before[2]};
  const Shape state = {before[a.steps_first ? 1 : 0], before[2]};
  c.output(gates, DType::float32);
  c.output(state, DType::float32);
  if (a.cell == Cell::lstm) c.output(state, DType::float32);
  if (a.cell == Cell::gru) c.output(gates, DType::float32);
}
int64_t recurrent_grad_workspace(const RunContext& c) {
  return packed_bytes(c.attrs.as<RecurrentAttrs>(), c.out[0].shape, true);
}
void run_recurrent_grad(const RunContext& c) {
  const RecurrentAttrs& a = c.attrs.as<RecurrentAttrs>();
  RecurrentGradients arrays = {};
  arrays.dy = c.in[kDy].as<float>();
  arrays.dh = c.in[kDh].as<float>();
  arrays.dc = c.in[kDc].as<float>();
  arrays.w = c.in[kGradW].as<float>();
  arrays.before = c.in[kGradBefore].as<float>();
  arrays.saved = c.in[kGradSaved].as<float>();
  arrays.c0 = c.in[kGradC].as<float>();
  arrays.mask = c.in[kGradMask].as<uint8_t>();
  arrays.dx = c.out[0].as<float>();
  arrays.dh0 = c.out[1].as<float>();
  arrays.dc0 = a.cell == Cell::lstm ? c.out[2].as<float>() : nullptr;
  arrays.dp = a.cell == Cell::gru ? c.out[2].as<float>() : arrays.dx;
  recurrent_grad(recurrence_of(a, c.out[0].shape), arrays, c.scratch<float>());
}
const Op op_recurrent_grad = OpRow{.name = "recurrent_grad",
                                   .infer = infer_recurrent_grad,
                                   .run = run_recurrent_grad,
                                   .describe = describe<RecurrentAttrs>,
                                   .workspace = recurrent_grad_workspace};

// The outputs y, h and c by ops that have gradients themselves.
std::vector<Tensor> recurrent_by_ops(const RecurrentAttrs& a, const Tensor* in) {
  const int64_t axis = a.steps_first ? 0 : 1, steps = in[kX]->shape[int(axis)], samples = in[kX]->shape[1 - int(axis)];
  const int64_t gates = in[kX]->shape[2], units = gates / gates_of(a.cell);
  const std::vector<int64_t> ones(size_t(steps), 1), parts(size_t(gates_of(a.cell)), units);
  const std::vector<Tensor> x = split(in[kX], ones, axis);
  const std::vector<Tensor> mask = in[kMask] ? split(in[kMask], ones, axis) : std::vector<Tensor>();
  const Tensor zero = zeros({samples, units}, DType::float32);
  Tensor h = in[kH] ? in[kH] : zero, c = in[kC] ? in[kC] : zero;
  std::vector<Tensor> y(static_cast<size_t>(steps));
  for (int64_t s = 0; s < steps; ++s) {
    const size_t t = size_t(a.reverse ? steps - 1 - s : s);
    const Tensor z = reshape(x[t], {samples, gates});
    Tensor p = matmul(h, in[kW], false, a.transpose_w), new_h, new_c = c;
    if (in[kBias]) p = add(p, in[kBias]);
    if (a.cell == Cell::lstm) {
      const std::vector<Tensor> g = split(add(z, p), parts, 1);
      new_c = add(mul(sigmoid(g[1]), c), mul(sigmoid(g[0]), tanh(g[2])));
      new_h = mul(sigmoid(g[3]), tanh(new_c));
    } else if (a.cell == Cell::gru) {
      const std::vector<Tensor> zs = split(z, parts, 1), ps = split(p, parts, 1);
      const size_t r = a.reset_first ? 0 : 1, u = 1 - r;
      const Tensor candidate = tanh(add(zs[2], mul(sigmoid(add(zs[r], ps[r])), ps[2])));
      new_h = add(candidate, mul(sigmoid(add(zs[u], ps[u])), sub(h, candidate)));
    } else {
      new_h = a.cell == Cell::tanh ? tanh(add(z, p)) : relu(add(z, p));
    }
    y[t] = new_h;
    if (in[kMask]) {
      const Tensor counts = reshape(mask[t], {samples, 1});
      y[t] = where(counts, new_h, a.masked_zero ? zero : h);
      new_h = where(counts, new_h, h);
      if (a.cell == Cell::lstm) new_c = where(counts, new_c, c);
    }
    h = new_h;
    c = new_c;
  }
  const Tensor all = steps ? stack(y, axis) : zeros({in[kX]->shape[0], in[kX]->shape[1], units}, DType::float32);
  return {all, h, c};
}

// With a graph, for second derivatives: the gradient of the ops, of copies that stand for the inputs.
void grad_recurrent_by_ops(GradContext& c) {
  const RecurrentAttrs& a = c.attrs.as<RecurrentAttrs>();
  Tensor in[kInputs];
  for (int i = 0; i < kInputs; ++i) in[i] = c.in[i] && c.needs(i) ? copy(c.in[i]) : c.in[i];
  const std::vector<Tensor> out = recurrent_by_ops(a, in);
  const Tensor given[] = {c.gout[kY], c.gout[kLastH], a.cell == Cell::lstm ? c.gout[kLastC] : Tensor()};
  std::vector<Tensor> roots, gradients, wanted;
  for (size_t i = 0; i < 3; ++i)
    if (given[i] && out[i]->requires_grad) roots.push_back(out[i]), gradients.push_back(given[i]);
  for (int i = 0; i < kInputs; ++i)
    if (c.needs(i)) wanted.push_back(in[i]);
  if (roots.empty()) return;
  const std::vector<Tensor> found = grad(roots, gradients, wanted, true, true);
  size_t next = 0;
  for (int i = 0; i < kInputs; ++i)
    if (c.needs(i)) c.gin[i] = found[next++];
}

void grad_recurrent(GradContext& c) {
  if (grad_enabled()) return grad_recurrent_by_ops(c);
  const RecurrentAttrs& a = c.attrs.as<RecurrentAttrs>();
  const bool lstm = a.cell == Cell::lstm;
  const Tensor none;
  const Outputs found = apply(op_recurrent_grad,
                              {c.gout[kY], c.gout[kLastH], lstm ? c.gout[kLastC] : none, c.in[kW], c.out[kBefore],
                               c.out[kSaved], c.in[kC], c.in[kMask]},
                              a);
  const Tensor &dx = found.t[0], &dp = found.t[a.cell == Cell::gru ? 2 : 0];
  c.gin[kX] = dx;
  c.gin[kH] = found.t[1];
  if (lstm) c.gin[kC] = found.t[2];
  const int64_t gates = dp->shape.back(), units = found.t[1]->shape.back(), rows = dp->shape[0] * dp->shape[1];
  const Tensor products = reshape(dp, {rows, gates});
  if (c.needs(kW)) {
    const Tensor states = reshape(c.out[kBefore], {rows, units});
    c.gin[kW] = a.transpose_w ? matmul(products, states, true, false) : matmul(states, products, true, false);
  }
  if (c.needs(kBias)) c.gin[kBias] = sum(products, std::vector<int64_t>{0}, false);
}
const Op op_recurrent = OpRow{.name = "recurrent",
                              .infer = infer_recurrent,
                              .run = run_recurrent,
                              .grad = grad_recurrent,
                              .describe = describe<RecurrentAttrs>,
                              .workspace = recurrent_workspace,
                              .grad_in = (1u << kInputs) - 1,  // all of them for second derivatives
                              .grad_out = 1u << kBefore | 1u << kSaved};

}  // namespace

std::vector<Tensor> recurrent(const Tensor& x, const Tensor& w, const std::string& cell, const Tensor& bias,
                              const Tensor& h, const Tensor& c, const Tensor& mask, bool reset_first, bool reverse,
                              bool transpose_w, bool masked_zero, bool steps_first) {
  const char* const who = "recurrent";
  RecurrentAttrs a{cell_of(cell), reset_first, reverse, transpose_w, masked_zero, steps_first, false};
  const auto number = [&](const Tensor& t, const char* argument) { return t ? as_float(t, who, argument) : t; };
  const Tensor in[kInputs] = {as_float(x, who, "x"), as_float(w, who, "w"), number(bias, "bias"),
                              number(h, "h"),        number(c, "c"),        mask ? cast(mask, DType::bool8) : mask};
  for (const Tensor& t : in) a.keeps |= t && t->requires_grad && grad_enabled();
  const Outputs found = apply(op_recurrent, in, kInputs, a);
  std::vector<Tensor> results = {found.t[kY], found.t[kLastH]};
  if (a.cell == Cell::lstm) results.push_back(found.t[kLastC]);
  return results;
}

}  // namespace fastdl
