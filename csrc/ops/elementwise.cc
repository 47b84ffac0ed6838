// Binary arithmetic, comparisons, where, cast and in-place assignment, with broadcasting.
#include <cmath>
#include <cstring>
#include <optional>

#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/binary_functions.h"
#include "ops/broadcast.h"
#include "ops/ops.h"
#include "ops/strided.h"

namespace fastdl {
namespace {

// --- type promotion (core/dtype.cc) ----------------------------------------------------------------------

DType promoted(const Tensor& a, const Tensor& b) { return promote(a->dtype, a->weak, b->dtype, b->weak); }

// Whether the value of a Python integer does not fit into `dtype`.
bool exceeds(const Tensor& number, DType dtype) {
  if (!number->weak || number->dtype != DType::int64 || is_float(dtype)) return false;
  const int64_t v = *number->data<int64_t>();
  return dispatch_all(dtype, [&](auto zero) { return convert<int64_t>(convert<decltype(zero)>(v)) != v; });
}
// Moves a Python number to the other operand's device, before it is cast.
Tensor beside(const Tensor& other, const Tensor& t) { return t->weak ? copied_to(t, other->device()) : t; }

Tensor apply_binary(const Op& op, Tensor a, Tensor b, DType dtype) {
  FASTDL_CHECK(a && b, TypeError, op.name, ": expected two tensors, got None");
  Tensor out = apply(op, {cast(beside(b, a), dtype), cast(beside(a, b), dtype)});
  out->weak = a->weak && b->weak;
  return out;
}

// A result of storage type t: computed in a wider type and rounded once. Python numbers are rounded to t before, as in
// Keras and in comparisons. Beyond int8 they wrap, like the result.
Tensor apply_rounded(const Op& op, const Tensor& a, const Tensor& b, DType t) {
  auto rounded = [t](const Tensor& x) { return x->weak && is_float(t) ? cast(x, t) : x; };
  return cast(apply_binary(op, rounded(beside(b, a)), rounded(beside(a, b)), computing_type(t)), t);
}

void infer_binary(InferContext& c) {
  c.output(broadcast_shapes(c.in[0]->shape, c.in[1]->shape, c.op.name), c.in[0]->dtype);
}
void infer_compare(InferContext& c) {
  c.output(broadcast_shapes(c.in[0]->shape, c.in[1]->shape, c.op.name), DType::bool8);
}

template <class Out, class T, class F>
void loop(Out* out, const T* a, const T* b, int64_t n, int sa, int sb, F f) {
  for (int64_t i = 0; i < n; ++i) out[i] = Out(f(a[i * sa], b[i * sb]));
}

// The integer kernel's operation for a kernel of floats, if there is one.
template <auto Kernel>
constexpr std::optional<IntegerOp> integer_op() {
  using K = KernelTable;
  if constexpr (std::is_same_v<decltype(Kernel), BinaryKernel K::*>) {
    if (Kernel == &K::add) return IntegerOp::add;
    if (Kernel == &K::sub) return IntegerOp::sub;
    if (Kernel == &K::mul) return IntegerOp::mul;
    if (Kernel == &K::maximum) return IntegerOp::maximum;
    if (Kernel == &K::minimum) return IntegerOp::minimum;
  } else if constexpr (std::is_same_v<decltype(Kernel), CompareKernel K::*>) {
    if (Kernel == &K::eq) return IntegerOp::eq;
    if (Kernel == &K::ne) return IntegerOp::ne;
    if (Kernel == &K::lt) return IntegerOp::lt;
    if (Kernel == &K::le) return IntegerOp::le;
    if (Kernel == &K::gt) return IntegerOp::gt;
    if (Kernel == &K::ge) return IntegerOp::ge;
  }
  return std::nullopt;
}

// A missing kernel must not be named, even in a branch that is never taken.
template <auto Kernel, class... Args>
void call_kernel(Args... args) {
  if constexpr (!std::is_null_pointer_v<decltype(Kernel)>) (kernels().*Kernel)(args...);
}

// Kernel: the float32 row of the kernel table (or nullptr); F: the same for one element of any type. Out is
// uint8_t for comparisons, void for functions whose result has the operands' type.
template <auto Kernel, class F, class Out = void>
void run_binary(const RunContext& c) {
  const View &a = c.in[0], &b = c.in[1], &out = c.out[0];
  BroadcastLoop<2> rows(out.shape, {&a.shape, &b.shape});
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    using Result = std::conditional_t<std::is_void_v<Out>, T, Out>;
    const Elements operands[] = {{a.data, sizeof(T)}, {b.data, sizeof(T)}};
    rows.run(kElementNanoseconds, operands, [&](int64_t at, const void* const* from, const int* step, int64_t n) {
      Result* y = out.as<Result>() + at;
      const T *pa = static_cast<const T*>(from[0]), *pb = static_cast<const T*>(from[1]);
      const int sa = step[0], sb = step[1];
      if constexpr (std::is_integral_v<T> && integer_op<Kernel>().has_value())
        kernels().integers(*integer_op<Kernel>(), integer_kind<T>, y, pa, pb, n, sa, sb);
      else if constexpr (!std::is_same_v<T, float> || std::is_null_pointer_v<decltype(Kernel)>)
        loop(y, pa, pb, n, sa, sb, F());
      else if constexpr (std::is_void_v<Out>)
        call_kernel<Kernel>(y, pa, pb, n, sa, sb, nullptr);
      else
        call_kernel<Kernel>(y, pa, pb, n, sa, sb);
    });
  });
}
template <auto Kernel, class Out = float>
RowKernel row_binary(const View* in) {
  if (!is_float(in[0].dtype)) return nullptr;
  return [](const ElementRow& r, const Attrs&) {
    const float *a = static_cast<const float*>(r.in[0]), *b = static_cast<const float*>(r.in[1]);
    if constexpr (std::is_same_v<Out, float>)
      (kernels().*Kernel)(static_cast<float*>(r.out), a, b, r.n, r.stride[0], r.stride[1], nullptr);
    else
      (kernels().*Kernel)(static_cast<Out*>(r.out), a, b, r.n, r.stride[0], r.stride[1]);
  };
}
template <auto Kernel>
constexpr auto row_compare = row_binary<Kernel, uint8_t>;
template <auto Kernel, class F>
constexpr auto run_compare = run_binary<Kernel, F, uint8_t>;

