// class Tensor: properties, conversions, operators, and its place in the tape.
#include <cmath>

#include "autograd/tape.h"
#include "bind/convert.h"

namespace fastdl {
namespace {

using BinaryFunction = Tensor (*)(const Tensor&, const Tensor&);

// a <op> b, b <op> a for array-likes. NotImplemented for anything else, so that Python tries that object's operator.
template <BinaryFunction F>
void bind_operator(py::class_<TensorImpl, Tensor>& c, const char* name, const char* reflected) {
  c.def(name, [](const Self& a, py::object b) -> py::object {
    if (!is_array_like(b)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
    return py::cast(F(a, tensor_from(b, std::nullopt, false)));
  });
  if (reflected)
    c.def(reflected, [](const Self& a, py::object b) -> py::object {
      if (!is_array_like(b)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
      return py::cast(F(tensor_from(b, std::nullopt, false), a));
    });
}

// Callers look it up once, not for every index.
py::object indexing(const char* name) { return py::module_::import("fastdl._base.indexing").attr(name); }

// Whether the running line is x[i] <op>= b, which assigns the new value back to x[i].
bool goes_back_into_item() {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
  return f.call_once_and_store_result([] { return indexing("goes_back_into_item"); }).get_stored()().cast<bool>();
}

// a <op>= b, in place. Where a gradient is recorded the name is bound to a new tensor, since the tape needs the old
// value. Raises where the result would be lost or would change silently.
template <BinaryFunction F>
void bind_in_place(py::class_<TensorImpl, Tensor>& c, const char* name, const char* symbol) {
  c.def(name, [symbol](const Self& a, py::object other) -> py::object {
    if (!is_array_like(other)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
    FASTDL_CHECK(!(a->requires_grad && !a->node && grad_enabled()), RuntimeError, "operator ", symbol,
                 ": a leaf that requires a gradient cannot be changed in place; do it under no_grad()");
    const Tensor r = F(a, tensor_from(other, std::nullopt, false));
    FASTDL_CHECK(r->shape == a->shape, ValueError, "operator ", symbol, ": a result of shape ", r->shape,
                 " does not fit into a tensor of shape ", a->shape);
    FASTDL_CHECK(kind_of(r->dtype) <= kind_of(a->dtype), TypeError, "operator ", symbol, ": a result of type ",
                 r->dtype, " does not fit into a tensor of type ", a->dtype, "; use the operator without '='");
    if (a->storage->snapshot()) {
      if (!goes_back_into_item()) refuse_snapshot(symbol);
      return py::cast(r);
    }
    if (r->requires_grad) return py::cast(r);
    assign_(a, r);
    return py::cast(Tensor(a));
  });
}

// & | ^ ~ are for masks. NumPy and PyTorch combine the bits of numbers, which these ops do not do.
void check_truth_values(const Tensor& t, const char* symbol) {
  FASTDL_CHECK(t && t->dtype == DType::bool8, TypeError, "operator ", symbol, ": expected tensors of dtype bool, got ",
               t ? t->dtype : DType::float32, "; compare first, or use logical_and, logical_or, logical_not");
}
template <BinaryFunction F, const char* Symbol>
Tensor of_masks(const Tensor& a, const Tensor& b) {
  check_truth_values(a, Symbol);
  check_truth_values(b, Symbol);
  return F(a, b);
}
constexpr char kAnd[] = "&", kOr[] = "|", kXor[] = "^";

Tensor matmul_operator(const Tensor& a, const Tensor& b) { return matmul(a, b, false, false); }

// t itself, or a copy of a tensor on another device, for reading.
Tensor on_cpu(const Tensor& t) {
  if (t->storage->on_cpu()) return t;
  note_host_read(t);
  return copied_to(t, cpu());
}

double value_of(const Tensor& t) {
  note_host_read(t);
  return item(t);
}

py::object item_of(const Tensor& t) {
  const double value = value_of(t);
  if (is_float(t->dtype)) return py::float_(value);
  if (t->dtype == DType::bool8) return py::bool_(value != 0);
  return t->dtype == DType::int64 ? py::int_(*on_cpu(t)->data<int64_t>()) : py::int_(int64_t(value));
}

py::object integer_of(const Tensor& t) {  // True gives 1
  PyObject* number = PyNumber_Long(item_of(t).ptr());
  if (!number) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(number);
}

// NumPy implements the buffer protocol. Its array keeps the memory, even if the tensor is re-pointed.
int get_buffer(PyObject* self, Py_buffer* buffer, int flags) {
  try {
    return PyObject_GetBuffer(array_from(py::handle(self).cast<Tensor>()).ptr(), buffer, flags);
  } catch (...) {
    set_python_error(std::current_exception());
    return -1;
  }
}
void use_numpy_buffers(PyHeapTypeObject* type) {
  type->as_buffer.bf_getbuffer = &get_buffer;
  type->ht_type.tp_as_buffer = &type->as_buffer;
}

std::string repr(const Tensor& t) {
  py::module_ np = py::module_::import("numpy");
  std::string text = py::str(np.attr("array2string")(array_from(numpy_readable(on_cpu(t))), py::arg("separator") = ", ",
                                                     py::arg("prefix") = "tensor("));
  if (t->dtype != DType::float32 && t->dtype != DType::int64 && t->dtype != DType::bool8)
    text += std::string(", dtype=") + name_of(t->dtype);
  if (!t->storage->on_cpu()) text += ", device='" + t->device().name + "'";
  if (t->requires_grad) text += ", requires_grad=True";
  return "tensor(" + text + ")";
}

// Keys of integers, slices, None and '...' give a view in PyTorch and NumPy. Arrays and masks give a copy there too.
bool is_window(PyObject* item) {
  return PyLong_Check(item) || PySlice_Check(item) || item == Py_None || item == Py_Ellipsis;
}
bool selects_a_window(py::handle key) {
  if (!PyTuple_Check(key.ptr())) return is_window(key.ptr());
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key.ptr()); ++i)
    if (!is_window(PyTuple_GET_ITEM(key.ptr(), i))) return false;
  return true;
}
// t[i], the commonest key; null where that is no 64-bit integer.
Tensor row_of(const Tensor& t, py::handle key) {
  if (!PyLong_CheckExact(key.ptr())) return nullptr;
  int overflow;
  const int64_t i = PyLong_AsLongLongAndOverflow(key.ptr(), &overflow);
  if (overflow) return nullptr;
  FASTDL_CHECK(t->shape.rank(), IndexError, "index: a tensor without axes can't be indexed by an integer");
  const int64_t n = t->shape[0];
  FASTDL_CHECK(-n <= i && i < n, IndexError, "index ", i, " is out of range for axis 0 with size ", n);
  return take(t, tensor_from(py::int_(i < 0 ? i + n : i), std::nullopt, false), 0);
}

void note_snapshot(const Tensor& r, const Tensor& t) {
  if (r->storage != t->storage) r->storage->set_snapshot(true);
}

void check_same_layout(const Tensor& t, const Tensor& other, const char* who) {
  FASTDL_CHECK(other && other->shape == t->shape && other->dtype == t->dtype, ValueError, who, ": expected shape ",
               t->shape, " and dtype ", t->dtype, ", got ", other ? other->shape : Shape{}, " and ",
               other ? other->dtype : t->dtype);
}

}  // namespace

void bind_tensor(py::module_& m) {
  py::class_<TensorImpl, Tensor> c(m, "Tensor", py::custom_type_setup(&use_numpy_buffers));
  c.def(py::init([](py::object data, py::object dtype) {
          std::optional<DType> t;
          t = dtype.is_none() ? stored_type(data) : dtype_from(dtype);
          return detach(tensor_from(data, t, false));
        }),
        py::arg("data"), py::arg("dtype") = py::none());

  c.def_property_readonly("shape", [](const Self& t) { return tuple_from(t->shape); });
  c.def_property_readonly("dtype", [](const Self& t) { return t->dtype; });
  c.def_property_readonly("ndim", [](const Self& t) { return t->shape.rank(); });
  c.def_property_readonly("itemsize", [](const Self& t) { return size_of(t->dtype); });
  c.def_property_readonly("nbytes", [](const Self& t) { return t->bytes(); });
  c.def("numel", [](const Self& t) { return t->numel(); });
  c.def_property_readonly("is_leaf", [](const Self& t) { return !t->node; });
  c.def_property_readonly("grad_fn", [](const Self& t) -> py::object {
    if (!t->node) return py::none();
    return py::str(static_cast<const Node*>(t->node.get())->op->name);
  });
  c.def_property(
      "requires_grad",
      [](const Self& t) {
        note_requires_grad(t);
        return t->requires_grad;
      },
      [](const Self& t, py::object value) {
        FASTDL_CHECK(PyBool_Check(value.ptr()), TypeError, "requires_grad: expected True or False, got ",
                     type_name(value));
        const bool on = value.cast<bool>();
        FASTDL_CHECK(!on || is_float(t->dtype), RuntimeError,
                     "only tensors of floats can require a gradient, this one is ", t->dtype);
        FASTDL_CHECK(on || !t->node, RuntimeError, "requires_grad can only be switched off for leaves; use detach()");
        note_requires_grad(t);
        if (t->requires_grad != on) raise_epoch();
        t->requires_grad = on;
        if (!t->node) t->logits = nullptr;  // the gradient must reach the leaf itself
      });
  c.def_property(
      "grad",
      [](const Self& t) {
        note_grad(t);
        return t->grad;
      },
      [](const Self& t, const Tensor& g) {
        if (g) {
          check_same_layout(t, g, "grad");
          g->storage->set_snapshot(false);
        }
        note_grad(t, false);
        t->grad = g;
      });
  c.def_property(
      "_grad_home", [](const Self& t) { return t->grad_home; },
      [](const Self& t, const Tensor& g) {
        if (g) check_same_layout(t, g, "_grad_home");
        t->grad_home = g;
      });
  c.def_property_readonly("_logits", [](const Self& t) -> py::object {
    Tensor logits = logits_of(*t);
    return logits ? py::object(py::make_tuple(logits, t->logits_of)) : py::none();
  });
  c.def_property_readonly("_version", [](const Self& t) { return t->storage->version(); });
  c.def("_set_data", [](const Self& t, const Tensor& other) {
    check_same_layout(t, other, "_set_data");
    other->storage->set_snapshot(false);  // t owns it from now on
    move_to(t, other);
  });
  c.def("_view", [](const Self& t, const Shape& shape, int64_t offset) { return view(t, shape, offset); });
  c.def("_shares_storage", [](const Self& t, const Tensor& other) { return other && t->storage == other->storage; });
  c.def_property_readonly("_device", [](const Self& t) { return t->device().name; });
  c.def_property_readonly("_offset", [](const Self& t) { return t->offset; });
  c.def("data_ptr", [](const Self& t) { return uintptr_t(t->raw()); });

  c.def("numpy", [](const Self& t) { return array_from(t); });
  c.def("tolist", [](const Self& t) { return array_from(numpy_readable(on_cpu(t))).attr("tolist")(); });
  c.def("item", [](const Self& t) { return item_of(t); });
  c.def(
      "__array__",
      [](const Self& t, py::object dtype, std::optional<bool> copy) -> py::object {
        if (!dtype.is_none() && same_dtype(py::dtype::from_args(dtype)) != t->dtype) {
          const py::object a = array_from(numpy_readable(t));
          FASTDL_CHECK(copy.value_or(true), ValueError, "a tensor of dtype ", t->dtype,
                       " cannot become an array of dtype ", std::string(py::str(dtype)), " without a copy");
          return a.attr("astype")(dtype);
        }
        py::object a = array_from(t);
        return copy.value_or(false) ? a.attr("copy")() : a;
      },
      py::arg("dtype") = py::none(), py::arg("copy") = py::none());
  c.def("__dlpack__", [](const Self& t, const py::kwargs& options) -> py::object {
    if (t->dtype != DType::bfloat16) return array_from(t).attr("__dlpack__")(**options);
    const py::object capsule = array_of_bits(t).attr("__dlpack__")(**options);
    retype(capsule, false);
    return capsule;
  });
  c.def("__dlpack_device__", [](const Self& t) {
    FASTDL_CHECK(t->storage->on_cpu(), TypeError, "__dlpack_device__: a tensor on device '", t->device().name,
                 "' cannot be handed over; copy it with .to('cpu')");
    return py::make_tuple(1, 0);  // kDLCPU
  });
  c.attr("__array_priority__") = 1000;  // NumPy's own operators give way to fastdl's

  c.def("detach", [](const Self& t) { return detach(t); });
  c.def("clone", [](const Self& t) { return copy(t); });
  c.def(
      "backward",
      [](const Self& t, const Tensor& gradient, bool retain, bool create) { backward(t, gradient, retain, create); },
      py::arg("gradient") = py::none(), py::arg("retain_graph") = false, py::arg("create_graph") = false);

  bind_operator<add>(c, "__add__", "__radd__");
  bind_operator<sub>(c, "__sub__", "__rsub__");
  bind_operator<mul>(c, "__mul__", "__rmul__");
  bind_operator<div>(c, "__truediv__", "__rtruediv__");
  bind_operator<floor_divide>(c, "__floordiv__", "__rfloordiv__");
  bind_operator<mod>(c, "__mod__", "__rmod__");
  bind_operator<pow>(c, "__pow__", "__rpow__");
  bind_operator<matmul_operator>(c, "__matmul__", "__rmatmul__");
  bind_operator<eq>(c, "__eq__", nullptr);
  bind_operator<ne>(c, "__ne__", nullptr);
  bind_operator<lt>(c, "__lt__", nullptr);
  bind_operator<le>(c, "__le__", nullptr);
  bind_operator<gt>(c, "__gt__", nullptr);
  bind_operator<ge>(c, "__ge__", nullptr);
  bind_operator<of_masks<logical_and, kAnd>>(c, "__and__", "__rand__");
  bind_operator<of_masks<logical_or, kOr>>(c, "__or__", "__ror__");
  bind_operator<of_masks<ne, kXor>>(c, "__xor__", "__rxor__");
  bind_in_place<add>(c, "__iadd__", "+=");
  bind_in_place<sub>(c, "__isub__", "-=");
  bind_in_place<mul>(c, "__imul__", "*=");
  bind_in_place<div>(c, "__itruediv__", "/=");
  bind_in_place<floor_divide>(c, "__ifloordiv__", "//=");
  bind_in_place<mod>(c, "__imod__", "%=");
  bind_in_place<pow>(c, "__ipow__", "**=");
  bind_in_place<matmul_operator>(c, "__imatmul__", "@=");
  bind_in_place<of_masks<logical_and, kAnd>>(c, "__iand__", "&=");
  bind_in_place<of_masks<logical_or, kOr>>(c, "__ior__", "|=");
  bind_in_place<of_masks<ne, kXor>>(c, "__ixor__", "^=");
  c.def("__neg__", [](const Self& t) { return neg(t); });
  c.def("__abs__", [](const Self& t) { return abs(t); });
  c.def("__invert__", [](const Self& t) {
    check_truth_values(t, "~");
    return logical_not(t);
  });
  c.def("__hash__", [](const Self& t) { return std::hash<const void*>()(t.get()); });

  c.def("__len__", [](const Self& t) {
    FASTDL_CHECK(t->shape.rank(), TypeError, "len() of a 0-dimensional tensor");
    return t->shape[0];
  });
  c.def("__bool__", [](const Self& t) {
    FASTDL_CHECK(t->numel() == 1, ValueError, "the truth value of a tensor with ", t->numel(),
                 " elements is ambiguous");
    return value_of(t) != 0;
  });
  c.def("__float__", [](const Self& t) { return value_of(t); });
  c.def("__int__", [](const Self& t) { return integer_of(t); });
  c.def("__index__", [](const Self& t) {
    FASTDL_CHECK(!is_float(t->dtype) && t->numel() == 1, TypeError,
                 "only an integer tensor with one element can be an index, this one is ", t->dtype, " of shape ",
                 t->shape);
    return integer_of(t);
  });
  c.def("__repr__", [](const Self& t) { return repr(t); });
  c.def("__format__", [](const Self& t, const std::string& spec) -> py::object {
    if (t->numel() != 1 || spec.empty()) return py::str(repr(t));
    return item_of(t).attr("__format__")(spec);
  });
  m.def("layout_version", &layout_version);
  m.def("epoch", &epoch);
  m.def("raise_epoch", &raise_epoch);

  c.def("__getitem__", [](const Self& t, py::object key) -> py::object {
    if (const Tensor row = row_of(t, key)) {
      note_snapshot(row, t);
      return py::cast(row);
    }
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
    py::object r = f.call_once_and_store_result([] { return indexing("getitem"); }).get_stored()(Tensor(t), key);
    if (selects_a_window(key)) note_snapshot(r.cast<Tensor>(), t);
    return r;
  });
  c.def_property(
      "_snapshot", [](const Self& t) { return t->storage->snapshot(); },
      [](const Self& t, bool on) { t->storage->set_snapshot(on); });
  c.def_property_readonly("_memory_is_read_only", [](const Self& t) { return t->storage->read_only(); });
  c.def_property_readonly("_memory_is_shared", [](const Self& t) { return t->storage->shared(); });
  c.def("__setitem__", [](py::object t, py::object key, py::object value) {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
    f.call_once_and_store_result([] { return indexing("setitem"); }).get_stored()(t, key, value);
  });
}

}  // namespace fastdl
