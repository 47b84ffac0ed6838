// The default is a team of fastdl's own, not OpenMP's threads. It survives fork, costs less to enter a region, yields
// to other processes, sleeps when idle, and needs no libgomp. docs/architecture.md has the measurements. Threads of
// other libraries run the same chunks on request (core/threading.h).
#include "core/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/cancel.h"
#include "core/check.h"
#include "core/scratch.h"
#include "core/threading.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define FASTDL_PAUSE() _mm_pause()
#else
#define FASTDL_PAUSE() std::this_thread::yield()
#endif

namespace fastdl {
namespace {

int cpus_available() {
  int n = int(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) n = CPU_COUNT(&set);
  // cgroup v2 "cpu.max" holds "quota period" in microseconds; v1 has one file for each.
  double quota = -1, period = -1;
  std::string first;
  if (std::ifstream f("/sys/fs/cgroup/cpu.max"); f >> first >> period && first != "max")
    quota = atof(first.c_str());
  else if (std::ifstream q("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"); q >> quota)
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  if (quota > 0 && period > 0) n = std::min(n, std::max(1, int(quota / period + 0.5)));
#endif
  return std::max(n, 1);
}

constexpr int kMostThreads = 1024;

// The value of one of fastdl's environment variables; `missing` if it is unset or empty.
int from_environment(const char* name, int least, int most, int missing) {
  const char* text = getenv(name);
  if (!text || !*text) return missing;
  char* end;
  long n = strtol(text, &end, 10);
  FASTDL_CHECK(!*end && n >= least && n <= most, ValueError, name, ": expected an integer from ", least, " to ", most,
               ", got '", text, "'");
  return int(n);
}

// 0 if the environment does not say.
int threads_from_environment() {
  int n = 0;
  // The variable is OpenMP's, so an invalid value is ignored. Of a list, "4,2", the first number counts.
  if (const char* text = getenv("OMP_NUM_THREADS"))
    if (long omp = strtol(text, nullptr, 10); omp >= 1) n = int(std::min<long>(omp, kMostThreads));
  return from_environment("FASTDL_NUM_THREADS", 1, kMostThreads, n);
}

// How long an idle thread spins before it sleeps. Within a plan the next region follows after a few microseconds, about
// the time that it takes to wake a thread. A spinning thread yields its CPU to others. With more threads than CPUs,
// idle threads sleep at once.
int spin_microseconds() { return from_environment("FASTDL_SPIN", 0, 1000000, 200); }

// Each thread has its own share of the chunks, the same in every region with the same cut. So what it wrote in one call
// is in its caches in the next. It takes chunks from the front of its share. A thread that finishes early takes chunks
// from the back of the others' shares.
struct alignas(64) Share {
  std::atomic<uint64_t> rest{0};  // begin in the lower 32 bits, end in the upper

  void set(int64_t begin, int64_t end) { rest.store(uint64_t(end) << 32 | uint64_t(begin), std::memory_order_relaxed); }
  // The next chunk from the front or the back; -1 if none is left.
  int64_t take(bool front) {
    uint64_t old = rest.load(std::memory_order_relaxed);
    for (;;) {
      const uint64_t begin = old & 0xffffffff, end = old >> 32;
      if (begin >= end) return -1;
      const uint64_t now = front ? end << 32 | (begin + 1) : (end - 1) << 32 | begin;
      if (rest.compare_exchange_weak(old, now, std::memory_order_relaxed)) return int64_t(front ? begin : end - 1);
    }
  }
};

struct Job {
  FunctionRef<void(int64_t, int64_t)>* body;
  int64_t n, grain, chunks;
  Share* shares;  // one for each thread
  int threads;
  std::mutex error_mutex;
  std::exception_ptr error;
  int64_t error_chunk = INT64_MAX;

