#include "core/scratch.h"

#include <stdint.h>
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <atomic>

#include "core/check.h"

namespace fastdl {
namespace {
constexpr size_t kHugePage = 2 << 20;

struct Buffer {
  void* data = nullptr;
  size_t bytes = 0;

  void release() {
    free(data);
    data = nullptr;
    bytes = 0;
  }
};

std::atomic<uint32_t> trims{0};

struct Buffers {
  Buffer slots[int(Scratch::count)];
  uint32_t trims_seen = trims.load(std::memory_order_relaxed);

  ~Buffers() { release(); }
  void release() {
    for (Buffer& b : slots) b.release();
  }
};
thread_local Buffers buffers;
}  // namespace

void* scratch(Scratch slot, size_t bytes) {
  Buffer& b = buffers.slots[int(slot)];
  if (b.bytes < bytes) {
    // Large buffers use huge pages where the system has them, for fewer TLB misses.
    const size_t page = bytes < kHugePage ? 4096 : kHugePage;
    const size_t rounded = (bytes + page - 1) / page * page;
    b.release();
    b.data = aligned_alloc(page, rounded);
    FASTDL_CHECK(b.data, MemoryError, "could not allocate ", rounded, " bytes of scratch memory");
#if defined(__linux__)
    if (page == kHugePage) madvise(b.data, rounded, MADV_HUGEPAGE);  // a hint, which may fail
#endif
    b.bytes = rounded;
  }
  return b.data;
}

void trim_scratch() {
  ++trims;
  release_trimmed_scratch();
}

void release_trimmed_scratch() {
  const uint32_t now = trims.load(std::memory_order_relaxed);
  if (buffers.trims_seen == now) return;
  buffers.trims_seen = now;
  buffers.release();
}

}  // namespace fastdl
