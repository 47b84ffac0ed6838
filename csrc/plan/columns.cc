#include "plan/columns.h"

#include <iterator>

#include "plan/uses.h"

namespace fastdl {
namespace {

// Calls that the copy of a part may pass. The joined array takes memory from its first part on.
constexpr size_t kNear = 64;

// The first column of each part in the joined array. False: the call moves no whole columns.
bool find_columns(const Call& c, int64_t* first) {
  if (!c.op->columns) return false;
  View in[kMaxInputs], out[kMaxOutputs];
  for (size_t k = 0; k < c.in.size(); ++k) in[k] = {nullptr, c.in[k].shape, c.in[k].dtype};
  for (size_t k = 0; k < c.out.size(); ++k) out[k] = {nullptr, c.out[k].shape, c.out[k].dtype};
  return c.op->columns->find({*c.op, in, out, c.attrs}, first);
}

// Where a part has its place in the joined array.
Operand window(const Operand& joined, const Operand& part, int64_t first) {
  Operand o = part;
  o.buffer = joined.buffer;
  o.offset = joined.offset + first * size_of(joined.dtype);
  if (o.row_bytes() < joined.row_bytes()) o.pitch = joined.row_bytes();
  return o;
}

}  // namespace

std::vector<bool> columns_moved(const Recording& r) {
  std::vector<bool> all;
  int64_t first[kMaxInputs];
  for (const Call& c : r.calls) all.push_back(find_columns(c, first) && c.out[0].rows() > 0);
  return all;
}

void take_apart(Recording& r, const std::vector<bool>& which) {
  Uses uses(r);
  std::vector<std::vector<Call>> copies(r.calls.size());    // they go behind each call, or in its place
  std::vector<size_t> user(r.buffers.size(), Uses::kNone);  // the first concatenation of each buffer
  const auto joins = [&](size_t i) { return r.calls[i].op->columns && r.calls[i].op->columns->joins; };
  // Where the copy of a part goes: behind the call that makes it, if the joined array is not in use much longer then. A
  // later concatenation of the same part takes it where it stands.
  const auto place = [&](size_t i, const Operand& part, const Operand& joined) {
    const size_t maker = uses.sole_writer(part.buffer);
    const bool near = maker < i && i - maker <= kNear && !joins(maker) && user[size_t(part.buffer)] == i;
    if (!near || r.buffers[size_t(joined.buffer)].external) return i;
    return uses.first_touch(joined, maker, i, false) == Uses::kNone ? maker : i;
  };
  for (size_t i = 0; i < r.calls.size(); ++i) {
    const Call& c = r.calls[i];
    int64_t first[kMaxInputs];
    if (!find_columns(c, first)) continue;
    if (joins(i))
      for (const Operand& part : c.in)
        if (size_t& known = user[size_t(part.buffer)]; known == Uses::kNone) known = i;
    if (!which[i]) continue;
    const auto copy = [&](size_t to, const Operand& from, const Operand& out) -> Call& {
      copies[to].push_back({&op_copy, {}, {from}, {out}, {}});
      copies[to].back().part_of = i;
      return copies[to].back();
    };
    const std::vector<Operand>& parts = joins(i) ? c.in : c.out;
    for (size_t k = 0; k < parts.size(); ++k) {
      const Operand& part = parts[k];
      if (!part.rows()) continue;
      if (joins(i))
        copy(place(i, part, c.out[0]), part, window(c.out[0], part, first[k])).stays = user[size_t(part.buffer)] != i;
      else if (r.buffers[size_t(part.buffer)].external || uses.last_read(part.buffer) != Uses::kNone)
        copy(i, window(c.in[0], part, first[k]), part);
    }
  }
  std::vector<Call> calls;
  for (size_t i = 0; i < r.calls.size(); ++i) {
    if (!which[i]) calls.push_back(std::move(r.calls[i]));
    std::move(copies[i].begin(), copies[i].end(), std::back_inserter(calls));
  }
  r.calls = std::move(calls);
}

}  // namespace fastdl
