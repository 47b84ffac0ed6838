// The file is long because what a call leaves on the tape, and what backward makes of it, are read together.
#include "autograd/tape.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <unordered_set>

#include "ops/ops.h"
#include "ops/views.h"

namespace fastdl {
namespace {

thread_local bool enabled = true;
thread_local Where anomaly_where;

std::atomic<uint64_t> sequence{0};

// Where a gradient goes: output `index` of a node, or (node null) the leaf itself.
struct Edge {
  const void* target;
  int index;
  bool operator==(const Edge&) const = default;
};
Edge edge_of(const Tensor& t) {
  if (t->node) return {t->node.get(), t->output_index};
  return {t.get(), 0};
}

// The tensor's place in the tape, without its values.
Tensor without_values(const Tensor& t) {
  Tensor m = new TensorImpl;
  m->shape = t->shape;
  m->dtype = t->dtype;
  m->requires_grad = t->requires_grad;
  m->node = t->node;
  m->output_index = t->output_index;
  return m;
}

// Another object for the tensor, which keeps its place and its values.
Tensor for_call(const Tensor& t) {
  const Tensor m = without_values(t);
  if (!t->storage) return m;  // a place that sources() gave
  m->storage = t->storage;
  m->offset = t->offset;
  m->channels_last = t->channels_last;
  m->places = t->places;
  m->of_call = true;
  m->storage->begin_call();
  return m;
}

struct GradMode {
  bool before = enabled;
  explicit GradMode(bool on) { enabled = on; }
  ~GradMode() { enabled = before; }
};

}  // namespace

bool grad_enabled() { return enabled; }
void set_grad_enabled(bool on) { enabled = on; }

void take_place(const Tensor& t, const Tensor& source) {
  t->requires_grad = source->requires_grad;
  t->node = source->node;
  t->output_index = source->output_index;
  t->places = t->storage->places();
  t->hooks = nullptr;
  t->logits = nullptr;
}

uint64_t tape_length() { return sequence; }

std::vector<Tensor> sources(const std::vector<Tensor>& outputs, uint64_t since, const std::vector<Tensor>& without) {
  std::vector<Tensor> found;
  std::set<std::pair<const void*, int>> seen;
  for (const Tensor& t : without)
    if (t && t->requires_grad) seen.emplace(edge_of(t).target, edge_of(t).index);
  std::vector<Tensor> todo;
  for (const Tensor& t : outputs)
    if (t && t->requires_grad) todo.push_back(t);
  while (!todo.empty()) {
    const Tensor t = std::move(todo.back());
    todo.pop_back();
    const Edge edge = edge_of(t);
    if (!seen.emplace(edge.target, edge.index).second) continue;
    if (!t->node) {
      found.push_back(t);
      continue;
    }
    const Node& n = static_cast<const Node&>(*t->node);
    if (n.sequence < since) {
      found.push_back(without_values(t));
      continue;
    }
    for (int i = 0; i < n.inputs; ++i)
      if (n.needed >> i & 1) todo.push_back(n.in[i]);
  }
  return found;
}

// If each node's destructor released its inputs, a long chain (a loop of 100,000 steps) would overflow the stack. So
// nodes without another owner are queued, and the outermost destructor releases them. They are linked through
// themselves, since a destructor cannot allocate.
Node::~Node() {
  static thread_local Ref<RefCounted>* queue = nullptr;
  Ref<RefCounted> own;
  const bool outermost = !queue;
  if (outermost) queue = &own;
  for (Tensor& t : in) {
    Tensor last = std::move(t);  // one tensor may be several inputs: drop each reference before the next count
    if (!last || !last->node || last->use_count() != 1 || last->node->use_count() != 1) continue;
    Ref<RefCounted> node = std::move(last->node);
    static_cast<Node*>(node.get())->after = std::move(*queue);
    *queue = std::move(node);
  }
  if (!outermost) return;
  while (own) {
    Ref<RefCounted> last = std::move(own);
    own = std::move(static_cast<Node*>(last.get())->after);
  }
  queue = nullptr;
}

namespace {

extern const Op op_attached;  // a call whose gradient is a function, see below

// `outputs`: bit i: the gradient reads output i. `constant`: bit i: output i requires no gradient.
void record(const Op& op, const Tensor* in, int inputs, Outputs& out, const Attrs& attrs, uint32_t needed,
            uint32_t reads, uint32_t outputs, uint32_t constant) {
  Ref<Node> node = new Node;
  node->op = &op;
  node->attrs = attrs;
  node->sequence = sequence++;
  node->needed = needed;
  node->reads = reads;
  node->inputs = inputs;
  node->outputs = out.count;
  if (anomaly_where) [[unlikely]] {
    node->extra = new Node::Extra;
    node->extra->where = anomaly_where();
  }
  for (int i = 0; i < inputs; ++i) {
    if (!in[i]) continue;
    // A result is kept as another object, since a change in place gives the caller's another place in the tape.
    const bool leaf = in[i]->requires_grad && !in[i]->node, read = reads >> i & 1;
    if (i && in[i] == in[0] && read == bool(reads & 1))
      node->in[i] = node->in[0];
    else
      node->in[i] = !leaf && !read ? without_values(in[i]) : in[i]->node ? for_call(in[i]) : in[i];
    if (!in[i]->storage) continue;  // a place that sources() gave
    node->in_version[i] = in[i]->storage->version();
    node->in_serial[i] = in[i]->storage->serial();
  }
  if (outputs) node->out_version = out.t[0]->storage->version();
  // The gradient of the only output has its shape.
  const bool keeps_shapes = out.count > 1 || &op == &op_attached;
  for (int i = 0; i < out.count; ++i) {
    if (outputs >> i & 1)
      node->out[i] = detach(out.t[i]);
    else if (keeps_shapes)
      node->out[i] = without_values(out.t[i]);
    if (!is_float(out.t[i]->dtype) || (constant >> i & 1)) continue;
    out.t[i]->requires_grad = true;
    out.t[i]->node = node;
    out.t[i]->output_index = i;
    out.t[i]->places = out.t[i]->storage->places();
  }
}

// A tensor in the memory of another that was changed in place since, on the tape. PyTorch's views do the same.
void find_place_again(const Tensor& t) {
  TensorImpl* from = t->viewed ? t->viewed->nearest() : nullptr;
  FASTDL_CHECK(from && from->storage == t->storage, RuntimeError, "a tensor of shape ", t->shape,
               " shares its memory with one that was changed in place since, so its own ",
               "place in the graph is lost; make it again (reshape, view) after that change");
  if (from->node && from->places != t->storage->places()) find_place_again(from);
  take_place(t, reshape(from, t->shape));
}

uint32_t needed_of(const Tensor* in, int inputs) {
  uint32_t needed = 0;
  for (int i = 0; i < inputs; ++i) {
    if (!in[i] || !in[i]->requires_grad) continue;
    needed |= 1u << i;
    if (in[i]->node && in[i]->storage && in[i]->places != in[i]->storage->places()) [[unlikely]]
      find_place_again(in[i]);
  }
  return needed;
}

}  // namespace

void find_place(const Tensor& t) {
  if (!t || !t->storage) return;  // sources() gives places without memory
  refresh_part(t);
  if (t->node && t->places != t->storage->places()) find_place_again(t);
}

void record_on_tape(const Op& op, const Tensor* in, int inputs, Outputs& out, const Attrs& attrs) {
  if (!enabled) return;
  const uint32_t needed = needed_of(in, inputs);
  if (!needed) return;
  record(op, in, inputs, out, attrs, needed, op.grad_in, op.outputs_read(attrs, needed), 0);
  if (!op.run && in[0]->node) out.t[0]->viewed = handle_of(in[0]);
}

// --- gradients that are functions

namespace {

struct Attached {
  GradFunction function;
  int inputs, outputs;
  uint32_t out_version[kMaxOutputs];
};
void grad_attached(GradContext& c) {
  const Attached& a = c.attrs.as<Attached>();
  for (int i = 0; i < a.outputs; ++i)
    FASTDL_CHECK(!c.out[i]->storage || !changed_since(c.out[i], a.out_version[i]), RuntimeError, "backward: output ", i,
                 " of a function (shape ", c.out[i]->shape, ") was changed in place, but its gradient needs it");
  const std::vector<Tensor> found = a.function(c);
  FASTDL_CHECK(found.size() == size_t(a.inputs), RuntimeError, "backward: a function with ", a.inputs, " inputs gave ",
               found.size(), " gradients");
  for (int i = 0; i < a.inputs; ++i) {
    if (!c.needs(i) || !found[size_t(i)]) continue;
    const Tensor& g = found[size_t(i)];
    FASTDL_CHECK(g->shape == c.in[i]->shape, RuntimeError, "backward: a function gave a gradient of shape ", g->shape,
                 " for input ", i, " of shape ", c.in[i]->shape);
    c.gin[i] = cast(g, DType::float32);
  }
}
// Never called by apply(): attach() alone records it. The values it reads are in each node's masks.
const Op op_attached = OpRow{.name = "function", .infer = infer_same_as_first, .grad = grad_attached, .grad_out = 0};

}  // namespace

std::vector<Tensor> attach(const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs, GradFunction function,
                           uint32_t reads_in, uint32_t reads_out, uint32_t constant) {
  FASTDL_CHECK(inputs.size() <= kMaxInputs && outputs.size() <= kMaxOutputs, ValueError, "function: at most ",
               kMaxInputs, " inputs and ", kMaxOutputs, " outputs, got ", inputs.size(), " and ", outputs.size());
  const uint32_t needed = needed_of(inputs.data(), int(inputs.size()));
  if (!enabled || !needed || outputs.empty()) return outputs;
  Outputs out;
  Attached a{std::move(function), int(inputs.size()), int(outputs.size()), {}};
  for (const Tensor& t : outputs) {
    a.out_version[out.count] = t->storage->version();
    out.t[out.count++] = detach(t);
  }
  record(op_attached, inputs.data(), a.inputs, out, a, needed, reads_in, reads_out, constant);
  return {out.t, out.t + out.count};
}

Where set_anomaly_detection(Where where) { return std::exchange(anomaly_where, std::move(where)); }

// --- hooks

GradHooks& hooks_of(const Tensor& t, Ref<GradHooks> (*make)()) {
  if (!t->hooks) {
    const Ref<GradHooks> hooks = make();
    t->hooks = hooks;
    if (t->node) {
      Node& n = static_cast<Node&>(*t->node);
      if (!n.extra) n.extra = new Node::Extra;
      // Another object for the same tensor may have some.
      Ref<GradHooks>& known = n.extra->hooks[t->output_index];
      if (known)
        t->hooks = known;
      else
        known = hooks;
    }
  }
  return static_cast<GradHooks&>(*t->hooks);
}

namespace {

struct Pending {
  Ref<Node> node;
  Tensor gout[kMaxOutputs];
};

void accumulate(Tensor& into, const Tensor& g) { into = into ? add(into, g) : g; }

// The same where the sum lies in an optimizer's memory. The first gradient may be there already.
void accumulate_at(const Tensor& home, Tensor& into, const Tensor& g) {
  struct Uncounted {  // these writes are not counted, since the next attempt makes gradients anew
    uint64_t before = writes_in_place();
    ~Uncounted() { writes_in_place() = before; }
  } uncounted;
  if (into) return add_(into, g);
  if (g->address() != home->address()) assign_(home, g);
  into = home;
}

// A gradient has the type of its tensor. Until it is complete it is float32, the type in which gradients are added.
Tensor of_type(const Tensor& to, const Tensor& g) { return is_storage(to->dtype) ? cast(g, to->dtype) : g; }

// Receives the gradients of leaves and of all that is computed from them.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void take(const Tensor& to, const Tensor& g) = 0;
  // Where take() would copy the next gradient of this tensor, so that it can be computed in place.
  virtual Tensor home_of(const Tensor& to) = 0;
  // Whether the next gradient of this tensor may come as a Product, computed later.
  virtual bool can_wait(const Tensor&) { return false; }
  virtual void take(const Tensor&, Product) {}
  virtual bool accumulates() const { return false; }  // whether take() adds to leaf->grad
  // Whether the next gradient of this tensor may come as rows.
  virtual bool can_be_rows(const Tensor&) { return false; }
  virtual void take(const Tensor&, Rows) {}
  // One use of this tensor has contributed its gradient.
  virtual void used(const Tensor&) {}
};

// Whether input i has the values that the call read. Leaves may have been moved to other memory with their values;
// results have other memory only after a change in place.
bool is_unchanged(const Node& n, int i) {
  const Tensor& t = n.in[i];
  if (n.in_serial[i] != t->storage->serial()) return !t->node;
  return !changed_since(t, n.in_version[i]);
}

bool has_hooks(const Tensor& t) {
  if (!t->node) return bool(t->hooks);
  const Node& n = static_cast<const Node&>(*t->node);
  return n.extra && n.extra->hooks[t->output_index];
}
Tensor hook_result(GradHooks& hooks, const Tensor& g) {
  const Tensor changed = hooks.changed(g);
  FASTDL_CHECK(changed->shape == g->shape, RuntimeError, "backward: a hook gave a gradient of shape ", changed->shape,
               " for one of shape ", g->shape);
  return cast(changed, DType::float32);
}
// The gradient of an output is complete.
void take_hooked(Pending& p, int output, Receiver& receiver) {
  GradHooks& hooks = *p.node->extra->hooks[output];
  Tensor& g = p.gout[output];
  g = hook_result(hooks, g);
  if (hooks.retains) hooks.retained = hooks.retained ? add(hooks.retained, g) : g;
  const Tensor place = new TensorImpl;
  place->shape = g->shape;
  place->requires_grad = true;
  place->node = p.node;
  place->output_index = output;
  receiver.take(place, g);
}

void check_for_nan(const Node& n, const GradContext& c) {
  const auto holds_nan = [](const Tensor& t) { return t && *to_device(any(isnan(t)), cpu())->data<bool>(); };
  GradMode quiet(false);
  for (int i = 0; i < n.outputs; ++i)
    if (holds_nan(c.gout[i])) return;  // it came from somewhere else
  for (int i = 0; i < n.inputs; ++i)
    FASTDL_CHECK(!c.needs(i) || !holds_nan(c.gin[i]), RuntimeError, "backward: the gradient of ", n.op->name,
                 " for input ", i, " (shape ", c.in[i]->shape, ") holds NaN",
                 n.extra && !n.extra->where.empty() ? "; it was called at " + n.extra->where : std::string());
}

// Whether the node has anything to release: values, a function, hooks. One that has not, such as a sum's, can be
// walked through again.
bool holds_something(const Node& n, uint32_t read) {
  bool holds = read || n.op == &op_attached;
  for (int i = 0; i < n.outputs; ++i) holds |= (n.out[i] && n.out[i]->storage) || (n.extra && n.extra->hooks[i]);
  return holds;
}

// Walks the tape from the newest node to the oldest.
// Calls before `since` are left alone: their results count as leaves without hooks.
void walk(const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads, bool retain_graph, bool create_graph,
          Receiver& receiver, uint64_t since = 0) {
  GradMode mode(create_graph);
  std::map<uint64_t, Pending, std::greater<>> todo;
  std::vector<std::pair<Tensor, Tensor>> held;  // leaves with hooks, and their gradients so far

  const auto is_source = [&](const Tensor& t) {
    return since && (!t->node || static_cast<const Node&>(*t->node).sequence < since);
  };
  auto flow = [&](const Tensor& to, const Tensor& g) {
    if (is_source(to)) return receiver.take(to, g);
    if (!has_hooks(to)) {
      receiver.take(to, g);
    } else if (!to->node) {
      auto at = std::find_if(held.begin(), held.end(), [&](const auto& h) { return h.first == to; });
      if (at == held.end()) at = held.insert(at, {to, nullptr});
      return accumulate(at->second, g);
    }
    if (!to->node) return;
    Ref<Node> node = static_cast<Node*>(to->node.get());
    Pending& p = todo[node->sequence];
    p.node = node;
    accumulate(p.gout[to->output_index], g);
  };

  for (size_t i = 0; i < roots.size(); ++i) {
    const Tensor& r = roots[i];
    FASTDL_CHECK(r, TypeError, "backward: expected a tensor, got None");
    FASTDL_CHECK(r->requires_grad, RuntimeError, "backward: the tensor of shape ", r->shape,
                 " does not require a gradient and was not computed from one that does");
    Tensor g = i < root_grads.size() ? root_grads[i] : Tensor();
    if (!g) {
      FASTDL_CHECK(r->numel() == 1, RuntimeError,
                   "backward: expected a one-element tensor (or its gradient as argument), got shape ", r->shape);
      g = full(r->shape, DType::float32, 1, r->device());
    }
    FASTDL_CHECK(g->shape == r->shape, ShapeError, "backward: the gradient has shape ", g->shape,
                 " but the tensor has shape ", r->shape);
    flow(r, cast(g, DType::float32));
    receiver.used(r);
  }

  while (!todo.empty()) {
    Pending p = std::move(todo.begin()->second);
    todo.erase(todo.begin());
    Node& n = *p.node;
    FASTDL_CHECK(n.inputs, RuntimeError,
                 "backward: this part of the graph was already used and its values released; "
                 "pass retain_graph=True to the first call to go through it again");
    for (int i = 0; i < n.outputs && n.extra; ++i)
      if (n.extra->hooks[i] && p.gout[i]) take_hooked(p, i, receiver);
    const uint32_t read = n.reads & n.op->values_read(n.needed);
    for (int i = 0; i < n.inputs; ++i)
      FASTDL_CHECK(!n.in[i] || !n.in[i]->storage || !(read >> i & 1) || is_unchanged(n, i), RuntimeError,
                   "backward: input ", i, " of ", n.op->name, " (shape ", n.in[i]->shape,
                   ") was changed in place after it was used");
    for (int i = 0; i < n.outputs; ++i)
      FASTDL_CHECK(!(n.op->outputs_read(n.attrs, n.needed) >> i & 1) || !changed_since(n.out[i], n.out_version),
                   RuntimeError, "backward: the result of ", n.op->name, " (shape ", n.out[i]->shape,
                   ") was changed in place, but its gradient needs it");
    // Copies, because another thread may walk through this node while a long call has released the GIL.
    Tensor in[kMaxInputs], out[kMaxOutputs], gin[kMaxInputs], into[kMaxInputs];
    const int inputs = n.inputs;
    for (int i = 0; i < inputs; ++i) {
      in[i] = n.in[i];
      if (read >> i & 1 && in[i] && in[i]->storage && in[i]->storage->origin()) in[i] = as_it_was(in[i]);
    }
    Product waiting[kMaxInputs];
    Rows rows[kMaxInputs];
    uint32_t can_wait = 0, can_be_rows = 0;
    for (int i = 0; i < n.outputs; ++i) {
      out[i] = n.out[i];
      if (create_graph && out[i] && out[i]->storage && is_float(out[i]->dtype)) {
        out[i] = detach(out[i]);
        out[i]->requires_grad = true;
        out[i]->node = p.node;
        out[i]->output_index = i;
      }
    }
    for (int i = 0; i < inputs; ++i) {  // a tensor that is several inputs has only one home
      if (!in[i] || has_hooks(in[i]) || std::find(in, in + i, in[i]) != in + i) continue;
      into[i] = receiver.home_of(in[i]);
      if (receiver.can_wait(in[i])) can_wait |= 1u << i;
      if (receiver.can_be_rows(in[i])) can_be_rows |= 1u << i;
    }
    GradContext c{in, out, p.gout, n.attrs, n.needed, gin, into, can_wait, waiting, can_be_rows, rows};
    n.op->grad(c);
    if (anomaly_where) [[unlikely]]
      check_for_nan(n, c);
    for (int i = 0; i < inputs; ++i) {
      if (!c.needs(i)) continue;
      if (gin[i]) flow(in[i], gin[i]);
      if (waiting[i]) receiver.take(in[i], std::move(waiting[i]));
      if (rows[i]) receiver.take(in[i], std::move(rows[i]));
      receiver.used(in[i]);
    }
    if (!retain_graph && holds_something(n, read)) {
      for (int i = 0; i < n.inputs; ++i)
        if (n.in[i] && n.in[i]->storage && (n.in[i]->node || !n.in[i]->requires_grad))
          n.in[i] = without_values(n.in[i]);
      for (int i = 0; i < n.outputs; ++i) {
        n.out[i] = nullptr;
        if (n.extra && n.extra->hooks[i]) n.extra->hooks[i]->released();
      }
      n.inputs = 0;
    }
  }
  for (auto& [leaf, gradient] : held) {
    GradHooks& hooks = static_cast<GradHooks&>(*leaf->hooks);
    receiver.take(leaf, hook_result(hooks, gradient));
    if (receiver.accumulates()) hooks.accumulated(leaf);
  }
}

// Gradients of chosen tensors, for a sink.
class Chosen : public Receiver {
 public:
  Chosen(const std::vector<Tensor>& roots, const std::vector<Tensor>& inputs, GradientSink& sink, uint64_t since)
      : inputs_(inputs), sink_(sink), since_(since), sums_(inputs.size()), to_come_(inputs.size()) {
    for (size_t i = 0; i < inputs.size(); ++i) places_.push_back({edge_of(inputs[i]), i});
    std::sort(places_.begin(), places_.end(), [](const auto& a, const auto& b) { return before(a.first, b.first); });
    count_uses(roots);
  }

