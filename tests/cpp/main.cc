#include <cstring>

#include "check.h"
#include "cpu/isa.h"

// Runs every test on every instruction set this CPU has; an argument selects tests by substring.
int main(int argc, char** argv) {
  int failed = 0, passed = 0;
  for (const fastdl::KernelTable* table : fastdl::runnable_tables()) {
    fastdl::select_isa(table->isa);
    for (const test::Case& c : test::cases()) {
      if (argc > 1 && !std::strstr(c.name, argv[1])) continue;
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
