// What decode.cpp and its caller share. Plain data only.
#pragma once
#include <stdint.h>

// One input of a context network. `source` is a LatentSource; of grids of the same shape, `other` is the one meant.
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
