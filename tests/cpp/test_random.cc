// Random kernels: known answers, the same numbers for any division of a range and any ISA, distribution.
#include "check.h"
#include "cpu/isa.h"
#include "sample.h"

using namespace fastdl;
using test::Floats;

namespace {

using Words = std::vector<uint32_t>;

Words words(int64_t n, uint64_t seed, uint64_t counter, uint64_t stream) {
  Words w(n);
  kernels().philox_u32(w.data(), n, seed, counter, stream);
  return w;
}

// A kernel that fills y, for the checks that all of them must pass.
struct Filler {
  const char* name;
  void (*fill)(const KernelTable&, float* y, int64_t n, uint64_t seed, uint64_t counter);
};
const Filler kFillers[] = {
    {"uniform",
     [](const KernelTable& k, float* y, int64_t n, uint64_t s, uint64_t c) { k.philox_uniform(y, n, s, c, -1, 2); }},
    {"normal",
     [](const KernelTable& k, float* y, int64_t n, uint64_t s, uint64_t c) { k.philox_normal(y, n, s, c, 1, 3); }},
    {"truncated_normal", [](const KernelTable& k, float* y, int64_t n, uint64_t s,
                            uint64_t c) { k.philox_truncated_normal(y, n, s, c, 1, 3); }},
    {"dropout",
     [](const KernelTable& k, float* y, int64_t n, uint64_t s, uint64_t c) {
       test::Guarded<float> x(Floats(n, 1));
       test::Guarded<uint8_t> mask(n);
       k.dropout(y, mask.data(), x.data(), n, s, c, 0.3f, 2);
       for (int64_t i = 0; i < n; ++i) EXPECT(y[i] == 2 * mask[i], "mask and output agree");
     }},
};

double normal_cdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }

struct Moments {
  double mean = 0, variance = 0;
};
Moments moments(const Floats& y) {
  Moments m;
  for (float v : y) m.mean += v / (double)y.size();
  for (float v : y) m.variance += (v - m.mean) * (v - m.mean) / (double)y.size();
  return m;
}

}  // namespace

// The known answers of Random123 1.14 (kat_vectors, philox4x32 with 10 rounds). Our counter is 128 bits,
// least significant word first: `counter`, then `stream`.
TEST(philox_known_answers) {
  EXPECT(words(4, 0, 0, 0) == Words({0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}), "zeros");
  EXPECT(words(4, ~0ull, ~0ull, ~0ull) == Words({0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}), "ones");
  EXPECT(words(4, 0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e) ==
             Words({0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}),
         "digits of pi");
}

TEST(philox_counts_in_64_bits) {
  const uint64_t start = 0xffffffffu - 5;  // the carry falls inside a vector
  const Words all = words(400, 42, start, 0);
  for (int64_t block = 0; block < 100; ++block) {
    const Words one = words(4, 42, start + (uint64_t)block, 0);
    for (int j = 0; j < 4; ++j) EXPECT(all[block * 4 + j] == one[j], "counter ", block, " word ", j);
  }
}

TEST(random_ranges) {
  const int most = 9 * kernels().lanes + 5;
  for (const Filler& f : kFillers) {
    Floats whole(most);
    f.fill(kernels(), whole.data(), most, 3, 5);
    for (int n = 0; n <= most; ++n)
      for (int start = 0; start <= n; start += 4 * (1 + n / 16)) {
        test::Guarded<float> y(n - start);
        f.fill(kernels(), y.data(), n - start, 3, 5 + (uint64_t)start / 4);
        EXPECT(test::same(y, Floats(whole.begin() + start, whole.begin() + n)), f.name, " from ", start, " to ", n);
      }
  }
}

TEST(random_bits_do_not_depend_on_isa) {
  const int n = 100003;
  for (const Filler& f : kFillers) {
    Floats here(n), reference(n);
    f.fill(kernels(), here.data(), n, 0x123456789abcdef, 77);
    f.fill(*runnable_tables()[0], reference.data(), n, 0x123456789abcdef, 77);
    EXPECT(test::same(here, reference), f.name);
  }
}

