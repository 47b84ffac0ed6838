// The gradient of attention. Probabilities P are computed again from the saved statistics, block by block.
//
//     for each task: the queries of a key head                        one thread each
//       for each block of keys
//         for each block of queries
//           P = softmax(Q K^T), dP = dY V^T, dS = P (dP - sum(dY Y))  some queries at a time, in L1
//           dQ += dS K                                                likewise
//           dV += P^T dY, dK += dS^T Q                                of the whole block, which stays in L2
//
// dQ is the sum over blocks of keys, dK and dV over query heads and blocks of queries, each in order. Where there are
// few tasks for the threads, some blocks of keys are tasks. Their parts of dQ are then added in order, with the same
// bits.
#include <algorithm>

#include "core/cancel.h"
#include "core/parallel.h"
#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/attention.h"
#include "cpu/attention_parts.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

using namespace attention_parts;

constexpr int64_t kQueryBlock = 64;
constexpr int64_t kMostParts = 16;  // of dQ, in the workspace

// Half of a block of the forward pass, since five operands share L2.
int64_t grad_key_block(const Attention& a) { return std::max<int64_t>(64, key_block(a) / 2); }

struct Gradients {
  const float *y, *stats, *dy;
  float *dq, *dk, *dv;  // may be null
  float* deltas;        // sum(dY Y) of each query
};

class Backward {
 public:
  Backward(const Attention& a, const Gradients& g, int64_t sample, int64_t kv_head)
      : isa_(kernels()),
        a_(a),
        g_(g),
        sample_(sample),
        kv_head_(kv_head),
        ends_(a, sample),
        tile_rows_(tile_rows(isa_)) {
    const int64_t block = std::min(grad_key_block(a), a.keys), queries = std::min(kQueryBlock, a.queries);
    row_ = scores_row(block + tile_rows_);
    Room room;
    const int64_t at[] = {room.take(in_panels(isa_, block) * a.width),
                          room.take(in_panels(isa_, block) * a.value_width),
                          room.take(block * in_panels(isa_, a.width)),
                          room.take(queries * in_panels(isa_, a.width)),
                          room.take(queries * in_panels(isa_, a.value_width)),
                          room.take(queries * row_),
                          room.take(queries * row_),
                          room.take(block * a.width),
                          room.take(block * a.value_width)};
    float* const memory = scratch_of<float>(Scratch::attention, room.floats());
    float** const arrays[] = {&keys_t_, &values_t_, &keys_, &queries_, &dy_, &p_, &ds_, &dk_, &dv_};
    for (size_t i = 0; i < std::size(at); ++i) *arrays[i] = memory + at[i];
  }

  void compute_deltas() {
    for (int64_t h = first_head(); h < first_head() + group(); ++h)
      isa_.attention_deltas(g_.deltas + query_number(a_, sample_, h, 0), g_.dy + query_at(a_.out, h, 0),
                            g_.y + query_at(a_.out, h, 0), a_.out.row, a_.queries, a_.value_width);
  }

  // The keys [first, first + count): dK, dV, and what they add to dQ. Sets dQ in the first block. Or, with `parts`,
  // sets that, an array with a row for each query.
  void run_block(int64_t first, int64_t count, float* parts) {
    first_ = first;
    parts_ = parts;
    need_ = std::clamp<int64_t>(ends_.of(a_.queries - 1) - first, 0, count);
    const float *k = a_.k + key_at(a_.key, first), *v = a_.v + key_at(a_.value, first);
    k_t_ = transposed(isa_, k, a_.key.row, need_, a_.width, keys_t_);
    v_t_ = transposed(isa_, v, a_.value.row, need_, a_.value_width, values_t_);
    k_ = packed(isa_, k, a_.key.row, need_, a_.width, keys_);
    float* const dk = g_.dk ? g_.dk + key_at(a_.key, first) : nullptr;
    float* const dv = g_.dv ? g_.dv + key_at(a_.value, first) : nullptr;
    to_dk_ = a_.key.row == a_.width ? dk : dk_;
    to_dv_ = a_.value.row == a_.value_width ? dv : dv_;
    started_ = false;
    const int64_t blocks = ceil_div(a_.queries, kQueryBlock);
    for (int64_t h = first_head(); h < first_head() + group(); ++h)
      for (int64_t b = 0; b < blocks && !stop_requested(); ++b)
        query_block(h, b * a_.queries / blocks, (b + 1) * a_.queries / blocks);
    if (dk) put(to_dk_, a_.width, dk, a_.key.row, count);
    if (dv) put(to_dv_, a_.value_width, dv, a_.value.row, count);
  }

