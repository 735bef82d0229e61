// Demos on their way into a dataset: a folder beside it with a file each, which goes once they are in it.
// Internal.
#ifndef LOOM_ENGINE_DATA_DEMO_PARTS_H
#define LOOM_ENGINE_DATA_DEMO_PARTS_H

#include "engine/base/run_folder.h"

/// FILE.parts, locked; what a killed run left there goes. Errors as of loom_run_folder_open. End with
/// loom_run_folder_remove.
int loom_demo_parts_open(loomRunFolder* parts, const char* file, loomError* err);
/// Where the demo with a number lies.
void loom_demo_part_path(char out[LOOM_RUN_FILE_MAX], const loomRunFolder* parts, int number);

#endif
