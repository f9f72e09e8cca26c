// Reads the integers of a picture's grid: a context network in exact arithmetic, and the entropy coder (spec/container.md,
// s. 4, and spec/pictures.md). Sums and products are whole numbers below 2^53, so that doubles hold them exactly in any order.
#include <math.h>
#include <stdint.h>

#include <algorithm>

#include "pool.h"

namespace {

constexpr int HIDDEN = 16, FRACTION = 12, MEAN_BITS = 4, NUM_SCALES = 169, PRECISION = 24, DELAY = 3;
constexpr int MOST_INPUT = 255, COUNT_BITS = 5;
constexpr int64_t TOTAL = 1 << PRECISION, MOST_VALUE = 1 << 30, MOST_MEAN = 1 << 20;
constexpr double MOST_HIDDEN = 1073741823.0, ONE = 1 << FRACTION;

struct Coder {
  uint64_t value;
  const uint32_t* words;  // the next to be read is the last of `left`
  int64_t left;
  uint32_t quantile() const { return (uint32_t)(value & (TOTAL - 1)); }
  void advance(uint32_t start, uint32_t width) {
    value = (value >> PRECISION) * width + quantile() - start;
    if (value >> 32 == 0 && left > 0) value = value << 32 | words[--left];
  }
  uint32_t plain(int bits) {
    const uint32_t found = quantile() >> (PRECISION - bits);
    advance(found << (PRECISION - bits), 1u << (PRECISION - bits));
    return found;
  }
};

struct Tables {
  const int64_t* tails;  // [scale][longest]
  const int64_t* reaches;
  int64_t longest;
};

// Where symbol number i of a scale begins, for a mean `fraction` sixteenths above an integer.
int64_t start_of(const Tables& tables, int scale, int fraction, int64_t i) {
  const int64_t reach = tables.reaches[scale], count = 2 * reach + 3;
  int64_t below = i <= 0 ? 0 : TOTAL;
  if (i > 0 && i < count) {
    const int64_t edge = (i - 1 - reach) * (1 << MEAN_BITS) - (1 << (MEAN_BITS - 1)) - fraction;
    const int64_t tail = tables.tails[scale * tables.longest + (edge < 0 ? -edge : edge)];
    below = edge <= 0 ? tail : TOTAL - tail;
  }
  return (below * (TOTAL - count) >> PRECISION) + i;
}

// The next integer less that nearest to its mean; beyond all integers where an escape is not one.
int64_t read_offset(Coder& coder, const Tables& tables, int scale, int fraction) {
  const int64_t reach = tables.reaches[scale], quantile = coder.quantile();
  int64_t symbol = reach + 1, start = start_of(tables, scale, fraction, symbol), end;
  if (start <= quantile) {
    while ((end = start_of(tables, scale, fraction, symbol + 1)) <= quantile) symbol++, start = end;
  } else {
    do end = start, start = start_of(tables, scale, fraction, --symbol);
    while (start > quantile);
  }
  coder.advance((uint32_t)start, (uint32_t)(end - start));
  if (symbol > 0 && symbol < 2 * reach + 2) return symbol - 1 - reach;
  const int bits = (int)coder.plain(COUNT_BITS);
  if (bits > 29) return 4 * MOST_VALUE;
  int64_t excess = (int64_t)1 << bits;
  for (int shift = 0; shift < bits; shift += 16) excess |= (int64_t)coder.plain(std::min(16, bits - shift)) << shift;
  return symbol ? reach + excess : -reach - excess;
}

double seen(int32_t value) { return (double)std::min(std::max(value, -MOST_INPUT), MOST_INPUT); }

}  // namespace

// One input of a context: 0 the same grid, 1 another one of the same shape, 2 the parent, 3 nothing.
struct ReadInput {
  int source, row, column;
  const int32_t* other;
};

struct ReadGrid {
  int rows, columns, num_inputs;
  const ReadInput* inputs;
  const int32_t* parent;  // or null
  int parent_rows, parent_columns;
  // [input][hidden], [hidden], [hidden][hidden], [hidden], [hidden][2], [input][2], [2]
  const double *first, *bias, *second, *second_bias, *output, *straight, *output_bias;
  int32_t* values;
};

