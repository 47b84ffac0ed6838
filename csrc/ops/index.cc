// Ops that pick or place values by index. Every write order is fixed by the indices alone.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/arguments.h"
#include "ops/layout.h"
#include "ops/movement.h"
#include "ops/product.h"

namespace fastdl {
namespace {

// Columns of one work item where rows are accumulated or scattered. Items do not share columns, so each of them walks
// the indices in order.
constexpr int64_t kColumns = 64;

// The indices, input 1, as int64 in [0, extent), in the call's workspace. Negative ones count from the end.
int64_t index_workspace(const RunContext& c) { return c.in[1].numel() * int64_t(sizeof(int64_t)); }
const int64_t* checked_indices(const RunContext& c, int64_t extent, int axis, const char* who) {
  const View& indices = c.in[1];
  const int64_t n = indices.numel();
  int64_t* out = c.scratch<int64_t>();
  dispatch(indices.dtype, [&](auto zero) {
    const auto* p = indices.as<decltype(zero)>();
    for (int64_t i = 0; i < n; ++i) {
      int64_t at = int64_t(p[i]);
      FASTDL_CHECK(at >= -extent && at < extent, IndexError, who, ": index ", at, " is out of range for axis ", axis,
                   " with size ", extent);
      out[i] = at < 0 ? at + extent : at;
    }
  });
  return out;
}

// x seen as [outer, extent, inner] around one axis.
struct AxisAttrs {
  int axis;
  int64_t size;  // scatter_add: extent of the axis made
  Shape shape;   // gather's gradient: the shape of x
};
const AxisAttrs& axis_attrs(const Attrs& a) { return a.as<AxisAttrs>(); }
Attributes describe_axis(const DescribeContext& c) { return {{"axis", axis_attrs(c.attrs).axis}}; }

void fill_zero(const View& v) {
  parallel_for(v.numel() * size_of(v.dtype), grain_for(0.05),
               [&](int64_t begin, int64_t end) { std::memset(v.as<char>() + begin, 0, size_t(end - begin)); });
}

// --- take and its transpose, scatter_add ---------------------------------------------------------------

void infer_take(InferContext& c) {
  const int axis = axis_attrs(c.attrs).axis;
  Shape out;
  for (int i = 0; i < axis; ++i) out.push_back(c.in[0]->shape[i]);
  for (int64_t d : c.in[1]->shape) out.push_back(d);
  for (int i = axis + 1; i < c.in[0]->shape.rank(); ++i) out.push_back(c.in[0]->shape[i]);
  c.output(out, c.in[0]->dtype);
}
void run_take(const RunContext& c) {
  const View &x = c.in[0], &y = c.out[0];
  const int axis = axis_attrs(c.attrs).axis;
  const int64_t extent = x.shape[axis], count = c.in[1].numel();
  const int64_t outer = x.shape.count(0, axis);
  const int64_t bytes = x.shape.count(axis + 1, x.shape.rank()) * size_of(x.dtype);
  const int64_t* at = checked_indices(c, extent, axis, "take");
  if (!y.numel()) return;
  for (int64_t o = 0; o < outer; ++o)
    gather_rows(y.as<char>() + o * count * bytes, x.as<char>() + o * extent * bytes, at, count, bytes);
}
Tensor take_transposed(const GradContext& c, int axis);
void grad_take(GradContext& c) { c.gin[0] = take_transposed(c, axis_attrs(c.attrs).axis); }
const Op op_take = OpRow{.name = "take",
                         .infer = infer_take,
                         .run = run_take,
                         .grad = grad_take,
                         .describe = describe_axis,
                         .workspace = index_workspace,
                         .stored = 0b1,
                         .grad_in = 0b10,
                         .grad_out = false};

void infer_scatter_add(InferContext& c) {
  const AxisAttrs& a = axis_attrs(c.attrs);
  const Shape &u = c.in[0]->shape, &i = c.in[1]->shape;
  bool fits = u.rank() >= a.axis + i.rank();
  for (int k = 0; fits && k < i.rank(); ++k) fits = u[a.axis + k] == i[k];
  FASTDL_CHECK(fits, ShapeError, "scatter_add: updates of shape ", u, " must have the indices' shape ", i, " at axis ",
               a.axis);
  Shape out;
  for (int k = 0; k < a.axis; ++k) out.push_back(u[k]);
  out.push_back(a.size);
  for (int k = a.axis + i.rank(); k < u.rank(); ++k) out.push_back(u[k]);
  c.output(out, c.in[0]->dtype);
}
void run_scatter_add(const RunContext& c) {
  const View &u = c.in[0], &y = c.out[0];
  const AxisAttrs& a = axis_attrs(c.attrs);
  const int64_t count = c.in[1].numel(), outer = y.shape.count(0, a.axis);
  const int64_t inner = y.shape.count(a.axis + 1, y.shape.rank());
  const int64_t* at = checked_indices(c, a.size, a.axis, "scatter_add");
  fill_zero(y);
  if (!u.numel()) return;
  const int64_t pieces = (inner - 1) / kColumns + 1;
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallel_for(outer * pieces, grain_for(0.5 * double(count * std::min(inner, kColumns))),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t w = begin; w < end; ++w) {
                     const int64_t o = w / pieces, first = w % pieces * kColumns;
                     const int64_t n = std::min(kColumns, inner - first);
                     T* const rows = y.as<T>() + o * a.size * inner + first;
                     for (int64_t k = 0; k < count; ++k) {
                       T* to = rows + at[k] * inner;
                       const T* from = u.as<T>() + (o * count + k) * inner + first;
                       if (k + 4 < count) __builtin_prefetch(rows + at[k + 4] * inner, 1);
                       if (n >= 8) {
                         if constexpr (std::is_same_v<T, float>)
                           kernels().add(to, to, from, n, 1, 1, nullptr);
                         else
                           kernels().integers(IntegerOp::add, integer_kind<T>, to, to, from, n, 1, 1);
                         continue;
                       }
                       for (int64_t i = 0; i < n; ++i) to[i] = T(Wrapping<T>(to[i]) + Wrapping<T>(from[i]));
                     }
                   }
                 });
  });
}
void grad_scatter_add(GradContext& c) { c.gin[0] = take(c.gout[0], c.in[1], axis_attrs(c.attrs).axis); }
Attributes describe_scatter_add(const DescribeContext& c) {
  return {{"axis", axis_attrs(c.attrs).axis}, {"size", axis_attrs(c.attrs).size}};
}
const Op op_scatter_add = OpRow{.name = "scatter_add",
                                .infer = infer_scatter_add,
                                .run = run_scatter_add,
                                .grad = grad_scatter_add,
                                .describe = describe_scatter_add,
                                .workspace = index_workspace,
                                .grad_in = 0b10,
                                .grad_out = false};

