// The fit of latent grids, in rows: noisy values, their bits by a context network, the picture that they give, and
// back. Compiled once per instruction set; see latents.h. Everything here is local to the object file.
//
// Vectors run along rows. Blocks of a few vectors go through a network at once, forward and backward, so that their
// activations stay in the nearest cache and sums of gradients are loaded once a block.
#include "context.h"
#include "latents.h"
#include "picture.h"
#include "rounding.h"

const LatentVariant LIGEIA_LATENT_VARIANT = {2 * NEAR + 1,
                                             MOST_LATENT_FEATURES,
                                             sizeof(ContextSums) / sizeof(float),
                                             sizeof(PointSums) / sizeof(float),
                                             relax,
                                             adam,
                                             context,
                                             add_context,
                                             across,
                                             across_back,
                                             point,
                                             add_point,
                                             down};
