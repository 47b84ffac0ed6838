// Copies that stand for a part of another tensor. The core has no strides, so indexing, transposing and splitting copy.
// PyTorch gives a view there: a write into it reaches the tensor, and one into the tensor is seen in it. The copy's
// memory knows its original (core/storage.h), and apply() keeps the two alike: it reads a copy anew if the original was
// written since, and writes what was written into a copy into the original.
#pragma once
#include "ops/op.h"

namespace fastdl {

class PartOf : public Origin {
 public:
  PartOf(const Tensor& original, const Tensor& copy);
  bool stale() const override;
  // The tensor that was indexed. If it is gone, another one in its memory, at its place in the tape as
  // far as that can be found.
  Tensor original() const;

  const Shape& original_shape() const { return original_shape_; }
  const Shape& shape() const { return shape_; }  // of the copy
  const Ref<Storage>& original_storage() const { return storage_; }

  // Reads the copy anew if it is stale. A result of the tape, t, gets the place that the part has now.
  void refresh(const Tensor& t);
  // RuntimeError or ValueError unless `who` may write into the copy.
  void check_writable(const char* who) const;
  // Writes the copy into the original.
  void write_back(const Ref<Storage>& copy);
  // The original has the values of the copy now.
  void settle();
  // The values that the copy had when it was read last, at t's place in the tape.
  Tensor as_it_was(const Tensor& t);

 protected:
  virtual Tensor read(const Tensor& original) const = 0;
  virtual void write(const Tensor& original, const Tensor& values) const = 0;
  virtual bool writable() const = 0;

 private:
  Tensor whole(const Ref<Storage>& copy) const;
  Tensor memory_of_original() const;

  const Ref<TensorImpl::Handle> object_;  // the tensor that was indexed
  const Ref<Storage> storage_;
  const int64_t offset_;
  const Shape original_shape_, shape_;
  const DType dtype_;
  const bool original_channels_last_, channels_last_;
  uint32_t version_;
  bool unknown_ = false;  // writing back failed, so the two may differ
  bool busy_ = false;     // the copy and the original are being made alike
};

// For the gradient of a call that read the part t: t, or a copy if reading t would read it anew.
Tensor as_it_was(const Tensor& t);

// Null unless the tensor is in memory that is a copy of a part.
inline PartOf* part_of(const Tensor& t) { return static_cast<PartOf*>(t->storage->origin()); }

}  // namespace fastdl
