// A test runner in 40 lines: TEST(name) { ... EXPECT(condition, message parts...); }
#pragma once
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

namespace test {

struct Case {
  const char* name;
  void (*run)();
};
inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}
inline int& failures() {
  static int n = 0;
  return n;
}
struct Register {
  Register(const char* name, void (*run)()) { cases().push_back({name, run}); }
};
template <class... Args>
void fail(const char* file, int line, const Args&... args) {
  std::ostringstream s;
  (s << ... << args);
  if (++failures() <= 50) std::printf("%s:%d: %s\n", file, line, s.str().c_str());
}

}  // namespace test

#define TEST(name)                                           \
  static void test_##name();                                 \
  static test::Register register_##name(#name, test_##name); \
  static void test_##name()
#define EXPECT(condition, ...)                                                                  \
  do {                                                                                          \
    if (!(condition)) test::fail(__FILE__, __LINE__, "expected " #condition ": ", __VA_ARGS__); \
  } while (0)