Tensor take_transposed(const GradContext& c, int axis) {
  return apply(op_scatter_add, {c.gout[0], c.in[1]}, AxisAttrs{axis, c.in[0]->shape[axis], {}}, c.into[0]);
}

// --- embedding: rows of a table, by ids that may not be out of its range -------------------------------

struct EmbeddingAttrs {
  std::string who;
  Attributes describe() const { return {{"who", who}}; }
};
void infer_embedding(InferContext& c) {
  Shape out = c.in[1]->shape;
  out.push_back(c.in[0]->shape[1]);
  c.output(out, c.in[0]->dtype);
}
// The ids, input 1, as int64.
const int64_t* checked_ids(const RunContext& c, int64_t size) {
  const View& ids = c.in[1];
  int64_t* out = c.scratch<int64_t>();
  dispatch(ids.dtype, [&](auto zero) {
    const auto* p = ids.as<decltype(zero)>();
    for (int64_t i = 0, n = ids.numel(); i < n; ++i) {
      // The comparisons also hold back NaN and floats beyond int64.
      if (p[i] >= 0 && double(p[i]) < double(size)) [[likely]] {
        out[i] = int64_t(p[i]);
        if (decltype(zero)(out[i]) == p[i]) [[likely]]
          continue;
      }
      Shape place = ids.shape;
      for (int k = 0; k < place.rank(); ++k) place[k] = i / ids.shape.count(k + 1, ids.shape.rank()) % ids.shape[k];
      raise<IndexError>(c.attrs.as<EmbeddingAttrs>().who, ": id ", +p[i], " at position ", place,
                        " is none of the vocabulary, which has ", size, " ids: 0 to ", size - 1);
    }
  });
  return out;
}
void run_embedding(const RunContext& c) {
  const View &table = c.in[0], &y = c.out[0];
  const int64_t* at = checked_ids(c, table.shape[0]);
  if (y.numel()) gather_rows(y.data, table.data, at, c.in[1].numel(), table.shape[1] * size_of(table.dtype));
}
// With ids for half of the rows, a pass over all of them takes no longer.
void grad_embedding(GradContext& c) {
  const int64_t count = c.in[0]->shape[0];
  if (c.may_be_rows(0) && 2 * c.in[1]->numel() < count)
    c.rows[0] = {c.in[1], c.gout[0], count};
  else
    c.gin[0] = take_transposed(c, 0);
}
const Op op_embedding = OpRow{.name = "embedding",
                              .infer = infer_embedding,
                              .run = run_embedding,
                              .grad = grad_embedding,
                              .describe = describe<EmbeddingAttrs>,
                              .workspace = index_workspace,
                              .stored = 0b1,
                              .grad_in = 0b10,
                              .grad_out = false};

