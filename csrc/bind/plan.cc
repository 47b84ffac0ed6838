// Recorder, Plan and the loop. A replay holds no GIL; it takes it for a moment every 50 ms to let signals in.
#include "bind/convert.h"
#include "plan/loop.h"

namespace fastdl {
namespace {

// Runs f without the GIL; true from `interrupted` means a Python exception is set. At the end of the process
// taking the GIL ends the thread by unwinding its stack: so not in a destructor, and nothing here catches it.
template <class F>
auto without_gil(F f) {
  bool raised = false;
  PyThreadState* thread = PyEval_SaveThread();
  auto interrupted = [&] {
    PyEval_RestoreThread(thread);
    raised = PyErr_CheckSignals() != 0;
    thread = PyEval_SaveThread();
    return raised;
  };
  decltype(f(interrupted)) result{};
  std::exception_ptr thrown;
  try {
    result = f(interrupted);
  } catch (const std::exception&) {
    thrown = std::current_exception();
  }
  PyEval_RestoreThread(thread);
  if (raised) throw py::error_already_set();
  if (thrown) std::rethrow_exception(thrown);
  return result;
}

// A plan in use: its inputs are read from where they lie, if nothing that the steps write lies there, else copied.
class Feeding {
 public:
  explicit Feeding(Plan& plan) : plan_(plan), turn_(plan) {}
  ~Feeding() {
    for (size_t i = 0; i < plan_.inputs().size(); ++i) plan_.rebind(int(i), nullptr);
  }
  void feed(int i, void* data) {
    const Tensor& slot = plan_.inputs()[size_t(i)];
    if (plan_.can_rebind(i) && !plan_.writes_into(data, slot->bytes()))
      plan_.rebind(i, data);
    else
      std::memmove(slot->raw(), data, size_t(slot->bytes()));
  }

