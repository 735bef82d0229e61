// What disturbances cost, each kind by itself, in episodes of tests/own on one thread: processor time of a
// control step, at which numbers are seen and, where it says so, a picture of 24 x 24, against one that
// nothing disturbs, and of what comes before the first. Both run in turn, so that the ratio is of one run:
// a turn is an episode, of which the quickest repeats count; median and quartiles over the turns.
//   bench_disturb [KEY...]
#include <math.h>

#include "engine/base/clock.h"
#include "engine/observe/observer.h"
#include "engine/observe/sense.h"
#include "tests/own_fixture.h"

enum { TURNS = 7, REPEATS = 3, STEPS = 40, SIZE = 24, RGB = 3 * SIZE * SIZE };

/// A kind, and what its values are drawn from.
typedef struct disturbance {
  loomDisturbKind kind;  // LOOM_DISTURB_COUNT: none, to see what noise there is
  double range[2];
  bool timed;     // it begins and ends in the course of the episode
  bool pictures;  // they are drawn, too
} disturbance;

static const disturbance kinds[] = {
    {.kind = LOOM_DISTURB_COUNT, .range = {0, 0}},
    {.kind = LOOM_DISTURB_MASS, .range = {0.8, 1.2}},
    {.kind = LOOM_DISTURB_FRICTION, .range = {0.8, 1.2}},
    {.kind = LOOM_DISTURB_SOLREF, .range = {0.9, 1.1}},
    {.kind = LOOM_DISTURB_DAMPING, .range = {0.8, 1.2}},
    {.kind = LOOM_DISTURB_GAINS, .range = {0.9, 1.1}},
    {.kind = LOOM_DISTURB_PLACE, .range = {-0.01, 0.01}},
    {.kind = LOOM_DISTURB_YAW, .range = {-0.1, 0.1}},
    {.kind = LOOM_DISTURB_FRICTION, .range = {0.8, 1.2}, .timed = true},
    {.kind = LOOM_DISTURB_PUSH, .range = {0.1, 0.2}, .timed = true},
    {.kind = LOOM_DISTURB_SLIP, .range = {0, 0.5}, .timed = true},
    {.kind = LOOM_DISTURB_OBSERVATION_NOISE, .range = {0.01, 0.01}},
    {.kind = LOOM_DISTURB_OBSERVATION_DELAY, .range = {2, 2}},
    {.kind = LOOM_DISTURB_OBSERVATION_DROPOUT, .range = {0.2, 0.2}},
    {.kind = LOOM_DISTURB_ACTION_NOISE, .range = {0.01, 0.01}},
    {.kind = LOOM_DISTURB_ACTION_DELAY, .range = {2, 2}},
    {.kind = LOOM_DISTURB_COUNT, .range = {0, 0}, .pictures = true},
    {.kind = LOOM_DISTURB_LIGHT, .range = {0.5, 1}, .pictures = true},
    {.kind = LOOM_DISTURB_COLOR, .range = {0.5, 1}, .pictures = true},
    {.kind = LOOM_DISTURB_CAMERA_TURN, .range = {-0.02, 0.02}, .pictures = true},
    {.kind = LOOM_DISTURB_PICTURE_DELAY, .range = {2, 2}, .pictures = true},
    {.kind = LOOM_DISTURB_PICTURE_DROPOUT, .range = {0.2, 0.2}, .pictures = true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static loomDisturbTerm term_of(const disturbance* d) {
  loomDisturbTerm t = {.kind = d->kind, .range = {d->range[0], d->range[1]}};
  if (d->kind == LOOM_DISTURB_PUSH) strcpy(t.of, "box");
  if (!d->timed) return t;

  t.timed = t.ends = true;
  t.at[0] = t.last[0] = 0.2;
  t.at[1] = t.last[1] = 0.5;
  return t;
}

static const char* name_of(const disturbance* d) {
  return d->kind == LOOM_DISTURB_COUNT ? "nothing" : loom_disturb_kinds[d->kind].key;
}

/// Who acts: looks at all there is, and moves a little.
typedef struct watcher {
  loomObserver* observer;
  float* seen;
  bool pictures;
} watcher;

static int watch_and_move(double* action, void* self, loomEpisode* e, loomError* err) {
  static unsigned char rgb[RGB];
  watcher* w = self;
  loom_observer_see(w->seen, w->observer, e);
  for (int i = 0; i < e->action_dim; i++) action[i] = 0.1 * sin(0.3 * e->steps + i);
  return w->pictures ? loom_observer_look((void* const[]){rgb}, w->observer, e, err) : 0;
}

static void open_watcher(watcher* w, own* o, bool pictures) {
  loomSenseDef def = loom_default_sense_def();
  loomObsKey key[3] = {{.name = "robot0_eef_pos"}, {.name = "object"}};
  loomError err = {0, ""};
  *w = (watcher){.pictures = pictures};
  must(loom_sense_key(&key[2], &def, "front_image", 3, (int[]){SIZE, SIZE, 3}, &err), &err);
  must(loom_observer_create(&w->observer, o->e, key, pictures ? 3 : 2, &def, &err), &err);
  w->seen = calloc((size_t)loom_observer_dim(w->observer), sizeof *w->seen);
}

static void close_watcher(watcher* w) {
  loom_observer_destroy(w->observer);
  free(w->seen);
}

/// Processor time, s: of the beginning, and of all control steps.
typedef struct cost {
  double begin, steps;
} cost;

static cost run(own* o, watcher* w, const loomDisturbSet* set, uint64_t number) {
  loomPolicy policy = {.self = w, .act = watch_and_move};
  loomRunDef def = {.max_steps = STEPS + 1};
  loomRunResult result;
  loomError err = {0, ""};

  must(loom_episode_reset(o->e, 0, 1, number, &err), &err);

  // What is seen of its sizes is made before both.
  must(loom_observer_begin(w->observer, o->e, &err), &err);
  double at = loom_thread_cpu();
  if (set) must(loom_disturb_begin(o->e, set, 1, number, NULL, &err), &err);
  must(loom_observer_begin(w->observer, o->e, &err), &err);
  must(loom_run_begin(&result, o->e, &policy, NULL, &err), &err);
  double begun = loom_thread_cpu();

  for (int t = 0; t < STEPS; t++) must(loom_run_step(&result, o->e, &policy, &def, NULL, &err), &err);
  return (cost){begun - at, loom_thread_cpu() - begun};
}

static int compare(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static void measure(own* o, const disturbance* d) {
  static loomDisturbSet sets[KINDS];
  loomDisturbSet* set = &sets[d - kinds];
  loomDisturbTerm term = term_of(d);
  double ratio[TURNS], begin[TURNS], calm[TURNS];
  watcher w;
  open_watcher(&w, o, d->pictures);
  *set = (loomDisturbSet){.label = "bench", .count = 1, .terms = &term};

  // The first turn warms up. Which of both comes first changes from turn to turn.
  for (int i = -1; i < TURNS; i++) {
    cost with = {INFINITY, INFINITY}, without = with;
    for (int k = 0; k < 2 * REPEATS; k++) {
      bool disturbed = (k + i) & 1;
      const loomDisturbSet* by = disturbed && d->kind != LOOM_DISTURB_COUNT ? set : NULL;
      cost c = run(o, &w, by, (uint64_t)(i + 1));
      cost* quickest = disturbed ? &with : &without;
      quickest->begin = fmin(quickest->begin, c.begin);
      quickest->steps = fmin(quickest->steps, c.steps);
    }
    if (i < 0) continue;
    ratio[i] = with.steps / without.steps;
    begin[i] = 1e3 * (with.begin - without.begin);
    calm[i] = STEPS / without.steps;
  }
  close_watcher(&w);

  qsort(ratio, TURNS, sizeof *ratio, compare);
  qsort(begin, TURNS, sizeof *begin, compare);
  qsort(calm, TURNS, sizeof *calm, compare);
  printf("%-20s %-8s %8.0f  %5.2f [%.2f, %.2f]  %8.2f\n", name_of(d),
         d->timed      ? "a while"
         : d->pictures ? "pictures"
                       : "",
         calm[TURNS / 2], ratio[TURNS / 2], ratio[TURNS / 4], ratio[3 * TURNS / 4], begin[TURNS / 2]);
}

static bool is_asked(const disturbance* d, int argc, char** argv) {
  bool asked = argc < 2;
  for (int i = 1; i < argc; i++) asked = asked || !strcmp(argv[i], name_of(d));
  return asked;
}

int main(int argc, char** argv) {
  void* state;
  if (open_own(&state)) return 1;
  printf("%-20s %-8s %8s  %-18s  %s\n", "disturbed by", "", "calm, /s", "time of a step", "start, ms more");
  for (int i = 0; i < KINDS; i++)
    if (is_asked(&kinds[i], argc, argv)) measure(state, &kinds[i]);
  return close_own(&state);
}
