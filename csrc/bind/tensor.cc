// class Tensor: attributes, conversions, operators, and its place in the tape.
#include <algorithm>
#include <cmath>

#include "autograd/tape.h"
#include "bind/convert.h"
#include "bind/indexing.h"
#include "ops/views.h"

namespace fastdl {
namespace {

// --- slots: functions that Python calls directly. pybind11's dispatch would cost more than what most of them do.
// ------

// The tensor of a Python object of class Tensor.
const Tensor& tensor_of(PyObject* self) {
  auto value = reinterpret_cast<py::detail::instance*>(self)->get_value_and_holder();
  FASTDL_CHECK(value.holder_constructed(), TypeError, type_name(self),
               ": the object is not initialized: its __init__ did not run");
  return value.holder<Tensor>();
}

// What f() returns: a new reference, null if an exception is set.
template <class F>
PyObject* result_of(F f) {
  try {
    if constexpr (std::is_base_of_v<py::object, decltype(f())>)
      return f().release().ptr();
    else
      return py::cast(f()).release().ptr();
  } catch (const std::exception&) {  // not the unwinding that ends a thread at process exit
    set_python_error(std::current_exception());
    return nullptr;
  }
}
// The same for slots that return a number, -1 if an exception is set.
template <class F>
auto number_of(F f) -> decltype(f()) {
  try {
    return f();
  } catch (const std::exception&) {
    set_python_error(std::current_exception());
    return -1;
  }
}

template <auto F>
PyObject* read(PyObject* self, void*) {
  return result_of([&] { return F(tensor_of(self)); });
}
template <auto F>
int write(PyObject* self, PyObject* value, void* name) {
  return number_of([&] {
    if (!value) throw py::attribute_error(static_cast<const char*>(name) + std::string(": it cannot be deleted"));
    F(tensor_of(self), py::handle(value));
    return 0;
  });
}
template <auto F>
PyObject* method(PyObject* self, PyObject*) {
  return result_of([&] { return F(tensor_of(self)); });
}
template <auto F>
PyObject* unary(PyObject* self) {
  return result_of([&] { return F(tensor_of(self)); });
}

// --- operators -----------------------------------------------------------------------------------------------------

// +t is t itself, as in PyTorch.
PyObject* positive(PyObject* self) {
  return result_of([&] {
    FASTDL_CHECK(tensor_of(self)->dtype != DType::bool8, TypeError, "operator +: truth values have no sign");
    return py::reinterpret_borrow<py::object>(self);
  });
}

using BinaryFunction = Tensor (*)(const Tensor&, const Tensor&);

py::object not_implemented() { return py::reinterpret_borrow<py::object>(Py_NotImplemented); }

Tensor operand(PyObject* object) { return tensor_from(object, std::nullopt, false); }

// a <op> b. One of them is a tensor, the other an array-like. NotImplemented for anything else, so that Python tries
// that object's operator.
template <BinaryFunction F>
PyObject* binary(PyObject* a, PyObject* b) {
  return result_of([&] {
    if (!is_array_like(a) || !is_array_like(b)) return not_implemented();
    return py::cast(F(operand(a), operand(b)));
  });
}

PyObject* compare(PyObject* a, PyObject* b, int op) {
  constexpr BinaryFunction functions[] = {lt, le, eq, ne, gt, ge};  // in the order of Py_LT ... Py_GE
  static_assert(Py_LT == 0 && Py_LE == 1 && Py_EQ == 2 && Py_NE == 3 && Py_GT == 4 && Py_GE == 5);
  return result_of([&] {
    if (!is_array_like(b)) return not_implemented();
    return py::cast(functions[op](tensor_of(a), operand(b)));
  });
}

// The text of an operator, as an argument of a template.
template <size_t N>
struct Symbol {
  char text[N];
  consteval Symbol(const char (&source)[N]) { std::copy_n(source, N, text); }
};

// Class Tensor itself, not one of Variable, Parameter or Buffer.
PyTypeObject* tensor_type() {
  static PyTypeObject* const type = py::detail::get_type_info(typeid(TensorImpl), true)->type;
  return type;
}
// Keras's tensors do not change: within the `call` of a user's layer a <op>= b binds the name to a new tensor.
bool& rebinds() {
  static thread_local bool on = false;
  return on;
}

// Whether somebody besides the name on the left of a <op>= b may look at a: under another name, or by memory that
// another tensor shares. The name is one reference and Python's stack another, which Python 3.14 mostly saves.
bool has_other_names(PyObject* self, const Tensor& a) {
  constexpr Py_ssize_t own = PY_VERSION_HEX < 0x030e0000 ? 2 : 1;
  return Py_REFCNT(self) > own || (a->viewed && a->viewed->nearest()) || (a->handle && a->handle->use_count() > 1);
}

// a <op>= b, in place. Where a gradient is recorded and nobody else looks at a, the name is bound to a new tensor,
// which is the same and costs less. Raises where the result would be lost or would change silently.
template <BinaryFunction F, Symbol S>
PyObject* in_place(PyObject* self, PyObject* other) {
  return result_of([&] {
    if (!is_array_like(other)) return not_implemented();
    const Tensor& a = tensor_of(self);
    FASTDL_CHECK(!(a->requires_grad && !a->node && grad_enabled()), RuntimeError, "operator ", S.text,
                 ": a leaf that requires a gradient cannot be changed in place; do it under no_grad()");
    const Tensor r = F(a, operand(other));
    FASTDL_CHECK(r->shape == a->shape, ShapeError, "operator ", S.text, ": a result of shape ", r->shape,
                 " does not fit into a tensor of shape ", a->shape);
    FASTDL_CHECK(kind_of(r->dtype) <= kind_of(a->dtype), TypeError, "operator ", S.text, ": a result of type ",
                 r->dtype, " does not fit into a tensor of type ", a->dtype, "; use the operator without '='");
    if ((rebinds() && Py_TYPE(self) == tensor_type()) || (a->storage->origin() && goes_back_into_item())) {
      r->mask = a->mask;
      return py::cast(r);
    }
    if (r->requires_grad && (a->storage->origin() || has_other_names(self, a))) {
      PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
      return f
          .call_once_and_store_result([] { return py::module_::import("fastdl._functions.in_place").attr("operate"); })
          .get_stored()(py::handle(self), S.text, py::handle(other));
    }
    if (r->requires_grad) {
      r->mask = a->mask;
      return py::cast(r);
    }
    assign_(a, r);
    return py::reinterpret_borrow<py::object>(self);
  });
}

// Truth values are combined as such, integers bit by bit.
void check_bits(const Tensor& t, const char* symbol) {
  const DType type = t ? t->dtype : DType::float32;
  FASTDL_CHECK(type == DType::bool8 || is_integer(type), TypeError, "operator ", symbol,
               ": expected tensors of dtype bool or of integers, got ", type,
               "; compare first, or use logical_and, logical_or, logical_not");
}
// OfMasks: the function of truth values, if it is another.
template <Symbol S, Symbol Function, BinaryFunction... OfMasks>
Tensor of_bits(const Tensor& a, const Tensor& b) {
  check_bits(a, S.text);
  check_bits(b, S.text);
  if constexpr (sizeof...(OfMasks) > 0)
    if (a->dtype == DType::bool8 && b->dtype == DType::bool8) return (OfMasks(a, b), ...);
  return bits(a, b, Function.text);
}
Tensor inverted(const Tensor& t) {
  check_bits(t, "~");
  if (t->dtype == DType::bool8) return logical_not(t);
  return sub(cast(scalar(t->dtype == DType::uint8 ? 255 : -1), t->dtype), t);
}

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
  return t->dtype == DType::int64 ? py::int_(*static_cast<int64_t*>(on_cpu(t)->address())) : py::int_(int64_t(value));
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
std::string repr(const Tensor& t) {
  py::module_ np = py::module_::import("numpy");
  const py::dict options = py::module_::import("fastdl._base.printing").attr("OPTIONS");
  std::string text = py::str(np.attr("array2string")(array_from(numpy_readable(on_cpu(t))), py::arg("separator") = ", ",
                                                     py::arg("prefix") = "tensor(", **options));
  if (t->dtype != DType::float32 && t->dtype != DType::int64 && t->dtype != DType::bool8)
    text += std::string(", dtype=") + name_of(t->dtype);
  if (!t->storage->on_cpu()) text += ", device='" + t->device().name + "'";
  if (t->requires_grad) text += ", requires_grad=True";
  return "tensor(" + text + ")";
}

void check_same_layout(const Tensor& t, const Tensor& other, const char* who) {
  FASTDL_CHECK(other && other->shape == t->shape && other->dtype == t->dtype, ShapeError, who, ": expected shape ",
               t->shape, " and dtype ", t->dtype, ", got ", other ? other->shape : Shape{}, " and ",
               other ? other->dtype : t->dtype);
}

Py_hash_t hash(PyObject* self) {
  return number_of([&] { return Py_hash_t(uintptr_t(tensor_of(self).get()) >> 4); });
}
Py_ssize_t length(PyObject* self) {
  return number_of([&] {
    const Tensor& t = tensor_of(self);
    FASTDL_CHECK(t->shape.rank(), TypeError, "len() of a 0-dimensional tensor");
    return Py_ssize_t(t->shape[0]);
  });
}
int truth(PyObject* self) {
  return number_of([&] {
    const Tensor& t = tensor_of(self);
    FASTDL_CHECK(t->numel() == 1, ScalarError, "the truth value of a tensor with ", t->numel(),
                 " elements is ambiguous");
    return int(value_of(t) != 0);
  });
}
py::object index_of(const Tensor& t) {
  FASTDL_CHECK(!is_float(t->dtype) && t->numel() == 1, TypeError,
               "only an integer tensor with one element can be an index, this one is ", t->dtype, " of shape ",
               t->shape);
  return integer_of(t);
}

PyObject* get_item(PyObject* self, PyObject* key) {
  return result_of([&] { return item_of(tensor_of(self), key); });
}
PyObject* get_row(PyObject* self, Py_ssize_t i) {  // what iteration calls
  return result_of([&]() -> py::object {
    const py::int_ key(i);
    return py::reinterpret_steal<py::object>(get_item(self, key.ptr()));
  });
}
int set_item(PyObject* self, PyObject* key, PyObject* value) {
  return number_of([&] {
    FASTDL_CHECK(value, TypeError, "elements of a tensor cannot be deleted");
    set_item_of(tensor_of(self), key, value);
    return 0;
  });
}

// --- attributes ----------------------------------------------------------------------------------------------------

py::object grad_fn_of(const Tensor& t) {
  find_place(t);
  if (!t->node) return py::none();
  const py::object made = py::module_::import("fastdl._base.grad_fn").attr("GradFn");
  return made(static_cast<const Node*>(t->node.get())->op->name, t);
}
bool requires_grad(const Tensor& t) {
  note_requires_grad(t);
  if (t->storage) refresh_part(t);  // a place in the graph has none
  return t->requires_grad;
}
void set_requires_grad(const Tensor& t, py::handle value) {
  FASTDL_CHECK(PyBool_Check(value.ptr()), TypeError, "requires_grad: expected True or False, got ", type_name(value));
  const bool on = value.ptr() == Py_True;
  FASTDL_CHECK(!on || is_float(t->dtype), RuntimeError, "only tensors of floats can require a gradient, this one is ",
               t->dtype);
  FASTDL_CHECK(on || !t->node, RuntimeError, "requires_grad can only be switched off for leaves; use detach()");
  note_requires_grad(t);
  if (t->requires_grad != on) raise_epoch();
  t->requires_grad = on;
  if (!t->node) t->logits = nullptr;  // the gradient must reach the leaf itself
}

Tensor tensor_or_null(py::handle value) { return value.is_none() ? nullptr : operand(value.ptr()); }

// Where a tensor's gradient is: a leaf's own place, or that of its hooks.
Tensor& retained(const Tensor& t) {
  return t->node && t->hooks ? static_cast<GradHooks&>(*t->hooks).retained : t->grad;
}
// Gradients of some tensors only, added to their `grad`.
void backward_to(const Tensor& t, const Tensor& gradient, bool retain, bool create, const std::vector<Tensor>& inputs) {
  FASTDL_CHECK(!inputs.empty(), RuntimeError, "backward: inputs: expected at least one tensor");
  const std::vector<Tensor> found = grad({t}, {gradient}, inputs, retain, create);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!found[i]) continue;
    note_grad(inputs[i]);
    Tensor& sum = retained(inputs[i]);
    sum = sum ? add(sum, found[i]) : copy(found[i]);
  }
}

