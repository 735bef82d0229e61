#include "generators/run/generate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/pool.h"
#include "generators/attempt/quota.h"
#include "generators/attempt/stage.h"
#include "generators/attempt/tries.h"
#include "generators/run/journal.h"
#include "generators/run/record.h"
#include "generators/run/screen.h"
#include "generators/run/settings.h"
#include "generators/run/share.h"

// Starts of a batch (attempts, where each has one try) see the same source statistics, so where batches end
// is part of what a seed means: it never depends on the number of threads. The first ones are short, so
// that poor sources are found out early.
enum { batch_size = 64 };

static int64_t batch_end(int64_t start) {
  int64_t end = 4;
  while (end <= start && end < batch_size) end *= 2;
  return end > start ? end : start - start % batch_size + batch_size;
}

static int64_t batch_begin(int64_t start) {
  if (start >= batch_size) return start - start % batch_size;
  int64_t end = batch_end(start);
  return end > 4 ? end / 2 : 0;
}

loomGenerateDef loom_default_generate_def(void) {
  return (loomGenerateDef){
      .attempt = loom_default_attempt_def(),
      .write = loom_default_write_def(),
      .hopeless = LOOM_HOPELESS,
      .heartbeat = 20};
}

void loom_generate_report_destroy(loomGenerateReport* report) {
  free(report->results);
  loom_screening_destroy(&report->screening);
  memset(report, 0, sizeof *report);
}

// ---- workers

typedef struct worker {
  loomEpisode* episode;
  loomTrace trace;
  int* failed;  // (best) at the start in hand
  double cpu;
} worker;

typedef struct run {
  loomGenerateReport* report;
  const loomScene* scene;
  const loomSourceSet* sources;
  loomSourceSet best;  // the sources that attempts use: all, or those that a screening has kept
  const loomGenerateDef* def;
  loomJournal* journal;
  worker* workers;
  int worker_count;
  int *tries, *wins;  // (best) as of the last finished batch
  int stages;
  int *stage_tries, *stage_wins;  // (stages x best) likewise, where sources are mixed
  double* kept;                   // (best) rows of kept demos, in demos
  double *share, *share_room;     // (stages x best) of the batch's attempts, and room to find them
  double begun;
  uint64_t first;        // attempt number of the batch's first: seldom a later try, where a run was cut off
  int most_tries;        // that a start gets
  int count;             // starts of the batch
  loomStartResult start[batch_size];  // what came of them, in `batch`
  bool known[batch_size];             // that it has been made
  bool earlier[batch_size];           // by an earlier run
  bool elsewhere[batch_size];         // by another process of this run
  loomAttemptResult* batch;   // (batch_size x tries) of these starts
  loomAttemptResult* prefix;  // (batch_size x tries) those that count: finished without a gap, and asked for
  int starts, attempts;       // of which so many starts, and attempts
  int64_t prefix_successes;   // successes up to there, earlier batches included
  loomShare* others;          // starts that other processes make or have made; NULL: there are none
  bool behind;                // what it has found so far was there before it began
  double looked;              // when leases that others have were last asked for
  bool ask_all;               // this round asks for them
  int made;                   // starts of this round
} run;

