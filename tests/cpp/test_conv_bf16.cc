// Convolutions in bfloat16 stay within their operands, which protected pages follow. Values: tests/core.
#include <cmath>
#include <string>

#include "check.h"
#include "cpu/conv_bf16.h"
#include "cpu/gemm_bf16.h"
#include "cpu/isa.h"
#include "matrices.h"
#include "sample.h"

namespace {

using fastdl::ConvShape;
using test::Guarded;

// Of numbers of one sign, rounding both factors changes a sum by a share of 2^-7 and a little.
void close(Guarded<float>& found, Guarded<float>& exact, int64_t size, const std::string& what) {
  for (int64_t i = 0; i < size; ++i)
    EXPECT(std::fabs(found.data()[i] - exact.data()[i]) <= 0x1.1p-7f * exact.data()[i], what, ": value ", i, " is ",
           found.data()[i], ", in float32 ", exact.data()[i]);
}

void check(const ConvShape& s, const std::string& kind) {
  const std::string what = std::to_string(s.y.in) + "x" + std::to_string(s.x.in) + " " + std::to_string(s.channels_in) +
                           " to " + std::to_string(s.channels_out) + " on " + kind;
  EXPECT(fastdl::conv_kernel_in_bf16(s), what, " pays");
  const int64_t x_size = s.batch * s.z.in * s.y.in * s.x.in * s.channels_in;
  const int64_t y_size = s.batch * s.z.out * s.y.out * s.x.out * s.channels_out;
  const int64_t w_size = s.z.kernel * s.y.kernel * s.x.kernel * s.channels_in * s.channels_out;
  Guarded<float> x(x_size), w(w_size), y(y_size);
  test::Random random;
  for (int64_t i = 0; i < x_size; ++i) x.data()[i] = std::fabs(random.value());
  for (int64_t i = 0; i < w_size; ++i) w.data()[i] = std::fabs(random.value());
  fastdl::conv(s, x.data(), w.data(), y.data());
  {
    const int64_t bytes = fastdl::conv_bf16_bytes(s);
    Guarded<float> mixed(y_size);
    Guarded<char> memory(bytes);
    fastdl::conv_bf16(s, x.data(), w.data(), mixed.data(), {}, nullptr, memory.data());
    close(mixed, y, y_size, what + " forward");
  }
  {
    const int64_t bytes = fastdl::conv_input_bf16_bytes(s), floats = fastdl::conv_input_floats(s);
    Guarded<float> mixed(x_size), exact(x_size), matrix(floats);
    Guarded<char> memory(bytes);
    fastdl::conv_input(s, y.data(), w.data(), exact.data(), matrix.data());
    fastdl::conv_input_bf16(s, y.data(), w.data(), mixed.data(), nullptr, memory.data());
    close(mixed, exact, x_size, what + " data");
  }
  {
    const int64_t bytes = fastdl::conv_kernel_bf16_bytes(s);
    Guarded<float> mixed(w_size), exact(w_size);
    Guarded<char> memory(bytes);
    fastdl::conv_kernel(s, x.data(), y.data(), exact.data());
    fastdl::conv_kernel_bf16(s, x.data(), y.data(), mixed.data(), memory.data());
    close(mixed, exact, w_size, what + " weights");
  }
}

}  // namespace

TEST(conv_bf16_stays_within_its_operands) {
  if (std::string(fastdl::kernels().isa) != "avx512") return;
  for (const std::string& kind : fastdl::runnable_bf16()) {
    fastdl::select_bf16(kind);
    for (int64_t in : {16, 17, 31, 32, 50})
      for (int64_t out : {16, 33, 40}) {
        check({2, in, out, 1, {}, {9, 9, 3, 1, 1, 1}, {11, 11, 3, 1, 1, 1}}, kind);
        check({2, in, out, 1, {}, {13, 6, 3, 2, 1, 0}, {15, 7, 3, 2, 1, 0}}, kind);
        check({2, in, out, 1, {}, {1, 1, 1, 1, 1, 0}, {320, 320, 1, 1, 1, 0}}, kind);
        check({2, in, out, 1, {4, 3, 2, 1, 1, 0}, {9, 5, 2, 2, 1, 1}, {11, 9, 2, 1, 2, 0}}, kind);
      }
  }
  if (!fastdl::runnable_bf16().empty()) fastdl::select_bf16(fastdl::runnable_bf16().back());
}
