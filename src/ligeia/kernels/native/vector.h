// Vectors of an instruction set, and what is computed with them everywhere. Included by what is compiled once per
// instruction set, and so local to the object file: a shared inline function could be compiled with AVX-512 in one of
// them and be picked by the linker for all.
#pragma once
#include <stdint.h>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
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
constexpr int VW = 16;  // floats of a vector
#elif defined(__AVX2__)
constexpr int VW = 8;
#else
constexpr int VW = 4;
#endif

typedef float Vector __attribute__((vector_size(VW * 4)));
typedef float Loose __attribute__((vector_size(VW * 4), aligned(4)));
typedef int32_t Bits __attribute__((vector_size(VW * 4)));
typedef uint32_t Unsigned __attribute__((vector_size(VW * 4)));

// the same 32 bits of each place
INLINE Bits bits_of(Vector x) { return reinterpret_cast<Bits>(x); }
INLINE Bits bits_of(Unsigned x) { return reinterpret_cast<Bits>(x); }
INLINE Vector floats_of(Bits x) { return reinterpret_cast<Vector>(x); }

INLINE Vector broadcast(float x) { return x - Vector{}; }
INLINE Vector load(const float* p) { return *reinterpret_cast<const Loose*>(p); }
INLINE void store(float* p, Vector v) { *reinterpret_cast<Loose*>(p) = v; }

// a - b * c, rounded once. Contraction of a * b + c by the compiler is an optimization that it may leave out; what is
// exact only by it must ask for it.
#if defined(__AVX512F__)
constexpr bool HAS_FUSED = true;
INLINE Vector fused_minus(Vector a, Vector b, float c) {
  return reinterpret_cast<Vector>(
      _mm512_fnmadd_ps(reinterpret_cast<__m512>(b), _mm512_set1_ps(c), reinterpret_cast<__m512>(a)));
}
#elif defined(__AVX2__) && defined(__FMA__)
constexpr bool HAS_FUSED = true;
INLINE Vector fused_minus(Vector a, Vector b, float c) {
  return reinterpret_cast<Vector>(
      _mm256_fnmadd_ps(reinterpret_cast<__m256>(b), _mm256_set1_ps(c), reinterpret_cast<__m256>(a)));
}
#elif defined(__aarch64__)
constexpr bool HAS_FUSED = true;
INLINE Vector fused_minus(Vector a, Vector b, float c) {
  return reinterpret_cast<Vector>(vfmsq_n_f32(reinterpret_cast<float32x4_t>(a), reinterpret_cast<float32x4_t>(b), c));
}
#else
constexpr bool HAS_FUSED = false;
INLINE Vector fused_minus(Vector a, Vector b, float c) { return a - b * c; }
#endif

INLINE Vector larger(Vector a, Vector b) { return a > b ? a : b; }
INLINE Vector smaller(Vector a, Vector b) { return a < b ? a : b; }
INLINE Vector magnitude(Vector x) { return floats_of(bits_of(x) & 0x7fffffff); }
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

INLINE Vector floor(Vector x) {
  const Vector cut = __builtin_convertvector(__builtin_convertvector(x, Bits), Vector);
  return cut > x ? cut - 1.f : cut;
}

INLINE float root(float x) { return __builtin_sqrtf(x); }
INLINE Vector root(Vector x) {
  UNROLL for (int i = 0; i < VW; i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
}

// A hash of 32 bits by two rounds of shifts and multiplications (Wellons' lowbias32), of a number or of a vector.
template <class Word>
INLINE Word scrambled(Word x) {
  x = (x ^ x >> 16) * 0x7feb352du;
  x = (x ^ x >> 15) * 0x846ca68bu;
  return x ^ x >> 16;
}

constexpr int multiple(int n, int of) { return (n + of - 1) / of * of; }

}  // namespace