static int make_workers(run* r, loomError* err) {
  r->worker_count = loom_pool_workers(r->def->threads, batch_size);
  r->workers = calloc((size_t)r->worker_count, sizeof *r->workers);
  r->tries = calloc((size_t)r->sources->n + 1, sizeof *r->tries);
  r->wins = calloc((size_t)r->sources->n + 1, sizeof *r->wins);
  r->stages = loom_stage_count(r->scene->task);
  size_t stage_room = (size_t)r->stages * (size_t)r->sources->n + 1;
  r->stage_tries = calloc(stage_room, sizeof *r->stage_tries);
  r->stage_wins = calloc(stage_room, sizeof *r->stage_wins);
  r->kept = calloc((size_t)r->sources->n + 1, sizeof *r->kept);
  r->share = calloc(stage_room, sizeof *r->share);
  r->share_room = calloc(2 * stage_room, sizeof *r->share_room);
  r->most_tries = loom_attempt_tries(&r->def->attempt);
  size_t room = (size_t)batch_size * (size_t)r->most_tries;
  r->batch = calloc(room, sizeof *r->batch);
  r->prefix = calloc(room, sizeof *r->prefix);
  bool counts =
      r->tries && r->wins && r->stage_tries && r->stage_wins && r->kept && r->share && r->share_room;
  if (!r->workers || !counts || !r->batch || !r->prefix)
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for workers");
  for (int i = 0; i < batch_size; i++) r->start[i].attempt = r->batch + (size_t)i * (size_t)r->most_tries;

  // An episode and a trace each, kept from attempt to attempt.
  for (int i = 0; i < r->worker_count; i++) {
    r->workers[i].failed = calloc((size_t)r->sources->n + 1, sizeof(int));
    if (!r->workers[i].failed) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for workers");
    int code = loom_episode_create(&r->workers[i].episode, r->scene, err);
    const loomEpisode* e = r->workers[i].episode;
    if (!code) code = loom_arms_take_poses(e->arms, e->arm_count, r->scene->task->path, err);
    if (!code)
      code = loom_trace_create(&r->workers[i].trace, r->workers[i].episode, r->scene->task->max_steps, err);
    if (code) return code;
  }
  return 0;
}

static void free_workers(run* r) {
  for (int i = 0; r->workers && i < r->worker_count; i++) {
    loom_episode_destroy(r->workers[i].episode);
    loom_trace_destroy(&r->workers[i].trace);
    free(r->workers[i].failed);
  }
  free(r->workers);
  free(r->batch);
  free(r->prefix);
  free(r->tries);
  free(r->wins);
  free(r->stage_tries);
  free(r->stage_wins);
  free(r->share);
  free(r->share_room);
  free(r->kept);
  if (r->report->screening.n) free(r->best.replay);
}

// The number in `sources` of one of those that attempts use.
static int source_of_best(const run* r, int best) {
  return best < 0 || !r->report->screening.n ? best : r->report->screening.kept[best];
}

// All sources, or the best of them; which these are costs attempts.
static int choose_sources(run* r, loomError* err) {
  loomScreening* s = &r->report->screening;
  r->best = *r->sources;
  if (!r->def->best_sources || r->def->best_sources == r->sources->n) return 0;

  int code = loom_screen_sources(s, r->scene, r->sources, r->def, err);
  if (!code) code = loom_screening_pick(&r->best, s, r->sources, err);
  if (code) loom_screening_destroy(s);
  return code;
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
  if (r->others) loom_share_draft(draft, r->others, (int)(w - r->workers), path);

  int code = loom_record_write(r->others ? draft : path, result, &w->trace, w->episode, r->sources,
                               &r->def->attempt, &r->def->write, r->def->next_obs, err);
  return code || !r->others ? code : loom_share_put(draft, path, err);
}

// One attempt. It depends on its number alone, on the snapshot of statistics and on the tries before it.
static int attempt_number(run* r, worker* w, loomAttemptResult* result, uint64_t number, loomError* err) {
  bool again = loom_attempt_try(&r->def->attempt, number) > 0;
  const loomSourceStats stats = {r->best.n, r->tries, r->wins, again ? w->failed : NULL, r->share};
  double start = loom_thread_cpu();
  int code = loom_attempt_run(result, &w->trace, w->episode, &r->best, &stats, &r->def->attempt, number, err);
  for (int k = 0; k < LOOM_MAX_ARMS * LOOM_MAX_SUBTASKS; k++) {
    int* source = &result->source[k / LOOM_MAX_SUBTASKS][k % LOOM_MAX_SUBTASKS];
    *source = source_of_best(r, *source);
  }

  // Successes are kept, failures where there is a file for them; each is a shard of its own.
  bool keep = result->outcome == LOOM_OUTCOME_SUCCESS || (r->def->failed && w->trace.rows);
  if (!code && keep && r->journal) code = write_shard(r, w, result, err);

  if (!code && result->outcome == LOOM_OUTCOME_SIMULATOR) code = renew_worker(w, r->scene, err);

  w->cpu += loom_thread_cpu() - start;
  return code;
}

