// The sine network on one tile of points: all layers forward, then backward, with activations that stay in the cache.
// Compiled once per instruction set; see plan.h for the layout. Everything here is local to the object file.
//
// Weights are packed times omega, as the plain definition has them, so that a product gives the phase. Sine and cosine
// come from one reduction and two minimax polynomials, each to within one unit of the last place of 1.
#include "plan.h"

#include <string.h>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define OUTLINE static __attribute__((noinline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#define PARTLY_UNROLL _Pragma("clang loop unroll_count(8)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#define PARTLY_UNROLL _Pragma("GCC unroll 8")
#endif

namespace {

#if defined(__AVX512F__)
constexpr int VW = 16, MR = 12;  // floats of a vector, rows of a block: 24 sums, 2 + 1 operands in 32 registers
#elif defined(__AVX2__)
constexpr int VW = 8, MR = 6;
#elif defined(__aarch64__)
constexpr int VW = 4, MR = 8;
#else
constexpr int VW = 4, MR = 4;
#endif
constexpr int NV = 2, NR = NV * VW;

typedef float Vector __attribute__((vector_size(VW * 4)));
typedef float Loose __attribute__((vector_size(VW * 4), aligned(4)));
typedef int32_t Bits __attribute__((vector_size(VW * 4)));

#if defined(__FMA__) || defined(__aarch64__)
#define LIGEIA_FUSED_MULTIPLY_ADD 1
constexpr float LARGEST_PHASE = 4194304.f;  // float32 itself has half a radian of resolution there
#else
#define LIGEIA_FUSED_MULTIPLY_ADD 0
constexpr float LARGEST_PHASE = 25000.f;  // multiples of the parts of pi are exact up to here
#endif

INLINE Vector broadcast(float x) { return x - Vector{}; }
INLINE Vector load(const float* p) { return *(const Loose*)p; }
INLINE void store(float* p, Vector v) { *(Loose*)p = v; }

// sin z = (-1)^k sin r and cos z = (-1)^k cos r with k = round(z / pi), r = z - k pi
INLINE void sine_and_cosine(Vector z, float omega, Vector& sine, Vector& cosine) {
  const float magic = 12582912.f;  // 1.5 * 2^23: rounds to an integer, whose parity is the last bit
  const Vector q = z * 0.318309886f + magic;
  const Vector k = q - magic;
#if LIGEIA_FUSED_MULTIPLY_ADD
  Vector r = z - k * 3.1415927410125732f;
  r = r - k * -8.742278012618954e-08f;
#else  // products that are rounded need parts of pi with few bits
  Vector r = z - k * 3.140625f;
  r = r - k * 0.0009675025939941406f;
  r = r - k * 1.5099579897537296e-07f;
#endif
  const Bits sign = (Bits)q << 31;
  const Vector r2 = r * r;
  Vector s = r2 * 2.599902673347848e-06f - 0.00019806546795509046f;
  s = s * r2 + 0.00833301635020265f;
  s = s * r2 - 0.16666657058317857f;
  s = r + (r * r2) * s;
  Vector c = r2 * -2.6075659638263104e-07f + 2.476180796981699e-05f;
  c = c * r2 - 0.001388840206516098f;
  c = c * r2 + 0.04166664062484811f;
  c = c * r2 - 0.4999999954730893f;
  c = 1.f + r2 * c;
  sine = (Vector)((Bits)s ^ sign);
  cosine = omega * (Vector)((Bits)c ^ sign);
}

// One product of a block: a float each, or a pair of bfloat16 each.
struct Float32 {
  typedef float Element;
  static constexpr int PER_PANEL = NR;
  INLINE Vector multiply_add(Vector sum, const float* a, const float* b) { return sum + broadcast(*a) * load(b); }
};

#ifdef __AVX512BF16__
#define LIGEIA_HAS_BFLOAT16 1
struct BFloat16 {
  typedef uint32_t Element;
  static constexpr int PER_PANEL = NR / 2;
  INLINE Vector multiply_add(Vector sum, const uint32_t* a, const uint32_t* b) {
    return (Vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32((int)*a),
                                    (__m512bh)_mm512_loadu_si512(b));
  }
};
INLINE __m512i rounded(Vector low, Vector high) { return (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low); }
// pairs of equal columns of two rows
INLINE __m512i interleaved(Vector even, Vector odd) {
  alignas(64) static const uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_load_si512(order), rounded(even, odd));
}
#else
#define LIGEIA_HAS_BFLOAT16 0
#endif

// sums[i][j] += a[i * ROW + k * STEP] * b[k * NR + j] for k < count
template <class Number, int ROWS, int COLUMNS, int ROW, int STEP>
INLINE void accumulate(Vector (&sums)[ROWS][COLUMNS], const typename Number::Element* a,
                       const typename Number::Element* b, int count) {
  PARTLY_UNROLL for (int k = 0; k < count; k++) {
    UNROLL for (int i = 0; i < ROWS; i++) {
      UNROLL for (int j = 0; j < COLUMNS; j++) sums[i][j] = Number::multiply_add(sums[i][j], a + i * ROW, b + j * VW);
    }
    a += STEP;
    b += NR;
  }
}

// the same along a row of panels
template <class Number, int ROWS, int COLUMNS>
INLINE void accumulate_row(Vector (&sums)[ROWS][COLUMNS], const typename Number::Element* a, int64_t panel_stride,
                           const typename Number::Element* b, int count) {
  constexpr int P = Number::PER_PANEL;
  for (; count >= P; count -= P, a += panel_stride, b += P * NR)
    accumulate<Number, ROWS, COLUMNS, P, 1>(sums, a, b, P);
  accumulate<Number, ROWS, COLUMNS, P, 1>(sums, a, b, count);
}

// rows of a panel into the cache
template <int ROWS>
INLINE void fetch(const float* rows) {
  UNROLL for (int i = 0; i < ROWS; i++)
    for (int at = 0; at < NR; at += 16) __builtin_prefetch(rows + i * NR + at);
}

// Where a block goes, at its first point and panel; null where a form is not wanted.
struct Target {
  float* values;
  float* cosine;
  uint32_t* rows;
  uint32_t* pairs;
};
enum { VALUES = 1, COSINE = 2, ROWS_BF16 = 4, PAIRS_BF16 = 8 };