// --- put_: assignment to the rows take would read ------------------------------------------------------

void infer_put(InferContext&) {}
void run_put(const RunContext& c) {
  const View &to = c.in[0], &from = c.in[2];
  const int axis = axis_attrs(c.attrs).axis;
  const int64_t extent = to.shape[axis], count = c.in[1].numel(), outer = to.shape.count(0, axis);
  const int64_t bytes = to.shape.count(axis + 1, to.shape.rank()) * size_of(to.dtype);
  const int64_t* at = checked_indices(c, extent, axis, "put_");
  if (!from.numel()) return;
  // If an index repeats, the last value stays. So each row of the target belongs to one part, which walks all the
  // indices in order. The number of parts does not show in the result.
  const int64_t threads = num_threads(), size = outer * count * bytes;
  const int64_t parts = size < 65536 || outer >= threads ? 1 : std::min(2 * threads, extent);
  parallel_for(outer * parts, size < 65536 ? outer : 1, [&](int64_t begin, int64_t end) {
    for (int64_t w = begin; w < end; ++w) {
      const int64_t o = w / parts, part = w % parts;
      const int64_t first = extent * part / parts, last = extent * (part + 1) / parts;
      char* rows = to.as<char>() + o * extent * bytes;
      const char* values = from.as<char>() + o * count * bytes;
      for (int64_t k = 0; k < count; ++k)
        if (at[k] >= first && at[k] < last) std::memcpy(rows + at[k] * bytes, values + k * bytes, size_t(bytes));
    }
  });
}
const Op op_put = OpRow{.name = "put_",
                        .infer = infer_put,
                        .run = run_put,
                        .describe = describe_axis,
                        .workspace = index_workspace,
                        .mutates = 0b1,
                        .stored = 0b101};

// --- gather: one index for every element ---------------------------------------------------------------

// Calls body(element of the indices, offset in x of index 0 along the axis), the elements of one work item
// in order. x has at least the indices' extents along the other axes.
template <class Body>
void for_each_index(const Shape& indices, const Shape& x, int axis, Body body) {
  const int64_t count = indices[axis], outer = indices.count(0, axis);
  const int64_t inner = indices.count(axis + 1, indices.rank());
  if (!indices.numel()) return;
  auto offset_in_x = [&](int64_t position, int first, int last) {
    int64_t offset = 0, step = 1;
    for (int i = last - 1; i >= first; --i) {
      offset += position % indices[i] * step;
      position /= indices[i];
      step *= x[i];
    }
    return offset;
  };
  const int64_t x_inner = x.count(axis + 1, x.rank());
  const int64_t pieces = (inner - 1) / kColumns + 1;
  parallel_for(outer * pieces, grain_for(3.0 * double(count * std::min(inner, kColumns))),
               [&](int64_t begin, int64_t end) {
                 for (int64_t w = begin; w < end; ++w) {
                   const int64_t o = w / pieces, first = w % pieces * kColumns;
                   const int64_t base = offset_in_x(o, 0, axis) * x[axis] * x_inner;
                   for (int64_t i = first; i < std::min(first + kColumns, inner); ++i) {
                     const int64_t offset = base + offset_in_x(i, axis + 1, indices.rank());
                     for (int64_t k = 0; k < count; ++k) body((o * count + k) * inner + i, offset);
                   }
                 }
               });
}

