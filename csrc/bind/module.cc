// The extension module fastdl._core: error translation and the machine's configuration.
#include "bind/convert.h"
#include "bind/interrupt.h"
#include "core/parallel.h"
#include "core/threading.h"
#include "cpu/gemm_bf16.h"
#include "cpu/isa.h"

namespace fastdl {

namespace {

// PyTorch raises a RuntimeError for most arguments, where Keras and NumPy raise a ValueError, TypeError or IndexError.
// A program in either style catches these classes.
PyObject *argument_error = PyExc_ValueError, *shape_error = PyExc_ValueError, *dtype_error = PyExc_TypeError,
         *range_error = PyExc_IndexError, *scalar_error = PyExc_ValueError, *axis_error = PyExc_IndexError;

PyObject* error_class(py::module_& m, const char* name, const char* doc, std::initializer_list<PyObject*> bases) {
  const auto full = std::string("fastdl._core.") + name;
  py::list classes;
  for (PyObject* base : bases) classes.append(py::handle(base));
  auto made = py::reinterpret_steal<py::object>(
      PyErr_NewExceptionWithDoc(full.c_str(), doc, py::tuple(classes).ptr(), nullptr));
  if (!made) throw py::error_already_set();
  m.attr(name) = made;
  return made.release().ptr();
}

}  // namespace

void set_python_error(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (py::error_already_set& e) {
    e.restore();
  } catch (const py::builtin_exception& e) {
    e.set_error();
  } catch (const ScalarError& e) {
    PyErr_SetString(scalar_error, e.what());
  } catch (const ShapeError& e) {
    PyErr_SetString(shape_error, e.what());
  } catch (const ValueError& e) {
    PyErr_SetString(argument_error, e.what());
  } catch (const TypeError& e) {
    PyErr_SetString(dtype_error, e.what());
  } catch (const AxisError& e) {
    PyErr_SetString(axis_error, e.what());
  } catch (const IndexError& e) {
    PyErr_SetString(range_error, e.what());
  } catch (const MemoryError& e) {
    PyErr_SetString(PyExc_MemoryError, e.what());
  } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_MemoryError, "out of memory");
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  }
}

void refuse_pickling(PyHeapTypeObject* type) {
  static const auto refuse = [](PyObject* self, PyObject*) -> PyObject* {
    return PyErr_Format(PyExc_TypeError, "cannot pickle '%s' object", Py_TYPE(self)->tp_name);
  };
  static PyMethodDef methods[] = {{"__reduce__", refuse, METH_VARARGS, nullptr},
                                  {"__reduce_ex__", refuse, METH_VARARGS, nullptr},
                                  {nullptr, nullptr, 0, nullptr}};
  type->ht_type.tp_methods = methods;
}

namespace {

py::dict config() {
  py::dict d;
  d["isa"] = kernels().isa;
  d["isas"] = [] {
    std::vector<std::string> names;
    for (const KernelTable* t : runnable_tables()) names.push_back(t->isa);
    return names;
  }();
  d["bfloat16"] = bf16_instructions();  // None: products are computed in float32
  d["threads"] = num_threads();
  d["threading"] = threading() ? threading()->name : "team";
  d["threading_runtime"] = threading() ? py::object(py::str(threading()->runtime())) : py::none();
  d["cpu"] = cpu_name();
  const CacheSizes& s = cache_sizes();
  d["caches"] = py::dict(py::arg("L1d") = s.l1d, py::arg("L2") = s.l2, py::arg("L3") = s.l3);
#if defined(__clang__)
  d["compiler"] = "Clang " __clang_version__;
#else
  d["compiler"] = "GCC " __VERSION__;
#endif
  d["cuda"] = false;
  return d;
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "The fastdl engine. Use it through the fastdl package.";
  argument_error =
      error_class(m, "ArgumentError", "A value that a function cannot use. A ValueError and a RuntimeError.",
                  {PyExc_ValueError, PyExc_RuntimeError});
  shape_error =
      error_class(m, "ShapeError", "Shapes that do not fit. A ValueError and a RuntimeError.", {argument_error});
  scalar_error = error_class(m, "ScalarError",
                             "A tensor of several values where one is needed. A ValueError, a TypeError and a "
                             "RuntimeError.",
                             {shape_error, PyExc_TypeError});
  dtype_error = error_class(m, "DTypeError", "A type that a function cannot use. A TypeError and a RuntimeError.",
                            {PyExc_TypeError, PyExc_RuntimeError});
  range_error = error_class(m, "RangeError", "An index out of range. An IndexError and a RuntimeError.",
                            {PyExc_IndexError, PyExc_RuntimeError});
  axis_error =
      error_class(m, "AxisError",
                  "An axis that a tensor does not have, or without elements. An IndexError, a ValueError and a "
                  "RuntimeError.",
                  {range_error, argument_error});
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      std::rethrow_exception(p);
    } catch (const Error&) {
      set_python_error(p);
    }  // pybind11 translates all others
  });
  select_isa();  // import reports invalid values of FASTDL_ISA, FASTDL_NUM_THREADS and FASTDL_SPIN
  threading();
  bind_tensor(m);
  bind_ops(m);
  bind_autograd(m);
  bind_plan(m);
  bind_device(m);
  release_in_long_calls();
  m.attr("version") = FASTDL_VERSION;
  m.def("config", &config);
  m.def("num_threads", &num_threads);
  m.def("set_num_threads", [](py::object n) { set_num_threads(integer_from(n)); });
  m.def("set_threading", [](const std::optional<py::capsule>& table) {
    set_threading(table ? static_cast<const Threading*>(PyCapsule_GetPointer(table->ptr(), kThreadingCapsule))
                        : nullptr);
  });
  m.def("select_isa", static_cast<void (*)(const std::string&)>(&select_isa));
  m.def("runnable_isas", [] { return py::object(config()["isas"]); });
  m.def("select_bf16", &select_bf16);
  m.def("runnable_bf16", &runnable_bf16);
  m.def("allocated_bytes", &allocated_bytes);
  m.def("set_allocation_limit", &Storage::set_limit, py::arg("bytes"), py::pos_only());
  m.def("cached_bytes", &cached_bytes);
  m.def("cache_limit", &cache_limit);
  m.def("empty_cache", &empty_cache);
}

}  // namespace fastdl