// --- gradients: each flows back to the operand's own shape -------------------------------------------------

void flow(GradContext& c, int i, auto gradient) {
  if (c.needs(i)) c.gin[i] = sum_to(gradient(), c.in[i]->shape);
}

void grad_add(GradContext& c) {
  flow(c, 0, [&] { return c.gout[0]; });
  flow(c, 1, [&] { return c.gout[0]; });
}
void grad_sub(GradContext& c) {
  flow(c, 0, [&] { return c.gout[0]; });
  flow(c, 1, [&] { return neg(c.gout[0]); });
}
void grad_mul(GradContext& c) {
  flow(c, 0, [&] { return mul(c.gout[0], c.in[1]); });
  flow(c, 1, [&] { return mul(c.gout[0], c.in[0]); });
}
void grad_div(GradContext& c) {
  flow(c, 0, [&] { return div(c.gout[0], c.in[1]); });
  flow(c, 1, [&] { return neg(div(mul(c.gout[0], c.out[0]), c.in[1])); });
}
// 0, as that of floor
void grad_floor_divide(GradContext& c) {
  for (int i : {0, 1}) flow(c, i, [&] { return scale(c.gout[0], 0); });
}
// a mod b = a - floor(a / b) * b with floor constant
void grad_mod(GradContext& c) {
  flow(c, 0, [&] { return c.gout[0]; });
  flow(c, 1, [&] { return neg(mul(c.gout[0], floor_divide(c.in[0], c.in[1]))); });
}
// d(a^b)/da = b a^(b-1); d/db = a^b log a, taken as 0 where a is 0 (as PyTorch does)
void grad_pow(GradContext& c) {
  const Tensor &a = c.in[0], &b = c.in[1], one = scalar(1);
  flow(c, 0, [&] {
    Tensor d = mul(b, pow(a, sub(b, one)));
    return mul(c.gout[0], where(eq(b, scalar(0)), scalar(0), d));
  });
  flow(c, 1, [&] {
    Tensor d = mul(c.out[0], log(a));
    return mul(c.gout[0], where(eq(a, scalar(0)), scalar(0), d));
  });
}
// The larger (smaller) operand gets the gradient. Equal operands get half of it each. If one is NaN, both get all of
// it, as in PyTorch.
Tensor share(const Tensor& loses, const Tensor& no_more) {
  return scale_shift(add(cast(loses, DType::float32), cast(no_more, DType::float32)), -0.5, 1);
}
void grad_maximum(GradContext& c) {
  const Tensor &a = c.in[0], &b = c.in[1];
  flow(c, 0, [&] { return mul(c.gout[0], share(lt(a, b), le(a, b))); });
  flow(c, 1, [&] { return mul(c.gout[0], share(gt(a, b), ge(a, b))); });
}
void grad_minimum(GradContext& c) {
  const Tensor &a = c.in[0], &b = c.in[1];
  flow(c, 0, [&] { return mul(c.gout[0], share(gt(a, b), ge(a, b))); });
  flow(c, 1, [&] { return mul(c.gout[0], share(lt(a, b), le(a, b))); });
}