void infer_gather(InferContext& c) {
  const Shape &x = c.in[0]->shape, &i = c.in[1]->shape;
  const int axis = axis_attrs(c.attrs).axis;
  bool fits = x.rank() == i.rank();
  for (int k = 0; fits && k < x.rank(); ++k) fits = k == axis || i[k] <= x[k];
  FASTDL_CHECK(fits, ShapeError, "gather: indices of shape ", i,
               " must have as many axes as x and no larger extents but along axis ", axis, "; x has shape ", x);
  c.output(i, c.in[0]->dtype);
}
void run_gather(const RunContext& c) {
  const View &x = c.in[0], &y = c.out[0];
  const int axis = axis_attrs(c.attrs).axis;
  const int64_t* at = checked_indices(c, x.shape[axis], axis, "gather");
  const int64_t step = x.shape.count(axis + 1, x.shape.rank());
  dispatch_size(size_of(x.dtype), [&](auto zero) {
    using T = decltype(zero);
    for_each_index(y.shape, x.shape, axis,
                   [&](int64_t i, int64_t offset) { y.as<T>()[i] = x.as<T>()[offset + at[i] * step]; });
  });
}
Tensor gather_transposed(const Tensor& g, const Tensor& indices, int axis, const Shape& shape);
void grad_gather(GradContext& c) {
  c.gin[0] = gather_transposed(c.gout[0], c.in[1], axis_attrs(c.attrs).axis, c.in[0]->shape);
}
const Op op_gather = OpRow{.name = "gather",
                           .infer = infer_gather,
                           .run = run_gather,
                           .grad = grad_gather,
                           .describe = describe_axis,
                           .workspace = index_workspace,
                           .stored = 0b1,
                           .grad_in = 0b10,
                           .grad_out = false};

void infer_gather_grad(InferContext& c) { c.output(axis_attrs(c.attrs).shape, c.in[0]->dtype); }
void run_gather_grad(const RunContext& c) {
  const View &g = c.in[0], &x = c.out[0];
  const int axis = axis_attrs(c.attrs).axis;
  const int64_t* at = checked_indices(c, x.shape[axis], axis, "gather");
  const int64_t step = x.shape.count(axis + 1, x.shape.rank());
  fill_zero(x);
  for_each_index(g.shape, x.shape, axis,
                 [&](int64_t i, int64_t offset) { x.as<float>()[offset + at[i] * step] += g.as<float>()[i]; });
}
void grad_gather_grad(GradContext& c) { c.gin[0] = gather(c.gout[0], c.in[1], axis_attrs(c.attrs).axis); }
Attributes describe_gather_grad(const DescribeContext& c) {
  return {{"axis", axis_attrs(c.attrs).axis}, {"shape", axis_attrs(c.attrs).shape}};
}
const Op op_gather_grad = OpRow{.name = "gather_grad",
                                .infer = infer_gather_grad,
                                .run = run_gather_grad,
                                .grad = grad_gather_grad,
                                .describe = describe_gather_grad,
                                .workspace = index_workspace,
                                .grad_in = 0b10,
                                .grad_out = false};

Tensor gather_transposed(const Tensor& g, const Tensor& indices, int axis, const Shape& shape) {
  return apply(op_gather_grad, {g, indices}, AxisAttrs{axis, 0, shape});
}

// --- one_hot ---------------------------------------------------------------------------------------------

struct OneHotAttrs {
  int64_t depth;
  DType dtype;
  bool strict;
  Attributes describe() const { return {{"depth", depth}, {"dtype", dtype}, {"strict", strict}}; }
};
void infer_one_hot(InferContext& c) {
  const OneHotAttrs& a = c.attrs.as<OneHotAttrs>();
  Shape s = c.in[0]->shape;
  s.push_back(a.depth);
  checked_numel(s, "one_hot");
  c.output(s, a.dtype);
}
void run_one_hot(const RunContext& c) {
  const View &x = c.in[0], &y = c.out[0];
  const auto [depth, dtype, strict] = c.attrs.as<OneHotAttrs>();
  fill_zero(y);
  dispatch(x.dtype, [&](auto index) {
    dispatch_all(dtype, [&](auto zero) {
      const auto one = convert_to<decltype(zero)>(dtype, 1);
      for (int64_t i = 0, n = x.numel(); i < n; ++i) {
        const int64_t at = int64_t(x.as<decltype(index)>()[i]);
        const bool inside = at >= 0 && at < depth;
        FASTDL_CHECK(inside || !strict, ValueError, "one_hot: class ", at, " at position ", i, " is outside [0, ",
                     depth, ")");
        if (inside) y.as<decltype(zero)>()[i * depth + at] = one;
      }
    });
  });
}
const Op op_one_hot =
    OpRow{.name = "one_hot", .infer = infer_one_hot, .run = run_one_hot, .describe = describe<OneHotAttrs>};

}  // namespace

