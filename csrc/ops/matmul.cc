// matmul (batched, all transposes) and linear (matmul + bias + activation in one call).
#include "cpu/gemm.h"
#include "cpu/gemm_bf16.h"
#include "cpu/kernels.h"
#include "ops/broadcast.h"
#include "ops/integer_matmul.h"
#include "ops/ops.h"
#include "ops/product.h"
#include "ops/unary.h"
#include "plan/derived.h"

namespace fastdl {
namespace {

// Whether to round the operands of a product to bfloat16: the op's attribute asks for it, the CPU has instructions, and
// it pays. Tensors, sums and results are float32 in any case.
bool in_bf16(Precision wanted, int64_t m, int64_t n, int64_t k) {
  return wanted == Precision::bfloat16 && bf16_pays(m, n, k) && bf16_instructions();
}

// --- operands of storage types: they are read as float32, from the call's workspace -----------------------------

void check_operand(const Tensor& t, const char* who, const char* argument) {
  if (t && is_storage(t->dtype)) return;
  check_float(t, who, argument);
}
int64_t widened_bytes(const View& v) {
  constexpr int64_t kAlign = 64;
  return is_storage(v.dtype) ? (v.numel() * int64_t(sizeof(float)) + kAlign - 1) / kAlign * kAlign : 0;
}
template <int N>
int64_t widened_workspace(const RunContext& c) {
  int64_t bytes = 0;
  for (int i = 0; i < N; ++i) bytes += widened_bytes(c.in[i]);
  return bytes;
}
void widen(float* to, const View& from) {
  const int64_t size = size_of(from.dtype);
  parallel_for(from.numel(), grain_for(0.2), [&](int64_t begin, int64_t end) {
    kernels().cast(to + begin, DType::float32, from.as<char>() + begin * size, from.dtype, end - begin);
  });
}
// The inputs of a product; those of `skip` are not read.
template <int N>
struct Operands {
  const float* at[N] = {};
  explicit Operands(const RunContext& c, uint32_t skip = 0) {
    char* place = c.scratch<char>();
    for (int i = 0; i < N; ++i) {
      const View& v = c.in[i];
      at[i] = v.as<float>();
      const int64_t bytes = widened_bytes(v);
      if (!bytes) continue;
      at[i] = reinterpret_cast<float*>(place);
      if (!(skip >> i & 1)) widen(reinterpret_cast<float*>(place), v);
      place += bytes;
    }
  }
};

struct MatmulAttrs {
  bool transpose_a, transpose_b;
  Precision precision;
  Attributes describe() const {
    return {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}, described(precision)};
  }
};

// Batch axes of a: all but its last two.
Shape batch_of(const Shape& s) {
  Shape b;
  for (int i = 0; i + 2 < s.rank(); ++i) b.push_back(s[i]);
  return b;
}
int64_t rows_of(const Shape& s, bool transposed) { return transposed ? s.back(0) : s.back(1); }
int64_t columns_of(const Shape& s, bool transposed) { return transposed ? s.back(1) : s.back(0); }

void infer_matmul(InferContext& c) {
  const Tensor &a = c.in[0], &b = c.in[1];
  check_operand(a, "matmul", "a");
  check_operand(b, "matmul", "b");
  auto [ta, tb, precision] = c.attrs.as<MatmulAttrs>();
  FASTDL_CHECK(columns_of(a->shape, ta) == rows_of(b->shape, tb), ShapeError, "matmul: cannot multiply shapes ",
               a->shape, ta ? " (transposed)" : "", " and ", b->shape, tb ? " (transposed)" : "", ": ",
               columns_of(a->shape, ta), " columns against ", rows_of(b->shape, tb), " rows");
  Shape out = broadcast_shapes(batch_of(a->shape), batch_of(b->shape), "matmul");
  out.push_back(rows_of(a->shape, ta));
  out.push_back(columns_of(b->shape, tb));
  c.output(out, DType::float32);
}

void run_matmul(const RunContext& c) {
  const View &a = c.in[0], &b = c.in[1], &out = c.out[0];
  auto [ta, tb, precision] = c.attrs.as<MatmulAttrs>();
  const int64_t m = out.shape.back(1), n = out.shape.back(0), k = columns_of(a.shape, ta);
  const Shape batch_a = batch_of(a.shape), batch_b = batch_of(b.shape);
  const Operands<2> operands(c);
  // Batch axes are broadcast like elements; each row of the loop is a run of matrices at equal distances.
  BroadcastLoop<2> loop(batch_of(out.shape), {&batch_a, &batch_b});
  for (int64_t row = 0; row < loop.rows(); ++row) {
    int64_t at[2];
    loop.offsets_of(row, at);
    const float *first_a = operands.at[0] + at[0] * m * k, *first_b = operands.at[1] + at[1] * k * n;
    const int64_t stride_a = loop.inner_stride[0] * m * k, stride_b = loop.inner_stride[1] * k * n;
    float* first_out = out.as<float>() + row * loop.inner * m * n;
    if (in_bf16(precision, m, n, k))
      for (int64_t i = 0; i < loop.inner; ++i)
        gemm_bf16(ta, tb, m, n, k, first_a + i * stride_a, a.shape.back(), first_b + i * stride_b, b.shape.back(),
                  first_out + i * m * n, n, false);
    else
      gemm_batched(loop.inner, ta, tb, m, n, k, first_a, a.shape.back(), stride_a, first_b, b.shape.back(), stride_b,
                   first_out, n, m * n, false);
  }
}

// --- some rows of a product of two matrices ------------------------------------------------------------------

struct RowsAttrs {
  bool transpose_a, transpose_b;
  Precision precision;
  int64_t first, count;
  Attributes describe() const {
    return {{"transpose_a", transpose_a},
            {"transpose_b", transpose_b},
            described(precision),
            {"first", first},
            {"count", count}};
  }
};

void infer_matmul_rows(InferContext& c) {
  const RowsAttrs& at = c.attrs.as<RowsAttrs>();
  const Product p{c.in[0], c.in[1], at.transpose_a, at.transpose_b};
  FASTDL_CHECK(at.first >= 0 && at.count >= 0 && at.first <= p.rows() - at.count, IndexError,
               "matmul_rows: expected rows of a product of shape ", Shape{p.rows(), p.columns()}, ", got ", at.count,
               " from ", at.first, " on");
  c.output({at.count, p.columns()}, DType::float32);
}

void run_matmul_rows(const RunContext& c) {
  const View &a = c.in[0], &b = c.in[1], &out = c.out[0];
  auto [ta, tb, precision, first, count] = c.attrs.as<RowsAttrs>();
  const int64_t m = rows_of(a.shape, ta), n = out.shape.back(), k = columns_of(a.shape, ta), lda = a.shape.back();
  const auto multiply = in_bf16(precision, m, n, k) ? gemm_bf16 : gemm;  // the same choice as for the whole product
  multiply(ta, tb, count, n, k, a.as<float>() + first * (ta ? 1 : lda), lda, b.as<float>(), b.shape.back(),
           out.as<float>(), n, false, {});
}
const Op op_matmul_rows =
    OpRow{.name = "matmul_rows", .infer = infer_matmul_rows, .run = run_matmul_rows, .describe = describe<RowsAttrs>};

Tensor product(const Tensor& a, const Tensor& b, const MatmulAttrs& attrs, const Tensor& into = nullptr);

// Gives the gradient of input i, op(a) op(b) summed over broadcast axes, or the Product to compute it later.
void give_product(GradContext& c, int i, const Tensor& a, const Tensor& b, const MatmulAttrs& attrs) {
  if (c.may_wait(i) && a->shape.rank() == 2 && b->shape.rank() == 2 && !is_storage(a->dtype) && !is_storage(b->dtype))
    c.waiting[i] = {a, b, attrs.transpose_a, attrs.transpose_b, attrs.precision};
  else
    c.gin[i] = sum_to(product(a, b, attrs, c.into[i]), c.in[i]->shape);
}

// C = op(A) op(B):  dA = G op(B)^T, dB = op(A)^T G, each transposed back where the flag is set.
void grad_matmul(GradContext& c) {
  const Tensor &a = c.in[0], &b = c.in[1], &g = c.gout[0];
  auto [ta, tb, precision] = c.attrs.as<MatmulAttrs>();
  if (c.needs(0) && ta) give_product(c, 0, b, g, {tb, true, precision});
  if (c.needs(0) && !ta) give_product(c, 0, g, b, {false, !tb, precision});
  if (c.needs(1) && tb) give_product(c, 1, g, a, {true, ta, precision});
  if (c.needs(1) && !tb) give_product(c, 1, a, g, {!ta, false, precision});
}
const Op op_matmul = OpRow{.name = "matmul",
                           .infer = infer_matmul,
                           .run = run_matmul,
                           .grad = grad_matmul,
                           .describe = describe<MatmulAttrs>,
                           .workspace = widened_workspace<2>,
                           .stored = 0b11,
                           .grad_out = false,
                           .bilinear = true};

Tensor product(const Tensor& a, const Tensor& b, const MatmulAttrs& attrs, const Tensor& into) {
  return apply(op_matmul, {a, b}, attrs, into);
}

// --- linear: y[..., out] = act(x[..., in] W + bias), W (in, out), or (out, in) when transposed ---------------

struct LinearAttrs {
  bool transpose_w;
  Precision precision;
  const FusedActivation* activation;
  Attributes describe() const {
    return {{"transpose_w", transpose_w}, {"activation", activation ? activation->name : ""}, described(precision)};
  }
};

void infer_linear(InferContext& c) {
  const Tensor &x = c.in[0], &w = c.in[1], &bias = c.in[2];
  bool tw = c.attrs.as<LinearAttrs>().transpose_w;
  check_operand(x, "linear", "x");
  check_operand(w, "linear", "w");
  FASTDL_CHECK(w->shape.rank() == 2, ShapeError, "linear: expected a weight with 2 dimensions, got shape ", w->shape);
  int64_t in = rows_of(w->shape, tw), out = columns_of(w->shape, tw);
  FASTDL_CHECK(x->shape.rank() >= 1 && x->shape.back() == in, ShapeError,
               "linear: expected an input whose last axis has ", in, " features, got shape ", x->shape);
  if (bias) {
    check_operand(bias, "linear", "bias");
    FASTDL_CHECK(bias->shape == Shape{out}, ShapeError, "linear: expected a bias of shape ", Shape{out}, ", got ",
                 bias->shape);
  }
  Shape s = x->shape;
  s[s.rank() - 1] = out;
  c.output(s, DType::float32);
}

template <bool kPacked>
void run_linear(const RunContext& c) {
  const View &x = c.in[0], &bias = c.in[2], &y = c.out[0];
  const Operands<3> operands(c, kPacked ? 0b10 : 0);  // with a packed weight, the original is not read
  const float *rows = operands.at[0], *w = operands.at[1];
  const LinearAttrs& at = c.attrs.as<LinearAttrs>();
  Epilogue epilogue;
  float parameters[2] = {};
  if (bias) epilogue.bias = operands.at[2];
  if (at.activation) {
    parameters[0] = at.activation->parameter;
    epilogue.activation = kernels().*at.activation->kernel;
    epilogue.parameters = parameters;
  }
  const int64_t k = x.shape.back(), n = y.shape.back(), m = n ? y.numel() / n : 0;
  const int64_t ldw = at.transpose_w ? k : n;
  if constexpr (kPacked)
    return gemm_packed(at.transpose_w, m, n, k, rows, k, w, ldw, c.in[3].as<float>(), y.as<float>(), n, false,
                       epilogue);
  const auto multiply = in_bf16(at.precision, m, n, k) ? gemm_bf16 : gemm;
  multiply(false, at.transpose_w, m, n, k, rows, k, w, ldw, y.as<float>(), n, false, epilogue);
}

void grad_linear(GradContext& c) {
  const Tensor &x = c.in[0], &w = c.in[1];
  const LinearAttrs& at = c.attrs.as<LinearAttrs>();
  Tensor gz = c.gout[0];
  if (at.activation) gz = fused_activation_grad(*at.activation, gz, c.out[0]);
  const int64_t in = x->shape.back(), out = gz->shape.back();
  Shape rows_x{in ? x->numel() / in : 0, in}, rows_z{rows_x[0], out};
  if (in == 0) rows_z[0] = rows_x[0] = out ? gz->numel() / out : 0;
  Tensor x2 = reshape(x, rows_x), z2 = reshape(gz, rows_z);
  if (c.needs(0)) {
    Tensor dx = product(z2, w, {false, !at.transpose_w, at.precision});
    c.gin[0] = reshape(dx, x->shape);
  }
  if (c.needs(1)) give_product(c, 1, at.transpose_w ? z2 : x2, at.transpose_w ? x2 : z2, {true, false, at.precision});
  if (c.needs(2)) c.gin[2] = sum(z2, std::vector<int64_t>{0}, false);
}
// For plans. Input 3 is the packed weight.
const Op op_linear_packed = OpRow{.name = "linear_packed",
                                  .infer = infer_linear,
                                  .run = run_linear<true>,
                                  .describe = describe<LinearAttrs>,
                                  .workspace = widened_workspace<3>,
                                  .stored = 0b111};
// The parameters of the packed weight: (transposed, n, k). Few rows read the weight only once, so packing does not pay.
std::optional<Derivation::Parameters> wants_packed(const RunContext& c) {
  const LinearAttrs& at = c.attrs.as<LinearAttrs>();
  const View &x = c.in[0], &y = c.out[0];
  const int64_t k = x.shape.back(), n = y.shape.back(), m = n ? y.numel() / n : 0;
  if (in_bf16(at.precision, m, n, k) || m <= 4 || n < 16 || k < 16) return std::nullopt;
  return Derivation::Parameters{at.transpose_w, n, k};
}
int64_t packed_bytes(const Derivation::Parameters& p) { return packed_b_floats(p[1], p[2]) * int64_t(sizeof(float)); }
void pack_weight(const View& w, const Derivation::Parameters& p, void* to) {
  const int64_t bytes = widened_bytes(w);
  const Ref<Storage> widened = bytes ? Storage::allocate(bytes) : Ref<Storage>();
  if (bytes) widen(static_cast<float*>(widened->data()), w);
  pack_b(p[0], p[1], p[2], bytes ? static_cast<const float*>(widened->data()) : w.as<float>(), w.shape.back(),
         static_cast<float*>(to));
}
const Derivation packed_weight = {"packed weight", 1, &op_linear_packed, wants_packed, packed_bytes, pack_weight};
const Op op_linear = OpRow{.name = "linear",
                           .infer = infer_linear,
                           .run = run_linear<false>,
                           .grad = grad_linear,
                           .describe = describe<LinearAttrs>,
                           .workspace = widened_workspace<3>,
                           .stored = 0b111,
                           .grad_in = 0b011,
                           .reads_result = [](const Attrs& a) { return a.as<LinearAttrs>().activation != nullptr; },
                           .bilinear = true,
                           .derived = &packed_weight};

// float32 or a storage type as it is, other numbers as float32.
Tensor operand(const Tensor& t) { return is_storage(t->dtype) ? t : cast(t, DType::float32); }
// Sums are float32. The result has the type that the operands are promoted to; it is rounded once.
Tensor rounded_to(const Tensor& y, DType t) { return is_storage(t) ? cast(y, t) : y; }

}  // namespace

