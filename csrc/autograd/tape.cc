#include "autograd/tape.h"

#include <algorithm>
#include <atomic>
#include <map>

#include "ops/ops.h"

namespace fastdl {
namespace {

thread_local bool enabled = true;

uint64_t next_sequence() {
  static std::atomic<uint64_t> n{0};
  return n++;
}

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

// The place in the tape without the values.
Tensor without_values(const Tensor& t) {
  Tensor m = new TensorImpl;
  m->shape = t->shape;
  m->dtype = t->dtype;
  m->requires_grad = t->requires_grad;
  m->node = t->node;
  m->output_index = t->output_index;
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

// A long chain of nodes (a loop of 100,000 steps) would overflow the stack if each node's destructor
// released the one before it: releases are queued and worked off by the outermost destructor.
Node::~Node() {
  static thread_local std::vector<Ref<RefCounted>>* queue = nullptr;
  std::vector<Ref<RefCounted>> own;
  bool outermost = !queue;
  if (outermost) queue = &own;
  for (Tensor& t : in) {
    Tensor last = std::move(t);  // one tensor may be several inputs: each reference goes before the next is counted
    if (last && last->node && last->use_count() == 1) queue->push_back(std::move(last->node));
  }
  if (!outermost) return;
  while (!own.empty()) {
    Ref<RefCounted> last = std::move(own.back());
    own.pop_back();
  }
  queue = nullptr;
}

void record_on_tape(const Op& op, const Tensor* in, int inputs, Outputs& out, const Attrs& attrs) {
  if (!enabled) return;
  uint32_t needed = 0;
  for (int i = 0; i < inputs; ++i)
    if (in[i] && in[i]->requires_grad) needed |= 1u << i;
  if (!needed) return;

  Ref<Node> node = new Node;
  node->op = &op;
  node->attrs = attrs;
  node->sequence = next_sequence();
  node->needed = needed;
  node->inputs = inputs;
  node->outputs = out.count;
  for (int i = 0; i < inputs; ++i) {
    if (!in[i]) continue;
    bool leaf = in[i]->requires_grad && !in[i]->node;
    node->in[i] = leaf || (op.grad_in >> i & 1) ? in[i] : without_values(in[i]);
    node->in_version[i] = in[i]->storage->version();
    node->in_serial[i] = in[i]->storage->serial();
  }
  if (op.grad_out) node->out_version = out.t[0]->storage->version();
  for (int i = 0; i < out.count; ++i) {
    node->out[i] = op.grad_out ? detach(out.t[i]) : without_values(out.t[i]);
    if (!is_float(out.t[i]->dtype)) continue;
    out.t[i]->requires_grad = true;
    out.t[i]->node = node;
    out.t[i]->output_index = i;
  }
}

namespace {

struct Pending {
  Ref<Node> node;
  Tensor gout[kMaxOutputs];
};

void accumulate(Tensor& into, const Tensor& g) { into = into ? add(into, g) : g; }

// The same where the sum has a home in an optimizer's memory; the first gradient may lie there already.
void accumulate_at(const Tensor& home, Tensor& into, const Tensor& g) {
  if (into) return add_(into, g);
  if (g->raw() != home->raw()) assign_(home, g);
  into = home;
}

// Walks the tape from the newest node to the oldest. `sink` receives every gradient with the tensor it reaches;
// `home_of` says where sink would copy the next one of a tensor, so that it can be written there at once.
template <class Sink, class Home>
void walk(const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads, bool retain_graph,
          bool create_graph, Sink sink, Home home_of) {
  GradMode mode(create_graph);
  std::map<uint64_t, Pending, std::greater<>> todo;

  auto flow = [&](const Tensor& to, const Tensor& g) {
    sink(to, g);
    if (!to->node) return;
    Ref<Node> node = static_cast<Node*>(to->node.get());
    Pending& p = todo[node->sequence];
    p.node = node;
    accumulate(p.gout[to->output_index], g);
  };

  for (size_t i = 0; i < roots.size(); ++i) {
    const Tensor& r = roots[i];
    FASTDL_CHECK(r, TypeError, "backward: expected a tensor, got None");
    FASTDL_CHECK(r->requires_grad, RuntimeError,
                 "backward: the tensor of shape ", r->shape,
                 " does not require a gradient and was not computed from one that does");
    Tensor g = i < root_grads.size() ? root_grads[i] : Tensor();
    if (!g) {
      FASTDL_CHECK(r->numel() == 1, RuntimeError,
                   "backward: expected a one-element tensor (or its gradient as argument), got shape ",
                   r->shape);
      g = full(r->shape, DType::float32, 1);
    }
    FASTDL_CHECK(g->shape == r->shape, ValueError, "backward: the gradient has shape ", g->shape,
                 " but the tensor has shape ", r->shape);
    flow(r, cast(g, DType::float32));
  }

  while (!todo.empty()) {
    Pending p = std::move(todo.begin()->second);
    todo.erase(todo.begin());
    Node& n = *p.node;
    FASTDL_CHECK(n.inputs, RuntimeError,
                 "backward: this part of the graph was already used and its values released; "
                 "pass retain_graph=True to the first call to go through it again");
    for (int i = 0; i < n.inputs; ++i)
      FASTDL_CHECK(!n.in[i] || !n.in[i]->storage || !(n.op->grad_in >> i & 1) ||
                       n.in_version[i] == n.in[i]->storage->version() ||
                       n.in_serial[i] != n.in[i]->storage->serial(),
                   RuntimeError, "backward: input ", i, " of ", n.op->name, " (shape ",
                   n.in[i]->shape, ") was changed in place after it was used");
    for (int i = 0; i < n.outputs; ++i)
      FASTDL_CHECK(!n.op->grad_out || n.out[i]->storage->version() == n.out_version, RuntimeError,
                   "backward: the result of ", n.op->name, " (shape ", n.out[i]->shape,
                   ") was changed in place, but its gradient needs it");
    Tensor out[kMaxOutputs], gin[kMaxInputs], into[kMaxInputs];
    for (int i = 0; i < n.outputs; ++i) {
      out[i] = n.out[i];
      if (create_graph && out[i]->storage && is_float(out[i]->dtype)) {
        out[i] = detach(out[i]);
        out[i]->requires_grad = true;
        out[i]->node = p.node;
        out[i]->output_index = i;
      }
    }
    for (int i = 0; i < n.inputs; ++i)  // a tensor that is several inputs has only one home
      if (n.in[i] && std::find(n.in, n.in + i, n.in[i]) == n.in + i) into[i] = home_of(n.in[i]);
    GradContext c{n.in, out, p.gout, n.attrs, n.needed, gin, into};
    n.op->grad(c);
    for (int i = 0; i < n.inputs; ++i)
      if (c.needs(i) && gin[i]) flow(n.in[i], gin[i]);
    if (!retain_graph) {
      for (int i = 0; i < n.inputs; ++i)
        if (n.in[i] && n.in[i]->storage && (n.in[i]->node || !n.in[i]->requires_grad))
          n.in[i] = without_values(n.in[i]);
      for (int i = 0; i < n.outputs; ++i) n.out[i] = nullptr;
      n.inputs = 0;
    }
  }
}

}  // namespace

std::vector<Tensor> grad(const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads,
                         const std::vector<Tensor>& inputs, bool retain_graph, bool create_graph,
                         bool at_home) {
  std::vector<Edge> edges;
  for (const Tensor& t : inputs) {
    FASTDL_CHECK(t && t->requires_grad, RuntimeError,
                 "grad: every input must require a gradient; one of shape ", t ? t->shape : Shape{},
                 " does not");
    edges.push_back(edge_of(t));
  }
  std::vector<Tensor> result(inputs.size());
  auto sink = [&](const Tensor& to, const Tensor& g) {
    Edge e = edge_of(to);
    for (size_t i = 0; i < edges.size(); ++i) {
      if (edges[i] != e) continue;
      if (at_home && to->grad_home)
        accumulate_at(to->grad_home, result[i], g);
      else
        accumulate(result[i], g);
    }
  };
  auto home_of = [&](const Tensor& to) -> Tensor {
    if (!at_home || !to->grad_home) return nullptr;
    auto at = std::find(edges.begin(), edges.end(), edge_of(to));
    return at == edges.end() || result[size_t(at - edges.begin())] ? nullptr : to->grad_home;
  };
  walk(roots, root_grads, retain_graph, create_graph, sink, home_of);
  return result;
}

void backward(const Tensor& root, const Tensor& root_grad, bool retain_graph, bool create_graph) {
  auto sink = [](const Tensor& to, const Tensor& g) {
    if (to->node) return;
    if (grad_enabled()) {
      to->grad = to->grad ? add(to->grad, g) : g;  // a gradient with a history cannot be changed in place
    } else if (to->grad || to->grad_home) {
      accumulate_at(to->grad_home, to->grad, g);
    } else {
      to->grad = copy(g);  // memory of its own: g may be another tensor's gradient too (y = a + b)
    }
  };
  auto home_of = [](const Tensor& to) { return to->node || to->grad ? nullptr : to->grad_home; };
  walk({root}, {root_grad}, retain_graph, create_graph, sink, home_of);
}

}  // namespace fastdl
