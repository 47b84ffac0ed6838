// Binary arithmetic, comparisons, where, cast and in-place assignment, with broadcasting.
#include <cmath>

#include "cpu/kernels.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

// --- type promotion: bool < uint8 < int32 < int64 < float32; a Python number only brings its kind -------

int kind(DType t) { return t == DType::bool8 ? 0 : is_float(t) ? 2 : 1; }

DType promoted(const Tensor& a, const Tensor& b) {
  if (a->weak == b->weak || kind(a->dtype) == kind(b->dtype)) {
    if (a->weak != b->weak) return a->weak ? b->dtype : a->dtype;
    return std::max(a->dtype, b->dtype);
  }
  const Tensor& weak = a->weak ? a : b;
  const Tensor& strong = a->weak ? b : a;
  return kind(weak->dtype) > kind(strong->dtype) ? weak->dtype : strong->dtype;
}

Tensor apply_binary(const Op& op, Tensor a, Tensor b, DType dtype) {
  FASTDL_CHECK(a && b, TypeError, op.name, ": expected two tensors, got None");
  Tensor out = apply(op, {cast(a, dtype), cast(b, dtype)});
  out->weak = a->weak && b->weak;
  return out;
}

void infer_binary(InferContext& c) {
  c.output(broadcast_shapes(c.in[0]->shape, c.in[1]->shape, c.op.name), c.in[0]->dtype);
}
void infer_compare(InferContext& c) {
  c.output(broadcast_shapes(c.in[0]->shape, c.in[1]->shape, c.op.name), DType::bool8);
}

template <class T>
using Wrapping = std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>, std::type_identity<T>>::type;

// Integer arithmetic wraps, as in NumPy; unsigned, so that overflow is defined.
struct Add {
  template <class T> T operator()(T a, T b) const { return T(Wrapping<T>(a) + Wrapping<T>(b)); }
};
struct Sub {
  template <class T> T operator()(T a, T b) const { return T(Wrapping<T>(a) - Wrapping<T>(b)); }
};
struct Mul {
  template <class T> T operator()(T a, T b) const { return T(Wrapping<T>(a) * Wrapping<T>(b)); }
};
struct Div {
  template <class T> T operator()(T a, T b) const { return a / b; }
};
// Rounds towards minus infinity, as Python does; x // 0 is 0 for integers, as in NumPy.
struct FloorDiv {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::floor(a / b);
    } else {
      if (b == 0) return 0;
      if (b == T(-1)) return T(Wrapping<T>(0) - Wrapping<T>(a));
      T q = a / b;
      return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
    }
  }
};
// Takes the sign of the divisor, as Python does; x % 0 is 0 for integers.
struct Mod {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      T r = std::fmod(a, b);
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    } else {
      if (b == 0 || b == T(-1)) return 0;
      T r = a % b;
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    }
  }
};
struct Pow {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::pow(a, b);
    } else {
      FASTDL_CHECK(!(b < 0), ValueError, "pow: integers cannot be raised to a negative power; cast to float32");
      Wrapping<T> result = 1, base = Wrapping<T>(a);
      for (auto e = Wrapping<T>(b); e; e >>= 1, base *= base)
        if (e & 1) result *= base;
      return T(result);
    }
  }
};
struct Max {
  template <class T> T operator()(T a, T b) const { return a > b ? a : b; }
};
struct Min {
  template <class T> T operator()(T a, T b) const { return a < b ? a : b; }
};

template <class Out, class T, class F>
void loop(Out* out, const T* a, const T* b, int64_t n, int sa, int sb, F f) {
  for (int64_t i = 0; i < n; ++i) out[i] = Out(f(a[i * sa], b[i * sb]));
}

// Where there is no kernel, not even a branch that is never taken may name one.
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
    rows.run(kElementNanoseconds, [&](int64_t at, const int64_t* from, int64_t n) {
      Result* y = out.as<Result>() + at;
      const T *pa = a.as<T>() + from[0], *pb = b.as<T>() + from[1];
      const int sa = rows.inner_stride[0], sb = rows.inner_stride[1];
      if constexpr (!std::is_same_v<T, float> || std::is_null_pointer_v<decltype(Kernel)>)
        loop(y, pa, pb, n, sa, sb, F());
      else if constexpr (std::is_void_v<Out>)
        call_kernel<Kernel>(y, pa, pb, n, sa, sb, nullptr);
      else
        call_kernel<Kernel>(y, pa, pb, n, sa, sb);
    });
  });
}
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
// The larger (smaller) operand gets the gradient, each a half where they are equal, as PyTorch does.
Tensor share(const Tensor& wins, const Tensor& a, const Tensor& b) {
  return add(cast(wins, DType::float32), scale(cast(eq(a, b), DType::float32), 0.5));
}
void grad_maximum(GradContext& c) {
  flow(c, 0, [&] { return mul(c.gout[0], share(gt(c.in[0], c.in[1]), c.in[0], c.in[1])); });
  flow(c, 1, [&] { return mul(c.gout[0], share(gt(c.in[1], c.in[0]), c.in[0], c.in[1])); });
}
void grad_minimum(GradContext& c) {
  flow(c, 0, [&] { return mul(c.gout[0], share(lt(c.in[0], c.in[1]), c.in[0], c.in[1])); });
  flow(c, 1, [&] { return mul(c.gout[0], share(lt(c.in[1], c.in[0]), c.in[0], c.in[1])); });
}

