// x[key] and x[key] = value for keys of integers, slices, None and '...', which PyTorch and NumPy answer with a view.
// fastdl/_base/indexing.py does the rest: arrays, masks, and assignments on the tape.
#include "bind/indexing.h"

#include "autograd/tape.h"
#include "bind/convert.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

// Callers look it up once, not for every index.
py::object python(const char* name) { return py::module_::import("fastdl._base.indexing").attr(name); }

// A slice of every axis, reshaped to `view`.
struct Window {
  std::vector<int64_t> starts, stops, steps;
  Shape sliced, view, axes;  // axes: that of the tensor for each of the view, -1 for a new one
  bool full = true;          // every axis whole

  void keep_axis(int64_t count) {
    axes.push_back(int64_t(starts.size()));
    view.push_back(count);
  }
  void add_axis() {
    axes.push_back(-1);
    view.push_back(1);
  }
  void take(int64_t start, int64_t stop, int64_t step, int64_t count, int64_t extent) {
    starts.push_back(start);
    stops.push_back(stop);
    steps.push_back(step);
    sliced.push_back(count);
    full = full && start == 0 && stop == extent && step == 1;
  }
};

bool is_place(PyObject* item) {
  if (PyLong_CheckExact(item)) return true;
  return PyIndex_Check(item) && !PyBool_Check(item) && !py::isinstance<py::array>(item) &&
         !py::isinstance<TensorImpl>(item);
}
bool is_window(PyObject* item) {
  return is_place(item) || PySlice_Check(item) || item == Py_None || item == Py_Ellipsis;
}

void take_place(Window* w, const Shape& shape, PyObject* item) {
  const int axis = int(w->starts.size());
  const py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(item));
  if (!index) throw py::error_already_set();
  int overflow;
  const int64_t extent = shape[axis], i = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  FASTDL_CHECK(!overflow && -extent <= i && i < extent, IndexError, "index ", std::string(py::str(index)),
               " is out of range for axis ", axis, " with size ", extent);
  const int64_t place = i < 0 ? i + extent : i;
  w->take(place, place + 1, 1, 1, extent);
}
void take_slice(Window* w, const Shape& shape, PyObject* item) {
  Py_ssize_t start, stop, step;
  if (PySlice_Unpack(item, &start, &stop, &step) < 0) throw py::error_already_set();
  const int64_t extent = shape[int(w->starts.size())];
  const Py_ssize_t count = PySlice_AdjustIndices(extent, &start, &stop, step);
  w->keep_axis(count);
  w->take(start, stop, step, count, extent);
}
void take_whole(Window* w, const Shape& shape, int axes) {
  for (; axes > 0; --axes) {
    const int64_t extent = shape[int(w->starts.size())];
    w->keep_axis(extent);
    w->take(0, extent, 1, extent, extent);
  }
}

// A tensor or an array without axes that holds an integer.
bool is_one_integer(PyObject* key) {
  if (PyLong_CheckExact(key) || PyTuple_Check(key) || PySlice_Check(key)) return false;
  if (py::isinstance<TensorImpl>(key)) {
    const Tensor& t = py::handle(key).cast<Tensor>();
    return !t->shape.rank() && !is_float(t->dtype) && t->dtype != DType::bool8;
  }
  if (!py::isinstance<py::array>(key)) return false;
  const py::array a = py::reinterpret_borrow<py::array>(key);
  return !a.ndim() && (a.dtype().kind() == 'i' || a.dtype().kind() == 'u');
}

// False if the key has other items than those of windows.
bool read_window(const Shape& shape, PyObject* key, Window* w) {
  PyObject* const* items = PyTuple_Check(key) ? &PyTuple_GET_ITEM(key, 0) : &key;
  const Py_ssize_t n = PyTuple_Check(key) ? PyTuple_GET_SIZE(key) : 1;
  int axes = 0, dots = 0, added = 0;  // `added`: the axes that the result has more than the tensor
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (!is_window(items[i])) return false;
    added += (items[i] == Py_None) - is_place(items[i]);
    axes += items[i] != Py_None && items[i] != Py_Ellipsis;
    dots += items[i] == Py_Ellipsis;
  }
  const int rank = shape.rank(), rest = rank - axes;
  FASTDL_CHECK(rest >= 0, IndexError, "index: ", axes, " axes are indexed, but the tensor has ", rank);
  FASTDL_CHECK(dots <= 1, IndexError, "index: expected at most one ellipsis ('...') in an index");
  FASTDL_CHECK(rank + added <= kMaxRank, IndexError, "index: expected a result with at most ", kMaxRank, " axes, got ",
               rank + added);
  w->starts.reserve(size_t(rank));
  w->stops.reserve(size_t(rank));
  w->steps.reserve(size_t(rank));
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (items[i] == Py_None)
      w->add_axis();
    else if (items[i] == Py_Ellipsis)
      take_whole(w, shape, rest);
    else if (PySlice_Check(items[i]))
      take_slice(w, shape, items[i]);
    else
      take_place(w, shape, items[i]);
  }
  if (!dots) take_whole(w, shape, rest);
  return true;
}

