// What a stopped run left, and what people edit by hand: a folder of generation gone on with, whose settings
// and journal are any bytes, and files of segments' ends. Errors are fine; crashes, leaks, endless work and
// messages of several lines are not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/scene/compose.h"
#include "generators/run/journal.h"
#include "generators/run/report.h"
#include "generators/source/segment_file.h"
#include "tests/fuzz/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
int fuzz_done(void);

static int went_on;

int fuzz_done(void) {
  return went_on;
}

enum { ATTEMPTS = 8 };

static loomTask* task;
static loomScene* scene;
static loomSourceSet sources = {.env_args = "{}"};
static loomGenerateDef def;
static char out[128], *settings, *journal;
static size_t settings_size, journal_size;

static void part_path(char path[192], const char* name) {
  snprintf(path, 192, "%s.parts/%s", out, name);
}

static char* take_file(size_t* n, const char* name) {
  char path[192], *text = NULL;
  part_path(path, name);
  if (loom_read_text(&text, n, path, 1 << 20, NULL) || unlink(path)) abort();
  return text;
}

// A run of some attempts that all failed, as it would be gone on with: its two files.
static void make_run(void) {
  loomAttemptResult result[ATTEMPTS];
  loomJournal* j = NULL;
  bool complete = false;
  memset(result, 0, sizeof result);
  for (int i = 0; i < ATTEMPTS; i++) {
    result[i].attempt = (uint64_t)i;
    result[i].outcome = LOOM_OUTCOME_STUCK;
    result[i].arm = i % 2;
    result[i].recover = -1;
  }

  strcpy(out, own_path("out.hdf5"));
  def = loom_default_generate_def();
  def.out = out;
  def.resume = true;
  if (loom_journal_open(&j, scene, &sources, &def, &complete, NULL) || complete) abort();
  if (loom_journal_append(j, result, ATTEMPTS, NULL)) abort();

  loom_journal_close(j);
  settings = take_file(&settings_size, "run.json");
  journal = take_file(&journal_size, "journal.bin");
}

static void set_up(void) {
  loomAssetRoots roots = {0};
  char label[LOOM_PATH_MAX], *xml = NULL;
  if (loom_task_load(&task, "tests/own/task.yaml", "tests/own/robots", NULL) ||
      loom_task_model(&xml, label, task, &roots, NULL) ||
      loom_scene_create(&scene, task, xml, label, NULL, &roots, NULL))
    abort();

  free(xml);
  make_run();
}

// ---- a folder

static void put(const char* name, const void* bytes, size_t n) {
  char path[192];
  part_path(path, name);
  FILE* file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, n, file) != n || fclose(file)) abort();
}

// A journal of ours over which the input's bytes are laid from a place on that its first two bytes say; `raw`
// takes the place of all of it.
static void put_journal(const char* patch, size_t n, const char* raw, size_t raw_size) {
  if (raw) {
    put("journal.bin", raw, raw_size);
    return;
  }

  char* bytes = malloc(journal_size);
  if (!bytes) abort();
  memcpy(bytes, journal, journal_size);
  size_t at =
      n < 2 ? 0 : ((size_t)(unsigned char)patch[0] + 256 * (size_t)(unsigned char)patch[1]) % journal_size;
  if (n > 2) memcpy(bytes + at, patch + 2, n - 2 < journal_size - at ? n - 2 : journal_size - at);

  put("journal.bin", bytes, journal_size);
  free(bytes);
}

static void go_on(const Part* part, int n) {
  const Part *raw = NULL, *patch = NULL, *text = NULL;
  for (int i = 1; i < n; i++) {
    if (!strcmp(part[i].name, "journal.bin")) raw = &part[i];
    if (!strcmp(part[i].name, "patch")) patch = &part[i];
    if (!strcmp(part[i].name, "run.json")) text = &part[i];
  }
  put_journal(patch ? patch->text : NULL, patch ? patch->size : 0, raw ? raw->text : NULL,
              raw ? raw->size : 0);
  put("run.json", text ? text->text : settings, text ? text->size : settings_size);

  // What a run that goes on does first, and what it tells in the end.
  loomJournal* j = NULL;
  bool complete = false;
  loomError err = {0};
  int code = loom_journal_open(&j, scene, &sources, &def, &complete, &err);
  check_error(code, &err);

  loomGenerateReport run = {0};
  if (!code) check_error(code = loom_journal_read(&run.results, &run.result_count, j, &err), &err);
  run.attempts = run.resumed = run.result_count;
  loomReport report;
  if (!code) check_error(code = loom_report_make(&report, &run, task, &sources, &def.attempt, &err), &err);
  if (!code && j) loom_report_destroy(&report);
  went_on += !code;

  free(run.results);
  loom_journal_close(j);
}

// ---- ends of segments

static void read_segments(const Part* part) {
  static loomDataset* dataset;
  loomError err = {0};
  if (!dataset && loom_dataset_open_trusted(&dataset, "tests/fuzz/corpus/hdf5/assembled.hdf5", &err)) abort();

  write_own("segments.yaml", part->text, part->size);
  loomSegmentFile file;
  int code = loom_segment_file_load(&file, own_path("segments.yaml"), task, dataset, &err);
  check_error(code, &err);
  if (code) return;

  for (int i = 0; i < file.n; i++)
    if (!loom_segment_file_find(&file, file.end[i].demo, file.end[i].arm, file.end[i].subtask)) abort();
  loom_segment_file_destroy(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Part part[MAX_PARTS];
  int n = split_parts(part, data, size);
  if (!task) set_up();

  // What has no name is a file of segments' ends.
  if (part[0].size) read_segments(&part[0]);
  if (n > 1) go_on(part, n);
  return 0;
}
