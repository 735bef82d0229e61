// A training run's curves as a picture: loss of training and validation, success of rollouts or return,
// length of gradients or how often a residual adds something, learning rate against steps; of a generator the
// modes that its samples come to, their quality and reverse KL. Internal.
#ifndef LOOM_POLICIES_REPORT_CURVES_H
#define LOOM_POLICIES_REPORT_CURVES_H

#include "engine/base/error.h"

/// FOLDER/curves.png from FOLDER/scalars.csv (policies/report/event_log.h), replaced in one step. Where a
/// resumed run went over some steps again, what was logged last counts. LOOM_ERR_IO, LOOM_ERR_MEMORY.
int loom_curves_draw(const char* folder, loomError* err);

#endif
