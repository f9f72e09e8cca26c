// What a ray has gathered, to a color: one sine layer, once for each ray.
#pragma once
#include <string.h>

#include "../sine/numbers.h"
#include "scenes.h"

namespace {

constexpr int HEAD_VECTORS = SCENE_HIDDEN / VW;

// where the parts of the head begin
constexpr int HEAD_BIAS = SCENE_INPUTS * SCENE_HIDDEN, HEAD_COLOR = HEAD_BIAS + SCENE_HIDDEN,
              HEAD_LAST = HEAD_COLOR + 3 * SCENE_HIDDEN;

// Real spherical harmonics up to degree 2, each divided by the first, in the order of degrees
INLINE void harmonics(const float* d, float* found) {
  const float x = d[0], y = d[1], z = d[2];
  found[0] = 1;
  found[1] = 1.7320508f * y;
  found[2] = 1.7320508f * z;
  found[3] = 1.7320508f * x;
  found[4] = 3.8729833f * x * y;
  found[5] = 3.8729833f * y * z;
  found[6] = 1.1180340f * (3 * z * z - 1);
  found[7] = 3.8729833f * x * z;
  found[8] = 1.9364917f * (x * x - y * y);
}

struct HeadState {
  float input[SCENE_INPUTS];
  alignas(64) float sine[SCENE_HIDDEN], cosine[SCENE_HIDDEN];
  float output[3];
};

INLINE void head_forward(const float* head, HeadState& s) {
  UNROLL for (int v = 0; v < HEAD_VECTORS; v++) {
    Vector phase = load(head + HEAD_BIAS + v * VW);
    for (int i = 0; i < SCENE_INPUTS; i++) phase = phase + s.input[i] * load(head + i * SCENE_HIDDEN + v * VW);
    Vector sine, cosine;
    sine_and_cosine(phase, 1.f, sine, cosine);
    store(s.sine + v * VW, sine);
    store(s.cosine + v * VW, cosine);
  }
  for (int c = 0; c < 3; c++) {
    Vector total{};
    UNROLL for (int v = 0; v < HEAD_VECTORS; v++) total =
        total + load(head + HEAD_COLOR + c * SCENE_HIDDEN + v * VW) * load(s.sine + v * VW);
    s.output[c] = sum(total) + head[HEAD_LAST + c];
  }
}

// adds the gradient of the head; input_slope: that of its inputs
INLINE void head_backward(const float* head, const HeadState& s, const float* slope, float* gradient,
                          float* input_slope) {
  alignas(64) float phase[SCENE_HIDDEN];
  UNROLL for (int v = 0; v < HEAD_VECTORS; v++) {
    Vector back{};
    for (int c = 0; c < 3; c++) {
      float* const at = gradient + HEAD_COLOR + c * SCENE_HIDDEN + v * VW;
      store(at, load(at) + slope[c] * load(s.sine + v * VW));
      back = back + slope[c] * load(head + HEAD_COLOR + c * SCENE_HIDDEN + v * VW);
    }
    back = back * load(s.cosine + v * VW);
    store(phase + v * VW, back);
    store(gradient + HEAD_BIAS + v * VW, load(gradient + HEAD_BIAS + v * VW) + back);
  }
  for (int c = 0; c < 3; c++) gradient[HEAD_LAST + c] += slope[c];
  for (int i = 0; i < SCENE_INPUTS; i++) {
    Vector total{};
    UNROLL for (int v = 0; v < HEAD_VECTORS; v++) {
      float* const at = gradient + i * SCENE_HIDDEN + v * VW;
      store(at, load(at) + s.input[i] * load(phase + v * VW));
      total = total + load(head + i * SCENE_HIDDEN + v * VW) * load(phase + v * VW);
    }
    input_slope[i] = sum(total);
  }
}

}  // namespace