static bool uses_source(const loomAttemptResult* r, int source) {
  for (int i = 0; i < LOOM_MAX_ARMS * LOOM_MAX_SUBTASKS; i++) {
    if (r->source[i / LOOM_MAX_SUBTASKS][i % LOOM_MAX_SUBTASKS] == source) return true;
  }
  return false;
}

static void note_failed(int* failed, const run* r, const loomAttemptResult* result) {
  for (int s = 0; s < r->best.n; s++) failed[s] += uses_source(result, source_of_best(r, s));
}

// What earlier tries at the start of an attempt used, of the first `n` results.
static void find_failed(int* failed, const run* r, uint64_t number, int64_t n) {
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

  find_failed(w->failed, r, number, r->report->result_count);
  made->n = 0;
  for (uint64_t end = number - number % most + most; !code && number < end; number++) {
    loomAttemptResult* result = &made->attempt[made->n++];
    code = attempt_number(r, w, result, number, err);
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
  uint64_t first = first_attempt(r, i), start = loom_attempt_start(&r->def->attempt, first);
  bool taken = false;
  if (!r->ask_all && loom_share_seems_taken(r->others, start)) return 0;
  int code = loom_share_take(&taken, r->others, number, start, err);
  if (code || !taken) return code;

  // Somebody may have finished it between the look and the lease.
  code = loom_share_read(&r->start[i], r->others, first, err);
  r->elsewhere[i] = !code && r->start[i].n;
  if (!code && !r->elsewhere[i]) {
    code = make_start(r, w, i, err);
    if (!code) code = loom_share_write(r->others, number, &r->start[i], err);
  }
  loom_share_give(r->others, number, !code);
  return code;
}

static int try_start(void* user, int number_of_worker, int i, loomError* err) {
  run* r = user;
  worker* w = &r->workers[number_of_worker];
  if (r->known[i]) return 0;
  return r->others ? make_shared_start(r, w, i, err) : make_start(r, w, i, err);
}

static bool time_is_up(const run* r) {
  return r->def->seconds > 0 && loom_clock() - r->begun > r->def->seconds;
}

static bool gives_up(const loomGenerateDef* def, int64_t attempts, int64_t successes) {
  return loom_gives_up(attempts, successes, def->max_failures, def->hopeless);
}

// Whether attempts beyond these count no more. A part of a run cannot know.
static bool is_over(const run* r) {
  if (r->def->shards) return false;
  int64_t attempts = r->report->attempts + r->attempts;
  if (r->def->successes && r->prefix_successes >= r->def->successes) return true;
  if (r->def->attempts && attempts >= r->def->attempts) return true;
  return gives_up(r->def, attempts, r->prefix_successes);
}

static bool have_enough(void* user) {
  const run* r = user;
  return is_over(r) || time_is_up(r);
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

  r->made += !r->known[i] && r->start[i].n;
  r->known[i] = r->start[i].n;
  count_prefix(r);

  if (r->def->progress) {
    r->def->progress(r->def->user, r->report->attempts + r->attempts, r->prefix_successes,
                     loom_clock() - r->begun);
  }
  return 0;
}

// What others have made since. As long as all is there that is looked for, an earlier run has made it.
static int look_for_others(run* r, loomError* err) {
  int code = 0, found = 0;
  for (int i = 0; !code && i < r->count; i++) {
    if (r->known[i]) continue;
    code = loom_share_read(&r->start[i], r->others, first_attempt(r, i), err);
    r->known[i] = !code && r->start[i].n;
    r->earlier[i] = r->known[i] && r->behind;
    r->elsewhere[i] = r->known[i] && !r->behind;
    found += r->known[i];
  }
  r->behind = r->behind && found == r->count;
  count_prefix(r);
  return code;
}

static int run_pool(run* r, loomError* err) {
  const loomPoolDef pool = {.n = r->count,
                            .threads = r->worker_count,
                            .user = r,
                            .item = try_start,
                            .finished = note_finished,
                            .enough = have_enough,
                            .stop = r->def->stop};
  return loom_pool_run(&pool, err);
}

// Rounds over the starts of the batch that nobody has made yet. What others have in hand is waited for, and
// taken from whoever is gone.
static int run_shared_batch(run* r, loomError* err) {
  const double wait = 0.01, ask = 0.5;  // s

  for (;;) {
    int code = look_for_others(r, err);
    if (code || r->starts == r->count || have_enough(r) || (r->def->stop && *r->def->stop)) return code;

    // Leases are asked for now and then: one that is there is somebody's, most likely.
    r->ask_all = loom_clock() - r->looked > ask;
    if (r->ask_all) r->looked = loom_clock();
    r->made = 0;
    code = run_pool(r, err);
    if (code) return code;
    if (!r->made) loom_sleep(wait);
  }
}

static int run_batch(run* r, uint64_t first, int count, loomError* err) {
  r->first = first;
  r->count = count;
  r->starts = r->attempts = 0;
  for (int i = 0; i < count; i++) {
    r->start[i].n = 0;
    r->known[i] = r->earlier[i] = r->elsewhere[i] = false;
  }
  return r->others ? run_shared_batch(r, err) : run_pool(r, err);
}

// ---- bookkeeping

static int keep_result(run* r, const loomAttemptResult* result, loomError* err) {
  loomGenerateReport* report = r->report;
  if (report->result_count % 1024 == 0) {
    size_t more = (size_t)report->result_count + 1024;
    loomAttemptResult* grown = realloc(report->results, more * sizeof *grown);
    if (!grown) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for results");
    report->results = grown;
  }

  report->results[report->result_count++] = *result;
  report->attempts++;
  report->physics_steps += result->physics_steps;

  if (result->outcome == LOOM_OUTCOME_SUCCESS) {
    report->successes++;
    report->rows += result->steps;
  }
  return 0;
}

static int64_t start_of(const run* r, uint64_t attempt) {
  return (int64_t)loom_attempt_start(&r->def->attempt, attempt);
}

// The same of stages, where sources are mixed, and shares of their next attempts. Limits that a source goes
// beyond count against its first stage.
static void count_stages(run* r, int64_t upto) {
  const loomTask* task = r->scene->task;
  const int* best = r->report->screening.n ? r->report->screening.kept : NULL;
  int n = r->best.n;
  memset(r->stage_tries, 0, sizeof *r->stage_tries * (size_t)(r->stages * n));
  memset(r->stage_wins, 0, sizeof *r->stage_wins * (size_t)(r->stages * n));
  memset(r->kept, 0, sizeof *r->kept * (size_t)n);
  memcpy(r->stage_tries, r->tries, sizeof *r->tries * (size_t)n);

  for (int64_t i = 0; i < r->report->result_count; i++) {
    const loomAttemptResult* result = &r->report->results[i];
    if (start_of(r, result->attempt) >= upto) break;
    loom_stage_tally(r->stage_tries, r->stage_wins, result, task, best, n);
    if (result->outcome == LOOM_OUTCOME_SUCCESS) loom_source_rows(r->kept, result, task, best, n);
  }

  const loomStageStats stage = {n, r->stages, r->stage_tries, r->stage_wins, r->kept};
  loom_stage_quota(r->share, r->share_room, &stage);
}

// Shares of the next attempts, where sources are not mixed.
static void share_attempts(run* r) {
  loomQuota quota[LOOM_MAX_SOURCES];
  loom_source_quota(quota, &(loomSourceStats){.n = r->best.n, .tries = r->tries, .successes = r->wins});
  for (int s = 0; s < r->best.n; s++) r->share[s] = quota[s].share;
}

// An attempt counts for every source it took segments from. Statistics change between whole batches only, so
// that an attempt sees the same ones on any number of threads. A source that goes beyond the task's limits
// itself has failed once before it is tried.
static void count_sources(run* r, int64_t upto) {
  char why[160];
  for (int s = 0; s < r->best.n; s++) {
    loomLimit beyond = loom_quality_beyond(&r->best.replay[s].quality, r->scene->task, why, sizeof why);
    r->tries[s] = beyond != LOOM_LIMIT_NONE;
    r->wins[s] = 0;
  }
  if (r->stages > 1) count_stages(r, upto);

  for (int64_t i = 0; i < r->report->result_count; i++) {
    const loomAttemptResult* result = &r->report->results[i];
    if (start_of(r, result->attempt) >= upto) break;
    for (int s = 0; s < r->best.n; s++) {
      if (!uses_source(result, source_of_best(r, s))) continue;
      r->tries[s]++;
      r->wins[s] += result->outcome == LOOM_OUTCOME_SUCCESS;
    }
  }
  if (r->stages < 2) share_attempts(r);
}

// As many as were asked for.
static bool is_enough(const loomGenerateDef* def, const loomGenerateReport* p) {
  return (def->successes && p->successes >= def->successes) ||
         (def->attempts && p->attempts >= def->attempts);
}

static bool limits_reached(const run* r) {
  const loomGenerateReport* p = r->report;
  if (is_enough(r->def, p) || gives_up(r->def, p->attempts, p->successes)) return true;

  return (r->def->stop && *r->def->stop) || time_is_up(r);
}

static int generate_loop(run* r, loomError* err) {
  while (!limits_reached(r)) {
    // A resumed run may enter a batch in the middle, and a start between two tries.
    const loomGenerateReport* p = r->report;
    uint64_t next = p->attempts ? loom_attempt_next(&r->def->attempt, &p->results[p->result_count - 1]) : 0;
    int64_t first = start_of(r, next), rest = r->def->attempts - p->attempts;
    int count = (int)(batch_end(first) - first);
    if (r->def->attempts && count > rest) count = (int)rest;

    // Source statistics as of the batch's begin, so that the middle of one sees the same.
    count_sources(r, batch_begin(first));
    r->prefix_successes = r->report->successes;

    // Attempts of a batch run on all workers.
    loomError why = {0, ""};
    int failed = run_batch(r, next, count, &why);

    // What was finished before an attempt failed is kept all the same; in a shared run it has its own files.
    bool append = r->journal && !r->def->share;
    int code = append ? loom_journal_append(r->journal, r->prefix, r->attempts, err) : 0;
    for (int i = 0; !code && i < r->attempts; i++) code = keep_result(r, &r->prefix[i], err);
    if (code) return code;
    if (failed) {
      if (err) *err = why;
      return failed;
    }
  }

  // What was asked for comes before why it ended.
  const loomGenerateReport* p = r->report;
  r->report->interrupted = r->def->stop && *r->def->stop;
  r->report->gave_up = !is_enough(r->def, p) && gives_up(r->def, p->attempts, p->successes);
  return 0;
}

// Whether what sources did so far has a say in which one an attempt takes.
static bool looks_back(const run* r) {
  const loomTask* task = r->scene->task;
  bool looks = false;
  for (int a = 0; a < task->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      const loomSelectDef* s = &task->subtasks[a][k].select;
      looks = looks || s->strategy == LOOM_SELECT_WEIGHTED || s->strategy == LOOM_SELECT_BALANCED ||
              (s->strategy != LOOM_SELECT_RANDOM && s->success_weight != 0);
    }
  }
  return looks && r->best.n > 1;
}