  void take(const Tensor& to, const Tensor& g) override {
    for_each_place(to, [&](size_t i) {
      const Tensor home = home_at(i);
      home ? accumulate_at(home, sums_[i], g) : accumulate(sums_[i], g);
    });
  }
  Tensor home_of(const Tensor& to) override {
    Tensor home;
    for_each_place(to, [&](size_t i) { home = sums_[i] ? nullptr : home_at(i); });
    return home;
  }

  // Only a product that is the whole gradient can wait, and only the whole gradient can be rows.
  bool can_wait(const Tensor& to) override {
    bool can = false;
    for_each_place(to, [&](size_t i) { can = is_whole(to, i) && sink_.takes_parts(i); });
    return can;
  }
  bool can_be_rows(const Tensor& to) override {
    bool can = false;
    for_each_place(to, [&](size_t i) { can = is_whole(to, i) && sink_.takes_rows(i); });
    return can;
  }
  void take(const Tensor& to, Product p) override {
    for_each_place(to, [&](size_t i) {
      if (reads_inputs(p.a, p.b))
        sums_[i] = compute_rows(p, 0, p.rows(), sink_.place(i));
      else
        sink_.take(i, p);
    });
  }
  void take(const Tensor& to, Rows r) override {
    for_each_place(to, [&](size_t i) {
      if (reads_inputs(r.ids, r.values))
        sums_[i] = table_of(r, sink_.place(i));
      else
        sink_.take(i, r);
    });
  }

