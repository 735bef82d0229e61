#include "tools/shared/cells.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/lease.h"
#include "engine/base/run_folder.h"
#include "tools/shared/child.h"
#include "tools/shared/common.h"

enum { PATH = LOOM_PATH_MAX + 128, WORDS = 100 };
enum { LOST = 125 };  // exit status of a child that has lost its lease

// A cell that this process has.
typedef struct slot {
  bool used;
  int cell;
  loomLease lease;
  double begin;  // when its child may be started (loom_clock)
  pid_t child;   // 0 = not yet
  bool told;     // to stop
} slot;

typedef struct drain {
  const toolCells* cells;
  slot* slot;    // (workers)
  int finished;  // here
  double beaten, looked, start;
  bool all_told;  // nothing is left to do or to wait for
  int running;
} drain;

void tool_cell_path(char out[PATH], const char* folder, const char* name, const char* file) {
  snprintf(out, PATH, "%.*s/cells/%.64s%s%.40s", LOOM_PATH_MAX - 1, folder, name, *file ? "/" : "", file);
}

static const char* name_of(const drain* d, int cell) {
  return d->cells->name(d->cells->user, cell);
}

// ---- a child

// Looked at by a timer, not by a thread: one that was frozen and goes on looks before it does anything else.
static const loomLease* child_lease;

static void look_at_lease(int number) {
  (void)number;
  if (!loom_lease_is_held(child_lease)) _exit(LOST);
}

static void watch_lease(const loomLease* lease, double every) {
  struct sigaction action = {.sa_handler = look_at_lease, .sa_flags = SA_RESTART};
  struct timeval tick = {(time_t)every, (suseconds_t)(1e6 * (every - floor(every)))};
  struct itimerval timer = {tick, tick};

  child_lease = lease;
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &timer, NULL);
}

// In the child: never returns.
static void be_child(const drain* d, const slot* s, pid_t parent) {
  char out[PATH], log[PATH];
  const toolCells* c = d->cells;
  tool_cell_path(out, c->folder, name_of(d, s->cell), "output.json");
  tool_cell_path(log, c->folder, name_of(d, s->cell), "log.txt");

  tool_child_begin(parent, out, log);
  watch_lease(&s->lease, c->beat / 8);
  exit(c->run(c->user, s->cell));
}

static int start_child(drain* d, slot* s, loomError* err) {
  pid_t parent = getpid();

  fflush(NULL);
  s->child = fork();
  if (!s->child) be_child(d, s, parent);
  if (s->child > 0) return LOOM_OK;
  s->child = 0;
  return loom_error_set(err, LOOM_ERR_IO, "no process can be started for cell %s", name_of(d, s->cell));
}

// How much processor time a cell took, over all children that worked on it.
static double add_time(const drain* d, int cell, double seconds) {
  char path[PATH];
  tool_cell_path(path, d->cells->folder, name_of(d, cell), "core_seconds.txt");
  return tool_add_seconds(path, seconds);
}

// ---- slots

static void tell_cell(const drain* d, int cell, const char* what) {
  tool_progress_end();
  fprintf(stderr, "cell %s: %s\n", name_of(d, cell), what);
}

static void free_slot(slot* s) {
  loom_lease_release(&s->lease);
  *s = (slot){0};
}

// A child that has ended.
static int reap(drain* d, slot* s, loomError* err) {
  int status, code = LOOM_OK;
  struct rusage use;
  pid_t ended = wait4(s->child, &status, WNOHANG, &use);
  if (ended != s->child) return LOOM_OK;

  // What was done without a lease counts for nothing; what was stopped goes on another time.
  int left = tool_child_status(status);
  double seconds = add_time(d, s->cell, tool_child_seconds(&use));
  if (left == LOST || !loom_lease_is_held(&s->lease)) {
    tell_cell(d, s->cell, "its lease was lost, and is another worker's");
  } else if (!s->told || !left) {
    code = d->cells->finish(d->cells->user, s->cell, left, seconds, err);
    tell_cell(d, s->cell, left ? "failed" : "done");
    d->finished++;
  }
  free_slot(s);
  return code;
}

static void beat_all(drain* d) {
  const toolCells* c = d->cells;
  if (loom_clock() - d->beaten < c->beat / 4) return;

  d->beaten = loom_clock();
  for (int i = 0; i < c->workers; i++) {
    slot* s = &d->slot[i];
    if (!s->used || loom_lease_beat(&s->lease)) continue;

    // Another's now: at once, before anything more is written.
    if (s->child) kill(s->child, SIGKILL);
    if (!s->child) free_slot(s);
  }
}

static void stop_all(drain* d) {
  for (int i = 0; i < d->cells->workers; i++) {
    slot* s = &d->slot[i];
    if (s->used && !s->child) free_slot(s);
    if (s->used && !s->told) kill(s->child, SIGTERM);
    s->told = s->used;
  }
}

static bool is_here(const drain* d, int cell) {
  for (int i = 0; i < d->cells->workers; i++)
    if (d->slot[i].used && d->slot[i].cell == cell) return true;
  return false;
}