template <int FORMS, int ROWS, int COLUMNS>
INLINE void put(Vector (&v)[ROWS][COLUMNS], const Target& to) {
  if (FORMS & VALUES)
    UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < COLUMNS; j++)
        store(to.values + i * NR + j * VW, v[i][j]);
#if LIGEIA_HAS_BFLOAT16
  if (FORMS & ROWS_BF16)
    UNROLL for (int i = 0; i < ROWS; i++)
        _mm512_storeu_si512(to.rows + i * (NR / 2), rounded(v[i][0], COLUMNS > 1 ? v[i][COLUMNS - 1] : Vector{}));
  if (FORMS & PAIRS_BF16)
    UNROLL for (int i = 0; i < ROWS; i += 2) UNROLL for (int j = 0; j < COLUMNS; j++)
        _mm512_storeu_si512(to.pairs + (i / 2) * NR + j * VW, interleaved(v[i][j], v[i + 1][j]));
#endif
}

struct Forward {  // a sine layer, or the last linear one
  const float* bias;
  float omega;
  template <class Number, int FORMS, int ROWS, int COLUMNS>
  OUTLINE void block(const Forward& self, const typename Number::Element* a, int64_t stride,
                     const typename Number::Element* b, int count, int column, const Target& to) {
    Vector sums[ROWS][COLUMNS] = {};
    accumulate_row<Number, ROWS, COLUMNS>(sums, a, stride, b, count);
    // the bias comes last: it can be large, and every sum on top of it would be rounded to its last place
    UNROLL for (int j = 0; j < COLUMNS; j++) {
      const Vector bias = load(self.bias + column + j * VW);
      UNROLL for (int i = 0; i < ROWS; i++) sums[i][j] = sums[i][j] + bias;
    }
    if (self.omega != 0)
      UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < COLUMNS; j++) {
        Vector sine, cosine;
        sine_and_cosine(sums[i][j], self.omega, sine, cosine);
        if (FORMS & COSINE) store(to.cosine + i * NR + j * VW, cosine);
        sums[i][j] = sine;
      }
    put<FORMS>(sums, to);
  }
};

struct Plain {  // the product alone
  template <class Number, int FORMS, int ROWS, int COLUMNS>
  OUTLINE void block(const Plain&, const typename Number::Element* a, int64_t stride,
                     const typename Number::Element* b, int count, int, const Target& to) {
    Vector sums[ROWS][COLUMNS] = {};
    accumulate_row<Number, ROWS, COLUMNS>(sums, a, stride, b, count);
    put<FORMS>(sums, to);
  }
};

struct Backward {  // delta of the layer below; its sum over the points is the gradient of the bias
  const float* cosine_here;
  float* bias_sum;
  template <class Number, int FORMS, int ROWS, int COLUMNS>
  OUTLINE void block(const Backward& self, const typename Number::Element* a, int64_t stride,
                     const typename Number::Element* b, int count, int column, const Target& to) {
    Vector sums[ROWS][COLUMNS] = {};
    if (to.cosine) fetch<ROWS>(to.cosine);
    accumulate_row<Number, ROWS, COLUMNS>(sums, a, stride, b, count);
    if (to.cosine)  // read here: omega cos of the layer below
      UNROLL for (int j = 0; j < COLUMNS; j++) {
        Vector total = {};
        UNROLL for (int i = 0; i < ROWS; i++) {
          sums[i][j] = sums[i][j] * load(to.cosine + i * NR + j * VW);
          total = total + sums[i][j];
        }
        if (self.bias_sum) {
          float* sum = self.bias_sum + column + j * VW;
          store(sum, load(sum) + total);
        }
      }
    put<FORMS>(sums, to);
  }
};

// All blocks of a product (points, count) x (count, width); `first` is the target of the first block.
template <class Number, int FORMS, class Kind>
INLINE void product(const Kind& kind, const typename Number::Element* a, const typename Number::Element* b, int count,
                    int width, int points, int tile, const Target& first) {
  const int64_t stride = (int64_t)tile * Number::PER_PANEL;
  const int64_t packed = (int64_t)count * NR;
  for (int column = 0; column < width; column += NR, b += packed) {
    const int64_t panel = column / NR;
    int row = 0;
#define LIGEIA_BLOCK(ROWS, COLUMNS)                                                                               \
  for (; row + ROWS <= points; row += ROWS) {                                                                     \
    const int64_t at = (panel * tile + row) * NR;                                                                 \
    Target to = {first.values ? first.values + at : nullptr, first.cosine ? first.cosine + at : nullptr,          \
                 first.rows ? first.rows + at / 2 : nullptr, first.pairs ? first.pairs + at / 2 : nullptr};       \
    Kind::template block<Number, FORMS, ROWS, COLUMNS>(kind, a + (int64_t)row * Number::PER_PANEL, stride, b, count, \
                                                       column, to);                                              \
  }
#define LIGEIA_BLOCKS(COLUMNS)               \
  LIGEIA_BLOCK(MR, COLUMNS)                  \
  if (MR > 8) LIGEIA_BLOCK(8, COLUMNS)       \
  if (MR > 4) LIGEIA_BLOCK(4, COLUMNS)       \
  if (MR % 4) LIGEIA_BLOCK(2, COLUMNS)
    if (width - column > VW) {
      LIGEIA_BLOCKS(2)
    } else {
      LIGEIA_BLOCKS(1)
    }
#undef LIGEIA_BLOCKS
#undef LIGEIA_BLOCK
  }
}

// sums of (outputs) x (inputs) over the points: rows from delta, columns from the layer's input
template <class Number, int ROWS, int COLUMNS>
INLINE void outer_block(float* sum, const typename Number::Element* delta, const typename Number::Element* input,
                        int steps, int fresh) {
  Vector sums[ROWS][COLUMNS] = {};
  fetch<ROWS>(sum + ROWS * NR);  // of the next block: the sums of a wide network do not stay in the cache
  if (!fresh)
    UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < COLUMNS; j++)
        sums[i][j] = load(sum + i * NR + j * VW);
  accumulate<Number, ROWS, COLUMNS, 1, NR>(sums, delta, input, steps);
  UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < COLUMNS; j++)
      store(sum + i * NR + j * VW, sums[i][j]);
}

