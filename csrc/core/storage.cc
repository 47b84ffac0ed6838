#include "core/storage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <atomic>
#include <bit>
#include <mutex>
#include <vector>

#include "core/check.h"
#include "core/parallel.h"

namespace fastdl {
namespace {

// Four size classes per power of two from 64 bytes: at most 25 % of a block is unused.
constexpr int kBuckets = 4 * 40;
constexpr int64_t kCacheLimit = int64_t(256) << 20;
// Blocks from this size on, which malloc would map in any case, are mapped here: fresh ones are known to hold
// zeros, which take no memory until they are overwritten, and may ask for huge pages. Without those, threads that
// come to new memory together (an optimizer's first step) take 8 us for each 4 KiB, waiting for one another.
constexpr int64_t kMapped = int64_t(32) << 20;
// So much that was cached is worth asking malloc to give it back.
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

struct Cache {
  std::mutex mutex;
  std::vector<void*> free[kBuckets];
  int64_t sizes[kBuckets] = {};
  int64_t cached = 0;
};
// Never destroyed: storages may be released while the process exits.
Cache& cache() {
  static Cache* c = new Cache;
  return *c;
}
std::atomic<int64_t> live{0};
std::atomic<uint64_t> made{0};

void* take_from_system(int64_t bytes) {
  if (bytes < kMapped) return aligned_alloc(64, size_t(bytes));
  void* p = mmap(nullptr, size_t(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
#if defined(__linux__)
  madvise(p, size_t(bytes), MADV_HUGEPAGE);  // a wish: failing does no harm
#endif
  return p;
}
void give_back(void* p, int64_t bytes) {
  if (bytes < kMapped)
    ::free(p);
  else
    munmap(p, size_t(bytes));
}

}  // namespace

Storage::Storage() : serial_(made.fetch_add(1, std::memory_order_relaxed)) {}
uint64_t Storage::next_serial() { return made.load(std::memory_order_relaxed); }

Ref<Storage> Storage::allocate(int64_t bytes, bool zeros, const Device& device) {
  FASTDL_CHECK(bytes >= 0 && bytes < (int64_t(1) << 44), MemoryError, "cannot allocate ", bytes,
               " bytes");
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
    if (!c.free[bucket].empty()) {
      s->data_ = c.free[bucket].back();
      c.free[bucket].pop_back();
      c.cached -= rounded;
    }
  }
  const bool used = s->data_ || rounded < kMapped;
  if (!s->data_) s->data_ = take_from_system(rounded);
  if (!s->data_) {
    empty_cache();
    s->data_ = take_from_system(rounded);
    FASTDL_CHECK(s->data_, MemoryError, "could not allocate ", bytes, " bytes");
  }
  if (zeros && used) memset(s->data_, 0, size_t(bytes));
  s->bytes_ = bytes;
  s->bucket_ = bucket;
  live += rounded;
  return s;
}

Ref<Storage> Storage::wrap(void* data, int64_t bytes, bool read_only,
                           std::function<void()> release, const Device& device) {
  Ref<Storage> s = new Storage;
  if (!device.is_cpu()) s->device_ = &device;
  s->data_ = data;
  s->bytes_ = bytes;
  s->read_only_ = read_only;
  s->release_ = std::move(release);
  return s;
}

Storage::~Storage() {
  if (release_) release_();
  if (bucket_ < 0) return;
  Cache& c = cache();
  std::lock_guard lock(c.mutex);
  int64_t size = c.sizes[bucket_];
  live -= size;
  if (c.cached + size <= kCacheLimit) {
    c.free[bucket_].push_back(data_);
    c.cached += size;
  } else {
    give_back(data_, size);
  }
}

int64_t allocated_bytes() { return live; }
int64_t cached_bytes() {
  Cache& c = cache();
  std::lock_guard lock(c.mutex);
  return c.cached;
}
void empty_cache() {
  trim_scratch();
  Cache& c = cache();
  std::lock_guard lock(c.mutex);
  for (int i = 0; i < kBuckets; ++i) {
    for (void* p : c.free[i]) give_back(p, c.sizes[i]);
    c.free[i].clear();
  }
#if defined(__GLIBC__)
  // free() alone keeps what it has for the next malloc. Going through all of that takes some 100 us.
  if (c.cached >= kTrimmed) malloc_trim(0);
#endif
  c.cached = 0;
}

}  // namespace fastdl
