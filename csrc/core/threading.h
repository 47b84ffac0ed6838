// Lets another library's threads run the chunks of parallel_for, in place of the team's.
//
// Such a backend is a separate extension module (csrc/openmp), loaded on request. The core and its wheel do not depend
// on that library. The module passes its table in a capsule.
#pragma once

namespace fastdl {

struct Threading {
  const char* name;
  // Calls work(job, thread) on up to `threads` threads, the calling one included, with different numbers from 0 on, and
  // returns when all calls have returned. `work` does not throw. Fewer calls are enough: free threads take the chunks
  // that are left.
  void (*run)(int threads, void (*work)(void* job, int thread), void* job);
  // Whether the calling thread is within a parallel region of the library. A loop then stays on that thread.
  bool (*inside)();
  // The file of the library's runtime, for display.
  const char* (*runtime)();
};

// The name of the capsule. Its number rises when the table changes.
inline constexpr char kThreadingCapsule[] = "fastdl.Threading.1";

// Makes parallel_for use the threads of `other` (null: the team's). Throws RuntimeError after the first parallel_for,
// and for another library in a forked process, where its threads may be lost.
void set_threading(const Threading* other);
// The library in use; null: the team. After a fork the child uses the team.
const Threading* threading();

}  // namespace fastdl
