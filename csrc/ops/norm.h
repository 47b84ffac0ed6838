// What the forward and the backward pass of normalization share (norm.cc, norm_grad.cc).
#pragma once
#include <cmath>

#include "core/parallel.h"
#include "cpu/kernels.h"
#include "ops/broadcast.h"
#include "ops/op.h"

namespace fastdl::norm {

// x as [samples, outer, groups, channels, inner]; norm.cc says how each layer sees it.
struct NormAttrs {
  int64_t samples, outer, groups, channels, inner;
  double epsilon;
  bool centered;  // RMS normalization is not: its mean counts as 0
  int wanted;     // norm_grad: the gradients to compute, bit 0 x, 1 scale, 2 offset

  int64_t features() const { return groups * channels; }
  int64_t size() const { return outer * features() * inner; }  // of a sample
  double count() const { return double(outer * channels * inner); }
  bool by_rows() const { return outer == 1 && inner == 1; }
  Shape view() const { return {samples, outer, groups, channels, inner}; }
};
// Where the channels are the last axis, pixels are rows.
inline bool has_rows(const NormAttrs& n, const Shape& shape) {
  return n.inner == 1 && n.samples == 1 && shape.rank() > 1 && shape.back() == n.features() && n.features() > 0;
}
inline const NormAttrs& norm_attrs(const Attrs& a) { return a.as<NormAttrs>(); }
// Whether the passes over columns report rows. A sample that is normalized by rows has no such pass.
inline bool reports_rows(const NormAttrs& n, const Shape& shape) { return !n.by_rows() && has_rows(n, shape); }

Attributes describe_norm(const DescribeContext& c);

inline constexpr double kElementCost = 0.4;         // nanoseconds for one element of a pass
inline constexpr int64_t kShort = 32, kWide = 128;  // columns that are repeated, and how many they then are
inline constexpr int64_t kInCache = 1 << 18;  // elements of a sample whose passes one thread does one after the other
inline constexpr int64_t kPieceRows = 1024;   // rows whose gradients of columns are summed in float

inline double inverse_of(double variance, double epsilon) { return 1 / std::sqrt(variance + epsilon); }

inline const float* at_or_null(const View& v, int64_t i) { return v ? v.as<float>() + i : nullptr; }

// Memory handed out piece by piece; without `start` it only counts.
struct Room {
  char* start;
  int64_t used = 0;
  template <class T>
  T* take(int64_t n) {
    T* const at = start ? reinterpret_cast<T*>(start + used) : nullptr;
    used += (n * int64_t(sizeof(T)) + 63) / 64 * 64;
    return at;
  }
};

// The terms of a sample's features. Where few columns lie side by side they are repeated, so that rows can be joined.
struct FeatureTerms {
  int64_t width;
  float *mean, *rest, *a, *b, *c;
  FeatureTerms(Room& room, const NormAttrs& n)
      : width(n.inner == 1 && n.features() <= kShort ? n.features() * (kWide / n.features()) : n.features()),
        mean(room.take<float>(width)),
        rest(room.take<float>(width)),
        a(room.take<float>(width)),
        b(room.take<float>(width)),
        c(room.take<float>(width)) {}
  void repeat_all(int64_t features) const {
    if (width > features)
      for (float* t : {mean, rest, a, b, c}) repeat(t, features * int64_t(sizeof(float)), width / features);
  }
  NormTerms from(int64_t i) const { return {mean + i, rest + i, a + i, b + i, c + i}; }
};

// Calls part(columns, at, rows, cols, terms) for the parts of a sample, [rows, cols] from element `at` on. The terms
// are those of the columns, or else of the rows.
template <class F>
void over_features(const NormAttrs& n, const FeatureTerms& terms, double cost, F part) {
  if (n.inner == 1) {
    const int64_t all = n.size(), rows = (all - 1) / terms.width + 1;
    parallel_for(rows, grain_for(cost * double(terms.width)), [&](int64_t begin, int64_t end) {
      const int64_t whole = std::min(end, all / terms.width);
      if (whole > begin) part(true, begin * terms.width, whole - begin, terms.width, terms.from(0));
      if (end > whole) part(true, whole * terms.width, 1, all - whole * terms.width, terms.from(0));
    });
    return;
  }
  const int64_t features = n.features();
  parallel_for(n.outer * features, grain_for(4 + cost * double(n.inner)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end;) {
      const int64_t first = r % features, rows = std::min(end - r, features - first);
      part(false, r * n.inner, rows, n.inner, terms.from(first));
      r += rows;
    }
  });
}

// Calls f(sample) for each. Small samples go to the threads whole, so that they are in the cache for the second pass;
// the passes over a large one are themselves cut for the threads.
template <class F>
void for_samples(const NormAttrs& n, F f) {
  const int64_t grain = n.size() <= kInCache ? grain_for(2 * kElementCost * double(n.size())) : n.samples;
  if (grain < n.samples)
    return parallel_for(n.samples, grain, [&](int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) f(s);
    });
  for (int64_t s = 0; s < n.samples; ++s) f(s);
}

template <class T>
int64_t room_for(const NormAttrs& n) {
  Room room{nullptr};
  T counted(room, n);
  return room.used;
}

// sum(dy) and sum(dy d), d = x - mean, of each feature of a sample; and the parts that are added up to them.
struct BackwardRoom {
  int64_t pieces;
  double *sums, *parts;  // [2, features] and [pieces, 2, features]
  FeatureTerms terms;
  BackwardRoom(Room& room, const NormAttrs& n)
      : pieces(n.inner == 1 ? (n.outer - 1) / kPieceRows + 1 : n.outer),
        sums(room.take<double>(2 * n.features())),
        parts(room.take<double>(2 * n.features() * pieces)),
        terms(room, n) {}
};

// sum(dy) and sum(dy d) of a sample's features, into room.sums. The terms hold the means.
void sum_features(const BackwardRoom& room, const float* dy, const float* x, const NormAttrs& n);

extern const Op op_norm_grad;     // dy, x, mean, rest, variance, scale (or null) -> those of dx, dscale, doffset wanted
extern const Op op_channel_sums;  // dy, x, mean -> sum(dy) and sum(dy (x - mean)) of each channel

}  // namespace fastdl::norm