// t[i], the commonest key, in one operation; null where that is no 64-bit integer.
Tensor row_of(const Tensor& t, PyObject* key) {
  if (!PyLong_CheckExact(key)) return nullptr;
  int overflow;
  const int64_t i = PyLong_AsLongLongAndOverflow(key, &overflow);
  if (overflow) return nullptr;
  FASTDL_CHECK(t->shape.rank(), IndexError, "index: a tensor without axes can't be indexed by an integer");
  const int64_t n = t->shape[0];
  FASTDL_CHECK(-n <= i && i < n, IndexError, "index ", i, " is out of range for axis 0 with size ", n);
  const Tensor place = empty({}, DType::int64);
  *place->data<int64_t>() = i < 0 ? i + n : i;
  place->weak = true;  // as a number of Python's
  return take(t, place, 0);
}

// The value of an assignment that needs no more than a conversion to t's type; null for others.
Tensor plain_value(const Tensor& t, py::handle value) {
  if (!t->storage->on_cpu()) return nullptr;
  if (py::isinstance<TensorImpl>(value)) {
    Tensor v = value.cast<Tensor>();
    return v->dtype == t->dtype && v->storage->on_cpu() ? v : nullptr;
  }
  return PyFloat_CheckExact(value.ptr()) && is_float(t->dtype) ? tensor_from(value, t->dtype, false) : nullptr;
}
bool assign_window(const Tensor& t, PyObject* key, py::handle value) {
  Tensor v = plain_value(t, value);
  if (!v || t->is_part || v->is_part) return false;
  note_requires_grad(t);
  note_requires_grad(v);
  if (grad_enabled() && (t->requires_grad || v->requires_grad)) return false;
  Window w;
  if (!read_window(t->shape, key, &w)) return false;
  Shape shape = v->shape;
  while (shape.rank() > w.view.rank() && shape[0] == 1) shape.erase(0);
  if (shape != v->shape) v = reshape(v, shape);
  if (v->shape.rank() && w.view != w.sliced) v = reshape(broadcast_to(v, w.view), w.sliced);
  setitem_(t, w.starts, w.stops, w.steps, v);
  return true;
}

}  // namespace

Tensor item_of(const Tensor& t, PyObject* key) {
  py::object how = py::reinterpret_borrow<py::object>(key);
  if (is_one_integer(key)) {
    how = py::reinterpret_steal<py::object>(PyNumber_Index(key));
    if (!how) throw py::error_already_set();
  }
  if (const Tensor row = row_of(t, how.ptr())) return note_part(row, t, how);
  Window w;
  if (read_window(t->shape, how.ptr(), &w)) {
    const Tensor part = w.full ? t : slice(t, w.starts, w.stops, w.steps);
    return note_part(w.view == part->shape ? part : reshape(part, w.view), t, how);
  }
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
  return f.call_once_and_store_result([] { return python("getitem"); }).get_stored()(t, how).cast<Tensor>();
}

// Whether the running line is x[i] <op>= b, which assigns the new value back to x[i].
bool goes_back_into_item() {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
  return f.call_once_and_store_result([] { return python("goes_back_into_item"); }).get_stored()().cast<bool>();
}

void set_item_of(const Tensor& t, PyObject* key, PyObject* value) {
  if (assign_window(t, key, value)) return;
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
  f.call_once_and_store_result([] { return python("setitem"); }).get_stored()(t, py::handle(key), py::handle(value));
}

std::optional<Shape> strides_of_window(const Shape& shape, const Shape& strides, PyObject* key) {
  Window w;
  if (!read_window(shape, key, &w)) return std::nullopt;
  Shape of_view;
  for (const int64_t axis : w.axes) of_view.push_back(axis < 0 ? 0 : strides[int(axis)] * w.steps[size_t(axis)]);
  return of_view;
}

py::object window_of(const py::tuple& shape, const py::tuple& key) {
  Window w;
  FASTDL_CHECK(read_window(shape_from(shape.cast<std::vector<int64_t>>()), key.ptr(), &w), TypeError,
               "window: expected integers, slices, None and '...'");
  return py::make_tuple(w.starts, w.stops, w.steps, py::list(tuple_from(w.view)), w.full);
}

}  // namespace fastdl
