// Copies of parts of tensors (ops/views.h), whose reading and writing are in fastdl/_base/views.py, and what users call
// often of the functions that only move values.
#include <numeric>

#include "bind/convert.h"
#include "bind/indexing.h"
#include "ops/ops.h"
#include "ops/views.h"

namespace fastdl {
namespace {

py::object views(const char* name) { return py::module_::import("fastdl._base.views").attr(name); }

class BoundPart : public PartOf {
 public:
  using PartOf::PartOf;
  // How the copy was made: the key of an index, or a function of the original.
  virtual py::object how() const = 0;
  // The strides that PyTorch's view has there, from those of the original; nothing for arrays in a key.
  virtual std::optional<Shape> strides(const Shape& original) const = 0;
};

class PythonPart : public BoundPart {
 public:
  PythonPart(const Tensor& original, const Tensor& copy, const py::object& how)
      : BoundPart(original, copy), how_(how.inc_ref()) {}
  ~PythonPart() override {
    if (!Py_IsInitialized()) return;  // the interpreter is gone, and the object with it
    if (PyGILState_Check()) {         // acquiring it again takes ten times as long
      how_.dec_ref();
      return;
    }
    py::gil_scoped_acquire gil;
    how_.dec_ref();
  }
  py::object how() const override { return py::reinterpret_borrow<py::object>(how_); }
  std::optional<Shape> strides(const Shape& original) const override {
    if (!PyCallable_Check(how_.ptr())) return strides_of_window(original_shape(), original, how_.ptr());
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
    const py::object found = f.call_once_and_store_result([] {
                                return views("strides");
                              }).get_stored()(tuple_from(original_shape()), tuple_from(original), how_);
    return shape_from(found.cast<std::vector<int64_t>>());
  }

 protected:
  Tensor read(const Tensor& original) const override {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
    return f.call_once_and_store_result([] { return views("read"); }).get_stored()(original, how_).cast<Tensor>();
  }
  void write(const Tensor& original, const Tensor& values) const override {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
    f.call_once_and_store_result([] { return views("write"); }).get_stored()(original, how_, values);
  }
  bool writable() const override {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
    return f.call_once_and_store_result([] { return views("is_writable"); })
        .get_stored()(tuple_from(original_shape()), how_)
        .cast<bool>();
  }

 private:
  const py::handle how_;
};

// The commonest functions need no Python.
class BroadcastPart : public BoundPart {
 public:
  using BoundPart::BoundPart;
  py::object how() const override {
    return py::module_::import("functools")
        .attr("partial")(py::module_::import("fastdl._core").attr("broadcast_to"),
                         py::arg("shape") = tuple_from(shape()));
  }
  std::optional<Shape> strides(const Shape& original) const override {
    Shape s;
    const int added = shape().rank() - original.rank();
    for (int i = 0; i < shape().rank(); ++i)
      s.push_back(i < added || shape()[i] != original_shape()[i - added] ? 0 : original[i - added]);
    return s;
  }

 protected:
  Tensor read(const Tensor& original) const override { return broadcast_to(original, shape()); }
  void write(const Tensor& original, const Tensor& values) const override {
    assign_(original, reshape(values, original_shape()));
  }
  bool writable() const override { return shape().numel() == original_shape().numel(); }
};
class TransposedPart : public BoundPart {
 public:
  TransposedPart(const Tensor& original, const Tensor& copy, const Axes& perm)
      : BoundPart(original, copy), perm_(perm) {}
  py::object how() const override {
    return py::module_::import("functools")
        .attr("partial")(py::module_::import("fastdl._core").attr("transpose"), py::arg("perm") = perm_);
  }
  std::optional<Shape> strides(const Shape& original) const override {
    Shape s;
    const int rank = original.rank();
    for (int i = 0; i < rank; ++i)
      s.push_back(original[perm_ ? int(((*perm_)[size_t(i)] + rank) % rank) : rank - 1 - i]);
    return s;
  }

