// The op list as Python functions. Positional arguments only: names, defaults and docstrings are the
// Python layer's (fastdl/ops.py).
#include "autograd/tape.h"
#include "bind/convert.h"
#include "core/rng.h"

namespace fastdl {

void bind_ops(py::module_& m) {
#define OP(result, name, parameters) m.def(#name, &name);
#include "ops/ops.inc"
#undef OP
  m.def("op_names", [] {
    return std::vector<std::string>{
#define OP(result, name, parameters) #name,
#include "ops/ops.inc"
#undef OP
    };
  });

  m.def("tensor", [](py::object data, py::object dtype) {
          std::optional<DType> t;
          if (!dtype.is_none()) t = dtype_from(dtype);
          Tensor r = tensor_from(data, t, true);
          if (r->weak) r = detach(r);  // tensor(2.0) is a float32 tensor, not a Python number
          return r;
        },
        py::arg("data"), py::arg("dtype") = py::none());
  m.def("as_tensor", [](py::object data, py::object dtype) {
          std::optional<DType> t;
          if (!dtype.is_none()) t = dtype_from(dtype);
          Tensor r = tensor_from(data, t, false);
          return r->weak ? detach(r) : r;
        },
        py::arg("data"), py::arg("dtype") = py::none());
  m.def("empty", [](const Shape& shape, DType dtype) {
    return empty(shape, dtype);
  });
  m.def("full", [](const Shape& shape, DType dtype, double value) {
    return full(shape, dtype, value);
  });

  m.def("grad_enabled", &grad_enabled);
  m.def("set_grad_enabled", [](bool on) {
    bool before = grad_enabled();
    set_grad_enabled(on);
    return before;
  });
  m.def("grad", &grad);

  m.def("manual_seed", &manual_seed);
  m.def("get_rng_state", [] { return std::make_pair(generator().seed.load(), generator().counter.load()); });
  m.def("set_rng_state", [](uint64_t seed, uint64_t counter) { generator().set(seed, counter); });
}

}  // namespace fastdl
