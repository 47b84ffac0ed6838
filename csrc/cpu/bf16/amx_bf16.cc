// Products by tdpbf16ps: C += A B for tiles of 16 x 32 and 32 x 16 in one instruction. 32 x 32 elements of C
// take four of the eight tile registers, so that each tile of A and B that is loaded is used twice.
#include "cpu/bf16/declare.h"

namespace fastdl::amx_bf16 {
namespace {

// All eight tiles: 16 rows of 64 bytes (the layout is that of LDTILECFG).
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t bytes_of_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);
const TileConfig kConfig;

// Registers 0 to 3 hold C, two to a row of tiles; 4 and 5 hold A, 6 and 7 hold B.
template <int R, int V>
void multiply_tiles(const Bf16Product& p, float* c, int64_t c_row, int accumulate) {
  const int64_t row = 4 * c_row;
  float* const below = c + 16 * c_row;
  if (accumulate) {
    _tile_loadd(0, c, row);
    if constexpr (V == 2) _tile_loadd(1, c + 16, row);
    if constexpr (R == 2) _tile_loadd(2, below, row);
    if constexpr (R == 2 && V == 2) _tile_loadd(3, below + 16, row);
  } else {
    _tile_zero(0);
    if constexpr (V == 2) _tile_zero(1);
    if constexpr (R == 2) _tile_zero(2);
    if constexpr (R == 2 && V == 2) _tile_zero(3);
  }
  const int64_t a_row = 2 * p.a_row, a_step = p.a_step, a_strip = p.a_strip, b_strip = p.b_strip;
  for (int64_t r = 0; r < p.count; ++r) {
    const uint16_t *a = p.a + p.runs[r], *b = p.b + r * p.b_run;
    for (int64_t step = 0; step < p.steps; ++step, a += a_step, b += kBf16Tile) {
      _tile_loadd(4, a, a_row);
      _tile_loadd(6, b, 64);
      _tile_dpbf16ps(0, 4, 6);
      if constexpr (V == 2) {
        _tile_loadd(7, b + b_strip, 64);
        _tile_dpbf16ps(1, 4, 7);
      }
      if constexpr (R == 2) {
        _tile_loadd(5, a + a_strip, a_row);
        _tile_dpbf16ps(2, 5, 6);
      }
      if constexpr (R == 2 && V == 2) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, c, row);
  if constexpr (V == 2) _tile_stored(1, c + 16, row);
  if constexpr (R == 2) _tile_stored(2, below, row);
  if constexpr (R == 2 && V == 2) _tile_stored(3, below + 16, row);
}

void begin() { _tile_loadconfig(&kConfig); }
void end() { _tile_release(); }

void multiply(int rows, int columns, const Bf16Product& product, float* c, int64_t c_row, int accumulate) {
  const auto tiles = rows == 2 ? (columns == 2 ? multiply_tiles<2, 2> : multiply_tiles<2, 1>)
                               : (columns == 2 ? multiply_tiles<1, 2> : multiply_tiles<1, 1>);
  tiles(product, c, c_row, accumulate);
}

}  // namespace
}  // namespace fastdl::amx_bf16

FASTDL_BF16_TABLE(amx_bf16, 25, begin, end, multiply)
