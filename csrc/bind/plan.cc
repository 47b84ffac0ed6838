// Recorder, Plan and the loop. A replay runs without the GIL and takes it briefly every 50 ms to handle signals.
#include <algorithm>

#include "bind/convert.h"
#include "bind/interrupt.h"
#include "ops/layout.h"
#include "plan/loop.h"

namespace pybind11::detail {

template <>
struct type_caster<fastdl::Arena> : made_caster<fastdl::Arena> {};

}  // namespace pybind11::detail

namespace fastdl {
namespace {

// Runs f without the GIL; if `interrupted` returns true, a Python exception is set. At process exit, taking the GIL
// ends the thread by unwinding its stack. So no destructor takes it, and nothing here catches the unwinding.
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

// Feeds the inputs of a plan. The plan reads them where they lie; where its steps write there, they are copied.
class Feeding {
 public:
  explicit Feeding(Plan& plan) : plan_(plan), turn_(plan) {}
  ~Feeding() {
    for (size_t i = 0; i < plan_.inputs().size(); ++i) plan_.rebind(int(i), nullptr);
  }
  void feed(int i, const Device& device, void* data) {
    const Tensor& slot = plan_.inputs()[size_t(i)];
    if (device.is_cpu() && plan_.can_rebind(i) && !plan_.writes_into(data, slot->bytes()))
      plan_.rebind(i, data);
    else
      copy_bytes(slot->device(), slot->raw(), device, data, slot->bytes());
  }

