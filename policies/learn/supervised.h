// Learning from examples, whatever network and objective: one step's loss and gradients. Internal.
#ifndef LOOM_POLICIES_LEARN_SUPERVISED_H
#define LOOM_POLICIES_LEARN_SUPERVISED_H

#include "policies/network/network.h"

/// Mean loss of samples and their targets; with `train` the parameters' gradients are written (zeroed first),
/// and that of obs where samples->dobs is given. seed and step name the random stream.
double loom_supervised_loss(loomNetwork* network, loomObjective* objective, const loomSamples* samples,
                            uint64_t seed, uint64_t step, bool train);

#endif
