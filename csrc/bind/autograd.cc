// Hooks of tensors, gradients written in Python, and the search for NaN, for fastdl/_base/hooks.py and autograd.py.
#include <memory>

#include "autograd/tape.h"
#include "bind/convert.h"

namespace fastdl {
namespace {

// A Python object that the tape holds. A node may be released anywhere, so this takes the GIL; after the interpreter's
// end the object is left alone.
using Shared = std::shared_ptr<py::object>;
Shared shared(py::object o) {
  return Shared(new py::object(std::move(o)), [](py::object* p) {
    if (!Py_IsInitialized()) return;
    py::gil_scoped_acquire gil;
    delete p;
  });
}

class PythonHooks : public GradHooks {
 public:
  Tensor changed(const Tensor& gradient) override {
    Tensor g = gradient;
    for (const py::handle hook : py::list(before->attr("values")())) {
      const py::object result = hook(g);
      if (result.is_none()) continue;
      FASTDL_CHECK(py::isinstance<TensorImpl>(result), TypeError, "a hook must return a tensor or None, got ",
                   type_name(result));
      g = result.cast<Tensor>();
    }
    return g;
  }
  void accumulated(const Tensor& leaf) override {
    for (const py::handle hook : py::list(after->attr("values")())) hook(leaf);
  }
  void released() override {
    before->attr("clear")();
    after->attr("clear")();
  }
  const Shared before = shared(py::dict()), after = shared(py::dict());
};

PythonHooks& python_hooks(const Tensor& t) {
  FASTDL_CHECK(t && t->requires_grad, RuntimeError,
               "cannot register a hook on a tensor that does not require a gradient");
  return static_cast<PythonHooks&>(hooks_of(t, []() -> Ref<GradHooks> { return new PythonHooks; }));
}

py::list tensors(const Tensor* t, int count) {
  py::list found;
  for (int i = 0; i < count; ++i) found.append(t[i] && t[i]->storage ? py::cast(t[i]) : py::none());
  return found;
}

std::vector<Tensor> attach_function(const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs,
                                    py::function backward, uint32_t reads_in, uint32_t reads_out, uint32_t constant) {
  const int n = int(inputs.size()), m = int(outputs.size());
  const Shared function = shared(backward);
  return attach(
      inputs, outputs,
      [=](const GradContext& c) {
        py::list needs;
        for (int i = 0; i < n; ++i) needs.append(c.needs(i));
        const py::object found = (*function)(tensors(c.in, n), tensors(c.out, m), tensors(c.gout, m), needs);
        std::vector<Tensor> gradients;
        for (const py::handle g : py::sequence(found)) {
          FASTDL_CHECK(g.is_none() || py::isinstance<TensorImpl>(g), TypeError,
                       "backward: a gradient must be a tensor or None, got ", type_name(g));
          gradients.push_back(g.is_none() ? Tensor() : g.cast<Tensor>());
        }
        return gradients;
      },
      reads_in, reads_out, constant);
}

// t takes the place of `source` in the graph, and its memory if asked for.
void become(const Tensor& t, const Tensor& source, bool memory) {
  FASTDL_CHECK(t && source, TypeError, "become: expected two tensors, got None");
  FASTDL_CHECK(!(t->requires_grad && !t->node), RuntimeError,
               "a leaf that requires a gradient cannot be changed in place; do it under no_grad()");
  FASTDL_CHECK(t->shape == source->shape && t->dtype == source->dtype, ShapeError, "become: expected shape ", t->shape,
               " and type ", t->dtype, ", got ", source->shape, " and ", source->dtype);
  if (memory) {
    t->storage = source->storage;
    t->offset = source->offset;
    t->channels_last = source->channels_last;
  }
  t->requires_grad = source->requires_grad;
  t->node = source->node;
  t->output_index = source->output_index;
  t->hooks = nullptr;
  t->logits = nullptr;
}

py::object set_anomaly(py::object where) {
  static thread_local Shared now;
  const py::object before = now ? *now : py::none();
  now = where.is_none() ? nullptr : shared(where);
  set_anomaly_detection(where.is_none() ? Where() : Where([f = now] { return (*f)().cast<std::string>(); }));
  return before;
}

}  // namespace

void bind_autograd(py::module_& m) {
  m.def("grad_hooks", [](const Tensor& t) {
    PythonHooks& h = python_hooks(t);
    return py::make_tuple(*h.before, *h.after);
  });
  m.def("retain_grad", [](const Tensor& t) {
    if (t && t->node) python_hooks(t).retains = true;
  });
  m.def("retains_grad",
        [](const Tensor& t) { return t && t->node && t->hooks && static_cast<GradHooks&>(*t->hooks).retains; });
  m.def("attach", &attach_function, py::arg("inputs"), py::arg("outputs"), py::arg("backward"), py::arg("reads_in"),
        py::arg("reads_out"), py::arg("constant"));
  // Another object for the same tensor, which keeps its place in the graph when t becomes another.
  m.def("alias", [](const Tensor& t) {
    FASTDL_CHECK(t && !(t->requires_grad && !t->node), RuntimeError, "alias: a leaf that requires a gradient has none");
    return alias(t);
  });
  m.def("owns_memory", [](const Tensor& t) { return t && t->storage->use_count() == 1; });
  m.def("become", &become, py::arg("t"), py::arg("source"), py::arg("memory") = false);
  m.def("tape_length", &tape_length);
  m.def("sources", &sources);
  m.def("set_anomaly_detection", &set_anomaly);
}

}  // namespace fastdl
