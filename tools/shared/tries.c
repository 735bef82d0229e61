#include "tools/shared/tries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/columns.h"
#include "engine/base/file.h"
#include "engine/base/version.h"
#include "generators/run/record.h"

enum { BLOCK = 16, NAME = 48, PATH = LOOM_PATH_MAX + NAME };

#define COLUMN(type, member) LOOM_COLUMN(loomTry, type, member)
static const loomColumn try_column[] = {COLUMN(I64, number), COLUMN(I64, start),  COLUMN(I32, end),
                                        COLUMN(I32, within), COLUMN(I32, breach), COLUMN(I32, steps),
                                        COLUMN(F64, jerk)};
static const loomColumns try_columns = {"tries", sizeof(loomTry), sizeof try_column / sizeof *try_column,
                                        try_column};

// Starts, and how often each has been tried: those before `first` have had their turn.
typedef struct queue {
  int64_t *start, n, first, room;
  int* tried;
} queue;

typedef struct tries {
  const toolTriesDef* def;
  toolTries* out;
  double start;
  int64_t done;
  int64_t before;        // of what it counts, by earlier processes
  int64_t won, stepped;  // successes and control steps of all
  loomError error;       // of what `note_try` wrote
  queue again;           // starts that failed and are to be tried again
  int64_t fresh;         // the next start that nobody has tried
} tries;

static void part_path(char out[PATH], const toolTriesDef* def, int64_t number) {
  snprintf(out, PATH, "%.*s/%lld.hdf5", LOOM_PATH_MAX - 1, def->folder, (long long)number);
}

static void block_path(char out[PATH], const toolTriesDef* def, int64_t block) {
  snprintf(out, PATH, "%.*s/block_%lld.csv", LOOM_PATH_MAX - 1, def->folder, (long long)block);
}

static bool is_success(const toolTriesDef* d, int end, bool within) {
  return end == LOOM_RUN_SUCCESS && (within || !d->within_limits);
}

// ---- which starts

static int put_again(queue* q, int64_t start, int tried, loomError* err) {
  if (q->n == q->room) {
    int64_t room = q->room ? 2 * q->room : 64;
    int64_t* starts = realloc(q->start, (size_t)room * sizeof *starts);
    if (starts) q->start = starts;
    int* counts = starts ? realloc(q->tried, (size_t)room * sizeof *counts) : NULL;
    if (counts) q->tried = counts;
    if (!counts) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %lld starts", (long long)room);
    q->room = room;
  }

  q->start[q->n] = start;
  q->tried[q->n++] = tried;
  return 0;
}

// Of the next block: those that failed first, then new ones. It follows from the blocks before alone.
static void choose_starts(uint64_t start[BLOCK], int tried[BLOCK], tries* t, int n) {
  queue* q = &t->again;
  for (int i = 0; i < n; i++) {
    bool again = q->first < q->n;
    start[i] = (uint64_t)(again ? q->start[q->first] : t->fresh++);
    tried[i] = again ? q->tried[q->first++] : 0;
  }
}

static int note_failures(tries* t, const loomTry* list, const int tried[BLOCK], int n, loomError* err) {
  int code = 0;
  for (int i = 0; !code && i < n; i++)
    if (!is_success(t->def, list[i].end, list[i].within) && tried[i] + 1 < t->def->tries)
      code = put_again(&t->again, list[i].start, tried[i] + 1, err);
  return code;
}

// ---- one block

// What it counts towards its end: successes, control steps or episodes.
static int64_t progress_of(const tries* t) {
  return t->def->successes ? t->won : t->def->steps ? t->stepped : t->done;
}

static void show_tries(const tries* t) {
  const toolTriesDef* d = t->def;
  char note[96];
  double seconds = loom_clock() - t->start;
  int64_t done = progress_of(t);
  int64_t total = d->successes ? d->successes : d->steps ? d->steps : d->episodes;

  snprintf(note, sizeof note, "%s, %.0f %% of %lld episodes succeed",
           d->successes ? "successes"
           : d->steps   ? "steps"
                        : "episodes",
           t->done ? 100.0 * (double)t->won / (double)t->done : 0, (long long)t->done);
  tool_progress_from(d->what, t->before, done < total ? done : total, total, seconds, note);
}

static int note_try(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  tries* t = user;
  bool success = is_success(t->def, (int)rollout->end, rollout->within_limits);
  t->done++;
  t->won += success;
  t->stepped += rollout->steps;
  show_tries(t);

  // Only successes are demos.
  if (t->def->dataset && success && trace && trace->rows) {
    char path[PATH];
    loomWriteDef write = loom_default_write_def();
    loomDriven driven = {"rollout", (int)rollout->number,     t->def->seed, rollout->start,
                         true,      episode->scene->env_args, t->def->roots};
    part_path(path, t->def, (int64_t)rollout->number);
    if (loom_record_driven(path, trace, episode, &driven, &write, NULL, &t->error)) return 1;
  }
  return tool_stop != 0;
}

static int write_block(const tries* t, int64_t block, const loomTry* list, int n, loomError* err) {
  char path[PATH], *text = NULL;
  size_t size = 0;
  block_path(path, t->def, block);
  FILE* f = open_memstream(&text, &size);
  if (!f) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);

  loom_columns_put_names(f, &try_columns);
  for (int i = 0; i < n; i++) loom_columns_put_line(f, &try_columns, &list[i]);
  int code = fclose(f) ? loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path)
                       : loom_file_write_text(path, text, err);
  free(text);
  return code;
}

