// The tape: which call made which tensor, and backward through these calls.
#pragma once
#include <vector>

#include "autograd/hooks.h"
#include "autograd/sink.h"
#include "ops/op.h"

namespace fastdl {

// One recorded call. Outputs are kept without their own place in the tape, because a node owning a tensor that owns the
// node would never be freed. They are put back on it when the gradient itself is recorded.
class Node : public RefCounted {
 public:
  const Op* op;
  Attrs attrs;
  uint64_t sequence;  // grows with every node: inputs always come from smaller numbers
  uint32_t needed = 0;
  int inputs = 0, outputs = 0;
  Tensor in[kMaxInputs];
  Tensor out[kMaxOutputs];
  uint32_t reads = 0;     // bit i: the gradient reads the values of input i
  Ref<RefCounted> after;  // the next node in the queue for release
  struct Extra : RefCounted {
    Ref<GradHooks> hooks[kMaxOutputs];
    std::string where;  // the call was made, for detecting anomalies
  };
  Ref<Extra> extra;  // null for most
  uint32_t in_version[kMaxInputs] = {}, out_version = 0;
  uint64_t in_serial[kMaxInputs] = {};  // a leaf may be moved to other memory, with the values it has
  ~Node() override;
};

bool grad_enabled();
void set_grad_enabled(bool enabled);

// t takes the place of `source` in the tape. Its own memory holds the values of source.
void take_place(const Tensor& t, const Tensor& source);

// Brings t's place in the tape up to date, if its memory or the tensor that it is a part of was changed in place by way
// of another tensor. RuntimeError if the place is lost.
void find_place(const Tensor& t);

// The number of calls that were put on the tape so far, by all threads.
uint64_t tape_length();
// What the outputs were computed from: leaves, and results of calls before `since`. Those results come without their
// values, as places in the tape for attach() and grad(). Tensors of `without`, and what they come from, are left out.
std::vector<Tensor> sources(const std::vector<Tensor>& outputs, uint64_t since, const std::vector<Tensor>& without);

// Puts `out` on the tape if gradients are enabled and an input requires one. Called by apply().
void record_on_tape(const Op& op, const Tensor* in, int inputs, Outputs& out, const Attrs& attrs);

// Gradients of sum(roots[i] * root_grads[i]) for each of `inputs`, handed to the sink as they become complete. A null
// root gradient means ones, for a one-element root. RuntimeError if a needed value was overwritten or the tape was
// released. A Product reads no memory of the inputs, so they may be updated one after the other.
void grad(const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads, const std::vector<Tensor>& inputs,
          bool retain_graph, bool create_graph, GradientSink& sink, uint64_t since = 0);
// The same as a list; null where nothing flows. With create_graph the gradients are on the tape. Calls before `since`
// are not walked through: for sources().
std::vector<Tensor> grad(const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads,
                         const std::vector<Tensor>& inputs, bool retain_graph, bool create_graph, uint64_t since = 0);

// The same for every leaf that requires a gradient, accumulated into leaf->grad. With create_graph a leaf's gradient
// holds a graph that holds the leaf. Nothing frees the two until the gradient is set to null, as in PyTorch. grad() has
// no such cycle.
void backward(const Tensor& root, const Tensor& root_grad, bool retain_graph, bool create_graph);

}  // namespace fastdl
