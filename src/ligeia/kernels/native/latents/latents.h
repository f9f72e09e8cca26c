// What api.cpp (compiled for the oldest processor) and the variants (variant.cpp, compiled once per instruction set)
// share: the fit of latent grids to a picture. Plain data and function pointers only, as in sine/plan.h.
//
// Rows of a grid lie `stride` floats apart, with zeros on both sides and above and below, so that neighbors can be
// read anywhere. Nothing here allocates: all memory is the caller's.
#pragma once
#include <stdint.h>

#include "format.h"

enum {
  LATENT_MARGIN = 8,  // zeros beside each row; above and below there are LATENT_ABOVE and one row of them
  LATENT_ABOVE = 3,
  LATENT_TAPS = 4,  // coefficients of a cubic B-spline at a place
  MOST_LATENT_INPUTS = 24,
  MOST_LATENT_FEATURES = 16,
  MOST_LATENT_CHANNELS = 8,
  LATENT_SUMS = 16,  // sums of gradients side by side, whatever the number of threads
};

constexpr float LEAST_LOG_SCALE = -4.5f, MOST_LOG_SCALE = 6.f;
constexpr float SHARPNESS = 16.f;  // of the bend of the point network's activation (ligeia.networks.LatentGrid)

// Floats of a row of scratch: 64 more at least than it has values.
static inline int64_t wide_row(int columns) { return (int64_t{columns} + 127) / 64 * 64; }

// One input of a context network: a neighbor in the same grid, one in another grid of the same shape, or one of the
// four nearest cells of the parent, where row and column are 0 for the cell above this one and 1 for the next nearest.
enum LatentSource { SAME = 0, OTHER = 1, PARENT = 2, NOTHING = 3 };
struct LatentInput {
  int source, row, column, grid;
};

struct LatentGrid {
  int rows, columns, stride;
  int network, bias;               // the context network, and which of its biases
  int parent;                      // the grid of the next coarser level, or -1
  int feature;                     // which feature of the point network it is part of
  float step;                      // of its values, in the network's units
  float *latent, *first, *second;  // what is fitted, and Adam's moments
  float *value, *slope, *grad;     // what is evaluated, its slope along the latent, the loss's slope along it
  float *across, *across_grad;     // [rows][width]: enlarged along rows, and the loss's slopes
  const int* column_index;         // [taps][width]
  const float* column_weight;
  const int* row_index;  // [height][taps]
  const float* row_weight;
  const int* row_span;  // [rows][2]: which rows of the picture depend on a row, first and last
  LatentInput inputs[MOST_LATENT_INPUTS];
};

// inputs -> hidden -> hidden (added to the first) -> mean and logarithm of the scale, to which inputs also lead
// straight. weights: [input][hidden], biases [which][hidden], [hidden][hidden], [hidden], [2][hidden], [2][input],
// biases [which][2]
struct ContextNetwork {
  int num_inputs, num_biases;
  const float* weights;
  float* grad;
};

// features -> hidden -> values, to which features also lead straight: [feature][hidden], [hidden], [channel][hidden],
// [channel][feature], [channel]
struct PointNetwork {
  int num_features, num_channels;
  const float* weights;
  float* grad;
};

struct LatentFit {
  int height, width, num_grids, num_networks;
  LatentGrid* grids;  // in the order of coding
  ContextNetwork* networks;
  PointNetwork point;
  const float* target;  // [channel][height][width]
  float* values;        // the same, or null: what the point network gives
  float* feature_grad;  // [feature][height][width]
  float* scratch;       // of latent_scratch floats
};

struct Relaxation {
  float temperature, noise;
  uint32_t key;
  int is_hard;  // rounded, without noise
};

struct LatentAdam {
  float rate, beta1, beta2, eps, correction1, correction2;
};

struct LatentVariant {
  int64_t context_scratch, point_scratch;  // floats of a task
  int64_t context_sums, point_sums;        // floats of the sums of gradients of a task
  void (*relax)(const LatentFit* fit, int grid, int first, int last, const Relaxation* how);
  void (*adam)(const LatentFit* fit, int grid, int first, int last, const LatentAdam* how);
  // Returns the nats of the rows; with a price, its product with their slopes is added to the grids' and to `sums`.
  double (*context)(const LatentFit* fit, int grid, int first, int last, float price, int with_grad, float* scratch,
                    float* sums);
  void (*add_context)(const LatentFit* fit, int network, int bias, const float* sums);
  void (*across)(const LatentFit* fit, int grid, int first, int last);
  void (*across_back)(const LatentFit* fit, int grid, int first, int last);
  // Returns the sum of squared errors of the picture's rows.
  double (*point)(const LatentFit* fit, int first, int last, float factor, int with_grad, float* scratch, float* sums);
  void (*add_point)(const LatentFit* fit, const float* sums);
  void (*down)(const LatentFit* fit, int grid, int first, int last);
};

extern "C" {
extern const LatentVariant ligeia_baseline_latents;
#if LIGEIA_X86  // set by the build, together with the variants
extern const LatentVariant ligeia_avx2_latents, ligeia_avx512_latents, ligeia_avx512_bf16_latents;
#endif
}
