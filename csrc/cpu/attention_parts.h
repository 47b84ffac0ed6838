// What attention and its gradient share: blocks of keys, which keys a query attends to, operands of products.
#pragma once
#include <algorithm>

#include "cpu/attention.h"
#include "cpu/kernels.h"

namespace fastdl::attention_parts {

constexpr int64_t kMostRows = 6;  // of a register tile, so that one of AVX-512 is 64 columns wide

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t padded(int64_t n) { return ceil_div(n, 16) * 16; }

// Keys of a block: packed keys and values of wide heads take as much of L2 as those of narrow ones.
inline int64_t key_block(const Attention& a) {
  return std::clamp<int64_t>((1 << 15) / std::max(a.width, a.value_width) / 64 * 64, 64, 512);
}
// Floats from a row of scores to the next, no multiple of a page.
inline int64_t scores_row(int64_t keys) { return padded(keys) + 16; }

// Rough nanoseconds on one thread: products and weights, and reading keys and values.
inline double forward_time(const Attention& a) {
  const double widths = double(a.width + a.value_width), keys = double(a.batch) * double(a.keys);
  return keys * (double(a.heads * a.queries) * (0.02 * widths + 0.3) * (a.causal ? 0.5 : 1) +
                 double(a.kv_heads) * 0.08 * widths);
}

// Random numbers of a query; a counter serves four.
inline int64_t drawn_row(const Attention& a) { return ceil_div(a.keys, 4) * 4; }
inline int64_t queries_of(const Attention& a) { return a.batch * a.heads * a.queries; }
inline int64_t query_number(const Attention& a, int64_t sample, int64_t head, int64_t row) {
  return (sample * a.heads + head) * a.queries + row;
}

// A single query of each head: the heads of a group become queries of one head.
inline Attention folded(Attention a) {
  const int64_t group = a.kv_heads ? a.heads / a.kv_heads : 1;
  if (a.queries != 1 || group == 1) return a;
  a.queries = group;
  a.heads = a.kv_heads;
  a.row_step = 0;
  for (AttentionSteps* s : {&a.query, &a.out}) s->row = s->head, s->head *= group;
  a.mask.row = a.mask.head, a.mask.head *= group;
  a.bias.row = a.bias.head, a.bias.head *= group;
  return a;
}

// The number of keys that a query of one sample attends to, masks aside. It does not fall with the query.
class Ends {
 public:
  Ends(const Attention& a, int64_t sample) : length_(a.lengths ? a.lengths[sample] : a.keys), first_(length_) {
    if (!a.causal) return;
    constexpr int64_t far = int64_t(1) << 60;
    first_ = std::clamp(a.offset ? a.offset[sample * a.offset_step] : 0, -far, far) + 1;
    step_ = a.row_step;
  }
  int64_t of(int64_t query) const { return std::clamp<int64_t>(first_ + query * step_, 0, length_); }
  int64_t length() const { return length_; }
  int64_t first() const { return first_; }
  int64_t step() const { return step_; }

 private:
  const int64_t length_;
  int64_t first_, step_ = 0;
};

inline float exponent_scale(const Attention& a) { return float(a.scale * 1.4426950408889634); }  // log2(e)
inline bool is_plain(const Attention& a) { return !a.mask.data && !a.bias.data && exponent_scale(a) > 0; }

// The rows of queries [i, i + m), with keys [first, first + n).
inline AttentionRows rows_of(const Attention& a, const Ends& ends, int64_t sample, int64_t head, int64_t i, int64_t m,
                             int64_t first, int64_t n) {
  AttentionRows r = {};
  r.rows = m;
  r.keys = n;
  r.end = ends.first() + i * ends.step() - first;
  r.step = ends.step();
  r.scale = exponent_scale(a);
  r.plain = is_plain(a);
  r.mask = a.mask.at(sample, head, i, first);
  r.mask_row = a.mask.row;
  r.mask_step = a.mask.key;
  r.bias = a.bias.at(sample, head, i, first);
  r.bias_row = a.bias.row;
  r.bias_step = a.bias.key;
  r.rate = a.rate;
  r.seed = a.seed;
  r.counter_row = uint64_t(drawn_row(a)) / 4;
  r.counter = a.counter + uint64_t(query_number(a, sample, head, i)) * r.counter_row + uint64_t(first) / 4;
  return r;
}
// The right operand of a product, B[l, j] = data[j / panel * panel_stride + l * row + j % panel].
struct Matrix {
  const float* data;
  int64_t row, panel, panel_stride;
  Matrix rows_from(int64_t l) const { return {data + l * row, row, panel, panel_stride}; }
};
inline Matrix in_place(const float* data, int64_t row, int64_t columns) { return {data, row, columns, 0}; }

inline int64_t tile_rows(const KernelTable& isa) { return std::min<int64_t>(kMostRows, isa.gemm_tile_rows()); }
inline int64_t panel_for(const KernelTable& isa, int64_t columns) {
  return std::min<int64_t>(isa.gemm_tile_columns(tile_rows(isa)), ceil_div(columns, isa.lanes) * isa.lanes);
}
inline int64_t in_panels(const KernelTable& isa, int64_t columns) {
  return columns ? ceil_div(columns, panel_for(isa, columns)) * panel_for(isa, columns) : 0;
}
// The transpose of `rows` rows; the memory takes in_panels(rows) * columns floats.
inline Matrix transposed(const KernelTable& isa, const float* data, int64_t row, int64_t rows, int64_t columns,
                         float* memory) {
  const int64_t panel = panel_for(isa, rows);
  if (rows) isa.gemm_pack(memory, columns, rows, data, row, 1, panel);
  return {memory, panel, panel, columns * panel};
}
// Rows as they are, copied if they do not lie one after the other; the memory takes rows * in_panels(columns) floats.
inline Matrix packed(const KernelTable& isa, const float* data, int64_t row, int64_t rows, int64_t columns,
                     float* memory) {
  if (row == columns || !rows) return in_place(data, row, columns);
  const int64_t panel = panel_for(isa, columns);
  isa.gemm_pack(memory, rows, columns, data, row, 0, panel);
  return {memory, panel, panel, rows * panel};
}

// C[m, n] = A[m, k] B[k, n]
inline GemmRow product(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row, int64_t a_col, const Matrix& b,
                       float* c, int64_t c_row, bool add = false) {
  GemmRow g = {};
  g.m = m;
  g.n = n;
  g.k = k;
  g.a = a;
  g.a_row = a_row;
  g.a_col = a_col;
  g.b = b.data;
  g.b_row = b.row;
  g.panel = b.panel;
  g.panel_stride = b.panel_stride;
  g.c = c;
  g.c_row = c_row;
  g.add = add;
  return g;
}

// Divides scratch memory into arrays that start on lines of cache.
class Room {
 public:
  int64_t take(int64_t floats) {
    const int64_t at = floats_;
    floats_ += padded(floats);
    return at;
  }
  int64_t floats() const { return floats_; }

 private:
  int64_t floats_ = 0;
};

}  // namespace fastdl::attention_parts
