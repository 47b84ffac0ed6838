// How another library's threads run the chunks of parallel_for, in place of the team's.
//
// Such a backend is an extension module of its own (csrc/openmp), loaded on request: the core and its wheel need
// nothing of that library. The module hands its table over in a capsule.
#pragma once

namespace fastdl {

struct Threading {
  const char* name;
  // Calls work(job, thread) on `threads` threads or fewer, the calling one included, with different numbers from 0 on,
  // and returns when all of these calls have returned. `work` does not throw. The number of calls does not matter:
  // chunks that are left over go to whichever thread is free.
  void (*run)(int threads, void (*work)(void* job, int thread), void* job);
  // Whether the calling thread is within a parallel region of the library: then a loop stays on that thread.
  bool (*inside)();
  // The file of the library's runtime, for a person.
  const char* (*runtime)();
};

// The name of the capsule. The number counts up when the table changes.
inline constexpr char kThreadingCapsule[] = "fastdl.Threading.1";

// Has parallel_for run its chunks on `other`'s threads, null: on the team's. Throws RuntimeError after the first
// parallel_for, and for another library's threads in a process that was forked, where such threads are lost.
void set_threading(const Threading* other);
// Whose threads these are; null: the team's. After a fork the child uses the team.
const Threading* threading();

}  // namespace fastdl
