// The extension module fastdl._openmp: the threads of OpenMP for parallel_for (core/threading.h).
//
// A process may hold several OpenMP runtimes, each with its own threads: the system's, and copies in wheels such as
// scikit-learn's. To share threads with such a library, fastdl must call its copy. So the first region looks for a
// runtime that is loaded already, and uses the one that this module is linked with only if there is none.
#include <Python.h>
#include <dlfcn.h>
#include <omp.h>
#if defined(__linux__)
#include <link.h>
#endif

#include <atomic>
#include <cstdlib>
#include <exception>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "core/threading.h"

namespace {

struct Runtime {
  void (*parallel)(void (*f)(void*), void* data, unsigned threads, unsigned flags);
  int (*thread_num)();
  int (*in_parallel)();
  std::string file;
};

void run_linked(void (*f)(void*), void* data, unsigned threads, unsigned) {
#pragma omp parallel num_threads(threads)
  f(data);
}

Runtime linked() {
  Dl_info where;
  const bool known = dladdr(reinterpret_cast<void*>(&omp_in_parallel), &where) && where.dli_fname;
  return {run_linked, omp_get_thread_num, omp_in_parallel, known ? where.dli_fname : "OpenMP"};
}

// A runtime that is loaded already, if it has the needed functions. GOMP_parallel is the entry point of GCC's runtime;
// LLVM's and Intel's have it as well.
bool take(const std::string& file, Runtime& found) {
  void* library = dlopen(file.c_str(), RTLD_LAZY | RTLD_NOLOAD);  // stays open
  if (!library) return false;
  Runtime r{};
  reinterpret_cast<void*&>(r.parallel) = dlsym(library, "GOMP_parallel");
  reinterpret_cast<void*&>(r.thread_num) = dlsym(library, "omp_get_thread_num");
  reinterpret_cast<void*&>(r.in_parallel) = dlsym(library, "omp_in_parallel");
  if (!r.parallel || !r.thread_num || !r.in_parallel) return false;
  r.file = file;
  found = r;
  return true;
}

Runtime find_runtime() {
  Runtime r = linked();
#if defined(__linux__)
  std::vector<std::string> files;  // opened after the walk, which holds the loader's lock
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* opaque) {
        const std::string file = info->dlpi_name, name = file.substr(file.rfind('/') + 1);
        for (const char* prefix : {"libgomp", "libomp", "libiomp"})
          if (name.starts_with(prefix)) static_cast<std::vector<std::string>*>(opaque)->push_back(file);
        return 0;
      },
      &files);
  const std::string own = r.file;
  for (const std::string& file : files)
    if (file != own && take(file, r)) break;
#endif
  return r;
}

// Chosen once, at the first region, so that libraries imported after fastdl count.
std::atomic<const Runtime*> chosen{nullptr};
const Runtime& runtime() {
  static const Runtime r = find_runtime();
  chosen.store(&r, std::memory_order_relaxed);
  return r;
}

struct Region {
  void (*work)(void* job, int thread);
  void* job;
  int (*thread_num)();
};

// How many of `threads` threads the system can give: a runtime that gets fewer than it requests ends the process.
// Tested once for each new maximum. Where there are not enough, some are left for others.
int available(int threads) {
  static int asked = 1, given = 1;  // regions come one at a time
  if (threads > asked) {
    std::vector<std::thread> trial;
    trial.reserve(size_t(threads));
    std::latch end(1);
    try {
      while (trial.size() + 1 < size_t(threads))
        trial.emplace_back([&] {
          void* volatile memory = std::malloc(64);  // gives the thread a heap, as its work will
          std::free(memory);
          end.wait();
        });
    } catch (const std::exception&) {
    }
    end.count_down();
    for (std::thread& t : trial) t.join();
    const int count = int(trial.size()) + 1;
    asked = threads;
    given = count == threads ? count : count - count / 8;
  }
  return threads < given ? threads : given;
}

void run(int threads, void (*work)(void*, int), void* job) {
  const Runtime& r = runtime();
  Region region{work, job, r.thread_num};
  r.parallel(
      [](void* opaque) {
        const Region& own = *static_cast<Region*>(opaque);
        own.work(own.job, own.thread_num());
      },
      &region, unsigned(available(threads)), 0);
}

bool inside() { return runtime().in_parallel(); }

const char* file() {
  if (const Runtime* r = chosen) return r->file.c_str();
  static thread_local std::string now;  // the runtime that would be chosen now
  now = find_runtime().file;
  return now.c_str();
}

const fastdl::Threading table{"openmp", run, inside, file};

int fill(PyObject* module) {
  PyObject* capsule = PyCapsule_New(const_cast<fastdl::Threading*>(&table), fastdl::kThreadingCapsule, nullptr);
  if (!capsule) return -1;
  const int failed = PyModule_AddObjectRef(module, "threading", capsule);
  Py_DECREF(capsule);
  return failed;
}

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(fill)},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, nullptr},
};
PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "_openmp",
    "OpenMP's threads for fastdl: fastdl.set_threading(\"openmp\").",
    0,
    nullptr,
    slots,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace

PyMODINIT_FUNC PyInit__openmp() { return PyModuleDef_Init(&definition); }
