// Defines what an op is, and apply(), which runs one.
//
// An op is a row with named fields: `infer` checks the inputs and gives the outputs' shapes and types, `run` computes
// them with kernels, `grad` expresses the gradient with other ops. Called from Python an op runs at once. With
// gradients enabled it leaves a node on the tape, and while a plan is recorded the call is written down. Eager calls
// and replays use the same `run`, so they agree bit for bit.
#pragma once
#include <initializer_list>

#include "core/parallel.h"
#include "core/tensor.h"
#include "ops/attrs.h"

namespace fastdl {

inline constexpr int kMaxInputs = 16;
inline constexpr int kMaxOutputs = 8;

// A tensor as `run` gets it. data is null for an absent optional input.
struct View {
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::float32;
  const Device* device = nullptr;  // null: the CPU
  // Bytes from one row to the next where rows lie apart, as those of a window of columns do. 0: they are adjacent. Only
  // a plan's calls of `copy` have such views.
  int64_t pitch = 0;

  int64_t numel() const { return shape.numel(); }
  int64_t bytes() const { return numel() * size_of(dtype); }
  template <class T = float>
  T* as() const {
    return static_cast<T*>(data);
  }
  explicit operator bool() const { return data; }
};

struct Op;
struct Product;
struct Rows;
struct Derivation;

struct InferContext {
  const Op& op;
  const Tensor* in;
  int inputs;
  const Attrs& attrs;
  int outputs = 0;
  Shape shape[kMaxOutputs] = {};
  DType dtype[kMaxOutputs] = {};

  void output(const Shape& s, DType t) {
    shape[outputs] = s;
    dtype[outputs++] = t;
  }
};

struct RunContext {
  const Op& op;
  const View* in;
  const View* out;
  const Attrs& attrs;
  void* workspace = nullptr;  // the memory that the op wants
  int inputs = 0, outputs = 0;
  const RowSink* rows = nullptr;  // takes output 0 of an op that reports its rows; null: it goes where out[0] says
  template <class T>
  T* scratch() const {
    return static_cast<T*>(workspace);
  }
};

// grad() sets gin[i] for every input with needs(i); a null gin[i] means zero. gout[i] is null where nothing flows back
// into output i. If into[i] is set, gin[i] may be computed there (see apply). If may_wait(i), grad() may set
// waiting[i], a product to compute later, instead of gin[i]; if may_be_rows(i), rows[i].
struct GradContext {
  const Tensor* in;
  const Tensor* out;
  const Tensor* gout;
  const Attrs& attrs;
  uint32_t needed;
  Tensor* gin;
  const Tensor* into;
  uint32_t can_wait = 0;
  Product* waiting = nullptr;
  uint32_t can_be_rows = 0;
  Rows* rows = nullptr;

  bool needs(int i) const { return needed >> i & 1; }
  bool may_wait(int i) const { return can_wait >> i & 1; }
  bool may_be_rows(int i) const { return can_be_rows >> i & 1; }
};

// A row of n elements of an elementwise call. An input has stride 1, or 0: one element for all of them.
struct ElementRow {
  void* out;
  const void* in[3];
  int64_t n;
  int stride[3];
};
using RowKernel = void (*)(const ElementRow&, const Attrs&);

struct DescribeContext {
  const Attrs& attrs;
  const View* in;
};

// How a call that is not elementwise runs on some rows of input 0 and the result at a time. Together these are run().
struct ByRows {
  bool (*possible)(const Attrs&, const Shape& shape);  // of input 0 and the result
  void (*prepare)(const RunContext&);                  // before the first rows
  void (*run)(const RunContext&);                      // the views of input 0 and of the result have some rows
};
// How a call moves columns, the places along the last axis.
struct Columns {
  bool joins;  // inputs to one output; otherwise parts of one input to outputs
  // The first column of each part in the joined array. False: the call does not move whole columns.
  bool (*find)(const RunContext&, int64_t* first);
};
struct OpRow {
  const char* name = nullptr;  // unique
  void (*infer)(InferContext&) = nullptr;
  void (*run)(const RunContext&) = nullptr;                  // on the CPU; null: the output is a view of input 0
  void (*grad)(GradContext&) = nullptr;                      // null: not differentiable
  Attributes (*describe)(const DescribeContext&) = nullptr;  // null: the op has no attributes
  // Bytes of memory that run() wants besides its results, from shapes, types and attributes alone.
  int64_t (*workspace)(const RunContext&) = nullptr;
  uint32_t mutates = 0;         // bit i: input i is written in place
  uint32_t stored = 0;          // bit i: input i may be of a storage type; apply() refuses others
  uint32_t grad_in = ~0u;       // bit i: grad() reads the values of input i
  uint32_t grad_out = ~0u;      // bit i: grad() reads the values of output i
  uint32_t grad_out_for = ~0u;  // bit i: the gradient of input i reads them
  // If set, grad() reads no output of a call for which this is false, whatever grad_out says.
  bool (*reads_result)(const Attrs&) = nullptr;
  bool random = false;  // draws from the generator
  // A product: the gradient of input 0 reads the value of input 1 alone, and the other way round.
  bool bilinear = false;
  // Each element of the (one) output depends only on the inputs' elements at its place, after broadcasting. run() may
  // be given pieces, and an output in the memory of an input of its shape.
  bool elementwise = false;
  // For an elementwise op: the function that computes a row of operands of these types with one kernel. Null: run()
  // only.
  RowKernel (*row)(const View* in) = nullptr;
  // Writes into input 0 in place, each element from the other inputs' elements at its place.
  bool pointwise = false;
  // Whether run() gives each row of output 0, once, to c.rows; from attributes and shapes. Null: it does not.
  bool (*reports_rows)(const RunContext&) = nullptr;
  const ByRows* by_rows = nullptr;      // null: it runs on all rows at once
  const Columns* columns = nullptr;     // it only moves them
  bool assigns = false;                 // input 0 becomes a copy of input 1
  const Derivation* derived = nullptr;  // what it can read instead of an input (plan/derived.h)