 private:
  Plan& plan_;
  Plan::Turn turn_;
};

std::vector<Tensor> replay(Plan& plan, const std::vector<Tensor>& values) {
  FASTDL_CHECK(values.size() == plan.inputs().size(), ValueError, "plan: expected ",
               plan.inputs().size(), " inputs, got ", values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const Tensor &slot = plan.inputs()[i], &v = values[i];
    FASTDL_CHECK(v, TypeError, "plan: input ", i, " must be a tensor, got None");
    FASTDL_CHECK(v->dtype == slot->dtype, TypeError, "plan: input ", i, " was recorded with dtype ",
                 slot->dtype, ", got ", v->dtype);
    FASTDL_CHECK(v->shape == slot->shape, ValueError, "plan: input ", i, " was recorded with shape ",
                 slot->shape, ", got ", v->shape);
  }
  // A value that lies in the plan's own memory (a result that is an input) would be overwritten by another.
  std::vector<Tensor> sources = values;
  for (size_t i = 0; i < sources.size(); ++i)
    for (size_t k = 0; k < sources.size(); ++k)
      if (k != i && values[i]->storage == plan.inputs()[k]->storage) sources[i] = copy(values[i]);
  without_gil([&](auto& interrupted) {
    Feeding feeding(plan);
    Plan::Paced step(plan);
    for (size_t i = 0; i < sources.size(); ++i) feeding.feed(int(i), sources[i]->raw());
    const bool done = plan.replay(interrupted);
    if (done) step.done();
    return done;
  });
  return plan.outputs();
}

// The one output for one input, from array to array; None if the plan or the array is not of that kind, or if
// this very thread is within a replay.
py::object call(Plan& plan, const py::array& x) {
  if (plan.inputs().size() != 1 || plan.outputs().size() != 1 || plan.mine()) return py::none();
  const Tensor &slot = plan.inputs()[0], &out = plan.outputs()[0];
  constexpr int wanted = int(py::array::c_style) | int(py::detail::npy_api::NPY_ARRAY_ALIGNED_);
  bool fits = (x.flags() & wanted) == wanted && x.dtype().ptr() == dtype_to(slot->dtype).ptr() &&
              x.ndim() == slot->shape.rank();
  for (int i = 0; fits && i < slot->shape.rank(); ++i) fits = x.shape(i) == slot->shape[i];
  if (!fits) return py::none();
  std::vector<py::ssize_t> shape(out->shape.begin(), out->shape.end());
  py::array result(dtype_to(out->dtype), shape);
  void* to = result.mutable_data();
  void* from = const_cast<void*>(x.data());
  without_gil([&](auto& interrupted) {
    Feeding feeding(plan);
    Plan::Paced step(plan);
    feeding.feed(0, from);
    const bool done = plan.replay(interrupted);
    if (done) step.done();
    std::memcpy(to, out->raw(), size_t(out->bytes()));
    return done;
  });
  return result;
}

// A gradient that the step drops before it makes a new one keeps its values where someone holds on to it: the
// optimizer, which has one reference, gives it memory of its own then.
bool holds_gradients(const Plan& plan) {
  static const py::detail::type_info* type = py::detail::get_type_info(typeid(TensorImpl), true);
  for (const SeenGradient& g : plan.gradients()) {
    if (g.asked || !g.after) continue;
    const py::handle object = py::detail::get_object_handle(g.after.get(), type);
    if (object && Py_REFCNT(object.ptr()) > 1) return true;
  }
  return false;
}

}  // namespace

void bind_plan(py::module_& m) {
  // `where()` returns the user's line that runs now, as text.
  py::class_<Recorder>(m, "Recorder")
      .def(py::init([](const std::vector<Tensor>& batch, py::object where) {
             if (where.is_none()) return std::make_unique<Recorder>(batch);
             return std::make_unique<Recorder>(batch, [where] { return where().cast<std::string>(); });
           }),
           py::arg("batch") = std::vector<Tensor>(), py::arg("where") = py::none())
      .def("stop", &Recorder::stop)
      .def("outliving", &Recorder::outliving, py::arg("results"))
      .def_property_readonly("problem", &Recorder::problem);

  py::class_<Plan, Ref<Plan>>(m, "Plan")
      .def(py::init([](Recorder& r, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) {
             return Ref<Plan>(new Plan(r, inputs, outputs));
           }),
           py::arg("recorder"), py::arg("inputs"), py::arg("outputs"))
      .def("replay", &replay, py::arg("inputs") = std::vector<Tensor>())
      .def("call", &call, py::arg("x"))
      .def_property_readonly("inputs", &Plan::inputs)
      .def_property_readonly("outputs", &Plan::outputs)
      .def_property_readonly("arena_bytes", &Plan::arena_bytes)
      .def_property_readonly("mine", &Plan::mine)
      .def_property_readonly("lost", &Plan::lost)
      .def_property_readonly("guarded", &Plan::guarded)
      // None: the plan holds. Else whether it is other gradients alone that keep it from being replayed now.
      .def("doubt", [](Plan& plan) -> std::optional<bool> {
        const Plan::Holds holds = plan.holds();
        if (holds == Plan::Holds::yes && holds_gradients(plan)) return true;
        if (holds == Plan::Holds::yes) return std::nullopt;
        return holds == Plan::Holds::other_gradients;
      })
      .def("profile", [](Plan& plan, int repeats) {
             std::vector<double> seconds;
             without_gil([&](auto&) {
               seconds = plan.profile(repeats);
               return true;
             });
             return seconds;
           },
           py::arg("repeats") = 100)
      .def("__len__", &Plan::calls)
      .def("__str__", &Plan::describe);

  m.def("prepacked_bytes", &prepacked_bytes);
  m.def(
      "run_loop",
      [](Plan& plan, const std::vector<std::pair<Tensor, int>>& feeds,
         const std::vector<std::pair<int, Tensor>>& sinks,
         const std::vector<std::pair<Tensor, Tensor>>& per_step, const Tensor& indices, int64_t first,
         int64_t batch, int64_t steps, double seconds) {
        LoopOptions o;
        for (const auto& [data, input] : feeds) o.feeds.push_back({data, input});
        for (const auto& [output, data] : sinks) o.sinks.push_back({output, data});
        for (const auto& [target, values] : per_step) o.per_step.push_back({target, values});
        o.indices = indices;
        o.first = first;
        o.batch = batch;
        o.steps = steps;
        o.seconds = seconds;
        return without_gil([&](auto& interrupted) { return run_loop(plan, o, interrupted); });
      },
      py::arg("plan"), py::arg("feeds"), py::arg("sinks"), py::arg("per_step"), py::arg("indices"),
      py::arg("first"), py::arg("batch"), py::arg("steps"), py::arg("seconds"));
}

}  // namespace fastdl
