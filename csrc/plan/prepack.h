// Weights packed once for many replays. Where a plan only reads a weight, as in prediction, its `linear` calls read
// a copy that lies as the register tiles take it, so that no call packs it anew or strides through its rows.
//
// A copy must never be older than the weight. It is used only as long as nobody else can have written there: while
// the weight's storage has its version, and no NumPy array shares its memory or has done so since. A version is raised
// when a write has ended, so a copy made while another thread trains goes with the version before. All plans of a
// process share the copies, whose memory is limited.
#pragma once
#include <memory>
#include <vector>

#include "plan/call.h"

namespace fastdl {

class PackedWeight;
struct KernelTable;

class Prepack {
 public:
  // Step number `step` reads input 1 from `storage`, which no step writes. Nothing happens if it is no call of
  // `linear`, or one for which packing would not pay.
  void add(const std::vector<Step>& steps, size_t step, Ref<Storage> storage);
  // Before each replay: lets the steps use copies where these are as new as the weights, and makes those that are
  // missing once a weight has stayed the same for some replays.
  void refresh(std::vector<Step>& steps);

 private:
  struct Weight {
    size_t step;
    KeptStorage storage;
    uint32_t version = 0;
    uint64_t exports = 0;
    const KernelTable* kernels = nullptr;  // whose packing it is
    int same = 0;  // replays for which it has been so
    std::shared_ptr<const PackedWeight> packed;
  };
  void use(Step& step, Weight& w);

  std::vector<Weight> weights_;
};

// Bytes of all copies.
int64_t prepacked_bytes();

}  // namespace fastdl
