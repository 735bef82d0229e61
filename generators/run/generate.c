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
#include "generators/run/batch.h"
#include "generators/run/record.h"
#include "generators/run/screen.h"
#include "generators/run/settings.h"

typedef loomGenerateWorker worker;
typedef loomGenerateRun run;

// Starts of a batch (attempts, where each has one try) see the same source statistics, so where batches end
// is part of what a seed means: it never depends on the number of threads. The first ones are short, so
// that poor sources are found out early.

static int64_t batch_end(int64_t start) {
  int64_t end = 4;
  while (end <= start && end < LOOM_BATCH_STARTS) end *= 2;
  return end > start ? end : start - start % LOOM_BATCH_STARTS + LOOM_BATCH_STARTS;
}

static int64_t batch_begin(int64_t start) {
  if (start >= LOOM_BATCH_STARTS) return start - start % LOOM_BATCH_STARTS;
  int64_t end = batch_end(start);
  return end > 4 ? end / 2 : 0;
}

loomGenerateDef loom_default_generate_def(void) {
  return (loomGenerateDef){.attempt = loom_default_attempt_def(),
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

// Starts in hand at a time. With many tries at each, fewer.
static int batch_room(const run* r) {
  enum { MOST_ATTEMPTS = 4 * LOOM_BATCH_AHEAD };
  if (!r->def->share || loom_batch_looks_back(r)) return LOOM_BATCH_STARTS;
  int room = MOST_ATTEMPTS / r->most_tries;
  return room > LOOM_BATCH_AHEAD ? LOOM_BATCH_AHEAD : room > LOOM_BATCH_STARTS ? room : LOOM_BATCH_STARTS;
}

static int make_workers(run* r, loomError* err) {
  r->worker_count = loom_pool_workers(r->def->threads, LOOM_BATCH_STARTS);
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
  r->room = batch_room(r);
  r->start = calloc((size_t)r->room, sizeof *r->start);
  r->known = calloc((size_t)r->room, 4 * sizeof *r->known);
  size_t room = (size_t)r->room * (size_t)r->most_tries;
  r->batch = calloc(room, sizeof *r->batch);
  r->prefix = calloc(room, sizeof *r->prefix);
  bool counts =
      r->tries && r->wins && r->stage_tries && r->stage_wins && r->kept && r->share && r->share_room;
  if (!r->workers || !counts || !r->start || !r->known || !r->batch || !r->prefix)
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for workers");
  r->earlier = r->known + r->room;
  r->elsewhere = r->earlier + r->room;
  r->ended = r->elsewhere + r->room;
  for (int i = 0; i < r->room; i++) r->start[i].attempt = r->batch + (size_t)i * (size_t)r->most_tries;

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
  free(r->start);
  free(r->known);
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
      if (!loom_batch_uses(result, loom_batch_source(r, s))) continue;
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
  if (is_enough(r->def, p) || loom_batch_gives_up(r->def, p->attempts, p->successes)) return true;

  return (r->def->stop && *r->def->stop) || loom_batch_time_is_up(r);
}

static int generate_loop(run* r, loomError* err) {
  while (!limits_reached(r)) {
    // A resumed run may enter a batch in the middle, and a start between two tries.
    const loomGenerateReport* p = r->report;
    uint64_t next = p->attempts ? loom_attempt_next(&r->def->attempt, &p->results[p->result_count - 1]) : 0;
    int64_t first = start_of(r, next), rest = r->def->attempts - p->attempts;
    int count = r->room > LOOM_BATCH_STARTS ? r->room : (int)(batch_end(first) - first);
    if (r->def->attempts && count > rest) count = (int)rest;

    // Source statistics as of the batch's begin, so that the middle of one sees the same.
    count_sources(r, batch_begin(first));
    r->prefix_successes = r->report->successes;

    // Attempts of a batch run on all workers.
    loomError why = {0, ""};
    int failed = loom_batch_run(r, next, count, &why);

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
  r->report->gave_up = !is_enough(r->def, p) && loom_batch_gives_up(r->def, p->attempts, p->successes);
  return 0;
}

// Every so many-th batch of the first starts.
static int shard_loop(run* r, loomError* err) {
  const loomGenerateDef* def = r->def;
  if (loom_batch_looks_back(r))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: attempts are made in parts only where they do not depend on what sources did "
                          "in earlier ones: choose them by --select random, or share the run's folder "
                          "(--share on)",
                          r->scene->task->path);

  for (int64_t first = 0; first < def->attempts && !(def->stop && *def->stop); first += LOOM_BATCH_STARTS) {
    if (first / LOOM_BATCH_STARTS % def->shards != def->shard) continue;
    int64_t rest = def->attempts - first;
    uint64_t number = (uint64_t)first * (uint64_t)r->most_tries;
    r->prefix_successes = r->report->successes;
    int code = loom_batch_run(r, number, (int)(rest < LOOM_BATCH_STARTS ? rest : LOOM_BATCH_STARTS), err);
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
  loom_batch_find_failed(r->workers[0].failed, r, number, i);
  int code = loom_batch_attempt(r, &r->workers[0], &r->batch[0], number, err);
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
  if (!folder || (!r->def->share && !loom_share_left(folder, LOOM_MADE_FILES))) return 0;

  const loomShareDef def = {.folder = folder,
                            .alone = !r->def->share,
                            .beat = r->def->heartbeat,
                            .workers = r->worker_count + 1,  // and one that looks after the others
                            .tell = loom_dataset_tell};
  r->behind = true;
  r->others.columns = loom_journal_columns();
  r->others.attempt = &r->def->attempt;
  return loom_share_open(&r->others.share, &def, err);
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
static int assemble_shared(void* user, loomError* err) {
  run* r = user;
  loomError why = {0, ""};
  int code = loom_journal_finish(r->journal, r->report, r->sources, &why);
  if (code == LOOM_ERR_FORMAT || code == LOOM_ERR_IO) {
    code = check_shards(r, err);
    return code ? code : loom_journal_finish(r->journal, r->report, r->sources, err);
  }
  if (code && err) *err = why;
  return code;
}

static bool is_assembled(void* user) {
  const run* r = user;
  return r->report->interrupted || loom_journal_is_over(r->journal);
}

// The others wait for that one, and take its place when it is gone.
static int finish_together(run* r, loomError* err) {
  const loomShareOnce once = {
      .name = "end", .user = r, .is_done = is_assembled, .make = assemble_shared, .stop = r->def->stop};
  int code = loom_share_once(&r->report->assembled, r->others.share, &once, err);

  // Whoever is stopped leaves the rest to the others, or to another time.
  bool over = r->report->assembled || loom_journal_is_over(r->journal);
  r->report->interrupted = r->report->interrupted || (!code && !over);
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
  loom_share_close(r->others.share);
  loom_journal_close(r->journal);
  free_workers(r);
  free(r);
  return code;
}