using K = KernelTable;
const Op op_add = OpRow{.name = "add",
                        .infer = infer_binary,
                        .run = run_binary<&K::add, Add>,
                        .grad = grad_add,
                        .grad_in = 0,
                        .grad_out = false,
                        .elementwise = true,
                        .row = row_binary<&K::add>};
const Op op_sub = OpRow{.name = "sub",
                        .infer = infer_binary,
                        .run = run_binary<&K::sub, Sub>,
                        .grad = grad_sub,
                        .grad_in = 0,
                        .grad_out = false,
                        .elementwise = true,
                        .row = row_binary<&K::sub>};
const Op op_mul = OpRow{.name = "mul",
                        .infer = infer_binary,
                        .run = run_binary<&K::mul, Mul>,
                        .grad = grad_mul,
                        .grad_out = false,
                        .bilinear = true,
                        .elementwise = true,
                        .row = row_binary<&K::mul>};
const Op op_div = OpRow{.name = "div",
                        .infer = infer_binary,
                        .run = run_binary<&K::div, Div>,
                        .grad = grad_div,
                        .grad_in = 0b10,
                        .grad_out_for = 0b10,
                        .elementwise = true,
                        .row = row_binary<&K::div>};
const Op op_floor_divide = OpRow{.name = "floor_divide",
                                 .infer = infer_binary,
                                 .run = run_binary<nullptr, FloorDiv>,
                                 .grad = grad_floor_divide,
                                 .grad_in = 0,
                                 .grad_out = false,
                                 .elementwise = true};
const Op op_mod = OpRow{.name = "mod",
                        .infer = infer_binary,
                        .run = run_binary<nullptr, Mod>,
                        .grad = grad_mod,
                        .grad_out = false,
                        .elementwise = true};
const Op op_pow = OpRow{.name = "pow",
                        .infer = infer_binary,
                        .run = run_binary<&K::pow, Pow>,
                        .grad = grad_pow,
                        .grad_out_for = 0b10,
                        .elementwise = true,
                        .row = row_binary<&K::pow>};
const Op op_maximum = OpRow{.name = "maximum",
                            .infer = infer_binary,
                            .run = run_binary<&K::maximum, Max>,
                            .grad = grad_maximum,
                            .grad_out = false,
                            .elementwise = true,
                            .row = row_binary<&K::maximum>};
const Op op_minimum = OpRow{.name = "minimum",
                            .infer = infer_binary,
                            .run = run_binary<&K::minimum, Min>,
                            .grad = grad_minimum,
                            .grad_out = false,
                            .elementwise = true,
                            .row = row_binary<&K::minimum>};
const Op op_eq = OpRow{.name = "eq",
                       .infer = infer_compare,
                       .run = run_compare<&K::eq, std::equal_to<>>,
                       .elementwise = true,
                       .row = row_compare<&K::eq>};
const Op op_ne = OpRow{.name = "ne",
                       .infer = infer_compare,
                       .run = run_compare<&K::ne, std::not_equal_to<>>,
                       .elementwise = true,
                       .row = row_compare<&K::ne>};
const Op op_lt = OpRow{.name = "lt",
                       .infer = infer_compare,
                       .run = run_compare<&K::lt, std::less<>>,
                       .elementwise = true,
                       .row = row_compare<&K::lt>};
