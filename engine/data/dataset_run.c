// Which run made a dataset: its settings as text, in attributes of `data`.
#include <stdlib.h>
#include <string.h>

#include "engine/base/run_folder.h"
#include "engine/data/dataset.h"

static const char settings_attr[] = "loom_run", limits_attr[] = "loom_run_limits";

bool loom_is_run_attr(const char* name) {
  return !strcmp(name, settings_attr) || !strcmp(name, limits_attr);
}

int loom_run_attrs(loomAttr out[2], const char* settings, const char* limits) {
  out[0] = loom_attr_string(settings_attr, settings);
  if (!limits) return 1;

  // Only a finished one has the second.
  out[1] = loom_attr_string(limits_attr, limits);
  return 2;
}

// One of both texts.
static int compare(const loomDataset* ds, const char* attr, const char* now, const char* alternative,
                   loomError* err) {
  const char* path = loom_dataset_path(ds);
  char* kept = NULL;
  if (!loom_dataset_has_attr(ds, "data", attr))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: does not say that such a run made it and finished it; %s",
                          path, alternative);

  // Line by line, so that the message can show the one that differs.
  int code = loom_dataset_attr_string(&kept, ds, "data", attr, err);
  if (!code) code = loom_settings_compare(path, kept, now, alternative, err);
  free(kept);
  return code;
}

int loom_dataset_check_run(const char* path, const char* settings, const char* limits,
                           const char* alternative, loomError* err) {
  loomDataset* ds = NULL;
  int code = loom_dataset_open(&ds, path, err);
  if (!code) code = compare(ds, settings_attr, settings, alternative, err);
  if (!code && limits) code = compare(ds, limits_attr, limits, alternative, err);
  loom_dataset_close(ds);
  return code;
}
