#include <cstring>
#include <thread>

#include "check.h"
#include "core/threading.h"
#include "cpu/isa.h"

namespace {

// Threads of another library. Each region gets new ones, and fewer than it asks for.
const fastdl::Threading elsewhere = {
    "test",
    [](int threads, void (*work)(void*, int), void* job) {
      std::vector<std::thread> others;
      for (int i = 1; i < (threads + 1) / 2 + 1; ++i) others.emplace_back(work, job, i);
      work(job, 0);
      for (std::thread& t : others) t.join();
    },
    [] { return false; },
    [] { return "test"; },
};

}  // namespace

// Runs every test on every instruction set of this CPU. An argument selects tests by substring. With --elsewhere,
// parallel_for uses the threads of another library.
int main(int argc, char** argv) {
  const char* selected = "";
  for (int i = 1; i < argc; ++i)
    if (std::strcmp(argv[i], "--elsewhere") == 0)
      fastdl::set_threading(&elsewhere);
    else
      selected = argv[i];
  int failed = 0, passed = 0;
  for (const fastdl::KernelTable* table : fastdl::runnable_tables()) {
    fastdl::select_isa(table->isa);
    for (const test::Case& c : test::cases()) {
      if (!std::strstr(c.name, selected)) continue;
      int before = test::failures();
      c.run();
      bool ok = test::failures() == before;
      (ok ? passed : failed) += 1;
      std::printf("%s %s on %s\n", ok ? "ok  " : "FAIL", c.name, table->isa);
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed ? 1 : 0;
}