const Op op_le = OpRow{.name = "le",
                       .infer = infer_compare,
                       .run = run_compare<&K::le, std::less_equal<>>,
                       .elementwise = true,
                       .row = row_compare<&K::le>};
const Op op_gt = OpRow{.name = "gt",
                       .infer = infer_compare,
                       .run = run_compare<&K::gt, std::greater<>>,
                       .elementwise = true,
                       .row = row_compare<&K::gt>};
const Op op_ge = OpRow{.name = "ge",
                       .infer = infer_compare,
                       .run = run_compare<&K::ge, std::greater_equal<>>,
                       .elementwise = true,
                       .row = row_compare<&K::ge>};
const Op op_logical_and = OpRow{.name = "logical_and",
                                .infer = infer_compare,
                                .run = run_compare<nullptr, std::logical_and<>>,
                                .elementwise = true};
const Op op_logical_or = OpRow{
    .name = "logical_or", .infer = infer_compare, .run = run_compare<nullptr, std::logical_or<>>, .elementwise = true};

Tensor binary(const Op& op, const Tensor& a, const Tensor& b) {
  FASTDL_CHECK(a && b, TypeError, op.name, ": expected two tensors, got None");
  const DType t = promoted(a, b);
  for (const Tensor& number : {a, b})
    FASTDL_CHECK(!exceeds(number, t), ValueError, op.name, ": ", *number->data<int64_t>(), " does not fit into ", t);
  return is_storage(t) ? apply_rounded(op, a, b, t) : apply_binary(op, a, b, t);
}
Tensor binary_float(const Op& op, const Tensor& a, const Tensor& b) {
  FASTDL_CHECK(a && b, TypeError, op.name, ": expected two tensors, got None");
  const DType t = promoted(a, b);
  return is_storage(t) && is_float(t) ? apply_rounded(op, a, b, t) : apply_binary(op, a, b, DType::float32);
}
// Quotients and powers treat truth values as 0 and 1.
Tensor binary_number(const Op& op, const Tensor& a, const Tensor& b) {
  FASTDL_CHECK(a && b, TypeError, op.name, ": expected two tensors, got None");
  return promoted(a, b) == DType::bool8 ? apply_binary(op, a, b, DType::int64) : binary(op, a, b);
}
// add, sub, mul. Modulo 2^bits it does not matter whether a number wraps before or after. On truth values add is `or`,
// mul is `and`, and sub is an error, as in NumPy and PyTorch.
Tensor arithmetic(const Op& op, const Op* of_masks, const Tensor& a, const Tensor& b) {
  FASTDL_CHECK(a && b, TypeError, op.name, ": expected two tensors, got None");
  const DType t = promoted(a, b);
  if (is_storage(t)) return apply_rounded(op, a, b, t);
  FASTDL_CHECK(t != DType::bool8 || of_masks, TypeError, op.name,
               ": truth values cannot be subtracted; use ^ or logical_xor, or cast one of them");
  return apply_binary(t == DType::bool8 ? *of_masks : op, a, b, t);
}
// A Python number compares correctly even beyond the tensor's type. Beside a tensor of a storage type it is rounded to
// that type, as in NumPy and PyTorch, so that x == 0.1 holds where 0.1 was stored.
Tensor compare(const Op& op, const Tensor& a, const Tensor& b) {
  FASTDL_CHECK(a && b, TypeError, op.name, ": expected two tensors, got None");
  const DType t = promoted(a, b);
  if (exceeds(a, t) || exceeds(b, t)) return apply_binary(op, a, b, DType::int64);
  if (!is_storage(t)) return apply_binary(op, a, b, t);
  auto rounded = [t](const Tensor& x) { return x->weak ? cast(x, t) : x; };
  return apply_binary(op, rounded(beside(b, a)), rounded(beside(a, b)), computing_type(t));
}

// --- where ---------------------------------------------------------------------------------------------

