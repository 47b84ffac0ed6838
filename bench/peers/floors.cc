// The machine's floors on `threads` threads: fused multiply-adds per second, those of bfloat16 where there
// are instructions for them, and bytes read per second from arrays of several sizes, which lie in caches or in
// memory. floors.py compiles this for the machine. It prints JSON.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#if defined(__AVX512BF16__) || (defined(__AMX_BF16__) && defined(__AMX_TILE__))
#include <immintrin.h>
#endif
#if defined(__AMX_BF16__) && defined(__AMX_TILE__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

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

// Operations per second of products of bfloat16 summed in float32; 0 without instructions for them.
double bf16_flops(int threads) {
  double best = 0;
#if defined(__AVX512BF16__)
  constexpr long kSteps = 10'000'000;
  const double vectors = seconds_of(threads, [](int) {
    __m512 acc[12] = {};
    __m512bh x = __m512bh(_mm512_set1_epi16(0x3f80)), y = x;  // ones
    for (long i = 0; i < kSteps; ++i)
      for (__m512& a : acc) {
        a = _mm512_dpbf16_ps(a, x, y);
        asm volatile("" : "+v"(a));
      }
  });
  best = 2.0 * 12 * 32 * kSteps * threads / vectors;
#endif
#if defined(__AMX_BF16__) && defined(__AMX_TILE__) && defined(__linux__)
  // Linux requires a request before the first use of tiles (ARCH_REQ_XCOMP_PERM, XTILEDATA).
  if (syscall(SYS_arch_prctl, 0x1023, 18) == 0) {
    constexpr long kTiles = 2'000'000;
    const double tiles = seconds_of(threads, [](int) {
      // Eight tiles of 16 rows and 64 bytes: palette, start row, 14 reserved, bytes, rows.
      alignas(64) unsigned char config[64] = {1};
      for (int i = 0; i < 8; ++i) config[16 + 2 * i] = 64, config[48 + i] = 16;
      asm volatile("" ::"r"(config) : "memory");  // GCC thinks that only the first 8 bytes are read
      _tile_loadconfig(config);
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
      _tile_zero(4);
      _tile_zero(5);
      _tile_zero(6);
      _tile_zero(7);
      for (long i = 0; i < kTiles; ++i) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
      _tile_release();
    });
    best = std::max(best, 2.0 * 4 * 16 * 16 * 32 * kTiles * threads / tiles);
  }
#endif
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
  // Sums over parts of 256 MiB per thread, repeated where a part is small.
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
  std::printf("{\"flops\": %.4g, \"bf16_flops\": %.4g, \"bytes_at\": [", flops, bf16_flops(threads));
  for (long part = 16 << 10; part < kBytesRead; part *= 16)
    std::printf("[%ld, %.4g], ", part * threads, bytes_per_second(part));
  const double bytes = bytes_per_second(kBytesRead);
  std::printf("[%ld, %.4g]], \"bytes\": %.4g}\n", kBytesRead * threads, bytes, bytes);
}