void set_grad(const Tensor& t, py::handle value) {
  const Tensor g = tensor_or_null(value);
  if (g) {
    check_same_layout(t, g, "grad");
    g->storage->set_origin(nullptr);
  }
  note_grad(t, false);
  retained(t) = g;
}
Tensor grad_of(const Tensor& t) {
  note_grad(t);
  return retained(t);
}
void set_grad_home(const Tensor& t, py::handle value) {
  const Tensor g = tensor_or_null(value);
  if (g) check_same_layout(t, g, "_grad_home");
  t->grad_home = g;
}
py::object logits_and_axis(const Tensor& t) {
  Tensor logits = logits_of(*t);
  return logits ? py::object(py::make_tuple(logits, t->logits_of)) : py::none();
}
template <auto Get>
PyGetSetDef attribute(const char* name, const char* doc) {
  return {name, &read<Get>, nullptr, doc, nullptr};
}
template <auto Get, auto Set>
PyGetSetDef attribute(const char* name, const char* doc) {
  return {name, &read<Get>, &write<Set>, doc, const_cast<char*>(name)};
}

PyGetSetDef attributes[] = {
    attribute<[](const Tensor& t) { return tuple_from(t->shape); }>("shape", "The length of each axis: a tuple."),
    attribute<[](const Tensor& t) { return dtype_to(t->dtype); }>("dtype", "The type of the elements."),
    attribute<[](const Tensor& t) { return t->shape.rank(); }>("ndim", "The number of axes."),
    attribute<[](const Tensor& t) { return size_of(t->dtype); }>("itemsize", "The size of an element in bytes."),
    attribute<[](const Tensor& t) { return t->bytes(); }>("nbytes", "The size of all elements in bytes."),
    attribute<[](const Tensor& t) { return !t->node; }>("is_leaf", "Whether it is no result of a recorded op."),
    attribute<&grad_fn_of>("grad_fn", "The name of the recorded op that made it, or None."),
    attribute<&requires_grad, &set_requires_grad>("requires_grad", "Whether backward computes its gradient."),
    attribute<&grad_of, &set_grad>("grad", "Its gradient, a tensor of the same shape and type, or None."),
    attribute<[](const Tensor& t) { return t->grad_home; }, &set_grad_home>("_grad_home", "Where grad is put."),
    attribute<&logits_and_axis>("_logits", "What softmax or sigmoid made it of, and the axis."),
    attribute<[](const Tensor& t) { return t->mask; }>("_keras_mask", "The mask with which a layer made it, or None."),
    attribute<[](const Tensor& t) { return t->storage->version(); }>("_version", "Counts the changes in place."),
    attribute<[](const Tensor& t) { return t->device().name; }>("_device", "The name of its device."),
    attribute<[](const Tensor& t) { return t->offset; }>("_offset", "Where it begins in its memory, in elements."),
    attribute<[](const Tensor& t) { return t->channels_last; }>("_channels_last", "Whether the values lie so."),
    attribute<[](const Tensor& t) { return t->storage->origin() != nullptr; }>(
        "_is_part", "Whether it stands for a part of another tensor."),
    attribute<&part_and_how>("_part", "The tensor that it is a part of, how, and its shape then; or None."),
    attribute<[](const Tensor& t) { return t->storage->read_only(); }>("_memory_is_read_only", "As NumPy's flag."),
    attribute<[](const Tensor& t) { return t->storage->shared(); }>("_memory_is_shared", "Whether others see it."),
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

// --- methods without arguments -------------------------------------------------------------------------------------

PyMethodDef methods[] = {
    {"numel", &method<[](const Tensor& t) { return t->numel(); }>, METH_NOARGS, "The number of elements."},
    {"data_ptr", &method<[](const Tensor& t) { return uintptr_t(t->address()); }>, METH_NOARGS,
     "The address of the first element."},
    {"numpy", &method<&array_from>, METH_NOARGS, "An array over the same memory."},
    {"tolist", &method<[](const Tensor& t) { return array_from(numpy_readable(on_cpu(t))).attr("tolist")(); }>,
     METH_NOARGS, "The elements as nested lists of Python numbers."},
    {"item", &method<&item_of>, METH_NOARGS, "The only element as a Python number."},
    {"detach", &method<&detach>, METH_NOARGS, "The same elements, without a gradient."},
    {"clone", &method<&copy>, METH_NOARGS, "A copy that passes gradients on."},
    {nullptr, nullptr, 0, nullptr}};

// Asks `_not_found` for the error where an attribute is missing. A `__getattr__` in Python would slow down all others.
PyObject* get_attribute(PyObject* self, PyObject* name) {
  PyObject* found = PyObject_GenericGetAttr(self, name);
  if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
  if (!PyUnicode_GET_LENGTH(name) || PyUnicode_READ_CHAR(name, 0) == '_') return nullptr;  // asked for by protocols
  PyErr_Clear();
  return PyObject_CallMethod(self, "_not_found", "O", name);
}

void fill_slots(PyHeapTypeObject* type) {
  PyTypeObject& t = type->ht_type;
  t.tp_getset = attributes;
  t.tp_methods = methods;
  t.tp_as_buffer = &type->as_buffer;
  type->as_buffer.bf_getbuffer = &get_buffer;
  t.tp_repr = &unary<&repr>;
  t.tp_hash = &hash;
  t.tp_getattro = &get_attribute;
  t.tp_richcompare = &compare;

  PyMappingMethods& m = type->as_mapping;
  m.mp_length = type->as_sequence.sq_length = &length;
  m.mp_subscript = &get_item;
  m.mp_ass_subscript = &set_item;
  type->as_sequence.sq_item = &get_row;

  PyNumberMethods& n = type->as_number;
  n.nb_add = &binary<add>;
  n.nb_subtract = &binary<sub>;
  n.nb_multiply = &binary<mul>;
  n.nb_true_divide = &binary<div>;
  n.nb_floor_divide = &binary<floor_divide>;
  n.nb_remainder = &binary<mod>;
  n.nb_power = [](PyObject* a, PyObject* b, PyObject* modulus) {
    return modulus == Py_None ? binary<pow>(a, b) : not_implemented().release().ptr();
  };
  n.nb_matrix_multiply = &binary<matmul_operator>;
  n.nb_and = &binary<of_bits<"&", "and", logical_and>>;
  n.nb_or = &binary<of_bits<"|", "or", logical_or>>;
  n.nb_xor = &binary<of_bits<"^", "xor", ne>>;
  n.nb_lshift = &binary<of_bits<"<<", "left_shift">>;
  n.nb_rshift = &binary<of_bits<">>", "right_shift">>;
  n.nb_inplace_add = &in_place<add, "+=">;
  n.nb_inplace_subtract = &in_place<sub, "-=">;
  n.nb_inplace_multiply = &in_place<mul, "*=">;
  n.nb_inplace_true_divide = &in_place<div, "/=">;
  n.nb_inplace_floor_divide = &in_place<floor_divide, "//=">;
  n.nb_inplace_remainder = &in_place<mod, "%=">;
  n.nb_inplace_power = [](PyObject* a, PyObject* b, PyObject* modulus) {
    return modulus == Py_None ? in_place<pow, "**=">(a, b) : not_implemented().release().ptr();
  };
  n.nb_inplace_matrix_multiply = &in_place<matmul_operator, "@=">;
  n.nb_inplace_and = &in_place<of_bits<"&", "and", logical_and>, "&=">;
  n.nb_inplace_or = &in_place<of_bits<"|", "or", logical_or>, "|=">;
  n.nb_inplace_xor = &in_place<of_bits<"^", "xor", ne>, "^=">;
  n.nb_inplace_lshift = &in_place<of_bits<"<<", "left_shift">, "<<=">;
  n.nb_inplace_rshift = &in_place<of_bits<">>", "right_shift">, ">>=">;
  n.nb_negative = &unary<neg>;
  n.nb_positive = &positive;
  n.nb_absolute = &unary<abs>;
  n.nb_invert = &unary<inverted>;
  n.nb_bool = &truth;
  n.nb_float = &unary<value_of>;
  n.nb_int = &unary<integer_of>;
  n.nb_index = &unary<index_of>;
}

}  // namespace