  // Adds the parts of dQ by `count` blocks of keys from the one at key `first` on.
  void add_parts(int64_t head, int64_t first, int64_t count, const float* parts, int64_t part_floats) {
    const int64_t blocks = ceil_div(a_.queries, kQueryBlock);
    for (int64_t b = 0; b < blocks; ++b)
      for_tiles(b * a_.queries / blocks, (b + 1) * a_.queries / blocks, [&](int64_t i, int64_t m) {
        for (int64_t r = i; r < i + m; ++r) {
          float* to = g_.dq + sample_ * a_.query.batch + head * a_.query.head + r * a_.query.row;
          if (first == 0) std::fill_n(to, a_.width, 0.0f);
          for (int64_t n = 0; n < count; ++n) {
            const int64_t key = first + n * grad_key_block(a_);
            if (ends_.of(i + m - 1) <= key) continue;
            const float* from = parts + n * part_floats + query_number(a_, sample_, head, r) * a_.width;
            if (key == 0)
              std::copy_n(from, a_.width, to);
            else
              isa_.add(to, to, from, a_.width, 1, 1, nullptr);
          }
        }
      });
  }

 private:
  int64_t group() const { return a_.heads / a_.kv_heads; }
  int64_t first_head() const { return kv_head_ * group(); }
  int64_t key_at(const AttentionSteps& s, int64_t key) const {
    return sample_ * s.batch + kv_head_ * s.head + key * s.row;
  }
  int64_t query_at(const AttentionSteps& s, int64_t head, int64_t row) const {
    return sample_ * s.batch + head * s.head + row * s.row;
  }

  template <class F>
  void for_tiles(int64_t begin, int64_t end, F f) const {
    const int64_t tiles = ceil_div(end - begin, tile_rows_);
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t i = begin + t * (end - begin) / tiles;
      f(i, begin + (t + 1) * (end - begin) / tiles - i);
    }
  }

  // Some queries of a block, with the keys that one of them attends to.
  struct Tile {
    int64_t head, row, rows, keys;
  };

  void query_block(int64_t head, int64_t begin, int64_t end) {
    Tile tiles[kQueryBlock], *last = tiles;
    for_tiles(begin, end, [&](int64_t i, int64_t m) {
      *last = {head, i, m, std::clamp<int64_t>(ends_.of(i + m - 1) - first_, 0, need_)};
      query_tile(*last++, (i - begin) * row_);
    });
    const float *q = a_.q + query_at(a_.query, head, begin), *dy = g_.dy + query_at(a_.out, head, begin);
    const Matrix q_rows = packed(isa_, q, a_.query.row, end - begin, a_.width, queries_);
    const Matrix dy_rows = packed(isa_, dy, a_.out.row, end - begin, a_.value_width, dy_);
    // Keys, some at a time, from the first tile on that attends to one of them.
    const Tile* from = tiles;
    for_tiles(0, need_, [&](int64_t j, int64_t m) {
      while (from < last && from->keys <= j) ++from;
      const int64_t skipped = from < last ? from->row - begin : end - begin, k = end - begin - skipped;
      if (k == 0 && started_) return;
      const int64_t at = skipped * row_ + j;
      if (g_.dv)
        isa_.gemm_row(product(m, a_.value_width, k, p_ + at, 1, row_, dy_rows.rows_from(skipped),
                              to_dv_ + j * a_.value_width, a_.value_width, started_));
      if (g_.dk)
        isa_.gemm_row(product(m, a_.width, k, ds_ + at, 1, row_, q_rows.rows_from(skipped), to_dk_ + j * a_.width,
                              a_.width, started_));
    });
    started_ = true;
  }

  // P and dS of a tile, at a place of their arrays, and its dQ.
  void query_tile(const Tile& t, int64_t at) {
    const int64_t number = query_number(a_, sample_, t.head, t.row);
    float* const dq = !g_.dq   ? nullptr
                      : parts_ ? parts_ + number * a_.width
                               : g_.dq + query_at(a_.query, t.head, t.row);
    const int64_t dq_row = parts_ ? a_.width : a_.query.row;
    if (t.keys == 0) {
      for (int64_t r = 0; dq && first_ == 0 && r < t.rows; ++r) std::fill_n(dq + r * dq_row, a_.width, 0.0f);
      return;
    }
    const float *q = a_.q + query_at(a_.query, t.head, t.row), *dy = g_.dy + query_at(a_.out, t.head, t.row);
    float *const p = p_ + at, *const ds = ds_ + at;
    isa_.gemm_row(product(t.rows, t.keys, a_.width, q, a_.query.row, 1, k_t_, p, row_));
    isa_.gemm_row(product(t.rows, t.keys, a_.value_width, dy, a_.out.row, 1, v_t_, ds, row_));
    AttentionRows rows = rows_of(a_, ends_, sample_, t.head, t.row, t.rows, first_, t.keys);
    rows.scores = p;
    rows.row = row_;
    rows.width = std::min(need_, t.keys + tile_rows_);  // what the products of key tiles read
    isa_.attention_probabilities(rows, g_.stats + 2 * number);
    isa_.attention_score_grads(rows, g_.stats + 2 * number, ds, g_.deltas + number, float(a_.scale));
    if (dq) isa_.gemm_row(product(t.rows, a_.width, t.keys, ds, row_, 1, k_, dq, dq_row, first_ > 0 && !parts_));
  }

  // Completes rows of a gradient: copies the sums if they are elsewhere, and sets zeros for keys without a query.
  void put(const float* sums, int64_t columns, float* to, int64_t row, int64_t count) const {
    const int64_t made = started_ ? need_ : 0;
    for (int64_t j = 0; j < made && sums != to; ++j) std::copy_n(sums + j * columns, columns, to + j * row);
    for (int64_t j = made; j < count; ++j) std::fill_n(to + j * row, columns, 0.0f);
  }

  const KernelTable& isa_;
  const Attention& a_;
  const Gradients& g_;
  const int64_t sample_, kv_head_;
  const Ends ends_;
  const int64_t tile_rows_;
  int64_t row_;
  float *keys_t_, *values_t_, *keys_, *queries_, *dy_, *p_, *ds_, *dk_, *dv_;
  // the block of keys
  int64_t first_ = 0, need_ = 0;
  float* parts_ = nullptr;
  Matrix k_t_, v_t_, k_;
  float *to_dk_ = nullptr, *to_dv_ = nullptr;  // where the sums grow, one row after the other
  bool started_ = false;
};