template <class Number, int COLUMNS>
OUTLINE void outer_panel(float* sum, const typename Number::Element* delta, int64_t stride,
                         const typename Number::Element* input, int outputs, int steps, int fresh) {
  for (; outputs > 0; outputs -= NR, delta += stride) {
    int here = outputs < NR ? outputs : NR, row = 0;
    for (; row + MR <= here; row += MR, sum += MR * NR)
      outer_block<Number, MR, COLUMNS>(sum, delta + row, input, steps, fresh);
    if (MR > 8)
      for (; row + 8 <= here; row += 8, sum += 8 * NR)
        outer_block<Number, 8, COLUMNS>(sum, delta + row, input, steps, fresh);
    for (; row + 4 <= here; row += 4, sum += 4 * NR)
      outer_block<Number, 4, COLUMNS>(sum, delta + row, input, steps, fresh);
    if (MR % 4)  // what blocks of 6 leave of a multiple of 4
      for (; row < here; row += 2, sum += 2 * NR)
        outer_block<Number, 2, COLUMNS>(sum, delta + row, input, steps, fresh);
  }
}

constexpr int multiple(int n, int of) { return (n + of - 1) / of * of; }

// steps: points, or pairs of points
template <class Number>
INLINE void outer_product(const Layer& layer, float* sum, const typename Number::Element* delta,
                          const typename Number::Element* input, int64_t stride, int steps, int fresh) {
  const int outputs = multiple(layer.out, 4);
  for (int column = 0; column < layer.in; column += NR, input += stride, sum += (int64_t)outputs * NR) {
    if (layer.in - column > VW)
      outer_panel<Number, 2>(sum, delta, stride, input, outputs, steps, fresh);
    else
      outer_panel<Number, 1>(sum, delta, stride, input, outputs, steps, fresh);
  }
}

// ---- one tile ----

void load_tile(const Plan* plan, float* to, const float* from, int width, int n, int points) {
  for (int column = 0; column < width; column += NR, to += (int64_t)plan->tile * NR) {
    const int here = width - column < NR ? width - column : NR;
    for (int i = 0; i < points; i++)
      for (int j = 0; j < here; j++) to[i * NR + j] = i < n ? from[(int64_t)i * width + column + j] : 0.f;
  }
}

void store_tile(const Plan* plan, float* to, const float* from, int width, int n, int64_t row_stride) {
  for (int column = 0; column < width; column += NR, from += (int64_t)plan->tile * NR) {
    const int here = width - column < NR ? width - column : NR;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < here; j++) to[i * row_stride + column + j] = from[i * NR + j];
  }
}

template <int FORMS>
void forward_layer(const Plan* plan, Share* share, int l, int points) {
  const Layer& layer = plan->layers[l];
  Forward kind = {layer.bias, layer.omega};
  Target to = {share->sine[l], share->cosine[l], share->rows[l], share->pairs[l]};
#if LIGEIA_HAS_BFLOAT16
  if (layer.bfloat16) {
    product<BFloat16, FORMS>(kind, share->rows[l - 1], (const uint32_t*)layer.forward, (layer.in + 1) / 2, layer.out,
                             points, plan->tile, to);
    return;
  }
#endif
  product<Float32, FORMS>(kind, l ? share->sine[l - 1] : share->x, layer.forward, layer.in, layer.out, points,
                          plan->tile, to);
}

[[maybe_unused]] INLINE int next_is_bfloat16(const Plan* plan, int l) {
  return l + 1 < plan->num_layers && plan->layers[l + 1].bfloat16;
}

template <bool KEEP>
void forward_tile(const Plan* plan, Share* share, int points) {
  for (int l = 0; l < plan->num_layers; l++) {
    if (plan->layers[l].omega == 0)
      forward_layer<VALUES>(plan, share, l, points);
#if LIGEIA_HAS_BFLOAT16
    else if (next_is_bfloat16(plan, l))
      forward_layer<KEEP ? ROWS_BF16 | PAIRS_BF16 | COSINE : ROWS_BF16>(plan, share, l, points);
#endif
    else
      forward_layer<KEEP ? VALUES | COSINE : VALUES>(plan, share, l, points);
  }
}

// delta[now] to delta[1 - now], one layer down; l = 0 gives the gradient along x
void backward_layer(const Plan* plan, Share* share, int l, int now, int points, int with_parameters) {
  const Layer& layer = plan->layers[l];
  const int below = 1 - now;
  Backward kind = {nullptr, l && with_parameters ? share->bias_sum[l - 1] : nullptr};
  Target to = {share->delta[below], l ? share->cosine[l - 1] : nullptr, share->delta_rows[below],
               share->delta_pairs[below]};
#if LIGEIA_HAS_BFLOAT16
  const bool low = l && plan->layers[l - 1].bfloat16;
  if (layer.bfloat16) {
    const uint32_t* weights = (const uint32_t*)layer.backward;
    const int count = (layer.out + 1) / 2;
    if (low)
      product<BFloat16, ROWS_BF16 | PAIRS_BF16>(kind, share->delta_rows[now], weights, count, layer.in, points,
                                                plan->tile, to);
    else
      product<BFloat16, VALUES>(kind, share->delta_rows[now], weights, count, layer.in, points, plan->tile, to);
    return;
  }
  if (low) {
    product<Float32, ROWS_BF16 | PAIRS_BF16>(kind, share->delta[now], layer.backward, layer.out, layer.in, points,
                                             plan->tile, to);
    return;
  }
#endif
  product<Float32, VALUES>(kind, share->delta[now], layer.backward, layer.out, layer.in, points, plan->tile, to);
}

void weight_layer(const Plan* plan, Share* share, int l, int now, int points) {
  const Layer& layer = plan->layers[l];
  const int64_t stride = (int64_t)plan->tile * NR;
#if LIGEIA_HAS_BFLOAT16
  if (layer.bfloat16) {
    outer_product<BFloat16>(layer, share->weight_sum[l], share->delta_pairs[now], share->pairs[l - 1], stride / 2,
                            points / 2, share->fresh);
    return;
  }
#endif
  outer_product<Float32>(layer, share->weight_sum[l], share->delta[now], l ? share->sine[l - 1] : share->x, stride,
                         points, share->fresh);
}

