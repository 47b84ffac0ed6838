// What Pace decides for given times.
#include "check.h"
#include "plan/pace.h"

using fastdl::Pace;

namespace {

constexpr int64_t kMost = 10000000;

struct Steps {
  double all, one;  // seconds of a step with all threads and with one
};

void step(Pace& pace, int threads, const Steps& s) {
  const bool alone = pace.alone(threads);
  pace.took(alone ? s.one : s.all);
}
// Replays while Pace measures; returns its decision.
bool ask(Pace& pace, const Steps& s, int threads = 2) {
  int64_t n = 0;
  for (pace.alone(threads); pace.asking() && n < kMost; ++n) step(pace, threads, s);
  EXPECT(n < 1000, "asks for ever");
  return pace.alone(threads);
}
// Replays until Pace measures again; returns the number of replays.
int64_t go_on(Pace& pace, const Steps& s, int threads = 2) {
  int64_t n = 0;
  for (pace.alone(threads); !pace.asking() && n < kMost; ++n) step(pace, threads, s);
  return n;
}

}  // namespace

TEST(pace_goes_on_with_what_is_faster) {
  for (double t : {1e-5, 1e-4, 1e-3}) {
    Pace slow, fast;
    EXPECT(ask(slow, {1.1 * t, t}), "threads at steps of ", t);
    EXPECT(!ask(fast, {t, 1.1 * t}), "one at steps of ", t);
  }
}

TEST(pace_asks_less_and_less_often) {
  const Steps steps = {1e-4, 2e-4};
  Pace pace;
  int64_t before = 0;
  for (int i = 0; i < 10; ++i) {
    ask(pace, steps);
    const int64_t now = go_on(pace, steps);
    EXPECT(i == 0 || now == std::min<int64_t>(2 * before, 40000) || now == 2 * before + 1, now, " after ", before);
    before = now;
  }
  EXPECT(before == 40000, before);  // 4 seconds
}

TEST(pace_changes_its_mind) {
  Pace pace;
  const Steps alone = {2e-4, 1e-4}, together = {1e-4, 2e-4};
  for (int i = 0; i < 3; ++i) {
    EXPECT(ask(pace, alone), i);
    go_on(pace, alone);
    EXPECT(!ask(pace, together), i);
    EXPECT(go_on(pace, together) <= 1000, "what is new is asked again within 0.1 seconds");
  }
}

TEST(pace_starts_anew_with_another_number_of_threads) {
  Pace pace;
  EXPECT(ask(pace, {2e-4, 1e-4}), "with two");
  EXPECT(!pace.alone(3), "with three");
  EXPECT(pace.asking(), "with three");
  EXPECT(!ask(pace, {1e-4, 2e-4}, 3), "with three");
}

TEST(pace_is_not_misled_by_a_few_long_steps) {
  Pace pace;
  int n = 0;
  for (pace.alone(2); pace.asking() && n < 1000; ++n) step(pace, 2, n % 5 == 3 ? Steps{1, 1} : Steps{1e-3, 1.1e-3});
  EXPECT(!pace.alone(2), "after ", n);
}

TEST(pace_does_not_try_long_steps_alone) {
  Pace pace;
  for (int i = 0; i < 20; ++i) {
    EXPECT(!pace.alone(2), i);
    pace.took(5e-3);
  }
}