// Every so many-th batch of the first starts.
static int shard_loop(run* r, loomError* err) {
  const loomGenerateDef* def = r->def;
  if (looks_back(r))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: attempts are made in parts only where they do not depend on what sources did "
                          "in earlier ones: choose them by --select random, or share the run's folder "
                          "(--share on)",
                          r->scene->task->path);

  for (int64_t first = 0; first < def->attempts && !(def->stop && *def->stop); first += batch_size) {
    if (first / batch_size % def->shards != def->shard) continue;
    int64_t rest = def->attempts - first;
    uint64_t number = (uint64_t)first * (uint64_t)r->most_tries;
    r->prefix_successes = r->report->successes;
    int code = run_batch(r, number, (int)(rest < batch_size ? rest : batch_size), err);
    for (int i = 0; !code && i < r->attempts; i++) code = keep_result(r, &r->prefix[i], err);
    if (code) return code;
  }
  r->report->interrupted = def->stop && *def->stop;
  return 0;
}

// Each demo is written twice: as a shard, then into the dataset. They are about as long as source demos are.
static int check_disk(const run* r, loomError* err) {
  int64_t all = r->def->successes, rest = all - r->report->successes;
  if (!r->def->out || rest <= 0) return 0;

  int rows = INT_MAX;
  for (int i = 0; i < r->sources->n; i++)
    if (r->sources->replay[i].rows < rows) rows = r->sources->replay[i].rows;
  if (!r->sources->n) return 0;
  return loom_check_room(r->def->out,
                         (double)(all + rest) * loom_record_least_bytes(&r->workers[0].trace, rows), err);
}

