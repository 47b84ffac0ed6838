// Storage: a block of bytes that tensors view. Own memory is 64-byte aligned and comes from a cache of freed blocks, so
// a training loop reuses the same ones. Foreign memory (a NumPy array) is kept together with its owner.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <functional>
#include <vector>

#include "core/device.h"
#include "core/ref.h"

namespace fastdl {

// The tensor that a storage is a copy of a part of, made by indexing, transposing or splitting. The copy stands for
// that part: a write into one of them reaches the other (ops/views.h).
class Origin : public RefCounted {
 public:
  virtual bool stale() const = 0;  // the original was written since the copy was read
};

class Storage : public RefCounted {
 public:
  // Uninitialized memory, or zeros. Throws MemoryError.
  static Ref<Storage> allocate(int64_t bytes, bool zeros = false, const Device& device = cpu());
  // Foreign memory. `release` is called once, when the last reference is gone.
  static Ref<Storage> wrap(void* data, int64_t bytes, bool read_only, std::function<void()> release,
                           const Device& device = cpu());
  ~Storage() override;
  // The most bytes that one call of allocate() may take on this thread. Returns the limit before.
  static int64_t set_limit(int64_t bytes);

  void* data() const { return data_; }  // an address of the device
  const Device& device() const { return device_ ? *device_ : cpu(); }
  bool on_cpu() const { return !device_; }
  int64_t bytes() const { return bytes_; }
  bool read_only() const { return read_only_; }
  bool owned() const { return bucket_ >= 0 || (device_ && data_); }

  // Counts in-place writes. backward() uses it to detect overwritten values, and caches to detect stale copies. It is
  // raised after a write, so a copy made during the write has the old version and is dropped. Plans write without the
  // GIL.
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

  // The number of NumPy arrays that share this memory now, which may write unnoticed, and of all that ever did.
  bool exported() const { return live_exports_.load(std::memory_order_relaxed) > 0; }
  uint64_t exports() const { return exports_.load(std::memory_order_relaxed); }
  void begin_export() { ++exports_, ++live_exports_; }
  void end_export() { --live_exports_; }
  Origin* origin() const { return origin_.get(); }  // null for most
  void set_origin(const Ref<Origin>& origin) { origin_ = origin; }
  // How often a tensor in this memory took another place in the tape with the values that were written here. Others in
  // the same memory have lost theirs.
  uint32_t places() const { return places_; }
  void change_places() { ++places_; }
  // Whether this memory has references besides one tensor and plans: views, NumPy arrays, its owner.
  bool shared() const { return !owned() || use_count() - kept_.load(std::memory_order_relaxed) > 1; }
  int kept() const { return kept_.load(std::memory_order_relaxed); }  // by plans
  // The number of calls on the tape that keep this memory for their gradients. They are no other names for it: they
  // keep what they read when a tensor moves on.
  int calls() const { return calls_.load(std::memory_order_relaxed); }
  void begin_call() { calls_.fetch_add(1, std::memory_order_relaxed); }
  void end_call() { calls_.fetch_sub(1, std::memory_order_relaxed); }
  // The number of storages made before this one. It orders storages by age.
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
  uint32_t places_ = 0;
  Ref<Origin> origin_;
  friend class KeptStorage;
  std::atomic<int> kept_{0}, calls_{0};
  bool watched_ = false;
  std::atomic<uint32_t> version_{0};
  std::atomic<Regions*> regions_{nullptr};  // the written parts; null until a part was written
  std::atomic<uint64_t> exports_{0};
  std::atomic<int64_t> live_exports_{0};
  uint64_t serial_;
  std::function<void()> release_;
};

// A plan's reference. It does not count in shared(), because the plan is dropped when a tensor moves.
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

// Records the storages that its thread makes until stop(), to find those that are still alive. At most one per thread.
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

// Bytes held by live storages of fastdl's own, and by freed blocks kept for reuse.
int64_t allocated_bytes();
int64_t cached_bytes();
// The limit for freed blocks: an eighth of the memory that the process may use, from 64 MiB to 8 GiB.
int64_t cache_limit();
// Gives freed blocks and scratch memory back to the system. Not to be called within an op.
void empty_cache();

}  // namespace fastdl
