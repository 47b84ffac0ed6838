// What a recorded step found besides the memory that its calls read: values that Python looked at, gradients that
// leaves held, which tensors required a gradient. A replay is right as long as these are as they were.
#pragma once
#include <string>
#include <vector>

#include "core/storage.h"
#include "core/tensor.h"

namespace fastdl {

// Values that Python read; or memory that Python might have changed.
class SeenValues {
 public:
  static constexpr int64_t kMost = 64 << 10;  // bytes that are compared; more would cost each replay too much
  // All of t, as it is now. Keeps a copy where it has no more than `most` bytes.
  SeenValues(const Tensor& t, int64_t most, std::string where);

  const Ref<Storage>& storage() const { return storage_; }
  int64_t begin() const { return begin_; }
  int64_t end() const { return end_; }
  const std::string& where() const { return where_; }
  const Shape& shape() const { return shape_; }
  bool copied() const { return bytes_.size() == size_t(end_ - begin_); }
  // Whether nobody can have written there without being counted.
  bool counted() const { return storage_->owned(); }
  bool is_same() const;  // as the copy
  // Whether the values are those that were seen, as far as that can be told.
  bool holds();
  void settle();  // what happened until now was not a change

 private:
  KeptStorage storage_;
  int64_t begin_, end_;  // bytes
  Shape shape_;
  uint32_t version_;
  uint64_t exports_;
  std::vector<char> bytes_;
  std::string where_;
};

// The gradient of a leaf: the one it had when the step first asked for it (if it asked before it set one), and the
// one it had after the step.
struct SeenGradient {
  Tensor leaf, before, after;
  bool asked;
};

struct SeenFlag {
  Tensor leaf;
  bool requires_grad;
};

struct Guards {
  std::vector<SeenValues> values;
  std::vector<SeenGradient> gradients;
  std::vector<SeenFlag> flags;
};

}  // namespace fastdl
