#include "core/storage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <fstream>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/check.h"
#include "core/fork.h"
#include "core/scratch.h"

namespace fastdl {
namespace {

// Four size classes per power of two from 64 bytes: at most 25 % of a block is unused.
constexpr int kBuckets = 4 * 40;
// The limit of the cache of freed blocks: a share of the memory that the process may use, within bounds.
constexpr int64_t kCacheShare = 8, kLeastCache = int64_t(64) << 20, kMostCache = int64_t(8) << 30;
// Blocks of this size and more use huge pages where the system has them. Otherwise the memory of a step takes more
// pages than the core tracks, and threads that touch new memory together (an optimizer's first step) wait for each
// other's page faults, 8 us per 4 KiB.
constexpr int64_t kHugePage = int64_t(2) << 20;
// Blocks of this size and more are mapped directly. Fresh mappings hold zeros, which take no memory until written.
constexpr int64_t kMapped = int64_t(32) << 20;
// Cached bytes from which malloc_trim() is worth its time.
[[maybe_unused]] constexpr int64_t kTrimmed = int64_t(4) << 20;

int bucket_for(int64_t bytes, int64_t& rounded) {
  if (bytes <= 64) {
    rounded = 64;
    return 0;
  }
  int power = std::bit_width(uint64_t(bytes - 1)) - 1;  // 2^power <= bytes - 1 < 2^(power+1)
  int64_t step = (int64_t(1) << power) / 4;
  int64_t quarter = (bytes - 1 - (int64_t(1) << power)) / step + 1;  // 1..4
  rounded = ((int64_t(1) << power) + quarter * step + 63) / 64 * 64;
  return (power - 6) * 4 + int(quarter);
}

// Freed blocks are linked through their own first bytes, so freeing needs no allocation.
struct FreeBlock {
  FreeBlock* next;
};
struct Cache {
  std::mutex mutex;
  FreeBlock* free[kBuckets] = {};
  int64_t sizes[kBuckets] = {};
  int64_t cached = 0;
};
// Never destroyed: storages may be released while the process exits.
Cache& cache() {
  static Cache* c = [] {
    Cache* made = new Cache;
    hold_at_fork(ForkRank::storage_cache, made->mutex);
    return made;
  }();
  return *c;
}

// The machine's memory, or the container's if that has less.
int64_t memory_available() {
  int64_t bytes = int64_t(sysconf(_SC_PHYS_PAGES)) * int64_t(sysconf(_SC_PAGESIZE));
  for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    int64_t limit = 0;  // stays 0 where the file says "max"
    if (std::ifstream f(file); f >> limit && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

// Notes about single storages. One mutex is enough: it is held for nanoseconds.
struct Notes {
  std::mutex mutex;
  std::unordered_map<uint64_t, uint64_t> watched;  // serial numbers of live storages, with their watch
};
Notes& notes() {
  static Notes* n = [] {
    Notes* made = new Notes;
    hold_at_fork(ForkRank::watched_storages, made->mutex);
    return made;
  }();
  return *n;
}
std::atomic<int64_t> live{0};
std::atomic<uint64_t> made{0};

void* take_from_system(int64_t bytes) {
  if (bytes < kHugePage) return aligned_alloc(64, size_t(bytes));
  void* p;
  if (bytes < kMapped) {
    p = aligned_alloc(kHugePage, size_t((bytes + kHugePage - 1) / kHugePage * kHugePage));
    if (!p) return nullptr;
  } else {
    p = mmap(nullptr, size_t(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return nullptr;
  }
#if defined(__linux__)
  madvise(p, size_t(bytes), MADV_HUGEPAGE);  // a hint, which may fail
#endif
  return p;
}
void give_back(void* p, int64_t bytes) {
  if (bytes < kMapped)
    ::free(p);
  else
    munmap(p, size_t(bytes));
}

void free_cached_blocks() {
  Cache& c = cache();
  std::lock_guard lock(c.mutex);
  for (int i = 0; i < kBuckets; ++i) {
    while (FreeBlock* block = c.free[i]) {
      c.free[i] = block->next;
      give_back(block, c.sizes[i]);
    }
  }
#if defined(__GLIBC__)
  // free() alone keeps memory for the next malloc. Trimming takes some 100 us.
  if (c.cached >= kTrimmed) malloc_trim(0);
#endif
  c.cached = 0;
}
}  // namespace

// The id of the calling thread's watch; 0 if there is none.
struct StorageWatch::Slot : RefCounted {
  std::atomic<uint64_t> id{0};

  static const Ref<Slot>& here() {
    static thread_local const Ref<Slot> slot = new Slot;
    return slot;
  }
};

StorageWatch::StorageWatch()
    : slot_(Slot::here()), id_([] {
        static std::atomic<uint64_t> watches{0};
        return ++watches;
      }()) {
  slot_->id = id_;
}
StorageWatch::~StorageWatch() { stop(); }
void StorageWatch::stop() {
  if (slot_) slot_->id = 0;
  slot_ = nullptr;
}
std::vector<uint64_t> StorageWatch::alive() const {
  std::vector<uint64_t> found;
  Notes& n = notes();
  std::lock_guard lock(n.mutex);
  for (const auto& [serial, watch] : n.watched)
    if (watch == id_) found.push_back(serial);
  std::sort(found.begin(), found.end());
  return found;
}

Storage::Storage() : serial_(made.fetch_add(1, std::memory_order_relaxed)) {
  const uint64_t watch = StorageWatch::Slot::here()->id.load(std::memory_order_relaxed);
  if (!watch) return;
  Notes& n = notes();
  std::lock_guard lock(n.mutex);
  n.watched[serial_] = watch;
  watched_ = true;
}
uint64_t Storage::next_serial() { return made.load(std::memory_order_relaxed); }

static thread_local int64_t most_bytes = int64_t(1) << 44;
int64_t Storage::set_limit(int64_t bytes) { return std::exchange(most_bytes, bytes); }

Ref<Storage> Storage::allocate(int64_t bytes, bool zeros, const Device& device) {
  FASTDL_CHECK(bytes >= 0 && bytes < most_bytes, MemoryError, "cannot allocate ", bytes, " bytes");
  if (!device.is_cpu()) {
    const DeviceTable& table = *device.table;
    void* data = table.allocate(bytes);
    FASTDL_CHECK(data, MemoryError, device.name, ": could not allocate ", bytes, " bytes");
    Ref<Storage> s = wrap(data, bytes, false, [&table, data, bytes] { table.release(data, bytes); }, device);
    if (zeros) table.copy_in(data, std::vector<char>(size_t(bytes)).data(), bytes);
    return s;
  }
  Ref<Storage> s = new Storage;
  int64_t rounded;
  int bucket = bucket_for(bytes, rounded);
  Cache& c = cache();
  {
    std::lock_guard lock(c.mutex);
    c.sizes[bucket] = rounded;
    if (FreeBlock* block = c.free[bucket]) {
      c.free[bucket] = block->next;
      s->data_ = block;
      c.cached -= rounded;
    }
  }
  const bool used = s->data_ || rounded < kMapped;
  if (!s->data_) s->data_ = take_from_system(rounded);
  if (!s->data_) {
    free_cached_blocks();
    s->data_ = take_from_system(rounded);
    FASTDL_CHECK(s->data_, MemoryError, "could not allocate ", bytes, " bytes");
  }
  if (zeros && used) memset(s->data_, 0, size_t(bytes));
  s->bytes_ = bytes;
  s->bucket_ = bucket;
  live += rounded;
  return s;
}

Ref<Storage> Storage::wrap(void* data, int64_t bytes, bool read_only, std::function<void()> release,
                           const Device& device) {
  Ref<Storage> s = new Storage;
  if (!device.is_cpu()) s->device_ = &device;
  s->data_ = data;
  s->bytes_ = bytes;
  s->read_only_ = read_only;
  s->release_ = std::move(release);
  return s;
}

// The written parts of a storage, each with the version of its last write, sorted and disjoint. Everything else has not
// changed since `rest`.
struct Storage::Regions {
  struct Part {
    int64_t begin, end;
    uint32_t version;
  };
  static constexpr size_t kMost = 4096;  // beyond this number they are merged into one
  std::vector<Part> parts;
  uint32_t rest;
};

Storage::~Storage() {
  if (release_) release_();
  delete regions_.load(std::memory_order_relaxed);
  if (watched_) {
    Notes& n = notes();
    std::lock_guard lock(n.mutex);
    n.watched.erase(serial_);
  }
  if (bucket_ < 0) return;
  Cache& c = cache();
  std::lock_guard lock(c.mutex);
  int64_t size = c.sizes[bucket_];
  live -= size;
  if (c.cached + size <= cache_limit()) {
    c.free[bucket_] = new (data_) FreeBlock{c.free[bucket_]};
    c.cached += size;
  } else {
    give_back(data_, size);
  }
}

void Storage::note_region(int64_t begin, int64_t end) {
  std::lock_guard lock(notes().mutex);
  Regions* r = regions_.load(std::memory_order_relaxed);
  if (!r) {
    r = new Regions{{}, version_.load(std::memory_order_relaxed)};
    regions_.store(r, std::memory_order_release);
  }
  const uint32_t now = version_.fetch_add(1, std::memory_order_acq_rel) + 1;
  auto& parts = r->parts;
  auto first = std::lower_bound(parts.begin(), parts.end(), begin,
                                [](const Regions::Part& p, int64_t at) { return p.end <= at; });
  if (first != parts.end() && first->begin == begin && first->end == end) {  // the same part again, the usual case
    first->version = now;
    return;
  }
  if (begin == 0 && bytes_ - end < kLine) {
    parts.clear();
    r->rest = now;
    return;
  }
  auto last = first;
  while (last != parts.end() && last->begin < end) ++last;
  std::vector<Regions::Part> instead;
  if (first != last && first->begin < begin) instead.push_back({first->begin, begin, first->version});
  instead.push_back({begin, end, now});
  if (first != last && (last - 1)->end > end) instead.push_back({end, (last - 1)->end, (last - 1)->version});
  parts.insert(parts.erase(first, last), instead.begin(), instead.end());
  if (parts.size() > Regions::kMost) {
    parts.clear();
    r->rest = now;
  }
}

bool Storage::region_changed(uint32_t version, int64_t begin, int64_t end) const {
  std::lock_guard lock(notes().mutex);
  const Regions* r = regions_.load(std::memory_order_relaxed);
  if (!r) return true;
  // Versions are compared by their distance: they may wrap around.
  auto later = [version](uint32_t v) { return int32_t(v - version) > 0; };
  int64_t at = begin;  // no change found before this byte
  for (const Regions::Part& p : r->parts) {
    if (p.end <= at) continue;
    if (p.begin >= end) break;
    if (later(p.version) || (p.begin > at && later(r->rest))) return true;
    at = p.end;
  }
  return at < end && later(r->rest);
}

int64_t allocated_bytes() { return live; }
int64_t cached_bytes() {
  Cache& c = cache();
  std::lock_guard lock(c.mutex);
  return c.cached;
}
int64_t cache_limit() {
  static const int64_t limit = std::clamp(memory_available() / kCacheShare, kLeastCache, kMostCache);
  return limit;
}
void empty_cache() {
  trim_scratch();
  free_cached_blocks();
}

}  // namespace fastdl
