// Attention: blocks and threads around the products of kernels/gemm.cc and the rows of kernels/attention.cc.
//
//     for each task: a sample, some query heads of one key head, some queries     one thread each
//       for each block of keys that a query of the task attends to
//         pack the keys, transposed, and the values
//         for each few queries, a register tile high
//           scores = queries x keys^T               gemm_row; they stay in L1
//           weights, their sums                     attention_weights
//           y = weights x values                    gemm_row; joined with that of earlier blocks
//
// A product covers the keys up to the last one that its queries attend to, so blocks above the diagonal cost nothing.
// Where there are few queries for all threads, tasks are blocks of keys, joined afterwards.
#include "cpu/attention.h"

#include <algorithm>

#include "core/cancel.h"
#include "core/parallel.h"
#include "core/scratch.h"
#include "core/subnormals.h"
#include "cpu/attention_parts.h"
#include "cpu/isa.h"

namespace fastdl {
namespace {

using namespace attention_parts;

constexpr int64_t kFewQueries = 4;       // read keys as they lie (gemm_dots)
constexpr int64_t kTaskQueries = 96;     // make packing cheap
constexpr int64_t kMostQueries = 256;    // of a task
constexpr int64_t kSplitQueries = 256;   // of a call, up to which blocks of keys may be tasks

// A task's queries: `heads` of one key head from `head` on, of each the rows [row, end).
struct Part {
  int64_t sample, kv_head, head, heads, row, end;
};

class Forward {
 public:
  Forward(const Attention& a, const Part& p)
      : isa_(kernels()), a_(a), p_(p), ends_(a, p.sample), few_(p.heads * (p.end - p.row) <= kFewQueries) {
    const int64_t block = std::min(key_block(a), a.keys);
    tile_rows_ = few_ ? kFewQueries : tile_rows(isa_);
    Room room;
    const int64_t keys = room.take(few_ ? 0 : in_panels(isa_, block) * a.width);
    const int64_t values = room.take(few_ ? 0 : block * in_panels(isa_, a.value_width));
    const int64_t scores = room.take(tile_rows_ * scores_row(block)), part = room.take(tile_rows_ * a.value_width);
    float* const memory = scratch_of<float>(Scratch::attention, room.floats());
    keys_ = memory + keys;
    values_ = memory + values;
    scores_ = memory + scores;
    part_ = memory + part;
  }

  // All blocks, into y and stats.
  void run(float* y, float* stats) {
    const int64_t block = key_block(a_), need = ends_.of(p_.end - 1);
    int64_t first = 0;
    do {  // once without keys
      load(first, std::min(block, need - first));
      for_tiles([&](int64_t h, int64_t i, int64_t m) {
        float *to = y + at(a_.out, h, i), *s = stats + 2 * query_number(a_, p_.sample, h, i);
        const int64_t end = ends_.of(i + m - 1);
        if (end > first || first == 0) {
          float part_stats[2 * kMostRows];
          const bool whole = first == 0;
          multiply(h, i, m, whole ? to : part_, whole ? a_.out.row : a_.value_width, whole ? s : part_stats);
          if (!whole)
            isa_.attention_merge(to, a_.out.row, s, part_, a_.value_width, part_stats, m, a_.value_width, factor_);
          if (end <= first + block) isa_.attention_finish(to, a_.out.row, s, m, a_.value_width, kept(a_));
        }
      });
      first += block;
    } while (first < need && !stop_requested());
  }

  // One block, into an array of its own, with a row for each query of the call.
  void run_block(int64_t block, float* y, float* stats) {
    const int64_t first = block * key_block(a_);
    load(first, std::min(key_block(a_), std::max<int64_t>(0, ends_.of(p_.end - 1) - first)));
    for_tiles([&](int64_t h, int64_t i, int64_t m) {
      const int64_t to = query_number(a_, p_.sample, h, i);
      multiply(h, i, m, y + to * a_.value_width, a_.value_width, stats + 2 * to);
    });
  }

  // Joins the results of run_block().
  void join(int64_t blocks, const float* parts, const float* part_stats, float* y, float* stats) {
    const int64_t queries = a_.batch * a_.heads * a_.queries;
    factor_ = factor(a_);
    for_tiles([&](int64_t h, int64_t i, int64_t m) {
      const int64_t from = query_number(a_, p_.sample, h, i);
      float *to = y + at(a_.out, h, i), *s = stats + 2 * from;
      std::fill_n(s, 2 * m, 0.0f);
      for (int64_t b = 0; b < blocks; ++b)
        isa_.attention_merge(to, a_.out.row, s, parts + (b * queries + from) * a_.value_width, a_.value_width,
                             part_stats + 2 * (b * queries + from), m, a_.value_width, factor_);
      isa_.attention_finish(to, a_.out.row, s, m, a_.value_width, kept(a_));
    });
  }

 private:
  int64_t at(const AttentionSteps& s, int64_t head, int64_t row) const {
    return p_.sample * s.batch + head * s.head + row * s.row;
  }