TEST(uniform_follows_the_words) {
  const int n = 10000;
  const Words w = words(n, 9, 1, 0);
  Floats u(n), v(n);
  kernels().philox_uniform(u.data(), n, 9, 1, 0, 1);
  kernels().philox_uniform(v.data(), n, 9, 1, 1.0f, 1.0f + 0x1p-22f);
  for (int i = 0; i < n; ++i) {
    EXPECT(u[i] == (w[i] >> 8) * 0x1p-24f, "element ", i);
    EXPECT(v[i] >= 1.0f && v[i] < 1.0f + 0x1p-22f, "the upper end is never reached: ", v[i]);
  }
}

TEST(normal_inverts_its_distribution) {
  const int n = 200000;
  const Words w = words(n, 10, 2, 0);
  Floats y(n), t(n);
  kernels().philox_normal(y.data(), n, 10, 2, 0, 1);
  kernels().philox_truncated_normal(t.data(), n, 10, 2, 0, 1);
  const double below = normal_cdf(-2);
  for (int i = 0; i < n; ++i) {
    const double p = (w[i] + 0.5) * 0x1p-32, q = below + p * (1 - 2 * below);
    // Compared at the nearer tail, where the distribution function has its full relative precision. A rounding of y
    // changes it by y phi(y) eps, at most (1 + y^2) eps of the tail.
    auto near = [](float y, double p) {
      const double tail = p < 0.5 ? p : 1 - p, got = normal_cdf(p < 0.5 ? y : -y);
      return fabs(got - tail) <= (1 + (double)y * y) * test::kEps * tail + 1e-12 * tail;
    };
    EXPECT(near(y[i], p), "normal ", y[i], " for p = ", p);
    EXPECT(near(t[i], q), "truncated normal ", t[i], " for p = ", q);
    EXPECT(fabs(t[i]) <= 2, "outside of two standard deviations: ", t[i]);
  }
}

// For n draws the standard error of the mean is sd / sqrt(n), that of the variance at most variance * sqrt(2 / n). Five
// of them are allowed, and the seeds are fixed.
TEST(random_moments) {
  const int n = 1 << 18;
  // mean and variance; those of a standard normal within +-2: 1 - 4 phi(2) / (2 Phi(2) - 1) = 0.7737413
  const Moments want[] = {{0.5, 0.75}, {1, 9}, {1, 9 * 0.7737413}, {2 * 0.7, 4 * 0.21}};
  Floats y(n);
  for (int k = 0; k < 4; ++k) {
    kFillers[k].fill(kernels(), y.data(), n, 2024, 0);
    const Moments got = moments(y);
    EXPECT(fabs(got.mean - want[k].mean) <= 5 * sqrt(want[k].variance / n), kFillers[k].name, " mean ", got.mean);
    EXPECT(fabs(got.variance - want[k].variance) <= 5 * want[k].variance * sqrt(2.0 / n), kFillers[k].name,
           " variance ", got.variance);
  }
}

TEST(dropout_keeps_where_uniform_reaches_the_rate) {
  const int n = 1003;
  Floats x = test::Lcg(8).uniform(n, -1, 1), u(n);
  kernels().philox_uniform(u.data(), n, 4, 6, 0, 1);
  for (float rate : {0.0f, 0.25f, 0.9f, 1.0f}) {
    test::Guarded<float> y(x);
    test::Guarded<uint8_t> mask(n);
    kernels().dropout(y.data(), mask.data(), y.data(), n, 4, 6, rate, 1.5f);
    for (int i = 0; i < n; ++i) {
      EXPECT(mask[i] == (u[i] >= rate), "element ", i, " at rate ", rate);
      EXPECT(y[i] == (mask[i] ? x[i] * 1.5f : 0), "element ", i, " at rate ", rate);
    }
  }
}
