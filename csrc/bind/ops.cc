// The op list as Python functions. Positional arguments only: names, defaults and docstrings are the Python
// layer's (fastdl/ops). They don't go through pybind11's dispatch, so that a wrong argument is reported by
// its name instead of by a list of C++ signatures, and a call costs a fraction.
#include <algorithm>
#include <string_view>
#include <tuple>

#include "autograd/tape.h"
#include "bind/convert.h"
#include "core/rng.h"

namespace fastdl {
namespace {

// --- arguments: what(h) is the C++ value of h; TypeError or ValueError say what was expected ------------------

template <class T>
struct As;

template <>
struct As<Tensor> {
  static Tensor from(py::handle h) { return h.is_none() ? nullptr : tensor_from(h, std::nullopt, false); }
};
template <>
struct As<std::vector<Tensor>> {
  static std::vector<Tensor> from(py::handle h) {
    FASTDL_CHECK(PySequence_Check(h.ptr()) && !PyUnicode_Check(h.ptr()), TypeError,
                 "expected a sequence of tensors, got ", type_name(h));
    std::vector<Tensor> r;
    for_each_item(h, [&](const py::object& item) { r.push_back(As<Tensor>::from(item)); });
    return r;
  }
};
template <>
struct As<DType> {
  static DType from(py::handle h) { return dtype_from(h); }
};
template <>
struct As<double> {
  static double from(py::handle h) {
    const double v = PyFloat_AsDouble(h.ptr());
    if (v == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      raise<TypeError>("expected a number, got ", type_name(h));
    }
    return v;
  }
};
template <>
struct As<bool> {
  static bool from(py::handle h) {
    const int truth = PyObject_IsTrue(h.ptr());
    if (truth < 0) throw py::error_already_set();
    return truth;
  }
};
template <>
struct As<std::string> {
  static std::string from(py::handle h) {
    FASTDL_CHECK(PyUnicode_Check(h.ptr()), TypeError, "expected a string, got ", type_name(h));
    return h.cast<std::string>();
  }
};
template <>
struct As<int64_t> {
  static int64_t from(py::handle h) { return integer_from(h); }
};
template <>
struct As<std::vector<int64_t>> {
  static std::vector<int64_t> from(py::handle h) { return integers_from(h); }
};
template <>
struct As<Shape> {
  static Shape from(py::handle h) { return shape_from(integers_from(h)); }
};
template <class T>
struct As<std::optional<T>> {
  static std::optional<T> from(py::handle h) {
    if (h.is_none()) return std::nullopt;
    return As<T>::from(h);
  }
};

// --- calls -----------------------------------------------------------------------------------------------------

// The name of parameter i in "(const Tensor& x, int64_t axis)".
std::string_view parameter_name(std::string_view list, size_t i) {
  list = list.substr(1, list.size() - 2);
  for (; i; --i) list.remove_prefix(list.find(',') + 1);
  list = list.substr(0, list.find(','));
  return list.substr(list.find_last_of(" &") + 1);
}

template <class T>
T argument(const char* op, const char* parameters, PyObject* const* values, size_t i) {
  try {
    return As<T>::from(values[i]);
  } catch (const TypeError& e) {
    raise<TypeError>(op, ": argument '", parameter_name(parameters, i), "': ", e.what());
  } catch (const ValueError& e) {
    raise<ValueError>(op, ": argument '", parameter_name(parameters, i), "': ", e.what());
  }
}

template <class R, class... Args, size_t... I>
py::object invoke(R (*f)(Args...), const char* op, const char* parameters, PyObject* const* values,
                  std::index_sequence<I...>) {
  std::tuple<std::decay_t<Args>...> arguments{
      argument<std::decay_t<Args>>(op, parameters, values, I)...};  // braces: in order
  if constexpr (std::is_void_v<R>) {
    std::apply(f, arguments);
    return py::none();
  } else {
    return py::cast(std::apply(f, arguments));
  }
}

template <class R, class... Args>
PyObject* call(R (*f)(Args...), const char* op, const char* parameters, PyObject* const* values,
               Py_ssize_t count) {
  constexpr Py_ssize_t expected = sizeof...(Args);
  try {
    FASTDL_CHECK(count == expected, TypeError, op, ": expected ", expected, " arguments, got ", count);
    return invoke(f, op, parameters, values, std::index_sequence_for<Args...>()).release().ptr();
  } catch (...) {
    set_python_error(std::current_exception());
    return nullptr;
  }
}

#define OP(result, name, parameters)                                                             \
  PyObject* call_##name(PyObject*, PyObject* const* values, Py_ssize_t count) {                  \
    return call(&name, #name, #parameters, values, count);                                       \
  }
#include "ops/ops.inc"
#undef OP

PyMethodDef functions[] = {
#define OP(result, name, parameters) \
  {#name, reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&call_##name)), METH_FASTCALL, nullptr},
#include "ops/ops.inc"
#undef OP
    {nullptr, nullptr, 0, nullptr}};

std::optional<DType> wanted(const py::object& dtype) {
  if (dtype.is_none()) return std::nullopt;
  return dtype_from(dtype);
}

}  // namespace

void bind_ops(py::module_& m) {
  if (PyModule_AddFunctions(m.ptr(), functions)) throw py::error_already_set();
  m.def("op_names", [] {
    std::vector<std::string> names;
    for (const PyMethodDef* f = functions; f->ml_name; ++f) names.push_back(f->ml_name);
    return names;
  });

  // A Python number becomes an ordinary tensor: with a type of its own, not weak.
  m.def("tensor", [](py::object data, py::object dtype) {
          Tensor r = tensor_from(data, wanted(dtype), true);
          return r->weak ? detach(r) : r;
        },
        py::arg("data"), py::arg("dtype") = py::none());
  m.def("as_tensor", [](py::object data, py::object dtype) {
          Tensor r = tensor_from(data, wanted(dtype), false);
          return r->weak ? detach(r) : r;
        },
        py::arg("data"), py::arg("dtype") = py::none());
  m.def("empty", [](const Shape& shape, DType dtype) { return empty(shape, dtype); });
  m.def("full", [](const Shape& shape, DType dtype, py::object value) {
    Tensor one = tensor_from(value, dtype, false);
    FASTDL_CHECK(one->numel() == 1, ValueError, "full: expected one value, got shape ", one->shape);
    return filled(shape, dtype, one->raw());
  });

  m.def("grad_enabled", &grad_enabled);
  m.def("set_grad_enabled", [](bool on) {
    bool before = grad_enabled();
    set_grad_enabled(on);
    return before;
  });
  // With `waiting` an entry of the list may be a Product.
  m.def("grad", [](const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads,
                   const std::vector<Tensor>& inputs, bool retain_graph, bool create_graph, bool at_home,
                   bool waiting) {
          std::vector<Product> products;
          const std::vector<Tensor> gradients = grad(roots, root_grads, inputs, retain_graph, create_graph,
                                                     at_home, waiting ? &products : nullptr);
          py::list found;
          for (size_t i = 0; i < gradients.size(); ++i)
            found.append(waiting && products[i] ? py::cast(products[i]) : py::cast(gradients[i]));
          return found;
        },
        py::arg("roots"), py::arg("root_grads"), py::arg("inputs"), py::arg("retain_graph"),
        py::arg("create_graph"), py::arg("at_home") = false, py::arg("waiting") = false);
  py::class_<Product>(m, "Product")
      .def_property_readonly("shape", [](const Product& p) { return py::make_tuple(p.rows(), p.columns()); })
      .def("rows", &compute_rows, py::arg("first"), py::arg("count"), py::arg("into") = Tensor());

  m.def("writes_in_place", [] { return writes_in_place(); });
  m.def("set_writes_in_place", [](uint64_t writes) { writes_in_place() = writes; });
  // What was drawn until now is drawn for good; what has been drawn since, give_back_random_numbers undoes.
  m.def("keep_random_numbers", [] { Generator::kept = generator().counter; });
  m.def("give_back_random_numbers", [] { generator().counter = Generator::kept; });
  m.def("manual_seed", &manual_seed);
  m.def("get_rng_state", [] { return std::make_pair(generator().seed.load(), generator().counter.load()); });
  m.def("set_rng_state", [](uint64_t seed, uint64_t counter) { generator().set(seed, counter); });
}

}  // namespace fastdl
