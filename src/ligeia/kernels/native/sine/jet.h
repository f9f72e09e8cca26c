// Jets: one tile of values and their derivatives.
//
// The rows of a tile are its points' values, then their slopes along each direction, then their curvatures. With phase
// z of a sine layer: sin z; slopes cos z z_i; curvatures cos z z_k - sin z sum factor z_i z_j over the terms of k.
// share->sine keeps what leaves a layer, share->cosine in place of each: cos z, z_i, z_k.
#pragma once
#include "tile.h"

namespace {

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
  const int64_t stream = int64_t{points} * NR;
  for (int column = 0; column < layer.out; column += VW) {
    const int64_t at = int64_t{column / NR} * plan->tile * NR + column % NR;
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
  const int64_t stream = int64_t{points} * NR;
  for (int column = 0; column < layer.out; column += VW) {
    const int64_t at = int64_t{column / NR} * plan->tile * NR + column % NR;
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
    const int here = static_cast<int>(n - start < most ? n - start : most);
    work(start, here, multiple(here, 4));
  }
}

void load_streams(const Plan* plan, const JetShape& shape, float* to, const float* from, int width, int here,
                  int points, int64_t total) {
  for (int s = 0; s < num_streams(shape); s++)
    load_tile(plan, to + int64_t{s} * points * NR, from + s * total * width, width, here, points);
}

void jet(const Plan* plan, Share* share, const JetShape* shape, const float* streams, int64_t n, int64_t total,
         float* jets) {
  const int d = plan->layers[0].in, last = plan->num_layers - 1, c = plan->layers[last].out;
  each_jet_tile(plan, *shape, n, [&](int64_t start, int here, int points) {
    load_streams(plan, *shape, share->x, streams + start * d, d, here, points, total);
    jet_forward_tile(plan, share, *shape, points);
    for (int s = 0; s < num_streams(*shape); s++)
      store_tile(plan, jets + (s * total + start) * c, share->sine[last] + int64_t{s} * points * NR, c, here, c);
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

}  // namespace
