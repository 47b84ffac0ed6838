// The op list as Python functions. They bypass pybind11's dispatch. So an error names the wrong argument instead of a
// list of C++ signatures, and a call costs less.
#include <algorithm>
#include <string_view>
#include <tuple>

#include "autograd/tape.h"
#include "bind/convert.h"
#include "bind/signature.h"
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
struct As<py::object> {
  static py::object from(py::handle h) { return py::reinterpret_borrow<py::object>(h); }
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
    // A text or a list would mean "no" as often as "yes". Of numbers, 0 and 1 are flags in older code.
    const bool numpys = std::string_view(Py_TYPE(h.ptr())->tp_name).starts_with("numpy.bool");
    const int truth = PyBool_Check(h.ptr()) || PyLong_Check(h.ptr()) || numpys ? PyObject_IsTrue(h.ptr()) : -1;
    if (truth < 0) {
      PyErr_Clear();
      raise<TypeError>("expected True or False, got ", type_name(h));
    }
    return truth;
  }
};
template <>
struct As<std::string> {
  static std::string from(py::handle h) {
    FASTDL_CHECK(PyUnicode_Check(h.ptr()), TypeError, "expected a string, got ", type_name(h));
    Py_ssize_t size;
    const char* text = PyUnicode_AsUTF8AndSize(h.ptr(), &size);
    if (!text) throw py::error_already_set();
    return {text, size_t(size)};
  }
};
template <>
struct As<Precision> {
  static Precision from(py::handle h) {
    const std::string name = As<std::string>::from(h);
    FASTDL_CHECK(name == "float32" || name == "bfloat16", ValueError, "expected 'float32' or 'bfloat16', got '", name,
                 "'");
    return name == "bfloat16" ? Precision::bfloat16 : Precision::float32;
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
template <class T>  // a mapping from names
struct As<std::vector<std::pair<std::string, T>>> {
  static std::vector<std::pair<std::string, T>> from(py::handle h) {
    std::vector<std::pair<std::string, T>> r;
    if (h.is_none()) return r;
    FASTDL_CHECK(PyDict_Check(h.ptr()), TypeError, "expected a dict, got ", type_name(h));
    PyObject *key, *value;
    for (Py_ssize_t at = 0; PyDict_Next(h.ptr(), &at, &key, &value);) {
      const auto name = py::reinterpret_borrow<py::object>(key), held = py::reinterpret_borrow<py::object>(value);
      try {
        r.emplace_back(As<std::string>::from(name), As<T>::from(held));
      } catch (const TypeError& e) {
        raise<TypeError>(std::string(py::str(name)), ": ", e.what());
      }
    }
    return r;
  }
};
template <class T>
struct As<std::optional<T>> {
  static std::optional<T> from(py::handle h) {
    if (h.is_none()) return std::nullopt;
    return As<T>::from(h);
  }
};

// --- calls -----------------------------------------------------------------------------------------------------

template <class T>
T argument(const Signature& s, PyObject* const* values, size_t i) {
  try {
    return As<T>::from(values[i]);
  } catch (const TypeError& e) {
    raise<TypeError>(s.op(), ": argument '", s.name(i), "': ", e.what());
  } catch (const ShapeError& e) {
    raise<ShapeError>(s.op(), ": argument '", s.name(i), "': ", e.what());
  } catch (const ValueError& e) {
    raise<ValueError>(s.op(), ": argument '", s.name(i), "': ", e.what());
  }
}

template <class R, class... Args, size_t... I>
py::object invoke(R (*f)(Args...), const Signature& s, PyObject* const* values, std::index_sequence<I...>) {
  std::tuple<std::decay_t<Args>...> arguments{argument<std::decay_t<Args>>(s, values, I)...};  // braces: in order
  if constexpr (std::is_void_v<R>) {
    std::apply(f, arguments);
    return py::none();
  } else {
    return py::cast(std::apply(f, arguments));
  }
}

template <class R, class... Args>
PyObject* call(R (*f)(Args...), const Signature& s, PyObject* const* values, Py_ssize_t count, PyObject* keywords) {
  constexpr size_t parameters = sizeof...(Args);
  try {
    PyObject* all[parameters];
    if (keywords || size_t(count) != parameters) {
      s.arrange(all, values, count, keywords);
      values = all;
    }
    return invoke(f, s, values, std::index_sequence_for<Args...>()).release().ptr();
  } catch (const std::exception&) {  // not the unwinding that ends a thread at process exit
    set_python_error(std::current_exception());
    return nullptr;
  }
}

std::optional<DType> wanted(const py::object& dtype, const py::object& data, bool keep_type) {
  if (dtype.is_none()) return keep_type ? stored_type(data) : std::nullopt;
  return dtype_from(dtype);
}

// --- functions that are no ops, but that start so many calls that pybind11's dispatch would be felt ---------------

// A Python number becomes an ordinary tensor, not a weak one. With keep_type an array of a storage type keeps its
// type; without, it becomes a type to compute with.
Tensor made_tensor(const py::object& data, const py::object& dtype, bool keep_type, bool copy) {
  const Tensor r = tensor_from(data, wanted(dtype, data, keep_type), copy);
  return r->weak ? detach(r) : r;
}
Tensor tensor(const py::object& data, const py::object& dtype, bool keep_type) {
  return made_tensor(data, dtype, keep_type, true);
}
Tensor as_tensor(const py::object& data, const py::object& dtype, bool keep_type) {
  return made_tensor(data, dtype, keep_type, false);
}
Tensor empty(const Shape& shape, DType dtype) { return fastdl::empty(shape, dtype); }
Tensor full(const Shape& shape, DType dtype, const py::object& value) {
  const Tensor one = tensor_from(value, dtype, false);
  FASTDL_CHECK(one->numel() == 1, ShapeError, "full: expected one value, got shape ", one->shape);
  return filled(shape, dtype, one->raw());
}
// x as another object that has this mask.
Tensor with_mask(const Tensor& x, const Tensor& mask) {
  FASTDL_CHECK(x && mask, TypeError, "with_mask: expected two tensors, got None");
  find_place(x);
  const Tensor r = x->requires_grad && !x->node ? reshape(x, x->shape) : alias(x);
  r->mask = mask->mask ? detach(mask) : mask;
  return r;
}

#define OTHERS(F)                                                                                         \
  F(tensor, (const py::object& data, const py::object& dtype = nullptr, bool keep_type = false))          \
  F(as_tensor, (const py::object& data, const py::object& dtype = nullptr, bool keep_type = false))       \
  F(empty, (const Shape& shape, DType dtype))                                                             \
  F(full, (const Shape& shape, DType dtype, const py::object& value))                                     \
  F(note_part, (const Tensor& copy, const Tensor& original, const py::object& how))                       \
  F(transposed, (const Tensor& x, const Axes& perm = std::nullopt))                                       \
  F(expanded, (const Tensor& x, const Shape& shape))                                                      \
  F(cut, (const Tensor& x, const std::vector<int64_t>& sizes, int64_t axis))                              \
  F(unbound, (const Tensor& x, int64_t axis))                                                             \
  F(squeeze, (const Tensor& x, const Axes& dim))                                                          \
  F(unsqueeze, (const Tensor& x, int64_t dim))                                                            \
  F(exchanged, (const Tensor& x, int64_t one, int64_t other, const std::string& who))                     \
  F(flip, (const Tensor& x, const Axes& dims, const std::string& who))                                    \
  F(diagonal_of, (const Tensor& x, int64_t offset, int64_t axis1, int64_t axis2, const std::string& who)) \
  F(diagonal, (const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2))                              \
  F(in_own_order, (const Tensor& x))                                                                      \
  F(reshaped, (const Tensor& x, const Shape& shape))                                                      \
  F(with_mask, (const Tensor& x, const Tensor& mask))

#define FUNCTION(name, ...)                                                                         \
  Signature signature_##name;                                                                       \
  PyObject* call_##name(PyObject*, PyObject* const* values, Py_ssize_t count, PyObject* keywords) { \
    return call(&name, signature_##name, values, count, keywords);                                  \
  }
#define OP(result, name, parameters, doc) FUNCTION(name)
#include "ops/ops.inc"
#undef OP
OTHERS(FUNCTION)

bool has_mask(PyObject* x);
// Whether a tensor in nested tuples, lists and dicts has a mask.
bool holds_mask(PyObject* x) {
  static PyTypeObject* const tensor_type = py::detail::get_type_info(typeid(TensorImpl), true)->type;
  if (PyObject_TypeCheck(x, tensor_type)) {
    const auto held = reinterpret_cast<py::detail::instance*>(x)->get_value_and_holder();
    return held.holder_constructed() && held.holder<Tensor>()->mask;
  }
  if (PyDict_Check(x)) {
    PyObject *key, *value;
    for (Py_ssize_t at = 0; PyDict_Next(x, &at, &key, &value);)
      if (has_mask(value)) return true;
  } else if (PyTuple_Check(x) || PyList_Check(x)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(x); ++i)
      if (has_mask(PySequence_Fast_GET_ITEM(x, i))) return true;
  }
  return false;
}
bool has_mask(PyObject* x) {
  if (Py_EnterRecursiveCall(" while looking for masks")) throw py::error_already_set();
  struct Leave {
    ~Leave() { Py_LeaveRecursiveCall(); }
  } leave;
  return holds_mask(x);
}
// Layers ask in every call, so it has no signature to read.
PyObject* call_has_mask(PyObject*, PyObject* const* values, Py_ssize_t count) {
  try {
    for (Py_ssize_t i = 0; i < count; ++i)
      if (has_mask(values[i])) Py_RETURN_TRUE;
    Py_RETURN_FALSE;
  } catch (const std::exception&) {
    set_python_error(std::current_exception());
    return nullptr;
  }
}

struct Row {
  const char *name, *parameters, *doc;
  Signature& signature;
  PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
};
const Row op_rows[] = {
#define OP(result, name, parameters, doc) {#name, #parameters, doc, signature_##name, call_##name},
#include "ops/ops.inc"
#undef OP
};
const Row other_rows[] = {
#define ROW(name, parameters) {#name, #parameters, "", signature_##name, call_##name},
    OTHERS(ROW)
#undef ROW
};
PyMethodDef functions[std::size(op_rows) + std::size(other_rows) + 2];

void add_functions(py::module_& m) {
  PyMethodDef* next = functions;
  const auto add = [&](const Row& r) {
    r.signature.read(r.name, r.parameters, r.doc);
    *next++ = {r.name, reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(r.function)),
               METH_FASTCALL | METH_KEYWORDS, r.signature.doc()};
  };
  for (const Row& r : op_rows) add(r);
  for (const Row& r : other_rows) add(r);
  *next++ = {"has_mask", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&call_has_mask)), METH_FASTCALL,
             "Whether a tensor in the arguments, also in tuples, lists and dicts, has a mask."};
  if (PyModule_AddFunctions(m.ptr(), functions)) throw py::error_already_set();
}

