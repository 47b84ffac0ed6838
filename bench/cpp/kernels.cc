// One timed case for each row of kernels.inc, as a library that bench/test_kernels.py calls through ctypes.
//
// Rows of one signature (UNARY, BINARY, COMPARE) share a case. Every KERNEL row has a function of its name
// below; without it this file does not compile. FASTDL_ISA selects the table. Kernels never thread, so these
// are figures of one core.
#include "cpu/kernels.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cpu/isa.h"

namespace {

using fastdl::kernels;
using fastdl::KernelTable;

// A call, and the least that it moves and computes.
struct Case {
  double bytes, flops;
  std::function<void()> run;
};

constexpr int64_t kCols = 128;  // of a row, in kernels over matrices
constexpr int kArrays = 6;

// Arrays of n floats (and labels, masks), in (0, 1) so that every function is defined there; there is room
// behind them for padded rows.
struct Data {
  explicit Data(int64_t count) : n(count), bytes(size_t(n)), labels(size_t(n)) {
    uint32_t state = 1;
    for (std::vector<float>& a : arrays) {
      a.resize(size_t(n + 4096));
      for (float& x : a) x = 0.05f + 0.9f * float((state = state * 1664525u + 1013904223u) >> 8) * 0x1p-24f;
    }
    for (int64_t i = 0; i < n; ++i) {
      bytes[size_t(i)] = i % 3 == 0;
      labels[size_t(i)] = i % kCols;
    }
  }
  float* operator[](int i) { return arrays[i].data(); }
  int64_t rows() const { return n / kCols; }
  double of(double floats_per_element) const { return 4.0 * floats_per_element * double(n); }

