#include "generators/run/screen.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/pool.h"

// Attempts of a screening have numbers of their own, so that a run's starts are others.
static const uint64_t first_number = (uint64_t)1 << 40;

int loom_screening_create(loomScreening* s, int n, loomError* err) {
  *s = (loomScreening){.n = n,
                       .kept_count = n,
                       .tries = calloc((size_t)n + 1, sizeof(int)),
                       .wins = calloc((size_t)n + 1, sizeof(int)),
                       .kept = calloc((size_t)n + 1, sizeof(int))};
  if (!s->tries || !s->wins || !s->kept)
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d sources", n);

  for (int i = 0; i < n; i++) s->kept[i] = i;
  return 0;
}

void loom_screening_destroy(loomScreening* s) {
  free(s->tries);
  free(s->wins);
  free(s->kept);
  memset(s, 0, sizeof *s);
}

void loom_screening_halve(loomScreening* s, int least) {
  int keep = (s->kept_count + 1) / 2;
  if (keep < least) keep = least;

  // Taken out one by one: the last of the worst.
  while (s->kept_count > keep) {
    int worst = 0;
    for (int i = 1; i < s->kept_count; i++)
      if (s->wins[s->kept[i]] <= s->wins[s->kept[worst]]) worst = i;

    memmove(s->kept + worst, s->kept + worst + 1, sizeof(int) * (size_t)(s->kept_count - worst - 1));
    s->kept_count--;
  }
}

// Whether source a came through more of its attempts than b did.
static bool is_better(const loomScreening* s, int a, int b) {
  return (int64_t)s->wins[a] * s->tries[b] > (int64_t)s->wins[b] * s->tries[a];
}

void loom_screening_order(loomScreening* s) {
  for (int i = 1; i < s->kept_count; i++) {  // insertion sort: a handful
    int kept = s->kept[i], k = i;
    for (; k > 0 && is_better(s, kept, s->kept[k - 1]); k--) s->kept[k] = s->kept[k - 1];
    s->kept[k] = kept;
  }
}

// ---- rounds

typedef struct worker {
  loomEpisode* episode;
  loomTrace trace;
  double cpu;
} worker;

typedef struct screening {
  const loomScene* scene;
  const loomSourceSet* sources;
  const loomGenerateDef* def;
  worker* workers;
  const loomScreening* so_far;
  loomAttemptResult* result;  // (kept x LOOM_SCREEN_ATTEMPTS) of the round
  int round;
} screening;

static int screen_create(void* user, int number, loomError* err) {
  const screening* s = user;
  worker* w = &s->workers[number];
  if (w->episode) return 0;

  int code = loom_episode_create(&w->episode, s->scene, err);
  if (!code) code = loom_trace_create(&w->trace, w->episode, s->scene->task->max_steps, err);
  return code;
}

// One source alone is a set of one.
static int screen_one(void* user, int number, int i, loomError* err) {
  const screening* s = user;
  worker* w = &s->workers[number];
  int source = s->so_far->kept[i / LOOM_SCREEN_ATTEMPTS], tries = 0, wins = 0;
  loomSourceSet alone = *s->sources;
  alone.n = 1;
  alone.replay += source;

  const loomSourceStats stats = {1, &tries, &wins, NULL, NULL};
  double start = loom_thread_cpu();
  loomAttemptDef undisturbed = s->def->attempt;
  undisturbed.recover = NULL;  // what a source is worth is seen without
  uint64_t attempt = first_number + (uint64_t)(s->round * LOOM_SCREEN_ATTEMPTS + i % LOOM_SCREEN_ATTEMPTS);
  int code =
      loom_attempt_run(&s->result[i], &w->trace, w->episode, &alone, &stats, &undisturbed, attempt, err);
  w->cpu += loom_thread_cpu() - start;

  // A simulation that failed is in an unknown state.
  if (!code && s->result[i].outcome == LOOM_OUTCOME_SIMULATOR) {
    loom_episode_destroy(w->episode);
    w->episode = NULL;
    code = loom_episode_create(&w->episode, s->scene, err);
  }
  return code;
}

static int screen_round(loomScreening* out, screening* s, loomError* err) {
  const loomPoolDef pool = {.n = out->kept_count * LOOM_SCREEN_ATTEMPTS,
                            .threads = s->def->threads,
                            .user = s,
                            .item = screen_one,
                            .create = screen_create,
                            .stop = s->def->stop};
  int code = loom_pool_run(&pool, err);
  out->stopped = s->def->stop && *s->def->stop;
  if (code || out->stopped) return code;

  for (int i = 0; i < pool.n; i++) {
    int source = out->kept[i / LOOM_SCREEN_ATTEMPTS];
    bool success = s->result[i].outcome == LOOM_OUTCOME_SUCCESS;
    out->tries[source]++;
    out->wins[source] += success;
    out->attempts++;
    out->successes += success;
    out->physics_steps += s->result[i].physics_steps;
  }
  s->round++;
  loom_screening_halve(out, s->def->best_sources);
  return 0;
}

int loom_screen_sources(loomScreening* out, const loomScene* scene, const loomSourceSet* sources,
                        const loomGenerateDef* def, loomError* err) {
  int most = sources->n * LOOM_SCREEN_ATTEMPTS, workers = loom_pool_workers(def->threads, most);
  screening s = {.scene = scene, .sources = sources, .def = def, .so_far = out};
  int code = loom_screening_create(out, sources->n, err);
  if (code) return code;

  s.workers = calloc((size_t)workers, sizeof *s.workers);
  s.result = calloc((size_t)most + 1, sizeof *s.result);
  if (!s.workers || !s.result) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a screening");
  while (!code && !out->stopped && out->kept_count > def->best_sources) code = screen_round(out, &s, err);
  loom_screening_order(out);

  // What the workers measured.
  for (int i = 0; s.workers && i < workers; i++) {
    worker* w = &s.workers[i];
    if (!w->episode) continue;
    loom_times_add(&out->times, &w->episode->times);
    out->cpu_seconds += w->cpu;
    loom_trace_destroy(&w->trace);
    loom_episode_destroy(w->episode);
  }
  free(s.workers);
  free(s.result);
  return code;
}

int loom_screening_pick(loomSourceSet* set, const loomScreening* s, const loomSourceSet* sources,
                        loomError* err) {
  *set = *sources;
  set->n = s->kept_count;
  set->replay = calloc((size_t)s->kept_count + 1, sizeof *set->replay);
  if (!set->replay) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d sources", set->n);

  for (int i = 0; i < s->kept_count; i++) set->replay[i] = sources->replay[s->kept[i]];
  return 0;
}