void infer_where(InferContext& c) {
  Shape s = broadcast_shapes(c.in[1]->shape, c.in[2]->shape, "where");
  c.output(broadcast_shapes(c.in[0]->shape, s, "where"), c.in[1]->dtype);
}
void run_where(const RunContext& c) {
  const View &m = c.in[0], &a = c.in[1], &b = c.in[2], &out = c.out[0];
  BroadcastLoop<3> rows(out.shape, {&m.shape, &a.shape, &b.shape});
  dispatch_size(size_of(a.dtype), [&](auto zero) {
    using T = decltype(zero);
    const Elements operands[] = {{m.data, 1}, {a.data, sizeof(T)}, {b.data, sizeof(T)}};
    rows.run(kElementNanoseconds, operands, [&](int64_t at, const void* const* from, const int* step, int64_t n) {
      const uint8_t* pm = static_cast<const uint8_t*>(from[0]);
      const T *pa = static_cast<const T*>(from[1]), *pb = static_cast<const T*>(from[2]);
      const int sm = step[0], sa = step[1], sb = step[2];
      T* po = out.as<T>() + at;
      if constexpr (sizeof(T) == sizeof(float))  // the kernel only copies bits
        if (sm == 1)
          return kernels().where(reinterpret_cast<float*>(po), pm, reinterpret_cast<const float*>(pa),
                                 reinterpret_cast<const float*>(pb), n, sa, sb);
      for (int64_t i = 0; i < n; ++i) po[i] = pm[i * sm] ? pa[i * sa] : pb[i * sb];
    });
  });
}
RowKernel row_where(const View* in) {
  if (size_of(in[1].dtype) != sizeof(float)) return nullptr;
  return [](const ElementRow& r, const Attrs&) {
    const uint8_t* m = static_cast<const uint8_t*>(r.in[0]);
    const float *a = static_cast<const float*>(r.in[1]), *b = static_cast<const float*>(r.in[2]);
    float* out = static_cast<float*>(r.out);
    if (r.stride[0] == 1) return kernels().where(out, m, a, b, r.n, r.stride[1], r.stride[2]);
    const bool first = *m;
    for (int64_t i = 0; i < r.n; ++i) out[i] = first ? a[i * r.stride[1]] : b[i * r.stride[2]];
  };
}
void grad_where(GradContext& c) {
  flow(c, 1, [&] { return where(c.in[0], c.gout[0], scalar(0)); });
  flow(c, 2, [&] { return where(c.in[0], scalar(0), c.gout[0]); });
}
const Op op_where = OpRow{.name = "where",
                          .infer = infer_where,
                          .run = run_where,
                          .grad = grad_where,
                          .stored = 0b110,
                          .grad_in = 0b1,
                          .grad_out = false,
                          .elementwise = true,
                          .row = row_where};

// --- cast, copy, assign ----------------------------------------------------------------------------------

// Writes `from`, broadcast to `to`'s shape and cast to its type, into `to`.
void assign_values(const View& to, const View& from) {
  BroadcastLoop<1> rows(to.shape, {&from.shape});
  const Elements operands[] = {{from.data, size_of(from.dtype)}};
  rows.run(kElementNanoseconds, operands, [&](int64_t at, const void* const* p, const int* step, int64_t n) {
    char* y = to.as<char>() + at * size_of(to.dtype);
    if (step[0] || n == 1) return kernels().cast(y, to.dtype, p[0], from.dtype, n);
    dispatch_size(size_of(to.dtype), [&](auto zero) {
      decltype(zero) value;
      kernels().cast(&value, to.dtype, p[0], from.dtype, 1);
      std::fill_n(reinterpret_cast<decltype(zero)*>(y), n, value);
    });
  });
}

Attributes describe_cast(const DescribeContext& c) { return {{"dtype", c.attrs.as<DType>()}}; }
void infer_cast(InferContext& c) { c.output(c.in[0]->shape, c.attrs.as<DType>()); }
void run_assign_out(const RunContext& c) { assign_values(c.out[0], c.in[0]); }
template <DType From>
void cast_row(const ElementRow& r, const Attrs& a) {
  kernels().cast(r.out, a.as<DType>(), r.in[0], From, r.n);
}
RowKernel row_cast(const View* in) {
  static constexpr RowKernel by_type[] = {cast_row<DType::bool8>,    cast_row<DType::uint8>,  cast_row<DType::int8>,
                                          cast_row<DType::int32>,    cast_row<DType::int64>,  cast_row<DType::float16>,
                                          cast_row<DType::bfloat16>, cast_row<DType::float32>};
  return by_type[int(in[0].dtype)];
}
// Gradients are float32 for tensors of every type. backward() rounds them at the end.
void grad_cast(GradContext& c) { c.gin[0] = c.gout[0]; }
const Op op_cast = OpRow{.name = "cast",
                         .infer = infer_cast,
                         .run = run_assign_out,
                         .grad = grad_cast,
                         .describe = describe_cast,
                         .stored = 0b1,
                         .grad_in = 0,
                         .grad_out = false,
                         .elementwise = true,
                         .row = row_cast};