  void run(int64_t chunk) {
    const int64_t begin = chunk * grain;
    try {
      (*body)(begin, begin + std::min(grain, n - begin));
    } catch (...) {
      std::lock_guard lock(error_mutex);
      if (chunk > error_chunk) return;
      error_chunk = chunk;
      error = std::current_exception();
    }
  }
  // Divides the chunks among `count` threads. Their shares lie in `all`.
  void divide(Share* all, int count) {
    shares = all;
    threads = count;
    for (int64_t i = 0; i < threads; ++i) shares[i].set(i * chunks / threads, (i + 1) * chunks / threads);
  }
  void work(int thread) {
    if (thread > 0) release_trimmed_scratch();  // thread 0 may call from within an op
    for (int64_t c; (c = shares[thread].take(true)) >= 0;) run(c);
    for (int i = 1; i < threads; ++i)
      for (int64_t c; (c = shares[(thread + i) % threads].take(false)) >= 0;) run(c);
  }
};

thread_local bool inside = false;

// Background work for waiting threads, and the number of threads that check or run it. A helper counts itself before it
// checks, so that the thread that withdraws the offer can see that no helper remains.
std::atomic<Background*> offer{nullptr};
std::atomic<int> helpers{0};

void help_in_background() {
  ++helpers;
  if (Background* b = offer; b && !b->help()) offer.compare_exchange_strong(b, nullptr);
  --helpers;
}

// Runs a job on another library's threads. The library may provide fewer threads than requested; these then take the
// remaining shares. The threads belong to the program as well, so `inside` is restored.
void run_elsewhere(const Threading& other, int threads, std::vector<Share>& shares, Job& job) {
  if (shares.size() != size_t(threads)) shares = std::vector<Share>(size_t(threads));
  job.divide(shares.data(), threads);
  struct Region {
    Job& job;
    std::atomic<int> working{0};
  } region{job};
  other.run(
      threads,
      [](void* opaque, int thread) {
        Region& r = *static_cast<Region*>(opaque);
        const bool before = std::exchange(inside, true);
        ++r.working;
        r.job.work(thread);
        --r.working;
        // The library's barrier follows. Until the other threads reach it, this one helps with background work.
        while (r.working.load(std::memory_order_relaxed) > 0 && offer.load(std::memory_order_relaxed))
          help_in_background();
        inside = before;
      },
      &region);
}

// Workers may join a job while it is open. A worker that wakes too late finds it closed and sleeps again. So the caller
// waits only for chunks that have begun, never for a worker that has not started.
class Team {
 public:
  Team(int threads, int spin_us) : spin_us_(threads > cpus_available() ? 0 : spin_us), shares_(size_t(threads)) {
    workers_.reserve(size_t(threads - 1));
    try {
      for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { loop(i); });
    } catch (const std::exception&) {
      // The system has no more threads or memory. The team works with the threads it has.
    }
  }
  ~Team() {
    stop_ = true;
    announce(int64_t(workers_.size()));
    for (std::thread& t : workers_) t.join();
  }
  void run(Job& job) {
    job.divide(shares_.data(), int(shares_.size()));
    open_ = &job;
    announce(job.chunks - 1);
    job.work(0);
    // A worker raises busy_ before it reads open_, and both are sequentially consistent. So either the worker sees the
    // job closed, or this thread sees that the worker is busy.
    open_ = nullptr;
    wait_until([this] { return busy_ == 0; }, done_);
  }

 private:
  struct Sleepers {
    std::mutex mutex;
    std::condition_variable wake;
    std::atomic<int> count{0};
  };

  void announce(int64_t helpers) {
    ++generation_;
    wake(work_, helpers);
  }

  static void wake(Sleepers& s, int64_t most) {
    if (s.count == 0) return;  // each sleeper checks once more after counting itself
    {
      std::lock_guard lock(s.mutex);
    }
    if (most >= s.count)
      s.wake.notify_all();
    else
      for (; most > 0; --most) s.wake.notify_one();
  }

  template <class Ready>
  void wait_until(Ready ready, Sleepers& s) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(spin_us_);
    for (int i = 1; !ready(); ++i) {
      if (i < 100) {
        FASTDL_PAUSE();
      } else if (std::chrono::steady_clock::now() < deadline) {
        sched_yield();
      } else {
        std::unique_lock lock(s.mutex);
        ++s.count;
        s.wake.wait(lock, ready);
        --s.count;
        return;
      }
    }
  }

  void loop(int thread) {
    inside = true;  // a parallel_for within a body runs inline
    for (uint64_t seen = 0;;) {
      wait_until([&] { return generation_ != seen || offer.load(std::memory_order_relaxed); }, work_);
      if (generation_ == seen) {
        help_in_background();
        continue;
      }
      seen = generation_;
      if (stop_) return;
      ++busy_;
      if (Job* job = open_) job->work(thread);
      if (--busy_ == 0) wake(done_, 1);
    }
  }

  const int spin_us_;
  std::vector<Share> shares_;
  std::vector<std::thread> workers_;
  Sleepers work_, done_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<Job*> open_{nullptr};
  std::atomic<int> busy_{0};  // workers that check or run a job
  std::atomic<bool> stop_{false};
};

// The team is created on first use. A forked child has no worker threads, so it abandons the team (leaked on purpose,
// since joining it would wait forever) and creates its own on first use. It does so even if the parent used another
// library's threads, which may not survive a fork.
struct State {
  std::atomic<int> threads;  // 0: the CPUs available, not counted yet since that takes 200 us of an import
  int spin_us;
  std::mutex mutex{};  // held while a region runs on several threads
  Team* team = nullptr;
  std::atomic<const Threading*> other = nullptr;  // null: the team
  std::vector<Share> shares{};                    // of the other library's threads
  bool forked = false;
};
State* state = nullptr;
std::atomic<bool> used{false};  // some parallel_for has run

