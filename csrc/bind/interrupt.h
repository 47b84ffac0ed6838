// Ctrl-C during a long call: besides what Python does with the signal, it raises a flag that the call checks.
#pragma once
#include "core/cancel.h"

namespace fastdl {

// Works on the main thread, where Python handles signals, with Python's handler in place. Otherwise flag() is null.
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

// Makes apply() release the GIL in long calls (see set_long_run).
void release_in_long_calls();

}  // namespace fastdl
