#include "generators/run/batch.h"

#include <math.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/pool.h"
#include "generators/attempt/tries.h"
#include "generators/run/record.h"
#include "generators/run/settings.h"

typedef loomGenerateWorker worker;
typedef loomGenerateRun run;

int loom_batch_source(const run* r, int best) {
  return best < 0 || !r->report->screening.n ? best : r->report->screening.kept[best];
}

bool loom_batch_looks_back(const run* r) {
  const loomTask* task = r->scene->task;
  bool looks = false;
  for (int a = 0; a < task->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      const loomSelectDef* s = &task->subtasks[a][k].select;
      looks =
          looks || s->strategy == LOOM_SELECT_WEIGHTED || s->strategy == LOOM_SELECT_BALANCED ||
          (s->strategy != LOOM_SELECT_RANDOM && s->strategy != LOOM_SELECT_ORDERED && s->success_weight != 0);
    }
  }
  return looks && (r->def->best_sources ? r->def->best_sources : r->sources->n) > 1;
}

// After MuJoCo raised an error the simulation is in an unknown state: make it anew.
static int renew_worker(worker* w, const loomScene* scene, loomError* err) {
  loomEpisode* fresh;
  int code = loom_episode_create(&fresh, scene, err);
  if (code) return code;

  // Its measured times go on.
  fresh->times = w->episode->times;
  fresh->physics_steps = w->episode->physics_steps;

  loom_episode_destroy(w->episode);
  w->episode = fresh;
  return 0;
}

// Where other processes may write it too, each has a draft of its own.
static int write_shard(const run* r, worker* w, const loomAttemptResult* result, loomError* err) {
  char path[LOOM_PATH_MAX], draft[LOOM_PATH_MAX];
  loom_journal_shard(path, r->journal, result->attempt, result->outcome == LOOM_OUTCOME_SUCCESS);
  loomShare* share = r->others.share;
  if (share) loom_share_draft(draft, share, (int)(w - r->workers), path);

  int code = loom_record_write(share ? draft : path, result, &w->trace, w->episode, r->sources,
                               &r->def->attempt, &r->def->write, r->def->next_obs, err);
  return code || !share ? code : loom_share_put(draft, path, err);
}

// One attempt. It depends on its number alone, on the snapshot of statistics and on the tries before it.
int loom_batch_attempt(run* r, worker* w, loomAttemptResult* result, uint64_t number, loomError* err) {
  bool again = loom_attempt_try(&r->def->attempt, number) > 0;
  const loomSourceStats stats = {r->best.n, r->tries, r->wins, again ? w->failed : NULL, r->share};
  double start = loom_thread_cpu();
  int code = loom_attempt_run(result, &w->trace, w->episode, &r->best, &stats, &r->def->attempt, number, err);
  for (int k = 0; k < LOOM_MAX_ARMS * LOOM_MAX_SUBTASKS; k++) {
    int* source = &result->source[k / LOOM_MAX_SUBTASKS][k % LOOM_MAX_SUBTASKS];
    *source = loom_batch_source(r, *source);
  }

  // Successes are kept, failures where there is a file for them; each is a shard of its own.
  bool keep = result->outcome == LOOM_OUTCOME_SUCCESS || (r->def->failed && w->trace.rows);
  if (!code && keep && r->journal) code = write_shard(r, w, result, err);

  if (!code && result->outcome == LOOM_OUTCOME_SIMULATOR) code = renew_worker(w, r->scene, err);

  w->cpu += loom_thread_cpu() - start;
  return code;
}

bool loom_batch_uses(const loomAttemptResult* r, int source) {
  for (int i = 0; i < LOOM_MAX_ARMS * LOOM_MAX_SUBTASKS; i++) {
    if (r->source[i / LOOM_MAX_SUBTASKS][i % LOOM_MAX_SUBTASKS] == source) return true;
  }
  return false;
}

static void note_failed(int* failed, const run* r, const loomAttemptResult* result) {
  for (int s = 0; s < r->best.n; s++) failed[s] += loom_batch_uses(result, loom_batch_source(r, s));
}

// What earlier tries at the start of an attempt used, of the first `n` results.
void loom_batch_find_failed(int* failed, const run* r, uint64_t number, int64_t n) {
  const loomAttemptDef* def = &r->def->attempt;
  memset(failed, 0, sizeof *failed * (size_t)r->sources->n);

  uint64_t start = loom_attempt_start(def, number);
  for (int64_t i = n - 1; i >= 0 && loom_attempt_start(def, r->report->results[i].attempt) == start; i--)
    note_failed(failed, r, &r->report->results[i]);
}