  int64_t n;
  std::vector<float> arrays[kArrays];
  std::vector<uint8_t> bytes;
  std::vector<int64_t> labels;
};

volatile double sink;  // keeps results that are returned
const float kParameters[4] = {0.25f, 1.5f, 0, 0};

Case unary(fastdl::UnaryKernel f, Data& d) {
  return {d.of(2), 0, [=, &d] { f(d[0], d[1], d.n, kParameters); }};
}
Case binary(fastdl::BinaryKernel f, Data& d) {
  return {d.of(3), 0, [=, &d] { f(d[0], d[1], d[2], d.n, 1, 1, kParameters); }};
}
Case compare(fastdl::CompareKernel f, Data& d) {
  return {d.of(2.25), 0, [=, &d] { f(d.bytes.data(), d[1], d[2], d.n, 1, 1); }};
}

// --- one function per KERNEL row
namespace cases {

Case where(Data& d) {
  return {d.of(3.25), 0, [&] { kernels().where(d[0], d.bytes.data(), d[1], d[2], d.n, 1, 1); }};
}
Case integers(Data& d) {
  return {d.of(3), 0, [&] { kernels().integers(fastdl::IntegerOp::add, -4, d[0], d[1], d[2], d.n, 1, 1); }};
}
Case transpose_words(Data& d) {
  return {d.of(2), 0, [&] { kernels().transpose_words(d[0], d.rows(), d[1], kCols, d.rows(), kCols); }};
}
Case mask_scale(Data& d) {
  return {d.of(2.25), 0, [&] { kernels().mask_scale(d[0], d[1], d.bytes.data(), d.n, 2.0f); }};
}

Case cast(Data& d) {  // of bytes, as of images
  using fastdl::DType;
  return {d.of(1.25), 0, [&] { kernels().cast(d[0], DType::float32, d.bytes.data(), DType::uint8, d.n); }};
}

#define REDUCTION(name)                                                     \
  Case name(Data& d) {                                                      \
    return {d.of(1), 0, [&] { sink = double(kernels().name(d[1], d.n)); }}; \
  }
REDUCTION(sum)
REDUCTION(reduce_max)
REDUCTION(reduce_min)
REDUCTION(argmax)
REDUCTION(argmin)
#undef REDUCTION
Case penalty(Data& d) {
  return {d.of(1), 0, [&] { sink = double(kernels().penalty(d[1], d.n, 0.1f, 0.2f)); }};
}
#define ROWS(name)                                                                    \
  Case name(Data& d) {                                                                \
    return {d.of(1), 0, [&] { kernels().name(d[0], d[1], d.rows(), kCols, kCols); }}; \
  }
ROWS(sum_rows)
ROWS(max_rows)
ROWS(min_rows)
#undef ROWS

// Terms of normalization are in array 5.
fastdl::NormTerms terms(Data& d) { return {d[5], d[5], d[5], d[5], d[5]}; }
Case centered_sums(Data& d) {
  return {d.of(1), 0, [&] { kernels().centered_sums(d[0], d[1], d.n, 0.5f); }};
}
Case row_sums(Data& d) {
  return {d.of(1), 0, [&] { kernels().row_sums(d[0], d[1], d.n); }};
}
Case centered_sum_rows(Data& d) {
  return {d.of(1), 0, [&] { kernels().centered_sum_rows(d[0], d[2], d[1], d[5], d.rows(), kCols, kCols); }};
}
Case norm_columns(Data& d) {
  return {d.of(2), 0, [&] { kernels().norm_columns(d[0], d[1], d.rows(), kCols, terms(d)); }};
}
Case norm_runs(Data& d) {
  return {d.of(2), 0, [&] { kernels().norm_runs(d[0], d[1], d.rows(), kCols, terms(d)); }};
}
Case norm_row(Data& d) {
  return {d.of(4), 0, [&] { kernels().norm_row(d[0], d[1], d.n, 0.5f, 0, 2, d[2], d[3]); }};
}
Case norm_sums_columns(Data& d) {
  return {d.of(2), 0, [&] { kernels().norm_sums_columns(d[0], d[3], d[1], d[2], d.rows(), kCols, kCols, d[5], d[5]); }};
}
Case norm_sums_run(Data& d) {
  return {d.of(2), 0, [&] { kernels().norm_sums_run(d[0], d[1], d[2], d.n, 0.5f, 0); }};
}
Case norm_sums_row(Data& d) {  // without the sums that grow
  return {d.of(3), 0, [&] { kernels().norm_sums_row(d[0], nullptr, nullptr, d[1], d[2], d[3], d.n, 0.5f, 0, 2); }};
}
Case norm_grad_columns(Data& d) {
  return {d.of(3), 0, [&] { kernels().norm_grad_columns(d[0], d[1], d[2], d.rows(), kCols, terms(d)); }};
}
Case norm_grad_runs(Data& d) {
  return {d.of(3), 0, [&] { kernels().norm_grad_runs(d[0], d[1], d[2], d.rows(), kCols, terms(d)); }};
}
Case norm_grad_row(Data& d) {
  return {d.of(4), 0, [&] { kernels().norm_grad_row(d[0], d[1], d[2], d[3], d.n, 0.5f, 0, 2, 0.1f, 0.1f); }};
}

Case softmax(Data& d) {
  return {d.of(2), 0, [&] { kernels().softmax(d[0], d[1], d.rows(), kCols); }};
}
Case log_softmax(Data& d) {
  return {d.of(2), 0, [&] { kernels().log_softmax(d[0], d[1], d.rows(), kCols); }};
}
Case softmax_grad(Data& d) {
  return {d.of(3), 0, [&] { kernels().softmax_grad(d[0], d[1], d[2], d.rows(), kCols); }};
}
Case log_softmax_grad(Data& d) {
  return {d.of(3), 0, [&] { kernels().log_softmax_grad(d[0], d[1], d[2], d.rows(), kCols); }};
}
Case sparse_xent(Data& d) {
  return {d.of(2), 0,
          [&] { sink = double(kernels().sparse_xent(d[3], d[0], d[1], d.labels.data(), d.rows(), kCols, -1)); }};
}
Case sparse_xent_grad(Data& d) {
  return {d.of(2), 0, [&] { kernels().sparse_xent_grad(d[0], d[1], d.labels.data(), d[3], 1, d.rows(), kCols, -1); }};
}
Case xent(Data& d) {
  return {d.of(3), 0, [&] { kernels().xent(d[3], d[0], d[1], d[2], d.rows(), kCols); }};
}
Case xent_grad(Data& d) {
  return {d.of(3), 0, [&] { kernels().xent_grad(d[0], d[1], d[2], d[3], 1, d.rows(), kCols); }};
}

// Updates read the gradient (array 0) and read and write the parameters and each state. Steps this small
// leave the values unchanged, however often they run.
constexpr float kRate = 1e-9f;
Case update_rules(Data& d) {  // Adam, the one with the most arithmetic
  return {d.of(7), 0, [&] {
            int count;
            const fastdl::UpdateRule& adam = kernels().update_rules(&count)[3];
            const float coefficients[fastdl::kCoefficients] = {kRate, 0.1f, 0.001f, 1e-7f};
            adam.update({d[1], d[0], {d[2], d[3]}, d.n, 1, 0, 0, 0, coefficients});
          }};
}

Case philox_u32(Data& d) {
  return {d.of(1), 0, [&] { kernels().philox_u32(reinterpret_cast<uint32_t*>(d[0]), d.n, 1, 2, 0); }};
}
Case philox_uniform(Data& d) {
  return {d.of(1), 0, [&] { kernels().philox_uniform(d[0], d.n, 1, 2, 0, 1); }};
}
Case philox_normal(Data& d) {
  return {d.of(1), 0, [&] { kernels().philox_normal(d[0], d.n, 1, 2, 0, 1); }};
}
Case philox_truncated_normal(Data& d) {
  return {d.of(1), 0, [&] { kernels().philox_truncated_normal(d[0], d.n, 1, 2, 0, 1); }};
}
Case dropout(Data& d) {
  return {d.of(2.25), 0, [&] { kernels().dropout(d[0], d.bytes.data(), d[1], d.n, 1, 2, 0.5f, 2.0f); }};
}

Case gemm_tile_rows(Data&) {
  return {0, 0, [] { sink = kernels().gemm_tile_rows(); }};
}
Case gemm_tile_columns(Data&) {
  return {0, 0, [] { sink = kernels().gemm_tile_columns(1); }};
}
// One register tile over a panel of n floats. Rows of A are padded so that they do not share a cache set.
Case gemm_row(Data& d) {
  const int64_t m = kernels().gemm_tile_rows(), columns = kernels().gemm_tile_columns(m);
  const int64_t k = d.n / columns, a_row = k + 16;
  return {4.0 * double(m * k + k * columns + m * columns), 2.0 * double(m * k * columns), [=, &d] {
            fastdl::GemmRow g = {.m = m, .n = columns, .k = k, .a = d[1], .a_row = a_row, .a_col = 1};
            g.b = d[2];
            g.b_row = g.panel = columns;
            g.c = d[0];
            g.c_row = columns;
            kernels().gemm_row(g);
          }};
}
Case gemm_dots(Data& d) {
  const int64_t m = 4, k = 256, columns = d.n / k;
  return {4.0 * double(m * k + k * columns + m * columns), 2.0 * double(m * k * columns),
          [=, &d] { kernels().gemm_dots(m, columns, k, d[1], k, 1, d[2], k, d[0], columns, 0, 0, nullptr); }};
}
Case gemm_pack(Data& d) {  // into whole panels, as wide as tiles of full height
  const int64_t panel = kernels().gemm_tile_columns(kernels().gemm_tile_rows()), columns = kCols / panel * panel;
  return {d.of(2) * double(columns) / kCols, 0,
          [=, &d] { kernels().gemm_pack(d[0], d.rows(), columns, d[1], kCols, 0, panel); }};
}
Case gemm_pack_a(Data& d) {
  const int64_t m = kernels().gemm_tile_rows(), k = d.n / m;
  return {d.of(2), 0, [=, &d] { kernels().gemm_pack_a(d[0], m, k, d[1], k, 1); }};
}

}  // namespace cases

struct Row {
  const char* name;
  Case (*make)(Data&);
};
const Row kRows[] = {
#define UNARY(name) {#name, [](Data& d) { return unary(kernels().name, d); }},
#define BINARY(name) {#name, [](Data& d) { return binary(kernels().name, d); }},
#define COMPARE(name) {#name, [](Data& d) { return compare(kernels().name, d); }},
#define KERNEL(result, name, parameters) {#name, cases::name},
#include "cpu/kernels.inc"
#undef UNARY
#undef BINARY
#undef COMPARE
#undef KERNEL
};

}  // namespace

// --- for ctypes
#define API extern "C" __attribute__((visibility("default")))

// nullptr, or what is wrong with FASTDL_ISA.
API const char* bench_start() {
  static std::string problem;
  try {
    fastdl::select_isa();
  } catch (const std::exception& e) {
    problem = e.what();
    return problem.c_str();
  }
  return nullptr;
}
API int bench_count() { return int(std::size(kRows)); }
API const char* bench_name(int row) { return kRows[row].name; }
API const char* bench_isa() { return kernels().isa; }

// A row over arrays of n floats, a multiple of 2048.
API void* bench_open_data(int64_t n) { return new Data(n); }
API void bench_close_data(void* data) { delete static_cast<Data*>(data); }
API void* bench_open(int row, void* data) { return new Case(kRows[row].make(*static_cast<Data*>(data))); }
API double bench_bytes(void* c) { return static_cast<Case*>(c)->bytes; }
API double bench_flops(void* c) { return static_cast<Case*>(c)->flops; }
API void bench_run(void* c, int64_t repeats) {
  for (int64_t i = 0; i < repeats; ++i) static_cast<Case*>(c)->run();
}
API void bench_close(void* c) { delete static_cast<Case*>(c); }
