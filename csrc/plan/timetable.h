// Which bytes of an arena are in use during which calls: a segment tree over the calls.
#pragma once
#include <bit>

#include "plan/intervals.h"

namespace fastdl {

class Timetable {
 public:
  explicit Timetable(size_t calls) : leaves_(std::bit_ceil(calls + 1)), whole_(2 * leaves_), any_(2 * leaves_) {}

  // Marks bytes [begin, end) as in use during calls [first, last].
  void add(size_t first, size_t last, int64_t begin, int64_t end) {
    pieces(first, last, [&](size_t node) {
      whole_[node].add(begin, end);
      any_[node].add(begin, end);
    });
    for (size_t leaf : {first, last})
      for (size_t node = leaf + leaves_; node > 0; node /= 2) any_[node].add(begin, end);
  }
  // The lowest place of so many bytes that are free during calls [first, last].
  int64_t lowest(size_t first, size_t last, int64_t bytes) {
    // Bytes in use at some of these calls: by a life that begins or ends within a piece of [first, last], or that
    // contains a node above its ends.
    found_.clear();
    pieces(first, last, [&](size_t node) { found_.push_back(&any_[node]); });
    for (size_t leaf : {first, last})
      for (size_t node = leaf + leaves_; node > 0; node /= 2) found_.push_back(&whole_[node]);
    int64_t at = 0;
    for (size_t clear = 0, i = 0; clear < found_.size(); i = (i + 1) % found_.size()) {
      ++clear;
      for (int64_t past; (past = found_[i]->past(at, at + bytes)) > at; clear = 1) at = past;
    }
    return at;
  }

 private:
  // The fewest nodes whose calls make up [first, last].
  template <class F>
  void pieces(size_t first, size_t last, F f) const {
    for (size_t l = first + leaves_, r = last + leaves_ + 1; l < r; l /= 2, r /= 2) {
      if (l & 1) f(l++);
      if (r & 1) f(--r);
    }
  }

  const size_t leaves_;
  std::vector<Intervals> whole_, any_;  // by node: taken during all of its calls, during some of them
  std::vector<const Intervals*> found_;
};

}  // namespace fastdl
