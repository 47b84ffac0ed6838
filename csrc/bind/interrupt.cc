#include "bind/interrupt.h"

#include <signal.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include "bind/convert.h"

namespace fastdl {
namespace {

CancelFlag interrupted;
struct sigaction before;  // Python's handler

bool on_main_thread() {
#if defined(__linux__)
  return syscall(SYS_gettid) == getpid();  // in a child too, whose main thread is the one that forked
#else
  return pthread_main_np() != 0;
#endif
}

void on_signal(int number, siginfo_t* info, void* context) {
  interrupted.raise();
  if (before.sa_flags & SA_SIGINFO)
    before.sa_sigaction(number, info, context);
  else
    before.sa_handler(number);
}

bool is_ours(const struct sigaction& a) { return a.sa_flags & SA_SIGINFO && a.sa_sigaction == &on_signal; }

}  // namespace

InterruptFlag::InterruptFlag(bool wanted) {
  if (!wanted || !on_main_thread()) return;
  struct sigaction now;
  if (sigaction(SIGINT, nullptr, &now)) return;
  if (is_ours(now)) {  // this is a signal handler that runs during another long call
    interrupted.lower();
    flag_ = &interrupted;
    return;
  }
  if (!(now.sa_flags & SA_SIGINFO) && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)) return;
  before = now;
  interrupted.lower();
  struct sigaction ours = now;
  ours.sa_flags |= SA_SIGINFO;
  ours.sa_sigaction = &on_signal;
  if (sigaction(SIGINT, &ours, nullptr)) return;
  installed_ = true;
  flag_ = &interrupted;
}

InterruptFlag::~InterruptFlag() {
  if (!installed_) return;
  struct sigaction now;
  if (!sigaction(SIGINT, nullptr, &now) && is_ours(now)) sigaction(SIGINT, &before, nullptr);
}

namespace {

// Runs without the GIL; returns whether it was stopped. At process exit, taking the GIL ends the thread by unwinding
// its stack. So no destructor takes it, and nothing here catches the unwinding.
bool released(FunctionRef<void()> run, bool may_stop) {
  bool stopped = false;
  std::exception_ptr thrown;
  PyThreadState* thread = PyEval_SaveThread();
  {
    InterruptFlag interrupt(may_stop);
    Watch watch(interrupt.flag());
    try {
      run();
    } catch (const Cancelled&) {
      stopped = true;
    } catch (const std::exception&) {
      thrown = std::current_exception();
    }
  }
  PyEval_RestoreThread(thread);
  if (thrown) std::rethrow_exception(thrown);
  return stopped;
}

void without_interpreter(FunctionRef<void()> run, bool may_stop) {
  if (!PyGILState_Check()) return run();  // within a plan's loop
  if (!released(run, may_stop)) return;
  if (PyErr_CheckSignals()) throw py::error_already_set();
  released(run, false);  // no handler raised, so the call begins anew
}

}  // namespace

void release_in_long_calls() { set_long_run(&without_interpreter); }

}  // namespace fastdl
