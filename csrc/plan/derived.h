// Values that are functions of a tensor's current memory, kept for many replays: a weight packed for the register tiles
// of a product, later quantized or folded ones. An op's row says what it can read instead of an input (`derived`), and
// a plan that only reads that input uses it.
//
// A value must never be older than the memory. It is used only while the storage has the version it was made of, and no
// NumPy array shares its memory or has done so since. All plans of a process share the values, whose memory is limited.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "plan/call.h"

namespace fastdl {

struct KernelTable;

struct Derivation {
  using Parameters = std::array<int64_t, 4>;
  const char* name;
  int input;     // that the value is a function of
  const Op* op;  // runs in the op's place, with the value as an additional input
  // The value's parameters besides the memory; nothing where it would not pay for such a call.
  std::optional<Parameters> (*wanted)(const RunContext& call);
  int64_t (*bytes)(const Parameters&);
  void (*derive)(const View& input, const Parameters&, void* to);
};

class DerivedValue;

// The derived values that the steps of one plan read.
class DerivedInputs {
 public:
  // Step number `step` may read a derived value instead of its input in `storage`, which no step writes. Does nothing
  // if the value would not pay.
  void add(const std::vector<Step>& steps, size_t step, const Ref<Storage>& storage);
  // Called before each replay. Lets the steps use values that are up to date, and makes missing ones once the memory
  // has stayed the same for some replays.
  void refresh(std::vector<Step>& steps);

 private:
  struct State {  // the conditions under which a value was made
    uint32_t version = 0;
    uint64_t exports = 0;
    const KernelTable* kernels = nullptr;
    bool operator==(const State&) const = default;
  };
  struct Use {
    size_t step;
    const Op* op;  // the op of the recording
    KeptStorage storage;
    Derivation::Parameters parameters;
    State state;
    int same = 0;  // replays for which the state has been the same
    std::shared_ptr<const DerivedValue> value;
  };
  friend class DerivedValue;
  static std::shared_ptr<const DerivedValue> find_or_make(const Use& use, const View& input);
  static void read(Step& step, const Op* op, void* value);

  std::vector<Use> uses_;
};

// Bytes of all values.
int64_t derived_bytes();

}  // namespace fastdl
