// What the calls of the interface have in common: the work cut into shares, and the sums of all of them.
#pragma once
#include "plan.h"

// What calls return that can leave the domain of range reduction.
enum Status { DONE = 0, OUT_OF_DOMAIN = 1 };

// points [first, first + count) of a share: alike for every run with as many shares
struct Range {
  int64_t first, count;
};
Range range(const Plan* plan, int share, int64_t n);

// Whether range reduction is exact for every phase of a packed network at n inputs.
bool in_domain(const Plan* plan, const float* x, int64_t n);

// parameters: weight and bias of each layer in turn
void pack(Plan* plan, const float* const* parameters);

void begin_sums(const Plan* plan, Share& share, bool has_points);

// the sums of all shares, as gradients of weight and bias of each layer in turn
void collect(const Plan* plan, float* const* gradients);

// Leaves the gradient of the mean squared error in the shares' sums; false: a phase could leave the domain.
bool sum_squared_error(Plan* plan, const float* const* parameters, const float* x, const float* y, const float* weights,
                       int group, int64_t n, double* loss);
