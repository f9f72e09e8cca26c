// Exponential and logarithm of vectors.
#pragma once
#include "vector.h"

namespace {

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
  return floats_of(bits_of(p) + (bits_of(shifted) << 23));
}

// ln x of normal numbers above 0, after Cephes
INLINE Vector logarithm(Vector x) {
  const Bits bits = bits_of(x), exponent = (bits - 0x3f3504f3) >> 23;
  const Vector f = floats_of(bits - (exponent << 23)) - 1.f, square = f * f;
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

// of one number: the other places of a vector cost nothing
INLINE float exponential(float x) { return exponential(broadcast(x))[0]; }
INLINE float logarithm(float x) { return logarithm(broadcast(x))[0]; }

}  // namespace
