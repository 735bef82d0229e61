#include "generators/source/segment_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/yaml.h"
#include "generators/source/segment.h"

// ---- read

/// Where a reader stands in the file, for its messages.
typedef struct reader {
  loomSegmentFile* file;
  const loomYaml* y;
  const loomTask* task;
  const loomDataset* dataset;
  const char* demo;
  loomError* err;
} reader;

static int add_end(reader* r, int demo, int arm, const char* name, loomNode node) {
  char key[2 * LOOM_NAME_MAX];
  double end = 0;
  int k = loom_task_find_subtask(r->task, arm, name);

  snprintf(key, sizeof key, "%.60s", name);
  if (k < 0) return loom_yaml_error(r->y, node, key, r->err, "%s: arm %d has no such subtask", r->demo, arm);

  if (!loom_yaml_is_scalar(r->y, node) || loom_yaml_number(&end, r->y, node, key, NULL) ||
      !(end >= 1 && end <= INT32_MAX) || end != (int)end) {
    return loom_yaml_error(r->y, node, key, r->err,
                           "%s, arm %d: expected the row after the segment's last, 1 or more", r->demo, arm);
  }

  r->file->end[r->file->n++] = (loomSegmentEnd){demo, arm, k, (int)end, loom_yaml_line(r->y, node)};
  return 0;
}

static int read_arm(reader* r, int demo, const char* key, loomNode map) {
  char name[16];
  int arm = -1;
  for (int a = 0; a < r->task->arm_count; a++) {
    snprintf(name, sizeof name, "arm%d", a);
    if (!strcmp(name, key)) arm = a;
  }

  if (arm < 0)
    return loom_yaml_error(r->y, map, key, r->err, "%s: no such arm; they are called arm0 to arm%d", r->demo,
                           r->task->arm_count - 1);
  if (!loom_yaml_is_map(r->y, map))
    return loom_yaml_error(r->y, map, key, r->err, "%s: expected {SUBTASK: ROW, ...}", r->demo);

  // Room for all of them, then one after the other.
  int n = loom_yaml_count(r->y, map), code = 0;
  size_t room = (size_t)r->file->n + (size_t)n;
  loomSegmentEnd* more = realloc(r->file->end, sizeof *more * (room + 1));
  if (!more) return loom_error_set(r->err, LOOM_ERR_MEMORY, "%s: out of memory", r->file->path);
  r->file->end = more;
  for (int i = 0; !code && i < n; i++)
    code = add_end(r, demo, arm, loom_yaml_key(r->y, map, i), loom_yaml_item(r->y, map, i));
  return code;
}

static int read_demo(reader* r, const char* key, loomNode map) {
  int demo = loom_dataset_demo_index(r->dataset, key), n = loom_yaml_count(r->y, map), code = 0;

  if (demo < 0)
    return loom_yaml_error(r->y, map, key, r->err, "%s has no such demo", loom_dataset_path(r->dataset));
  if (!loom_yaml_is_map(r->y, map))
    return loom_yaml_error(r->y, map, key, r->err, "expected {arm0: {SUBTASK: ROW, ...}, ...}");

  r->demo = key;
  for (int i = 0; !code && i < n; i++)
    code = read_arm(r, demo, loom_yaml_key(r->y, map, i), loom_yaml_item(r->y, map, i));
  return code;
}

int loom_segment_file_load(loomSegmentFile* out, const char* path, const loomTask* task,
                           const loomDataset* dataset, loomError* err) {
  loomYaml* y = NULL;
  memset(out, 0, sizeof *out);
  snprintf(out->path, sizeof out->path, "%.*s", LOOM_PATH_MAX - 1, path);

  int code = loom_yaml_load(&y, NULL, path, err);
  if (code) return code;

  reader r = {out, y, task, dataset, NULL, err};
  loomNode root = loom_yaml_root(y);
  if (!loom_yaml_is_map(y, root)) code = loom_yaml_error(y, root, "", err, "expected DEMO: {ARM: ...}");
  for (int i = 0; !code && i < loom_yaml_count(y, root); i++)
    code = read_demo(&r, loom_yaml_key(y, root, i), loom_yaml_item(y, root, i));

  loom_yaml_destroy(y);
  if (code) loom_segment_file_destroy(out);
  return code;
}

void loom_segment_file_destroy(loomSegmentFile* file) {
  if (!file) return;
  free(file->end);
  memset(file, 0, sizeof *file);
}

const loomSegmentEnd* loom_segment_file_find(const loomSegmentFile* file, int demo, int arm, int subtask) {
  for (int i = 0; file && i < file->n; i++) {
    const loomSegmentEnd* e = &file->end[i];
    if (e->demo == demo && e->arm == arm && e->subtask == subtask) return e;
  }
  return NULL;
}