struct ReadState {
  uint64_t value;
  const uint32_t* words;
  int64_t left;
};

// Returns 0, or 1 where an integer is too large.
LIGEIA_API int ligeia_latents_read(const ReadGrid* grid, const int64_t* tails, const int64_t* reaches, int64_t longest,
                                   ReadState* state) {
  const int rows = grid->rows, columns = grid->columns, num_inputs = grid->num_inputs;
  const Tables tables = {tails, reaches, longest};
  Coder coder = {state->value, state->words, state->left};
  constexpr double half = 1 << (2 * FRACTION - MEAN_BITS - 1);
  const auto at = [&](const int32_t* values, int y, int x, int height, int width) {
    return y < 0 || x < 0 || y >= height || x >= width ? 0.0 : seen(values[(int64_t)y * width + x]);
  };
  for (int64_t time = 0; time < columns + (int64_t)DELAY * (rows - 1); time++) {
    const int64_t begin = std::max<int64_t>(0, (time - columns + DELAY) / DELAY);
    const int64_t end = std::min<int64_t>(rows - 1, time / DELAY);
    for (int y = (int)begin; y <= end; y++) {
      const int x = (int)(time - (int64_t)DELAY * y);
      double low[HIDDEN], high[HIDDEN], out[2] = {grid->output_bias[0], grid->output_bias[1]};
      for (int j = 0; j < HIDDEN; j++) low[j] = grid->bias[j];
      for (int k = 0; k < num_inputs; k++) {
        const ReadInput& input = grid->inputs[k];
        double in = 0;
        if (input.source == 0) {
          in = at(grid->values, y + input.row, x + input.column, rows, columns);
        } else if (input.source == 1) {
          in = at(input.other, y, x, rows, columns);
        } else if (input.source == 2 && grid->parent) {
          const int row = (y >> 1) + (input.row ? (y & 1 ? 1 : -1) : 0);
          const int column = (x >> 1) + (input.column ? (x & 1 ? 1 : -1) : 0);
          in = at(grid->parent, std::min(std::max(row, 0), grid->parent_rows - 1), column, grid->parent_rows,
                  grid->parent_columns);
        }
        if (in == 0) continue;
        const double* w = grid->first + k * HIDDEN;
        for (int j = 0; j < HIDDEN; j++) low[j] += w[j] * in;
        for (int o = 0; o < 2; o++) out[o] += grid->straight[2 * k + o] * in;
      }
      for (int j = 0; j < HIDDEN; j++) {
        low[j] = std::max(low[j], 0.0);
        high[j] = ONE * (low[j] + grid->second_bias[j]);
      }
      for (int k = 0; k < HIDDEN; k++) {
        if (low[k] == 0) continue;
        const double* w = grid->second + k * HIDDEN;
        for (int j = 0; j < HIDDEN; j++) high[j] += w[j] * low[k];
      }
      for (int o = 0; o < 2; o++) out[o] *= ONE;
      for (int j = 0; j < HIDDEN; j++) {
        const double h = std::min(floor(std::max(high[j], 0.0) / ONE), MOST_HIDDEN);
        for (int o = 0; o < 2; o++) out[o] += grid->output[2 * j + o] * h;
      }
      const double rounded = floor((out[0] + half) / (2 * half)), scaled = floor((out[1] + half) / (2 * half)) + 72;
      const int64_t mean = (int64_t)std::min(std::max(rounded, -(double)MOST_MEAN), (double)MOST_MEAN);
      const int scale = (int)std::min(std::max(scaled, 0.0), NUM_SCALES - 1.0);
      const int64_t nearest = (mean + (1 << (MEAN_BITS - 1))) >> MEAN_BITS;
      const int64_t value = nearest + read_offset(coder, tables, scale, (int)(mean - (nearest << MEAN_BITS)));
      if (value >= MOST_VALUE || value <= -MOST_VALUE) return 1;
      grid->values[(int64_t)y * columns + x] = (int32_t)value;
    }
  }
  state->value = coder.value;
  state->left = coder.left;
  return 0;
}
