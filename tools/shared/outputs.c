#include "tools/shared/outputs.h"

#include <assert.h>
#include <string.h>

#include "tools/shared/common.h"
#include "tools/shared/file_kind.h"

int tool_output(toolOutputs* all, const char* path, loomOutputMode mode, const char* const* input, int n,
                loomError* err) {
  if (!path) return 0;
  assert(all->n < TOOL_OUTPUTS);

  // Each would replace the other.
  for (int i = 0; i < all->n; i++)
    if (!strcmp(all->path[i], path))
      return loom_error_set(err, LOOM_ERR_USAGE, "%s: named for two outputs; name another file", path);

  loomOutputDef def = {.path = path, .mode = mode, .shared = all->shared, .ninput = n, .input = input};
  int code = loom_output_open(&all->held[all->n], &def, err);
  if (!code) all->path[all->n++] = path;
  return code;
}

int tool_output_dataset(toolOutputs* all, const char* path, loomOutputMode mode, const char* const* input,
                        int n, loomError* err) {
  const char* kind = tool_other_kind(path, "FILE.hdf5");
  if (kind)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: what is written is %s; name it FILE.hdf5", path, kind);
  return tool_output(all, path, mode, input, n, err);
}

int tool_outputs_check(const toolOutputs* all, const char* input, loomError* err) {
  int code = 0;
  for (int i = 0; i < all->n && !code; i++) code = loom_output_check_input(all->path[i], input, err);
  return code;
}

int tool_one_of_both(const char* command, bool overwrite, bool resume) {
  if (!overwrite || !resume) return 0;
  return tool_usage(command,
                    "--resume goes on with what is there, --overwrite throws it away: give one of them");
}

void tool_outputs_close(toolOutputs* all) {
  for (int i = 0; i < all->n; i++) loom_output_close(&all->held[i]);
  all->n = 0;
}
