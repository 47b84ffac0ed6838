// Positions of extremes and running sums: one axis, walked in order.
#include <algorithm>
#include <type_traits>

#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/extents.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

// --- argmax and argmin ---------------------------------------------------------------------------------

struct ArgAttrs {
  int axis;
  bool keepdims;
  Attributes describe() const { return {{"axis", axis}, {"keepdims", keepdims}}; }
};

void infer_arg(InferContext& c) {
  const ArgAttrs& a = c.attrs.as<ArgAttrs>();
  Shape s = c.in[0]->shape;
  FASTDL_CHECK(s[a.axis], AxisError, c.op.name, ": axis ", a.axis, " of shape ", s, " has no elements to choose from");
  if (a.keepdims)
    s[a.axis] = 1;
  else
    s.erase(a.axis);
  c.output(s, DType::int64);
}

// NaN is both the largest and the smallest, as in NumPy. The first of equal elements counts.
struct Larger {
  template <class T>
  bool operator()(T a, T b) const {
    return a > b || (a != a && b == b);
  }
};
struct Smaller {
  template <class T>
  bool operator()(T a, T b) const {
    return a < b || (a != a && b == b);
  }
};

template <auto Kernel, class Better>
void run_arg(const RunContext& c) {
  const int axis = c.attrs.as<ArgAttrs>().axis;
  const Extents e(c.in[0].shape, axis, axis + 1);
  int64_t* y = c.out[0].as<int64_t>();
  dispatch(c.in[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = c.in[0].as<T>();
    parallel_for(e.outer, grain_for(1.0 * double(e.reduced * e.inner)), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        const T* from = x + o * e.reduced * e.inner;
        int64_t* to = y + o * e.inner;
        if constexpr (std::is_same_v<T, float>)
          if (e.inner == 1) {
            *to = (kernels().*Kernel)(from, e.reduced);
            continue;
          }
        std::fill_n(to, e.inner, 0);
        for (int64_t r = 1; r < e.reduced; ++r)
          for (int64_t i = 0; i < e.inner; ++i)
            if (Better()(from[r * e.inner + i], from[to[i] * e.inner + i])) to[i] = r;
      }
    });
  });
}
const Op op_argmax = OpRow{
    .name = "argmax", .infer = infer_arg, .run = run_arg<&KernelTable::argmax, Larger>, .describe = describe<ArgAttrs>};
const Op op_argmin = OpRow{.name = "argmin",
                           .infer = infer_arg,
                           .run = run_arg<&KernelTable::argmin, Smaller>,
                           .describe = describe<ArgAttrs>};

// Without an axis: the index into the flattened tensor.
Tensor arg(const Op& op, const Tensor& given, std::optional<int64_t> axis, bool keepdims) {
  const Tensor x = computable(given, op.name, "x");
  if (axis) return apply(op, {x}, ArgAttrs{normalize_axis(*axis, x->shape.rank(), op.name), keepdims});
  Tensor r = apply(op, {reshape(x, {x->numel()})}, ArgAttrs{0, false});
  Shape ones;
  for (int i = 0; i < x->shape.rank(); ++i) ones.push_back(1);
  return keepdims ? reshape(r, ones) : r;
}

// --- cumsum --------------------------------------------------------------------------------------------

struct CumsumAttrs {
  int axis;
  bool backwards;
  Attributes describe() const { return {{"axis", axis}, {"reverse", backwards}}; }
};

void infer_cumsum(InferContext& c) {
  c.output(c.in[0]->shape, is_float(c.in[0]->dtype) ? DType::float32 : DType::int64);
}
// Running sums of floats are kept in double, those of integers in the unsigned type, where they wrap.
template <class T>
using Running = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;

// Adds up `rows` rows of n columns, `pitch` apart (backwards if negative). `sums` continue from row to row. With y null
// only the sums are computed.
template <class Out, class T>
void add_up(Out* y, const T* x, int64_t rows, int64_t n, int64_t pitch, Running<T>* sums) {
  for (int64_t r = 0; r < rows; ++r, x += pitch)
    for (int64_t i = 0; i < n; ++i) {
      if constexpr (std::is_integral_v<T>)
        sums[i] += uint64_t(int64_t(x[i]));
      else
        sums[i] += x[i];
      if (y) y[r * pitch + i] = Out(sums[i]);
    }
}