// A run that is not begun for want of room leaves nothing.
static int begin_on_disk(run* r, loomError* err) {
  int code = check_disk(r, err);
  if (!code || !r->journal || r->report->attempts || r->def->share) return code;

  loom_journal_discard(r->journal);
  r->journal = NULL;
  return code;
}

static int resume_results(run* r, loomError* err) {
  loomAttemptResult* old = NULL;
  int64_t n = 0;

  // Results that lie beyond what is asked for now are left out.
  int code = loom_journal_read(&old, &n, r->journal, err);
  for (int64_t i = 0; !code && i < n && !(r->def->successes && r->report->successes >= r->def->successes) &&
                      !(r->def->attempts && r->report->attempts >= r->def->attempts);
       i++) {
    code = keep_result(r, &old[i], err);
  }

  r->report->resumed = r->report->attempts;
  free(old);
  return code;
}

// A demo that is missing or damaged is made again from its number; it comes out the same. Made differently,
// it was made on another kind of machine, and the run would be a mixture.
static int remake(run* r, int64_t i, const char* why, loomError* err) {
  char what[LOOM_PATH_MAX + 512], path[LOOM_PATH_MAX];
  const loomAttemptResult* old = &r->report->results[i];
  uint64_t number = old->attempt;
  loom_journal_shard(path, r->journal, number, old->outcome == LOOM_OUTCOME_SUCCESS);
  snprintf(what, sizeof what, "attempt %lld is made again (%.400s)", (long long)number, why);
  loom_dataset_tell(path, what);

  // The sources' statistics are those of its batch.
  count_sources(r, batch_begin(start_of(r, number)));
  find_failed(r->workers[0].failed, r, number, i);
  int code = attempt_number(r, &r->workers[0], &r->batch[0], number, err);
  if (code || (r->batch[0].outcome == old->outcome && r->batch[0].steps == old->steps)) return code;
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "%s: attempt %lld came out differently this time: the run was begun on another kind of "
      "machine; use --overwrite to start anew",
      r->def->out, (long long)number);
}

