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
  // A Python number: takes part in type promotion only by its kind (int, float), not its width.
  bool weak = false;

  // Set for leaves that want a gradient and for everything computed from one.
  bool requires_grad = false;
  Ref<RefCounted> node;  // autograd::Node that made this tensor; null for leaves
  int output_index = 0;  // which of the node's outputs
  Ref<TensorImpl> grad;  // of leaves, after backward()
  // If set, backward() writes a leaf's first gradient here: an optimizer's slice of one flat buffer.
  Ref<TensorImpl> grad_home;

  // Of probabilities: what they were computed from, and by which function ("softmax" over the last axis,
  // "sigmoid"). Cross-entropy from probabilities takes the logits from here, which is stable and cheaper.
  Ref<TensorImpl> logits;
  const char* logits_of = nullptr;
  uint32_t logits_version = 0;  // tells whether either was changed in place since

  int64_t numel() const { return shape.numel(); }
  int64_t bytes() const { return numel() * size_of(dtype); }
  const Device& device() const { return storage->device(); }
  // The address of the first element, of the tensor's device.
  void* raw() const { return static_cast<char*>(storage->data()) + offset * size_of(dtype); }
  // The elements themselves. TypeError if they lie on another device than the CPU.
  template <class T>
  T* data() const {
    if (!storage->on_cpu()) [[unlikely]]
      raise_not_on_cpu();
    return static_cast<T*>(raw());
  }

 private:
  [[noreturn]] void raise_not_on_cpu() const;
};

using Tensor = Ref<TensorImpl>;

// Number of elements of `shape` as checked 64-bit arithmetic; ValueError on overflow or a negative extent.
int64_t checked_numel(const Shape& shape, const char* who);

Tensor empty(const Shape& shape, DType dtype, const Device& device = cpu());
// `value` converted as convert() does it.
Tensor full(const Shape& shape, DType dtype, double value, const Device& device = cpu());
// Each element as the one at `value`. Many zeros take memory only where they are overwritten.
Tensor filled(const Shape& shape, DType dtype, const void* value, const Device& device = cpu());
inline Tensor zeros(const Shape& shape, DType dtype = DType::float32, const Device& device = cpu()) {
  return full(shape, dtype, 0, device);
}
// The values on another device, without a place in the tape; t itself if it lies there.
Tensor copied_to(const Tensor& t, const Device& device);
// A 0-dimensional float32 constant, weakly typed.
Tensor scalar(double value);

// Same memory, own shape; no place in the tape. `shape` must have as many elements as the view covers.
Tensor view(const Tensor& t, const Shape& shape, int64_t offset_elements = 0);
inline Tensor detach(const Tensor& t) { return view(t, t->shape); }

// Lets y remember that it is `function` of x, and what x was; null once one of them has changed.
void remember_logits(const Tensor& y, const Tensor& x, const char* function);
Tensor logits_of(const TensorImpl& y);

// Re-points t at the memory of `other` (same shape and type).
void move_to(const Tensor& t, const Tensor& other);
// How often tensors were re-pointed so far: whoever keeps addresses (a plan) asks whether they still hold.
uint64_t layout_version();
// Raised whenever something changed that a recorded step may depend on without a word in its memory: a tensor was
// re-pointed or asks for gradients now, an attribute of a layer was set. Whoever knows the epoch he last looked around
// in compares one number.
uint64_t epoch();
void raise_epoch();

// Value of a one-element tensor.
double item(const Tensor& t);

}  // namespace fastdl