  void used(const Tensor& to) override {
    for_each_place(to, [&](size_t i) {
      if (--to_come_[i] == 0) deliver(i);
    });
  }
  // Delivers the gradients that still wait for uses through which nothing flowed.
  void finish() {
    for (size_t i = 0; i < sums_.size(); ++i) deliver(i);
  }

 private:
  static bool before(const Edge& a, const Edge& b) {
    return a.target != b.target ? std::less<>()(a.target, b.target) : a.index < b.index;
  }
  template <class F>
  void for_each_place(const Tensor& to, F f) {
    const Edge e = edge_of(to);
    auto at = std::lower_bound(places_.begin(), places_.end(), e,
                               [](const auto& p, const Edge& wanted) { return before(p.first, wanted); });
    for (; at != places_.end() && at->first == e; ++at) f(at->second);
  }

  // Counts how often each input is used by a call or is a root. So many gradients add up to its own.
  void count_uses(const std::vector<Tensor>& roots) {
    std::vector<Node*> open;
    std::unordered_set<Node*> seen;
    auto use = [&](const Tensor& t) {
      for_each_place(t, [&](size_t i) { ++to_come_[i]; });
      Node* node = static_cast<Node*>(t->node.get());
      if (node && node->sequence >= since_ && seen.insert(node).second) open.push_back(node);
    };
    for (const Tensor& r : roots)
      if (r) use(r);
    while (!open.empty()) {
      Node* const n = open.back();
      open.pop_back();
      for (int i = 0; i < n->inputs; ++i)
        if (n->needed >> i & 1) use(n->in[i]);
    }
  }
  void deliver(size_t i) {
    if (Tensor g = std::exchange(sums_[i], nullptr)) sink_.take(i, of_type(inputs_[i], g));
  }
  // Gradients cannot be summed in memory of a storage type.
  Tensor home_at(size_t i) { return is_storage(inputs_[i]->dtype) ? nullptr : sink_.place(i); }

