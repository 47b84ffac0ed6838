// The memory of intermediates, which plans that never run at the same time share: those of one step function, for its
// batches of different sizes. It is as large as the largest of them wants. A plan that finds it moved re-points its
// views when it gets its turn.
#pragma once
#include <atomic>
#include <mutex>
#include <thread>

#include "core/device.h"
#include "core/storage.h"

namespace fastdl {

class Arena : public RefCounted {
 public:
  // Held while a plan's memory is in use: inputs filled, steps run, results read. Threads take turns. A thread that has
  // the turn may come back, from a signal handler that ran within a replay: it would wait for itself, so it asks
  // mine().
  void lock() {
    mutex_.lock();
    owner_ = std::this_thread::get_id();
  }
  void unlock() {
    owner_ = std::thread::id();
    mutex_.unlock();
  }
  bool mine() const { return owner_ == std::this_thread::get_id(); }
  bool in_use() const { return owner_.load() != std::thread::id(); }

  // Room for so many bytes on a device; what was there is lost. The turn is the caller's. Throws MemoryError, and then
  // the memory is what it was.
  void reserve(int64_t bytes, const Device& device) {
    if (!memory_ || memory_->bytes() < bytes) memory_ = Storage::allocate(bytes, false, device);
  }
  // Whether it has memory of another device, and can't serve this one.
  bool is_elsewhere(const Device& device) const { return memory_ && &memory_->device() != &device; }
  char* data() const { return static_cast<char*>(memory_->data()); }
  int64_t bytes() const { return memory_ ? memory_->bytes() : 0; }

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_;  // of the mutex
  Ref<Storage> memory_;
};

}  // namespace fastdl
