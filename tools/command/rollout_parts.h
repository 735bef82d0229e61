// Episodes of what was learned from scratch, one after the other, and the demos that they become: each a file
// in a folder, until all are in the dataset.
#ifndef LOOM_TOOLS_COMMAND_ROLLOUT_PARTS_H
#define LOOM_TOOLS_COMMAND_ROLLOUT_PARTS_H

#include "tools/command/rollout_control.h"

enum { ROLLOUT_NOTE = 64 };

/// Run episode `number`, write it where def->out wants it, and note for the progress line how all went so
/// far.
typedef int rolloutOne(controlEpisode* out, char note[ROLLOUT_NOTE], void* self, uint64_t number,
                       loomError* err);
/// All of def->n. LOOM_ERR_INTERRUPTED by Ctrl-C.
int rollout_each(controlEpisode* episode, const rolloutControl* def, rolloutOne* one, void* self,
                 loomError* err);

int rollout_parts_open(loomRunFolder* folder, const rolloutControl* def, loomError* err);
void rollout_part_path(char out[LOOM_RUN_FILE_MAX], const loomRunFolder* folder, uint64_t number);
/// def->out, of the episodes that there are files of.
int rollout_parts_assemble(const rolloutControl* def, const loomRunFolder* folder, const char* env_args,
                           loomError* err);

#endif
