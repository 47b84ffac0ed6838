// Ctrl-C within a call that takes long: it raises a flag that the call heeds, besides what Python does with it.
#pragma once
#include "core/cancel.h"

namespace fastdl {

// On the main thread, where Python handles signals, and where Python's handler is in place. Elsewhere flag() is null.
class InterruptFlag {
 public:
  explicit InterruptFlag(bool wanted);
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  const CancelFlag* flag() const { return flag_; }

 private:
  const CancelFlag* flag_ = nullptr;
  bool installed_ = false;
};

// Has apply() release the interpreter in long calls (see set_long_run).
void release_in_long_calls();

}  // namespace fastdl
