// x seen as [outer, reduced, inner] around the axes [first, last).
#pragma once
#include "core/shape.h"

namespace fastdl {

struct Extents {
  int64_t outer, reduced, inner;
  Extents(const Shape& s, int first, int last)
      : outer(s.count(0, first)), reduced(s.count(first, last)), inner(s.count(last, s.rank())) {}
};

}  // namespace fastdl