  // The outputs whose values grad() reads to compute the gradients of `needed`.
  uint32_t outputs_read(const Attrs& attrs, uint32_t needed) const {
    return !(needed & grad_out_for) || (reads_result && !reads_result(attrs)) ? 0 : grad_out;
  }
  // The inputs whose values grad() reads to compute the gradients of `needed`.
  uint32_t values_read(uint32_t needed) const {
    return bilinear ? grad_in & ((needed & 1) << 1 | (needed >> 1 & 1)) : grad_in;
  }
};
// A row in the list of all ops. Ops live as long as the program; calls and nodes point at them.
struct Op : OpRow {
  Op(const OpRow& row);  // NOLINT: implicit, so that `const Op op_x = OpRow{...}` adds a row
  Op(const Op&) = delete;
  const Op* const next;  // in the list
  const int number;      // its place in the list
};
const Op* first_op();

// The function that computes the op on a device; null if there is none. Only for ops with a `run`, since views have
// none.
RunFunction run_of(const Op& op, const Device& device);
// Registers a device with the functions that its table has. ValueError if the name is taken.
void register_device(const DeviceTable& table);

// Runs a long call: calls `run`, within a Watch if `may_stop`. The binding sets this.
using LongRun = void (*)(FunctionRef<void()> run, bool may_stop);
void set_long_run(LongRun f);
inline constexpr int64_t kLongCall = int64_t(1) << 20;  // bytes of operands from which a call is long
// The same for calls that Ctrl-C may stop: that takes six system calls. Smaller ones end within milliseconds.
inline constexpr int64_t kStoppableCall = int64_t(4) << 20;

// For an attribute struct that describes itself.
template <class T>
Attributes describe(const DescribeContext& c) {
  return c.attrs.as<T>().describe();
}
// The attributes of a call by name. RuntimeError if the op has some and does not describe them.
Attributes attributes_of(const Op& op, const DescribeContext& c);

struct Outputs {
  Tensor t[kMaxOutputs];
  int count = 0;
  operator Tensor() const { return t[0]; }
};

// With `into` the result is written there and is a view of it, if it has that shape and type, nothing of that storage
// is read, and gradients are not enabled. Otherwise `into` is not used.
Outputs apply(const Op& op, const Tensor* in, int inputs, const Attrs& attrs, const Tensor& into = nullptr);
inline Outputs apply(const Op& op, std::initializer_list<Tensor> in, const Attrs& attrs = {},
                     const Tensor& into = nullptr) {
  return apply(op, in.begin(), int(in.size()), attrs, into);
}
// Copies x to another device, on the tape. A plan cannot hold such a step.
Tensor to_device(const Tensor& x, const Device& device);
extern const Op op_assign;  // assign_(target, value)
extern const Op op_copy;    // copy(x)

View view_of(const Tensor& t);
// If t is a copy of a part of another tensor, reads it anew where that was written since (ops/views.h).
void refresh_part_of(const Tensor& t);
inline void refresh_part(const Tensor& t) {
  if (t->storage->origin()) [[unlikely]]
    refresh_part_of(t);
}

// Sees every call of one thread while a plan is recorded (plan/recorder.cc). At most one per thread.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  // Just before a call writes into t in place.
  virtual void before_write(const Tensor& t) = 0;
  // After a call ran.
  virtual void on_call(const Op& op, const Tensor* in, int inputs, const Outputs& out, const Attrs& attrs) = 0;
  // Python reads the values of t (numpy(), item(), bool()), which a replay cannot repeat.
  virtual void on_host_read(const Tensor& t) = 0;
  // The gradient that a leaf holds is about to be read, or set.
  virtual void on_grad(const Tensor& leaf, bool reads) = 0;
  // Python asks whether t requires a gradient, or is about to change that.
  virtual void on_requires_grad(const Tensor& t) = 0;
};
// Holds the observer of the calling thread. Another thread that has the reference may clear it.
struct ObserverSlot : RefCounted {
  CallObserver* observer = nullptr;
};
const Ref<ObserverSlot>& observer_slot();
inline CallObserver* call_observer() { return observer_slot()->observer; }
inline void note_host_read(const Tensor& t) {
  refresh_part(t);
  if (CallObserver* o = call_observer()) o->on_host_read(t);
}
inline void note_grad(const Tensor& leaf, bool reads = true) {
  if (CallObserver* o = call_observer()) o->on_grad(leaf, reads);
}
inline void note_requires_grad(const Tensor& t) {
  if (CallObserver* o = call_observer()) o->on_requires_grad(t);
}
// How often ops of this thread have written in place, gradients during backward not counted.
uint64_t& writes_in_place();
// All of t was written.
inline void note_written(const Tensor& t) {
  const int64_t begin = t->offset * size_of(t->dtype);
  t->storage->written(begin, begin + t->bytes());
}
inline bool changed_since(const Tensor& t, uint32_t version) {
  const int64_t begin = t->offset * size_of(t->dtype);
  return t->storage->changed_since(version, begin, begin + t->bytes());
}

// Shape rules and checks shared by the families.
void infer_same_as_first(InferContext& c);
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* who);
// ValueError/TypeError naming the op unless t is a (non-null) tensor of that type.
void check_float(const Tensor& t, const char* who, const char* argument);
// TypeError that says which types are possible, unless t is of a type that values are computed with.
void check_computing(const Tensor& t, const char* who, const char* argument);
[[noreturn]] void refuse_storage(DType t, const char* who, const char* argument);

}  // namespace fastdl