// Starts that other processes make, or that a shared run has left.
static int open_share(run* r, loomError* err) {
  const char* folder = r->journal ? loom_journal_folder(r->journal) : NULL;
  if (!folder || (!r->def->share && !loom_share_left(folder))) return 0;

  const loomShareDef def = {.folder = folder,
                            .alone = !r->def->share,
                            .beat = r->def->heartbeat,
                            .workers = r->worker_count,
                            .columns = loom_journal_columns(),
                            .attempt = &r->def->attempt};
  r->behind = true;
  return loom_share_open(&r->others, &def, err);
}

static int check_shards(run* r, loomError* err) {
  int code = 0;
  for (int64_t i = 0; !code && i < r->report->result_count; i++) {
    const loomAttemptResult* result = &r->report->results[i];
    bool success = result->outcome == LOOM_OUTCOME_SUCCESS;
    if (!success && !(r->def->failed && result->steps)) continue;

    // Whatever keeps it from being read.
    char path[LOOM_PATH_MAX];
    loomError why = {0, ""};
    loom_journal_shard(path, r->journal, result->attempt, success);
    if (loom_shard_check(path, &why)) code = remake(r, i, why.message, err);
  }
  return code;
}

// One process of a shared run puts the dataset together. A demo that is damaged is made again first.
static int assemble_shared(run* r, loomError* err) {
  loomError why = {0, ""};
  int code = loom_journal_finish(r->journal, r->report, r->sources, &why);
  if (code == LOOM_ERR_FORMAT || code == LOOM_ERR_IO) {
    code = check_shards(r, err);
    return code ? code : loom_journal_finish(r->journal, r->report, r->sources, err);
  }
  if (code && err) *err = why;
  return code;
}

