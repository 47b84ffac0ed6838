// Tensor: a reference to a typed, shaped, contiguous view of a storage, with its place in the tape.
#pragma once
#include "core/dtype.h"
#include "core/ref.h"
#include "core/shape.h"
#include "core/storage.h"

namespace fastdl {

class TensorImpl : public RefCounted {
 public:
  Ref<Storage> storage;
  int64_t offset = 0;  // in elements from the start of the storage
  Shape shape;
  DType dtype = DType::float32;
  // The axes are [samples, channels, places...], but the values lie in the order [samples, places..., channels]. Only
  // apply() and ops/layout.h know of it: ops and everything that asks for raw() get tensors in the order of their axes.
  bool channels_last = false;
  // Made by indexing, transposing or splitting a tensor (ops/views.h), and no other object for the same memory.
  bool is_part = false;
  // What a call on the tape read, kept for its gradient.
  bool of_call = false;
  // A Python number: only its kind (int, float) counts in type promotion, not its width.
  bool weak = false;

  // Set for leaves that require a gradient and for everything computed from them.
  bool requires_grad = false;
  Ref<RefCounted> node;  // autograd::Node that made this tensor; null for leaves
  int output_index = 0;  // which of the node's outputs
  uint32_t places = 0;   // storage->places() when the node was set
  Ref<TensorImpl> grad;  // of leaves, after backward()
  // GradHooks (autograd/hooks.h), which a node shares for its outputs; null without.
  Ref<RefCounted> hooks;
  // If set, backward() writes a leaf's first gradient here: an optimizer's slice of one flat buffer.
  Ref<TensorImpl> grad_home;

  // For probabilities: the tensor they were computed from, and the function ("softmax" over the last axis, "sigmoid").
  // Cross-entropy from probabilities uses these logits, which is stable and cheaper.
  Ref<TensorImpl> logits;
  const char* logits_of = nullptr;
  uint32_t logits_version = 0;  // tells whether either was changed in place since

  // Which steps of a sequence count, for layers (Keras's masks). It is given to an object when that is made, and stays.
  // So no tensor gets the mask of another.
  Ref<TensorImpl> mask;

  // A reference to a tensor that does not keep it alive.
  struct Handle : RefCounted {
    TensorImpl* tensor = nullptr;
    Ref<Handle> viewed;  // of a tensor that is gone: what it shared its memory with
    // The tensor, or the first one that is left of those that it was made of; null if all are gone.
    TensorImpl* nearest() const {
      const Handle* h = this;
      while (h && !h->tensor) h = h->viewed.get();
      return h ? h->tensor : nullptr;
    }
  };
  Ref<Handle> handle;  // to this tensor; null until there is one
  Ref<Handle> viewed;  // of a result on the tape that shares the memory of the call's input: that input
  ~TensorImpl() override {
    if (handle) {
      handle->tensor = nullptr;
      while (viewed && !viewed->tensor) viewed = Ref<Handle>(viewed->viewed);  // so that no long chain arises
      handle->viewed = std::move(viewed);
    }
    if (of_call) storage->end_call();
  }

  int64_t numel() const { return shape.numel(); }
  int64_t bytes() const { return numel() * size_of(dtype); }
  const Device& device() const { return storage->device(); }
  // The address of the first element, in the device's memory; where the order of the elements does not matter.
  void* address() const { return static_cast<char*>(storage->data()) + offset * size_of(dtype); }
  // The same. RuntimeError if the elements are not in the order of the axes.
  void* raw() const {
    if (channels_last) [[unlikely]]
      raise_channels_last();
    return address();
  }
  // The elements themselves. TypeError if they lie on another device than the CPU.
  template <class T>
  T* data() const {
    if (!storage->on_cpu()) [[unlikely]]
      raise_not_on_cpu();
    return static_cast<T*>(raw());
  }

 private:
  [[noreturn]] void raise_not_on_cpu() const;
  [[noreturn]] void raise_channels_last() const;
};

using Tensor = Ref<TensorImpl>;

// Number of elements of `shape` as checked 64-bit arithmetic; ValueError on overflow or a negative extent.
int64_t checked_numel(const Shape& shape, const char* who);

Tensor empty(const Shape& shape, DType dtype, const Device& device = cpu());
// Filled with `value`, converted as convert() does.
Tensor full(const Shape& shape, DType dtype, double value, const Device& device = cpu());
// Each element is a copy of the one at `value`. Large tensors of zeros take memory only where they are overwritten.
Tensor filled(const Shape& shape, DType dtype, const void* value, const Device& device = cpu());
inline Tensor zeros(const Shape& shape, DType dtype = DType::float32, const Device& device = cpu()) {
  return full(shape, dtype, 0, device);
}
// The values on another device, detached; t itself if it already lies there.
Tensor copied_to(const Tensor& t, const Device& device);
// A 0-dimensional float32 constant, weakly typed.
Tensor scalar(double value);

// A detached view of t's memory with its own shape, which must lie within t, in the order of its axes.
Tensor view(const Tensor& t, const Shape& shape, int64_t offset_elements = 0);
inline Tensor detach(const Tensor& t) {
  const Tensor v = view(t, t->shape);
  v->channels_last = t->channels_last;
  return v;
}

// Another object for the same tensor: its memory, its place in the tape, its logits. Not for leaves that require a
// gradient, which comes to the object itself.
Tensor alias(const Tensor& t);

// A reference to t that does not keep it alive.
const Ref<TensorImpl::Handle>& handle_of(const Tensor& t);

// Records that y is `function` of x. logits_of(y) gives x, or null once one of them has changed.
void remember_logits(const Tensor& y, const Tensor& x, const char* function);
Tensor logits_of(const TensorImpl& y);

// Re-points t at the memory of `other` (same shape and type).
void move_to(const Tensor& t, const Tensor& other);
// Gives t the shape and the values of `other`, of the same type: in t's own memory if they fit into it or lie there
// already. RuntimeError if they don't, unless t is the only reference besides `others`: an op on the tape would not
// notice.
void take_shape(const Tensor& t, const Tensor& other, int others);
// How often tensors were re-pointed so far. A plan, which keeps addresses, compares this number.
uint64_t layout_version();
// Raised whenever something changes that a recorded step may depend on and that is not in its memory: a tensor is
// re-pointed or now requires a gradient, an attribute of a layer is set. Replays check their guards when it has moved.
uint64_t epoch();
void raise_epoch();

// Value of a one-element tensor.
double item(const Tensor& t);

}  // namespace fastdl
