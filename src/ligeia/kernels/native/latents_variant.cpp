// The fit of latent grids, in rows: noisy values, their bits by a context network, the picture that they give, and back.
// Compiled once per instruction set; see latents.h. Everything here is local to the object file.
//
// Vectors run along rows. Blocks of a few vectors go through a network at once, forward and backward, so that their
// activations stay in the nearest cache and sums of gradients are loaded once a block.
#include "latents.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

namespace {

#if defined(__AVX512F__)
constexpr int VW = 16, JB = 16;  // floats of a vector, hidden features whose sums fit into registers
#elif defined(__AVX2__)
constexpr int VW = 8, JB = 8;
#else
constexpr int VW = 4, JB = 8;
#endif
constexpr int J = LATENT_HIDDEN, BLOCK = 64 / VW, K = MOST_LATENT_INPUTS, F = MOST_LATENT_FEATURES,
              C = MOST_LATENT_CHANNELS;

typedef float Vector __attribute__((vector_size(VW * 4)));
typedef float Loose __attribute__((vector_size(VW * 4), aligned(4)));
typedef int32_t Bits __attribute__((vector_size(VW * 4)));
typedef uint32_t Unsigned __attribute__((vector_size(VW * 4)));

INLINE Vector broadcast(float x) { return x - Vector{}; }
INLINE Vector load(const float* p) { return *(const Loose*)p; }
INLINE void store(float* p, Vector v) { *(Loose*)p = v; }
INLINE Vector larger(Vector a, Vector b) { return a > b ? a : b; }
INLINE Vector smaller(Vector a, Vector b) { return a < b ? a : b; }
INLINE Vector magnitude(Vector x) { return (Vector)((Bits)x & 0x7fffffff); }
INLINE float sum(Vector v) {
  float total = 0;
  UNROLL for (int i = 0; i < VW; i++) total += v[i];
  return total;
}
INLINE Bits lanes() {
  Bits found;
  UNROLL for (int i = 0; i < VW; i++) found[i] = i;
  return found;
}
INLINE Bits before(int x, int width) { return lanes() + x < width - Bits{}; }
INLINE Vector root(Vector x) {
  UNROLL for (int i = 0; i < VW; i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
}
INLINE Vector floor(Vector x) {
  const Vector cut = __builtin_convertvector(__builtin_convertvector(x, Bits), Vector);
  return cut > x ? cut - 1.f : cut;
}

// e^x, after Cephes: to within two units of the last place
INLINE Vector exponential(Vector x) {
  x = larger(smaller(x, broadcast(88.f)), broadcast(-87.f));
  const float magic = 12582912.f;
  const Vector shifted = x * 1.44269504f + magic, k = shifted - magic;
  const Vector r = x - k * 0.693359375f + k * 2.12194440e-4f;
  Vector p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  return (Vector)((Bits)p + ((Bits)shifted << 23));
}

// ln x of normal numbers above 0, after Cephes
INLINE Vector logarithm(Vector x) {
  const Bits bits = (Bits)x, exponent = (bits - 0x3f3504f3) >> 23;
  const Vector f = (Vector)(bits - (exponent << 23)) - 1.f, square = f * f;
  Vector p = f * 7.0376836292e-2f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  return f + (p * f * square - 0.5f * square) + __builtin_convertvector(exponent, Vector) * 0.69314718f;
}

// ---- latents to values ----

struct Round {
  float sharpness, half;  // 1 / T, 0.5 / tanh(0.5 / T)
};

// floor(x) + 1/2 + tanh((x - floor(x) - 1/2) / T) / (2 tanh(1 / 2T)) (Agustsson & Theis 2020, arXiv:2006.09952, eq. 10)
INLINE Vector soft_round(Vector x, Round how, Vector& slope) {
  const Vector whole = floor(x), u = (x - whole - 0.5f) * how.sharpness;
  const Vector e = exponential(-2.f * magnitude(u)), size = (1.f - e) / (1.f + e);
  slope = how.half * how.sharpness * (1.f - size * size);
  return whole + 0.5f + how.half * (u < Vector{} ? -size : size);
}

INLINE Unsigned mixed(Unsigned x) {  // Wellons' lowbias32
  x = (x ^ x >> 16) * 0x7feb352du;
  x = (x ^ x >> 15) * 0x846ca68bu;
  return x ^ x >> 16;
}

// nearly normal, of variance 1: the sum of four uniform numbers
INLINE Vector noise(Unsigned index, uint32_t key) {
  const Unsigned one = mixed(index * 0x9e3779b1u + key), two = mixed(one + 0x68bc21ebu);
  const Bits total = (Bits)(one & 0xffff) + (Bits)(one >> 16) + (Bits)(two & 0xffff) + (Bits)(two >> 16);
  return (__builtin_convertvector(total, Vector) * (1.f / 65536) - 2.f) * 1.7320508f;
}

// tanh by the same exponential, so that both ends of a soft rounding meet
float tanh_of(float x) {
  const float e = exponential(broadcast(-2 * x))[0];
  return (1 - e) / (1 + e);
}

void relax(const LatentFit* fit, int number, int first, int last, const Relaxation* how) {
  const LatentGrid& grid = fit->grids[number];
  const Round round = {1 / how->temperature, 0.5f / tanh_of(0.5f / how->temperature)};
  const uint32_t key = how->key + (uint32_t)number * 0x9e3779b9u;
  for (int y = first; y < last; y++) {
    const int64_t row = (int64_t)y * grid.stride;
    memset(grid.grad + row - LATENT_MARGIN, 0, sizeof(float) * grid.stride);
    for (int x = 0; x < grid.columns; x += VW) {
      const Vector latent = load(grid.latent + row + x);
      Vector value, slope;
      if (how->is_hard) {
        value = floor(latent + 0.5f);
        slope = broadcast(1);
      } else {
        Vector inner;
        const Unsigned index = (Unsigned)(lanes() + x) + (uint32_t)y * (uint32_t)grid.columns;
        const Vector soft = soft_round(latent, round, inner);
        value = soft_round(soft + how->noise * noise(index, key), round, slope);
        slope *= inner;
      }
      const Bits valid = before(x, grid.columns);
      store(grid.value + row + x, valid ? value : Vector{});
      store(grid.slope + row + x, valid ? slope : Vector{});
    }
  }
}

void adam(const LatentFit* fit, int number, int first, int last, const LatentAdam* how) {
  const LatentGrid& grid = fit->grids[number];
  for (int y = first; y < last; y++)
    for (int x = 0; x < grid.columns; x += VW) {
      const int64_t at = (int64_t)y * grid.stride + x;
      const Vector grad = before(x, grid.columns) ? load(grid.grad + at) * load(grid.slope + at) : Vector{};
      Vector mean = load(grid.first + at), square = load(grid.second + at);
      mean += (grad - mean) * (1 - how->beta1);
      square += (grad * grad - square) * (1 - how->beta2);
      store(grid.first + at, mean);
      store(grid.second + at, square);
      const Vector move = mean * how->correction1 / (root(square * how->correction2) + how->eps);
      store(grid.latent + at, load(grid.latent + at) - how->rate * move);
    }
}

// ---- bits ----

struct ContextLayout {
  int first, bias, second, second_bias, output, straight, output_bias;
  explicit ContextLayout(const ContextNetwork& network) {
    first = 0;
    bias = first + network.num_inputs * J;
    second = bias + network.num_biases * J;
    second_bias = second + J * J;
    output = second_bias + J;
    straight = output + 2 * J;
    output_bias = straight + 2 * network.num_inputs;
  }
};

struct ContextSums {
  Vector first[K][J], bias[J], second[J][J], second_bias[J], output[2][J], straight[2][K], output_bias[2];
};

// Nats of integers under a Laplace distribution, and their slopes along distance and logarithm of the scale.
struct Nats {
  Vector nats, along_distance, along_log_scale;
};
INLINE Nats nats_of(Vector distance, Vector log_scale) {
  const Vector rate = exponential(-log_scale);
  const Vector from_edge = distance - 0.5f;
  const Vector near_end = exponential(-magnitude(from_edge) * rate), far_end = exponential(-(distance + 0.5f) * rate);
  const Vector decay = exponential(-rate);
  const Bits beyond = from_edge > Vector{};
  const Vector rest = larger(1.f - decay, broadcast(1e-20f));
  const Vector within = larger(1.f - 0.5f * (near_end + far_end), broadcast(1e-20f));
  Nats found;
  found.nats = (beyond ? from_edge * rate : Vector{}) - logarithm(beyond ? 0.5f * rest : within);
  found.along_distance = beyond ? rate : 0.5f * rate * (near_end - far_end) / within;
  const Vector along_rate =
      beyond ? from_edge - decay / rest : -0.5f * ((0.5f - distance) * near_end + (distance + 0.5f) * far_end) / within;
  found.along_log_scale = -rate * along_rate;
  return found;
}
constexpr float LEAST_LOG_SCALE = -4.5f, MOST_LOG_SCALE = 6.f;

struct ContextRow {
  const float* in[K];
  float* in_grad[K];  // null where there is none
  const float* value;
  float* grad;
  int columns;
};

template <bool GRAD>
double context_row(const ContextNetwork& network, int bias, const ContextRow& row, float price, ContextSums* sums) {
  const ContextLayout at(network);
  const int num_inputs = network.num_inputs;
  const float* w = network.weights;
  const float *first = w + at.first, *first_bias = w + at.bias + bias * J, *second = w + at.second;
  const float *second_bias = w + at.second_bias, *output = w + at.output, *straight = w + at.straight;
  const float* output_bias = w + at.output_bias + 2 * bias;
  Vector in[BLOCK][K], low[BLOCK][J], high[BLOCK][J], low_grad[BLOCK][J], high_grad[BLOCK][J], out_grad[BLOCK][2];
  double total = 0;
  for (int begin = 0; begin < row.columns; begin += BLOCK * VW) {
    const int left = (row.columns - begin + VW - 1) / VW, num = left < BLOCK ? left : BLOCK;
    for (int v = 0; v < num; v++) {
      const int x = begin + v * VW;
      for (int k = 0; k < num_inputs; k++) in[v][k] = load(row.in[k] + x);
      UNROLL for (int part = 0; part < J; part += JB) {
        Vector a[JB];
        UNROLL for (int j = 0; j < JB; j++) a[j] = broadcast(first_bias[part + j]);
        for (int k = 0; k < num_inputs; k++)
          UNROLL for (int j = 0; j < JB; j++) a[j] += first[k * J + part + j] * in[v][k];
        UNROLL for (int j = 0; j < JB; j++) low[v][part + j] = larger(a[j], Vector{});
      }
      UNROLL for (int part = 0; part < J; part += JB) {
        Vector a[JB];
        UNROLL for (int j = 0; j < JB; j++) a[j] = low[v][part + j] + second_bias[part + j];
        for (int k = 0; k < J; k++) UNROLL for (int j = 0; j < JB; j++) a[j] += second[k * J + part + j] * low[v][k];
        UNROLL for (int j = 0; j < JB; j++) high[v][part + j] = larger(a[j], Vector{});
      }
      Vector mean = broadcast(output_bias[0]), log_scale = broadcast(output_bias[1]);
      UNROLL for (int j = 0; j < J; j++) {
        mean += output[j] * high[v][j];
        log_scale += output[J + j] * high[v][j];
      }
      for (int k = 0; k < num_inputs; k++) {
        mean += straight[k] * in[v][k];
        log_scale += straight[num_inputs + k] * in[v][k];
      }
      const Vector bounded = larger(smaller(log_scale, broadcast(MOST_LOG_SCALE)), broadcast(LEAST_LOG_SCALE));
      const Vector off = load(row.value + x) - mean;
      const Nats found = nats_of(magnitude(off), bounded);
      const Bits valid = before(x, row.columns);
      total += sum(valid ? found.nats : Vector{});
      if (!GRAD) continue;
      const Vector factor = valid ? broadcast(price) : Vector{};
      const Vector along_off = (off > Vector{} ? found.along_distance : -found.along_distance) * factor;
      store(row.grad + x, load(row.grad + x) + along_off);
      out_grad[v][0] = -along_off;
      out_grad[v][1] = bounded == log_scale ? found.along_log_scale * factor : Vector{};
    }
    if (!GRAD) continue;
    for (int v = 0; v < num; v++) {
      const int x = begin + v * VW;
      const Vector along_mean = out_grad[v][0], along_scale = out_grad[v][1];
      UNROLL for (int j = 0; j < J; j++) {
        const Vector grad = output[j] * along_mean + output[J + j] * along_scale;
        high_grad[v][j] = high[v][j] > Vector{} ? grad : Vector{};
      }
      for (int k = 0; k < J; k++) {
        Vector even = high_grad[v][k], odd{};
        UNROLL for (int j = 0; j < J; j += 2) {
          even += second[k * J + j] * high_grad[v][j];
          odd += second[k * J + j + 1] * high_grad[v][j + 1];
        }
        low_grad[v][k] = low[v][k] > Vector{} ? even + odd : Vector{};
      }
      for (int k = 0; k < num_inputs; k++) {
        if (!row.in_grad[k]) continue;
        Vector even = straight[k] * along_mean + straight[num_inputs + k] * along_scale, odd{};
        UNROLL for (int j = 0; j < J; j += 2) {
          even += first[k * J + j] * low_grad[v][j];
          odd += first[k * J + j + 1] * low_grad[v][j + 1];
        }
        float* to = row.in_grad[k] + x;
        store(to, load(to) + even + odd);
      }
    }
    for (int k = 0; k < num_inputs; k++) {
      for (int v = 0; v < num; v++) {
        sums->straight[0][k] += in[v][k] * out_grad[v][0];
        sums->straight[1][k] += in[v][k] * out_grad[v][1];
      }
      UNROLL for (int part = 0; part < J; part += JB) {
        Vector a[JB];
        UNROLL for (int j = 0; j < JB; j++) a[j] = sums->first[k][part + j];
        for (int v = 0; v < num; v++) UNROLL for (int j = 0; j < JB; j++) a[j] += in[v][k] * low_grad[v][part + j];
        UNROLL for (int j = 0; j < JB; j++) sums->first[k][part + j] = a[j];
      }
    }
    for (int k = 0; k < J; k++) UNROLL for (int part = 0; part < J; part += JB) {
        Vector a[JB];
        UNROLL for (int j = 0; j < JB; j++) a[j] = sums->second[k][part + j];
        for (int v = 0; v < num; v++) UNROLL for (int j = 0; j < JB; j++) a[j] += low[v][k] * high_grad[v][part + j];
        UNROLL for (int j = 0; j < JB; j++) sums->second[k][part + j] = a[j];
      }
    for (int v = 0; v < num; v++) {
      UNROLL for (int j = 0; j < J; j++) {
        sums->bias[j] += low_grad[v][j];
        sums->second_bias[j] += high_grad[v][j];
        sums->output[0][j] += out_grad[v][0] * high[v][j];
        sums->output[1][j] += out_grad[v][1] * high[v][j];
      }
      sums->output_bias[0] += out_grad[v][0];
      sums->output_bias[1] += out_grad[v][1];
    }
  }
  return total;
}

// a row of the parent as wide as its child's: for input (., 0) the cell above, for (., 1) the next nearest one
void widen(const float* from, int next, int columns, float* to) {
  for (int x = 0; x < columns; x++) to[x] = from[(x >> 1) + (next ? (x & 1 ? 1 : -1) : 0)];
  memset(to + columns, 0, sizeof(float) * 64);  // what whole vectors read of it
}
void narrow_back(const float* grad, int next, int columns, float* to) {
  for (int x = 0; x < columns; x++) to[(x >> 1) + (next ? (x & 1 ? 1 : -1) : 0)] += grad[x];
}
int parent_row(int y, int next, int rows) {
  const int found = (y >> 1) + (next ? (y & 1 ? 1 : -1) : 0);
  return found < 0 ? 0 : found < rows ? found : rows - 1;
}

constexpr int NEAR = 4;  // cells of the parent

double context(const LatentFit* fit, int number, int first, int last, float price, int with_grad, float* scratch,
               float* sums) {
  const LatentGrid& grid = fit->grids[number];
  const ContextNetwork& network = fit->networks[grid.network];
  const int64_t wide = wide_row(fit->width);
  float* const zeros = scratch + 2 * NEAR * wide;
  memset(zeros, 0, sizeof(float) * wide);
  double total = 0;
  for (int y = first; y < last; y++) {
    ContextRow row;
    const int64_t begin = (int64_t)y * grid.stride;
    row.value = grid.value + begin;
    row.grad = grid.grad + begin;
    row.columns = grid.columns;
    for (int k = 0; k < network.num_inputs; k++) {
      const LatentInput& input = grid.inputs[k];
      row.in[k] = zeros;
      row.in_grad[k] = nullptr;
      if (input.source == SAME || input.source == OTHER) {
        const LatentGrid& from = input.source == SAME ? grid : fit->grids[input.grid];
        const int64_t at = (int64_t)(y + input.row) * from.stride + input.column;
        row.in[k] = from.value + at;
        row.in_grad[k] = from.grad + at;
      } else if (input.source == PARENT && grid.parent >= 0) {
        const LatentGrid& parent = fit->grids[grid.parent];
        float* const wider = scratch + (2 * input.row + input.column) * wide;
        float* const wider_grad = wider + NEAR * wide;
        const int64_t at = (int64_t)parent_row(y, input.row, parent.rows) * parent.stride;
        widen(parent.value + at, input.column, grid.columns, wider);
        if (with_grad) memset(wider_grad, 0, sizeof(float) * wide);
        row.in[k] = wider;
        row.in_grad[k] = wider_grad;
      }
    }
    if (!with_grad) {
      total += context_row<false>(network, grid.bias, row, price, nullptr);
      continue;
    }
    total += context_row<true>(network, grid.bias, row, price, (ContextSums*)sums);
    for (int k = 0; k < network.num_inputs; k++) {
      const LatentInput& input = grid.inputs[k];
      if (input.source != PARENT || grid.parent < 0) continue;
      const LatentGrid& parent = fit->grids[grid.parent];
      const int64_t at = (int64_t)parent_row(y, input.row, parent.rows) * parent.stride;
      narrow_back(row.in_grad[k], input.column, grid.columns, parent.grad + at);
    }
  }
  return total;
}

void add_context(const LatentFit* fit, int number, int bias, const float* from) {
  const ContextNetwork& network = fit->networks[number];
  const ContextLayout at(network);
  const ContextSums& sums = *(const ContextSums*)from;
  float* const grad = network.grad;
  for (int k = 0; k < network.num_inputs; k++) {
    for (int j = 0; j < J; j++) grad[at.first + k * J + j] += sum(sums.first[k][j]);
    for (int o = 0; o < 2; o++) grad[at.straight + o * network.num_inputs + k] += sum(sums.straight[o][k]);
  }
  for (int j = 0; j < J; j++) {
    grad[at.bias + bias * J + j] += sum(sums.bias[j]);
    grad[at.second_bias + j] += sum(sums.second_bias[j]);
    for (int k = 0; k < J; k++) grad[at.second + k * J + j] += sum(sums.second[k][j]);
    for (int o = 0; o < 2; o++) grad[at.output + o * J + j] += sum(sums.output[o][j]);
  }
  for (int o = 0; o < 2; o++) grad[at.output_bias + 2 * bias + o] += sum(sums.output_bias[o]);
}

// ---- the picture ----

void across(const LatentFit* fit, int number, int first, int last) {
  const LatentGrid& grid = fit->grids[number];
  const int width = fit->width;
  const int *i0 = grid.column_index, *i1 = i0 + width, *i2 = i1 + width, *i3 = i2 + width;
  const float *w0 = grid.column_weight, *w1 = w0 + width, *w2 = w1 + width, *w3 = w2 + width;
  for (int y = first; y < last; y++) {
    const float* from = grid.value + (int64_t)y * grid.stride;
    float* to = grid.across + (int64_t)y * width;
    for (int x = 0; x < width; x++)
      to[x] = grid.step * (w0[x] * from[i0[x]] + w1[x] * from[i1[x]] + w2[x] * from[i2[x]] + w3[x] * from[i3[x]]);
  }
}

void across_back(const LatentFit* fit, int number, int first, int last) {
  const LatentGrid& grid = fit->grids[number];
  const int width = fit->width;
  for (int y = first; y < last; y++) {
    float* to = grid.grad + (int64_t)y * grid.stride;
    const float* from = grid.across_grad + (int64_t)y * width;
    for (int t = 0; t < LATENT_TAPS; t++) {
      const int* index = grid.column_index + (int64_t)t * width;
      const float* weight = grid.column_weight + (int64_t)t * width;
      for (int x = 0; x < width; x++) to[index[x]] += grid.step * weight[x] * from[x];
    }
  }
}

// rows of the gradients of features, each times its weight in a row of the grid
void down(const LatentFit* fit, int number, int first, int last) {
  const LatentGrid& grid = fit->grids[number];
  const int64_t width = fit->width;
  const float* from = fit->feature_grad + (int64_t)grid.feature * fit->height * width;
  for (int y = first; y < last; y++) {
    float* to = grid.across_grad + y * width;
    memset(to, 0, sizeof(float) * width);
    for (int line = grid.row_span[2 * y]; line < grid.row_span[2 * y + 1]; line++) {
      float weight = 0;
      for (int t = 0; t < LATENT_TAPS; t++)
        if (grid.row_index[line * LATENT_TAPS + t] == y) weight += grid.row_weight[line * LATENT_TAPS + t];
      if (weight == 0) continue;
      const float* each = from + line * width;
      for (int64_t x = 0; x < width; x++) to[x] += weight * each[x];
    }
  }
}

struct PointSums {
  Vector first[F][J], bias[J], output[C][J], straight[C][F], output_bias[C];
};

constexpr float SHARPNESS = 16.f;  // of the bend of the activation (ligeia.networks.LatentGrid)
INLINE Vector bent(Vector phase, Vector& slope) {
  const Vector scaled = phase * SHARPNESS;
  const Vector within = larger(smaller(scaled + 1.f, broadcast(2.f)), Vector{}), square = within * within;
  slope = square * (0.75f - 0.25f * within);
  return (square * within * (0.25f - 0.0625f * within) + larger(scaled - 1.f, Vector{})) * (1 / SHARPNESS);
}

INLINE Vector load_within(const float* p, int x, int width) {
  if (x + VW <= width) return load(p + x);
  Vector found{};
  for (int i = 0; i < width - x; i++) found[i] = p[x + i];
  return found;
}
INLINE void store_within(float* p, int x, int width, Vector v) {
  if (x + VW <= width) return store(p + x, v);
  for (int i = 0; i < width - x; i++) p[x + i] = v[i];
}

void features_of_row(const LatentFit* fit, int y, float* rows, int64_t wide) {
  const int width = fit->width;
  memset(rows, 0, sizeof(float) * wide * fit->point.num_features);
  for (int number = 0; number < fit->num_grids; number++) {
    const LatentGrid& grid = fit->grids[number];
    const int* index = grid.row_index + y * LATENT_TAPS;
    const float* w = grid.row_weight + y * LATENT_TAPS;
    const float *a = grid.across + (int64_t)index[0] * width, *b = grid.across + (int64_t)index[1] * width;
    const float *c = grid.across + (int64_t)index[2] * width, *d = grid.across + (int64_t)index[3] * width;
    float* to = rows + grid.feature * wide;
    for (int x = 0; x < width; x++) to[x] += w[0] * a[x] + w[1] * b[x] + w[2] * c[x] + w[3] * d[x];
  }
}

template <bool GRAD>
double point_rows(const LatentFit* fit, int begin_row, int end_row, float factor, float* rows, PointSums* sums) {
  const PointNetwork& network = fit->point;
  const int num_features = network.num_features, num_channels = network.num_channels, width = fit->width;
  const float *first = network.weights, *bias = first + num_features * J, *output = bias + J;
  const float *straight = output + num_channels * J, *output_bias = straight + num_channels * num_features;
  const int64_t wide = wide_row(width), plane = (int64_t)fit->height * width;
  Vector in[BLOCK][F], hidden[BLOCK][J], slope[BLOCK][J], error[BLOCK][C];
  double total = 0;
  for (int y = begin_row; y < end_row; y++) {
    features_of_row(fit, y, rows, wide);
    const int64_t line = (int64_t)y * width;
    for (int begin = 0; begin < width; begin += BLOCK * VW) {
      const int left = (width - begin + VW - 1) / VW, num = left < BLOCK ? left : BLOCK;
      for (int v = 0; v < num; v++) {
        const int x = begin + v * VW;
        const Bits valid = before(x, width);
        for (int f = 0; f < num_features; f++) in[v][f] = load(rows + f * wide + x);
        UNROLL for (int part = 0; part < J; part += JB) {
          Vector a[JB];
          UNROLL for (int j = 0; j < JB; j++) a[j] = broadcast(bias[part + j]);
          for (int f = 0; f < num_features; f++)
            UNROLL for (int j = 0; j < JB; j++) a[j] += first[f * J + part + j] * in[v][f];
          UNROLL for (int j = 0; j < JB; j++) hidden[v][part + j] = bent(a[j], slope[v][part + j]);
        }
        for (int c = 0; c < num_channels; c++) {
          Vector even = broadcast(output_bias[c]), odd{};
          UNROLL for (int j = 0; j < J; j += 2) {
            even += output[c * J + j] * hidden[v][j];
            odd += output[c * J + j + 1] * hidden[v][j + 1];
          }
          for (int f = 0; f < num_features; f++) even += straight[c * num_features + f] * in[v][f];
          const Vector value = even + odd;
          if (fit->values) store_within(fit->values + c * plane + line, x, width, value);
          const Vector bounded = larger(broadcast(-1.f), smaller(broadcast(1.f), value));  // NaN stays
          const Vector off = valid ? bounded - load_within(fit->target + c * plane + line, x, width) : Vector{};
          total += sum(off * off);
          error[v][c] = bounded == value ? off * (2 * factor) : Vector{};
        }
      }
      if (!GRAD) continue;
      for (int v = 0; v < num; v++) {
        const int x = begin + v * VW;
        UNROLL for (int j = 0; j < J; j++) {
          Vector grad{};
          for (int c = 0; c < num_channels; c++) grad += output[c * J + j] * error[v][c];
          slope[v][j] *= grad;  // from here on along the phase
          sums->bias[j] += slope[v][j];
        }
        for (int f = 0; f < num_features; f++) {
          Vector even{}, odd{};
          UNROLL for (int j = 0; j < J; j += 2) {
            even += first[f * J + j] * slope[v][j];
            odd += first[f * J + j + 1] * slope[v][j + 1];
          }
          for (int c = 0; c < num_channels; c++) even += straight[c * num_features + f] * error[v][c];
          store_within(fit->feature_grad + f * plane + line, x, width, even + odd);
        }
        for (int c = 0; c < num_channels; c++) {
          UNROLL for (int j = 0; j < J; j++) sums->output[c][j] += error[v][c] * hidden[v][j];
          sums->output_bias[c] += error[v][c];
        }
      }
      for (int f = 0; f < num_features; f++) {
        for (int v = 0; v < num; v++)
          for (int c = 0; c < num_channels; c++) sums->straight[c][f] += in[v][f] * error[v][c];
        UNROLL for (int part = 0; part < J; part += JB) {
          Vector a[JB];
          UNROLL for (int j = 0; j < JB; j++) a[j] = sums->first[f][part + j];
          for (int v = 0; v < num; v++) UNROLL for (int j = 0; j < JB; j++) a[j] += in[v][f] * slope[v][part + j];
          UNROLL for (int j = 0; j < JB; j++) sums->first[f][part + j] = a[j];
        }
      }
    }
  }
  return total;
}

double point(const LatentFit* fit, int first, int last, float factor, int with_grad, float* scratch, float* sums) {
  if (with_grad) return point_rows<true>(fit, first, last, factor, scratch, (PointSums*)sums);
  return point_rows<false>(fit, first, last, factor, scratch, nullptr);
}

void add_point(const LatentFit* fit, const float* from) {
  const PointNetwork& network = fit->point;
  const PointSums& sums = *(const PointSums*)from;
  float* grad = network.grad;
  for (int f = 0; f < network.num_features; f++)
    for (int j = 0; j < J; j++) *grad++ += sum(sums.first[f][j]);
  for (int j = 0; j < J; j++) *grad++ += sum(sums.bias[j]);
  for (int c = 0; c < network.num_channels; c++)
    for (int j = 0; j < J; j++) *grad++ += sum(sums.output[c][j]);
  for (int c = 0; c < network.num_channels; c++)
    for (int f = 0; f < network.num_features; f++) *grad++ += sum(sums.straight[c][f]);
  for (int c = 0; c < network.num_channels; c++) *grad++ += sum(sums.output_bias[c]);
}

}  // namespace

#define JOINED(a, b) a##b
#define NAMED(a, b) JOINED(a, b)
extern "C" const LatentVariant NAMED(LIGEIA_VARIANT, _latents);
extern "C" const LatentVariant NAMED(LIGEIA_VARIANT, _latents) = {
    2 * NEAR + 1, MOST_LATENT_FEATURES, sizeof(ContextSums) / sizeof(float), sizeof(PointSums) / sizeof(float), relax,
    adam, context, add_context, across, across_back, point, add_point, down};
