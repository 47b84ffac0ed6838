// Attention: blocks and threads around the products of kernels/gemm.cc and the rows of kernels/attention.cc.
//
//     for each task: a sample, some query heads of one key head, some queries     one thread each
//       for each block of keys that a query of the task attends to
//         pack the keys, transposed, and the values; convert them first if they are stored in a shorter type
//         for each tile of a few queries, as high as a register tile
//           scores = queries x keys^T               gemm_row; they stay in L1
//           weights and their sums                  attention_weights
//           y = weights x values                    gemm_row; joined with that of earlier blocks
//
// A tile's products cover the keys up to the last one that a query of the tile attends to, so that keys above the
// diagonal cost nothing. Where there are few queries for all threads, blocks of keys are tasks, joined afterwards.
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

constexpr int64_t kFewQueries = 4;        // of a task, which read keys as they lie (gemm_dots)
constexpr int64_t kUnpackedQueries = 48;  // of a task, which read values as they lie
constexpr int64_t kTaskQueries = 96;      // of a task, so that packing takes little of its time
constexpr int64_t kMostQueries = 256;     // from which they are cut into tasks even if there are many heads
constexpr int64_t kSplitQueries = 256;    // of a call, up to which blocks of keys may be tasks

// A task's queries: rows [row, end) of `heads` query heads from `head` on.
struct Part {
  int64_t sample, kv_head, head, heads, row, end;
};

class Forward {
 public:
  Forward(const Attention& a, const Part& p)
      : isa_(kernels()),
        a_(a),
        p_(p),
        ends_(a, p.sample),
        few_(queries() <= kFewQueries),
        tile_rows_(few_ ? kFewQueries : tile_rows(isa_)),
        factor_(is_plain(a) ? exponent_scale(a) : 1) {
    const int64_t block = std::min(key_block(a), a.keys);
    Room room;
    const int64_t keys = room.take(few_ ? 0 : in_panels(isa_, block) * a.width);
    const int64_t values = room.take(few_ ? 0 : block * in_panels(isa_, a.value_width));
    const int64_t wide_keys = room.take(a.stored_k.data ? block * a.width : 0);
    const int64_t wide_values = room.take(a.stored_v.data ? block * a.value_width : 0);
    const int64_t scores = room.take(tile_rows_ * scores_row(block)), part = room.take(tile_rows_ * a.value_width);
    float* const memory = scratch_of<float>(Scratch::attention, room.floats());
    keys_ = memory + keys;
    values_ = memory + values;
    wide_keys_ = memory + wide_keys;
    wide_values_ = memory + wide_values;
    scores_ = memory + scores;
    part_ = memory + part;
  }

  // The whole task, into y and stats.
  void run(float* y, float* stats) {
    const int64_t block = key_block(a_), need = ends_.of(p_.end - 1);
    int64_t first = 0;
    do {  // once without keys
      load(first);
      for_tiles([&](const Tile& t) {
        if (t.keys <= first && first > 0) return;
        float *const to = y + query_at(a_.out, t), *const s = stats + 2 * t.number;
        if (first == 0) {
          multiply(t, to, a_.out.row, s);
        } else {
          float part_stats[2 * kMostRows];
          multiply(t, part_, a_.value_width, part_stats);
          join(t, to, s, part_, part_stats);
        }
        if (t.keys <= first + block) finish(t, to, s);
      });
      first += block;
    } while (first < need && !stop_requested());
  }

  // One block of keys, into arrays with a row for each query of the call.
  void run_block(int64_t block, float* y, float* stats) {
    load(block * key_block(a_));
    for_tiles([&](const Tile& t) { multiply(t, y + t.number * a_.value_width, a_.value_width, stats + 2 * t.number); });
  }

  // Joins what run_block() made of each block.
  void join_blocks(int64_t blocks, const float* parts, const float* part_stats, float* y, float* stats) {
    const int64_t queries = queries_of(a_);
    for_tiles([&](const Tile& t) {
      float *const to = y + query_at(a_.out, t), *const s = stats + 2 * t.number;
      std::fill_n(s, 2 * t.rows, 0.0f);
      for (int64_t b = 0; b < blocks; ++b) {
        const int64_t from = b * queries + t.number;
        join(t, to, s, parts + from * a_.value_width, part_stats + 2 * from);
      }
      finish(t, to, s);
    });
  }

 private:
  int64_t queries() const { return p_.heads * (p_.end - p_.row); }

