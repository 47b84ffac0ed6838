// parallel_for runs every chunk exactly once with any number of threads, and passes on exceptions.
#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "core/check.h"
#include "core/parallel.h"
#include "core/threading.h"

using namespace fastdl;

namespace {

// Restores the number of threads.
struct Threads {
  explicit Threads(int n) : before(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
  const int before;
};

// Counts how often a loop visits each item, without a lock. Two threads on one chunk would lose counts, and
// ThreadSanitizer would report them. Returns what went wrong, or an empty text.
std::string visit(int64_t n, int64_t grain) {
  const int64_t size = grain > 1 ? grain : 1;
  std::vector<int> visits(static_cast<size_t>(n), 0);
  std::atomic<int64_t> chunks{0}, odd{0};
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    ++chunks;
    odd += begin % size != 0 || end != (begin + size < n ? begin + size : n);
    for (int64_t i = begin; i < end; ++i) ++visits[size_t(i)];
  });
  for (int64_t i = 0; i < n; ++i)
    if (int v = visits[size_t(i)]; v != 1)
      return "item " + std::to_string(i) + " visited " + std::to_string(v) + " times";
  if (odd) return std::to_string(odd) + " chunks begin or end elsewhere";
  const int64_t want = (n + size - 1) / size;
  return chunks == want ? "" : std::to_string(chunks) + " chunks instead of " + std::to_string(want);
}

}  // namespace

TEST(parallel_every_chunk_once) {
  for (int threads : {1, 2, 3, 7, 16}) {
    Threads team(threads);
    for (int64_t n : {0, 1, 2, 3, 6, 7, 8, 15, 16, 17, 31, 97, 256, 1009, 10007})
      for (int64_t grain : {-1, 0, 1, 2, 3, 7, 64, 1000, 1 << 30})
        for (int repeat = 0; repeat < 3; ++repeat) {
          const std::string wrong = visit(n, grain);
          EXPECT(wrong.empty(), wrong, " with n = ", n, ", grain = ", grain, ", threads = ", threads);
        }
  }
}

// Regions follow one another faster than workers wake. A late worker finds the next region, or none.
TEST(parallel_regions_in_quick_succession) {
  for (int threads : {2, 7}) {
    Threads team(threads);
    std::vector<int64_t> items(64);
    for (int region = 0; region < 3000; ++region)
      parallel_for(2 + region % 63, 1, [&](int64_t begin, int64_t) { ++items[size_t(begin)]; });
    for (size_t i = 0; i < items.size(); ++i) {
      int64_t want = 0;
      for (int region = 0; region < 3000; ++region) want += int64_t(i) < 2 + region % 63;
      EXPECT(items[i] == want, "item ", i, ": ", items[i], " times, not ", want, ", threads = ", threads);
    }
  }
}

// Chunks of very unequal cost: other threads take over the share of the slow one from its end.
TEST(parallel_uneven_chunks) {
  Threads team(4);
  for (int64_t slow : {0, 10, 63}) {
    std::vector<int> visits(64);
    std::atomic<int> others{0};
    parallel_for(64, 1, [&](int64_t begin, int64_t) {
      ++visits[size_t(begin)];
      // Ends when all others have run. So none of them may wait behind it in its share.
      if (begin == slow)
        while (others < 63) std::this_thread::yield();
      else
        ++others;
    });
    for (size_t i = 0; i < visits.size(); ++i) EXPECT(visits[i] == 1, "chunk ", i, " ran ", visits[i], " times");
  }
}

TEST(parallel_more_chunks_than_can_be_counted) {
  const int64_t most = INT64_MAX;
  const int64_t one = 1;
  for (int64_t n : {one, one << 31, (one << 32) - 1, one << 32, (3 * one << 32) - 1, one << 40, most})
    for (int64_t grain : {-5 * one, one, 1000 * one, one << 40, most}) {
      const int64_t size = chunk_size(n, grain), chunks = (n - 1) / size + 1;
      EXPECT(size >= 1 && size >= grain, "chunks of ", size, " for n = ", n, ", grain = ", grain);
      EXPECT(chunks < one << 32, chunks, " chunks for n = ", n, ", grain = ", grain);
      EXPECT(n >> 32 || size == std::max(grain, one), "chunks of ", size, " of ", n, ", grain = ", grain);
    }
  // The end of the last chunk does not overflow.
  Threads team(2);
  std::atomic<int64_t> chunks{0}, items{0};
  parallel_for(most, int64_t(1) << 62, [&](int64_t begin, int64_t end) {
    ++chunks;
    items += end - begin;
  });
  EXPECT(chunks == 2 && items == most, chunks, " chunks of ", items, " items");
}

TEST(parallel_callers_share_the_team) {
  Threads team(7);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&, c] {
      for (int i = 0; i < 100; ++i) wrong += !visit(200 + 7 * c, 1 + i % 5).empty();
    });
  for (std::thread& t : callers) t.join();
  EXPECT(wrong == 0, wrong, " loops went wrong");
}

