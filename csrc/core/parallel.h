// parallel_for: the only threading in the core.
//
// Work [0, n) is cut into chunks of `grain` items. Chunks depend on n and grain alone, never on the number of threads.
// So a body that writes only to its own chunk gives the same bits with 1, 2 or 7 threads. Reductions keep one partial
// result per chunk and combine them in chunk order.
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

// Calls body(begin, end) for every chunk of [0, n), on the calling thread alone if there is one chunk or one thread,
// within another parallel_for, or while another thread uses the team. If bodies throw, all chunks still run; then the
// first exception in chunk order is rethrown. Once a Watch's flag is raised, skips the rest and throws Cancelled.
void parallel_for(int64_t n, int64_t grain, FunctionRef<void(int64_t, int64_t)> body);

// Takes a result some rows at a time; a row is an element of all axes but the last. place() says where rows
// [first, first + count) go, one behind the other. done() is told that they are complete, by the same thread, before it
// asks for the next place. Threads may work on different rows.
struct RowSink {
  FunctionRef<float*(int64_t first, int64_t count)> place;
  FunctionRef<void(int64_t first, int64_t count)> done;
};

// Work that may be done ahead of time. Threads that wait for a region take pieces of it; finish() does the rest.
// Threads help with one object per process at a time.
class Background {
 public:
  Background() = default;
  ~Background();  // drops the pieces that are not done
  Background(const Background&) = delete;

  // Runs body(i) for each i in [0, pieces), in any order. It must not throw, and should take one or two microseconds,
  // since a region may wait that long for the thread. What it refers to must last until finish() or the end of this
  // object.
  void start(int64_t pieces, FunctionRef<void(int64_t)> body);
  void finish();
  bool help();  // does a piece; false if none is left

 private:
  void withdraw();

  std::optional<FunctionRef<void(int64_t)>> body_;
  int64_t pieces_ = 0;
  std::atomic<int64_t> next_{0};
};

// During its lifetime, parallel_for of this thread uses no other thread.
class Alone {
 public:
  Alone();
  ~Alone();
  Alone(const Alone&) = delete;

 private:
  const bool before_;
};

// Items per chunk of n: `grain`, or more where the number of chunks would exceed 32 bits.
inline int64_t chunk_size(int64_t n, int64_t grain) {
  const int64_t least = n >> 31 > 1 ? n >> 31 : 1;
  return grain > least ? grain : least;
}

// Items per chunk such that one chunk costs about `kChunkNanoseconds`, given the cost of one item. A rough cost is
// enough: streaming float32 takes about 0.3 ns per element and array, an FMA 0.02 ns.
inline constexpr double kChunkNanoseconds = 8000;
inline int64_t grain_for(double nanoseconds_per_item) {
  double g = kChunkNanoseconds / (nanoseconds_per_item > 1e-4 ? nanoseconds_per_item : 1e-4);
  return g < 1 ? 1 : g > 1e15 ? int64_t(1e15) : int64_t(g);
}

// The most threads used. The default is FASTDL_NUM_THREADS, else OMP_NUM_THREADS, else the CPUs this process may use
// (affinity and cgroup quota). set_num_threads throws ValueError for n < 1.
int num_threads();
void set_num_threads(int64_t n);

}  // namespace fastdl