// The attempt that a start of the batch begins with.
static uint64_t first_attempt(const run* r, int i) {
  const loomAttemptDef* def = &r->def->attempt;
  return i ? (loom_attempt_start(def, r->first) + (uint64_t)i) * (uint64_t)r->most_tries : r->first;
}

// A start of the batch: tries at it until one succeeds, or none is left.
static int make_start(run* r, worker* w, int i, loomError* err) {
  uint64_t most = (uint64_t)r->most_tries, number = first_attempt(r, i);
  loomStartResult* made = &r->start[i];
  loomTimes before = w->episode->times;
  double cpu = w->cpu;
  int code = 0;

  loom_batch_find_failed(w->failed, r, number, r->report->result_count);
  made->n = 0;
  for (uint64_t end = number - number % most + most; !code && number < end; number++) {
    loomAttemptResult* result = &made->attempt[made->n++];
    code = loom_batch_attempt(r, w, result, number, err);
    if (result->outcome == LOOM_OUTCOME_SUCCESS) break;
    note_failed(w->failed, r, result);
  }

  // What it took, for the others' sums.
  made->cpu_seconds = w->cpu - cpu;
  made->times = w->episode->times;
  loom_times_subtract(&made->times, &before);
  return code;
}

// A start that others may make or have made: it is taken first.
static int make_shared_start(run* r, worker* w, int i, loomError* err) {
  int number = (int)(w - r->workers);
  uint64_t first = first_attempt(r, i);
  loomShare* share = r->others.share;
  bool taken = false;
  char name[32];

  // Made already, or in somebody's hands.
  loom_made_name(name, loom_attempt_start(&r->def->attempt, first));
  int code = loom_made_read(&r->start[i], &r->others, first, err);
  r->elsewhere[i] = !code && r->start[i].n;
  if (code || r->elsewhere[i] || (!r->ask_all && loom_share_seems_taken(share, name))) return code;
  code = loom_share_take(&taken, share, number, name, err);
  if (code || !taken) return code;

  // Somebody may have finished it between the look and the lease.
  code = loom_made_read(&r->start[i], &r->others, first, err);
  r->elsewhere[i] = !code && r->start[i].n;
  if (!code && !r->elsewhere[i]) {
    code = make_start(r, w, i, err);
    if (!code) code = loom_made_write(&r->others, number, &r->start[i], err);
  }
  loom_share_give(share, number, !code);
  return code;
}

static int try_start(void* user, int number_of_worker, int i, loomError* err) {
  run* r = user;
  worker* w = &r->workers[number_of_worker];
  if (r->known[i]) return 0;
  return r->others.share ? make_shared_start(r, w, i, err) : make_start(r, w, i, err);
}

bool loom_batch_time_is_up(const run* r) {
  return r->def->seconds > 0 && loom_clock() - r->begun > r->def->seconds;
}

bool loom_batch_gives_up(const loomGenerateDef* def, int64_t attempts, int64_t successes) {
  return loom_gives_up(attempts, successes, def->max_failures, def->hopeless);
}

// Whether attempts beyond these count no more. A part of a run cannot know.
static bool is_over(const run* r) {
  if (r->def->shards) return false;
  int64_t attempts = r->report->attempts + r->attempts;
  if (r->def->successes && r->prefix_successes >= r->def->successes) return true;
  if (r->def->attempts && attempts >= r->def->attempts) return true;
  return loom_batch_gives_up(r->def, attempts, r->prefix_successes);
}

// Attempts beyond the last one that counts are thrown away: on one thread they would not have been run.
static void count_prefix(run* r) {
  for (; r->starts < r->count && r->known[r->starts] && !is_over(r); r->starts++) {
    const loomStartResult* made = &r->start[r->starts];
    for (int k = 0; k < made->n && !is_over(r); k++) {
      r->prefix[r->attempts++] = made->attempt[k];
      r->prefix_successes += made->attempt[k].outcome == LOOM_OUTCOME_SUCCESS;
      r->report->resumed += r->earlier[r->starts];
    }

    // What it took another process; what it took here is in this one's own sums.
    if (!r->elsewhere[r->starts]) continue;
    r->report->cpu_seconds += made->cpu_seconds;
    loom_times_add(&r->report->times, &made->times);
  }
}

