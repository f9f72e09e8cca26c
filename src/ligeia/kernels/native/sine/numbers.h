// Sizes of a block, sine and cosine, and the numbers that products are of: a float each, or a pair of bfloat16 each.
#pragma once
#include "../vector.h"

namespace {

#if defined(__AVX512F__)
constexpr int MR = 12;  // rows of a block: 24 sums, 2 + 1 operands in 32 registers
#elif defined(__AVX2__)
constexpr int MR = 6;
#elif defined(__aarch64__)
constexpr int MR = 8;
#else
constexpr int MR = 4;
#endif
constexpr int NV = 2, NR = NV * VW;

// Beyond it, reduction by multiples of pi is no longer exact: where float32 itself has half a radian of resolution, or
// where multiples of the parts of pi have too many bits.
constexpr float LARGEST_PHASE = HAS_FUSED ? 4194304.f : 25000.f;

// sin z = (-1)^k sin r and cos z = (-1)^k cos r with k = round(z / pi), r = z - k pi
INLINE void sine_and_cosine(Vector z, float omega, Vector& sine, Vector& cosine) {
  const float magic = 12582912.f;  // 1.5 * 2^23: rounds to an integer, whose parity is the last bit
  const Vector q = z * 0.318309886f + magic;
  const Vector k = q - magic;
  Vector r;
  if constexpr (HAS_FUSED) {
    r = fused_minus(z, k, 3.1415927410125732f);
    r = fused_minus(r, k, -8.742278012618954e-08f);
  } else {  // products that are rounded need parts of pi with few bits
    r = z - k * 3.140625f;
    r = r - k * 0.0009675025939941406f;
    r = r - k * 1.5099579897537296e-07f;
  }
  const Bits sign = bits_of(q) << 31;
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
  sine = floats_of(bits_of(s) ^ sign);
  cosine = omega * floats_of(bits_of(c) ^ sign);
}

// One product of a block: a float each, or a pair of bfloat16 each.
struct Float32 {
  typedef float Element;
  static constexpr int PER_PANEL = NR;
  INLINE Vector multiply_add(Vector sum, const float* a, const float* b) { return sum + broadcast(*a) * load(b); }
};

#ifdef __AVX512BF16__
#define LIGEIA_HAS_BFLOAT16 1
INLINE Vector dot(Vector sum, __m512i a, __m512i b) {
  const __m512 found =
      _mm512_dpbf16_ps(reinterpret_cast<__m512>(sum), reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  return reinterpret_cast<Vector>(found);
}
struct BFloat16 {
  typedef uint32_t Element;
  static constexpr int PER_PANEL = NR / 2;
  INLINE Vector multiply_add(Vector sum, const uint32_t* a, const uint32_t* b) {
    return dot(sum, _mm512_set1_epi32(static_cast<int>(*a)), _mm512_loadu_si512(b));
  }
};
INLINE __m512i rounded(Vector low, Vector high) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(high), reinterpret_cast<__m512>(low)));
}
// pairs of equal columns of two rows
INLINE __m512i interleaved(Vector even, Vector odd) {
  alignas(64) static const uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_load_si512(order), rounded(even, odd));
}
#else
#define LIGEIA_HAS_BFLOAT16 0
#endif

}  // namespace
