#include <atomic>
#include <new>

#include "autograd/tape.h"
#include "ops/devices.h"
#include "ops/layout.h"
#include "ops/views.h"

namespace fastdl {

namespace {
constinit const Op* last_added = nullptr;  // set before any op of another file is constructed
}  // namespace

Op::Op(const OpRow& row) : OpRow(row), next(last_added), number(next ? next->number + 1 : 0) { last_added = this; }
const Op* first_op() { return last_added; }

Attributes attributes_of(const Op& op, const DescribeContext& c) {
  FASTDL_CHECK(op.describe || c.attrs.empty(), RuntimeError, op.name, ": the op does not describe its attributes");
  return op.describe ? op.describe(c) : Attributes{};
}

View view_of(const Tensor& t) {
  View v;
  if (t) v = {t->raw(), t->shape, t->dtype, t->storage->on_cpu() ? nullptr : &t->device()};
  return v;
}

const Ref<ObserverSlot>& observer_slot() {
  static thread_local const Ref<ObserverSlot> slot = new ObserverSlot;
  return slot;
}

void refresh_part_of(const Tensor& t) { part_of(t)->refresh(t); }
uint64_t& writes_in_place() {
  static thread_local uint64_t writes = 0;
  return writes;
}

namespace {

// Storage types are refused unless the op's row accepts them, so that no op can forget to refuse them.
void check_types(const Op& op, const Tensor* in, int inputs) {
  for (int i = 0; i < inputs; ++i)
    if (in[i] && is_storage(in[i]->dtype) && !(op.stored >> i & 1)) [[unlikely]]
      refuse_storage(in[i]->dtype, op.name, argument_name(op, i).c_str());
}

bool can_write_into(const Tensor& into, const InferContext& c) {
  bool can = !grad_enabled() && !into->storage->origin() && c.outputs == 1 && c.shape[0] == into->shape &&
             c.dtype[0] == into->dtype;
  for (int i = 0; i < c.inputs; ++i) can &= !c.in[i] || c.in[i]->storage != into->storage;
  return can;
}

// A plan has two kinds of calls: those with a result of their own and those that write in place. So a result written
// elsewhere is recorded as a result and its assignment. Lowering drops the assignment again where that is safe.
void observe_written(CallObserver& observer, const Op& op, const Tensor* in, int inputs, const Attrs& attrs,
                     const Tensor& into) {
  Tensor result = new TensorImpl;
  result->storage = Storage::wrap(nullptr, into->bytes(), false, nullptr, into->device());
  result->shape = into->shape;
  result->dtype = into->dtype;
  observer.on_call(op, in, inputs, {{result}, 1}, attrs);
  const Tensor assign[] = {into, result};
  observer.on_call(op_assign, assign, 2, {}, {});
}

}  // namespace

namespace {

std::atomic<LongRun> long_run{nullptr};

// Another thread may re-point the inputs while the GIL is released, so their memory is held until the end.
void run_long(LongRun runner, const Op& op, RunFunction run, const RunContext& c, const Tensor* in, int64_t bytes) {
  Ref<Storage> held[kMaxInputs];
  for (int i = 0; i < c.inputs; ++i)
    if (in[i]) held[i] = in[i]->storage;
  // A call that writes in place or draws random numbers cannot be undone, so it is not stopped.
  runner([&] { run(c); }, bytes >= kStoppableCall && !op.mutates && !op.random);
}

void run_call(const Op& op, RunFunction run, RunContext c, const Tensor* in, const Device& device) {
  Ref<Storage> workspace;
  const int64_t wanted = op.workspace ? op.workspace(c) : 0;
  if (wanted) {
    workspace = Storage::allocate(wanted, false, device);
    c.workspace = workspace->data();
  }
  int64_t bytes = 0;
  for (int i = 0; i < c.inputs; ++i) bytes += c.in[i].bytes();
  for (int i = 0; i < c.outputs; ++i) bytes += c.out[i].bytes();
  const LongRun runner = bytes < kLongCall ? nullptr : long_run.load(std::memory_order_relaxed);
  if (runner)
    run_long(runner, op, run, c, in, bytes);
  else
    run(c);
}

Outputs apply_on(const Device& device, const Op& op, const Tensor* in, int inputs, const Attrs& attrs,
                 const Tensor& into) {
  const RunFunction run = op.run ? run_of(op, device) : nullptr;
  FASTDL_CHECK(run || !op.run, TypeError, op.name, ": the op has no function for device '", device.name,
               "'; move its inputs with .to('cpu')");
  check_types(op, in, inputs);
  for (int i = 0; i < inputs; ++i)
    if (in[i]) refresh_part(in[i]);
  InferContext c{op, in, inputs, attrs};
  op.infer(c);
  for (int i = 0; i < inputs; ++i) {
    if (!(op.mutates >> i & 1) || !in[i]) continue;
    FASTDL_CHECK(!in[i]->storage->read_only(), ValueError, op.name,
                 ": cannot write in place into a read-only array of shape ", in[i]->shape);
    FASTDL_CHECK(!(grad_enabled() && in[i]->requires_grad), RuntimeError, op.name,
                 ": a tensor that requires a gradient cannot be changed in place; do it under no_grad()");
    if (PartOf* part = part_of(in[i])) [[unlikely]]
      part->check_writable(op.name);
  }
  const bool written = into && can_write_into(into, c);
  Outputs out;
  out.count = c.outputs;
  // Constructed one by one, since most calls use three of the 24 possible views.
  alignas(View) unsigned char memory[(kMaxInputs + kMaxOutputs) * sizeof(View)];
  View *const in_views = reinterpret_cast<View*>(memory), *const out_views = in_views + inputs;
  for (int i = 0; i < inputs; ++i) new (in_views + i) View(view_of(in[i]));
  for (int i = 0; i < c.outputs; ++i) {
    out.t[i] = written ? detach(into) : run ? empty(c.shape[i], c.dtype[i], device) : view(in[0], c.shape[i]);
    new (out_views + i) View(view_of(out.t[i]));
  }
  bool has_parts = false;  // that were written
  CallObserver* const observer = call_observer();
  if (observer)
    for (int i = 0; i < inputs; ++i)
      if (op.mutates >> i & 1 && in[i]) observer->before_write(in[i]);
  if (observer && written) observer->before_write(into);
  if (run) run_call(op, run, {op, in_views, out_views, attrs, nullptr, inputs, c.outputs}, in, device);
  for (int i = 0; i < inputs; ++i)
    if (op.mutates >> i & 1 && in[i]) {
      note_written(in[i]);
      has_parts |= in[i]->storage->origin() != nullptr;
      writes_in_place() += !op.random;  // draws can be given back
    }
  if (written) note_written(into);

  if (observer && written)
    observe_written(*observer, op, in, inputs, attrs, into);
  else if (observer && run)
    observer->on_call(op, in, inputs, out, attrs);
  if (op.grad) record_on_tape(op, in, inputs, out, attrs);
  if (has_parts) [[unlikely]]
    for (int i = 0; i < inputs; ++i)
      if (PartOf* part = op.mutates >> i & 1 && in[i] ? part_of(in[i]) : nullptr) part->write_back(in[i]->storage);
  return out;
}

// Runs an op on a device, where all inputs must lie. Python numbers are moved there.
Outputs apply_elsewhere(const Device& device, const Op& op, const Tensor* in, int inputs, const Attrs& attrs,
                        const Tensor& into) {
  Tensor placed[kMaxInputs];
  for (int i = 0; i < inputs; ++i) {
    if (!in[i]) continue;
    placed[i] = in[i]->weak && !(op.mutates >> i & 1) ? copied_to(in[i], device) : in[i];
    FASTDL_CHECK(&placed[i]->device() == &device, TypeError, op.name, ": expected all tensors on one device, got ",
                 argument_name(op, i), " on '", placed[i]->device().name, "' and another on '", device.name,
                 "'; move one with .to(device)");
  }
  return apply_on(device, op, placed, inputs, attrs, into);
}

}  // namespace

void set_long_run(LongRun f) { long_run = f; }

Outputs apply(const Op& op, const Tensor* in, int inputs, const Attrs& attrs, const Tensor& into) {
  FASTDL_CHECK(inputs <= kMaxInputs, ValueError, op.name, ": at most ", kMaxInputs, " inputs");
  const Device* elsewhere = nullptr;
  for (int i = 0; i < inputs; ++i) {
    if (!in[i]) continue;
    if (in[i]->channels_last) [[unlikely]]
      return apply_to_held(op, in, inputs, attrs);
    if (!elsewhere && !in[i]->storage->on_cpu()) elsewhere = &in[i]->device();
  }
  if (elsewhere) return apply_elsewhere(*elsewhere, op, in, inputs, attrs, into);
  return apply_on(cpu(), op, in, inputs, attrs, into);
}

void infer_same_as_first(InferContext& c) { c.output(c.in[0]->shape, c.in[0]->dtype); }

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* who) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape out = longer;
  for (int i = 0; i < shorter.rank(); ++i) {
    int64_t x = longer.back(i), y = shorter.back(i);
    FASTDL_CHECK(x == y || x == 1 || y == 1, ShapeError, who, ": shapes ", a, " and ", b,
                 " do not broadcast against each other");
    out[out.rank() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

void check_float(const Tensor& t, const char* who, const char* argument) {
  FASTDL_CHECK(t, TypeError, who, ": argument '", argument, "' must be a tensor, got None");
  FASTDL_CHECK(t->dtype == DType::float32, TypeError, who, ": argument '", argument, "' must be float32, got ",
               t->dtype);
}

void refuse_storage(DType t, const char* who, const char* argument) {
  raise<TypeError>(who, ": ", argument,
                   " must be of a type to compute with (float32, int64, int32, uint8 or bool), got ", t,
                   ", which is a storage type; cast it to ", computing_type(t), " first");
}
void check_computing(const Tensor& t, const char* who, const char* argument) {
  FASTDL_CHECK(t, TypeError, who, ": argument '", argument, "' must be a tensor, got None");
  if (is_storage(t->dtype)) refuse_storage(t->dtype, who, ("argument '" + std::string(argument) + "'").c_str());
}

}  // namespace fastdl