// share->delta[0] holds dL / d output; returns where dL / d x is, if it was asked for
float* backward_tile(const Plan* plan, Share* share, int points, int with_parameters, int with_x) {
  const int last = plan->num_layers - 1;
  const Layer& output = plan->layers[last];
  int now = 0;
  float* delta = share->delta[0];
  for (int column = 0; column < output.out; column += NR) {
    const int64_t at = (int64_t)(column / NR) * plan->tile * NR;
    const int here = output.out - column < NR ? output.out - column : NR;
    for (int j = 0; j < here; j++) {
      float sum = 0;
      for (int i = 0; i < points; i++) {
        float& d = delta[at + i * NR + j];
        if (output.omega != 0) d *= share->cosine[last][at + i * NR + j];
        sum += d;
      }
      if (with_parameters) share->bias_sum[last][column + j] += sum;
    }
  }
  for (int l = last; l >= 0; l--) {
    if (with_parameters) weight_layer(plan, share, l, now, points);
    if (l || with_x) backward_layer(plan, share, l, now, points, with_parameters);
    now = 1 - now;
  }
  if (with_parameters) share->fresh = 0;
  return share->delta[now];
}

// n samples of `group` points each, cut into tiles of whole samples; full ones hold a multiple of four points if they can
template <class Work>
INLINE void each_tile(const Plan* plan, int64_t n, int group, Work work) {
  if (n == 0) return;
  int unit = group % 4 == 0 ? 1 : group % 2 == 0 ? 2 : 4;
  if (unit * group > plan->tile) unit = 1;
  const int64_t most = plan->tile / group / unit * unit, tiles = (n + most - 1) / most;
  const int64_t size = ((n + tiles - 1) / tiles + unit - 1) / unit * unit;
  for (int64_t start = 0; start < n; start += size) {
    const int here = (int)(n - start < size ? n - start : size);
    work(start, here, multiple(here * group, 4));
  }
}

// ---- jets: one tile of values and their derivatives ----
//
// The rows of a tile are its points' values, then their slopes along each direction, then their curvatures. With phase
// z of a sine layer: sin z; slopes cos z z_i; curvatures cos z z_k - sin z sum factor z_i z_j over the terms of k.
// share->sine keeps what leaves a layer, share->cosine in place of each: cos z, z_i, z_k.

INLINE int num_streams(const JetShape& shape) { return 1 + shape.num_slopes + shape.num_curvatures; }

// sums of factor z_i z_j, one per curvature
INLINE void quadratic_forms(const JetShape& shape, const Vector* slopes, Vector* forms) {
  for (int k = 0; k < shape.num_curvatures; k++) forms[k] = Vector{};
  for (int t = 0; t < shape.num_terms; t++) {
    const JetTerm& term = shape.terms[t];
    forms[term.curvature] = forms[term.curvature] + term.factor * (slopes[term.i] * slopes[term.j]);
  }
}

// the phases in share->sine[l] become what leaves the layer
void jet_forward_sines(const Plan* plan, Share* share, const JetShape& shape, int l, int points) {
  const Layer& layer = plan->layers[l];
  const int64_t stream = (int64_t)points * NR;
  for (int column = 0; column < layer.out; column += VW) {
    const int64_t at = (int64_t)(column / NR) * plan->tile * NR + column % NR;
    float *out = share->sine[l] + at, *kept = share->cosine[l] + at;
    const Vector bias = load(layer.bias + column);
    for (int i = 0; i < points; i++, out += NR, kept += NR) {
      if (layer.omega == 0) {
        store(out, load(out) + bias);
        continue;
      }
      Vector sine, cosine, slopes[MOST_SLOPES], forms[MOST_CURVATURES];
      sine_and_cosine(load(out) + bias, 1.f, sine, cosine);
      store(out, sine);
      store(kept, cosine);
      int64_t here = stream;
      for (int k = 0; k < shape.num_slopes; k++, here += stream) {
        slopes[k] = load(out + here);
        store(kept + here, slopes[k]);
        store(out + here, cosine * slopes[k]);
      }
      quadratic_forms(shape, slopes, forms);
      for (int k = 0; k < shape.num_curvatures; k++, here += stream) {
        const Vector curvature = load(out + here);
        store(kept + here, curvature);
        store(out + here, cosine * curvature - sine * forms[k]);
      }
    }
  }
}

void jet_forward_tile(const Plan* plan, Share* share, const JetShape& shape, int points) {
  const int rows = points * num_streams(shape);
  for (int l = 0; l < plan->num_layers; l++) {
    const Layer& layer = plan->layers[l];
    product<Float32, VALUES>(Plain{}, l ? share->sine[l - 1] : share->x, layer.forward, layer.in, layer.out, rows,
                             plan->tile, Target{share->sine[l], nullptr, nullptr, nullptr});
    jet_forward_sines(plan, share, shape, l, points);
  }
}

// dL / d (what leaves layer l) becomes dL / d (W v) of its streams, in place; their sum over the points is that of b
void jet_backward_sines(const Plan* plan, Share* share, const JetShape& shape, int l, int points, float* deltas) {
  const Layer& layer = plan->layers[l];
  const int64_t stream = (int64_t)points * NR;
  for (int column = 0; column < layer.out; column += VW) {
    const int64_t at = (int64_t)(column / NR) * plan->tile * NR + column % NR;
    const float *sines = share->sine[l] + at, *kept = share->cosine[l] + at;
    float* delta = deltas + at;
    Vector total = {};
    for (int i = 0; i < points; i++, sines += NR, kept += NR, delta += NR) {
      if (layer.omega == 0) {
        total = total + load(delta);
        continue;
      }
      const Vector sine = load(sines), cosine = load(kept);
      Vector slopes[MOST_SLOPES], forms[MOST_CURVATURES], turned[MOST_SLOPES], bent[MOST_CURVATURES];
      Vector along = load(delta) * cosine;
      int64_t here = stream;
      for (int k = 0; k < shape.num_slopes; k++, here += stream) {
        const Vector above = load(delta + here);
        slopes[k] = load(kept + here);
        turned[k] = above * cosine;
        along = along - above * sine * slopes[k];
      }
      quadratic_forms(shape, slopes, forms);
      for (int k = 0; k < shape.num_curvatures; k++, here += stream) {
        const Vector above = load(delta + here);
        along = along - above * (sine * load(kept + here) + cosine * forms[k]);
        store(delta + here, layer.omega * (above * cosine));
        bent[k] = above * sine;
      }
      for (int t = 0; t < shape.num_terms; t++) {
        const JetTerm& term = shape.terms[t];
        const Vector above = term.factor * bent[term.curvature];
        turned[term.i] = turned[term.i] - above * slopes[term.j];
        turned[term.j] = turned[term.j] - above * slopes[term.i];
      }
      here = stream;
      for (int k = 0; k < shape.num_slopes; k++, here += stream) store(delta + here, layer.omega * turned[k]);
      along = layer.omega * along;
      store(delta, along);
      total = total + along;
    }
    float* sum = share->bias_sum[l] + column;
    store(sum, load(sum) + total);
  }
}

