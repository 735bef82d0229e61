// OpenBLAS has kernels for each processor, and takes the slowest, Prescott's of 2004, on processors that are
// younger than it is: Debian 12's (0.3.21, of 2022) does so on Emerald Rapids, where training takes twice as
// long for it. Internal.
#ifndef LOOM_POLICIES_NN_BLAS_CORE_H
#define LOOM_POLICIES_NN_BLAS_CORE_H

#include <stdbool.h>

/// The kernels to take instead of `chosen`, by OpenBLAS's name for them, on a processor of x86-64 that has
/// such registers; NULL: chosen ones use what the processor has, or are of no name that is known.
const char* loom_blas_core(const char* chosen, bool avx2, bool avx512);

#endif
