// The machine's floors: fused multiply-adds per second, and bytes read per second from arrays of several
// sizes, from those in the first cache to those in memory, on `threads` threads.
// Compiled for the machine at hand by floors.py; prints JSON.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
typedef float vf __attribute__((vector_size(kBytes)));

double seconds_of(int threads, auto body) {
  double best = 1e30;
  for (int r = 0; r < 5; ++r) {
    auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> team;
    for (int t = 0; t < threads; ++t) team.emplace_back([&, t] { body(t); });
    for (std::thread& t : team) t.join();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  // 12 chains: enough to hide the latency of two units.
  constexpr long kSteps = 20'000'000;
  const double fma_seconds = seconds_of(threads, [](int) {
    vf acc[12] = {}, x = vf{} + 0.999f, y = vf{} + 0.001f;
    for (long i = 0; i < kSteps; ++i)
      for (vf& a : acc) {
        a = a * x + y;
        asm volatile("" : "+v"(a));
      }
  });
  const double flops = 2.0 * 12 * kBytes / 4 * kSteps * threads / fma_seconds;
  // Sums over parts of 256 MiB a thread, again and again where a part is small.
  constexpr long kBytesRead = 256l << 20;
  std::vector<std::vector<float>> data(threads, std::vector<float>(kBytesRead / 4 + 16, 1.0f));
  volatile float sink = 0;
  auto bytes_per_second = [&](long part) {
    const double seconds = seconds_of(threads, [&, part](int t) {
      vf s[8] = {};
      const vf* p = reinterpret_cast<const vf*>((reinterpret_cast<size_t>(data[t].data()) + 63) / 64 * 64);
      for (long r = 0; r < kBytesRead / part; ++r) {
        for (long i = 0; i < part / kBytes; i += 8)
          for (int u = 0; u < 8; ++u) s[u] += p[i + u];
        asm volatile("" ::: "memory");  // or the compiler reads once
      }
      float total = 0;
      for (vf& v : s) total += v[0];
      sink = sink + total;
    });
    return double(kBytesRead) * threads / seconds;
  };
  std::printf("{\"flops\": %.4g, \"bytes_at\": [", flops);
  for (long part = 16 << 10; part < kBytesRead; part *= 16)
    std::printf("[%ld, %.4g], ", part * threads, bytes_per_second(part));
  const double bytes = bytes_per_second(kBytesRead);
  std::printf("[%ld, %.4g]], \"bytes\": %.4g}\n", kBytesRead * threads, bytes, bytes);
}
