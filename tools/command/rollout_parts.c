#include "tools/command/rollout_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/version.h"
#include "engine/data/dataset.h"

int rollout_each(controlEpisode* episode, const rolloutControl* def, rolloutOne* one, void* self,
                 loomError* err) {
  double start = loom_clock();
  int code = LOOM_OK;

  for (int64_t i = 0; !code && i < def->n; i++) {
    char note[ROLLOUT_NOTE] = "";
    if (tool_stop)
      return loom_error_set(err, LOOM_ERR_INTERRUPTED,
                            "interrupted after %lld of %lld episodes; run it again for all of them",
                            (long long)i, (long long)def->n);

    code = one(&episode[i], note, self, (uint64_t)(def->first + i), err);
    tool_progress("rolled out", i + 1, def->n, loom_clock() - start, note);
  }
  return code;
}

int rollout_parts_open(loomRunFolder* folder, const rolloutControl* def, loomError* err) {
  static const char* const own[] = {"[0-9]*.hdf5", NULL};
  loomRunFolderDef folder_def = {
      .path = def->folder, .mode = LOOM_FOLDER_OVERWRITE, .mark = "run.json", .own = own};
  return def->out ? loom_run_folder_open(folder, &folder_def, err) : LOOM_OK;
}

void rollout_part_path(char out[LOOM_RUN_FILE_MAX], const loomRunFolder* folder, uint64_t number) {
  char name[48];
  snprintf(name, sizeof name, "%llu.hdf5", (unsigned long long)number);
  loom_run_folder_path(out, folder, name);
}

int rollout_parts_assemble(const rolloutControl* def, const loomRunFolder* folder, const char* env_args,
                           loomError* err) {
  size_t most = def->n > 0 ? (size_t)def->n : 0, n = 0;
  loomSource* source = calloc(most + 1, sizeof *source);
  char(*path)[LOOM_RUN_FILE_MAX] = calloc(most + 1, sizeof *path);
  loomAssembleDef assemble = loom_default_assemble_def();
  loomAttr attrs[] = {loom_attr_string("env_args", env_args),
                      loom_attr_string("loom_version", loom_version()),
                      loom_attr_string("loom_origin", "rollout"), loom_attr_int("loom_seed", def->seed)};
  int code = source && path && env_args ? LOOM_OK
                                        : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", def->out);

  for (size_t i = 0; !code && i < most; i++) {
    rollout_part_path(path[n], folder, (uint64_t)def->first + i);
    if (loom_is_file(path[n])) source[n] = (loomSource){path[n], NULL}, n++;
  }
  assemble.attr = attrs;
  assemble.nattr = sizeof attrs / sizeof *attrs;
  assemble.trusted = true;
  assemble.valid = 0;
  if (!code) code = loom_dataset_assemble(def->out, source, (int)n, &assemble, err);
  free(source);
  free(path);
  return code;
}