  template <class F>
  void for_tiles(F f) const {
    const int64_t rows = p_.end - p_.row, tiles = ceil_div(rows, tile_rows_);
    for (int64_t h = p_.head; h < p_.head + p_.heads; ++h)
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t i = p_.row + t * rows / tiles;
        f(h, i, p_.row + (t + 1) * rows / tiles - i);
      }
  }

  void load(int64_t first, int64_t count) {
    first_ = first;
    count_ = count;
    factor_ = factor(a_);
    const float* k = a_.k + at(a_.key, p_.kv_head, first);
    const float* v = a_.v + at(a_.value, p_.kv_head, first);
    if (few_) {
      k_ = {k, a_.key.row, 0, 0};
      v_ = in_place(v, a_.value.row, a_.value_width);
    } else {
      k_ = transposed(isa_, k, a_.key.row, count, a_.width, keys_);
      v_ = packed(isa_, v, a_.value.row, count, a_.value_width, values_);
    }
  }

  // y = weights x values of m queries in the block that is loaded.
  void multiply(int64_t h, int64_t i, int64_t m, float* y, int64_t y_row, float* stats) {
    const int64_t n = std::clamp<int64_t>(ends_.of(i + m - 1) - first_, 0, count_);
    if (n == 0) {
      std::fill_n(stats, 2 * m, 0.0f);
      return;
    }
    const float* q = a_.q + at(a_.query, h, i);
    const int64_t row = scores_row(n);
    if (few_)
      isa_.gemm_dots(m, n, a_.width, q, a_.query.row, 1, k_.data, k_.row, scores_, row, 0, 0, nullptr);
    else
      isa_.gemm_row(product(m, n, a_.width, q, a_.query.row, 1, k_, scores_, row));
    AttentionRows rows = rows_of(a_, ends_, p_.sample, h, i, m, first_, n);
    rows.scores = scores_;
    rows.row = row;
    rows.width = n;
    rows.stats = stats;
    isa_.attention_weights(rows);
    isa_.gemm_row(product(m, a_.value_width, n, scores_, row, 1, v_, y, y_row));
  }

  const KernelTable& isa_;
  const Attention& a_;
  const Part& p_;
  const Ends ends_;
  const bool few_;
  int64_t tile_rows_;
  float *keys_, *values_, *scores_, *part_;
  // the block that is loaded
  int64_t first_ = 0, count_ = 0;
  float factor_ = 1;
  Matrix k_, v_;
};

// How queries are cut into tasks: heads and rows of one, and the number of each for a key head.
struct Cut {
  int64_t heads, rows, head_parts, row_parts;

  explicit Cut(const Attention& a) {
    const int64_t group = a.heads / a.kv_heads;
    heads = std::clamp<int64_t>(kTaskQueries / a.queries, 1, group);
    head_parts = ceil_div(group, heads);
    const int64_t wanted = ceil_div(8 * num_threads(), a.batch * a.kv_heads * head_parts);
    rows = std::clamp(ceil_div(a.queries, wanted), std::min(kTaskQueries, a.queries), kMostQueries);
    row_parts = std::max<int64_t>(1, a.queries / rows);
    rows = ceil_div(a.queries, row_parts);
  }
  int64_t tasks(const Attention& a) const { return a.batch * a.kv_heads * head_parts * row_parts; }
  Part part(const Attention& a, int64_t t) const {
    const int64_t group = a.heads / a.kv_heads, row = t % row_parts * rows, head = t / row_parts % head_parts * heads,
                  of = t / (row_parts * head_parts);
    return {of / a.kv_heads,
            of % a.kv_heads,
            of % a.kv_heads * group + head,
            std::min(heads, group - head),
            row,
            std::min(row + rows, a.queries)};
  }
};

bool can_split(const Attention& a) {
  return a.batch * a.heads * a.queries <= kSplitQueries && a.keys > key_block(a);
}

}  // namespace

int64_t attention_floats(const Attention& a) {
  return can_split(a) ? ceil_div(a.keys, key_block(a)) * a.batch * a.heads * a.queries * (a.value_width + 2) : 0;
}

void attention(const Attention& call, float* y, float* stats, float* workspace) {
  const Attention a = folded(call);
  if (a.batch * a.heads * a.queries == 0) return;
  const Cut cut(a);
  const int64_t tasks = cut.tasks(a), blocks = ceil_div(a.keys, key_block(a));
  const double time = forward_time(a);
  if (can_split(a) && tasks < num_threads()) {
    float* const part_stats = workspace + blocks * a.batch * a.heads * a.queries * a.value_width;
    const int64_t queries = a.batch * a.heads * a.queries;
    parallel_for_flushing(tasks * blocks, grain_for(time / double(tasks * blocks)), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t block = t % blocks * queries;
        Forward(a, cut.part(a, t / blocks))
            .run_block(t % blocks, workspace + block * a.value_width, part_stats + 2 * block);
      }
    });
    parallel_for_flushing(tasks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) Forward(a, cut.part(a, t)).join(blocks, workspace, part_stats, y, stats);
    });
    return;
  }
  parallel_for_flushing(tasks, grain_for(time / double(tasks)), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) Forward(a, cut.part(a, t)).run(y, stats);
  });
}

}  // namespace fastdl