// share->delta[0] holds dL / d jets of the output
void jet_backward_tile(const Plan* plan, Share* share, const JetShape& shape, int points) {
  const int rows = points * num_streams(shape);
  int now = 0;
  for (int l = plan->num_layers - 1; l >= 0; l--, now = 1 - now) {
    const Layer& layer = plan->layers[l];
    jet_backward_sines(plan, share, shape, l, points, share->delta[now]);
    weight_layer(plan, share, l, now, rows);
    if (l)
      product<Float32, VALUES>(Plain{}, share->delta[now], layer.backward, layer.out, layer.in, rows, plan->tile,
                               Target{share->delta[1 - now], nullptr, nullptr, nullptr});
  }
  share->fresh = 0;
}

// tiles whose rows, those of all streams, are a multiple of four
template <class Work>
INLINE void each_jet_tile(const Plan* plan, const JetShape& shape, int64_t n, Work work) {
  const int64_t most = plan->tile / num_streams(shape) / 4 * 4;
  for (int64_t start = 0; start < n; start += most) {
    const int here = (int)(n - start < most ? n - start : most);
    work(start, here, multiple(here, 4));
  }
}

void load_streams(const Plan* plan, const JetShape& shape, float* to, const float* from, int width, int here,
                  int points, int64_t total) {
  for (int s = 0; s < num_streams(shape); s++)
    load_tile(plan, to + (int64_t)s * points * NR, from + s * total * width, width, here, points);
}

void jet(const Plan* plan, Share* share, const JetShape* shape, const float* streams, int64_t n, int64_t total,
         float* jets) {
  const int d = plan->layers[0].in, last = plan->num_layers - 1, c = plan->layers[last].out;
  each_jet_tile(plan, *shape, n, [&](int64_t start, int here, int points) {
    load_streams(plan, *shape, share->x, streams + start * d, d, here, points, total);
    jet_forward_tile(plan, share, *shape, points);
    for (int s = 0; s < num_streams(*shape); s++)
      store_tile(plan, jets + (s * total + start) * c, share->sine[last] + (int64_t)s * points * NR, c, here, c);
  });
}

void jet_backward(const Plan* plan, Share* share, const JetShape* shape, const float* streams, const float* grads,
                  int64_t n, int64_t total) {
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  each_jet_tile(plan, *shape, n, [&](int64_t start, int here, int points) {
    load_streams(plan, *shape, share->x, streams + start * d, d, here, points, total);
    jet_forward_tile(plan, share, *shape, points);
    load_streams(plan, *shape, share->delta[0], grads + start * c, c, here, points, total);
    jet_backward_tile(plan, share, *shape, points);
  });
}

// ---- the table ----

void values(const Plan* plan, Share* share, const float* x, int64_t n, float* out) {
  const int d = plan->layers[0].in, last = plan->num_layers - 1, c = plan->layers[last].out;
  each_tile(plan, n, 1, [&](int64_t start, int here, int points) {
    load_tile(plan, share->x, x + start * d, d, here, points);
    forward_tile<false>(plan, share, points);
    store_tile(plan, out + start * c, share->sine[last], c, here, c);
  });
}

void jacobian(const Plan* plan, Share* share, const float* x, int64_t n, float* out, float* slopes) {
  const int d = plan->layers[0].in, last = plan->num_layers - 1, c = plan->layers[last].out;
  each_tile(plan, n, 1, [&](int64_t start, int here, int points) {
    load_tile(plan, share->x, x + start * d, d, here, points);
    forward_tile<true>(plan, share, points);
    store_tile(plan, out + start * c, share->sine[last], c, here, c);
    for (int channel = 0; channel < c; channel++) {
      for (int column = 0; column < c; column++)
        for (int i = 0; i < points; i++)
          share->delta[0][((int64_t)(column / NR) * plan->tile + i) * NR + column % NR] = column == channel;
      const float* slope = backward_tile(plan, share, points, 0, 1);
      store_tile(plan, slopes + (start * c + channel) * d, slope, d, here, (int64_t)c * d);
    }
  });
}

void backward(const Plan* plan, Share* share, const float* x, const float* grad, int64_t n, float* grad_x,
              int with_parameters) {
  const int d = plan->layers[0].in, c = plan->layers[plan->num_layers - 1].out;
  each_tile(plan, n, 1, [&](int64_t start, int here, int points) {
    load_tile(plan, share->x, x + start * d, d, here, points);
    forward_tile<true>(plan, share, points);
    load_tile(plan, share->delta[0], grad + start * c, c, here, points);
    const float* slope = backward_tile(plan, share, points, with_parameters, grad_x != nullptr);
    if (grad_x) store_tile(plan, grad_x + start * d, slope, d, here, d);
  });
}