using K = KernelTable;
const Op op_add = elementwise({"add", infer_binary, run_binary<&K::add, Add>, grad_add, 0, 0, false});
const Op op_sub = elementwise({"sub", infer_binary, run_binary<&K::sub, Sub>, grad_sub, 0, 0, false});
const Op op_mul = bilinear(elementwise({"mul", infer_binary, run_binary<&K::mul, Mul>, grad_mul, 0, ~0u, false}));
const Op op_div = elementwise({"div", infer_binary, run_binary<&K::div, Div>, grad_div, 0, ~0u, true});
const Op op_floor_divide = elementwise({"floor_divide", infer_binary, run_binary<nullptr, FloorDiv>});
const Op op_mod = elementwise({"mod", infer_binary, run_binary<nullptr, Mod>, grad_mod, 0, ~0u, false});
const Op op_pow = elementwise({"pow", infer_binary, run_binary<&K::pow, Pow>, grad_pow});
const Op op_maximum = elementwise({"maximum", infer_binary, run_binary<&K::maximum, Max>, grad_maximum, 0, ~0u, false});
const Op op_minimum = elementwise({"minimum", infer_binary, run_binary<&K::minimum, Min>, grad_minimum, 0, ~0u, false});
const Op op_eq = elementwise({"eq", infer_compare, run_compare<&K::eq, std::equal_to<>>});
const Op op_ne = elementwise({"ne", infer_compare, run_compare<&K::ne, std::not_equal_to<>>});
const Op op_lt = elementwise({"lt", infer_compare, run_compare<&K::lt, std::less<>>});
const Op op_le = elementwise({"le", infer_compare, run_compare<&K::le, std::less_equal<>>});
const Op op_gt = elementwise({"gt", infer_compare, run_compare<&K::gt, std::greater<>>});
const Op op_ge = elementwise({"ge", infer_compare, run_compare<&K::ge, std::greater_equal<>>});
const Op op_logical_and = elementwise({"logical_and", infer_compare, run_compare<nullptr, std::logical_and<>>});
const Op op_logical_or = elementwise({"logical_or", infer_compare, run_compare<nullptr, std::logical_or<>>});

Tensor binary(const Op& op, const Tensor& a, const Tensor& b) {
  FASTDL_CHECK(a && b, TypeError, op.name, ": expected two tensors, got None");
  return apply_binary(op, a, b, promoted(a, b));
}
Tensor binary_float(const Op& op, const Tensor& a, const Tensor& b) {
  FASTDL_CHECK(a && b, TypeError, op.name, ": expected two tensors, got None");
  return apply_binary(op, a, b, DType::float32);
}
// Sums and products of truth values count them.
Tensor binary_number(const Op& op, const Tensor& a, const Tensor& b) {
  FASTDL_CHECK(a && b, TypeError, op.name, ": expected two tensors, got None");
  DType t = promoted(a, b);
  return apply_binary(op, a, b, t == DType::bool8 ? DType::int64 : t);
}

// --- where ---------------------------------------------------------------------------------------------

void infer_where(InferContext& c) {
  Shape s = broadcast_shapes(c.in[1]->shape, c.in[2]->shape, "where");
  c.output(broadcast_shapes(c.in[0]->shape, s, "where"), c.in[1]->dtype);
}
void run_where(const RunContext& c) {
  const View &m = c.in[0], &a = c.in[1], &b = c.in[2], &out = c.out[0];
  BroadcastLoop<3> rows(out.shape, {&m.shape, &a.shape, &b.shape});
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    rows.run(kElementNanoseconds, [&](int64_t at, const int64_t* from, int64_t n) {
      const uint8_t* pm = m.as<uint8_t>() + from[0];
      const T *pa = a.as<T>() + from[1], *pb = b.as<T>() + from[2];
      const int sm = rows.inner_stride[0], sa = rows.inner_stride[1], sb = rows.inner_stride[2];
      T* po = out.as<T>() + at;
      if constexpr (std::is_same_v<T, float>)
        if (sm == 1) return kernels().where(po, pm, pa, pb, n, sa, sb);
      for (int64_t i = 0; i < n; ++i) po[i] = pm[i * sm] ? pa[i * sa] : pb[i * sb];
    });
  });
}
void grad_where(GradContext& c) {
  flow(c, 1, [&] { return where(c.in[0], c.gout[0], scalar(0)); });
  flow(c, 2, [&] { return where(c.in[0], scalar(0), c.gout[0]); });
}
const Op op_where = elementwise({"where", infer_where, run_where, grad_where, 0, 1, false});

// --- cast, copy, assign ----------------------------------------------------------------------------------

// float -> int truncates; NaN and values outside the range become 0, where C++ leaves them undefined.
template <class From, class To>
To convert(From x) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr double lo = -9223372036854775808.0, hi = 9223372036854775808.0;
    return x >= lo && x < hi ? To(int64_t(x)) : To(0);
  } else {
    return To(x);
  }
}

