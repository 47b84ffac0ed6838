// Stops a long call, such as one large product, before it is complete.
//
// The caller of a long call keeps a Watch alive around it. parallel_for then checks the flag before every chunk. Once
// the flag is raised, it throws Cancelled on the calling thread. The outputs are then incomplete, so only calls that
// write nothing but their own fresh results may be watched.
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

// During its lifetime, this thread and the threads that help it check `flag`. Null: there is nothing to check.
class Watch {
 public:
  explicit Watch(const CancelFlag* flag);
  ~Watch();
  Watch(const Watch&) = delete;
  static const CancelFlag* flag();  // of this thread

 private:
  const CancelFlag* const before_;
};

// Whether to stop. A loop that spends more than a few milliseconds within one chunk checks this and returns early.
inline bool stop_requested() {
  const CancelFlag* f = Watch::flag();
  return f && f->raised();
}

}  // namespace fastdl
