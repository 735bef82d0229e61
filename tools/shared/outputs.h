// The files that a command writes: asked for before it begins, and nobody else's until it ends.
#ifndef LOOM_TOOLS_SHARED_OUTPUTS_H
#define LOOM_TOOLS_SHARED_OUTPUTS_H

#include <stdbool.h>

#include "engine/base/output.h"
#include "tools/shared/options.h"

enum { TOOL_OUTPUTS = 4 };

/// Zeroed: none.
typedef struct toolOutputs {
  int n;
  bool shared;  // with other processes of the same run (loomOutputDef)
  const char* path[TOOL_OUTPUTS];
  loomOutput held[TOOL_OUTPUTS];
} toolOutputs;

/// One more, unless path is NULL. input (n): what the command reads, NULL where there is none. Errors as of
/// loom_output_open; also where two outputs are one file.
int tool_output(toolOutputs* all, const char* path, loomOutputMode mode, const char* const* input, int n,
                loomError* err);
/// The same of a dataset, whose name may not say another kind of file. LOOM_ERR_USAGE.
int tool_output_dataset(toolOutputs* all, const char* path, loomOutputMode mode, const char* const* input,
                        int n, loomError* err);
/// None of them may be `input`, which the command has found out that it reads.
int tool_outputs_check(const toolOutputs* all, const char* input, loomError* err);
/// Let others write them.
void tool_outputs_close(toolOutputs* all);

static inline loomOutputMode tool_output_mode(bool overwrite) {
  return overwrite ? LOOM_OUTPUT_REPLACE : LOOM_OUTPUT_NEW;
}

/// 0, or the usage error of both at once: the one throws away what the other goes on with.
int tool_one_of_both(const char* command, bool overwrite, bool resume);

/// The same in every command that writes.
#define TOOL_OVERWRITE_OPTION(S, member) \
  TOOL_OPTION_AS("overwrite", 0, NULL, S, BOOL, member, .about = "replace what is there already")

#endif
