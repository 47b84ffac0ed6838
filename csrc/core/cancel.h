// Stopping a call that takes long, such as one large product, in its middle.
//
// Whoever runs the call lets a Watch live around it. parallel_for then looks at the flag before every chunk, and throws
// Cancelled on the calling thread once it was raised. What the call was writing is in pieces; so only calls that write
// nothing but their own fresh results may be watched.
#pragma once
#include <atomic>
#include <exception>

#include "core/parallel.h"

namespace fastdl {

struct Cancelled : std::exception {
  const char* what() const noexcept override { return "the computation was stopped"; }
};

// May be raised from any thread and from a signal handler.
class CancelFlag {
 public:
  void raise() { raised_.store(true, std::memory_order_relaxed); }
  void lower() { raised_.store(false, std::memory_order_relaxed); }
  bool raised() const { return raised_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> raised_{false};
};

// While one lives, this thread and those that help it heed `flag`. Null: nothing is heeded.
class Watch {
 public:
  explicit Watch(const CancelFlag* flag);
  ~Watch();
  Watch(const Watch&) = delete;
  static const CancelFlag* flag();  // of this thread

 private:
  const CancelFlag* const before_;
};

// Whether to stop. Loops within a chunk that takes longer than some milliseconds ask, and return if so.
inline bool stop_requested() {
  const CancelFlag* f = Watch::flag();
  return f && f->raised();
}

}  // namespace fastdl
