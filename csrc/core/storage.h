// Storage: a block of bytes that tensors are views of. Own memory is 64-byte aligned and comes from a
// cache of freed blocks, so that a training loop settles into reusing the same ones; memory of others
// (a NumPy array) is held together with what keeps it alive.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <functional>
#include <vector>

#include "core/device.h"
#include "core/ref.h"

namespace fastdl {

class Storage : public RefCounted {
 public:
  // Memory that holds anything, or zeros. Throws MemoryError.
  static Ref<Storage> allocate(int64_t bytes, bool zeros = false, const Device& device = cpu());
  // Memory of someone else; `release` is called once when nothing refers to it any longer.
  static Ref<Storage> wrap(void* data, int64_t bytes, bool read_only, std::function<void()> release,
                           const Device& device = cpu());
  ~Storage() override;

  void* data() const { return data_; }  // an address of the device
  const Device& device() const { return device_ ? *device_ : cpu(); }
  bool on_cpu() const { return !device_; }
  int64_t bytes() const { return bytes_; }
  bool read_only() const { return read_only_; }
  bool owned() const { return bucket_ >= 0 || (device_ && data_); }

  // Counts in-place writes, so that backward() can tell when a value it needs is gone, and whoever keeps a copy that it
  // is old. Raised after a write: what is copied while the write goes on belongs to the version before and is dropped.
  // Plans write without the interpreter's lock.
  uint32_t version() const { return version_.load(std::memory_order_acquire); }
  // Bytes [begin, end) were written.
  void written(int64_t begin, int64_t end) {
    if (begin == 0 && bytes_ - end < kLine && !regions_.load(std::memory_order_acquire))
      version_.fetch_add(1, std::memory_order_acq_rel);
    else
      note_region(begin, end);
  }
  // Whether something was written there since `version`.
  bool changed_since(uint32_t version, int64_t begin, int64_t end) const {
    return version_.load(std::memory_order_acquire) != version && region_changed(version, begin, end);
  }

  // NumPy arrays that share this memory now, which may write without a word; and how many ever did.
  bool exported() const { return live_exports_.load(std::memory_order_relaxed) > 0; }
  uint64_t exports() const { return exports_.load(std::memory_order_relaxed); }
  void begin_export() { ++exports_, ++live_exports_; }
  void end_export() { --live_exports_; }
  // A snapshot is the copy that indexing, transposing or cutting a tensor makes. A write in place would not reach that
  // tensor, so ops refuse it (apply.cc).
  bool snapshot() const { return snapshot_; }
  void set_snapshot(bool on) { snapshot_ = on; }
  // Whether anybody but one tensor, and plans, refers to this memory: views, NumPy arrays, whoever made it.
  bool shared() const { return !owned() || use_count() - kept_.load(std::memory_order_relaxed) > 1; }
  // Number of storages made before this one: tells what is older than a moment in time.
  uint64_t serial() const { return serial_; }
  static uint64_t next_serial();

 private:
  struct Regions;
  // Tensors that share a storage start on cache lines of their own; what lies between them is padding.
  static constexpr int64_t kLine = 64;
  Storage();
  void note_region(int64_t begin, int64_t end);
  bool region_changed(uint32_t version, int64_t begin, int64_t end) const;

  void* data_ = nullptr;
  const Device* device_ = nullptr;  // null: the CPU
  int64_t bytes_ = 0;
  int bucket_ = -1;  // size class it returns to; -1: not from the cache
  bool read_only_ = false;
  bool snapshot_ = false;
  friend class KeptStorage;
  std::atomic<int> kept_{0};
  bool watched_ = false;
  std::atomic<uint32_t> version_{0};
  std::atomic<Regions*> regions_{nullptr};  // where it was written last, once a part of it was
  std::atomic<uint64_t> exports_{0};
  std::atomic<int64_t> live_exports_{0};
  uint64_t serial_;
  std::function<void()> release_;
};

// A plan's reference: the plan is dropped when a tensor moves, so it does not count as one that shares the memory.
class KeptStorage : public Ref<Storage> {
 public:
  KeptStorage() = default;
  KeptStorage(std::nullptr_t) {}
  KeptStorage(const Ref<Storage>& s) : Ref(s) { count(1); }
  KeptStorage(const KeptStorage& o) : Ref(o) { count(1); }
  KeptStorage(KeptStorage&& o) noexcept = default;
  ~KeptStorage() { count(-1); }
  KeptStorage& operator=(KeptStorage o) noexcept {
    Ref<Storage> mine = std::move(static_cast<Ref&>(*this));
    static_cast<Ref&>(*this) = std::move(static_cast<Ref&>(o));
    static_cast<Ref&>(o) = std::move(mine);
    return *this;
  }

 private:
  void count(int n) {
    if (get()) get()->kept_.fetch_add(n, std::memory_order_relaxed);
  }
};

// Notes the storages that its thread makes until stop(), to tell which of them are still there. One at a time in a
// thread.
class StorageWatch {
 public:
  struct Slot;
  StorageWatch();
  ~StorageWatch();
  StorageWatch(const StorageWatch&) = delete;
  void stop();                          // from any thread
  std::vector<uint64_t> alive() const;  // their serial numbers

 private:
  Ref<Slot> slot_;  // of the thread that is watched; null once stopped
  const uint64_t id_;
};

// Bytes held by live storages of our own, and by freed blocks kept for reuse.
int64_t allocated_bytes();
int64_t cached_bytes();
// What freed blocks may take at most: an eighth of the memory that the process may use, from 256 MiB to 8 GiB.
int64_t cache_limit();
void empty_cache();

}  // namespace fastdl
