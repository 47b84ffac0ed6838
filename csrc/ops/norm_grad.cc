// The gradients of normalization.
//
// With xhat = (x - mean) / sqrt(variance + epsilon), g = dy scale, and means over a group:
//   dx = (g - mean(g) - xhat mean(g xhat)) / sqrt(variance + epsilon), dscale = sum(dy xhat), doffset = sum(dy)
// mean(g) is missing in RMS normalization.
#include <algorithm>

#include "ops/norm.h"

namespace fastdl::norm {
namespace {

constexpr int64_t kRowsTogether = 32;  // rows whose gradients of scale and offset are one chain

Attributes describe_norm_grad(const DescribeContext& c) {
  Attributes all = describe_norm(c);
  all.push_back({"wanted", int64_t(norm_attrs(c.attrs).wanted)});
  return all;
}

// How many samples are one chain where rows are normalized; fewer where there would be too few chains for the
// threads.
int64_t chain_of(const NormAttrs& n) { return std::clamp<int64_t>(n.samples / 16, 1, kRowsTogether); }
int64_t norm_grad_workspace(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  if (!n.size() || !n.samples) return 0;
  if (!n.by_rows()) return n.samples * room_for<BackwardRoom>(n);
  return n.wanted & 0b110 ? ((n.samples - 1) / chain_of(n) + 1) * 2 * n.features() * int64_t(sizeof(float)) : 0;
}

void infer_norm_grad(InferContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  if (n.wanted & 1) c.output(c.in[1]->shape, DType::float32);
  for (int i : {2, 4})
    if (n.wanted & i) c.output({n.features()}, DType::float32);
}

// What a gradient is computed from. Absent results are null.
struct Gradient {
  const NormAttrs& n;
  const float *dy, *x, *mean, *rest, *variance, *scale;
  float *dx, *dscale, *doffset;
  double inverse(int64_t group) const { return inverse_of(variance[group], n.epsilon); }
  double scale_at(int64_t i) const { return scale ? scale[i] : 1.0; }
  // The factors of d and of 1 in dx, from the sums of g and g d over a group.
  struct Factors {
    float b, c;
  };
  Factors factors(double inverse, double sum, double products) const {
    return {float(-(products * inverse / n.count()) * inverse * inverse),
            n.centered ? float(-inverse * sum / n.count()) : 0.0f};
  }
};

void grad_of_rows(const Gradient& q, float* part) {
  const NormAttrs& n = q.n;
  const int64_t chain = chain_of(n), chains = (n.samples - 1) / chain + 1, width = n.features(), length = n.channels;
  parallel_for(chains, grain_for(2 * kElementCost * double(chain * width)), [&](int64_t begin, int64_t end) {
    for (int64_t w = begin; w < end; ++w) {
      float *dscale = q.dscale ? part + w * 2 * width : nullptr,
            *doffset = q.doffset ? part + w * 2 * width + width : nullptr;
      if (part) std::fill_n(part + w * 2 * width, 2 * width, 0.0f);
      for (int64_t r = w * chain * n.groups; r < std::min((w + 1) * chain, n.samples) * n.groups; ++r) {
        const int64_t first = r % n.groups * length;
        const float *const dy = q.dy + r * length, *const x = q.x + r * length;
        const double inverse = q.inverse(r);
        float sums[2];
        kernels().norm_sums_row(sums, dscale ? dscale + first : nullptr, doffset ? doffset + first : nullptr, dy, x,
                                q.scale ? q.scale + first : nullptr, length, q.mean[r], q.rest[r], float(inverse));
        if (!q.dx) continue;
        const auto [b, c] = q.factors(inverse, sums[0], sums[1]);
        kernels().norm_grad_row(q.dx + r * length, dy, x, q.scale ? q.scale + first : nullptr, length, q.mean[r],
                                q.rest[r], float(inverse), b, c);
      }
    }
  });
  if (q.dscale) std::fill_n(q.dscale, width, 0.0f), kernels().sum_rows(q.dscale, part, chains, width, 2 * width);
  if (q.doffset)
    std::fill_n(q.doffset, width, 0.0f), kernels().sum_rows(q.doffset, part + width, chains, width, 2 * width);
}

// Adds sum(dy) and sum(dy d) of rows of columns to sums[0 ... n) and sums[n ... 2n).
void add_columns(double* sums, const float* dy, const float* x, int64_t rows, int64_t n, int64_t ld, int64_t features,
                 const FeatureTerms& t, int64_t first) {
  float both[2][kWide] = {};
  kernels().norm_sums_columns(both[0], both[1], dy, x, rows, n, ld, t.mean + first, t.rest + first);
  for (int k = 0; k < 2; ++k)
    for (int64_t i = 0; i < n; ++i) sums[k * features + (first + i) % features] += double(both[k][i]);
}

}  // namespace

void sum_features(const BackwardRoom& room, const float* dy, const float* x, const NormAttrs& n) {
  const FeatureTerms& t = room.terms;
  const int64_t features = n.features();
  if (n.inner == 1) {
    const bool narrow = t.width > features;
    const int64_t blocks = narrow ? 1 : (features - 1) / kWide + 1;
    const double cost = kElementCost * double(std::min(n.outer, kPieceRows) * std::min(features, kWide));
    parallel_for(room.pieces * blocks, grain_for(50 + cost), [&](int64_t begin, int64_t end) {
      for (int64_t w = begin; w < end; ++w) {
        const int64_t row = w / blocks * kPieceRows, rows = std::min(kPieceRows, n.outer - row);
        double* const sums = room.parts + w / blocks * 2 * features;
        if (narrow) {
          std::fill_n(sums, 2 * features, 0.0);
          const int64_t at = row * features, size = rows * features, whole = size / t.width;
          add_columns(sums, dy + at, x + at, whole, t.width, t.width, features, t, 0);
          const int64_t done = at + whole * t.width, left = size - whole * t.width;
          add_columns(sums, dy + done, x + done, 1, left, left, features, t, 0);
        } else {
          const int64_t first = w % blocks * kWide, columns = std::min(kWide, features - first);
          for (int k = 0; k < 2; ++k) std::fill_n(sums + k * features + first, columns, 0.0);
          const int64_t at = row * features + first;
          add_columns(sums, dy + at, x + at, rows, columns, features, features, t, first);
        }
      }
    });
  } else {
    parallel_for(n.outer * features, grain_for(10 + kElementCost * double(n.inner)), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t i = r % features;
        float both[2];
        kernels().norm_sums_run(both, dy + r * n.inner, x + r * n.inner, n.inner, t.mean[i], t.rest[i]);
        double* const sums = room.parts + r / features * 2 * features + i;
        sums[0] = both[0], sums[features] = both[1];
      }
    });
  }
  std::copy_n(room.parts, 2 * features, room.sums);
  for (int64_t p = 1; p < room.pieces; ++p)
    for (int64_t i = 0; i < 2 * features; ++i) room.sums[i] += room.parts[p * 2 * features + i];
}