static int note_finished(void* user, int number_of_worker, int i, int prefix, loomError* err) {
  run* r = user;
  (void)number_of_worker, (void)prefix, (void)err;

  r->found += !r->known[i] && r->start[i].n;
  r->known[i] = r->start[i].n;
  r->ended[i] = true;
  count_prefix(r);

  if (r->def->progress) {
    r->def->progress(r->def->user, r->report->attempts + r->attempts, r->prefix_successes,
                     loom_clock() - r->begun);
  }
  return 0;
}

// What others have made since, up to the first start that nobody has. As long as all is there that is looked
// for, an earlier run has made it.
static int look_for_others(run* r, loomError* err) {
  int code = 0;

  for (int i = r->starts; !code && i < r->count; i++) {
    if (r->known[i]) continue;
    if (i < r->handed && !r->ended[i]) break;  // a worker's
    code = loom_made_read(&r->start[i], &r->others, first_attempt(r, i), err);
    r->known[i] = !code && r->start[i].n;
    r->earlier[i] = r->known[i] && r->behind;
    r->elsewhere[i] = r->known[i] && !r->behind;
    r->behind = r->behind && r->known[i];
    if (!r->known[i]) break;
  }
  r->seen = loom_clock();
  count_prefix(r);
  return code;
}

// Whether the first start that is missing, which all that is made after it waits for, is in the hands of
// somebody who is gone: then the next round begins with it.
static bool is_left_behind(run* r) {
  const double ask = 0.5;  // s
  int i = r->starts, spare = r->worker_count;
  if (i >= r->handed || !r->ended[i] || r->known[i] || loom_clock() - r->looked < ask) return false;

  char name[32];
  bool taken;
  r->looked = loom_clock();
  loom_made_name(name, loom_attempt_start(&r->def->attempt, first_attempt(r, i)));
  if (loom_share_take(&taken, r->others.share, spare, name, NULL) || !taken) return false;
  loom_share_give(r->others.share, spare, false);
  r->ask_next = true;
  return true;
}

// What others have made may be enough long before all is made that is in hand. What keeps it from being read
// is told by the next round.
static bool have_enough(void* user) {
  const double every = 0.2;  // s
  run* r = user;
  if (r->others.share && loom_clock() - r->seen > every) look_for_others(r, NULL);
  bool enough = is_over(r) || loom_batch_time_is_up(r) || (r->others.share && is_left_behind(r));
  r->handed += !enough;
  return enough;
}

static int run_pool(run* r, loomError* err) {
  const loomPoolDef pool = {.n = r->count,
                            .threads = r->worker_count,
                            .user = r,
                            .item = try_start,
                            .finished = note_finished,
                            .enough = have_enough,
                            .stop = r->def->stop};
  memset(r->ended, 0, sizeof *r->ended * (size_t)r->count);
  r->handed = 0;
  int code = loom_pool_run(&pool, err);
  r->handed = 0;
  return code;
}

// Rounds over the starts of the batch that nobody has made yet. What others have in hand is waited for, and
// taken from whoever is gone.
static int run_shared_batch(run* r, loomError* err) {
  const double least = 0.01, most = 0.1, ask = 0.5;  // s
  double wait = least;

  for (;;) {
    int code = look_for_others(r, err);
    if (code || r->starts == r->count || is_over(r) || (r->def->stop && *r->def->stop)) return code;

    // Leases are asked for now and then, and where somebody was left behind: one that is there is somebody's,
    // most likely.
    r->ask_all = r->ask_next || loom_clock() - r->looked > ask;
    r->ask_next = false;
    if (r->ask_all) r->looked = loom_clock();
    r->found = 0;
    code = run_pool(r, err);
    if (code) return code;
    if (!r->found) loom_sleep(wait);
    wait = r->found ? least : fmin(2 * wait, most);
  }
}

int loom_batch_run(run* r, uint64_t first, int count, loomError* err) {
  r->first = first;
  r->count = count;
  r->starts = r->attempts = 0;
  for (int i = 0; i < count; i++) {
    r->start[i].n = 0;
    r->known[i] = r->earlier[i] = r->elsewhere[i] = false;
  }
  return r->others.share ? run_shared_batch(r, err) : run_pool(r, err);
}
