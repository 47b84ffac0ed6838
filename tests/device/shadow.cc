// A device for tests, "shadow". An access to one of its addresses faults; the values lie at a fixed distance from it,
// in the memory of this process. Its functions translate addresses and then compute as the CPU does. So code that
// takes a device's address for memory faults, and code that forgets the device lacks a function. The tests build it.
// It uses headers of the core alone.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "ops/op.h"

using namespace fastdl;

namespace {

constexpr size_t kSpace = size_t(1) << 36;  // of addresses; the system gives memory only to pages that are written

struct Space {
  char* shadow = map(PROT_NONE);
  char* real = map(PROT_READ | PROT_WRITE);
  std::mutex mutex;
  size_t used = 0, live = 0;
  std::multimap<size_t, char*> free;  // by size

  static char* map(int protection) {
    void* p = mmap(nullptr, kSpace, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) abort();
    return static_cast<char*>(p);
  }
};
Space& space() {
  static Space* s = new Space;
  return *s;
}

template <class T>
T* real(T* p) {
  if (!p) return p;
  const char* at = reinterpret_cast<const char*>(p);
  if (at < space().shadow || at >= space().shadow + kSpace) {
    fprintf(stderr, "shadow: %p is no address of the device\n", static_cast<const void*>(p));
    abort();
  }
  return reinterpret_cast<T*>(uintptr_t(space().real + (at - space().shadow)));
}

size_t rounded(int64_t bytes) { return (size_t(bytes) + 64) / 64 * 64; }

void* allocate(int64_t bytes) {
  Space& s = space();
  std::lock_guard lock(s.mutex);
  const size_t size = rounded(bytes);
  s.live += size;
  if (auto found = s.free.find(size); found != s.free.end()) {
    char* p = found->second;
    s.free.erase(found);
    return p;
  }
  if (s.used + size > kSpace) return nullptr;
  char* p = s.shadow + s.used;
  s.used += size;
  return p;
}
void release(void* memory, int64_t bytes) {
  Space& s = space();
  std::lock_guard lock(s.mutex);
  s.live -= rounded(bytes);
  s.free.emplace(rounded(bytes), static_cast<char*>(memory));
}
void copy_in(void* to, const void* host, int64_t bytes) { memcpy(real(static_cast<char*>(to)), host, size_t(bytes)); }
void copy_out(void* host, const void* from, int64_t bytes) {
  memcpy(host, real(static_cast<const char*>(from)), size_t(bytes));
}
void copy(void* to, const void* from, int64_t bytes) {
  memmove(real(static_cast<char*>(to)), real(static_cast<const char*>(from)), size_t(bytes));
}
void synchronize() {}

// Any op: its CPU function on views with translated addresses.
size_t calls = 0;
void run_on_shadow(const RunContext& c) {
  ++calls;
  View in[kMaxInputs], out[kMaxOutputs];
  auto take_back = [](const View& v) {
    if (v && !v.device) abort();  // memory of the CPU
    View r = v;
    r.data = real(static_cast<char*>(v.data));
    r.device = nullptr;
    return r;
  };
  for (int i = 0; i < c.inputs; ++i) in[i] = take_back(c.in[i]);
  for (int i = 0; i < c.outputs; ++i) out[i] = take_back(c.out[i]);
  c.op.run({c.op, in, out, c.attrs, real(static_cast<char*>(c.workspace)), c.inputs, c.outputs});
}

std::string missing;  // an op that the device has no function for
RunFunction run_of(const char* op) { return op == missing ? nullptr : &run_on_shadow; }

ErrorSlot* slot = nullptr;
void (*set_error)(ErrorSlot*, const char*) = nullptr;
void errors_to(ErrorSlot* s, void (*set)(ErrorSlot*, const char*)) {
  slot = s;
  set_error = set;
}

DeviceTable table{"shadow", allocate, release, copy_in, copy_out, copy, synchronize, run_of, errors_to};

}  // namespace

extern "C" {
const DeviceTable* shadow_table(const char* name, const char* without) {
  static std::string kept;
  kept = name;
  table.name = kept.c_str();
  missing = without;
  return &table;
}
void shadow_fail(const char* message) { set_error(slot, message); }
size_t shadow_calls() { return calls; }
size_t shadow_live() { return space().live; }
}