namespace {

void grad_of_features(const Gradient& q, char* workspace, const RowSink* sink) {
  const NormAttrs& n = q.n;
  const int64_t bytes = room_for<BackwardRoom>(n), features = n.features();
  const auto room_of = [&](int64_t s) {
    Room memory{workspace + s * bytes};
    return BackwardRoom(memory, n);
  };
  for_samples(n, [&](int64_t s) {
    const BackwardRoom room = room_of(s);
    const FeatureTerms& t = room.terms;
    const float *const dy = q.dy + s * n.size(), *const x = q.x + s * n.size();
    for (int64_t i = 0; i < features; ++i) {
      const int64_t group = s * n.groups + i / n.channels;
      t.mean[i] = q.mean[group], t.rest[i] = q.rest[group];
    }
    t.repeat_all(features);
    sum_features(room, dy, x, n);
    for (int64_t g = 0; g < n.groups; ++g) {
      const int64_t begin = g * n.channels, end = begin + n.channels;
      double sum = 0, products = 0;
      for (int64_t i = begin; i < end; ++i)
        sum += q.scale_at(i) * room.sums[i], products += q.scale_at(i) * room.sums[features + i];
      const double inverse = q.inverse(s * n.groups + g);
      const auto [b, c] = q.factors(inverse, sum, products);
      for (int64_t i = begin; i < end; ++i) {
        t.a[i] = float(inverse * q.scale_at(i)), t.b[i] = b, t.c[i] = c;
        room.sums[features + i] *= inverse;  // sum(dy xhat) from here on
      }
    }
    if (!q.dx) return;
    t.repeat_all(features);
    over_features(n, t, 1.5 * kElementCost,
                  [&](bool columns, int64_t at, int64_t rows, int64_t cols, const NormTerms& terms) {
                    auto* const kernel = columns ? kernels().norm_grad_columns : kernels().norm_grad_runs;
                    const int64_t first = at / features, count = rows * cols / features;
                    float* const to = sink ? sink->place(first, count) : q.dx + s * n.size() + at;
                    kernel(to, dy + at, x + at, rows, cols, terms);
                    if (sink) sink->done(first, count);
                  });
  });
  double* const all = room_of(0).sums;
  for (int64_t s = 1; s < n.samples; ++s) {
    const double* const sums = room_of(s).sums;
    for (int64_t i = 0; i < 2 * features; ++i) all[i] += sums[i];
  }
  for (int64_t i = 0; i < features; ++i) {
    if (q.dscale) q.dscale[i] = float(all[features + i]);
    if (q.doffset) q.doffset[i] = float(all[i]);
  }
}

// dy, x, mean, rest, variance, scale (or null) -> those of dx, dscale, doffset that are wanted
void run_norm_grad(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  float* results[3] = {};
  for (int i = 0, next = 0; i < 3; ++i)
    if (n.wanted >> i & 1) results[i] = c.out[next++].as<float>();
  if (!n.size() || !n.samples) {
    for (int i = 1; i < 3; ++i)
      if (results[i]) std::fill_n(results[i], n.features(), 0.0f);
    return;
  }
  const Gradient q{n,
                   c.in[0].as<float>(),
                   c.in[1].as<float>(),
                   c.in[2].as<float>(),
                   c.in[3].as<float>(),
                   c.in[4].as<float>(),
                   at_or_null(c.in[5], 0),
                   results[0],
                   results[1],
                   results[2]};
  if (n.by_rows())
    grad_of_rows(q, n.wanted & 0b110 ? c.scratch<float>() : nullptr);
  else
    grad_of_features(q, c.scratch<char>(), c.rows);
}
// Output 0 is dx, if that is wanted.
bool norm_grad_reports_rows(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  return n.wanted & 1 && reports_rows(n, c.in[0].shape);
}
}  // namespace