// Writes `from`, broadcast to `to`'s shape and cast to its type, into `to`.
void assign_values(const View& to, const View& from) {
  BroadcastLoop<1> rows(to.shape, {&from.shape});
  dispatch(from.dtype, [&](auto from_zero) {
    using From = decltype(from_zero);
    dispatch(to.dtype, [&](auto to_zero) {
      using To = decltype(to_zero);
      rows.run(kElementNanoseconds, [&](int64_t at, const int64_t* offset, int64_t n) {
        const From* x = from.as<From>() + offset[0];
        To* y = to.as<To>() + at;
        const int s = rows.inner_stride[0];
        if (to.dtype == from.dtype && s == 1)
          std::memmove(y, x, size_t(n) * sizeof(To));  // a plan may let them be the same
        else if (to.dtype == DType::bool8)
          for (int64_t i = 0; i < n; ++i) y[i] = To(x[i * s] != From(0));
        else
          for (int64_t i = 0; i < n; ++i) y[i] = convert<From, To>(x[i * s]);
      });
    });
  });
}

void infer_cast(InferContext& c) { c.output(c.in[0]->shape, c.attrs.as<DType>()); }
void run_assign_out(const RunContext& c) { assign_values(c.out[0], c.in[0]); }
void grad_cast(GradContext& c) { c.gin[0] = c.gout[0]; }
const Op op_cast = elementwise({"cast", infer_cast, run_assign_out, grad_cast, 0, 0, false});
const Op op_copy = elementwise({"copy", infer_same_as_first, run_assign_out, grad_cast, 0, 0, false});

void infer_into_first(InferContext& c) {
  Shape s = broadcast_shapes(c.in[0]->shape, c.in[1]->shape, c.op.name);
  FASTDL_CHECK(s == c.in[0]->shape, ValueError, c.op.name, ": a value of shape ", c.in[1]->shape,
               " does not fit into a target of shape ", c.in[0]->shape);
}
void run_assign(const RunContext& c) { assign_values(c.in[0], c.in[1]); }
void run_add_into(const RunContext& c) {
  View in[] = {c.in[0], c.in[1]};
  run_binary<&K::add, Add>({in, c.in, c.attrs});  // the output is the first input
}
const Op op_add_into = {"add_", infer_into_first, run_add_into, nullptr, 1};

}  // namespace

const Op op_assign = {"assign_", infer_into_first, run_assign, nullptr, 1};

Tensor add(const Tensor& a, const Tensor& b) { return binary_number(op_add, a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return binary_number(op_sub, a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return binary_number(op_mul, a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return binary_float(op_div, a, b); }
Tensor floor_divide(const Tensor& a, const Tensor& b) { return binary_number(op_floor_divide, a, b); }
Tensor mod(const Tensor& a, const Tensor& b) { return binary_number(op_mod, a, b); }
Tensor pow(const Tensor& a, const Tensor& b) {
  // Common constant exponents have exact, faster forms.
  if (a && b && b->weak && !b->requires_grad && is_float(a->dtype)) {
    double e = item(b);
    if (e == 2) return square(a);
    if (e == 1) return copy(a);
    if (e == 0.5) return sqrt(a);
  }
  return binary_number(op_pow, a, b);
}
Tensor maximum(const Tensor& a, const Tensor& b) { return binary(op_maximum, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return binary(op_minimum, a, b); }
Tensor eq(const Tensor& a, const Tensor& b) { return binary(op_eq, a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return binary(op_ne, a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return binary(op_lt, a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return binary(op_le, a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return binary(op_gt, a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return binary(op_ge, a, b); }
Tensor logical_and(const Tensor& a, const Tensor& b) {
  return apply_binary(op_logical_and, a, b, DType::bool8);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return apply_binary(op_logical_or, a, b, DType::bool8);
}
Tensor logical_not(const Tensor& x) { return eq(cast(x, DType::bool8), zeros({}, DType::bool8)); }

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  FASTDL_CHECK(condition && a && b, TypeError, "where: expected three tensors, got None");
  DType t = promoted(a, b);
  return apply(op_where, {cast(condition, DType::bool8), cast(a, t), cast(b, t)});
}

namespace {
// A value that shares memory with the target, but not element by element, is copied before it is overwritten.
Tensor apart(const Tensor& value, const Tensor& target) {
  const char *v = static_cast<char*>(value->raw()), *t = static_cast<char*>(target->raw());
  const bool overlap = v < t + target->bytes() && t < v + value->bytes();
  return overlap && !(v == t && value->bytes() == target->bytes()) ? copy(value) : value;
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
void assign_(const Tensor& target, const Tensor& value) {
  FASTDL_CHECK(target && value, TypeError, "assign_: expected two tensors, got None");
  apply(op_assign, {target, apart(value, target)});
}
void add_(const Tensor& target, const Tensor& value) {
  FASTDL_CHECK(target && value, TypeError, "add_: expected two tensors, got None");
  apply(op_add_into, {target, cast(apart(value, target), target->dtype)});
}

}  // namespace fastdl