// n of them from these starts, whose successes lie on the disk before the block's file does.
static int run_block(loomTry* list, tries* t, int64_t block, const uint64_t* start, int n, loomError* err) {
  const toolTriesDef* d = t->def;
  loomRolloutReport report = {0};
  loomRolloutDef def = loom_default_rollout_def();
  def.n = n;
  def.first = (uint64_t)(block * BLOCK);
  def.starts = start;
  def.reset = d->reset;
  def.disturb = d->disturb;
  def.seed = d->seed;
  def.max_steps = d->max_steps;
  def.end_at_limits = d->within_limits;
  def.threads = d->threads;
  def.traces = d->dataset != NULL;
  def.done = note_try;
  def.user = t;

  // A fault in writing comes first: it is why the rollouts ended.
  int code = loom_rollout(&report, d->scene, d->maker, &def, err);
  if (code && t->error.code) {
    *err = t->error;
    return t->error.code;
  }
  if (code) return code;

  for (int i = 0; i < n; i++) list[i] = loom_try(&report.rollout[i]);
  loom_rollout_report_destroy(&report);
  return write_block(t, block, list, n, err);
}

// Of an earlier part of the run; *there stays false where there is no such block.
static int read_block(bool* there, loomTry* list, tries* t, int64_t block, const uint64_t* start, int n,
                      loomError* err) {
  char path[PATH], line[256];
  block_path(path, t->def, block);
  FILE* f = fopen(path, "rb");
  int got = 0;
  if (!f) return 0;

  // The first line has names.
  if (fgets(line, sizeof line, f))
    while (got < n && fgets(line, sizeof line, f) && loom_columns_read_line(&list[got], &try_columns, line) &&
           list[got].number == block * BLOCK + got && list[got].start == (int64_t)start[got] &&
           list[got].breach >= 0 && list[got].breach < LOOM_LIMITS)
      got++;
  fclose(f);
  if (got < n)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: is none of this run's; take another folder", path);

  *there = true;
  t->done += n;
  for (int i = 0; i < n; i++) {
    t->won += is_success(t->def, list[i].end, list[i].within);
    t->stepped += list[i].steps;
  }
  t->before = progress_of(t);
  return 0;
}

// ---- all

// Whether what counts so far is enough.
static bool has_enough(const tries* t) {
  const toolTriesDef* d = t->def;
  const loomTested* o = &t->out->all;
  return o->n >= d->episodes || (d->successes && o->successes >= d->successes) ||
         (d->steps && o->steps >= d->steps);
}

// Episodes count one after the other until it is enough; more of a block were run for nothing.
static int count_block(tries* t, const loomTry* list, int n, loomError* err) {
  toolTries* o = t->out;
  int64_t before = o->all.n;
  loomTry* grown = realloc(o->list, (size_t)(before + n) * sizeof *grown);
  if (!grown)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %lld episodes", (long long)before + n);

  o->list = grown;
  for (int i = 0; i < n && !has_enough(t); i++) {
    o->list[o->all.n] = list[i];
    loom_tested_add(&o->all, &list[i]);
  }
  return 0;
}

static int assemble_successes(const tries* t, loomError* err) {
  const toolTriesDef* d = t->def;
  const toolTries* o = t->out;
  loomSource* source = calloc((size_t)o->all.n + 1, sizeof *source);
  char(*path)[PATH] = calloc((size_t)o->all.n + 1, sizeof *path);
  int n = 0;

  for (int64_t i = 0; source && path && i < o->all.n; i++) {
    if (!is_success(d, o->list[i].end, o->list[i].within)) continue;
    part_path(path[n], d, o->list[i].number);
    source[n] = (loomSource){path[n], NULL};
    n++;
  }

  loomAttr attrs[] = {
      loom_attr_string("env_args", d->scene->env_args), loom_attr_string("loom_version", loom_version()),
      loom_attr_string("loom_origin", "rollout"), loom_attr_int("loom_seed", (int64_t)d->seed)};
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = attrs;
  def.nattr = sizeof attrs / sizeof *attrs;
  def.trusted = true;

  int code = source && path ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", d->dataset);
  if (!code && n) code = loom_dataset_assemble(d->dataset, source, n, &def, err);
  free(source);
  free(path);
  return code;
}

// Shards that are in the dataset, and those of a block that did not count.
static void remove_parts(const tries* t) {
  int64_t blocks = (t->out->all.n + BLOCK - 1) / BLOCK;
  for (int64_t i = 0; i < blocks * BLOCK; i++) {
    char path[PATH];
    part_path(path, t->def, i);
    unlink(path);
  }
}

int tool_tries(toolTries* out, const toolTriesDef* def, loomError* err) {
  loomTry list[BLOCK];
  tries t = {.def = def, .out = out, .start = loom_clock()};
  *out = (toolTries){0};
  int code = loom_make_folder(def->folder, true, err);

  // Blocks in their order, those that are there already read and not run.
  for (int64_t block = 0; !code && !has_enough(&t); block++) {
    int64_t left = def->episodes - block * BLOCK;
    int n = left < BLOCK ? (int)left : BLOCK, tried[BLOCK];
    uint64_t start[BLOCK];
    bool there = false;
    choose_starts(start, tried, &t, n);
    code = read_block(&there, list, &t, block, start, n, err);
    if (!code && !there) code = run_block(list, &t, block, start, n, err);
    if (!code) code = count_block(&t, list, n, err);
    if (!code) code = note_failures(&t, list, tried, n, err);
  }
  tool_progress_end();
  free(t.again.start);
  free(t.again.tried);

  // The dataset is whole or not there.
  if (!code && def->dataset && !loom_is_file(def->dataset)) code = assemble_successes(&t, err);
  if (!code && def->dataset) remove_parts(&t);
  if (code) tool_tries_destroy(out);
  return code;
}

void tool_tries_destroy(toolTries* t) {
  free(t->list);
  *t = (toolTries){0};
}