void gather_rows(void* out, const void* source, const int64_t* indices, int64_t count, int64_t row_bytes) {
  parallel_for(count, grain_for(5 + 0.15 * double(row_bytes)),
               [&](int64_t begin, int64_t end) { copy_rows(out, source, indices, begin, end, row_bytes); });
}
// Rows at random places come from memory, and hardware prefetching detects a row only when it ends. So the next row is
// prefetched while one is copied.
void copy_rows(void* out, const void* source, const int64_t* indices, int64_t begin, int64_t end, int64_t row_bytes) {
  const char* rows = static_cast<const char*>(source);
  for (int64_t i = begin; i < end; ++i) {
    if (i + 1 < end)
      for (int64_t b = 0; b < row_bytes && b < 4096; b += 64)
        __builtin_prefetch(rows + indices[i + 1] * row_bytes + b, 0, 2);
    std::memcpy(static_cast<char*>(out) + i * row_bytes, rows + indices[i] * row_bytes, size_t(row_bytes));
  }
}

Tensor take(const Tensor& x, const Tensor& indices, int64_t axis) {
  check_tensor(x, "take", "x");
  const Tensor at = as_indices(indices, "take", "indices");
  const int from = normalize_axis(axis, x->shape.rank(), "take");
  const auto taken = [&](const Tensor& t, int place) { return apply(op_take, {t, at}, AxisAttrs{place, 0, {}}); };
  return at->shape.rank() == 1 ? as_held(x, from, taken) : taken(x, from);
}

Tensor embedding(const Tensor& table, const Tensor& ids, const std::string& who) {
  check_tensor(table, "embedding", "table");
  check_tensor(ids, "embedding", "ids");
  FASTDL_CHECK(table->shape.rank() == 2, ShapeError, "embedding: expected a table of two axes, got shape ",
               table->shape);
  return apply(op_embedding, {table, cast(ids, computing_type(ids->dtype))}, EmbeddingAttrs{who});
}

Tensor table_of(const Rows& r, const Tensor& into) {
  return apply(op_scatter_add, {r.values, r.ids}, AxisAttrs{0, r.count, {}}, into);
}

Tensor scatter_add(const Tensor& updates, const Tensor& indices, int64_t axis, int64_t size) {
  check_tensor(updates, "scatter_add", "updates");
  const Tensor at = as_indices(indices, "scatter_add", "indices");
  const int rank = updates->shape.rank() - indices->shape.rank() + 1;  // of the result
  FASTDL_CHECK(rank >= 1, ShapeError, "scatter_add: updates of shape ", updates->shape,
               " must have the indices' shape ", indices->shape, " at axis ", axis);
  FASTDL_CHECK(size >= 0, ValueError, "scatter_add: expected a size of at least 0, got ", size);
  return apply(op_scatter_add, {updates, at}, AxisAttrs{normalize_axis(axis, rank, "scatter_add"), size, {}});
}

void put_(const Tensor& target, const Tensor& indices, const Tensor& value, int64_t axis) {
  check_tensor(target, "put_", "target");
  const Tensor at = as_indices(indices, "put_", "indices");
  check_assignable(value, "put_", "value");
  AxisAttrs a{normalize_axis(axis, target->shape.rank(), "put_"), 0, {}};
  Shape window = target->shape;
  window.erase(a.axis);
  for (int i = 0; i < indices->shape.rank(); ++i) window.insert(a.axis + i, indices->shape[i]);
  Tensor from = broadcast_to(cast(value, target->dtype), window);
  if (from->storage == target->storage) from = copy(from);
  apply(op_put, {target, at, from}, a);
}

Tensor gather(const Tensor& x, const Tensor& indices, int64_t axis) {
  check_tensor(x, "gather", "x");
  return apply(op_gather, {x, as_indices(indices, "gather", "indices")},
               AxisAttrs{normalize_axis(axis, x->shape.rank(), "gather"), 0, {}});
}

Tensor one_hot(const Tensor& indices, int64_t depth, DType dtype, bool strict) {
  const Tensor at = as_indices(indices, "one_hot", "indices");
  FASTDL_CHECK(depth >= 0, ValueError, "one_hot: expected a depth of at least 0, got ", depth);
  return apply(op_one_hot, {at}, OneHotAttrs{depth, dtype, strict});
}

}  // namespace fastdl
