// Reads the integers of a picture's grid: a context network in exact arithmetic, and the entropy coder
// (spec/container.md, s. 4, and spec/pictures.md). Sums and products are whole numbers below 2^53, so that doubles hold
// them exactly in any order.
#include "decode.h"

#include <math.h>

#include <algorithm>

#include "../pool.h"
#include "format.h"
#include "latents.h"

namespace {

using namespace format;
constexpr int64_t TOTAL = 1 << PRECISION;
constexpr double ONE = 1 << FRACTION;

struct Coder {
  uint64_t value;
  const uint32_t* words;  // the next to be read is the last of `left`
  int64_t left;
  uint32_t quantile() const { return static_cast<uint32_t>(value & (TOTAL - 1)); }
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
  coder.advance(static_cast<uint32_t>(start), static_cast<uint32_t>(end - start));
  if (symbol > 0 && symbol < 2 * reach + 2) return symbol - 1 - reach;
  const int bits = static_cast<int>(coder.plain(COUNT_BITS));
  if (bits > 29) return 4 * MOST_VALUE;
  int64_t excess = int64_t{1} << bits;
  for (int shift = 0; shift < bits; shift += 16) excess |= int64_t{coder.plain(std::min(16, bits - shift))} << shift;
  return symbol ? reach + excess : -reach - excess;
}

double seen(int32_t value) { return std::min(std::max(value, -MOST_INPUT), MOST_INPUT); }

// the value at a cell of a grid, 0 beyond it
double value_at(const int32_t* values, int y, int x, int rows, int columns) {
  return y < 0 || x < 0 || y >= rows || x >= columns ? 0.0 : seen(values[int64_t{y} * columns + x]);
}

// where the cell of the parent is: above this one, or the next nearest one
int parent_cell(int cell, int next) { return (cell >> 1) + (next ? (cell & 1 ? 1 : -1) : 0); }

double input_at(const ReadGrid& grid, const ReadInput& input, int y, int x) {
  if (input.source == SAME) return value_at(grid.values, y + input.row, x + input.column, grid.rows, grid.columns);
  if (input.source == OTHER) return value_at(input.other, y, x, grid.rows, grid.columns);
  if (input.source != PARENT || !grid.parent) return 0;
  const int row = std::min(std::max(parent_cell(y, input.row), 0), grid.parent_rows - 1);
  return value_at(grid.parent, row, parent_cell(x, input.column), grid.parent_rows, grid.parent_columns);
}

struct Prediction {
  int64_t mean;  // in sixteenths
  int scale;
};

Prediction predict(const ReadGrid& grid, int y, int x) {
  constexpr double half = 1 << (2 * FRACTION - MEAN_BITS - 1);
  double low[HIDDEN], high[HIDDEN], out[2] = {grid.output_bias[0], grid.output_bias[1]};
  for (int j = 0; j < HIDDEN; j++) low[j] = grid.bias[j];
  for (int k = 0; k < grid.num_inputs; k++) {
    const double in = input_at(grid, grid.inputs[k], y, x);
    if (in == 0) continue;
    const double* w = grid.first + k * HIDDEN;
    for (int j = 0; j < HIDDEN; j++) low[j] += w[j] * in;
    for (int o = 0; o < 2; o++) out[o] += grid.straight[2 * k + o] * in;
  }
  for (int j = 0; j < HIDDEN; j++) {
    low[j] = std::max(low[j], 0.0);
    high[j] = ONE * (low[j] + grid.second_bias[j]);
  }
  for (int k = 0; k < HIDDEN; k++) {
    if (low[k] == 0) continue;
    const double* w = grid.second + k * HIDDEN;
    for (int j = 0; j < HIDDEN; j++) high[j] += w[j] * low[k];
  }
  for (int o = 0; o < 2; o++) out[o] *= ONE;
  for (int j = 0; j < HIDDEN; j++) {
    const double h = std::min(floor(std::max(high[j], 0.0) / ONE), MOST_HIDDEN);
    for (int o = 0; o < 2; o++) out[o] += grid.output[2 * j + o] * h;
  }
  constexpr double most_mean = MOST_MEAN;
  const double rounded = floor((out[0] + half) / (2 * half));
  const double scaled = floor((out[1] + half) / (2 * half)) - FIRST_SCALE;
  return {static_cast<int64_t>(std::min(std::max(rounded, -most_mean), most_mean)),
          static_cast<int>(std::min(std::max(scaled, 0.0), NUM_SCALES - 1.0))};
}

}  // namespace

// Returns 0, or 1 where an integer is too large.
LIGEIA_API int ligeia_latents_read(const ReadGrid* grid, const int64_t* tails, const int64_t* reaches, int64_t longest,
                                   ReadState* state) {
  const int rows = grid->rows, columns = grid->columns;
  const Tables tables = {tails, reaches, longest};
  Coder coder = {state->value, state->words, state->left};
  for (int64_t time = 0; time < columns + int64_t{DELAY} * (rows - 1); time++) {
    const int64_t begin = std::max<int64_t>(0, (time - columns + DELAY) / DELAY);
    const int64_t end = std::min<int64_t>(rows - 1, time / DELAY);
    for (int y = static_cast<int>(begin); y <= end; y++) {
      const int x = static_cast<int>(time - int64_t{DELAY} * y);
      const Prediction found = predict(*grid, y, x);
      const int64_t nearest = (found.mean + (1 << (MEAN_BITS - 1))) >> MEAN_BITS;
      const int fraction = static_cast<int>(found.mean - (nearest << MEAN_BITS));
      const int64_t value = nearest + read_offset(coder, tables, found.scale, fraction);
      if (value >= MOST_VALUE || value <= -MOST_VALUE) return 1;
      grid->values[int64_t{y} * columns + x] = static_cast<int32_t>(value);
    }
  }
  state->value = coder.value;
  state->left = coder.left;
  return 0;
}
