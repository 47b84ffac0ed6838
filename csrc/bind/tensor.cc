// class Tensor: properties, conversions, operators, and its place in the tape.
#include <cmath>

#include "autograd/tape.h"
#include "bind/convert.h"

namespace fastdl {
namespace {

using BinaryFunction = Tensor (*)(const Tensor&, const Tensor&);

Tensor copy_of(const Tensor& t) { return copy(t); }

// a <op> b, b <op> a for array-likes; NotImplemented for anything else, so that its own operator is asked.
template <BinaryFunction F>
void bind_operator(py::class_<TensorImpl, Tensor>& c, const char* name, const char* reflected) {
  c.def(name, [](const Tensor& a, py::object b) -> py::object {
    if (!is_array_like(b)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
    return py::cast(F(a, tensor_from(b, std::nullopt, false)));
  });
  if (reflected)
    c.def(reflected, [](const Tensor& a, py::object b) -> py::object {
      if (!is_array_like(b)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
      return py::cast(F(tensor_from(b, std::nullopt, false), a));
    });
}

// a <op>= b: in the same memory where the tape does not need the old value and the result fits; otherwise
// the name is bound to a new tensor.
template <BinaryFunction F>
void bind_in_place(py::class_<TensorImpl, Tensor>& c, const char* name) {
  c.def(name, [](const Tensor& a, const Tensor& b) -> Tensor {
    Tensor r = F(a, b);
    if (r->requires_grad || r->shape != a->shape || r->dtype != a->dtype) return r;
    assign_(a, r);
    return a;
  });
}

Tensor matmul_operator(const Tensor& a, const Tensor& b) { return matmul(a, b, false, false); }

template <class T>
T value_of(const Tensor& t) {
  note_host_read(t);
  return T(item(t));
}

py::object item_of(const Tensor& t) {
  note_host_read(t);
  if (is_float(t->dtype)) return py::float_(item(t));
  if (t->dtype == DType::bool8) return py::bool_(item(t) != 0);
  FASTDL_CHECK(t->numel() == 1, ValueError,
               "item: expected a tensor with one element, got shape ", t->shape);
  return t->dtype == DType::int64 ? py::int_(*t->data<int64_t>()) : py::int_(int64_t(item(t)));
}

std::string repr(const Tensor& t) {
  py::module_ np = py::module_::import("numpy");
  std::string text = py::str(np.attr("array2string")(array_from(t), py::arg("separator") = ", ",
                                                     py::arg("prefix") = "tensor("));
  if (t->dtype != DType::float32 && t->dtype != DType::int64 && t->dtype != DType::bool8)
    text += std::string(", dtype=") + name_of(t->dtype);
  if (t->requires_grad) text += ", requires_grad=True";
  return "tensor(" + text + ")";
}

// Bare pybind11 would run the module lookup for every index; the functions are looked up once.
py::object indexing(const char* name) {
  return py::module_::import("fastdl._indexing").attr(name);
}

void check_same_layout(const Tensor& t, const Tensor& other, const char* who) {
  FASTDL_CHECK(other && other->shape == t->shape && other->dtype == t->dtype, ValueError, who,
               ": expected shape ", t->shape, " and dtype ", t->dtype, ", got ",
               other ? other->shape : Shape{}, " and ", other ? other->dtype : t->dtype);
}

}  // namespace

void bind_tensor(py::module_& m) {
  py::class_<TensorImpl, Tensor> c(m, "Tensor", py::buffer_protocol());
  c.def(py::init([](py::object data, py::object dtype) {
          std::optional<DType> t;
          if (!dtype.is_none()) t = dtype_from(dtype);
          return detach(tensor_from(data, t, false));
        }),
        py::arg("data"), py::arg("dtype") = py::none());

  c.def_property_readonly("shape", [](const TensorImpl& t) { return tuple_from(t.shape); });
  c.def_property_readonly("dtype", [](const TensorImpl& t) { return t.dtype; });
  c.def_property_readonly("ndim", [](const TensorImpl& t) { return t.shape.rank(); });
  c.def_property_readonly("itemsize", [](const TensorImpl& t) { return size_of(t.dtype); });
  c.def_property_readonly("nbytes", &TensorImpl::bytes);
  c.def("numel", &TensorImpl::numel);
  c.def_property_readonly("is_leaf", [](const TensorImpl& t) { return !t.node; });
  c.def_property_readonly("grad_fn", [](const TensorImpl& t) -> py::object {
    if (!t.node) return py::none();
    return py::str(static_cast<const Node*>(t.node.get())->op->name);
  });
  c.def_property(
      "requires_grad", [](const TensorImpl& t) { return t.requires_grad; },
      [](TensorImpl& t, bool on) {
        FASTDL_CHECK(!on || is_float(t.dtype), RuntimeError,
                     "only float32 tensors can require a gradient, this one is ", t.dtype);
        FASTDL_CHECK(on || !t.node, RuntimeError,
                     "requires_grad can only be switched off for leaves; use detach()");
        t.requires_grad = on;
      });
  c.def_property(
      "grad", [](const TensorImpl& t) { return t.grad; },
      [](const Tensor& t, const Tensor& g) {
        if (g) check_same_layout(t, g, "grad");
        t->grad = g;
      });
  c.def_property(
      "_grad_home", [](const TensorImpl& t) { return t.grad_home; },
      [](const Tensor& t, const Tensor& g) {
        if (g) check_same_layout(t, g, "_grad_home");
        t->grad_home = g;
      });
  c.def_property_readonly("_logits", [](const TensorImpl& t) -> py::object {
    if (!t.logits) return py::none();
    return py::make_tuple(t.logits, t.logits_of);
  });
  c.def_property_readonly("_version", [](const TensorImpl& t) { return t.storage->version(); });
  c.def("_set_data", [](const Tensor& t, const Tensor& other) {
    check_same_layout(t, other, "_set_data");
    move_to(t, other);
  });
  c.def("_view", [](const Tensor& t, const Shape& shape, int64_t offset) {
    return view(t, shape, offset);
  });
  c.def("_shares_storage", [](const Tensor& t, const Tensor& other) {
    return t->storage == other->storage;
  });
  c.def_property_readonly("_offset", [](const TensorImpl& t) { return t.offset; });
  c.def("data_ptr", [](const TensorImpl& t) { return uintptr_t(t.raw()); });

  c.def("numpy", &array_from);
  c.def("tolist", [](const Tensor& t) { return array_from(t).attr("tolist")(); });
  c.def("item", &item_of);
  c.def(
      "__array__",
      [](const Tensor& t, py::object dtype, py::object copy) -> py::object {
        py::object a = array_from(t);
        if (!dtype.is_none() && !py::dtype::from_args(dtype).equal(dtype_to(t->dtype)))
          return a.attr("astype")(dtype);
        return !copy.is_none() && copy.cast<bool>() ? a.attr("copy")() : a;
      },
      py::arg("dtype") = py::none(), py::arg("copy") = py::none());
  c.def_buffer([](TensorImpl& t) -> py::buffer_info {
    note_host_read(Tensor(&t));
    std::vector<py::ssize_t> shape(t.shape.begin(), t.shape.end()), strides(shape.size());
    py::ssize_t step = size_of(t.dtype);
    for (size_t i = shape.size(); i-- > 0; step *= shape[i]) strides[i] = step;
    constexpr const char* formats[] = {"?", "B", "i", "q", "f"};
    return {t.raw(), py::ssize_t(size_of(t.dtype)), formats[int(t.dtype)], t.shape.rank(), shape,
            strides, t.storage->read_only()};
  });
  c.def("__dlpack__", [](const Tensor& t, const py::kwargs& options) {
    return array_from(t).attr("__dlpack__")(**options);
  });
  c.def("__dlpack_device__", [](const Tensor&) { return py::make_tuple(1, 0); });  // kDLCPU
  c.attr("__array_priority__") = 1000;  // NumPy's own operators give way to ours

  c.def("detach", [](const Tensor& t) { return detach(t); });
  c.def("clone", &copy_of);
  c.def("backward", [](const Tensor& t, const Tensor& gradient, bool retain, bool create) {
          backward(t, gradient, retain, create);
        },
        py::arg("gradient") = py::none(), py::arg("retain_graph") = false,
        py::arg("create_graph") = false);

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
  bind_operator<logical_and>(c, "__and__", "__rand__");
  bind_operator<logical_or>(c, "__or__", "__ror__");
  bind_in_place<add>(c, "__iadd__");
  bind_in_place<sub>(c, "__isub__");
  bind_in_place<mul>(c, "__imul__");
  bind_in_place<div>(c, "__itruediv__");
  c.def("__neg__", &neg);
  c.def("__abs__", &abs);
  c.def("__invert__", &logical_not);
  c.def("__hash__", [](const TensorImpl& t) { return std::hash<const void*>()(&t); });

  c.def("__len__", [](const TensorImpl& t) {
    FASTDL_CHECK(t.shape.rank(), TypeError, "len() of a 0-dimensional tensor");
    return t.shape[0];
  });
  c.def("__bool__", [](const Tensor& t) {
    FASTDL_CHECK(t->numel() == 1, ValueError,
                 "the truth value of a tensor with ", t->numel(), " elements is ambiguous");
    return value_of<double>(t) != 0;
  });
  c.def("__float__", &value_of<double>);
  c.def("__int__", &value_of<int64_t>);
  c.def("__index__", [](const Tensor& t) {
    FASTDL_CHECK(!is_float(t->dtype), TypeError, "a float32 tensor cannot be used as an index");
    return value_of<int64_t>(t);
  });
  c.def("__repr__", &repr);
  c.def("__format__", [](const Tensor& t, const std::string& spec) -> py::object {
    if (t->numel() != 1 || spec.empty()) return py::str(repr(t));
    return item_of(t).attr("__format__")(spec);
  });
  m.def("layout_version", &layout_version);

  c.def("__getitem__", [](py::object t, py::object key) {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
    return f.call_once_and_store_result([] { return indexing("getitem"); }).get_stored()(t, key);
  });
  c.def("__setitem__", [](py::object t, py::object key, py::object value) {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> f;
    f.call_once_and_store_result([] { return indexing("setitem"); }).get_stored()(t, key, value);
  });
}

}  // namespace fastdl
