// What a recorded step depends on besides the memory that its calls read: values that Python read, gradients of leaves,
// and which tensors required a gradient. A replay is valid as long as these are the same.
#pragma once
#include <string>
#include <vector>

#include "ops/ops.h"

namespace fastdl {

// Values that Python read, or memory that Python might have changed.
class SeenValues {
 public:
  static constexpr int64_t kMost = 64 << 10;  // bytes that are compared; more would take too long in each replay
  // Covers all of t, as it is now. Keeps a copy of up to `most` bytes.
  SeenValues(const Tensor& t, int64_t most, std::string where);

  const Ref<Storage>& storage() const { return storage_; }
  int64_t begin() const { return begin_; }
  int64_t end() const { return end_; }
  const std::string& where() const { return where_; }
  const Shape& shape() const { return shape_; }
  bool copied() const { return bytes_.size() == size_t(end_ - begin_); }
  // Whether every write to the memory raises its version.
  bool counted() const { return storage_->owned(); }
  bool is_same() const;  // compares with the copy
  // Whether the values are still those that were read, as far as that is known.
  bool holds();
  void settle();  // accepts the present values as unchanged

 private:
  KeptStorage storage_;
  int64_t begin_, end_;  // bytes
  Shape shape_;
  uint32_t version_;
  uint64_t exports_;
  std::vector<char> bytes_;
  std::string where_;
};

// The gradient of a leaf: the one before the step (if it read one before setting it), and the one after the step.
struct SeenGradient {
  Tensor leaf, before, after;
  bool asked;
};

struct SeenFlag {
  Tensor leaf;
  bool requires_grad;
};

struct Guards {
  Precision precision = autocast_precision();  // on the thread that recorded
  std::vector<SeenValues> values;
  std::vector<SeenGradient> gradients;
  std::vector<SeenFlag> flags;
};

}  // namespace fastdl