// A sink written in Python. `places` is a list of tensors or None; `parts` says whether large gradients may come as
// Product, `rows` has the numbers of those that may come as Rows; take(i, gradient) receives them.
class PythonSink : public GradientSink {
 public:
  PythonSink(const py::object& sink, size_t inputs)
      : take_(sink.attr("take")),
        places_(sink.attr("places").cast<std::vector<Tensor>>()),
        parts_(sink.attr("parts").cast<bool>()),
        rows_(inputs) {
    FASTDL_CHECK(places_.size() == inputs, ValueError, "grad_into: expected a place or None for each of ", inputs,
                 " inputs, got ", places_.size());
    for (size_t i : sink.attr("rows").cast<std::vector<size_t>>()) {
      FASTDL_CHECK(i < inputs, IndexError, "grad_into: rows: expected numbers of ", inputs, " inputs, got ", i);
      rows_[i] = true;
    }
  }
  Tensor place(size_t i) override { return places_[i]; }
  bool takes_parts(size_t i) override { return parts_ && places_[i] && places_[i]->numel() >= kLarge; }
  void take(size_t i, const Tensor& whole) override { take_(i, whole); }
  void take(size_t i, const Product& p) override {
    const double operations = 2.0 * double(p.rows()) * double(p.columns()) * double(p.depth());
    if (operations > operations_left_) return GradientSink::take(i, p);
    operations_left_ -= operations;
    take_(i, p);
  }
  bool takes_rows(size_t i) override { return rows_[i]; }
  void take(size_t i, const Rows& r) override { take_(i, r); }