  bool is_whole(const Tensor& to, size_t i) const {
    return to_come_[i] == 1 && !sums_[i] && !to->node && !is_storage(to->dtype);
  }
  bool reads_inputs(const Tensor& a, const Tensor& b) const {
    return std::any_of(inputs_.begin(), inputs_.end(),
                       [&](const Tensor& t) { return t->storage == a->storage || t->storage == b->storage; });
  }

  const std::vector<Tensor>& inputs_;
  GradientSink& sink_;
  const uint64_t since_;
  std::vector<std::pair<Edge, size_t>> places_;  // sorted
  std::vector<Tensor> sums_;
  std::vector<int> to_come_;
};

// Gradients of all leaves, as their `grad`.
class Leaves : public Receiver {
 public:
  bool accumulates() const override { return true; }
  void take(const Tensor& to, const Tensor& g) override {
    if (to->node) return;
    note_grad(to);
    if (is_storage(to->dtype)) {
      const Tensor sum = to->grad ? add(cast(to->grad, DType::float32), g) : g;
      if (to->grad && !grad_enabled())
        assign_(to->grad, sum);
      else
        to->grad = of_type(to, sum);
    } else if (grad_enabled()) {
      to->grad = to->grad ? add(to->grad, g) : g;  // a gradient with a history cannot be changed in place
    } else if (to->grad || to->grad_home) {
      accumulate_at(to->grad_home, to->grad, g);
    } else {
      to->grad = copy(g);  // memory of its own: g may be another tensor's gradient too (y = a + b)
    }
  }
  Tensor home_of(const Tensor& to) override {
    if (to->node) return nullptr;
    note_grad(to);
    return to->grad || is_storage(to->dtype) ? nullptr : to->grad_home;
  }
};

}  // namespace

