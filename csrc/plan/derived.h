// Values that are functions of a tensor's memory as it is now, kept for many replays: a weight, packed as the register
// tiles of a product take it; later quantized or folded ones. An op says in its row what it can read instead of an
// input (`derived`), and a plan whose steps only read that input has it do so.
//
// A value must never be older than the memory. It is used only as long as nobody else can have written there: while
// the storage has its version, and no NumPy array shares its memory or has done so since. All plans of a process share
// the values, whose memory is limited.
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
  int input;     // of which the value is a function
  const Op* op;  // runs in the op's place, with the value as one input more
  // What the value depends on besides the memory; nothing where it does not pay for such a call.
  std::optional<Parameters> (*wanted)(const RunContext& call);
  int64_t (*bytes)(const Parameters&);
  void (*derive)(const View& input, const Parameters&, void* to);
};

class DerivedValue;

// The derived values that the steps of one plan read.
class DerivedInputs {
 public:
  // Step number `step` reads the input that its op derives a value from out of `storage`, which no step writes.
  // Nothing happens if the value would not pay.
  void add(const std::vector<Step>& steps, size_t step, const Ref<Storage>& storage);
  // Before each replay: lets the steps use values that are as new as the memory, and makes those that are missing
  // once the memory has stayed the same for some replays.
  void refresh(std::vector<Step>& steps);

 private:
  struct State {  // what a value was made under
    uint32_t version = 0;
    uint64_t exports = 0;
    const KernelTable* kernels = nullptr;
    bool operator==(const State&) const = default;
  };
  struct Use {
    size_t step;
    const Op* op;  // that the plan was recorded with
    KeptStorage storage;
    Derivation::Parameters parameters;
    State state;
    int same = 0;  // replays for which it has been so
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
