// Which bfloat16 instructions exist here, and which are used.
#include "cpu/bf16.h"

#include <cstring>

#include "core/check.h"
#include "cpu/bf16/kernels.h"
#include "cpu/gemm_bf16.h"
#include "cpu/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace fastdl {

#define BF16(name) extern const Bf16Kernels kernel_table_##name;
#include "bf16_list.inc"
#undef BF16

namespace {

#if defined(__x86_64__)
bool cpuid_bit(unsigned subleaf, int which, int bit) {
  unsigned r[4] = {};
  return __get_cpuid_count(7, subleaf, &r[0], &r[1], &r[2], &r[3]) && r[which] >> bit & 1;
}

// Tile registers take 8 KiB per thread. The system saves them only for processes that request it.
bool tiles_granted() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

bool cpu_runs_bf16(const char* name) {
  bool avx512 = false;
  for (const KernelTable* t : runnable_tables()) avx512 |= !strcmp(t->isa, "avx512");
  constexpr int kEax = 0, kEdx = 3;
  if (!avx512 || !cpuid_bit(1, kEax, 5)) return false;
  if (strcmp(name, "amx_bf16")) return true;
  unsigned low = 0, high = 0;
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));  // AVX-512 implies this instruction
  constexpr unsigned kTiles = 3u << 17;
  return cpuid_bit(0, kEdx, 22) && cpuid_bit(0, kEdx, 24) && (low & kTiles) == kTiles && tiles_granted();
}
#else
bool cpu_runs_bf16(const char*) { return false; }
#endif

const std::vector<const Bf16Kernels*>& runnable() {
  static const std::vector<const Bf16Kernels*> tables = [] {
    std::vector<const Bf16Kernels*> r;
    for (const Bf16Kernels* t : std::vector<const Bf16Kernels*>{
#define BF16(name) &kernel_table_##name,
#include "bf16_list.inc"
#undef BF16
         })
      if (cpu_runs_bf16(t->name)) r.push_back(t);
    return r;
  }();
  return tables;
}

// On Intel's cores vdpbf16ps takes twice as long as a float32 FMA for twice the products, so nothing is gained (0.6
// times the speed of float32, measured on a Xeon with AMX). On AMD's, since Zen 4, both take the same time by published
// tables.
bool pays(const Bf16Kernels* t) {
#if defined(__x86_64__)
  return strcmp(t->name, "avx512_bf16") || !__builtin_cpu_is("intel");
#else
  (void)t;
  return true;
#endif
}

const Bf16Kernels* selected = nullptr;

}  // namespace

const Bf16Kernels* bf16_kernels() {
  if (strcmp(kernels().isa, "avx512") || runnable().empty()) return nullptr;
  return selected ? selected : pays(runnable().back()) ? runnable().back() : nullptr;
}

const char* bf16_instructions() { return bf16_kernels() ? bf16_kernels()->name : nullptr; }

std::vector<std::string> runnable_bf16() {
  std::vector<std::string> names;
  for (const Bf16Kernels* t : runnable()) names.push_back(t->name);
  return names;
}

void select_bf16(const std::string& name) {
  for (const Bf16Kernels* t : runnable())
    if (name == t->name) {
      selected = t;
      return;
    }
  raise<ValueError>("bfloat16: this CPU or build has no '", name, "'");
}

}  // namespace fastdl
