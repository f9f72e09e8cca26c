// Sizes of what goes through a network at once.
#pragma once
#include "../vector.h"
#include "latents.h"

namespace {

#if defined(__AVX512F__)
constexpr int JB = 16;  // hidden features whose sums fit into registers
#else
constexpr int JB = 8;
#endif

constexpr int J = format::HIDDEN, BLOCK = 64 / VW;
constexpr int K = MOST_LATENT_INPUTS, F = MOST_LATENT_FEATURES, C = MOST_LATENT_CHANNELS;

}  // namespace