void squared_error(const Plan* plan, Share* share, const float* x, const float* y, const float* weights, int group,
                   int64_t n, float factor) {
  const int d = plan->layers[0].in, last = plan->num_layers - 1, c = plan->layers[last].out;
  each_tile(plan, n, group, [&](int64_t start, int samples, int points) {
    const int here = samples * group;
    load_tile(plan, share->x, x + start * group * d, d, here, points);
    forward_tile<true>(plan, share, points);
    double loss = 0;
    for (int column = 0; column < c; column++) {
      const int64_t at = (int64_t)(column / NR) * plan->tile * NR + column % NR;
      const float* value = share->sine[last] + at;
      float* delta = share->delta[0] + at;
      for (int k = 0; k < samples; k++, value += group * NR, delta += group * NR) {
        float mean = 0;
        for (int i = 0; i < group; i++) mean += weights[i] * value[i * NR];
        const float error = mean - y[(start + k) * c + column];
        loss += (double)error * error;
        for (int i = 0; i < group; i++) delta[i * NR] = 2 * factor * error * weights[i];
      }
      for (int i = here; i < points; i++, delta += NR) *delta = 0;
    }
    share->loss += factor * loss;
    backward_tile(plan, share, points, 1, 0);
  });
}

// ---- weights in and gradients out ----

INLINE void pack_forward(Layer* layer, const float* weight, const float* bias, int panel, float scale) {
  const int in = layer->in, first = panel * NR;
  const int here = layer->out - first < NR ? layer->out - first : NR;
  for (int j = 0; j < here; j++) layer->bias[first + j] = bias[first + j] * scale;
#if LIGEIA_HAS_BFLOAT16
  if (layer->bfloat16) {
    uint32_t* to = (uint32_t*)layer->forward + (int64_t)panel * ((in + 1) / 2) * NR;
    for (int j = 0; j < here; j++) {
      const float* row = weight + (int64_t)(first + j) * in;
      int k = 0;
      for (; k + 32 <= in; k += 32) {
        uint32_t pairs[16];
        _mm512_storeu_si512(pairs, rounded(load(row + k) * scale, load(row + k + 16) * scale));
        for (int each = 0; each < 16; each++) to[(int64_t)(k / 2 + each) * NR + j] = pairs[each];
      }
      for (; k < in; k += 2) {
        uint32_t pairs[16];
        const float odd = k + 1 < in ? row[k + 1] : 0.f;
        _mm512_storeu_si512(pairs, interleaved(broadcast(row[k] * scale), broadcast(odd * scale)));
        to[(int64_t)(k / 2) * NR + j] = pairs[0];
      }
    }
    return;
  }
#endif
  float* to = layer->forward + (int64_t)panel * in * NR;
  int j = 0;
#if __has_builtin(__builtin_shufflevector)  // GCC 12
  typedef float Four __attribute__((vector_size(16)));
  typedef float LooseFour __attribute__((vector_size(16), aligned(4)));
  for (; j + 4 <= here; j += 4) {  // 4 x 4 at a time: scattered stores take three times as long
    const float* row = weight + (int64_t)(first + j) * in;
    int k = 0;
    for (; k + 4 <= in; k += 4) {
      const Four a = *(const LooseFour*)(row + k) * scale, b = *(const LooseFour*)(row + in + k) * scale;
      const Four c = *(const LooseFour*)(row + 2 * in + k) * scale, d = *(const LooseFour*)(row + 3 * in + k) * scale;
      const Four ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      const Four cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
      float* at = to + (int64_t)k * NR + j;
      *(LooseFour*)at = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
      *(LooseFour*)(at + NR) = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
      *(LooseFour*)(at + 2 * NR) = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
      *(LooseFour*)(at + 3 * NR) = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
    }
    for (; k < in; k++)
      for (int each = 0; each < 4; each++) to[(int64_t)k * NR + j + each] = row[(int64_t)each * in + k] * scale;
  }
#endif
  for (; j < here; j++)
    for (int k = 0; k < in; k++) to[(int64_t)k * NR + j] = weight[(int64_t)(first + j) * in + k] * scale;
}

INLINE void pack_backward(Layer* layer, const float* weight, int panel) {
  const int in = layer->in, out = layer->out, first = panel * NR;
  const int here = in - first < NR ? in - first : NR;
#if LIGEIA_HAS_BFLOAT16
  if (layer->bfloat16) {
    uint32_t* to = (uint32_t*)layer->backward + (int64_t)panel * ((out + 1) / 2) * NR;
    for (int o = 0; o < out; o += 2, to += NR) {
      float even[NR] = {}, odd[NR] = {};
      memcpy(even, weight + (int64_t)o * in + first, here * sizeof(float));
      if (o + 1 < out) memcpy(odd, weight + (int64_t)(o + 1) * in + first, here * sizeof(float));
      for (int j = 0; j < NV; j++)
        _mm512_storeu_si512(to + j * VW, interleaved(load(even + j * VW), load(odd + j * VW)));
    }
    return;
  }
#endif
  float* to = layer->backward + (int64_t)panel * out * NR;
  for (int o = 0; o < out; o++, to += NR) {
    const float* from = weight + (int64_t)o * in + first;
    if (here == NR)
      for (int j = 0; j < NV; j++) store(to + j * VW, load(from + j * VW));
    else
      memcpy(to, from, here * sizeof(float));
  }
}

// largest absolute value; NaN counts as larger than infinity
INLINE float largest(const float* x, int64_t n) {
  Bits found = {};
  int64_t i = 0;
  for (; i + VW <= n; i += VW) {
    const Bits bits = (Bits)load(x + i) & 0x7fffffff;
    found = bits > found ? bits : found;
  }
  int32_t most = 0;
  for (int j = 0; j < VW; j++) most = found[j] > most ? found[j] : most;
  for (; i < n; i++) {
    int32_t bits;
    memcpy(&bits, x + i, sizeof(bits));
    bits &= 0x7fffffff;
    most = bits > most ? bits : most;
  }
  float result;
  memcpy(&result, &most, sizeof(result));
  return result;
}

void pack(Layer* layer, const float* weight, const float* bias, int share, int num_shares) {
  const int panels = multiple(layer->out, NR) / NR, panels_in = multiple(layer->in, NR) / NR;
  const float scale = layer->omega == 0 ? 1.f : layer->omega;
  for (int each = share; each < panels + panels_in; each += num_shares) {
    if (each < panels)
      pack_forward(layer, weight, bias, each, scale);
    else
      pack_backward(layer, weight, each - panels);
  }
  if (share > 0 || layer->omega == 0) return;  // nothing is asked of a linear layer
  layer->steepest = layer->in * largest(weight, (int64_t)layer->in * layer->out) * scale;
  layer->offset = largest(bias, layer->out) * scale;
}

