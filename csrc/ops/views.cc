#include "ops/views.h"

#include "autograd/tape.h"
#include "ops/ops.h"

namespace fastdl {
namespace {

struct Busy {
  bool& flag;
  const bool grad = grad_enabled();
  explicit Busy(bool& f) : flag(f) {
    flag = true;
    set_grad_enabled(false);
  }
  ~Busy() {
    flag = false;
    set_grad_enabled(grad);
  }
};

}  // namespace

PartOf::PartOf(const Tensor& original, const Tensor& copy)
    : object_(handle_of(original)),
      storage_(original->storage),
      offset_(original->offset),
      original_shape_(original->shape),
      shape_(copy->shape),
      dtype_(original->dtype),
      original_channels_last_(original->channels_last),
      channels_last_(copy->channels_last),
      version_(original->storage->version()) {}

Tensor PartOf::memory_of_original() const {
  const Tensor t = new TensorImpl;
  t->storage = storage_;
  t->offset = offset_;
  t->shape = original_shape_;
  t->dtype = dtype_;
  t->channels_last = original_channels_last_;
  return t;
}
// In x[0][1] and x.view(-1)[1] the tensor that was indexed last is gone at once. On the tape it is made again, from
// what is left of the tensors that it was made of.
Tensor PartOf::original() const {
  if (object_->tensor) return object_->tensor;
  if (TensorImpl* from = object_->nearest(); from && from->storage == storage_) return reshape(from, original_shape_);
  const Tensor t = memory_of_original();
  if (storage_->origin()) {
    t->is_part = true;
    t->places = storage_->places() + 1;  // it has no place yet
    refresh_part(t);
  }
  return t;
}

Tensor PartOf::whole(const Ref<Storage>& copy) const {
  const Tensor t = new TensorImpl;
  t->storage = copy;
  t->shape = shape_;
  t->dtype = dtype_;
  t->channels_last = channels_last_;
  return t;
}

// The original may have moved to other memory.
bool PartOf::stale() const {
  if (busy_) return false;
  if (unknown_) return true;
  const TensorImpl* t = object_->tensor;
  const Storage& now = t ? *t->storage : *storage_;
  if (now.origin() && now.origin()->stale()) return true;
  if (&now != storage_.get()) return true;
  if (now.version() == version_) return false;
  const int64_t begin = offset_ * size_of(dtype_);
  return now.changed_since(version_, begin, begin + original_shape_.numel() * size_of(dtype_));
}

void PartOf::settle() {
  version_ = storage_->version();
  unknown_ = false;
}

void PartOf::refresh(const Tensor& t) {
  if (busy_) return;
  if (stale()) {
    const Tensor from = original();
    FASTDL_CHECK(from->shape == original_shape_ && from->dtype == dtype_, RuntimeError, "a part of a tensor of shape ",
                 original_shape_, " was read, which now is of shape ", from->shape, "; index it again");
    Busy busy(busy_);
    assign_(whole(t->storage), read(from));
    t->storage->change_places();
    settle();
  }
  if (t->places == t->storage->places() || !grad_enabled() || !(t->node || (t->is_part && !t->requires_grad))) return;
  const Tensor from = original();
  refresh_part(from);  // reading all of it is no call
  if (!t->node && !from->requires_grad) return;
  FASTDL_CHECK(from->requires_grad || object_->tensor, RuntimeError, "a part of a tensor, of shape ", t->shape,
               ", was read after a change in place of that tensor, which is gone; index it again after the change");
  Tensor part = read(from);
  if (part->shape != t->shape) part = reshape(part, t->shape);
  take_place(t, part);
}

void PartOf::check_writable(const char* who) const {
  if (busy_) return;
  FASTDL_CHECK(writable(), RuntimeError, who,
               ": several elements of this tensor are one element of the tensor that it was made of (expand, "
               "broadcast_to, unfold), so it cannot be written in place; clone() it first");
  const Tensor to = original();
  refresh_part(to);
  FASTDL_CHECK(!to->storage->read_only(), ValueError, who,
               ": cannot write in place into a part of a read-only array of shape ", to->shape);
  FASTDL_CHECK(
      !(grad_enabled() && to->requires_grad && !to->node), RuntimeError, who,
      ": this tensor is part of a leaf that requires a gradient, which cannot be changed in place; do it under "
      "no_grad()");
  if (const PartOf* next = part_of(to)) next->check_writable(who);
}

void PartOf::write_back(const Ref<Storage>& copy) {
  if (busy_) return;
  Busy busy(busy_);
  unknown_ = true;
  write(original(), whole(copy));
  settle();
}

Tensor PartOf::as_it_was(const Tensor& t) {
  if (!stale()) return t;
  Busy busy(busy_);
  const Tensor values = copy(t);
  values->requires_grad = t->requires_grad;
  values->node = t->node;
  values->output_index = t->output_index;
  return values;
}
Tensor as_it_was(const Tensor& t) { return part_of(t)->as_it_was(t); }

}  // namespace fastdl