// The next cell that nobody has, for this slot. *left: cells that are open, here or elsewhere.
static int take_cell(drain* d, slot* s, int* left, loomError* err) {
  const toolCells* c = d->cells;
  char folder[PATH];
  int code = LOOM_OK;
  snprintf(folder, sizeof folder, "%.*s/leases", LOOM_PATH_MAX - 1, c->folder);

  *left = 0;
  for (int i = 0; !code && i < c->n; i++) {
    if (c->state(c->user, i) != TOOL_CELL_OPEN) continue;
    ++*left;
    if (is_here(d, i)) continue;

    loomLeaseTaken taken;
    loomLeaseDef lease = {.folder = folder, .name = name_of(d, i), .beat = c->beat};
    code = loom_lease_take(&s->lease, &taken, &lease, err);
    if (code || taken == LOOM_LEASE_NOT) continue;

    // Somebody may have finished it between the look and the lease.
    if (c->state(c->user, i) != TOOL_CELL_OPEN) {
      loom_lease_release(&s->lease);
      --*left;
      continue;
    }

    // Whoever may still be somewhere has a while to notice.
    s->used = true;
    s->cell = i;
    s->begin = loom_clock() + (taken == LOOM_LEASE_EXPIRED ? c->beat / 4 : 0);
    if (taken == LOOM_LEASE_GONE) tell_cell(d, i, "taken over, its worker is gone");
    if (taken == LOOM_LEASE_EXPIRED) tell_cell(d, i, "taken over, its worker has not beaten for too long");
    tool_cell_path(folder, c->folder, name_of(d, i), "");
    if (taken != LOOM_LEASE_NEW) loom_run_folder_clear(folder);
    break;
  }
  return code;
}

static int start_slot(drain* d, slot* s, loomError* err) {
  char path[PATH];
  if (!s->used || s->child || loom_clock() < s->begin) return LOOM_OK;

  tool_cell_path(path, d->cells->folder, name_of(d, s->cell), "");
  int code = loom_make_folder(path, true, err);
  return code ? code : start_child(d, s, err);
}

// Free slots get what there is; looked for when one has become free, and now and then for what others let go.
static int fill_slots(drain* d, bool freed, loomError* err) {
  const toolCells* c = d->cells;
  int code = LOOM_OK, used = 0, left = 0;
  double now = loom_clock();
  if (!freed && now - d->looked < fmin(1, c->beat / 8)) return LOOM_OK;
  d->looked = now;

  for (int i = 0; i < c->workers; i++) used += d->slot[i].used;
  bool more = true;
  for (int i = 0; !code && more && i < c->workers; i++) {
    slot* s = &d->slot[i];
    if (s->used) continue;

    // No more than it was asked for.
    if (c->most && d->finished + used >= c->most) break;
    code = take_cell(d, s, &left, err);
    more = s->used;
    used += more;
  }

  d->all_told = !used && (!left || (c->most && d->finished >= c->most));
  return code;
}

// The last line that a cell's child has said; "" where it has said none.
static void last_words(char out[WORDS], const char* path) {
  char* text = NULL;
  size_t n = 0;
  *out = '\0';
  if (loom_read_text(&text, &n, path, 1 << 26, NULL)) return;

  while (n && strchr("\r\n", text[n - 1])) text[--n] = '\0';
  while (n && !strchr("\r\n", text[n - 1])) n--;
  snprintf(out, WORDS, "%.*s", WORDS - 1, text + n);
  free(text);
}

// How many cells have ended, and how far those that are at work here have come.
static void show_progress(const drain* d) {
  const toolCells* c = d->cells;
  char note[1024], path[PATH], words[WORDS];
  int done = 0;
  for (int i = 0; i < c->n; i++) done += c->state(c->user, i) != TOOL_CELL_OPEN;
  int n = snprintf(note, sizeof note, "cells ended, %d at work here", d->running);

  for (int i = 0; i < c->workers && n < (int)sizeof note; i++) {
    if (!d->slot[i].used) continue;
    tool_cell_path(path, c->folder, name_of(d, d->slot[i].cell), "log.txt");
    last_words(words, path);
    n += snprintf(note + n, sizeof note - (size_t)n, "; %.6s %s", name_of(d, d->slot[i].cell),
                  *words ? words : "begins");
  }
  tool_progress("grid", done, c->n, loom_clock() - d->start, note);
}

int tool_cells_drain(const toolCells* cells, loomError* err) {
  drain d = {.cells = cells, .start = loom_clock(), .slot = calloc((size_t)cells->workers, sizeof(slot))};
  int code = d.slot ? LOOM_OK : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for workers");
  bool freed = true;
  double shown = d.start;

  while (!code && !d.all_told) {
    // What has ended makes room for the next.
    int before = d.running;
    d.running = 0;
    for (int i = 0; !code && i < cells->workers; i++) {
      slot* s = &d.slot[i];
      if (s->used && s->child) code = reap(&d, s, err);
      d.running += s->used;
    }
    freed = freed || d.running < before;

    beat_all(&d);
    if (tool_stop) stop_all(&d);
    if (tool_stop && !d.running) break;
    if (!code && !tool_stop) code = fill_slots(&d, freed, err);
    freed = false;
    for (int i = 0; !code && !tool_stop && i < cells->workers; i++) code = start_slot(&d, &d.slot[i], err);

    if (loom_clock() - shown > 2) {
      show_progress(&d);
      shown = loom_clock();
    }
    if (!d.all_told) loom_sleep(0.02);
  }

  // After an error of our own, children are told to stop, and waited for.
  if (code && d.slot) stop_all(&d);
  for (int i = 0; d.slot && i < cells->workers; i++) {
    if (!d.slot[i].used) continue;
    if (d.slot[i].child) waitpid(d.slot[i].child, NULL, 0);
    free_slot(&d.slot[i]);
  }
  free(d.slot);
  tool_progress_end();
  if (!code && tool_stop)
    code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; the same command goes on");
  return code;
}