// the sum over shares of row `output`, inputs [column, column + here)
INLINE const float* summed(const Plan* plan, int l, int output, int column, float* room) {
  const int64_t at = ((int64_t)(column / NR) * multiple(plan->layers[l].out, 4) + output) * NR;
  if (plan->num_shares == 1) return plan->shares[0].weight_sum[l] + at;
  for (int j = 0; j < NV; j++) {
    Vector sum = load(plan->shares[0].weight_sum[l] + at + j * VW);
    for (int s = 1; s < plan->num_shares; s++) sum = sum + load(plan->shares[s].weight_sum[l] + at + j * VW);
    store(room + j * VW, sum);
  }
  return room;
}

INLINE float summed_bias(const Plan* plan, int l, int output) {
  float sum = plan->shares[0].bias_sum[l][output];
  for (int s = 1; s < plan->num_shares; s++) sum += plan->shares[s].bias_sum[l][output];
  return sum;
}

void collect(const Plan* plan, int l, int first, int last, float* weight_grad, float* bias_grad) {
  const int in = plan->layers[l].in;
  float room[NR];
  for (int o = first; o < last; o++) {
    for (int column = 0; column < in; column += NR) {
      const int here = in - column < NR ? in - column : NR;
      memcpy(weight_grad + (int64_t)o * in + column, summed(plan, l, o, column, room), here * sizeof(float));
    }
    bias_grad[o] = summed_bias(plan, l, o);
  }
}

INLINE float root(float x) { return __builtin_sqrtf(x); }

// Kingma & Ba 2015, alg. 1, in the order of torch.optim.Adam
INLINE void adam_values(float* value, float* first, float* second, const float* grad, int n, const AdamStep& s) {
  const float size = s.rate / s.correction1, scale = 1 / root(s.correction2);
  for (int i = 0; i < n; i++) {
    const float g = grad[i];
    const float m = first[i] + s.rest1 * (g - first[i]);
    const float v = s.beta2 * second[i] + s.rest2 * g * g;
    first[i] = m;
    second[i] = v;
    value[i] -= size * m / (root(v) * scale + s.eps);
  }
}

void adam(const Plan* plan, int l, int first, int last, float* const* weight, float* const* bias,
          const AdamStep* step) {
  const int in = plan->layers[l].in;
  float room[NR];
  for (int o = first; o < last; o++) {
    for (int column = 0; column < in; column += NR) {
      const int64_t at = (int64_t)o * in + column;
      const float* grad = summed(plan, l, o, column, room);
      if (in - column >= NR)
        adam_values(weight[0] + at, weight[1] + at, weight[2] + at, grad, NR, *step);
      else
        adam_values(weight[0] + at, weight[1] + at, weight[2] + at, grad, in - column, *step);
    }
    const float grad = summed_bias(plan, l, o);
    adam_values(bias[0] + o, bias[1] + o, bias[2] + o, &grad, 1, *step);
  }
}

// ---- weights that a file holds as multiples of a step ----

// A hash of 32 bits by two rounds of shifts and multiplications: the noise of a weight at a step of the fit.
INLINE uint32_t scrambled(uint32_t x) {
  x = (x ^ x >> 16) * 0x7feb352du;
  x = (x ^ x >> 15) * 0x846ca68bu;
  return x ^ x >> 16;
}

void coded_values(float* values, const float* weights, int64_t n, int tensor, uint32_t index, const CodedStep* s) {
  const float magic = 12582912.f, step = s->steps[tensor], threshold = s->thresholds[tensor];
  const uint32_t key = s->key + index * 0x9e3779b9u;
  if (s->rounded) {
    for (int64_t i = 0; i < n; i++) {
      const float value = ((weights[i] / step + magic) - magic) * step;
      values[i] = __builtin_fabsf(weights[i]) < threshold ? 0.f : value;
    }
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    const uint32_t drawn = scrambled((uint32_t)i * 0x9e3779b9u + key) >> 8;
    const float value = weights[i] + ((float)(int32_t)drawn * 5.9604644775390625e-08f - 0.5f) * step;
    values[i] = __builtin_fabsf(weights[i]) < threshold ? 0.f : value;
  }
}

// gradients with their price into the moments
INLINE void coded_moments(const float* values, const float* weights, float* first, float* second, const float* grad,
                          float* priced, int n, float price, float* offsets, const AdamStep& s) {
  for (int i = 0; i < n; i++) {
    offsets[i] += grad[i] * (values[i] - weights[i]);
    const float g = grad[i] + price * weights[i];
    first[i] = first[i] + s.rest1 * (g - first[i]);
    second[i] = s.beta2 * second[i] + s.rest2 * g * g;
    priced[i] = g;
  }
}

INLINE void adam_move(float* value, const float* first, const float* second, int n, const AdamStep& s) {
  const float size = s.rate / s.correction1, scale = 1 / root(s.correction2);
  for (int i = 0; i < n; i++) value[i] -= size * first[i] / (root(second[i]) * scale + s.eps);
}