 protected:
  Tensor read(const Tensor& original) const override { return transpose(original, perm_); }
  void write(const Tensor& original, const Tensor& values) const override {
    if (!perm_) return assign_(original, transpose(values, perm_));
    const int64_t rank = int64_t(perm_->size());
    std::vector<int64_t> inverse(perm_->size());
    for (int64_t i = 0; i < rank; ++i) inverse[size_t(((*perm_)[size_t(i)] + rank) % rank)] = i;
    assign_(original, transpose(values, inverse));
  }
  bool writable() const override { return true; }

 private:
  const Axes perm_;
};

class DiagonalPart : public BoundPart {
 public:
  DiagonalPart(const Tensor& original, const Tensor& copy, int64_t offset, int axis1, int axis2)
      : BoundPart(original, copy), offset_(offset), axis1_(axis1), axis2_(axis2) {}
  py::object how() const override {
    using namespace py::literals;
    return py::module_::import("functools")
        .attr("partial")(py::module_::import("fastdl._core").attr("diagonal_of"), "offset"_a = offset_,
                         "axis1"_a = axis1_, "axis2"_a = axis2_, "who"_a = "diagonal");
  }
  std::optional<Shape> strides(const Shape& original) const override {
    Shape s;
    for (int i = 0; i < original.rank(); ++i)
      if (i != axis1_ && i != axis2_) s.push_back(original[i]);
    s.push_back(original[axis1_] + original[axis2_]);
    return s;
  }

 protected:
  Tensor read(const Tensor& original) const override {
    return diagonal_of(original, offset_, axis1_, axis2_, "diagonal");
  }
  void write(const Tensor& original, const Tensor& values) const override { views("write")(original, how(), values); }
  bool writable() const override { return true; }

 private:
  const int64_t offset_;
  const int axis1_, axis2_;
};

Shape strides_in_order(const Shape& shape) {
  Shape s = shape;
  int64_t count = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    s[i] = count;
    count *= std::max<int64_t>(shape[i], 1);
  }
  return s;
}
// The strides of a view in another shape; nothing if only a copy has that shape. Axes that are next to each other and
// lie one within the other are one axis; the new axes must divide these.
std::optional<Shape> strides_in_shape(const Shape& shape, const Shape& strides, const Shape& wanted) {
  if (shape.numel() == 0 || shape.numel() != wanted.numel()) return strides_in_order(wanted);
  Shape s = strides_in_order(wanted);
  int to = wanted.rank() - 1;
  for (int from = shape.rank() - 1; from >= 0;) {
    const int64_t step = strides[from];
    int64_t count = shape[from--];
    if (count == 1 && from >= 0) continue;  // lies within any axis
    while (from >= 0 && (shape[from] == 1 || strides[from] == step * count)) count *= shape[from--];
    int64_t made = 1;
    for (; to >= 0 && (made < count || wanted[to] == 1); --to) {
      s[to] = step * made;
      made *= wanted[to];
    }
    if (made != count) return std::nullopt;
  }
  return s;
}
// The strides that this tensor has in PyTorch.
std::optional<Shape> strides_of(const Ref<Storage>& storage, const Shape& shape) {
  if (!storage->origin()) return strides_in_order(shape);
  const BoundPart& part = static_cast<const BoundPart&>(*storage->origin());
  const std::optional<Shape> original = strides_of(part.original_storage(), part.original_shape());
  const std::optional<Shape> strides = original ? part.strides(*original) : std::nullopt;
  if (!strides || part.shape() == shape) return strides;
  return strides_in_shape(part.shape(), *strides, shape);
}
bool lies_in_order(const Tensor& t) {
  if (!t->storage->origin()) return true;
  const std::optional<Shape> strides = strides_of(t->storage, t->shape);
  if (!strides) return false;
  const Shape wanted = strides_in_order(t->shape);
  for (int i = 0; i < wanted.rank(); ++i)
    if (t->shape[i] != 1 && (*strides)[i] != wanted[i]) return t->numel() == 0;
  return true;
}

Tensor noted(const Tensor& copy, const Ref<BoundPart>& part) {
  copy->storage->set_origin(part);
  copy->is_part = true;
  return copy;
}
// The key of an index that takes `item` of one axis, and all of the others.
py::object key_along(int axis, const py::object& item) {
  if (axis == 0) return item;
  py::tuple key(size_t(axis) + 1);
  for (int i = 0; i < axis; ++i) key[size_t(i)] = py::slice(py::none(), py::none(), py::none());
  key[size_t(axis)] = item;
  return key;
}
// Whether a copy was made, and not the copy of a part again.
bool is_new(const Tensor& copy, const Tensor& original) {
  return copy->storage != original->storage && !copy->storage->origin();
}

}  // namespace

