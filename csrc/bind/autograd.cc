// Hooks of tensors, gradients written in Python, and the search for NaN, for fastdl/_base/hooks.py and autograd.py;
// tensors with other values for a time, for fastdl/_base/scopes.py.
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

// For fastdl/_base/grad_fn.py: each input of the call that made a tensor, the name of the call that made that one
// (empty for a leaf), and which of its outputs it is. An input whose values nothing needs has none.
py::list grad_inputs(const Tensor& t) {
  py::list found;
  if (!t || !t->node) return found;
  const Node& node = *static_cast<const Node*>(t->node.get());
  for (int i = 0; i < node.inputs; ++i) {
    const Tensor& in = node.in[i];
    const Node* before = in ? static_cast<const Node*>(in->node.get()) : nullptr;
    found.append(
        py::make_tuple(in ? py::cast(in) : py::none(), before ? before->op->name : "", before ? in->output_index : 0));
  }
  return found;
}

// t takes the place of `source` in the graph, and its memory if asked for, in which case the shape may be another.
void become(const Tensor& t, const Tensor& source, bool memory) {
  FASTDL_CHECK(t && source, TypeError, "become: expected two tensors, got None");
  FASTDL_CHECK(!(t->requires_grad && !t->node), RuntimeError,
               "a leaf that requires a gradient cannot be changed in place; do it under no_grad()");
  FASTDL_CHECK((memory || t->shape == source->shape) && t->dtype == source->dtype, ShapeError,
               "become: expected shape ", t->shape, " and type ", t->dtype, ", got ", source->shape, " and ",
               source->dtype);
  if (memory) {
    t->storage = source->storage;
    t->offset = source->offset;
    t->channels_last = source->channels_last;
    if (t->shape != source->shape) {
      t->shape = source->shape;
      // For calls that read t in its old shape; of a result they have another object.
      if (!t->node) t->storage->written(0, t->storage->bytes());
    }
  }
  if (!memory) t->storage->change_places();
  take_place(t, source);
}

// The tensor that t was made of by reshape, on the tape; null if it is gone.
Tensor viewed(const Tensor& t) { return t && t->viewed ? t->viewed->nearest() : nullptr; }

// The two tensors exchange their memory, their places in the graph and their gradients.
void exchange(const Tensor& a, const Tensor& b) {
  FASTDL_CHECK(a && b, TypeError, "exchange: expected two tensors, got None");
  FASTDL_CHECK(a->shape == b->shape && a->dtype == b->dtype, ValueError, "exchange: expected shape ", a->shape,
               " and type ", a->dtype, ", got ", b->shape, " and ", b->dtype);
  std::swap(a->storage, b->storage);
  std::swap(a->offset, b->offset);
  std::swap(a->channels_last, b->channels_last);
  std::swap(a->requires_grad, b->requires_grad);
  std::swap(a->node, b->node);
  std::swap(a->output_index, b->output_index);
  std::swap(a->places, b->places);
  std::swap(a->grad, b->grad);
  std::swap(a->hooks, b->hooks);
  std::swap(a->grad_home, b->grad_home);
  a->logits = b->logits = nullptr;
  move_to(a, a);  // plans and optimizers look at the addresses again
}

// Keeps what older memory held before ops of this thread wrote there, until stop() puts it back. Draws of random
// numbers go on. A recording that is under way sees all calls, too.
class Journal : public CallObserver {
 public:
  Journal() : slot_(observer_slot()), outer_(slot_->observer), first_serial_(Storage::next_serial()) {
    slot_->observer = this;
  }
  ~Journal() override { leave(); }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void before_write(const Tensor& t) override {
    if (outer_) outer_->before_write(t);
    if (t->storage->serial() >= first_serial_ || find(t)) return;
    entries_.push_back({t->storage, Storage::allocate(t->storage->bytes(), false, t->device())});
    copy(entries_.back().kept, t->storage);
  }
  void on_call(const Op& op, const Tensor* in, int inputs, const Outputs& out, const Attrs& attrs) override {
    for (int i = 0; op.random && i < inputs; ++i)
      if (op.mutates >> i & 1 && in[i])
        std::erase_if(entries_, [&](const Entry& e) { return e.storage.get() == in[i]->storage.get(); });
    if (outer_) outer_->on_call(op, in, inputs, out, attrs);
  }
  void on_host_read(const Tensor& t) override {
    if (outer_) outer_->on_host_read(t);
  }
  void on_grad(const Tensor& leaf, bool reads) override {
    if (outer_) outer_->on_grad(leaf, reads);
  }
  void on_requires_grad(const Tensor& t) override {
    if (outer_) outer_->on_requires_grad(t);
  }

