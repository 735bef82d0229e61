#ifndef LOOM_TOOLS_COMMAND_VERIFY_ARRAYS_H
#define LOOM_TOOLS_COMMAND_VERIFY_ARRAYS_H

#include "engine/data/dataset.h"
#include "engine/run/trace.h"

/// What is wrong with a demo beside its states, and what nobody can tell. Free with array_verdict_destroy.
typedef struct arrayVerdict {
  bool digested;        // it carries digests
  loomNames wrong;      // "obs/object: row 3 is 0.2 off what its state gives"
  loomNames otherwise;  // the same of a stranger's arrays that are off in most rows
  loomNames agree;      // a stranger's arrays that are as computed here in all rows
  loomNames unknown;    // arrays that are neither computed here nor have a digest
} arrayVerdict;

void array_verdict_destroy(arrayVerdict* verdict);

/// Compare a demo with its digests, and observations, rewards, dones and poses with those computed here.
/// trace: what stepping the demo's actions gave (gripper actions are put in here); state_error: how far its
/// states are off the recorded ones. An array of another program's that is off in more than a tenth of its
/// rows may be made by another rule: that is left to verify_settle. Where states are off, observations and
/// poses are those of the recorded states, and rewards and dones stay unknown. Numbers may be 1e-5 off (m,
/// rad, m/s, rad/s), 1e-3 where another simulator recorded them.
int verify_arrays(arrayVerdict* out, const loomDataset* dataset, int number, const loomDemo* demo,
                  loomEpisode* episode, loomTrace* trace, double state_error, loomError* err);

/// What (n) demos of a file show together: an array that is otherwise in one demo and as computed here in
/// another is wrong where it is otherwise. LOOM_OK or LOOM_ERR_MEMORY.
int verify_settle(arrayVerdict* verdicts, int n);

#endif