 private:
  Plan& plan_;
  Plan::Turn turn_;
};

std::vector<Tensor> replay(Plan& plan, const std::vector<Tensor>& values) {
  FASTDL_CHECK(values.size() == plan.inputs().size(), ValueError, "plan: expected ", plan.inputs().size(),
               " inputs, got ", values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const Tensor &slot = plan.inputs()[i], &v = values[i];
    FASTDL_CHECK(v, TypeError, "plan: input ", i, " must be a tensor, got None");
    FASTDL_CHECK(v->dtype == slot->dtype, TypeError, "plan: input ", i, " was recorded with dtype ", slot->dtype,
                 ", got ", v->dtype);
    FASTDL_CHECK(v->shape == slot->shape, ShapeError, "plan: input ", i, " was recorded with shape ", slot->shape,
                 ", got ", v->shape);
  }
  // A value in the memory of another input (an earlier result) would be overwritten when that input is filled.
  std::vector<Tensor> sources;
  for (const Tensor& v : values) sources.push_back(in_order(detach(v)));
  for (size_t i = 0; i < sources.size(); ++i)
    for (size_t k = 0; k < sources.size(); ++k)
      if (k != i && values[i]->storage == plan.inputs()[k]->storage) sources[i] = copy(values[i]);
  without_gil([&](auto& interrupted) {
    Feeding feeding(plan);
    Plan::Paced step(plan);
    InterruptFlag interrupt(plan.may_stop());
    for (size_t i = 0; i < sources.size(); ++i) feeding.feed(int(i), sources[i]->device(), sources[i]->raw());
    const bool done = plan.replay(interrupted, interrupt.flag());
    if (done) step.done();
    return done;
  });
  return plan.outputs();
}

// Runs a plan of one input and one output from array to array. None if the plan or the array does not fit, or if this
// thread is within a replay of the plan.
py::object call(Plan& plan, const py::array& x) {
  if (plan.inputs().size() != 1 || plan.outputs().size() != 1 || plan.mine()) return py::none();
  const Tensor &slot = plan.inputs()[0], &out = plan.outputs()[0];
  constexpr int wanted = int(py::array::c_style) | int(py::detail::npy_api::NPY_ARRAY_ALIGNED_);
  bool fits = (x.flags() & wanted) == wanted && x.dtype().ptr() == dtype_to(slot->dtype).ptr() &&
              x.ndim() == slot->shape.rank();
  for (int i = 0; fits && i < slot->shape.rank(); ++i) fits = x.shape(i) == slot->shape[i];
  if (!fits) return py::none();
  std::vector<py::ssize_t> shape(out->shape.begin(), out->shape.end());
  py::array result(numpy_dtype(out->dtype), shape);
  void* to = result.mutable_data();
  void* from = const_cast<void*>(x.data());
  without_gil([&](auto& interrupted) {
    Feeding feeding(plan);
    Plan::Paced step(plan);
    InterruptFlag interrupt(plan.may_stop());
    feeding.feed(0, cpu(), from);
    const bool done = plan.replay(interrupted, interrupt.flag());
    if (done) step.done();
    copy_bytes(cpu(), to, out->device(), out->raw(), out->bytes());
    return done;
  });
  return result;
}

// --- a plan's calls, for translation ------------------------------------------------------------------------

py::object value_of(const Attribute::Value& value) {
  return std::visit(
      [](const auto& v) -> py::object {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, Shape>)
          return py::tuple(py::cast(std::vector<int64_t>(v.begin(), v.end())));
        else if constexpr (std::is_same_v<T, DType>)
          return py::str(name_of(v));
        else
          return py::cast(v);
      },
      value);
}

// None, or (buffer, offset in bytes, dtype, shape).
py::object operand_of(const Operand& o) {
  if (o.buffer < 0) return py::none();
  return py::make_tuple(o.buffer, o.offset, name_of(o.dtype), value_of(o.shape));
}

py::list operands_of(const std::vector<Operand>& operands) {
  py::list all;
  for (const Operand& o : operands) all.append(operand_of(o));
  return all;
}

// (name, inputs, outputs, attributes) of each call, in order.
py::list calls_of(const Plan& plan) {
  py::list calls;
  for (const Plan::Listed& c : plan.listing()) {
    py::dict attributes;
    for (const Attribute& a : c.attributes) attributes[a.name] = value_of(a.value);
    calls.append(py::make_tuple(c.op->name, operands_of(c.in), operands_of(c.out), attributes));
  }
  return calls;
}

// External memory by buffer: weights, constants, inputs and outputs, as bytes.
py::dict memory_of(const Plan& plan) {
  py::dict all;
  for (const auto& [buffer, storage] : plan.listed_storages()) {
    Tensor bytes = new TensorImpl;
    bytes->storage = storage;
    bytes->shape = {storage->bytes()};
    bytes->dtype = DType::uint8;
    all[py::int_(buffer)] = py::cast(bytes);
  }
  return all;
}

// Whether Python holds a gradient that the step replaces. In an eager step the held one keeps its values, because the
// optimizer gives it memory of its own; a replay would overwrite them.
bool holds_gradients(const Plan& plan) {
  static const py::detail::type_info* type = py::detail::get_type_info(typeid(TensorImpl), true);
  for (const SeenGradient& g : plan.gradients()) {
    if (g.asked || !g.after) continue;
    const py::handle object = py::detail::get_object_handle(g.after.get(), type);
    if (object && Py_REFCNT(object.ptr()) > 1) return true;
  }
  return false;
}

class Unchanged {
 public:
  explicit Unchanged(const std::vector<Tensor>& tensors) {
    for (const Tensor& t : tensors) {
      FASTDL_CHECK(t, TypeError, "Unchanged: expected tensors, got None");
      seen_.emplace_back(t, t->storage->owned() ? 0 : SeenValues::kMost, "");
    }
  }
  bool holds() {
    return std::all_of(seen_.begin(), seen_.end(), [](SeenValues& v) { return v.holds(); });
  }

 private:
  std::vector<SeenValues> seen_;
};

}  // namespace