// ---- write

// Names come from files of others: what YAML might read otherwise is quoted.
static void put_name(FILE* f, const char* name) {
  bool plain = isalpha((unsigned char)*name);
  for (const char* c = name; *c; c++) plain = plain && (isalnum((unsigned char)*c) || *c == '_');

  if (plain) {
    fputs(name, f);
    return;
  }

  putc('"', f);
  for (const char* c = name; *c; c++) {
    if (*c == '"' || *c == '\\') putc('\\', f);
    if ((unsigned char)*c >= ' ') putc(*c, f);
  }
  putc('"', f);
}

static void put_demo(FILE* f, const loomTask* task, const loomReplay* r) {
  put_name(f, r->name);
  fprintf(f, ":  # %d rows\n", r->rows);

  for (int a = 0; a < r->arm_count; a++) {
    fprintf(f, "  arm%d: {", a);

    // The last one's end is the demo's, and is not written.
    for (int k = 0; k + 1 < task->subtask_count[a]; k++) {
      fputs(k ? ", " : "", f);
      put_name(f, task->subtasks[a][k].name);
      fprintf(f, ": %d", r->end[a][k]);
    }
    fputs("}\n", f);
  }
}

int loom_segment_file_write(const char* path, const loomTask* task, const char* source,
                            const loomReplay* replay, int n, loomError* err) {
  const char* name = strrchr(source, '/');
  loomFile file;
  int code = loom_file_begin(&file, path, err);
  if (code) return code;

  fprintf(
      file.stream,
      "# Where the subtasks of `%s` end in the demos of %s: the row after each one's last.\n"
      "# The last subtask of an arm ends with the demo. What is left out here is found as the task says.\n",
      task->name, name ? name + 1 : source);
  for (int i = 0; i < n; i++) put_demo(file.stream, task, &replay[i]);
  return loom_file_commit(&file, err);
}

enum { max_signals = LOOM_MAX_ARMS * LOOM_MAX_SUBTASKS };

/// The signals of one demo.
typedef struct signalSet {
  char path[max_signals][2 * LOOM_NAME_MAX];
  loomField field[max_signals];
  int64_t* data;  // (n x rows)
} signalSet;

static int fill_signals(loomRecord* record, signalSet* s, const loomTask* task, const loomReplay* r,
                        loomError* err) {
  int n = 0;
  size_t rows = (size_t)r->rows;

  s->data = calloc(rows * max_signals, sizeof *s->data);
  if (!s->data) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for signals");

  // A signal is 1 from its subtask's last row on.
  for (int a = 0; a < r->arm_count; a++) {
    for (int k = 0; k + 1 < task->subtask_count[a]; k++, n++) {
      int64_t* signal = s->data + (size_t)n * rows;
      for (int t = r->end[a][k] - 1; t < r->rows; t++) signal[t] = 1;
      loom_segment_signal(s->path[n], sizeof s->path[n], a, task->subtasks[a][k].name);
      s->field[n] = (loomField){s->path[n], LOOM_TYPE_I64, 1, {r->rows, 1, 1, 1}, signal};
    }
  }

  *record = (loomRecord){.name = r->name, .nfield = n, .field = s->field};
  return 0;
}

int loom_segment_dataset_write(const char* path, const loomTask* task, const char* source,
                               const loomReplay* replay, int n, loomNames* left_out, loomError* err) {
  loomSource* from = calloc((size_t)n + 1, sizeof *from);
  loomRecord* record = calloc((size_t)n + 1, sizeof *record);
  signalSet* set = calloc((size_t)n + 1, sizeof *set);
  int code = from && record && set ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for signals");

  for (int i = 0; !code && i < n; i++) {
    from[i] = (loomSource){source, replay[i].name};
    code = fill_signals(&record[i], &set[i], task, &replay[i], err);
  }

  // The source's demos as they are, but for their signals.
  loomAssembleDef def = loom_default_assemble_def();
  def.valid = 0;
  def.keep_names = true;
  def.leave_out = "datagen_info/subtask_term_signals";
  def.extra = record;
  def.left_out = left_out;

  loomAttr annotated = loom_attr_int(LOOM_ANNOTATED, 1);
  def.attr = &annotated;
  def.nattr = 1;

  if (!code) code = loom_dataset_assemble(path, from, n, &def, err);

  for (int i = 0; set && i < n; i++) free(set[i].data);
  free(set);
  free(record);
  free(from);
  return code;
}

void loom_segment_signal(char* out, size_t n, int arm, const char* subtask) {
  snprintf(out, n, "datagen_info/subtask_term_signals/arm%d_%s", arm, subtask);
}
