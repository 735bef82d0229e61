// Which rows a discriminator sees side by side (packing: Lin et al., "PacGAN: the power of two samples in
// generative adversarial networks", 2018): from independent episodes, for rows of one are alike whatever the
// policy does. Internal.
#ifndef LOOM_POLICIES_DATA_PACK_H
#define LOOM_POLICIES_DATA_PACK_H

#include "engine/base/random.h"

/// pack (size): places [first, size) are drawn from n rows of these episodes (n; NULL: each of its own), none
/// of which another place's row is of; where there are too few episodes (or they hardly ever come up) some
/// come twice.
void loom_pack_fill(int* pack, int first, int size, const int* episode, int n, loomRandom* random);

#endif