const Op op_norm_grad = OpRow{.name = "norm_grad",
                              .infer = infer_norm_grad,
                              .run = run_norm_grad,
                              .describe = describe_norm_grad,
                              .workspace = norm_grad_workspace,
                              .reports_rows = norm_grad_reports_rows};

namespace {

void infer_channel_sums(InferContext& c) {
  for (int i = 0; i < 2; ++i) c.output({norm_attrs(c.attrs).groups}, DType::float32);
}
int64_t channel_sums_workspace(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  return n.size() ? room_for<BackwardRoom>(n) : 0;
}
// dy, x, mean -> sum(dy) and sum(dy (x - mean)) of each channel
void run_channel_sums(const RunContext& c) {
  const NormAttrs& n = norm_attrs(c.attrs);
  float* const results[] = {c.out[0].as<float>(), c.out[1].as<float>()};
  if (!n.size()) {
    for (float* r : results) std::fill_n(r, n.groups, 0.0f);
    return;
  }
  Room memory{c.scratch<char>()};
  const BackwardRoom room(memory, n);
  std::copy_n(c.in[2].as<float>(), n.groups, room.terms.mean);
  std::fill_n(room.terms.rest, n.groups, 0.0f);
  room.terms.repeat_all(n.groups);
  sum_features(room, c.in[0].as<float>(), c.in[1].as<float>(), n);
  for (int k = 0; k < 2; ++k)
    for (int64_t i = 0; i < n.groups; ++i) results[k][i] = float(room.sums[k * n.groups + i]);
}
}  // namespace

const Op op_channel_sums = OpRow{.name = "channel_sums",
                                 .infer = infer_channel_sums,
                                 .run = run_channel_sums,
                                 .describe = describe_norm,
                                 .workspace = channel_sums_workspace};

}  // namespace fastdl::norm
