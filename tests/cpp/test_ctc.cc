// ctc_loss of many lengths, for the sanitizers; the values are those of the tests in Python.
#include <cmath>
#include <random>

#include "check.h"
#include "ops/ops.h"

using namespace fastdl;

namespace {

TEST(ctc_of_many_lengths) {
  std::mt19937 random(1);
  auto below = [&](int64_t n) { return int64_t(random() % uint64_t(n)); };
  for (int round = 0; round < 200; ++round) {
    const int64_t times = below(9), samples = below(20), classes = 2 + below(4), most = below(6);
    Tensor x = full({times, samples, classes}, DType::float32, -std::log(double(classes)));
    Tensor labels = full({samples, most}, DType::int64, 0), used = full({samples}, DType::int64, 0);
    Tensor counts = full({samples}, DType::int64, 0);
    for (int64_t i = 0; i < samples * most; ++i) labels->data<int64_t>()[i] = 1 + below(classes - 1);
    for (int64_t n = 0; n < samples; ++n) {
      used->data<int64_t>()[n] = below(times + 1);
      counts->data<int64_t>()[n] = below(most + 1);
    }
    Tensor loss = ctc_loss(x, labels, used, counts, 0, round % 2);
    for (int64_t n = 0; n < samples; ++n) {
      const int64_t t = used->data<int64_t>()[n], s = counts->data<int64_t>()[n];
      const float value = loss->data<float>()[n];
      // All paths are equally probable; where there is one it is one of classes^t.
      const bool within = value >= -1e-4 && value <= double(t) * std::log(double(classes)) + 1e-4;
      EXPECT(within || (value > 1e30f && s > 0 && round % 2 == 0), value, " for ", t, " times, ", s, " labels");
      if (s > t) EXPECT(round % 2 ? value == 0 : value > 1e30f, value);
    }
  }
}

}  // namespace
