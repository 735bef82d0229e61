// How far the ways of kept demos are apart, however fast they are gone: dynamic time warping. Internal.
#ifndef LOOM_GENERATORS_RUN_DTW_H
#define LOOM_GENERATORS_RUN_DTW_H

#include "engine/base/error.h"

/// Mean distance of two ways a (n x dim) and b (m x dim) along the warping path of least total distance
/// (Sakoe and Chiba 1978, symmetric steps, no slope constraint; Euclidean distances, so in a's unit), over
/// its pairs of points. 0 for one way gone at two paces. scratch, length: room for 2 (m + 1) each.
double loom_dtw(const double* a, int n, const double* b, int m, int dim, double* scratch, int* length);

/// Mean of loom_dtw, m, over all pairs of a dataset's demos, at most 32 of them spread evenly over the file;
/// a way is that of all end effectors, at 64 rows spread evenly over the demo. NaN where fewer than two demos
/// tell their end effectors' poses. Errors: those of reading.
int loom_dtw_spread(double* out, const char* path, loomError* err);

#endif