// Long rows are cut into blocks of fixed size: first the sum of each block, then where each block starts, then the
// blocks themselves. So bits do not depend on threads.
constexpr int64_t kBlock = 8192, kColumns = 32;
struct Blocks {
  int64_t columns, pieces, block, blocks, lines;
  explicit Blocks(const Extents& e)
      : columns(std::min(e.inner, kColumns)),
        pieces((e.inner - 1) / kColumns + 1),
        block(std::max<int64_t>(1, kBlock / columns)),
        blocks((e.reduced - 1) / block + 1),
        lines(e.outer * pieces) {}
};
// Where each block starts, as a double or an integer of that size.
int64_t cumsum_workspace(const RunContext& c) {
  if (!c.in[0].numel()) return 0;
  const int axis = c.attrs.as<CumsumAttrs>().axis;
  const Blocks b(Extents(c.in[0].shape, axis, axis + 1));
  return b.lines * b.blocks * b.columns * int64_t(sizeof(uint64_t));
}
void run_cumsum(const RunContext& c) {
  const CumsumAttrs& a = c.attrs.as<CumsumAttrs>();
  const Extents e(c.in[0].shape, a.axis, a.axis + 1);
  if (!c.out[0].numel()) return;
  const auto [columns, pieces, block, blocks, lines] = Blocks(e);
  const int64_t pitch = a.backwards ? -e.inner : e.inner;
  dispatch(c.in[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    using Sum = Running<T>;
    using Out = std::conditional_t<std::is_same_v<T, float>, float, int64_t>;
    const T* x = c.in[0].as<T>();
    Out* y = c.out[0].as<Out>();
    Sum* start = c.scratch<Sum>();
    auto each_block = [&, columns = columns, pieces = pieces, block = block, blocks = blocks,
                       lines = lines](auto body) {
      parallel_for(lines * blocks, grain_for(1.0 * double(std::min(block, e.reduced) * columns)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t w = begin; w < end; ++w) {
                       const int64_t line = w / blocks, b = w % blocks, first = b * block;
                       const int64_t column = line % pieces * kColumns, o = line / pieces;
                       const int64_t row = a.backwards ? e.reduced - 1 - first : first;
                       body(start + w * columns, (o * e.reduced + row) * e.inner + column,
                            std::min(block, e.reduced - first), std::min(columns, e.inner - column));
                     }
                   });
    };
    std::fill_n(start, lines * blocks * columns, Sum(0));
    if (blocks > 1) {
      each_block(
          [&](Sum* sums, int64_t at, int64_t rows, int64_t n) { add_up<Out>(nullptr, x + at, rows, n, pitch, sums); });
      for (int64_t line = 0; line < lines; ++line)
        for (int64_t i = 0; i < columns; ++i) {
          Sum total = 0;
          for (int64_t b = 0; b < blocks; ++b) {
            Sum& s = start[(line * blocks + b) * columns + i];
            const Sum own = s;
            s = total;
            total += own;
          }
        }
    }
    each_block([&](Sum* sums, int64_t at, int64_t rows, int64_t n) { add_up(y + at, x + at, rows, n, pitch, sums); });
  });
}
Tensor cumsum_towards(const Tensor& x, int axis, bool backwards);
void grad_cumsum(GradContext& c) {
  const CumsumAttrs& a = c.attrs.as<CumsumAttrs>();
  c.gin[0] = cumsum_towards(c.gout[0], a.axis, !a.backwards);
}
const Op op_cumsum = OpRow{.name = "cumsum",
                           .infer = infer_cumsum,
                           .run = run_cumsum,
                           .grad = grad_cumsum,
                           .describe = describe<CumsumAttrs>,
                           .workspace = cumsum_workspace,
                           .grad_in = 0,
                           .grad_out = false};
Tensor cumsum_towards(const Tensor& x, int axis, bool backwards) {
  return apply(op_cumsum, {x}, CumsumAttrs{axis, backwards});
}

}  // namespace

Tensor argmax(const Tensor& x, std::optional<int64_t> axis, bool keepdims) { return arg(op_argmax, x, axis, keepdims); }
Tensor argmin(const Tensor& x, std::optional<int64_t> axis, bool keepdims) { return arg(op_argmin, x, axis, keepdims); }
Tensor cumsum(const Tensor& x, int64_t axis) {
  check_tensor(x, "cumsum", "x");
  return cumsum_towards(x, normalize_axis(axis, x->shape.rank(), "cumsum"), false);
}

}  // namespace fastdl
