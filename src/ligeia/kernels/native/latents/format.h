// The numbers of the bitstream of a picture's grids (spec/pictures.md). ligeia.codec has them, too, and
// tests/kernels/test_interface.py compares both.
#pragma once
#include <stdint.h>

namespace format {

constexpr int HIDDEN = 16;        // features of a hidden layer of a context network
constexpr int FRACTION = 12;      // bits of a weight after the point
constexpr int MEAN_BITS = 4;      // of a mean after the point
constexpr int NUM_SCALES = 169;   // of the Laplace distributions
constexpr int FIRST_SCALE = -72;  // the logarithm of scale 0, in sixteenths
constexpr int PRECISION = 24;     // bits of a probability
constexpr int DELAY = 3;          // columns by which a row of a grid is behind the row above it
constexpr int MOST_INPUT = 255;   // what a context sees of an integer, in magnitude
constexpr int COUNT_BITS = 5;     // of an escape: how many bits follow
constexpr int64_t MOST_VALUE = 1 << 30;
constexpr int64_t MOST_MEAN = 1 << 20;
constexpr double MOST_HIDDEN = (1 << 30) - 1;

}  // namespace format
