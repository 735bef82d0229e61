#include "engine/data/demo_parts.h"

#include <stdio.h>

int loom_demo_parts_open(loomRunFolder* parts, const char* file, loomError* err) {
  static const char* const own[] = {"demo_*.hdf5", NULL};
  char path[LOOM_PATH_MAX + 16];
  snprintf(path, sizeof path, "%.*s.parts", LOOM_PATH_MAX - 1, file);
  loomRunFolderDef def = {.path = path,
                          .mode = LOOM_FOLDER_OVERWRITE,
                          .mark = "demo_0.hdf5",
                          .own = own,
                          .alternative = "choose another output"};

  return loom_run_folder_open(parts, &def, err);
}

void loom_demo_part_path(char out[LOOM_RUN_FILE_MAX], const loomRunFolder* parts, int number) {
  char name[32];
  snprintf(name, sizeof name, "demo_%d.hdf5", number);
  loom_run_folder_path(out, parts, name);
}