 private:
  static constexpr int64_t kLarge = int64_t(1) << 20;
  py::object take_;
  std::vector<Tensor> places_;
  bool parts_;
  std::vector<bool> rows_;
  double operations_left_ = 0x1p34;  // limits the postponed work, which nothing can interrupt
};

}  // namespace

void bind_ops(py::module_& m) {
  // Whether products that ask for no precision take bfloat16 operands, on this thread. Returns what was set before.
  m.def("set_autocast", [](bool on) {
    const bool before = autocast_precision() == Precision::bfloat16;
    set_autocast_precision(on ? Precision::bfloat16 : Precision::float32);
    return before;
  });
  m.def("autocast", [] { return autocast_precision() == Precision::bfloat16; });
  add_functions(m);
  m.def("op_names", [] {
    std::vector<std::string> names;
    for (const Row& r : op_rows) names.push_back(r.name);
    return names;
  });

  m.def("update_rules", [] {
    py::dict found;
    for (const RuleDescription& rule : update_rules()) {
      py::dict parameters;
      for (const auto& [name, value] : rule.parameters) parameters[py::str(name)] = value;
      found[py::str(rule.name)] = py::make_tuple(rule.states, parameters);
    }
    return found;
  });

  m.def("dtype", [](const py::object& dtype) { return dtype_from(dtype); }, py::arg("dtype"));
  m.def("dlpack_as_integers", [](const py::object& capsule) { return retype(capsule, true); });
  m.def("bits_of", [](const Tensor& t) { return array_of_bits(t); });
  m.def("bfloat16_of", [](const py::array& bits) {
    FASTDL_CHECK(bits.itemsize() == 2, TypeError, "bfloat16_of: expected 16-bit integers");
    return held(bits, DType::bfloat16, false);
  });
  m.def("promote_types", py::overload_cast<DType, DType>(&promote), py::arg("a"), py::arg("b"));

  m.def("grad_enabled", &grad_enabled);
  m.def("set_grad_enabled", [](bool on) {
    bool before = grad_enabled();
    set_grad_enabled(on);
    return before;
  });
  m.def(
      "grad",
      [](const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads, const std::vector<Tensor>& inputs,
         bool retain_graph, bool create_graph,
         uint64_t since) { return grad(roots, root_grads, inputs, retain_graph, create_graph, since); },
      py::arg("roots"), py::arg("root_grads"), py::arg("inputs"), py::arg("retain_graph") = false,
      py::arg("create_graph") = false, py::arg("since") = 0);
  m.def(
      "grad_into",
      [](py::object sink, const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads,
         const std::vector<Tensor>& inputs, bool retain_graph, bool create_graph) {
        PythonSink receiver(sink, inputs.size());
        grad(roots, root_grads, inputs, retain_graph, create_graph, receiver);
      },
      py::arg("sink"), py::arg("roots"), py::arg("root_grads"), py::arg("inputs"), py::arg("retain_graph") = false,
      py::arg("create_graph") = false);
  py::class_<Product>(m, "Product", py::custom_type_setup(&refuse_pickling))
      .def_property_readonly("shape", [](const Product& p) { return py::make_tuple(p.rows(), p.columns()); })
      .def("rows", &compute_rows, py::arg("first"), py::arg("count"), py::arg("into") = Tensor());
  py::class_<Rows>(m, "Rows", py::custom_type_setup(&refuse_pickling))
      .def_property_readonly("ids", [](const Rows& r) { return r.ids; })
      .def_property_readonly("values", [](const Rows& r) { return r.values; });

  generator();  // made before any step is recorded
  m.def("make_generator", &make_generator, py::arg("seed"), py::arg("counter") = 0);
  m.def("use_generator", &use_generator);
  m.def("current_generator", [] { return generator(); });
  m.def("set_array_observer", &set_array_observer);
  m.def("writes_in_place", [] { return writes_in_place(); });
  m.def("set_writes_in_place", [](uint64_t writes) { writes_in_place() = writes; });
  // keep_random_numbers makes all draws so far final. give_back_random_numbers undoes the draws since then.
  m.def("keep_random_numbers", &keep_draws);
  m.def("give_back_random_numbers", &give_back_draws);
  m.def("manual_seed", &manual_seed);
  m.def(
      "get_rng_state",
      [](const Tensor& of) {
        const RngState s = rng_state(of ? of : generator());
        return std::make_pair(s.seed, s.counter);
      },
      py::arg("generator") = py::none());
  m.def(
      "set_rng_state",
      [](uint64_t seed, uint64_t counter, const Tensor& of) { set_rng_state(of ? of : generator(), seed, counter); },
      py::arg("seed"), py::arg("counter"), py::arg("generator") = py::none());
}

}  // namespace fastdl