void run_copy(const RunContext& c) {
  const View &x = c.in[0], &y = c.out[0];
  const int64_t row = y.shape.rank() ? y.shape.back() : 1, bytes = row * size_of(y.dtype);
  if (!y.numel()) return;
  copy_rows(y.data, y.pitch ? y.pitch : bytes, x.data, x.pitch ? x.pitch : bytes, bytes, y.numel() / row);
}
template <class T>
void copy_row(const ElementRow& r, const Attrs&) {
  if (r.out != r.in[0]) std::memcpy(r.out, r.in[0], size_t(r.n) * sizeof(T));
}
RowKernel row_copy(const View* in) {
  return dispatch_size(size_of(in[0].dtype), [](auto zero) -> RowKernel { return copy_row<decltype(zero)>; });
}

void infer_into_first(InferContext& c) {
  Shape s = broadcast_shapes(c.in[0]->shape, c.in[1]->shape, c.op.name);
  FASTDL_CHECK(s == c.in[0]->shape, ShapeError, c.op.name, ": a value of shape ", c.in[1]->shape,
               " does not fit into a target of shape ", c.in[0]->shape);
}
void run_assign(const RunContext& c) { assign_values(c.in[0], c.in[1]); }
void run_add_into(const RunContext& c) {
  View in[] = {c.in[0], c.in[1]};
  const RunContext onto_first{c.op, in, c.in, c.attrs, nullptr, 2, 1};
  if (c.in[0].dtype == DType::bool8)
    run_compare<nullptr, std::logical_or<>>(onto_first);
  else
    run_binary<&K::add, Add>(onto_first);
}
const Op op_add_into =
    OpRow{.name = "add_", .infer = infer_into_first, .run = run_add_into, .mutates = 0b1, .pointwise = true};

void infer_accumulate(InferContext& c) {
  for (int i = 0; i < 3; ++i) check_float(c.in[i], c.op.name, i == 0 ? "total" : i == 1 ? "rest" : "value");
  FASTDL_CHECK(c.in[1]->shape == c.in[0]->shape && c.in[2]->shape == c.in[0]->shape, ShapeError, c.op.name,
               ": a total of shape ", c.in[0]->shape, " cannot take a rest of shape ", c.in[1]->shape,
               " and a value of shape ", c.in[2]->shape);
}
// The error of an addition is a float itself (Knuth, The Art of Computer Programming 2, 4.2.2).
void run_accumulate(const RunContext& c) {
  float *total = c.in[0].as<float>(), *rest = c.in[1].as<float>();
  const float* value = c.in[2].as<float>();
  for (int64_t i = 0, n = c.in[0].numel(); i < n; ++i) {
    const float t = total[i], v = value[i], r = t + rest[i] == t ? rest[i] : 0;
    const float sum = t + v, taken = sum - t, lost = (t - (sum - taken)) + (v - taken);
    const float low = std::isfinite(sum) ? r + lost : 0;
    total[i] = sum + low;
    rest[i] = std::isfinite(total[i]) ? low - (total[i] - sum) : 0;
  }
}
const Op op_accumulate =
    OpRow{.name = "accumulate_", .infer = infer_accumulate, .run = run_accumulate, .mutates = 0b011};

}  // namespace

const Op op_copy = OpRow{.name = "copy",
                         .infer = infer_same_as_first,
                         .run = run_copy,
                         .grad = grad_cast,
                         .stored = 0b1,
                         .grad_in = 0,
                         .grad_out = false,
                         .elementwise = true,
                         .row = row_copy};
const Op op_assign = OpRow{.name = "assign_",
                           .infer = infer_into_first,
                           .run = run_assign,
                           .mutates = 0b1,
                           .stored = 0b11,
                           .pointwise = true,
                           .assigns = true};

