// The tape: who made which tensor, and backward through it.
#pragma once
#include <vector>

#include "autograd/sink.h"
#include "ops/op.h"

namespace fastdl {

// One recorded call. Outputs are kept without their own place in the tape (a node owning a tensor that
// owns the node would never be freed); they are put back on it when the gradient itself is recorded.
class Node : public RefCounted {
 public:
  const Op* op;
  Attrs attrs;
  uint64_t sequence;  // grows with every node: inputs always come from smaller numbers
  uint32_t needed = 0;
  int inputs = 0, outputs = 0;
  Tensor in[kMaxInputs];
  Tensor out[kMaxOutputs];
  Ref<RefCounted> after;  // while it waits for its end: the next one that does
  uint32_t in_version[kMaxInputs] = {}, out_version = 0;
  uint64_t in_serial[kMaxInputs] = {};  // a leaf may be moved to other memory, with the values it has
  ~Node() override;
};

bool grad_enabled();
void set_grad_enabled(bool enabled);

// Puts `out` on the tape if gradients are enabled and an input wants one. Called by apply().
void record_on_tape(const Op& op, const Tensor* in, int inputs, Outputs& out, const Attrs& attrs);

// Gradients of sum(roots[i] * root_grads[i]) for each of `inputs`, handed to the sink as soon as they are complete. A
// null root gradient stands for ones and needs a one-element root. With create_graph the gradients are on the tape.
// Sums are formed in a fixed order. Throws RuntimeError if a needed value was overwritten in place, or if the tape was
// released by an earlier call without retain_graph. A product that comes in parts reads nothing that lies beside the
// inputs, so these may be updated one after the other.
void grad(const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads, const std::vector<Tensor>& inputs,
          bool retain_graph, bool create_graph, GradientSink& sink);
// The same as a list; null where nothing flows.
std::vector<Tensor> grad(const std::vector<Tensor>& roots, const std::vector<Tensor>& root_grads,
                         const std::vector<Tensor>& inputs, bool retain_graph, bool create_graph);

// Same for every leaf that requires a gradient, accumulated into leaf->grad.
// With create_graph a leaf's gradient holds a graph that holds the leaf: nothing frees the two until the
// gradient is set to null (PyTorch's rule too). grad() has no such cycle.
void backward(const Tensor& root, const Tensor& root_grad, bool retain_graph, bool create_graph);

}  // namespace fastdl
