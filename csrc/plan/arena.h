// The memory of intermediates. Plans that never run at the same time share it: those of one step function, for batches
// of different sizes. It is as large as the largest plan needs. A plan whose arena has moved re-points its views when
// it gets its turn.
#pragma once
#include <atomic>
#include <mutex>
#include <thread>

#include "core/device.h"
#include "core/storage.h"

namespace fastdl {

class Arena : public RefCounted {
 public:
  // Locked while a plan's memory is in use: inputs filled, steps run, results read. Threads take turns. A signal
  // handler may run within a replay and would wait for its own thread, so it checks mine() first.
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

  // Makes room for so many bytes on a device and discards the contents. The caller has the turn. Throws MemoryError and
  // then keeps the memory as it was.
  void reserve(int64_t bytes, const Device& device) {
    if (!memory_ || memory_->bytes() < bytes) memory_ = Storage::allocate(bytes, false, device);
  }
  // Whether its memory lies on another device, so that it cannot serve this one.
  bool is_elsewhere(const Device& device) const { return memory_ && &memory_->device() != &device; }
  char* data() const { return static_cast<char*>(memory_->data()); }
  int64_t bytes() const { return memory_ ? memory_->bytes() : 0; }

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_;  // of the mutex
  Ref<Storage> memory_;
};

}  // namespace fastdl
