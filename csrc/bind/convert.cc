#include "bind/convert.h"

#include <algorithm>

#include "cpu/kernels.h"
#include "ops/layout.h"

namespace fastdl {
namespace {

// Compares the name, which takes NumPy a microsecond to make. So only types that are none of NumPy's numbers get there.
bool is_bfloat16(const py::dtype& t) {
  if (t.itemsize() != 2 || t.num() <= py::detail::npy_api::NPY_VOID_) return false;
  return std::string(py::str(t.attr("name"))) == name_of(DType::bfloat16);
}

// The type to compute with: float16, bfloat16, float64 -> float32; int8, int16, uint16 -> int32; uint32, uint64 ->
// int64.
DType nearest(const py::dtype& t) {
  if (is_bfloat16(t)) return DType::float32;
  const auto size = t.itemsize();
  switch (t.kind()) {
    case 'f': return DType::float32;
    case 'b': return DType::bool8;
    case 'u': return size == 1 ? DType::uint8 : size == 2 ? DType::int32 : DType::int64;
    case 'i': return size <= 4 ? DType::int32 : DType::int64;
  }
  raise<TypeError>("expected numbers, got an array of dtype ", std::string(py::str(t)),
                   t.kind() == 'O'   ? " (rows of different lengths, or values that are no numbers)"
                   : t.kind() == 'c' ? "; there are no complex tensors: pass its real and imag as two arrays"
                                     : "");
}

// Converts by the rule of convert(): NumPy leaves casts of floats to integers to the CPU and has no bfloat16. `From` is
// double or int64, which hold the numbers exactly.
template <class From>
Tensor converted(const py::array& numbers, DType t) {
  const py::array_t<From, int(py::array::c_style) | int(py::array::forcecast)> x(numbers);
  Shape shape;
  for (py::ssize_t i = 0; i < x.ndim(); ++i) shape.push_back(x.shape(i));
  Tensor r = empty(shape, t);
  dispatch_all(t, [&](auto zero) {
    std::transform(x.data(), x.data() + x.size(), r->data<decltype(zero)>(),
                   [](From v) { return convert<decltype(zero)>(v); });
  });
  return r;
}

// The integers of a list must fit into the type, so that none changes silently.
void check_fit(const py::array& integers, DType t) {
  const int64_t low = integers.attr("min")().cast<int64_t>(), high = integers.attr("max")().cast<int64_t>();
  dispatch_all(t, [&](auto zero) {
    for (int64_t v : {low, high})
      FASTDL_CHECK(convert<int64_t>(convert<decltype(zero)>(v)) == v, ValueError, v, " does not fit into ", t);
  });
}

py::object numpy(const char* name) { return py::module_::import("numpy").attr(name); }

}  // namespace

std::string type_name(py::handle object) { return py::str(py::type::handle_of(object).attr("__name__")); }

py::object dtype_to(DType t) {
  // One object per type for the life of the process; NumPy interns its built-in types too.
  static const std::vector<py::object>* types = [] {
    auto* made = new std::vector<py::object>;
    for (const DTypeRow& row : dtype_rows)
      made->push_back(row.name == std::string("bfloat16") ? py::module_::import("fastdl._base.dtypes").attr("bfloat16")
                                                          : py::object(py::dtype(row.name)));
    return made;
  }();
  return (*types)[size_t(t)];
}

py::dtype numpy_dtype(DType t) {
  if (t != DType::bfloat16) return py::reinterpret_borrow<py::dtype>(dtype_to(t));
  return py::reinterpret_borrow<py::dtype>(py::object(dtype_to(t).attr("dtype")));  // TypeError without ml_dtypes
}

DType dtype_from(py::handle object) {
  if (object.ptr() == (PyObject*)&PyFloat_Type) return DType::float32;
  if (object.ptr() == (PyObject*)&PyLong_Type) return DType::int64;
  if (object.is(dtype_to(DType::bfloat16))) return DType::bfloat16;
  if (PyUnicode_Check(object.ptr()))  // NumPy would find most of these names, in a microsecond
    for (int i = 0; i < kDTypes; ++i)
      if (PyUnicode_CompareWithASCIIString(object.ptr(), name_of(DType(i))) == 0) return DType(i);
  std::string given;
  try {
    const py::dtype t = py::dtype::from_args(py::reinterpret_borrow<py::object>(object));
    if (const auto known = same_dtype(t)) return *known;
    given = py::str(t);
  } catch (const py::error_already_set& e) {
    if (!e.matches(PyExc_TypeError) && !e.matches(PyExc_ValueError)) throw;
    given = py::repr(object);
  }
  raise<TypeError>("dtype ", given,
                   " is not supported; possible: float32, float16, bfloat16, int64, int32, int8, uint8, bool");
}

std::optional<DType> same_dtype(const py::dtype& t) {
  for (int i = 0; i < kDTypes; ++i)
    if (t.is(dtype_to(DType(i)))) return DType(i);
  for (int i = 0; i < kDTypes; ++i)
    if (DType(i) == DType::bfloat16 ? is_bfloat16(t) : t.equal(dtype_to(DType(i)))) return DType(i);
  return std::nullopt;
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
    PyErr_Clear();  // a 0-dimensional array has no length
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
         py::isinstance<py::array>(o) || py::isinstance<py::list>(o) || py::isinstance<py::tuple>(o) ||
         py::isinstance(o, numpy("generic"));
}

std::optional<DType> stored_type(py::handle object) {
  if (PyList_CheckExact(object.ptr()) || PyFloat_CheckExact(object.ptr())) return std::nullopt;  // the usual data
  if (!py::isinstance<py::array>(object) && !py::isinstance(object, numpy("generic"))) return std::nullopt;
  return same_dtype(py::reinterpret_borrow<py::dtype>(py::object(object.attr("dtype"))));
}

namespace {
PyObject* array_observer = nullptr;  // lives as long as the program
}

void set_array_observer(py::object function) { array_observer = function.release().ptr(); }

Tensor tensor_from(py::handle object, std::optional<DType> dtype, bool copy_data) {
  if (object.is_none()) raise<TypeError>("expected a tensor or array, got None");
  if (py::isinstance<TensorImpl>(object)) {
    Tensor t = object.cast<Tensor>();
    if (dtype && *dtype != t->dtype) return cast(t, *dtype);
    return copy_data ? copy(t) : t;
  }
  // Python numbers, the common operands of arithmetic.
  if (PyFloat_CheckExact(object.ptr()) && (!dtype || is_float(*dtype))) {
    const double value = PyFloat_AS_DOUBLE(object.ptr());
    return dtype && is_storage(*dtype) ? full({}, *dtype, value) : scalar(value);
  }
  if (PyBool_Check(object.ptr()) || PyLong_CheckExact(object.ptr())) {
    int overflow = 0;
    long long v = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
    FASTDL_CHECK(!overflow, ValueError, "an integer is too large for int64");
    DType t = dtype.value_or(PyBool_Check(object.ptr()) ? DType::bool8 : DType::int64);
    Tensor r = empty({}, t);
    dispatch_all(t, [&](auto zero) {
      const auto value = convert_to<decltype(zero)>(t, int64_t(v));
      FASTDL_CHECK(!is_integer(t) || convert<int64_t>(value) == v, ValueError, v, " does not fit into ", t);
      *r->data<decltype(zero)>() = value;
    });
    r->weak = !dtype;
    return r;
  }

  py::array a = py::reinterpret_steal<py::array>(
      py::isinstance<py::array>(object) ? object.inc_ref().ptr() : numpy("asarray")(object).release().ptr());
  DType t = dtype.value_or(nearest(a.dtype()));
  nearest(a.dtype());  // rejects arrays without numbers, even if a dtype is given
  if (a.dtype().kind() == 'u' && a.dtype().itemsize() == 8 && a.size() > 0)
    FASTDL_CHECK(a.attr("max")().cast<uint64_t>() <= uint64_t(INT64_MAX), ValueError,
                 "an unsigned integer is too large for int64");
  FASTDL_CHECK(a.ndim() <= kMaxRank, ShapeError, "expected at most ", kMaxRank, " dimensions, got an array with ",
               a.ndim());
  const py::handle observer = array_observer;
  if (observer && call_observer() && py::isinstance<py::array>(object) && (copy_data || same_dtype(a.dtype()) != t))
    observer(object);
  const bool to_integers = is_integer(t), to_16_bits = is_float(t) && is_storage(t);
  const bool of_floats = a.dtype().kind() == 'f', bfloats = is_bfloat16(a.dtype());
  if (bfloats || to_16_bits)
    if (const auto known = same_dtype(a.dtype()); known && *known != t)
      return cast(held(bfloats ? py::array(a.attr("view")("uint16")) : a, *known, false), t);
  if (to_integers && of_floats) return converted<double>(a, t);
  const bool listed = py::isinstance<py::list>(object) || py::isinstance<py::tuple>(object);
  if (to_integers && listed && a.size() && a.dtype().kind() != 'b') check_fit(a, t);
  if (bfloats) return held(py::array(a.attr("view")("uint16")), t, copy_data);
  if (to_16_bits && !a.dtype().equal(dtype_to(t)))
    return of_floats ? converted<double>(a, t) : converted<int64_t>(a, t);
  if (!a.dtype().equal(dtype_to(t))) {
    a = py::array(a.attr("astype")(dtype_to(t)));
    copy_data = false;
  }
  return held(a, t, copy_data);
}

Tensor held(py::array a, DType t, bool copy_data) {
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

py::array array_of_bits(const Tensor& t) {
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
  const py::dtype type = t->dtype == DType::bfloat16 ? py::dtype("uint16") : numpy_dtype(t->dtype);
  std::vector<py::ssize_t> strides;  // none: in the order of the axes
  if (t->channels_last) {
    const Shape held = held_shape(t->shape);
    for (int axis = 0, rank = held.rank(); axis < rank; ++axis)
      strides.push_back(held.count(held_place(axis, rank) + 1, rank) * size_of(t->dtype));
  }
  py::array a(type, shape, strides, t->address(), keep);
  // NumPy's write into the copy that indexing made would be lost.
  if (s->read_only() || s->origin()) a.attr("flags").attr("writeable") = false;
  return a;
}
py::array array_from(const Tensor& t) {
  if (t->dtype != DType::bfloat16) return array_of_bits(t);
  const py::dtype type = numpy_dtype(t->dtype);
  return py::array(array_of_bits(t).attr("view")(type));
}

Tensor numpy_readable(const Tensor& t) {
  if (t->dtype != DType::bfloat16) return t;
  note_host_read(t);
  Tensor r = empty(t->shape, DType::float32);
  r->channels_last = t->channels_last;
  kernels().cast(r->address(), r->dtype, t->address(), t->dtype, t->numel());
  return r;
}

// NumPy's DLPack has no bfloat16 and exchanges 16-bit integers instead. So the type in a capsule is changed here: in
// fastdl's own before they are handed over, in others' before NumPy reads them.
bool retype(const py::object& capsule, bool from_bfloat16) {
  struct Header {  // of DLTensor, whose layout all versions of the standard share
    void* data;
    int32_t device[2], ndim;
    uint8_t code, bits;
    uint16_t lanes;
  };
  constexpr uint8_t kUnsigned = 1, kBfloat = 4;
  const bool versioned = PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned");
  void* p = PyCapsule_GetPointer(capsule.ptr(), versioned ? "dltensor_versioned" : "dltensor");
  if (!p) throw py::error_already_set();
  constexpr size_t kBefore = 8 + 2 * sizeof(void*) + 8;  // version, context, deleter, flags
  Header* h = reinterpret_cast<Header*>(static_cast<char*>(p) + (versioned ? kBefore : 0));
  if (h->code != (from_bfloat16 ? kBfloat : kUnsigned) || h->bits != 16) return false;
  h->code = from_bfloat16 ? kUnsigned : kBfloat;
  return true;
}

Tensor from_sizes_or_values(const py::args& given, const py::object& data, const py::object& dtype) {
  const bool by_name = !data.is_none();
  const size_t count = given.size() + by_name;
  bool sizes = dtype.is_none() && !by_name;
  for (const py::handle one : given)
    sizes = sizes && PyIndex_Check(one.ptr()) && !PyBool_Check(one.ptr()) && !py::isinstance<TensorImpl>(one) &&
            !py::isinstance<py::array>(one);
  if (sizes) {
    Shape shape;
    for (const py::handle one : given) {
      const Py_ssize_t size = PyNumber_AsSsize_t(one.ptr(), nullptr);  // the nearest bound beyond it
      FASTDL_CHECK(size < PY_SSIZE_T_MAX, ValueError, "Tensor: a size is too large for int64");
      shape.push_back(size);
    }
    if (!count) shape.push_back(0);
    return empty(shape, DType::float32);
  }
  FASTDL_CHECK(count == 1 || (count == 2 && dtype.is_none() && !by_name), TypeError,
               "Tensor: expected sizes, or data and a dtype, got ", count, " arguments");
  const py::object values = by_name ? data : py::object(given[0]);
  const py::object type = count == 2 ? py::object(given[1]) : dtype;
  const bool is_tensor = py::isinstance<TensorImpl>(values);
  if (!type.is_none()) return detach(tensor_from(values, dtype_from(type), false));
  FASTDL_CHECK(is_tensor || !PyNumber_Check(values.ptr()) || py::hasattr(values, "__array__"), TypeError,
               "Tensor: data: expected sizes or several values, got a number; tensor() makes a tensor of one");
  return detach(tensor_from(values, is_tensor ? stored_type(values) : DType::float32, false));
}

}  // namespace fastdl
