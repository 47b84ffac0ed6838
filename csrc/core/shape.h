// Shape: up to eight extents, held inline. Tensors are contiguous and row-major, so a shape is the whole layout.
#pragma once
#include <stdint.h>

#include <initializer_list>

#include "core/check.h"

namespace fastdl {

inline constexpr int kMaxRank = 8;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    for (int64_t d : dims) push_back(d);
  }

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return d_[i]; }
  int64_t& operator[](int i) { return d_[i]; }
  // Extent counted from the end: back() is the last axis.
  int64_t back(int i = 0) const { return d_[rank_ - 1 - i]; }
  const int64_t* begin() const { return d_; }
  const int64_t* end() const { return d_ + rank_; }

  void push_back(int64_t d) {
    FASTDL_CHECK(rank_ < kMaxRank, ShapeError, "a tensor has at most ", kMaxRank, " dimensions");
    d_[rank_++] = d;
  }
  void insert(int at, int64_t d) {
    push_back(d);
    for (int i = rank_ - 1; i > at; --i) d_[i] = d_[i - 1];
    d_[at] = d;
  }
  void erase(int at) {
    for (int i = at; i + 1 < rank_; ++i) d_[i] = d_[i + 1];
    --rank_;
  }

  // Product of the extents of axes [first, last).
  int64_t count(int first, int last) const {
    int64_t n = 1;
    for (int i = first; i < last; ++i) n *= d_[i];
    return n;
  }
  int64_t numel() const { return count(0, rank_); }

  bool operator==(const Shape& o) const {
    if (rank_ != o.rank_) return false;
    for (int i = 0; i < rank_; ++i)
      if (d_[i] != o.d_[i]) return false;
    return true;
  }

 private:
  int rank_ = 0;  // first, next to the extents in use
  int64_t d_[kMaxRank] = {};
};

inline std::ostream& operator<<(std::ostream& s, const Shape& shape) {
  s << '(';
  for (int i = 0; i < shape.rank(); ++i) s << (i ? ", " : "") << shape[i];
  return s << (shape.rank() == 1 ? ",)" : ")");
}

// Maps a Python-style axis (-1 is the last) to [0, rank). `who` names the op in the error.
inline int normalize_axis(int64_t axis, int rank, const char* who) {
  FASTDL_CHECK(axis >= -rank && axis < rank, AxisError, who, ": axis ", axis, " is out of range for a tensor with ",
               rank, " dimension", rank == 1 ? "" : "s");
  return int(axis < 0 ? axis + rank : axis);
}

}  // namespace fastdl
