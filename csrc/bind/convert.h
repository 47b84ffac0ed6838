// Conversions between Python and the core: tensors from array-likes and back, element types, axes and shapes. Every
// binding file includes this one, so that all convert alike.
#pragma once
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "ops/ops.h"
#include "ops/product.h"
#include "plan/plan.h"

PYBIND11_DECLARE_HOLDER_TYPE(T, fastdl::Ref<T>, true)

namespace fastdl {

namespace py = pybind11;

// Numbers, NumPy arrays and scalars, nested lists, anything with __array__. Shares memory with an aligned,
// contiguous array of a supported type unless `copy`. Without a dtype, floats of all sizes become float32, small
// integers int32, wide ones int64, so that ops can compute with them. TypeError for objects, strings, complex numbers.
Tensor tensor_from(py::handle object, std::optional<DType> dtype, bool copy);
// Sets what is called with each NumPy array whose values are copied while a plan is recorded: the plan keeps the copy.
void set_array_observer(py::object function);
// The tensor type that equals the type of a NumPy array or scalar, if there is one. For functions that keep types.
std::optional<DType> stored_type(py::handle object);
// PyTorch's Tensor(2, 3), of a shape, and Tensor([2, 3]), of values, which are float32 unless a type is given.
Tensor from_sizes_or_values(const py::args& given, const py::object& data, const py::object& dtype);
// Whether tensor_from converts the object without guessing. Operators leave other objects to the other operand.
bool is_array_like(py::handle object);
// An array over the same memory, which it keeps alive; read-only where the storage is.
py::array array_from(const Tensor& t);
// The same with bfloat16 as 16-bit integers.
py::array array_of_bits(const Tensor& t);
// t, or a float32 copy of it where NumPy lacks its type.
Tensor numpy_readable(const Tensor& t);
// Changes a DLPack capsule's type from bfloat16 to 16-bit integers, or back. False if it has another type.
bool retype(const py::object& capsule, bool from_bfloat16);
// A tensor of type t over an array that holds its bits, or over a copy of it.
Tensor held(py::array a, DType t, bool copy_data);

DType dtype_from(py::handle object);
// What `dtype` gives in Python: NumPy's, or fastdl.bfloat16.
py::object dtype_to(DType t);
// NumPy's own. TypeError for bfloat16 if ml_dtypes is not installed.
py::dtype numpy_dtype(DType t);
// The type that is NumPy's t.
std::optional<DType> same_dtype(const py::dtype& t);

int64_t integer_from(py::handle object);
// An integer stands for a sequence of one.
std::vector<int64_t> integers_from(py::handle object);
std::string type_name(py::handle object);
// Calls f(item) for each item of `object`. Each item is kept alive meanwhile, even if the object changes.
template <class F>
void for_each_item(py::handle object, F f) {
  py::object items = py::reinterpret_steal<py::object>(PySequence_Fast(object.ptr(), "expected a sequence"));
  if (!items) throw py::error_already_set();
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.ptr()); ++i)
    f(py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(items.ptr(), i)));
}
py::tuple tuple_from(const Shape& shape);
inline Shape shape_from(const std::vector<int64_t>& dims) {
  Shape s;
  for (int64_t d : dims) s.push_back(d);
  return s;
}

// The tensor a method is called on: unlike other arguments it is never None.
struct Self : Tensor {
  using Tensor::Tensor;
};

// Sets the Python exception for what the core, pybind11 or the standard library threw.
void set_python_error(const std::exception_ptr& thrown);

// Set-up of a class whose objects cannot be pickled. What `object` defines for the protocols 0 and 1 would make an
// object of pybind11's base class, and so end the process.
void refuse_pickling(PyHeapTypeObject* type);

