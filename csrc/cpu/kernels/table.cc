// The table of one ISA: the only symbol of the per-ISA objects that the rest of the core names.
#include "cpu/kernels.h"
#include "cpu/kernels/declare.h"

#define FASTDL_STRING_(x) #x
#define FASTDL_STRING(x) FASTDL_STRING_(x)
#define FASTDL_JOIN_(a, b) a##b
#define FASTDL_JOIN(a, b) FASTDL_JOIN_(a, b)

namespace fastdl {
extern const KernelTable FASTDL_JOIN(kernel_table_, FASTDL_ISA_NS);
const KernelTable FASTDL_JOIN(kernel_table_, FASTDL_ISA_NS) = {
    FASTDL_STRING(FASTDL_ISA_NS),
    FASTDL_ISA_NS::kLanes,
#define UNARY(name) FASTDL_ISA_NS::name,
#define BINARY(name) FASTDL_ISA_NS::name,
#define COMPARE(name) FASTDL_ISA_NS::name,
#define KERNEL(result, name, parameters) FASTDL_ISA_NS::name,
#include "cpu/kernels.inc"
#undef UNARY
#undef BINARY
#undef COMPARE
#undef KERNEL
};
}  // namespace fastdl
