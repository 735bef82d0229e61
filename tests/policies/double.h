// The layers in double, for tests that compare gradients with central differences: include this before
// anything else of policies/. The program then has these and nothing of the library's float ones.
#ifndef LOOM_TESTS_POLICIES_DOUBLE_H
#define LOOM_TESTS_POLICIES_DOUBLE_H

#define LOOM_DOUBLE

// NOLINTBEGIN(bugprone-suspicious-include)
#include "policies/activation.c"
#include "policies/attention.c"
#include "policies/blas.c"
#include "policies/conv.c"
#include "policies/diffusion.c"
#include "policies/dropout.c"
#include "policies/embedding.c"
#include "policies/encoder.c"
#include "policies/initial.c"
#include "policies/linear.c"
#include "policies/loss.c"
#include "policies/lstm.c"
#include "policies/mlp.c"
#include "policies/norm.c"
#include "policies/optimizer.c"
#include "policies/pointnet.c"
#include "policies/resnet.c"
#include "policies/tensor.c"
// NOLINTEND(bugprone-suspicious-include)

#endif