// How many blocks of keys have parts of dQ at a time; 1 if none.
int64_t parts_of(const Attention& a) {
  const int64_t heads = a.batch * a.kv_heads;
  return heads ? std::clamp<int64_t>(kMostParts / heads, 1, std::max<int64_t>(1, ceil_div(a.keys, grad_key_block(a))))
               : 1;
}

void by_heads(const Attention& a, const Gradients& g, double time) {
  const int64_t tasks = a.batch * a.kv_heads, block = grad_key_block(a);
  parallel_for_flushing(tasks, grain_for(time / double(tasks)), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      Backward task(a, g, t / a.kv_heads, t % a.kv_heads);
      task.compute_deltas();
      int64_t first = 0;
      do {  // once without keys
        task.run_block(first, std::min(block, a.keys - first), nullptr);
        first += block;
      } while (first < a.keys && !stop_requested());
    }
  });
}

void by_blocks(const Attention& a, const Gradients& g, int64_t together, float* parts) {
  const int64_t tasks = a.batch * a.kv_heads, block = grad_key_block(a), floats = queries_of(a) * a.width;
  parallel_for_flushing(tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) Backward(a, g, t / a.kv_heads, t % a.kv_heads).compute_deltas();
  });
  for (int64_t first = 0; first < a.keys; first += together * block) {
    const int64_t blocks = std::min(together, ceil_div(a.keys - first, block));
    parallel_for_flushing(tasks * blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t key = first + t % blocks * block, head = t / blocks;
        Backward(a, g, head / a.kv_heads, head % a.kv_heads)
            .run_block(key, std::min(block, a.keys - key), parts + t % blocks * floats);
      }
    });
    if (!g.dq) continue;
    parallel_for_flushing(a.batch * a.heads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t head = t % a.heads;
        Backward(a, g, t / a.heads, head / (a.heads / a.kv_heads)).add_parts(head, first, blocks, parts, floats);
      }
    });
  }
}

}  // namespace

int64_t attention_grad_floats(const Attention& a) {
  return queries_of(a) + (parts_of(a) > 1 ? parts_of(a) * queries_of(a) * a.width : 0);
}

void attention_grad(const Attention& call, const float* y, const float* stats, const float* dy, float* dq, float* dk,
                    float* dv, float* workspace) {
  const Attention a = folded(call);
  if (a.batch * a.kv_heads == 0) return;
  const Gradients g{y, stats, dy, dq, dk, dv, workspace};
  const double time = 2.5 * forward_time(a);
  const int64_t tasks = a.batch * a.kv_heads, threads = num_threads();
  const int64_t together = std::min(parts_of(a), threads);
  if (together > 1 && tasks < 4 * threads && tasks % threads != 0 && time > 20 * kChunkNanoseconds)
    by_blocks(a, g, together, workspace + queries_of(a));
  else
    by_heads(a, g, time);
}

}  // namespace fastdl