  struct Tile {
    int64_t head, row, rows;
    int64_t keys;    // that one of its queries attends to, of all blocks
    int64_t number;  // of the first query in the call
  };
  template <class F>
  void for_tiles(F f) const {
    const int64_t rows = p_.end - p_.row, tiles = ceil_div(rows, tile_rows_);
    for (int64_t h = p_.head; h < p_.head + p_.heads; ++h)
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t i = p_.row + t * rows / tiles, end = p_.row + (t + 1) * rows / tiles;
        f(Tile{h, i, end - i, ends_.of(end - 1), query_number(a_, p_.sample, h, i)});
      }
  }
  int64_t query_at(const AttentionSteps& s, const Tile& t) const {
    return p_.sample * s.batch + t.head * s.head + t.row * s.row;
  }
  int64_t key_at(const AttentionSteps& s, int64_t key) const {
    return p_.sample * s.batch + p_.kv_head * s.head + key * s.row;
  }

  void load(int64_t first) {
    first_ = first;
    count_ = std::clamp<int64_t>(ends_.of(p_.end - 1) - first, 0, key_block(a_));
    const Rows k = rows_from(first, a_.k, a_.stored_k, a_.key, a_.width, wide_keys_);
    const Rows v = rows_from(first, a_.v, a_.stored_v, a_.value, a_.value_width, wide_values_);
    k_ = few_ ? in_place(k.data, k.row, a_.width) : transposed(isa_, k.data, k.row, count_, a_.width, keys_);
    v_ = queries() <= kUnpackedQueries ? in_place(v.data, v.row, a_.value_width)
                                       : packed(isa_, v.data, v.row, count_, a_.value_width, values_);
  }

  struct Rows {
    const float* data;
    int64_t row;
  };
  // The rows of the block from `first` on as float32, in `memory` if they are of another type.
  Rows rows_from(int64_t first, const float* data, const StoredRows& stored, const AttentionSteps& steps, int64_t width,
                 float* memory) const {
    if (!stored.data) return {data + key_at(steps, first), steps.row};
    const char* from = static_cast<const char*>(stored.data) + key_at(steps, first) * size_of(stored.type);
    const float* scale = stored.scale ? stored.scale + key_at(stored.scale_steps, first) : nullptr;
    isa_.attention_widen(memory, from, stored.type, count_, width, steps.row, scale, stored.scale_steps.row);
    return {memory, width};
  }

  // y = weights x values of the block that is loaded.
  void multiply(const Tile& t, float* y, int64_t y_row, float* stats) {
    const int64_t n = std::clamp<int64_t>(t.keys - first_, 0, count_), row = scores_row(n);
    if (n == 0) return void(std::fill_n(stats, 2 * t.rows, 0.0f));
    const float* q = a_.q + query_at(a_.query, t);
    if (few_)
      isa_.gemm_dots(t.rows, n, a_.width, q, a_.query.row, 1, k_.data, k_.row, scores_, row, 0, 0, nullptr);
    else
      isa_.gemm_row(product(t.rows, n, a_.width, q, a_.query.row, 1, k_, scores_, row));
    AttentionRows rows = rows_of(a_, ends_, p_.sample, t.head, t.row, t.rows, first_, n);
    rows.scores = scores_;
    rows.row = row;
    rows.width = n;
    isa_.attention_weights(rows, stats);
    isa_.gemm_row(product(t.rows, a_.value_width, n, scores_, row, 1, v_, y, y_row));
  }
  void join(const Tile& t, float* y, float* stats, const float* part, const float* part_stats) const {
    isa_.attention_merge(y, a_.out.row, stats, part, a_.value_width, part_stats, t.rows, a_.value_width, factor_);
  }
  void finish(const Tile& t, float* y, float* stats) const {
    isa_.attention_finish(y, a_.out.row, stats, t.rows, a_.value_width, 1.0f / (1.0f - a_.rate));
  }

  const KernelTable& isa_;
  const Attention& a_;
  const Part p_;
  const Ends ends_;
  const bool few_;
  const int64_t tile_rows_;
  const float factor_;  // of the differences between exponents in stats
  float *keys_, *values_, *wide_keys_, *wide_values_, *scores_, *part_;
  // the block that is loaded
  int64_t first_ = 0, count_ = 0;
  Matrix k_, v_;
};

// How queries are cut into tasks: heads and rows of a task, and how many parts of each a key head has.
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
    const int64_t row = t % row_parts * rows, head = t / row_parts % head_parts * heads;
    const int64_t of = t / (row_parts * head_parts), group = a.heads / a.kv_heads;
    Part p;
    p.sample = of / a.kv_heads;
    p.kv_head = of % a.kv_heads;
    p.head = p.kv_head * group + head;
    p.heads = std::min(heads, group - head);
    p.row = std::min(row, a.queries);
    p.end = std::min(row + rows, a.queries);
    return p;
  }
};

bool can_split(const Attention& a) { return queries_of(a) <= kSplitQueries && a.keys > key_block(a); }

void attention_by_blocks(const Attention& a, const Cut& cut, double time, float* y, float* stats, float* parts) {
  const int64_t tasks = cut.tasks(a), blocks = ceil_div(a.keys, key_block(a)), queries = queries_of(a);
  float* const part_stats = parts + blocks * queries * a.value_width;
  parallel_for_flushing(tasks * blocks, grain_for(time / double(tasks * blocks)), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t b = t % blocks, at = b * queries;
      Forward(a, cut.part(a, t / blocks)).run_block(b, parts + at * a.value_width, part_stats + 2 * at);
    }
  });
  parallel_for_flushing(tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) Forward(a, cut.part(a, t)).join_blocks(blocks, parts, part_stats, y, stats);
  });
}

}  // namespace

int64_t attention_floats(const Attention& a) {
  return can_split(a) ? ceil_div(a.keys, key_block(a)) * queries_of(a) * (a.value_width + 2) : 0;
}

void attention(const Attention& call, float* y, float* stats, float* workspace) {
  const Attention a = folded(call);
  if (queries_of(a) == 0) return;
  const Cut cut(a);
  const int64_t tasks = cut.tasks(a);
  const double time = forward_time(a);
  if (can_split(a) && tasks < num_threads() && time > 2 * kChunkNanoseconds)
    return attention_by_blocks(a, cut, time, y, stats, workspace);
  parallel_for_flushing(tasks, grain_for(time / double(tasks)), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) Forward(a, cut.part(a, t)).run(y, stats);
  });
}

}  // namespace fastdl