Tensor note_part(const Tensor& copy, const Tensor& original, const py::object& how) {
  FASTDL_CHECK(copy && original, TypeError, "note_part: expected two tensors, got None");
  return is_new(copy, original) ? noted(copy, new PythonPart(original, copy, how)) : copy;
}
Tensor transposed(const Tensor& x, const Axes& perm) {
  const Tensor y = transpose(x, perm);
  return is_new(y, x) ? noted(y, new TransposedPart(x, y, perm)) : y;
}

Tensor expanded(const Tensor& x, const Shape& shape) {
  const Tensor y = broadcast_to(x, shape);
  return is_new(y, x) ? noted(y, new BroadcastPart(x, y)) : y;
}

std::vector<Tensor> cut(const Tensor& x, const std::vector<int64_t>& sizes, int64_t axis) {
  const std::vector<Tensor> parts = split(x, sizes, axis);
  const int along = normalize_axis(axis, x->shape.rank(), "cut");
  int64_t start = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    note_part(parts[i], x, key_along(along, py::slice(start, start + sizes[i], 1)));
    start += sizes[i];
  }
  return parts;
}
std::vector<Tensor> unbound(const Tensor& x, int64_t axis) {
  FASTDL_CHECK(x, TypeError, "unbind: expected a tensor, got None");
  const int along = normalize_axis(axis, x->shape.rank(), "unbind");
  Shape row = x->shape;
  row.erase(along);
  std::vector<Tensor> rows = split(x, std::vector<int64_t>(size_t(x->shape[along]), 1), along);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = note_part(reshape(rows[i], row), x, key_along(along, py::int_(i)));
  return rows;
}

Tensor squeeze(const Tensor& x, const Axes& dim) {
  FASTDL_CHECK(x, TypeError, "squeeze: expected a tensor, got None");
  const int rank = x->shape.rank();
  std::vector<bool> named(static_cast<size_t>(std::max(rank, 1)), !dim);
  if (dim) {
    for (int64_t axis : *dim) {
      const size_t place = size_t(normalize_axis(axis, std::max(rank, 1), "squeeze"));
      FASTDL_CHECK(!named[place], ShapeError, "squeeze: axis ", axis, " occurs twice");
      named[place] = true;
    }
  }
  Shape shape;
  for (int i = 0; i < rank; ++i)
    if (!named[size_t(i)] || x->shape[i] != 1) shape.push_back(x->shape[i]);
  return rank ? reshape(x, shape) : x;
}
Tensor unsqueeze(const Tensor& x, int64_t dim) {
  FASTDL_CHECK(x, TypeError, "unsqueeze: expected a tensor, got None");
  Shape shape = x->shape;
  shape.insert(normalize_axis(dim, shape.rank() + 1, "unsqueeze"), 1);
  return reshape(x, shape);
}
Tensor exchanged(const Tensor& x, int64_t one, int64_t other, const std::string& who) {
  FASTDL_CHECK(x, TypeError, who, ": expected a tensor, got None");
  const int rank = x->shape.rank();
  // PyTorch knows a tensor without axes by the axes 0 and -1.
  const int a = normalize_axis(one, std::max(rank, 1), who.c_str());
  const int b = normalize_axis(other, std::max(rank, 1), who.c_str());
  if (rank == 0) return x;
  std::vector<int64_t> perm(static_cast<size_t>(rank));
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[size_t(a)], perm[size_t(b)]);
  return transposed(x, perm);
}
Tensor flip(const Tensor& x, const Axes& dims, const std::string& who) {
  FASTDL_CHECK(x, TypeError, who, ": expected a tensor, got None");
  const Shape& shape = x->shape;
  const int rank = shape.rank();
  std::vector<bool> backwards(static_cast<size_t>(std::max(rank, 1)), !dims);
  if (dims) {
    for (int64_t axis : *dims) {
      const size_t place = size_t(normalize_axis(axis, std::max(rank, 1), who.c_str()));
      FASTDL_CHECK(!backwards[place], ShapeError, who, ": axis ", axis, " occurs twice");
      backwards[place] = true;
    }
  }
  std::vector<int64_t> starts, stops, steps;
  for (int i = 0; i < rank; ++i) {
    const bool back = backwards[size_t(i)];
    starts.push_back(back ? shape[i] - 1 : 0);
    stops.push_back(back ? -1 : shape[i]);
    steps.push_back(back ? -1 : 1);
  }
  return rank ? slice(x, starts, stops, steps) : copy(x);
}

