// The micro-kernel: blocks of MR rows and two vectors of columns, for all three products of a layer.
#pragma once
#include "numbers.h"
#include "plan.h"

namespace {

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
  for (; count >= P; count -= P, a += panel_stride, b += P * NR) accumulate<Number, ROWS, COLUMNS, P, 1>(sums, a, b, P);
  accumulate<Number, ROWS, COLUMNS, P, 1>(sums, a, b, count);
}

// rows of a panel into the cache
template <int ROWS>
INLINE void fetch(const float* rows) {
  UNROLL for (int i = 0; i < ROWS; i++) {
    for (int at = 0; at < NR; at += 16) __builtin_prefetch(rows + i * NR + at);
  }
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
  if (FORMS & VALUES) {
    UNROLL for (int i = 0; i < ROWS; i++) {
      UNROLL for (int j = 0; j < COLUMNS; j++) store(to.values + i * NR + j * VW, v[i][j]);
    }
  }
#if LIGEIA_HAS_BFLOAT16
  if (FORMS & ROWS_BF16) {
    UNROLL for (int i = 0; i < ROWS; i++) {
      const Vector right = COLUMNS > 1 ? v[i][COLUMNS - 1] : Vector{};
      _mm512_storeu_si512(to.rows + i * (NR / 2), rounded(v[i][0], right));
    }
  }
  if (FORMS & PAIRS_BF16) {
    UNROLL for (int i = 0; i < ROWS; i += 2) UNROLL for (int j = 0; j < COLUMNS; j++) {
      _mm512_storeu_si512(to.pairs + (i / 2) * NR + j * VW, interleaved(v[i][j], v[i + 1][j]));
    }
  }
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
    if (self.omega != 0) {
      UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int j = 0; j < COLUMNS; j++) {
        Vector sine, cosine;
        sine_and_cosine(sums[i][j], self.omega, sine, cosine);
        if (FORMS & COSINE) store(to.cosine + i * NR + j * VW, cosine);
        sums[i][j] = sine;
      }
    }
    put<FORMS>(sums, to);
  }
};

struct Plain {  // the product alone
  template <class Number, int FORMS, int ROWS, int COLUMNS>
  OUTLINE void block(const Plain&, const typename Number::Element* a, int64_t stride, const typename Number::Element* b,
                     int count, int, const Target& to) {
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
    if (to.cosine) {  // read here: omega cos of the layer below
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
    }
    put<FORMS>(sums, to);
  }
};

// The rows of blocks, largest first: what one size leaves of the points is done by the next.
template <int ROWS>
struct Size {
  static constexpr int value = ROWS;
};
template <int... SIZES>
struct Rows {};
#if defined(__AVX512F__)
constexpr Rows<MR, 8, 4> BLOCK_ROWS;
#elif defined(__AVX2__)
constexpr Rows<MR, 4, 2> BLOCK_ROWS;  // blocks of 6 leave 2 of a multiple of 4
#elif defined(__aarch64__)
constexpr Rows<MR, 4> BLOCK_ROWS;
#else
constexpr Rows<MR> BLOCK_ROWS;
#endif

// One panel of columns of a product.
template <class Number, int FORMS, int COLUMNS, class Kind, int... SIZES>
INLINE void product_panel(Rows<SIZES...>, const Kind& kind, const typename Number::Element* a, int64_t stride,
                          const typename Number::Element* b, int count, int column, int points, int64_t panel, int tile,
                          const Target& first) {
  int row = 0;
  const auto blocks = [&](auto size) __attribute__((always_inline)) {
    constexpr int ROWS = decltype(size)::value;
    for (; row + ROWS <= points; row += ROWS) {
      const int64_t at = (panel * tile + row) * NR;
      const Target to = {first.values ? first.values + at : nullptr, first.cosine ? first.cosine + at : nullptr,
                         first.rows ? first.rows + at / 2 : nullptr, first.pairs ? first.pairs + at / 2 : nullptr};
      Kind::template block<Number, FORMS, ROWS, COLUMNS>(kind, a + int64_t{row} * Number::PER_PANEL, stride, b, count,
                                                         column, to);
    }
  };
  (blocks(Size<SIZES>{}), ...);
}

// All blocks of a product (points, count) x (count, width); `first` is the target of the first block.
template <class Number, int FORMS, class Kind>
INLINE void product(const Kind& kind, const typename Number::Element* a, const typename Number::Element* b, int count,
                    int width, int points, int tile, const Target& first) {
  const int64_t stride = int64_t{tile} * Number::PER_PANEL;
  const int64_t packed = int64_t{count} * NR;
  for (int column = 0; column < width; column += NR, b += packed) {
    const int64_t panel = column / NR;
    if (width - column > VW)
      product_panel<Number, FORMS, 2>(BLOCK_ROWS, kind, a, stride, b, count, column, points, panel, tile, first);
    else
      product_panel<Number, FORMS, 1>(BLOCK_ROWS, kind, a, stride, b, count, column, points, panel, tile, first);
  }
}

// sums of (outputs) x (inputs) over the points: rows from delta, columns from the layer's input
template <class Number, int ROWS, int COLUMNS>
INLINE void outer_block(float* sum, const typename Number::Element* delta, const typename Number::Element* input,
                        int steps, int fresh) {
  Vector sums[ROWS][COLUMNS] = {};
  fetch<ROWS>(sum + ROWS * NR);  // of the next block: the sums of a wide network do not stay in the cache
  if (!fresh) {
    UNROLL for (int i = 0; i < ROWS; i++) {
      UNROLL for (int j = 0; j < COLUMNS; j++) sums[i][j] = load(sum + i * NR + j * VW);
    }
  }
  accumulate<Number, ROWS, COLUMNS, 1, NR>(sums, delta, input, steps);
  UNROLL for (int i = 0; i < ROWS; i++) {
    UNROLL for (int j = 0; j < COLUMNS; j++) store(sum + i * NR + j * VW, sums[i][j]);
  }
}

template <class Number, int COLUMNS, int... SIZES>
OUTLINE void outer_panel(Rows<SIZES...>, float* sum, const typename Number::Element* delta, int64_t stride,
                         const typename Number::Element* input, int outputs, int steps, int fresh) {
  for (; outputs > 0; outputs -= NR, delta += stride) {
    const int here = outputs < NR ? outputs : NR;
    int row = 0;
    const auto blocks = [&](auto size) __attribute__((always_inline)) {
      constexpr int ROWS = decltype(size)::value;
      for (; row + ROWS <= here; row += ROWS, sum += ROWS * NR)
        outer_block<Number, ROWS, COLUMNS>(sum, delta + row, input, steps, fresh);
    };
    (blocks(Size<SIZES>{}), ...);
  }
}

// steps: points, or pairs of points
template <class Number>
INLINE void outer_product(const Layer& layer, float* sum, const typename Number::Element* delta,
                          const typename Number::Element* input, int64_t stride, int steps, int fresh) {
  const int outputs = multiple(layer.out, 4);
  for (int column = 0; column < layer.in; column += NR, input += stride, sum += int64_t{outputs} * NR) {
    if (layer.in - column > VW)
      outer_panel<Number, 2>(BLOCK_ROWS, sum, delta, stride, input, outputs, steps, fresh);
    else
      outer_panel<Number, 1>(BLOCK_ROWS, sum, delta, stride, input, outputs, steps, fresh);
  }
}

}  // namespace
