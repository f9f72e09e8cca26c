// What the run-time (compiled for the oldest processor) and the variants (variant.cpp, compiled once per instruction
// set) share. Plain data and function pointers only: an inline function here could be compiled with AVX-512
// in one object file and be picked by the linker for all.
#pragma once
#include <stdint.h>

// A layer's activations of one tile lie in column panels of NR = 2 vectors: [panel][point][NR]. Every stride of the
// inner loops is then known to the compiler, at any width. Columns that fill up the last panel are zero throughout.
struct Layer {
  int in, out;
  float omega;      // 0: no sine
  int bfloat16;     // products of this layer in bfloat16, sums in float32
  float* forward;   // [panel of outputs][input][NR], times omega: the product is the phase
  float* backward;  // [panel of inputs][output][NR], as they are
  float* bias;      // [panels * NR], times omega
  float steepest;   // no phase changes by more than this over inputs in [-1, 1]
  float offset;     // largest absolute bias, times omega
};

// What one thread works with: the activations of a tile and its sum of gradients.
struct Share {
  float* x;          // [panel][point][NR]
  float** sine;      // per layer; of the last one: the network's output
  float** cosine;    // omega * cos of the phase
  uint32_t** rows;   // sine in bfloat16, neighbors in a row as pairs: [panel][point][NR / 2]
  uint32_t** pairs;  // sine in bfloat16, neighboring points as pairs: [panel][point / 2][NR]
  float* delta[2];   // dL / d(W v + b) of the layer at hand and of the one below
  uint32_t* delta_rows[2];
  uint32_t* delta_pairs[2];
  float** weight_sum;  // [panel of inputs][output, padded to 4][NR]
  float** bias_sum;    // [panels * NR]
  float* square[3];    // room for products of square matrices of weights, laid out like weight_sum
  int fresh;           // nothing has been added to the sums yet: the first tile writes them
  double loss;
};

struct Plan {
  int num_layers;
  Layer* layers;
  int tile;  // most points of a tile, a multiple of 4
  int num_shares;
  Share* shares;
  const struct Variant* variant;
  void* memory;
};

struct AdamStep {
  float rate, eps;
  float beta2, rest1, rest2;       // rest = 1 - beta, formed in double precision
  float correction1, correction2;  // 1 - beta ** step
};

// How weights are fitted that a file holds as multiples of steps, one step for each tensor.
struct CodedStep {
  AdamStep adam;
  const float* steps;
  const float* prices;       // slope of the price of a weight's bits over the weight
  const float* muon_rates;   // over the rate; 0: the tensor takes steps of Adam
  const float* polynomials;  // [num_polynomials][3]: factors of M, M M'M, M M'M M'M that bring M nearer to orthogonal
  int num_polynomials;
  uint32_t key;  // of the noise
  int rounded;   // what is evaluated next: the nearest multiple, or the weight and noise as wide as a step
};

// What is fitted of a network whose weights a file holds as multiples of steps. Each array of pointers and each of
// numbers has weight and bias of each layer in turn.
struct CodedFit {
  float* const* evaluated;
  float* const* weights;
  float* const* first;
  float* const* second;
  const float* steps;
  const float* prices;
  const float* muon_rates;
  const float* polynomials;
  double* slopes;  // the mean slopes of the errors along the steps are added to these
  double rate, eps, beta1, beta2;
  int64_t num_steps;  // of Adam, taken before
  int rounded;
  int num_polynomials;
};

// Derivatives carried beside the values: along `num_slopes` directions, and `num_curvatures` sums of second ones.
// Curvature k of a function f is the sum over its terms of factor * d_i d_j f. Streams: values, slopes, curvatures.
struct JetTerm {
  int curvature, i, j;  // curvatures in order, directions from 0
  float factor;
};
struct JetShape {
  int num_slopes, num_curvatures;
  int num_terms;
  const JetTerm* terms;
};
enum { MOST_SLOPES = 8, MOST_CURVATURES = 8 };

struct Variant {
  int panel;  // NR
  int has_bfloat16;
  float largest_phase;  // beyond it, reduction by multiples of pi is no longer exact
  // weight and bias of a layer into the order of the inner loops; the work is cut into (out + in) panels
  void (*pack)(Layer* layer, const float* weight, const float* bias, int share, int num_shares);
  void (*values)(const Plan* plan, Share* share, const float* x, int64_t n, float* values);
  // value and d value / d x, (n, out) and (n, out, in)
  void (*jacobian)(const Plan* plan, Share* share, const float* x, int64_t n, float* values, float* jacobian);
  // adds dL / d parameters to the share's sums, given dL / d values; grad_x may be null
  void (*backward)(const Plan* plan, Share* share, const float* x, const float* grad, int64_t n, float* grad_x,
                   int with_parameters);
  // All streams of a jet at n points, given those of the inputs; a stream follows the one before it after `total`
  // points.
  void (*jet)(const Plan* plan, Share* share, const JetShape* shape, const float* streams, int64_t n, int64_t total,
              float* jets);
  // adds dL / d parameters to the share's sums, given dL / d jets
  void (*jet_backward)(const Plan* plan, Share* share, const JetShape* shape, const float* streams, const float* grads,
                       int64_t n, int64_t total);
  // the same as `backward` for L = factor * sum of squared errors against n samples y: each the weighted sum over a
  // group of points
  void (*squared_error)(const Plan* plan, Share* share, const float* x, const float* y, const float* weights, int group,
                        int64_t n, float factor);
  // sums of the shares, in order, for outputs [first, last) of a layer
  void (*collect)(const Plan* plan, int layer, int first, int last, float* weight_grad, float* bias_grad);
  void (*adam)(const Plan* plan, int layer, int first, int last, float* const* weight, float* const* bias,
               const AdamStep* step);  // {values, first moments, second moments}
  // The same for weights beside those that were evaluated; `tensor` counts weights and biases, `index` their values.
  // {evaluated, weights, first moments, second moments}; the errors' slopes along the steps are added to `slopes`.
  // Weights with a rate of Muon only update their moments; `orthogonalize` and `coded_muon` follow.
  void (*coded_adam)(const Plan* plan, int layer, int first, int last, float* const* weight, float* const* bias,
                     uint32_t index, const CodedStep* step, double* slopes);
  void (*orthogonalize)(const Plan* plan, Share* share, int layer, const CodedStep* step);
  void (*coded_muon)(const Plan* plan, int layer, int first, int last, float* evaluated, float* weights, uint32_t index,
                     const CodedStep* step);
  void (*coded_values)(float* evaluated, const float* weights, int64_t n, int tensor, uint32_t index,
                       const CodedStep* step);
  float (*largest)(const float* x, int64_t n);   // absolute value, NaN counts as larger than infinity
  double (*busy)(int64_t rounds, int bfloat16);  // multiply-adds in registers only; returns their number
};

// The variant of a path of the library, by its number in paths.h.
const Variant* variant_of(int path);

extern "C" {
extern const Variant ligeia_baseline;
#if LIGEIA_X86  // set by the build, together with the variants
extern const Variant ligeia_avx2, ligeia_avx512, ligeia_avx512_bf16;
#endif
}