Tensor diagonal_of(const Tensor& x, int64_t offset, int64_t axis1, int64_t axis2, const std::string& who) {
  FASTDL_CHECK(x, TypeError, who, ": expected a tensor, got None");
  const int rank = x->shape.rank();
  const int a = normalize_axis(axis1, rank, who.c_str()), b = normalize_axis(axis2, rank, who.c_str());
  FASTDL_CHECK(a != b, ShapeError, who, ": expected two different axes, got ", axis1, " and ", axis2);
  Tensor last = x;
  if (a != rank - 2 || b != rank - 1) {
    std::vector<int64_t> perm;
    for (int i = 0; i < rank; ++i)
      if (i != a && i != b) perm.push_back(i);
    perm.push_back(a);
    perm.push_back(b);
    last = transpose(x, perm);
  }
  const int64_t rows = x->shape[a], columns = x->shape[b];
  // In the flattened matrix its elements lie columns + 1 apart.
  const int64_t length = offset >= 0 ? std::min(rows, std::max<int64_t>(columns - offset, 0))
                                     : std::min(std::max<int64_t>(rows + offset, 0), columns);
  const int64_t start = length == 0 ? 0 : offset >= 0 ? offset : -offset * columns;
  Shape flat = last->shape;
  flat.erase(rank - 1);
  flat[rank - 2] = rows * columns;
  std::vector<int64_t> starts(static_cast<size_t>(rank - 1), 0), stops, steps(static_cast<size_t>(rank - 1), 1);
  for (int i = 0; i < rank - 1; ++i) stops.push_back(flat[i]);
  starts.back() = start;
  stops.back() = length == 0 ? 0 : start + (length - 1) * (columns + 1) + 1;
  steps.back() = columns + 1;
  return slice(reshape(last, flat), starts, stops, steps);
}
Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const Tensor y = diagonal_of(x, offset, dim1, dim2, "diagonal");
  const int rank = x->shape.rank();
  const int a = normalize_axis(dim1, rank, "diagonal"), b = normalize_axis(dim2, rank, "diagonal");
  return is_new(y, x) ? noted(y, new DiagonalPart(x, y, offset, a, b)) : y;
}

Tensor in_own_order(const Tensor& x) {
  FASTDL_CHECK(x, TypeError, "contiguous: expected a tensor, got None");
  const Tensor ordered = in_order(x);
  return lies_in_order(ordered) ? ordered : copy(ordered);
}
py::object view_strides(const Tensor& x) {
  const std::optional<Shape> strides = x->storage->origin() ? strides_of(x->storage, x->shape) : std::nullopt;
  return strides ? py::object(tuple_from(*strides)) : py::none();
}
Tensor reshaped(const Tensor& x, const Shape& shape) {
  const Tensor y = reshape(x, shape);
  if (!x->storage->origin() || y->storage != x->storage) return y;
  const std::optional<Shape> strides = strides_of(x->storage, x->shape);
  return strides && strides_in_shape(x->shape, *strides, y->shape) ? y : reshape(copy(x), shape);
}

py::object part_and_how(const Tensor& t) {
  const PartOf* p = part_of(t);
  if (!p) return py::none();
  return py::make_tuple(p->original(), static_cast<const BoundPart*>(p)->how(), tuple_from(p->shape()));
}

void settle_part(const Tensor& t) {
  if (PartOf* p = part_of(t)) p->settle();
}
void check_part(const Tensor& t, const char* who) {
  refresh_part(t);
  if (const PartOf* p = part_of(t)) p->check_writable(who);
}

}  // namespace fastdl
