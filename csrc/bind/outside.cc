// Gradients that are written in Python.
#include "ops/outside.h"

#include "bind/convert.h"

namespace fastdl {
namespace {

class PythonPullback : public Pullback {
 public:
  explicit PythonPullback(py::object function) : function_(std::move(function)) {}
  ~PythonPullback() override {  // a graph may end on any thread
    py::gil_scoped_acquire held;
    function_ = py::object();
  }
  void operator()(GradContext& c, int inputs, int results) override {
    py::gil_scoped_acquire held;
    py::list needed, in, out, gradients;
    for (int i = 0; i < inputs; ++i) {
      needed.append(c.needs(i));
      in.append(c.in[i]);
    }
    for (int i = 0; i < results; ++i) {
      out.append(c.out[i]);
      gradients.append(c.gout[i]);
    }
    const auto found = function_(needed, in, out, gradients).cast<std::vector<Tensor>>();
    FASTDL_CHECK(found.size() == size_t(inputs), RuntimeError, "backward: expected a gradient or None for each of ",
                 inputs, " inputs, got ", found.size());
    for (int i = 0; i < inputs; ++i) {
      if (!c.needs(i) || !found[size_t(i)]) continue;
      const Tensor& g = found[size_t(i)];
      FASTDL_CHECK(g->shape == c.in[i]->shape, RuntimeError, "backward: expected a gradient of shape ", c.in[i]->shape,
                   " for input ", i, ", got ", g->shape);
      c.gin[i] = g;
    }
  }

 private:
  py::object function_;
};

}  // namespace

void bind_outside(py::module_& m) {
  m.def(
      "with_gradient",
      [](const std::vector<Tensor>& results, const std::vector<Tensor>& inputs, py::object pullback) {
        put_on_tape(results, inputs, new PythonPullback(std::move(pullback)));
      },
      py::arg("results"), py::arg("inputs"), py::arg("pullback"));
}

}  // namespace fastdl
