// Where each buffer of a recording is used, so that a pass finds the uses of one buffer without going through all
// calls.
#pragma once
#include "plan/call.h"

namespace fastdl {

class Uses {
 public:
  struct Use {
    size_t call;
    int place;  // an input; from kMaxInputs on an output

    bool operator<(const Use& o) const { return call != o.call ? call < o.call : place < o.place; }
  };
  static constexpr size_t kNone = SIZE_MAX;

  explicit Uses(Recording& r);

  // The operand that a use reads or writes.
  Operand& operand(const Use& u) {
    Call& c = r_.calls[u.call];
    return u.place < kMaxInputs ? c.in[size_t(u.place)] : c.out[size_t(u.place - kMaxInputs)];
  }
  bool writes(const Use& u) const { return u.place >= kMaxInputs || r_.calls[u.call].writes(u.place); }
  bool dead(size_t call) const { return dead_[call]; }

  // The first call of [begin, end) that touches `region`, or only the first that writes there; kNone if there is none.
  size_t first_touch(const Operand& region, size_t begin, size_t end, bool writes_only);
  // The last call that reads buffer b; kNone if there is none.
  size_t last_read(int b);
  // The only call that makes buffer b; kNone if there are several or none.
  size_t sole_writer(int b) const { return writers_[size_t(b)].calls == 1 ? writers_[size_t(b)].call : kNone; }

  // Removes a call. The recording keeps it until finish().
  void remove(size_t call);
  // Records that the contents of buffer `from`, which is not used any more, are now at `to`.
  void move(int from, const Operand& to);
  // Erases the removed calls. Ends the use of this object.
  void finish();

 private:
  struct Writers {
    size_t calls = 0, call = kNone;
  };
  void count_writes(size_t call, int by);

  Recording& r_;
  std::vector<std::vector<Use>> lists_;  // by buffer, in order
  std::vector<Writers> writers_;         // by buffer
  std::vector<bool> dead_;
};

}  // namespace fastdl