// --- copies of parts of tensors (ops/views.h)
// `copy` stands for a part of `original` from now on. Returns it.
Tensor note_part(const Tensor& copy, const Tensor& original, const py::object& how);
// transpose(x, perm), as a part of x.
Tensor transposed(const Tensor& x, const Axes& perm);
// broadcast_to(x, shape), as a part of x.
Tensor expanded(const Tensor& x, const Shape& shape);
// The parts of these sizes along an axis, and the rows along an axis, which they lack.
std::vector<Tensor> cut(const Tensor& x, const std::vector<int64_t>& sizes, int64_t axis);
std::vector<Tensor> unbound(const Tensor& x, int64_t axis);
// x without axes of size 1, with a new one, with two axes exchanged as a part of x, and with axes reversed.
Tensor squeeze(const Tensor& x, const Axes& dim);
Tensor unsqueeze(const Tensor& x, int64_t dim);
Tensor exchanged(const Tensor& x, int64_t one, int64_t other, const std::string& who);
Tensor flip(const Tensor& x, const Axes& dims, const std::string& who);
// A diagonal of the matrices in two axes, as the last axis of the result; a copy, or a part of x.
Tensor diagonal_of(const Tensor& x, int64_t offset, int64_t axis1, int64_t axis2, const std::string& who);
Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2);
// What is a view in PyTorch is a part of x or shares its memory; what is a copy there is one.
Tensor in_own_order(const Tensor& x);
Tensor reshaped(const Tensor& x, const Shape& shape);
// The strides of a part's view in PyTorch; None for tensors that are no parts.
py::object view_strides(const Tensor& x);
// (the original, how the copy was made, and its shape then). None for other tensors.
py::object part_and_how(const Tensor& t);
// The original has the values of t now.
void settle_part(const Tensor& t);
// Raises unless `who` may write into t.
void check_part(const Tensor& t, const char* who);

void bind_tensor(py::module_& m);
void bind_ops(py::module_& m);
void bind_autograd(py::module_& m);
void bind_plan(py::module_& m);
void bind_device(py::module_& m);

}  // namespace fastdl

namespace pybind11::detail {

// T.__new__(T) makes an object without a C++ T, for which pybind11 would hand out uninitialized memory.
template <class T>
void check_made(handle src) {
  static PyTypeObject* const type = get_type_info(typeid(T), true)->type;  // finding it takes 50 ns
  if (!PyObject_TypeCheck(src.ptr(), type)) return;
  if (!reinterpret_cast<instance*>(src.ptr())->get_value_and_holder().holder_constructed())
    fastdl::raise<fastdl::TypeError>(fastdl::type_name(src),
                                     ": the object is not initialized: its __init__ did not run");
}
template <class T>
struct made_caster : type_caster_base<T> {
  bool load(handle src, bool convert) {
    check_made<T>(src);
    return type_caster_base<T>::load(src, convert);
  }
};
template <>
struct type_caster<fastdl::Recorder> : made_caster<fastdl::Recorder> {};
template <>
struct type_caster<fastdl::Plan> : made_caster<fastdl::Plan> {};
template <>
struct type_caster<fastdl::Product> : made_caster<fastdl::Product> {};
template <>
struct type_caster<fastdl::Rows> : made_caster<fastdl::Rows> {};

template <>
struct type_caster<fastdl::Tensor> : copyable_holder_caster<fastdl::TensorImpl, fastdl::Tensor> {
  bool load(handle src, bool convert) {
    if (src.is_none()) {  // pybind11 would search for other modules' tensors first
      this->value = nullptr;
      this->holder = nullptr;
      return convert;
    }
    check_made<fastdl::TensorImpl>(src);
    if (copyable_holder_caster::load(src, convert)) return true;
    if (!convert) return false;
    this->holder = fastdl::tensor_from(src, std::nullopt, false);
    this->value = this->holder.get();
    return true;
  }
};

template <>
struct type_caster<fastdl::Self> {
  PYBIND11_TYPE_CASTER(fastdl::Self, const_name("Tensor"));
  bool load(handle src, bool) {
    copyable_holder_caster<fastdl::TensorImpl, fastdl::Tensor> tensor;
    if (src.is_none()) return false;
    check_made<fastdl::TensorImpl>(src);
    if (!tensor.load(src, false)) return false;
    static_cast<fastdl::Tensor&>(value) = static_cast<fastdl::Tensor&>(tensor);
    return true;
  }
};

template <>
struct type_caster<fastdl::DType> {
  PYBIND11_TYPE_CASTER(fastdl::DType, const_name("numpy.dtype"));
  bool load(handle src, bool) {
    value = fastdl::dtype_from(src);
    return true;
  }
  static handle cast(fastdl::DType t, return_value_policy, handle) { return fastdl::dtype_to(t).release(); }
};

template <>
struct type_caster<fastdl::Shape> {
  PYBIND11_TYPE_CASTER(fastdl::Shape, const_name("Sequence[int]"));
  bool load(handle src, bool) {
    if (src.is_none()) return false;
    try {
      value = fastdl::shape_from(fastdl::integers_from(src));
    } catch (const fastdl::TypeError& e) {
      fastdl::raise<fastdl::TypeError>("shape: ", e.what());
    }
    return true;
  }
};

}  // namespace pybind11::detail
