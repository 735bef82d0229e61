// Which run made a dataset: its settings as text, in attributes of `data`.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/file.h"
#include "engine/base/run_folder.h"
#include "engine/data/dataset.h"

static const char settings_attr[] = "loom_run", limits_attr[] = "loom_run_limits",
                  failures_attr[] = LOOM_RUN_FAILURES;

bool loom_is_run_attr(const char* name) {
  return !strcmp(name, settings_attr) || !strcmp(name, limits_attr) || !strcmp(name, failures_attr);
}

int loom_run_attrs(loomAttr out[2], const char* settings, const char* limits) {
  out[0] = loom_attr_string(settings_attr, settings);
  if (!limits) return 1;

  // Only a finished one has the second.
  out[1] = loom_attr_string(limits_attr, limits);
  return 2;
}

// One of both texts.
static int read_run_attr(char** out, const loomDataset* ds, const char* attr, const char* alternative,
                         loomError* err) {
  if (loom_dataset_has_attr(ds, "data", attr)) return loom_dataset_attr_string(out, ds, "data", attr, err);
  return loom_error_set(err, LOOM_ERR_USAGE, "%s: does not say that such a run made it and finished it; %s",
                        loom_dataset_path(ds), alternative);
}

static int compare(const loomDataset* ds, const char* attr, const char* now, const char* alternative,
                   loomError* err) {
  char* kept = NULL;
  int code = read_run_attr(&kept, ds, attr, alternative, err);

  // Line by line, so that the message can show the one that differs.
  if (!code) code = loom_settings_compare(loom_dataset_path(ds), kept, now, alternative, err);
  free(kept);
  return code;
}

int loom_dataset_run_settings(char** out, const char* path, const char* alternative, loomError* err) {
  loomDataset* ds = NULL;
  *out = NULL;

  int code = loom_dataset_open(&ds, path, err);
  if (!code) code = read_run_attr(out, ds, settings_attr, alternative, err);
  loom_dataset_close(ds);
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

// ---- what lies in its place

enum { LOOKS = 64, NOTE_MAX = 8 * LOOKS };  // bytes

// By which a file is known again, in this folder or copied with it.
static bool look_at_file(char out[LOOKS], const char* path) {
  struct stat st;
  if (stat(path, &st)) return false;
  snprintf(out, LOOKS, "%lld bytes %lld.%09ld\n", (long long)st.st_size, (long long)st.st_mtim.tv_sec,
           st.st_mtim.tv_nsec);
  return true;
}

static void replaces_path(char out[LOOM_PATH_MAX], const char* parts) {
  snprintf(out, LOOM_PATH_MAX, "%.*s/" LOOM_REPLACES_FILE, LOOM_PATH_MAX - 16, parts);
}

int loom_dataset_note_replaced(const char* parts, const char* path, loomError* err) {
  char looks[LOOKS], note[LOOM_PATH_MAX], *noted = NULL, *all = NULL;
  if (!look_at_file(looks, path)) return LOOM_OK;

  // A line a file.
  replaces_path(note, parts);
  loom_read_text(&noted, NULL, note, NOTE_MAX, NULL);
  int code = asprintf(&all, "%s%s", noted ? noted : "", looks) < 0
                 ? loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", note)
                 : loom_file_write_text(note, all, err);
  free(noted);
  free(all);
  return code;
}

bool loom_dataset_replaces(const char* parts, const char* path) {
  char looks[LOOKS], note[LOOM_PATH_MAX], *noted = NULL;
  if (!look_at_file(looks, path)) return false;

  replaces_path(note, parts);
  bool same = !loom_read_text(&noted, NULL, note, NOTE_MAX, NULL) && strstr(noted, looks);
  free(noted);
  return same;
}

int loom_dataset_check_replaced(const char* parts, const char* path, const char* settings,
                                const char* alternative, loomError* err) {
  if (!loom_is_file(path) || loom_dataset_replaces(parts, path) ||
      !loom_dataset_check_run(path, settings, NULL, alternative, NULL))
    return LOOM_OK;

  // Anything else was put there meanwhile.
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "%s: is not what the run in %s left there, which would replace it; move it away and go "
      "on, or %s",
      path, parts, alternative);
}
