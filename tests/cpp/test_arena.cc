// Sets of byte ranges, and the lifetimes of an arena's memory, compared with lists of single bytes.
#include <random>
#include <utility>
#include <vector>

#include "check.h"
#include "plan/intervals.h"
#include "plan/timetable.h"

using namespace fastdl;

TEST(intervals_are_the_bytes_that_were_added) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Intervals set;
    std::vector<bool> bytes(60, false);
    for (int i = 0; i < 12; ++i) {
      const int begin = int(random() % 60), end = begin + int(random() % (i % 3 ? 4 : 20));
      set.add(begin, std::min(end, 60));
      for (int b = begin; b < std::min(end, 60); ++b) bytes[size_t(b)] = true;
      for (int from = 0; from < 60; ++from)
        for (int to = from; to <= 60; to += 3) {
          bool any = false, all = true;
          int past = from;
          for (int b = from; b < to; ++b) {
            any |= bytes[size_t(b)];
            all &= bytes[size_t(b)];
          }
          if (any) {  // the end of the first run of bytes that begins before `to`
            while (!bytes[size_t(past)]) ++past;
            while (past < 60 && bytes[size_t(past)]) ++past;
          }
          EXPECT(set.meets(from, to) == any, from, " to ", to);
          EXPECT(set.covers(from, to) == all, from, " to ", to);
          EXPECT(set.past(from, to) == past, from, " to ", to, ": ", set.past(from, to), " instead of ", past);
        }
    }
  }
}

TEST(timetable_gives_the_lowest_free_place) {
  std::mt19937 random(2);
  for (size_t calls : {1, 2, 7, 64, 100}) {
    Timetable timetable(calls);
    struct Block {
      size_t first, last;
      int64_t begin, end;
    };
    std::vector<Block> blocks;
    for (int i = 0; i < 150; ++i) {
      const size_t a = random() % calls, b = random() % calls, first = std::min(a, b), last = std::max(a, b);
      const int64_t bytes = int64_t(random() % 5) * 64;
      int64_t want = 0;
      for (bool moved = true; moved;) {
        moved = false;
        for (const Block& o : blocks)
          if (o.first <= last && first <= o.last && o.begin < want + bytes && want < o.end) {
            want = o.end;
            moved = true;
          }
      }
      const int64_t at = timetable.lowest(first, last, bytes);
      EXPECT(at == want, "block ", i, " of ", calls, " calls: ", at, " instead of ", want);
      timetable.add(first, last, at, at + bytes);
      blocks.push_back({first, last, at, at + bytes});
    }
  }
}