Tensor add(const Tensor& a, const Tensor& b) { return arithmetic(op_add, &op_logical_or, a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return arithmetic(op_sub, nullptr, a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return arithmetic(op_mul, &op_logical_and, a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return binary_float(op_div, a, b); }
Tensor floor_divide(const Tensor& a, const Tensor& b) { return binary_number(op_floor_divide, a, b); }
Tensor mod(const Tensor& a, const Tensor& b) { return binary_number(op_mod, a, b); }
Tensor pow(const Tensor& a, const Tensor& b) {
  // Common constant exponents have exact and faster forms.
  if (a && b && b->weak && !b->requires_grad && is_float(a->dtype) && !is_storage(a->dtype)) {
    double e = item(b);
    if (e == 2) return square(a);
    if (e == 1) return copy(a);
    if (e == 0.5) return sqrt(a);
  }
  return binary_number(op_pow, a, b);
}
Tensor maximum(const Tensor& a, const Tensor& b) { return binary(op_maximum, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return binary(op_minimum, a, b); }
Tensor eq(const Tensor& a, const Tensor& b) { return compare(op_eq, a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return compare(op_ne, a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return compare(op_lt, a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return compare(op_le, a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return compare(op_gt, a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return compare(op_ge, a, b); }
Tensor logical_and(const Tensor& a, const Tensor& b) { return apply_binary(op_logical_and, a, b, DType::bool8); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return apply_binary(op_logical_or, a, b, DType::bool8); }
Tensor logical_not(const Tensor& x) {
  check_tensor(x, "logical_not", "x");
  return eq(cast(x, DType::bool8), zeros({}, DType::bool8, x->device()));
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  FASTDL_CHECK(condition && a && b, TypeError, "where: expected three tensors, got None");
  const DType t = promoted(a, b);
  for (const Tensor& number : {a, b})
    FASTDL_CHECK(!exceeds(number, t), ValueError, "where: ", *number->data<int64_t>(), " does not fit into ", t);
  return apply(op_where, {cast(condition, DType::bool8), cast(beside(condition, a), t), cast(beside(condition, b), t)});
}

namespace {
// A value that shares memory with the target, but not element by element, is copied before it is overwritten.
Tensor apart(const Tensor& value, const Tensor& target) {
  const char *v = static_cast<char*>(value->address()), *t = static_cast<char*>(target->address());
  const bool overlap = v < t + target->bytes() && t < v + value->bytes();
  const bool same = v == t && value->bytes() == target->bytes() && value->channels_last == target->channels_last;
  return overlap && !same ? copy(value) : value;
}
}  // namespace

Tensor cast(const Tensor& x, DType dtype) {
  FASTDL_CHECK(x, TypeError, "cast: expected a tensor, got None");
  if (x->dtype == dtype) return x;
  return apply(op_cast, {x}, dtype);
}
Tensor copy(const Tensor& x) {
  FASTDL_CHECK(x, TypeError, "copy: expected a tensor, got None");
  return apply(op_copy, {x});
}
void check_kind(DType target, DType result, const char* who) {
  FASTDL_CHECK(kind_of(result) <= kind_of(target), TypeError, who, ": a result of type ", result,
               " does not fit into a tensor of type ", target, "; cast() it, or write the result to a new tensor");
}
void assign_(const Tensor& target, const Tensor& value) {
  FASTDL_CHECK(target && value, TypeError, "assign_: expected two tensors, got None");
  apply(op_assign, {target, apart(value, target)});
}
void add_(const Tensor& target, const Tensor& value) {
  FASTDL_CHECK(target && value, TypeError, "add_: expected two tensors, got None");
  check_kind(target->dtype, promoted(target, value), "add_");
  if (is_storage(target->dtype)) return assign_(target, add(target, value));
  apply(op_add_into, {target, cast(apart(value, target), target->dtype)});
}

void accumulate_(const Tensor& total, const Tensor& rest, const Tensor& value) {
  FASTDL_CHECK(total && rest && value, TypeError, "accumulate_: expected three tensors, got None");
  FASTDL_CHECK(total->storage != rest->storage || total->offset != rest->offset, ValueError,
               "accumulate_: total and rest must not share memory");
  check_computing(value, "accumulate_", "value");
  apply(op_accumulate, {total, rest, broadcast_to(cast(apart(value, total), DType::float32), total->shape)});
}

}  // namespace fastdl
