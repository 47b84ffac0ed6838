#include "autograd/tape.h"
#include "ops/op.h"

namespace fastdl {

View view_of(const Tensor& t) {
  View v;
  if (t) v = {t->raw(), t->shape, t->dtype};
  return v;
}

const Ref<ObserverSlot>& observer_slot() {
  static thread_local const Ref<ObserverSlot> slot = new ObserverSlot;
  return slot;
}

uint64_t& writes_in_place() {
  static thread_local uint64_t writes = 0;
  return writes;
}

namespace {

bool can_write_into(const Tensor& into, const InferContext& c) {
  bool can = !grad_enabled() && c.outputs == 1 && c.shape[0] == into->shape && c.dtype[0] == into->dtype;
  for (int i = 0; i < c.inputs; ++i) can &= !c.in[i] || c.in[i]->storage != into->storage;
  return can;
}

// Plans know two kinds of calls, those with a result of their own and those that write in place. So a result that
// was written elsewhere is one that was assigned there; plans know to leave that step out, too, where it is safe.
void observe_written(CallObserver& observer, const Op& op, const Tensor* in, int inputs, const Attrs& attrs,
                     const Tensor& into) {
  Tensor result = new TensorImpl;
  result->storage = Storage::wrap(nullptr, into->bytes(), false, nullptr);
  result->shape = into->shape;
  result->dtype = into->dtype;
  observer.on_call(op, in, inputs, {{result}, 1}, attrs);
  const Tensor assign[] = {into, result};
  observer.on_call(op_assign, assign, 2, {}, {});
}

}  // namespace

Outputs apply(const Op& op, const Tensor* in, int inputs, const Attrs& attrs, const Tensor& into) {
  FASTDL_CHECK(inputs <= kMaxInputs, ValueError, op.name, ": at most ", kMaxInputs, " inputs");
  InferContext c{op, in, inputs, attrs};
  op.infer(c);
  for (int i = 0; i < inputs; ++i) {
    if (!(op.mutates >> i & 1) || !in[i]) continue;
    FASTDL_CHECK(!in[i]->storage->read_only(), ValueError, op.name,
                 ": cannot write in place into a read-only array of shape ", in[i]->shape);
    FASTDL_CHECK(!(grad_enabled() && in[i]->requires_grad), RuntimeError, op.name,
                 ": a tensor that requires a gradient cannot be changed in place; do it under no_grad()");
  }

  const bool written = into && can_write_into(into, c);
  Outputs out;
  out.count = c.outputs;
  View in_views[kMaxInputs], out_views[kMaxOutputs];
  for (int i = 0; i < inputs; ++i) in_views[i] = view_of(in[i]);
  for (int i = 0; i < c.outputs; ++i) {
    out.t[i] = written ? detach(into) : op.run ? empty(c.shape[i], c.dtype[i]) : view(in[0], c.shape[i]);
    out_views[i] = view_of(out.t[i]);
  }
  CallObserver* const observer = call_observer();
  if (observer)
    for (int i = 0; i < inputs; ++i)
      if (op.mutates >> i & 1 && in[i]) observer->before_write(in[i]);
  if (observer && written) observer->before_write(into);
  if (op.run) op.run({in_views, out_views, attrs});
  for (int i = 0; i < inputs; ++i)
    if (op.mutates >> i & 1 && in[i]) note_written(in[i]), ++writes_in_place();
  if (written) note_written(into);

  if (observer && written)
    observe_written(*observer, op, in, inputs, attrs, into);
  else if (observer && op.run)
    observer->on_call(op, in, inputs, out, attrs);
  if (op.grad) record_on_tape(op, in, inputs, out, attrs);
  return out;
}

void infer_same_as_first(InferContext& c) { c.output(c.in[0]->shape, c.in[0]->dtype); }

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* who) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape out = longer;
  for (int i = 0; i < shorter.rank(); ++i) {
    int64_t x = longer.back(i), y = shorter.back(i);
    FASTDL_CHECK(x == y || x == 1 || y == 1, ValueError, who, ": shapes ", a, " and ", b,
                 " do not broadcast against each other");
    out[out.rank() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

void check_float(const Tensor& t, const char* who, const char* argument) {
  FASTDL_CHECK(t, TypeError, who, ": argument '", argument, "' must be a tensor, got None");
  FASTDL_CHECK(is_float(t->dtype), TypeError, who, ": argument '", argument,
               "' must be float32, got ", t->dtype);
}

}  // namespace fastdl
