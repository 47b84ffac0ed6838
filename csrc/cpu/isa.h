// Which instruction sets this build contains, which of them this CPU can run, and which one is used.
#pragma once
#include <string>
#include <vector>

#include "cpu/kernels.h"

namespace fastdl {

// Tables compiled into this build that this CPU can execute, narrowest first. Never empty.
const std::vector<const KernelTable*>& runnable_tables();

// Picks the table `kernels()` returns: the widest runnable one, or the one FASTDL_ISA names.
// Throws ValueError naming the possible ones if FASTDL_ISA is unknown or this CPU lacks it.
void select_isa();
// Same, by name; used by the tests to run every ISA in one process.
void select_isa(const std::string& name);

struct CacheSizes {
  long l1d, l2, l3;  // bytes, as seen by one core; 0 where the system does not say
};
const CacheSizes& cache_sizes();
std::string cpu_name();

}  // namespace fastdl
