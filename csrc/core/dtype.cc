#include "core/dtype.h"

namespace fastdl {
namespace {

// The promotion table. A type promotes to a wider one of its kind, bool to any type, and any integer to any float, as
// in PyTorch and JAX: int64 with float32 is float32. Where neither type holds the other's values, the result is the
// smallest type that holds both: int8 and uint8 give int32, float16 and bfloat16 give float32.
constexpr DType b1 = DType::bool8, u1 = DType::uint8, i1 = DType::int8, i4 = DType::int32, i8 = DType::int64,
                f2 = DType::float16, b2 = DType::bfloat16, f4 = DType::float32;
constexpr DType table[kDTypes][kDTypes] = {
    //          bool uint8 int8 int32 int64 float16 bfloat16 float32
    /* bool */ {b1, u1, i1, i4, i8, f2, b2, f4},
    /* uint8 */ {u1, u1, i4, i4, i8, f2, b2, f4},
    /* int8 */ {i1, i4, i1, i4, i8, f2, b2, f4},
    /* int32 */ {i4, i4, i4, i4, i8, f2, b2, f4},
    /* int64 */ {i8, i8, i8, i8, i8, f2, b2, f4},
    /* float16 */ {f2, f2, f2, f2, f2, f2, f4, f4},
    /* bfloat16 */ {b2, b2, b2, b2, b2, f4, b2, f4},
    /* float32 */ {f4, f4, f4, f4, f4, f4, f4, f4},
};

}  // namespace

DType promote(DType a, DType b) { return table[int(a)][int(b)]; }

DType promote(DType a, bool weak_a, DType b, bool weak_b) {
  if (weak_a == weak_b) return promote(a, b);
  const DType weak = weak_a ? a : b, strong = weak_a ? b : a;
  return kind_of(weak) > kind_of(strong) ? weak : strong;
}

void raise_storage_type(DType t) {
  raise<TypeError>("values of storage type ", t, " cannot be computed with; cast them to ", computing_type(t),
                   " first");
}

}  // namespace fastdl
