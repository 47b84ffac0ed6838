// Whether the replays of a plan are faster with all threads or with one.
//
// For steps of 10 to 1000 microseconds no cost model knows: it depends on how fast the caches of this machine pass
// data to each other, and on who else computes on it. But a plan runs thousands of times, and its results do not
// depend on threads; so it tries both by turns, goes on with what was faster, and asks again after a while.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

namespace fastdl {

class Pace {
 public:
  // Whether the next replay is to run on the calling thread alone, where there are `threads` of them, at least two.
  bool alone(int threads) {
    if (threads_ != threads) *this = Pace(threads);
    return asking() ? turn_ % 2 == 1 : alone_;
  }
  // Whether took() wants to know how long that replay takes.
  bool asking() const { return left_ == 0; }

  // After each replay.
  void took(double seconds) {
    if (!asking()) {
      --left_;
      return;
    }
    if (turn_ == 0 && step_ > 0 && seconds > kLong) return settle(false, seconds);
    if (step_ < kUncounted || warm_ < kWake) {
      warm_ += seconds;
      step_ = std::min(step_ + 1, kUncounted);
      return;
    }
    times_[size_t(turn_ % 2)][size_t(turn_ / 2 * kCounted + step_++ - kUncounted)] = seconds;
    if (step_ < kUncounted + kCounted) return;
    step_ = 0;
    warm_ = 0;
    if (++turn_ % 2) return;
    const double all = median(times_[0]), one = median(times_[1]);
    if (turn_ == 2 * kPairs || all > kClear * one || one > kClear * all) settle(one < all, std::min(one, all));
  }

  Pace() = default;

 private:
  static constexpr int kPairs = 3;  // of turns, one with all threads and one alone
  // Replays of a turn. The first ones are not counted: data move to other caches, and threads that slept wake up.
  static constexpr int kUncounted = 2, kCounted = 3;
  static constexpr double kWake = 3e-4;                     // seconds that those not counted take at least
  static constexpr double kClear = 1.3;                     // times slower: one pair is enough
  static constexpr double kLong = 3e-3;                     // seconds of a step for which threads pay in any case
  static constexpr double kFirstWait = 0.1, kLastWait = 4;  // seconds until it asks again, doubled each time

  explicit Pace(int threads) : threads_(threads) {}

  // Medians: a replay that lost its CPU to another process should not count.
  double median(std::array<double, kPairs * kCounted> times) const {
    const auto end = times.begin() + turn_ / 2 * kCounted, middle = times.begin() + turn_ / 2 * kCounted / 2;
    std::nth_element(times.begin(), middle, end);
    return *middle;
  }
  // What is confirmed is asked less and less often; what changed, which may be the work of a passing neighbour, soon.
  void settle(bool alone, double seconds) {
    wait_ = alone == alone_ ? std::min(2 * wait_, kLastWait) : kFirstWait;
    alone_ = alone;
    left_ = std::max<int64_t>(int64_t(wait_ / std::max(seconds, 1e-7)), 1);
    turn_ = step_ = 0;
    warm_ = 0;
  }

  int threads_ = 0;     // for which it was measured
  bool alone_ = false;  // what was faster
  double wait_ = kFirstWait / 2;
  int64_t left_ = 0;  // replays until it asks again; 0: it is asking
  int turn_ = 0, step_ = 0;
  double warm_ = 0;  // seconds of this turn before it counts
  std::array<std::array<double, kPairs * kCounted>, 2> times_ = {};
};

}  // namespace fastdl