State& get_state() {
  static std::once_flag once;
  std::call_once(once, [] {
    state = new State{threads_from_environment(), spin_microseconds()};
    pthread_atfork(
        [] {
          state->mutex.lock();
          // Background work must not run during a fork, since its thread would be missing in the child.
          offer = nullptr;
          while (helpers != 0) FASTDL_PAUSE();
        },
        [] { state->mutex.unlock(); },
        [] {
          // The mutex is replaced too: a thread that the child lacks may hold the old one.
          state = new State{state->threads.load(), state->spin_us};
          state->forked = true;
          inside = false;
          offer = nullptr;
          helpers = 0;
        });
  });
  return *state;
}

}  // namespace

int num_threads() {
  std::atomic<int>& threads = get_state().threads;
  if (int unknown = 0; threads == 0) threads.compare_exchange_strong(unknown, cpus_available());
  return threads;
}

void set_num_threads(int64_t n) {
  FASTDL_CHECK(n >= 1, ValueError, "set_num_threads: expected at least 1, got ", n);
  FASTDL_CHECK(n <= kMostThreads, ValueError, "set_num_threads: expected at most ", kMostThreads, ", got ", n);
  State& s = get_state();
  std::lock_guard lock(s.mutex);
  if (num_threads() == n) return;
  delete s.team;
  s.team = nullptr;
  s.threads = int(n);
}

void set_threading(const Threading* other) {
  State& s = get_state();
  std::lock_guard lock(s.mutex);
  if (s.other == other) return;
  FASTDL_CHECK(!s.forked, RuntimeError,
               "set_threading: a forked process computes with fastdl's own team, since the "
               "threads of other libraries may not survive a fork");
  FASTDL_CHECK(!used, RuntimeError,
               "set_threading: computations have run already; call it right after the import, "
               "or set FASTDL_THREADING before it");
  s.other = other;
}
const Threading* threading() { return get_state().other; }

namespace {
void run_chunks(int64_t n, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
  if (n <= 0) return;
  grain = chunk_size(n, grain);
  Job job{&body, n, grain, (n - 1) / grain + 1, nullptr, 0, {}, {}};
  State& s = get_state();
  const Threading* other = s.other;
  if (job.chunks == 1 || num_threads() == 1 || inside || (other && other->inside()) || !s.mutex.try_lock()) {
    for (int64_t c = 0; c < job.chunks; ++c) job.run(c);
  } else {
    std::lock_guard lock(s.mutex, std::adopt_lock);
    if (s.other) {
      run_elsewhere(*s.other, s.threads, s.shares, job);
    } else {
      if (!s.team) s.team = new Team(s.threads, s.spin_us);
      inside = true;
      s.team->run(job);
      inside = false;
    }
  }
  if (job.error) std::rethrow_exception(job.error);
}
}  // namespace

void parallel_for(int64_t n, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
  if (!used.load(std::memory_order_relaxed)) used = true;
  const CancelFlag* const flag = Watch::flag();
  if (!flag && n <= grain) {  // one chunk: a job would cost as much as the chunk itself
    if (n > 0) body(0, n);
    return;
  }
  if (!flag) return run_chunks(n, grain, body);
  run_chunks(n, grain, [&](int64_t begin, int64_t end) {
    if (flag->raised()) return;
    Watch watch(flag);  // on the helping threads too
    body(begin, end);
  });
  if (flag->raised()) throw Cancelled();
}

Background::~Background() {
  if (!body_) return;
  next_ = pieces_;
  withdraw();
}
void Background::start(int64_t pieces, FunctionRef<void(int64_t)> body) {
  finish();
  body_ = body;
  pieces_ = pieces;
  next_ = 0;
  Background* nobody = nullptr;
  offer.compare_exchange_strong(nobody, this);
}
bool Background::help() {
  const int64_t i = next_++;
  if (i < pieces_) (*body_)(i);
  return i < pieces_;
}
void Background::finish() {
  if (!body_) return;
  parallel_for(pieces_ - next_, 4, [&](int64_t begin, int64_t end) {
    for (; begin < end; ++begin) help();
  });
  withdraw();
  body_.reset();
}
void Background::withdraw() {
  Background* mine = this;
  offer.compare_exchange_strong(mine, nullptr);
  while (helpers != 0) FASTDL_PAUSE();
}

Alone::Alone() : before_(inside) { inside = true; }
Alone::~Alone() { inside = before_; }

}  // namespace fastdl
