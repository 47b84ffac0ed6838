// Pooling, a row of results at a time. With many channels a vector holds channels of one pixel. With few it holds
// neighbouring elements of the row, whose values are gathered.
#include "cpu/kernels/declare.h"
#include "cpu/simd/loops.h"

namespace fastdl::FASTDL_ISA_NS {
namespace {

constexpr int kBlock = 4;  // vectors of channels that are computed together

template <int N>
struct Vectors {
  static constexpr int value = N;
};

// f(Vectors, channel, at) over the channels.
template <class F>
FASTDL_INLINE void over_channels(int64_t channels, F f) {
  int64_t c = 0;
  for (; c + kBlock * kLanes <= channels; c += kBlock * kLanes) f(Vectors<kBlock>{}, c, Full{});
  for (; c + kLanes <= channels; c += kLanes) f(Vectors<1>{}, c, Full{});
  if (c < channels) f(Vectors<1>{}, c, Part{channels - c});
}

// The rows of a window are summed one by one, each by runs of 32 values, so that no long sum is one chain.
// get(x, row, column, offset) gives V vectors of values.
template <int V, class Get>
FASTDL_INLINE void sum_window(vf (&total)[V], const PoolRow& r, int64_t count, Get get) {
  constexpr int64_t kRun = 32;
  for (int v = 0; v < V; ++v) total[v] = vf{};
  for (int64_t i = 0; i < r.outer; ++i)
    for (int64_t j = 0; j < r.inner; ++j)
      if (count <= kRun) {
        vf run[V] = {};
        for (int64_t t = 0; t < count; ++t) get(run, i, j, t);
        for (int v = 0; v < V; ++v) total[v] += run[v];
      } else {
        vf row[V] = {};
        for (int64_t begin = 0; begin < count; begin += kRun) {
          const int64_t end = begin + kRun < count ? begin + kRun : count;
          vf run[V] = {};
          for (int64_t t = begin; t < end; ++t) get(run, i, j, t);
          for (int v = 0; v < V; ++v) row[v] += run[v];
        }
        for (int v = 0; v < V; ++v) total[v] += row[v];
      }
}

// Whether no result reads more than one place: the gradient of windows that do not overlap.
FASTDL_INLINE bool reads_one(const PoolRow& r) { return r.outer == 1 && r.inner == 1 && r.most == 1; }

// The first largest value; a NaN is larger than all before it.
FASTDL_INLINE vi replaces(vf value, vf best) { return (vi)(value > best) | (vi)(value != value); }

struct Bytes {
  static FASTDL_INLINE void store(const PoolPositions& p, int64_t i, vi v, int64_t n) {
    store_bytes((uint8_t*)p.data + i, v, n);
  }
  static FASTDL_INLINE vi load(const void* p, int64_t i, int64_t n) { return load_bytes((const uint8_t*)p + i, n); }
};
struct Words {
  static FASTDL_INLINE void store(const PoolPositions& p, int64_t i, vi v, int64_t n) {
    store_i((int32_t*)p.data + i, v, n);
  }
  static FASTDL_INLINE vi load(const void* p, int64_t i, int64_t n) { return load_i((const int32_t*)p + i, n); }
};
struct Nothing {
  static FASTDL_INLINE void store(const PoolPositions&, int64_t, vi, int64_t) {}
};

template <class Store>
FASTDL_INLINE void max_row(float* y, const float* x, const PoolRow& r, const PoolPositions& p) {
  if (r.channels == 1) {
    const vf least = splat(-__builtin_inff());
    loop(r.places, [&](int64_t o, auto at) {
      const int64_t n = at.lanes();
      const vi first = load_i(r.first + o, n), count = load_i(r.count + o, n);
      const vi skip = p.data ? load_i(p.skip + o, n) : vi{};
      vf best = gather(x, first, count > 0, least);
      vi where = skip + p.at;
      for (int64_t i = 0; i < r.outer; ++i)
        for (int64_t j = 0; j < r.inner; ++j)
          for (int64_t t = 0; t < r.most; ++t) {
            const vi mask = count > splat_i((int32_t)t);
            const float* from = x + i * r.outer_step + j * r.inner_step + t * r.step;
            const vf v = gather(from, first, mask, least);
            const vi better = replaces(v, best);
            best = select(better, v, best);
            const int64_t place = p.at + i * p.outer_step + j * p.inner_step + t * p.step;
            where = select(better, skip + (int32_t)place, where);
          }
      at.store(y + o, best);
      Store::store(p, o, where, n);
    });
    return;
  }
  for (int64_t o = 0; o < r.places; ++o)
    over_channels(r.channels, [&](auto vectors, int64_t c, auto at) {
      constexpr int V = decltype(vectors)::value;
      const float* from = x + r.first[o] * r.channels + c;
      const int64_t count = r.count[o];
      const int32_t start = p.at + (p.data ? p.skip[o] : 0);
      vf best[V];
      vi where[V];
      for (int v = 0; v < V; ++v) {
        best[v] = at.load(from + v * kLanes);
        where[v] = splat_i(start);
      }
      for (int64_t i = 0; i < r.outer; ++i)
        for (int64_t j = 0; j < r.inner; ++j) {
          const float* row = from + i * r.outer_step + j * r.inner_step;
          int64_t place = start + i * p.outer_step + j * p.inner_step;
          for (int64_t t = 0; t < count; ++t, row += r.step, place += p.step) {
            const vi here = splat_i((int32_t)place);
            for (int v = 0; v < V; ++v) {
              const vf value = at.load(row + v * kLanes);
              const vi better = replaces(value, best[v]);
              best[v] = select(better, value, best[v]);
              where[v] = select(better, here, where[v]);
            }
          }
        }
      const int64_t to = o * r.channels + c;
      for (int v = 0; v < V; ++v) {
        at.store(y + to + v * kLanes, best[v]);
        Store::store(p, to + v * kLanes, where[v], at.lanes());
      }
    });
}

template <class Position>
FASTDL_INLINE void max_grad_row(float* dx, const float* dy, const PoolRow& r, const PoolReaders& p) {
  if (reads_one(r)) {
    const int32_t row = (p.outer_at - p.outer_start[0]) * p.outer_unit + (p.inner_at - p.inner_start[0]) * p.inner_unit;
    for (int64_t o = 0; o < r.places; ++o)
      over_channels(r.channels, [&](auto vectors, int64_t c, auto at) {
        float* to = dx + o * r.channels + c;
        const int64_t from = r.first[o] * r.channels + c;
        constexpr int64_t kWidth = decltype(vectors)::value * kLanes;
        if (!r.count[o]) {
          for (int64_t v = 0; v < kWidth; v += kLanes) at.store(to + v, vf{});
          return;
        }
        const vi here = splat_i(row + p.pixel + (int32_t)o - p.start[r.first[o]]);
        for (int64_t v = 0; v < kWidth; v += kLanes) {
          const vi chosen = Position::load(p.positions, from + v, at.lanes()) == here;
          at.store(to + v, select(chosen, at.load(dy + from + v), vf{}));
        }
      });
    return;
  }
  for (int64_t o = 0; o < r.places; ++o)
    over_channels(r.channels, [&](auto vectors, int64_t c, auto at) {
      constexpr int V = decltype(vectors)::value;
      const int64_t begin = r.first[o] * r.channels + c;
      const int32_t* start = p.start + r.first[o];
      vf total[V];
      sum_window(total, r, r.count[o], [&](vf(&sum)[V], int64_t i, int64_t j, int64_t t) {
        const int64_t from = begin + i * r.outer_step + j * r.inner_step + t * r.step;
        const vi here = splat_i((p.outer_at - p.outer_start[i]) * p.outer_unit +
                                (p.inner_at - p.inner_start[j]) * p.inner_unit + p.pixel + (int32_t)o - start[t]);
        for (int v = 0; v < V; ++v) {
          const vi chosen = Position::load(p.positions, from + v * kLanes, at.lanes()) == here;
          sum[v] += select(chosen, at.load(dy + from + v * kLanes), vf{});
        }
      });
      for (int v = 0; v < V; ++v) at.store(dx + o * r.channels + c + v * kLanes, total[v]);
    });
}

}  // namespace

__attribute__((flatten)) void pool_sum(float* y, const float* x, const PoolRow& r, const float* divisor, float factor) {
  if (r.channels == 1) {
    loop(r.places, [&](int64_t o, auto at) {
      const vi first = load_i(r.first + o, at.lanes()), count = load_i(r.count + o, at.lanes());
      vf total[1];
      sum_window(total, r, r.most, [&](vf(&sum)[1], int64_t i, int64_t j, int64_t t) {
        const float* from = x + i * r.outer_step + j * r.inner_step + t * r.step;
        sum[0] += gather(from, first, count > splat_i((int32_t)t), vf{});
      });
      at.store(y + o, divisor ? total[0] / (at.load(divisor + o) * factor) : total[0] * factor);
    });
    return;
  }
  if (!divisor && reads_one(r)) {
    for (int64_t o = 0; o < r.places; ++o) {
      const float* from = x + r.first[o] * r.channels;
      float* to = y + o * r.channels;
      if (r.count[o])
        loop(r.channels, [&](int64_t c, auto at) { at.store(to + c, at.load(from + c) * factor); });
      else
        loop(r.channels, [&](int64_t c, auto at) { at.store(to + c, vf{}); });
    }
    return;
  }
  for (int64_t o = 0; o < r.places; ++o)
    over_channels(r.channels, [&](auto vectors, int64_t c, auto at) {
      constexpr int V = decltype(vectors)::value;
      const float* from = x + r.first[o] * r.channels + c;
      vf total[V];
      sum_window(total, r, r.count[o], [&](vf(&sum)[V], int64_t i, int64_t j, int64_t t) {
        const float* place = from + i * r.outer_step + j * r.inner_step + t * r.step;
        for (int v = 0; v < V; ++v) sum[v] += at.load(place + v * kLanes);
      });
      float* to = y + o * r.channels + c;
      for (int v = 0; v < V; ++v)
        at.store(to + v * kLanes, divisor ? total[v] / splat(divisor[o] * factor) : total[v] * factor);
    });
}

__attribute__((flatten)) void pool_weighted(float* y, const float* x, const PoolRow& r, const float* weights,
                                            const int32_t* weight, int64_t pitch) {
  if (r.channels == 1) {
    loop(r.places, [&](int64_t o, auto at) {
      const vi first = load_i(r.first + o, at.lanes()), count = load_i(r.count + o, at.lanes());
      const vi from = pitch ? vi{} : load_i(weight + o, at.lanes());
      vf total[1];
      sum_window(total, r, r.most, [&](vf(&sum)[1], int64_t, int64_t, int64_t t) {
        const vi mask = count > splat_i((int32_t)t);
        const vf w = pitch ? at.load(weights + t * pitch + o) : gather(weights + t, from, mask, vf{});
        sum[0] = fma(gather(x + t * r.step, first, mask, vf{}), w, sum[0]);
      });
      at.store(y + o, total[0]);
    });
    return;
  }
  for (int64_t o = 0; o < r.places; ++o)
    over_channels(r.channels, [&](auto vectors, int64_t c, auto at) {
      constexpr int V = decltype(vectors)::value;
      const float* from = x + r.first[o] * r.channels + c;
      vf total[V];
      sum_window(total, r, r.count[o], [&](vf(&sum)[V], int64_t, int64_t, int64_t t) {
        const vf w = splat(weights[weight[o] + t]);
        for (int v = 0; v < V; ++v) sum[v] = fma(at.load(from + t * r.step + v * kLanes), w, sum[v]);
      });
      for (int v = 0; v < V; ++v) at.store(y + o * r.channels + c + v * kLanes, total[v]);
    });
}

__attribute__((flatten)) void pool_max(float* y, const float* x, const PoolRow& r, const PoolPositions& p) {
  if (!p.data)
    max_row<Nothing>(y, x, r, p);
  else if (p.wide)
    max_row<Words>(y, x, r, p);
  else
    max_row<Bytes>(y, x, r, p);
}

__attribute__((flatten)) void pool_max_grad(float* dx, const float* dy, const PoolRow& r, const PoolReaders& p) {
  if (p.wide)
    max_grad_row<Words>(dx, dy, r, p);
  else
    max_grad_row<Bytes>(dx, dy, r, p);
}

}  // namespace fastdl::FASTDL_ISA_NS