TEST(parallel_loops_within_loops) {
  for (int threads : {1, 2, 7}) {
    Threads team(threads);
    std::vector<int> visits(50 * 40 * 3);
    parallel_for(50, 1, [&](int64_t i, int64_t) {
      parallel_for(40, 1, [&](int64_t j, int64_t) {
        parallel_for(3, 1, [&](int64_t k, int64_t) { ++visits[size_t((i * 40 + j) * 3 + k)]; });
      });
    });
    for (size_t i = 0; i < visits.size(); ++i) EXPECT(visits[i] == 1, "innermost ", i, " ran ", visits[i], " times");
  }
}

// All chunks run. The exception of the first chunk that threw is raised, whichever thread threw first.
TEST(parallel_exceptions_of_several_chunks) {
  for (int threads : {1, 2, 7}) {
    Threads team(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::vector<int> visits(100);
      std::string message;
      try {
        parallel_for(100, 1, [&](int64_t begin, int64_t) {
          ++visits[size_t(begin)];
          if (begin % 10 == 7) throw std::runtime_error("chunk " + std::to_string(begin));
        });
      } catch (const std::runtime_error& error) {
        message = error.what();
      }
      EXPECT(message == "chunk 7", "got '", message, "' with ", threads, " threads");
      for (size_t i = 0; i < visits.size(); ++i) EXPECT(visits[i] == 1, "chunk ", i, " ran ", visits[i], " times");
    }
    // The same holds for an inner loop. The team still works afterwards.
    std::string message;
    try {
      parallel_for(8, 1, [&](int64_t i, int64_t) {
        parallel_for(8, 1, [&](int64_t j, int64_t) {
          if (i >= 3 && j >= 5) throw std::runtime_error(std::to_string(i) + std::to_string(j));
        });
      });
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    EXPECT(message == "35", "got '", message, "' with ", threads, " threads");
    const std::string wrong = visit(1000, 3);
    EXPECT(wrong.empty(), wrong, " after exceptions, threads = ", threads);
  }
}

TEST(parallel_teams_come_and_go) {
  const int before = num_threads();
  for (int i = 0; i < 60; ++i) {
    set_num_threads(1 + i % 7);
    const std::string wrong = visit(100 + i, 1);
    EXPECT(wrong.empty(), wrong, " with ", 1 + i % 7, " threads");
  }
  set_num_threads(before);
}

TEST(parallel_threads_are_chosen_before_the_first_loop) {
  visit(10, 1);
  const Threading late = {"late", nullptr, nullptr, nullptr};
  const Threading* const before = threading();
  set_threading(before);  // no change
  std::string message;
  try {
    set_threading(&late);
  } catch (const Error& error) {
    message = error.what();
  }
  EXPECT(message.find("computations have run already") != std::string::npos, "got '", message, "'");
  EXPECT(threading() == before, "the threads were changed");
}

// Each piece is done once, by any thread, also while regions run. After finish() all are done.
TEST(parallel_work_in_the_background) {
  for (int threads : {1, 2, 4}) {
    Threads set(threads);
    Background work;
    for (int64_t pieces : {0, 1, 7, 100, 1000}) {
      std::vector<int> visits(static_cast<size_t>(pieces), 0);
      auto piece = [&](int64_t i) { ++visits[size_t(i)]; };
      work.start(pieces, piece);
      const std::string wrong = visit(200, 3);
      EXPECT(wrong.empty(), wrong, " with work in the background, threads = ", threads);
      work.finish();
      EXPECT(std::count(visits.begin(), visits.end(), 1) == pieces, pieces, " pieces, threads = ", threads);
    }
  }
}

TEST(parallel_work_in_the_background_that_nobody_asks_for) {
  for (int threads : {1, 2, 4}) {
    Threads set(threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<int> visits(50, 0);
      auto piece = [&](int64_t i) { ++visits[size_t(i)]; };
      {
        Background work;
        work.start(50, piece);
        visit(20, 2);
      }  // no thread uses `visits` from here on
      for (int& v : visits) {
        EXPECT(v <= 1, v);
        v = 2;
      }
    }
  }
}

TEST(parallel_work_in_the_background_of_several_callers) {
  Threads set(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&wrong] {
      for (int round = 0; round < 100; ++round) {
        std::vector<int> visits(64, 0);
        auto piece = [&](int64_t i) { ++visits[size_t(i)]; };
        Background work;
        work.start(64, piece);
        parallel_for(10, 1, [](int64_t, int64_t) {});
        work.finish();
        wrong += std::count(visits.begin(), visits.end(), 1) != 64;
      }
    });
  for (std::thread& t : callers) t.join();
  EXPECT(wrong == 0, wrong.load());
}