void grad(const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads, const std::vector<Tensor>& inputs,
          bool retain_graph, bool create_graph, GradientSink& sink, uint64_t since) {
  for (const Tensor& t : roots) find_place(t);
  for (const Tensor& t : inputs) find_place(t);
  for (const Tensor& t : inputs)
    FASTDL_CHECK(t && t->requires_grad, RuntimeError, "grad: every input must require a gradient; one of shape ",
                 t ? t->shape : Shape{}, " does not");
  Chosen chosen(roots, inputs, sink, since);
  walk(roots, root_grads, retain_graph, create_graph, chosen, since);
  chosen.finish();
}

std::vector<Tensor> grad(const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads,
                         const std::vector<Tensor>& inputs, bool retain_graph, bool create_graph, uint64_t since) {
  struct Kept : GradientSink {
    std::vector<Tensor> gradients;
    void take(size_t i, const Tensor& g) override { gradients[i] = g; }
  } kept;
  kept.gradients.resize(inputs.size());
  grad(roots, root_grads, inputs, retain_graph, create_graph, kept, since);
  return std::move(kept.gradients);
}

void backward(const Tensor& root, const Tensor& root_grad, bool retain_graph, bool create_graph) {
  find_place(root);
  Leaves leaves;
  walk({root}, {root_grad}, retain_graph, create_graph, leaves);
}

}  // namespace fastdl