void coded_adam(const Plan* plan, int l, int first, int last, float* const* weight, float* const* bias, uint32_t index,
                const CodedStep* step, double* slopes) {
  const int in = plan->layers[l].in, t = 2 * l, outputs = multiple(plan->layers[l].out, 4);
  const uint32_t bias_index = index + (uint32_t)in * (uint32_t)plan->layers[l].out;
  const AdamStep& s = step->adam;
  float room[NR], priced[NR], sums[NR] = {}, bias_sum = 0;
  for (int o = first; o < last; o++) {
    for (int column = 0; column < in; column += NR) {
      const int64_t at = (int64_t)o * in + column;
      const float* grad = summed(plan, l, o, column, room);
      const int here = in - column >= NR ? NR : in - column;
      coded_moments(weight[0] + at, weight[1] + at, weight[2] + at, weight[3] + at, grad, priced, here, step->prices[t],
                    sums, s);
      if (step->muon_rates[t] == 0) {
        adam_move(weight[1] + at, weight[2] + at, weight[3] + at, here, s);
      } else {  // Nesterov's momentum, where the sums of gradients were
        float* to = plan->shares[0].weight_sum[l] + ((int64_t)(column / NR) * outputs + o) * NR;
        for (int i = 0; i < here; i++) to[i] = weight[2][at + i] + s.rest1 * (priced[i] - weight[2][at + i]);
      }
    }
    const float grad = summed_bias(plan, l, o);
    coded_moments(bias[0] + o, bias[1] + o, bias[2] + o, bias[3] + o, &grad, priced, 1, step->prices[t + 1], &bias_sum,
                  s);
    adam_move(bias[1] + o, bias[2] + o, bias[3] + o, 1, s);
  }
  for (int i = 0; i < NR; i++) slopes[t] += sums[i];
  slopes[t + 1] += bias_sum;
  const int64_t begin = (int64_t)first * in, size = (int64_t)(last - first) * in;
  if (step->muon_rates[t] == 0)
    coded_values(weight[0] + begin, weight[1] + begin, size, t, index + (uint32_t)begin, step);
  coded_values(bias[0] + first, bias[1] + first, last - first, t + 1, bias_index + (uint32_t)first, step);
}

struct Polynomial {  // scale * a product + along * another matrix
  float scale, along;
  template <class Number, int FORMS, int ROWS, int COLUMNS>
  OUTLINE void block(const Polynomial& self, const float* a, int64_t stride, const float* b, int count, int,
                     const Target& to) {
    Vector sums[ROWS][COLUMNS] = {};
    accumulate_row<Number, ROWS, COLUMNS>(sums, a, stride, b, count);
    UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < COLUMNS; j++)
        sums[i][j] = self.scale * sums[i][j] + self.along * load(to.cosine + i * NR + j * VW);
    put<FORMS>(sums, to);
  }
};

// The matrix of a square layer's weight_sum becomes the orthogonal one nearest to it, about (Muon: Jordan et al. 2024).
void orthogonalize(const Plan* plan, Share* share, int l, const CodedStep* step) {
  const Layer& layer = plan->layers[l];
  const int rows = multiple(layer.out, 4);
  const int64_t size = (int64_t)multiple(layer.in, NR) * rows;
  float* const matrix = plan->shares[0].weight_sum[l];
  float *from = matrix, *to = share->square[0], *gram = share->square[1], *factor = share->square[2];
  for (float* each : share->square) memset(each, 0, size * sizeof(float));  // what fills up panels
  double squares = 0;
  for (int64_t i = 0; i < size; i += NR) {
    float sum = 0;
    for (int j = 0; j < NR; j++) sum += from[i + j] * from[i + j];
    squares += sum;
  }
  const float scale = 1 / ((float)__builtin_sqrt(squares) + 1e-20f);
  for (int64_t i = 0; i < size; i++) from[i] *= scale;
  for (int each = 0; each < step->num_polynomials; each++) {
    const float* p = step->polynomials + 3 * each;
    const auto multiply = [&](float* result, const float* a, const float* b, Polynomial kind, float* beside) {
      product<Float32, VALUES>(kind, a, b, rows, layer.in, rows, rows, Target{result, beside, nullptr, nullptr});
    };
    outer_product<Float32>(layer, gram, from, from, (int64_t)rows * NR, rows, 1);
    multiply(factor, gram, gram, {p[2], p[1]}, gram);
    multiply(to, from, factor, {1, p[0]}, from);
    float* const swapped = from;
    from = to, to = swapped;
  }
  if (from != matrix) memcpy(matrix, from, size * sizeof(float));
}

void coded_muon(const Plan* plan, int l, int first, int last, float* evaluated, float* weights, uint32_t index,
                const CodedStep* step) {
  const int in = plan->layers[l].in, t = 2 * l, outputs = multiple(plan->layers[l].out, 4);
  const float rate = step->muon_rates[t] * step->adam.rate;
  for (int o = first; o < last; o++)
    for (int column = 0; column < in; column += NR) {
      const float* turn = plan->shares[0].weight_sum[l] + ((int64_t)(column / NR) * outputs + o) * NR;
      float* weight = weights + (int64_t)o * in + column;
      const int here = in - column >= NR ? NR : in - column;
      for (int i = 0; i < here; i++) weight[i] -= rate * turn[i];
    }
  const int64_t begin = (int64_t)first * in, size = (int64_t)(last - first) * in;
  coded_values(evaluated + begin, weights + begin, size, t, index + (uint32_t)begin, step);
}

double busy(int64_t rounds, int bfloat16) {
  Vector sums[MR][NV];
  UNROLL for (int i = 0; i < MR; i++) UNROLL for (int j = 0; j < NV; j++) sums[i][j] = broadcast((float)(i * NV + j));
  Vector a = broadcast(0.999f), b = broadcast(1e-3f);
#if LIGEIA_HAS_BFLOAT16
  if (bfloat16) {
    for (int64_t k = 0; k < rounds; k++) {
      UNROLL for (int i = 0; i < MR; i++) UNROLL for (int j = 0; j < NV; j++)
          sums[i][j] = (Vector)_mm512_dpbf16_ps((__m512)sums[i][j], (__m512bh)(__m512i)a, (__m512bh)(__m512i)b);
      __asm__ volatile("" : "+m"(rounds));
    }
  } else
#endif
    for (int64_t k = 0; k < rounds; k++) {
      UNROLL for (int i = 0; i < MR; i++) UNROLL for (int j = 0; j < NV; j++) sums[i][j] = sums[i][j] * a + b;
      __asm__ volatile("" : "+m"(rounds));
    }
  volatile float kept = 0;
  UNROLL for (int i = 0; i < MR; i++) UNROLL for (int j = 0; j < NV; j++) kept = kept + sums[i][j][0];
  return 2.0 * (double)rounds * MR * NV * VW * (bfloat16 ? 2 : 1);
}

}  // namespace

extern "C" const Variant LIGEIA_VARIANT;
extern "C" const Variant LIGEIA_VARIANT = {
    NR,           LIGEIA_HAS_BFLOAT16, LARGEST_PHASE, pack, values,     jacobian,      backward,   jet,
    jet_backward, squared_error,       collect,       adam, coded_adam, orthogonalize, coded_muon, coded_values,
    largest,      busy};
