// Error types. Invalid input throws one of them at the op boundary, and bind/module.cc raises the Python exception of
// the same name. The message names the op or layer argument, what was expected and what came.
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>

namespace fastdl {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct ValueError : Error {
  using Error::Error;
};
// The shapes of the arguments do not fit. Python's class is a ValueError and a RuntimeError.
struct ShapeError : ValueError {
  using ValueError::ValueError;
};
// One value is needed, and there are several. Python's class is a ShapeError and a TypeError.
struct ScalarError : ShapeError {
  using ShapeError::ShapeError;
};
struct TypeError : Error {
  using Error::Error;
};
struct IndexError : Error {
  using Error::Error;
};
// There is no such axis. Python's class is an IndexError and a ValueError.
struct AxisError : IndexError {
  using IndexError::IndexError;
};
struct RuntimeError : Error {
  using Error::Error;
};
struct MemoryError : Error {
  using Error::Error;
};

template <class E, class... Args>
[[noreturn]] void raise(const Args&... args) {
  std::ostringstream s;
  (s << ... << args);
  throw E(s.str());
}

}  // namespace fastdl

// FASTDL_CHECK(condition, ValueError, "matmul: expected ", x, ", got ", y)
#define FASTDL_CHECK(condition, E, ...)          \
  do {                                           \
    if (!(condition)) [[unlikely]]               \
      ::fastdl::raise<::fastdl::E>(__VA_ARGS__); \
  } while (0)