  // Puts back what the memory held, and keeps what it holds now.
  void stop() {
    FASTDL_CHECK(slot_, RuntimeError, "this scope has ended");
    leave();
    for (Entry& e : entries_) {
      const Ref<Storage> now = Storage::allocate(e.storage->bytes(), false, e.storage->device());
      copy(now, e.storage);
      copy(e.storage, e.kept);
      e.storage->written(0, e.storage->bytes());
      e.kept = now;
    }
  }
  // The values that t had when the scope ended; until then, those that it has. Null if nothing was written there.
  Tensor value(const Tensor& t) const {
    const Entry* e = t ? find(t) : nullptr;
    if (!e) return nullptr;
    const Tensor found = detach(t);
    if (!slot_) found->storage = e->kept;
    return found;
  }

 private:
  struct Entry {
    Ref<Storage> storage, kept;
  };
  static void copy(const Ref<Storage>& to, const Ref<Storage>& from) {
    copy_bytes(to->device(), to->data(), from->device(), from->data(), from->bytes());
  }
  const Entry* find(const Tensor& t) const {
    for (const Entry& e : entries_)
      if (e.storage.get() == t->storage.get()) return &e;
    return nullptr;
  }
  void leave() {
    if (slot_ && slot_->observer == this) slot_->observer = outer_;
    slot_ = nullptr;
  }

  Ref<ObserverSlot> slot_;  // null after the end
  CallObserver* const outer_;
  const uint64_t first_serial_;
  std::vector<Entry> entries_;
};

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
    find_place(t);
    PythonHooks& h = python_hooks(t);
    return py::make_tuple(*h.before, *h.after);
  });
  m.def("retain_grad", [](const Tensor& t) {
    find_place(t);
    if (t && t->node) python_hooks(t).retains = true;
  });
  m.def("retains_grad",
        [](const Tensor& t) { return t && t->node && t->hooks && static_cast<GradHooks&>(*t->hooks).retains; });
  m.def("attach", &attach_function, py::arg("inputs"), py::arg("outputs"), py::arg("backward"), py::arg("reads_in"),
        py::arg("reads_out"), py::arg("constant"));
  // Another object for the same tensor, which keeps its place in the graph when t becomes another.
  m.def("alias", [](const Tensor& t) {
    FASTDL_CHECK(t && !(t->requires_grad && !t->node), RuntimeError, "alias: a leaf that requires a gradient has none");
    find_place(t);
    return alias(t);
  });
  m.def("owns_memory", [](const Tensor& t) { return t && t->storage->use_count() - t->storage->calls() == 1; });
  // Whether anything but t, calls on the tape and plans uses its memory; of an array's memory plans count, too.
  m.def("memory_has_others", [](const Tensor& t) {
    if (!t) return false;
    const Storage& s = *t->storage;
    return s.use_count() - s.calls() - (s.owned() ? s.kept() : 0) > 1;
  });
  m.def("become", &become, py::arg("t"), py::arg("source"), py::arg("memory") = false);
  // f(), without that a recorded step or the tape sees it.
  m.def("unobserved", [](const py::function& f) {
    struct Aside {
      CallObserver* const observer = std::exchange(observer_slot()->observer, nullptr);
      const bool grad = grad_enabled();
      ~Aside() {
        observer_slot()->observer = observer;
        set_grad_enabled(grad);
      }
    } aside;
    set_grad_enabled(false);
    return f();
  });
  m.def("viewed", &viewed);
  m.def("take_place", &take_place);
  m.def("settle_part", &settle_part);
  m.def("check_part", &check_part);
  m.def("take_shape", [](const Tensor& t, const Tensor& other) {
    FASTDL_CHECK(t && other && t->dtype == other->dtype, TypeError, "take_shape: expected two tensors of one type");
    take_shape(t, other, 1);  // that of the Python object
  });
  m.def("exchange", &exchange);
  py::class_<Journal>(m, "Journal")
      .def(py::init<>())
      .def("stop", &Journal::stop)
      .def("value", &Journal::value, py::arg("t").none(false));
  m.def("tape_length", &tape_length);
  m.def("sources", &sources, py::arg("outputs"), py::arg("since"), py::arg("without") = std::vector<Tensor>());
  m.def("grad_inputs", &grad_inputs);
  m.def("set_anomaly_detection", &set_anomaly);
}

}  // namespace fastdl