namespace {
thread_local Precision autocast = Precision::float32;
}
Precision autocast_precision() { return autocast; }
void set_autocast_precision(Precision p) {
  if (autocast != p) raise_epoch();
  autocast = p;
}

Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, Precision precision) {
  MatmulAttrs attrs{transpose_a, transpose_b, in_effect(precision)};
  FASTDL_CHECK(a && b, TypeError, "matmul: expected two tensors, got None");
  FASTDL_CHECK(a->shape.rank() >= 1 && b->shape.rank() >= 1, ShapeError,
               "matmul: expected at least one dimension, got shapes ", a->shape, " and ", b->shape);
  // A vector is a row on the left and a column on the right; its axis is gone from the result, as in NumPy.
  const bool row = a->shape.rank() == 1, column = b->shape.rank() == 1;
  const bool integers = !is_float(a->dtype) && !is_float(b->dtype);
  Tensor left = integers ? a : operand(a), right = integers ? b : operand(b);
  if (row) left = reshape(left, {1, a->shape[0]}), attrs.transpose_a = false;
  if (column) right = reshape(right, {b->shape[0], 1}), attrs.transpose_b = false;
  Tensor out = integers ? integer_matmul(left, right, attrs.transpose_a, attrs.transpose_b)
                        : rounded_to(product(left, right, attrs), promote(a->dtype, b->dtype));
  if (row || column) {
    Shape s = out->shape;
    if (column) s.erase(s.rank() - 1);
    if (row) s.erase(s.rank() - (column ? 1 : 2));
    out = reshape(out, s);
  }
  return out;
}

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias, bool transpose_w, const std::string& activation,
              Precision precision) {
  FASTDL_CHECK(x && w, TypeError, "linear: expected tensors for x and w, got None");
  if (!is_float(x->dtype) && !is_float(w->dtype) && (!bias || !is_float(bias->dtype))) {
    const Tensor y = matmul(x, w, false, transpose_w);
    return activate(activation, bias ? add(y, bias) : y);
  }
  const FusedActivation* fused = find_fused_activation(activation);
  // The gradient reads the output for the activation only.
  const Tensor y = apply(op_linear, {operand(x), w, bias}, LinearAttrs{transpose_w, in_effect(precision), fused});
  const DType t = promote(x->dtype, w->dtype);
  return rounded_to(fused ? y : activate(activation, y), bias ? promote(t, bias->dtype) : t);
}

Tensor compute_rows(const Product& p, int64_t first, int64_t count, const Tensor& into) {
  return apply(op_matmul_rows, {p.a, p.b}, RowsAttrs{p.transpose_a, p.transpose_b, p.precision, first, count}, into);
}

}  // namespace fastdl