// The others wait for that one, and take its place when it is gone.
static int finish_together(run* r, loomError* err) {
  const double wait = 0.02;  // s
  int code = 0;

  while (!code && !r->report->interrupted && !r->report->assembled && !loom_journal_is_over(r->journal)) {
    bool taken;
    code = loom_share_take_end(&taken, r->others, err);
    if (!code && taken) {
      // It may have been done between the look and the lease.
      if (!loom_journal_is_over(r->journal)) {
        code = assemble_shared(r, err);
        r->report->assembled = !code;
      }
      loom_share_give(r->others, 0, !code);
    } else if (!code) {
      loom_sleep(wait);
      r->report->interrupted = r->def->stop && *r->def->stop;
    }
  }

  // Whoever is stopped leaves the rest to the others, or to another time.
  r->report->kept_old = r->report->interrupted;
  return code;
}

static int finish(run* r, loomError* err) {
  if (r->def->shards) return 0;
  if (r->def->share) return finish_together(r, err);
  int code = loom_journal_finish(r->journal, r->report, r->sources, err);
  r->report->assembled = !code;
  return code == LOOM_ERR_FORMAT ? loom_error_suffix(err, code, "; --resume makes that demo again") : code;
}

int loom_generate_check(const loomTask* task, const loomGenerateDef* def, loomError* err) {
  return def->out ? loom_journal_check(task, def, err) : LOOM_OK;
}

int loom_generate(loomGenerateReport* report, const loomScene* scene, const loomSourceSet* sources,
                  const loomGenerateDef* def, loomError* err) {
  memset(report, 0, sizeof *report);
  if (def->share && (!def->out || def->seconds > 0 || def->overwrite))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "a run that is shared has an output, no limit of time, and overwrites nothing");
  if (def->shards && (!def->share || !def->attempts || def->shard < 0 || def->shard >= def->shards))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "part %d of %d: is of a run that is shared and has a number of attempts",
                          def->shard + 1, def->shards);
  if (def->best_sources > sources->n)
    return loom_error_set(err, LOOM_ERR_USAGE, "the best %d source demos: there are only %d",
                          def->best_sources, sources->n);
  run* r = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a run");

  // What does not change while it runs.
  r->report = report;
  r->scene = scene;
  r->sources = sources;
  r->def = def;
  r->begun = loom_clock();

  // The journal says first whether there is anything to do.
  int code = 0;
  if (def->out) code = loom_journal_open(&r->journal, scene, sources, def, &report->already_complete, err);
  if (!code && report->already_complete) {
    free(r);
    return 0;
  }

  // Earlier results count as if they were made now; then attempts go on from the first one missing.
  r->best = *sources;
  if (!code) code = make_workers(r, err);
  if (!code) code = choose_sources(r, err);
  if (!code && r->journal && !def->shards) code = resume_results(r, err);
  if (!code && r->journal && !def->share) code = check_shards(r, err);
  if (!code) code = open_share(r, err);
  if (!code) code = begin_on_disk(r, err);
  if (!code) code = def->shards ? shard_loop(r, err) : generate_loop(r, err);
  if (!code && r->journal) code = finish(r, err);

  // What the workers measured, put together.
  loom_times_add(&report->times, &report->screening.times);
  report->cpu_seconds += report->screening.cpu_seconds;
  for (int i = 0; i < r->worker_count && r->workers; i++) {
    const loomEpisode* e = r->workers[i].episode;
    if (!e) continue;
    loom_times_add(&report->times, &e->times);
    report->cpu_seconds += r->workers[i].cpu;
  }

  // A full disk, most likely: what is finished is not lost.
  if (code == LOOM_ERR_IO && r->journal)
    loom_error_suffix(err, code, "; %lld finished demos lie in %s.parts: free some space, --resume goes on",
                      (long long)report->successes, def->out);

  report->seconds = loom_clock() - r->begun;
  loom_share_close(r->others);
  loom_journal_close(r->journal);
  free_workers(r);
  free(r);
  return code;
}
