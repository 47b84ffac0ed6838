#include "bind/convert.h"

#include <algorithm>

namespace fastdl {
namespace {

// float16, float64 -> float32; int8, int16, uint16 -> int32; uint32, uint64 -> int64.
DType nearest(const py::dtype& t) {
  const auto size = t.itemsize();
  switch (t.kind()) {
    case 'f': return DType::float32;
    case 'b': return DType::bool8;
    case 'u': return size == 1 ? DType::uint8 : size == 2 ? DType::int32 : DType::int64;
    case 'i': return size <= 4 ? DType::int32 : DType::int64;
  }
  raise<TypeError>("expected numbers, got an array of dtype ", std::string(py::str(t)),
                   t.kind() == 'O' ? " (rows of different lengths, or values that are no numbers)" : "");
}

// Floats as integers by the rule of convert(), which NumPy leaves to the CPU. float32 would lose digits on the way.
Tensor integers_of(const py::array& floats, DType t) {
  const py::array_t<double, int(py::array::c_style) | int(py::array::forcecast)> x(floats);
  Shape shape;
  for (py::ssize_t i = 0; i < x.ndim(); ++i) shape.push_back(x.shape(i));
  Tensor r = empty(shape, t);
  dispatch(t, [&](auto zero) {
    std::transform(x.data(), x.data() + x.size(), r->data<decltype(zero)>(),
                   [](double v) { return convert<decltype(zero)>(v); });
  });
  return r;
}

// Of numbers in a list, which say what is meant: none may be lost.
void check_fit(const py::array& integers, DType t) {
  const int64_t low = integers.attr("min")().cast<int64_t>(), high = integers.attr("max")().cast<int64_t>();
  dispatch(t, [&](auto zero) {
    for (int64_t v : {low, high})
      FASTDL_CHECK(int64_t(decltype(zero)(v)) == v, ValueError, v, " does not fit into ", t);
  });
}

py::object numpy(const char* name) { return py::module_::import("numpy").attr(name); }

}  // namespace

std::string type_name(py::handle object) {
  return py::str(py::type::handle_of(object).attr("__name__"));
}

py::dtype dtype_to(DType t) {
  // One object per type for the life of the process; NumPy interns its built-in types too.
  static const std::vector<py::dtype>* types = new std::vector<py::dtype>{
      py::dtype("bool"), py::dtype("uint8"), py::dtype("int32"), py::dtype("int64"), py::dtype("float32")};
  return (*types)[size_t(t)];
}

DType dtype_from(py::handle object) {
  if (object.ptr() == (PyObject*)&PyFloat_Type) return DType::float32;
  if (object.ptr() == (PyObject*)&PyLong_Type) return DType::int64;
  py::dtype t = py::dtype::from_args(py::reinterpret_borrow<py::object>(object));
  for (DType d : {DType::bool8, DType::uint8, DType::int32, DType::int64, DType::float32})
    if (t.equal(dtype_to(d))) return d;
  raise<TypeError>("dtype ", std::string(py::str(t)),
                   " is not supported; possible: float32, int32, int64, uint8, bool");
}

int64_t integer_from(py::handle object) {
  FASTDL_CHECK(PyIndex_Check(object.ptr()), TypeError, "expected an integer, got ", type_name(object));
  py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
  if (!index) throw py::error_already_set();
  int overflow = 0;
  const int64_t v = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  FASTDL_CHECK(!overflow, ValueError, "expected a 64-bit integer, got ", std::string(py::str(index)));
  return v;
}

std::vector<int64_t> integers_from(py::handle object) {
  if (PyLong_Check(object.ptr())) return {integer_from(object)};
  const bool sequence = PySequence_Check(object.ptr()) && !PyUnicode_Check(object.ptr());
  if (!sequence || (PyIndex_Check(object.ptr()) && PySequence_Size(object.ptr()) < 0)) {
    PyErr_Clear();  // of a 0-dimensional array, which has no length
    FASTDL_CHECK(PyIndex_Check(object.ptr()), TypeError, "expected an integer or a sequence of integers, got ",
                 type_name(object));
    return {integer_from(object)};
  }
  std::vector<int64_t> r;
  for_each_item(object, [&](const py::object& item) { r.push_back(integer_from(item)); });
  return r;
}

py::tuple tuple_from(const Shape& shape) {
  py::tuple t(shape.rank());
  for (int i = 0; i < shape.rank(); ++i) t[size_t(i)] = shape[i];
  return t;
}

bool is_array_like(py::handle o) {
  return py::isinstance<TensorImpl>(o) || PyFloat_Check(o.ptr()) || PyLong_Check(o.ptr()) ||
         py::isinstance<py::array>(o) || py::isinstance<py::list>(o) ||
         py::isinstance<py::tuple>(o) || py::isinstance(o, numpy("generic"));
}

Tensor tensor_from(py::handle object, std::optional<DType> dtype, bool copy_data) {
  if (object.is_none()) raise<TypeError>("expected a tensor or array, got None");
  if (py::isinstance<TensorImpl>(object)) {
    Tensor t = object.cast<Tensor>();
    if (dtype && *dtype != t->dtype) return cast(t, *dtype);
    return copy_data ? copy(t) : t;
  }
  // Python numbers, the common operands of arithmetic.
  if (!dtype || is_float(*dtype)) {
    if (PyFloat_CheckExact(object.ptr())) return scalar(PyFloat_AS_DOUBLE(object.ptr()));
  }
  if (PyBool_Check(object.ptr()) || PyLong_CheckExact(object.ptr())) {
    int overflow = 0;
    long long v = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
    FASTDL_CHECK(!overflow, ValueError, "an integer is too large for int64");
    DType t = dtype.value_or(PyBool_Check(object.ptr()) ? DType::bool8 : DType::int64);
    Tensor r = empty({}, t);
    dispatch(t, [&](auto zero) {
      using T = decltype(zero);
      const T value = t == DType::bool8 ? T(v != 0) : T(v);
      FASTDL_CHECK(is_float(t) || t == DType::bool8 || value == v, ValueError, v, " does not fit into ", t);
      *r->data<T>() = value;
    });
    r->weak = !dtype;
    return r;
  }

  py::array a = py::reinterpret_steal<py::array>(
      py::isinstance<py::array>(object) ? object.inc_ref().ptr()
                                   : numpy("asarray")(object).release().ptr());
  DType t = dtype.value_or(nearest(a.dtype()));
  nearest(a.dtype());  // rejects what holds no numbers even when a dtype is asked for
  if (a.dtype().kind() == 'u' && a.dtype().itemsize() == 8 && a.size() > 0)
    FASTDL_CHECK(a.attr("max")().cast<uint64_t>() <= uint64_t(INT64_MAX), ValueError,
                 "an unsigned integer is too large for int64");
  FASTDL_CHECK(a.ndim() <= kMaxRank, ValueError, "expected at most ", kMaxRank,
               " dimensions, got an array with ", a.ndim());
  const bool to_integers = !is_float(t) && t != DType::bool8;
  if (to_integers && a.dtype().kind() == 'f') return integers_of(a, t);
  const bool listed = py::isinstance<py::list>(object) || py::isinstance<py::tuple>(object);
  if (to_integers && listed && a.size() && a.dtype().kind() != 'b') check_fit(a, t);
  if (!a.dtype().equal(dtype_to(t))) {
    a = py::array(a.attr("astype")(dtype_to(t)));
    copy_data = false;
  }
  constexpr int wanted = int(py::array::c_style) | int(py::detail::npy_api::NPY_ARRAY_ALIGNED_);
  if ((a.flags() & wanted) != wanted) {
    a = py::array(numpy("array")(a, py::arg("order") = "C", py::arg("copy") = true));
    copy_data = false;
  }

  Tensor r = new TensorImpl;
  for (py::ssize_t i = 0; i < a.ndim(); ++i) r->shape.push_back(a.shape(i));
  r->dtype = t;
  if (copy_data) {
    r->storage = Storage::allocate(a.nbytes());
    std::memcpy(r->storage->data(), a.data(), size_t(a.nbytes()));
  } else {
    PyObject* owner = a.inc_ref().ptr();
    r->storage = Storage::wrap(const_cast<void*>(a.data()), a.nbytes(), !a.writeable(), [owner] {
      if (!Py_IsInitialized()) return;  // the interpreter is gone, and the array with it
      PyGILState_STATE state = PyGILState_Ensure();
      Py_DECREF(owner);
      PyGILState_Release(state);
    });
  }
  return r;
}

py::array array_from(const Tensor& t) {
  FASTDL_CHECK(t->storage->on_cpu(), TypeError, "a tensor on device '", t->device().name,
               "' cannot share memory with NumPy; copy it with .to('cpu')");
  note_host_read(t);
  Storage* s = t->storage.get();
  s->retain();
  s->begin_export();
  py::capsule keep(s, [](void* p) {
    static_cast<Storage*>(p)->end_export();
    static_cast<Storage*>(p)->release();
  });
  std::vector<py::ssize_t> shape(t->shape.begin(), t->shape.end());
  py::array a(dtype_to(t->dtype), shape, t->raw(), keep);
  // What is written into the copy that indexing made would be lost.
  if (s->read_only() || s->snapshot()) a.attr("flags").attr("writeable") = false;
  return a;
}

}  // namespace fastdl
