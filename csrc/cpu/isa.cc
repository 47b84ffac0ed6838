#include "cpu/isa.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "core/check.h"

namespace fastdl {

#define ISA(name) extern const KernelTable kernel_table_##name;
#include "isa_list.inc"
#undef ISA

namespace {

bool cpu_runs(const char* isa) {
#if defined(__x86_64__)
  // GCC and Clang ask CPUID and, for the wide registers, whether the system saves them (XGETBV).
  __builtin_cpu_init();
  if (!strcmp(isa, "avx2"))
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  if (!strcmp(isa, "avx512"))
    return cpu_runs("avx2") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
  (void)isa;
  return true;
}

const std::vector<const KernelTable*>& compiled_tables() {
  static const std::vector<const KernelTable*> tables = {
#define ISA(name) &kernel_table_##name,
#include "isa_list.inc"
#undef ISA
  };
  return tables;
}

const KernelTable* selected = nullptr;

long cache_from_sysfs(int level, const char* kind) {
  for (int i = 0; i < 8; ++i) {
    std::string dir = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    std::string l, t, s;
    std::ifstream(dir + "level") >> l;
    std::ifstream(dir + "type") >> t;
    std::ifstream(dir + "size") >> s;
    if (l == std::to_string(level) && (t == kind || t == "Unified") && !s.empty()) {
      long v = std::atol(s.c_str());
      return s.back() == 'K' ? v << 10 : s.back() == 'M' ? v << 20 : v;
    }
  }
  return 0;
}

}  // namespace

const std::vector<const KernelTable*>& runnable_tables() {
  static const std::vector<const KernelTable*> tables = [] {
    std::vector<const KernelTable*> r;
    for (const KernelTable* t : compiled_tables())
      if (cpu_runs(t->isa)) r.push_back(t);
    return r;
  }();
  return tables;
}

void select_isa(const std::string& name) {
  std::string possible;
  for (const KernelTable* t : runnable_tables()) {
    if (name == t->isa) {
      selected = t;
      return;
    }
    possible += std::string(possible.empty() ? "" : ", ") + t->isa;
  }
  for (const KernelTable* t : compiled_tables())
    if (name == t->isa) raise<ValueError>("FASTDL_ISA: this CPU cannot run '", name, "'; possible here: ", possible);
  raise<ValueError>("FASTDL_ISA: unknown instruction set '", name, "'; possible here: ", possible);
}

void select_isa() {
  const char* wanted = std::getenv("FASTDL_ISA");
  if (wanted && *wanted)
    select_isa(std::string(wanted));
  else
    selected = runnable_tables().back();
}

const KernelTable& kernels() {
  if (!selected) [[unlikely]]
    select_isa();
  return *selected;
}

const CacheSizes& cache_sizes() {
  static const CacheSizes sizes = {cache_from_sysfs(1, "Data"), cache_from_sysfs(2, "Unified"),
                                   cache_from_sysfs(3, "Unified")};
  return sizes;
}

std::string cpu_name() {
  std::ifstream f("/proc/cpuinfo");
  for (std::string line; std::getline(f, line);)
    if (line.rfind("model name", 0) == 0) {
      size_t colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  return "unknown";
}

}  // namespace fastdl
