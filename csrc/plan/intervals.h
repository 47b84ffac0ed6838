// A set of bytes, kept as disjoint intervals in order. Adjacent intervals are merged.
#pragma once
#include <stdint.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace fastdl {

class Intervals {
 public:
  void add(int64_t begin, int64_t end) {
    if (begin >= end) return;
    const auto first = std::lower_bound(list_.begin(), list_.end(), begin, ends_before);
    auto last = first;
    for (; last != list_.end() && last->first <= end; ++last) {
      begin = std::min(begin, last->first);
      end = std::max(end, last->second);
    }
    if (first == last) {
      list_.insert(first, {begin, end});
    } else {
      *first = {begin, end};
      list_.erase(first + 1, last);
    }
  }
  bool meets(int64_t begin, int64_t end) const { return past(begin, end) > begin; }
  bool covers(int64_t begin, int64_t end) const {
    const auto at = after(begin);
    return begin >= end || (at != list_.end() && at->first <= begin && end <= at->second);
  }
  // The end of the first interval that overlaps [begin, end); `begin` if none does.
  int64_t past(int64_t begin, int64_t end) const {
    const auto at = after(begin);
    return at != list_.end() && at->first < end && begin < end ? at->second : begin;
  }

 private:
  using Interval = std::pair<int64_t, int64_t>;
  static bool ends_before(const Interval& i, int64_t x) { return i.second < x; }
  // The first interval that ends after x.
  std::vector<Interval>::const_iterator after(int64_t x) const {
    return std::upper_bound(list_.begin(), list_.end(), x, [](int64_t v, const Interval& i) { return v < i.second; });
  }

  std::vector<Interval> list_;
};

}  // namespace fastdl
