// The machine's floors: fused multiply-adds per second, and bytes read per second from memory and from the
// first cache, on `threads` threads.
// Compiled for the machine at hand by floors.py; prints JSON.
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
  // Sums over 256 MiB a thread, far beyond the caches one core fills; and 16 KiB again and again.
  constexpr long kFloats = 64 << 20, kCached = 4096;
  std::vector<std::vector<float>> data(threads, std::vector<float>(kFloats + 16, 1.0f));
  volatile float sink = 0;
  auto read = [&](long floats, long times) {
    return seconds_of(threads, [&, floats, times](int t) {
      vf s[8] = {};
      const vf* p = reinterpret_cast<const vf*>((reinterpret_cast<size_t>(data[t].data()) + 63) / 64 * 64);
      for (long r = 0; r < times; ++r) {
        for (long i = 0; i < floats * 4 / kBytes; i += 8)
          for (int u = 0; u < 8; ++u) s[u] += p[i + u];
        asm volatile("" ::: "memory");  // or the compiler reads once
      }
      float total = 0;
      for (vf& v : s) total += v[0];
      sink = sink + total;
    });
  };
  const double bytes = 4.0 * kFloats * threads;
  std::printf("{\"flops\": %.4g, \"bytes\": %.4g, \"cache_bytes\": %.4g}\n", flops, bytes / read(kFloats, 1),
              bytes / read(kCached, kFloats / kCached));
}
