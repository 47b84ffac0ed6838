// Whether the replays of a plan are faster with all threads or with one.
//
// For steps of 10 to 1000 microseconds a cost model cannot tell: it depends on how fast this machine's caches exchange
// data, and on its other load. But a plan runs thousands of times, and its results do not depend on threads. So it
// alternates between both, continues with the faster one, and measures again after a while.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

namespace fastdl {

class Pace {
 public:
  // Whether the next replay should run on the calling thread alone. There are `threads` of them, at least two.
  bool alone(int threads) {
    if (threads_ != threads) *this = Pace(threads);
    return asking() ? turn_ % 2 == 1 : alone_;
  }
  // Whether a measurement is running, so that took() needs the time of the next replay.
  bool asking() const { return left_ == 0; }

  // Called after each replay.
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
  static constexpr int kPairs = 3;  // pairs of turns: one with all threads, one alone
  // Replays of a turn. The first are not counted, since data moves to other caches and sleeping threads wake up.
  static constexpr int kUncounted = 2, kCounted = 3;
  static constexpr double kWake = 3e-4;                     // seconds that the uncounted replays take at least
  static constexpr double kClear = 1.3;                     // if one is so many times slower, one pair is enough
  static constexpr double kLong = 3e-3;                     // seconds of a step from which threads always pay
  static constexpr double kFirstWait = 0.1, kLastWait = 4;  // seconds until the next measurement, doubled each time

  explicit Pace(int threads) : threads_(threads) {}

  // Medians, because a replay that lost its CPU to another process should not count.
  double median(std::array<double, kPairs * kCounted> times) const {
    const auto end = times.begin() + turn_ / 2 * kCounted, middle = times.begin() + turn_ / 2 * kCounted / 2;
    std::nth_element(times.begin(), middle, end);
    return *middle;
  }
  // A confirmed choice is measured less and less often. A changed one, perhaps due to another process, is measured
  // soon.
  void settle(bool alone, double seconds) {
    wait_ = alone == alone_ ? std::min(2 * wait_, kLastWait) : kFirstWait;
    alone_ = alone;
    left_ = std::max<int64_t>(int64_t(wait_ / std::max(seconds, 1e-7)), 1);
    turn_ = step_ = 0;
    warm_ = 0;
  }

  int threads_ = 0;     // number of threads of the measurement
  bool alone_ = false;  // the faster choice
  double wait_ = kFirstWait / 2;
  int64_t left_ = 0;  // replays until the next measurement; 0: it is running
  int turn_ = 0, step_ = 0;
  double warm_ = 0;  // seconds of the uncounted replays of this turn
  std::array<std::array<double, kPairs * kCounted>, 2> times_ = {};
};

}  // namespace fastdl