void bind_tensor(py::module_& m) {
  py::class_<TensorImpl, Tensor> c(m, "Tensor", py::custom_type_setup(&fill_slots));
  c.def(py::init(&from_sizes_or_values), py::kw_only(), py::arg("data") = py::none(), py::arg("dtype") = py::none());
  c.attr("__array_priority__") = 1000;  // NumPy's own operators give way to fastdl's

  c.def("_set_data", [](const Self& t, const Tensor& given) {
    check_same_layout(t, given, "_set_data");
    const Tensor other = in_order(given);
    other->storage->set_origin(nullptr);  // t owns it from now on
    move_to(t, other);
  });
  // Also of another shape.
  c.def("_exchange_data", [](const Self& t, const Tensor& given) {
    FASTDL_CHECK(given && given->dtype == t->dtype, TypeError, "data: expected a tensor of ", t->dtype, ", got ",
                 given ? given->dtype : t->dtype);
    const Tensor other = in_order(given);
    if (other->shape != t->shape) {
      FASTDL_CHECK(!t->node && t->use_count() <= 2, RuntimeError, "data: a tensor of shape ", t->shape,
                   " that a recorded op reads can't get the shape ", other->shape);
      t->grad = t->grad_home = nullptr;  // of the old shape
      t->shape = other->shape;
      t->logits = nullptr;
    }
    other->storage->set_origin(nullptr);  // t owns it from now on
    move_to(t, other);
  });
  c.def("_view", [](const Self& t, const Shape& shape, int64_t offset) {
    t->raw();  // raises unless the values lie in the order of the axes
    return view(t, shape, offset);
  });
  // From now on a copy of a part is a tensor of its own.
  c.def("_own", [](const Self& t) { t->storage->set_origin(nullptr); });
  c.def("_shares_storage", [](const Self& t, const Tensor& other) { return other && t->storage == other->storage; });
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
  c.def(
      "backward",
      [](const Self& t, const Tensor& gradient, std::optional<bool> retain, bool create,
         const std::optional<std::vector<Tensor>>& inputs) {
        inputs ? backward_to(t, gradient, retain.value_or(create), create, *inputs)
               : backward(t, gradient, retain.value_or(create), create);
      },
      py::arg("gradient") = py::none(), py::arg("retain_graph") = py::none(), py::arg("create_graph") = false,
      py::arg("inputs") = py::none());
  c.def("__format__", [](const Self& t, const std::string& spec) -> py::object {
    if (t->numel() != 1 || spec.empty()) return py::str(repr(t));
    return item_of(t).attr("__format__")(spec);
  });
  // Whether `a += b` binds the name to a new tensor, on this thread. Returns what was set before.
  m.def("set_rebinding", [](bool on) { return std::exchange(rebinds(), on); });
  m.def("layout_version", &layout_version);
  m.def("view_strides", &view_strides);
  m.def("window_of", &window_of, py::arg("shape"), py::arg("key"));
  m.def("epoch", &epoch);
  m.def("raise_epoch", &raise_epoch);
}

}  // namespace fastdl
