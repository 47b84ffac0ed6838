// parallel_for: the only threading in the core.
//
// Work [0, n) is cut into chunks of `grain` items; the chunks depend on n and grain alone, never on the
// number of threads, and a body that writes only to its own chunk therefore gives the same bits with 1,
// 2 or 7 threads. Reductions keep one partial result per chunk and combine them in chunk order.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <optional>
#include <type_traits>
#include <utility>

namespace fastdl {

// A borrowed callable: no allocation, valid for the duration of the call it is passed to.
template <class Signature>
class FunctionRef;
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
  FunctionRef(F&& f)  // NOLINT: implicit on purpose
      : object_((void*)&f), call_([](void* o, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(o))(std::forward<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

// Calls body(begin, end) for every chunk of [0, n). Runs on the calling thread alone when there is one
// chunk, one thread, when already inside a parallel_for, or while another thread uses the team.
// All chunks run, also if the bodies of some throw; then the exception of the first such chunk is rethrown
// on the calling thread, whichever thread came to it first. Within a Watch (core/cancel.h) whose flag is raised, chunks
// that have not begun do not run, and Cancelled is thrown.
void parallel_for(int64_t n, int64_t grain, FunctionRef<void(int64_t, int64_t)> body);

// Work that can be done at any time before it is asked for. Threads of the team that wait for a region take pieces
// of it; finish() does what they have left. One object of a process at a time is helped with.
class Background {
 public:
  Background() = default;
  ~Background();  // what is not done yet is not done any more
  Background(const Background&) = delete;

  // body(i) for each i in [0, pieces), in any order. It must not throw, and should take a microsecond or two: for so
  // long a region may have to wait for the thread. What it refers to must last until finish() or the end.
  void start(int64_t pieces, FunctionRef<void(int64_t)> body);
  void finish();
  bool help();  // does a piece; false if none is left

 private:
  void withdraw();

  std::optional<FunctionRef<void(int64_t)>> body_;
  int64_t pieces_ = 0;
  std::atomic<int64_t> next_{0};
};

// While one lives, this thread's parallel_for runs on it alone.
class Alone {
 public:
  Alone();
  ~Alone();
  Alone(const Alone&) = delete;

 private:
  const bool before_;
};

// Items per chunk of n where `grain` is wished for: more if there would be too many chunks to count in
// 32 bits.
inline int64_t chunk_size(int64_t n, int64_t grain) {
  const int64_t least = n >> 31 > 1 ? n >> 31 : 1;
  return grain > least ? grain : least;
}

// Items per chunk such that one chunk costs about `kChunkNanoseconds`, given the cost of one item.
// A rough cost is enough: streaming float32 is about 0.3 ns an element and array, an FMA 0.02 ns.
inline constexpr double kChunkNanoseconds = 8000;
inline int64_t grain_for(double nanoseconds_per_item) {
  double g = kChunkNanoseconds / (nanoseconds_per_item > 1e-4 ? nanoseconds_per_item : 1e-4);
  return g < 1 ? 1 : g > 1e15 ? int64_t(1e15) : int64_t(g);
}

// Threads used at most. Starts from FASTDL_NUM_THREADS, else OMP_NUM_THREADS, else the CPUs this
// process may use (affinity and cgroup quota). Throws ValueError for n < 1.
int num_threads();
void set_num_threads(int64_t n);

// Scratch memory of the calling thread, for what each thread needs of its own: packed panels and tiles, whose size is
// bounded by the caches. (Memory of one call is an op's workspace.) 64-byte aligned, valid until the next call with the
// same slot on this thread. It grows and is kept, so that steady state allocates nothing; after trim_scratch() each
// thread begins anew. Throws MemoryError.
enum class Scratch { gemm_a, gemm_b, gemm_sums, gemm_parts, chain, count };
void* scratch(Scratch slot, size_t bytes);
void trim_scratch();

}  // namespace fastdl
