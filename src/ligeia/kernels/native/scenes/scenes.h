// Rays through a sparse grid of voxels: what crosses the interface, and what is compiled once per instruction set.
//
// The grid has a node at each corner of a cell. A node next to an occupied cell has a row of SCENE_ROW features, the
// first three a color, and a raw density. Density is a quadratic B-spline of the raw densities, then softplus; features
// are interpolated linearly. ligeia.kernels.scenes has the definition in torch.
#pragma once
#include <stdint.h>

constexpr int SCENE_ROW = 8;                                   // features of a node
constexpr int SCENE_HIDDEN = 32;                               // of the head's sine layer
constexpr int SCENE_DIRECTION = 9;                             // spherical harmonics up to degree 2
constexpr int SCENE_INPUTS = 1 + SCENE_ROW + SCENE_DIRECTION;  // of the head: opacity, features, directions
constexpr int SCENE_HEAD = SCENE_INPUTS * SCENE_HIDDEN + SCENE_HIDDEN + 3 * SCENE_HIDDEN + 3;
constexpr int SCENE_SIDE = 4;         // rays along the side of a pixel, at most, where there is a gradient
constexpr int SCENE_SAMPLES = 4096;   // of a ray, at most
constexpr int SCENE_PIECES = 7;       // of a ray in contracted space
constexpr float SCENE_EMPTY = -5.f;   // raw density of a node without a row
constexpr float SCENE_LEAST = 1e-3f;  // a sample of less weight has no features; a ray of less transmittance ends

// Arrays over nodes and cells are row-major in (x, y, z).
struct SceneGrid {
  int32_t cells[3];
  float low[3];             // the box's corner, in units of the scene
  float per_unit[3];        // cells per unit of length
  int32_t is_contracted;    // all of space is in the box
  float step;               // between the samples of a ray, in units
  float scale;              // density per unit where softplus gives 1
  const uint8_t* distance;  // of each cell to the nearest occupied one, in cells: 0 where it is occupied
  const int32_t* row;       // of each node, -1 where it has none
  const float* raw;         // of each node
  const float* features;    // of each row
  const float* head;        // weights (inputs, hidden), biases (hidden), weights (3, hidden), biases (3)
};

struct ScenePixels {
  int64_t count;
  int32_t side;            // rays along a side of a pixel
  int32_t is_jittered;     // rays and samples at random, or in the middle of their parts
  uint32_t key;            // of what is random
  uint32_t first;          // number of the first pixel, for what is random
  const float* origin;     // (count, 3)
  const float* direction;  // (count, 3): through the middle of a pixel, of any length
  const float* right;      // (count, 3): what a pixel to the right adds to it
  const float* down;       // (count, 3)
};

// Where results go; null where none are wanted.
struct SceneImage {
  float* color;    // (count, 3), as if behind it were black
  float* opacity;  // (count)
  float* depth;    // (count): mean distance along the ray times opacity
};

struct SceneTarget {
  const float* color;  // (count, 4): times alpha, and alpha; the fourth is not read without `has_alpha`
  int32_t has_alpha;
  float background[3];  // what pictures without alpha are seen before
  float factor;         // of the gradient: of `factor` times the sum of squared errors
};

struct SceneGradient {
  float* raw;       // of each node
  float* features;  // of each row
  float* head;
  uint8_t* touched;  // 1 for each row whose features have one
};

struct SceneAdam {
  float rate, beta1, beta2, eps, correction1, correction2;
};

// A tensor with Adam's moments. `evaluated`, where rays find it, is `gain` times as large: its rate is as many times
// that of Adam.
struct SceneWeights {
  float *value, *first, *second, *evaluated;
  float gain;
};

struct SceneVariant {
  void (*render)(const SceneGrid*, const ScenePixels*, const SceneImage*);
  double (*gradient)(const SceneGrid*, const ScenePixels*, const SceneTarget*, const SceneGradient*);
  void (*hits)(const SceneGrid*, const ScenePixels*, uint8_t*);
  void (*weights)(const SceneGrid*, const ScenePixels*, float*);
};

// defined by scenes/variant.cpp, once per instruction set
#if LIGEIA_X86
extern const SceneVariant ligeia_avx2_scenes, ligeia_avx512_scenes, ligeia_avx512_bf16_scenes;
#endif
extern const SceneVariant ligeia_baseline_scenes;