void bind_plan(py::module_& m) {
  // `where()` returns the user's line that runs now, as text.
  py::class_<Recorder>(m, "Recorder", py::custom_type_setup(&refuse_pickling))
      .def(py::init([](const std::vector<Tensor>& batch, py::object where) {
             if (where.is_none()) return std::make_unique<Recorder>(batch);
             return std::make_unique<Recorder>(batch, [where] { return where().cast<std::string>(); });
           }),
           py::arg("batch") = std::vector<Tensor>(), py::arg("where") = py::none())
      .def("stop", &Recorder::stop)
      .def("outliving", &Recorder::outliving, py::arg("results"))
      .def_property_readonly("problem", &Recorder::problem);

  // Tensors whose values are to stay the same. Memory that others can write into counts as changed.
  py::class_<Unchanged>(m, "Unchanged", py::custom_type_setup(&refuse_pickling))
      .def(py::init<const std::vector<Tensor>&>(), py::arg("tensors"))
      .def("holds", &Unchanged::holds);

  py::class_<Arena, Ref<Arena>>(m, "Arena", py::custom_type_setup(&refuse_pickling))
      .def(py::init([] { return Ref<Arena>(new Arena); }))
      .def_property_readonly("bytes", &Arena::bytes);

  py::class_<Plan, Ref<Plan>>(m, "Plan", py::custom_type_setup(&refuse_pickling))
      .def(py::init([](Recorder& r, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs,
                       const Ref<Arena>& arena) {
             for (const std::vector<Tensor>* all : {&inputs, &outputs})
               for (const Tensor& t : *all)
                 if (t) t->raw();  // raises unless the values lie in the order of the axes
             return Ref<Plan>(new Plan(r, inputs, outputs, arena ? arena : Ref<Arena>(new Arena)));
           }),
           py::arg("recorder"), py::arg("inputs"), py::arg("outputs"), py::arg("arena") = Ref<Arena>())
      .def("replay", &replay, py::arg("inputs") = std::vector<Tensor>())
      .def("call", &call, py::arg("x"))
      .def_property_readonly("inputs", &Plan::inputs)
      .def_property_readonly("outputs", &Plan::outputs)
      .def_property_readonly("arena_bytes", &Plan::arena_bytes)
      .def_property_readonly("mine", &Plan::mine)
      .def_property_readonly("listing", &calls_of)
      .def_property_readonly("memory", &memory_of)
      .def_property_readonly("input_operands", [](const Plan& p) { return operands_of(p.input_operands()); })
      .def_property_readonly("output_operands", [](const Plan& p) { return operands_of(p.output_operands()); })
      .def_property_readonly("lost", &Plan::lost)
      .def_property_readonly("guarded", &Plan::guarded)
      // None: the plan holds. Otherwise: whether only other gradients prevent a replay now.
      .def("doubt",
           [](Plan& plan) -> std::optional<bool> {
             const Plan::Holds holds = plan.holds();
             if (holds == Plan::Holds::yes && holds_gradients(plan)) return true;
             if (holds == Plan::Holds::yes) return std::nullopt;
             return holds == Plan::Holds::other_gradients;
           })
      .def(
          "profile",
          [](Plan& plan, int repeats) {
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

  // Every row of the list of ops: its name, and whether it has attributes.
  m.def("op_rows", [] {
    std::vector<std::pair<std::string, bool>> rows;
    for (const Op* op = first_op(); op; op = op->next) rows.push_back({op->name, op->describe != nullptr});
    return rows;
  });
  m.def("prepacked_bytes", &derived_bytes);
  m.def(
      "run_loop",
      [](Plan& plan, const std::vector<std::pair<Tensor, int>>& feeds, const std::vector<std::pair<int, Tensor>>& sinks,
         const std::vector<std::pair<Tensor, Tensor>>& per_step, const Tensor& indices, int64_t first, int64_t batch,
         int64_t steps, double seconds) {
        LoopOptions o;
        for (const auto& [data, input] : feeds) o.feeds.push_back({data, input});
        for (const auto& [output, data] : sinks) o.sinks.push_back({output, data});
        for (const auto& [target, values] : per_step) o.per_step.push_back({target, values});
        o.indices = indices;
        o.first = first;
        o.batch = batch;
        o.steps = steps;
        o.seconds = seconds;
        return without_gil([&](auto& interrupted) {
          InterruptFlag interrupt(plan.may_stop());
          return run_loop(plan, o, interrupted, interrupt.flag());
        });
      },
      py::arg("plan"), py::arg("feeds"), py::arg("sinks"), py::arg("per_step"), py::arg("indices"), py::arg("first"),
      py::arg("batch"), py::arg("steps"), py::arg("seconds"));
}

}  // namespace fastdl
