#include "engine/run/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/pool.h"

int loom_vector_create(loomVector** out, const loomEnvironmentMaker* maker, const loomVectorDef* def,
                       loomError* err) {
  size_t n = (size_t)def->n;
  *out = NULL;
  loomVector* v = calloc(1, sizeof *v);
  if (!v) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d environments", def->n);

  *v = (loomVector){.def = *def,
                    .maker = *maker,
                    .environment = calloc(n, sizeof *v->environment),
                    .obs = calloc(n * (size_t)maker->obs, sizeof *v->obs),
                    .reward = calloc(n, sizeof *v->reward),
                    .term = calloc(n * LOOM_TERMS_TOLD, sizeof *v->term),
                    .terminated = calloc(n, sizeof *v->terminated),
                    .truncated = calloc(n, sizeof *v->truncated),
                    .success = calloc(n, sizeof *v->success),
                    .fresh = calloc(n, sizeof *v->fresh),
                    .steps = calloc(n, sizeof *v->steps),
                    .episode = calloc(n, sizeof *v->episode),
                    .total = calloc(n, sizeof *v->total),
                    .length = calloc(n, sizeof *v->length)};
  int code = LOOM_OK;
  if (!v->environment || !v->obs || !v->reward || !v->term || !v->terminated || !v->truncated ||
      !v->success || !v->fresh || !v->steps || !v->episode || !v->total || !v->length)
    code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d environments", def->n);

  for (int i = 0; !code && i < def->n; i++) code = maker->create(&v->environment[i], maker->source, err);
  if (code)
    loom_vector_destroy(v);
  else
    *out = v;
  return code;
}

void loom_vector_destroy(loomVector* v) {
  if (!v) return;

  for (int i = 0; v->environment && i < v->def.n; i++)
    if (v->environment[i].destroy) v->environment[i].destroy(v->environment[i].self);

  free(v->environment);
  free(v->obs);
  free(v->reward);
  free(v->term);
  free(v->terminated);
  free(v->truncated);
  free(v->success);
  free(v->fresh);
  free(v->steps);
  free(v->episode);
  free(v->total);
  free(v->length);
  free(v);
}

bool loom_vector_ended(const loomVector* v, int i) {
  return v->terminated[i] || v->truncated[i];
}

static double* obs_of(const loomVector* v, int i) {
  return v->obs + (ptrdiff_t)i * v->maker.obs;
}

// ---- steps

static int begin_episode(loomVector* v, int i, loomError* err) {
  loomEnvironment* e = &v->environment[i];
  uint64_t attempt = v->def.first + (uint64_t)v->episode[i] * (uint64_t)v->def.n + (uint64_t)i;

  v->total[i] = 0;
  v->length[i] = 0;
  v->reward[i] = 0;
  memset(v->term + (ptrdiff_t)i * LOOM_TERMS_TOLD, 0, LOOM_TERMS_TOLD * sizeof *v->term);
  v->steps[i] = 0;
  v->terminated[i] = v->truncated[i] = v->success[i] = false;
  return e->reset(e->self, v->def.seed, attempt, err);
}

static void observe_one(loomVector* v, int i) {
  v->environment[i].observe(obs_of(v, i), v->environment[i].self);
}

// Of those that are prepared together, once all are where they are.
static void observe_prepared(loomVector* v) {
  if (!v->maker.prepare) return;
  v->maker.prepare(v->environment, v->def.n);
  for (int i = 0; i < v->def.n; i++) observe_one(v, i);
}

static int step_one(loomVector* v, int i, const double* action, loomError* err) {
  loomEnvironment* e = &v->environment[i];

  // Where the last step ended an episode this one begins the next.
  v->fresh[i] = loom_vector_ended(v, i);
  if (v->fresh[i]) {
    v->episode[i]++;
    return begin_episode(v, i, err);
  }

  loomEnvironmentStep step = {0};
  int code = e->step(&step, e->self, action, err);
  if (code) return code;

  v->reward[i] = step.reward;
  memcpy(v->term + (ptrdiff_t)i * LOOM_TERMS_TOLD, step.term, sizeof step.term);
  v->terminated[i] = step.terminated;
  v->truncated[i] = step.truncated;
  v->success[i] = step.success;
  v->steps[i] = step.steps;
  v->total[i] += step.reward;
  v->length[i]++;
  return 0;
}

// One that has begun, or taken a step, is observed by the same worker.
static int observe_stepped(loomVector* v, int i, int code) {
  if (!code && !v->maker.prepare) observe_one(v, i);
  return code;
}

static int reset_item(void* user, int worker, int i, loomError* err) {
  loomVector* v = user;
  (void)worker;
  return observe_stepped(v, i, begin_episode(v, i, err));
}

typedef struct stepCall {
  loomVector* vector;
  const double* actions;
} stepCall;

static int step_item(void* user, int worker, int i, loomError* err) {
  const stepCall* call = user;
  loomVector* v = call->vector;
  (void)worker;
  return observe_stepped(v, i, step_one(v, i, call->actions + (ptrdiff_t)i * v->maker.actions, err));
}

typedef int itemFunction(void* user, int worker, int i, loomError* err);

static int run_items(const loomVectorDef* def, itemFunction* item, void* user, loomError* err) {
  int code = 0;

  // A single worker needs no pool.
  if (loom_pool_workers(def->threads, def->n) > 1)
    return loom_pool_run(&(loomPoolDef){.n = def->n, .threads = def->threads, .user = user, .item = item},
                         err);
  for (int i = 0; !code && i < def->n; i++) code = item(user, 0, i, err);
  return code;
}

int loom_vector_reset(loomVector* v, loomError* err) {
  v->finished = v->control_steps = 0;
  for (int i = 0; i < v->def.n; i++) {
    v->episode[i] = 0;
    v->fresh[i] = true;
  }

  int code = run_items(&v->def, reset_item, v, err);
  if (!code) observe_prepared(v);
  return code;
}

int loom_vector_step(loomVector* v, const double* actions, loomError* err) {
  stepCall call = {v, actions};
  int code = run_items(&v->def, step_item, &call, err);
  if (!code) observe_prepared(v);

  // In the environments' order, whoever was faster.
  for (int i = 0; !code && i < v->def.n; i++) {
    v->control_steps += v->steps[i];
    if (!loom_vector_ended(v, i)) continue;

    v->recent[v->finished % LOOM_VECTOR_RECENT] = v->total[i];
    v->won[v->finished++ % LOOM_VECTOR_RECENT] = v->success[i];
    if (v->environment[i].ended) v->environment[i].ended(v->environment[i].self, v->success[i]);
  }
  return code;
}

static int64_t recent_count(const loomVector* v) {
  return v->finished < LOOM_VECTOR_RECENT ? v->finished : LOOM_VECTOR_RECENT;
}

double loom_vector_return(const loomVector* v) {
  int64_t n = recent_count(v);
  double sum = 0;

  for (int64_t k = 0; k < n; k++) sum += v->recent[k];
  return n ? sum / (double)n : NAN;
}

double loom_vector_success(const loomVector* v) {
  int64_t n = recent_count(v);
  int won = 0;

  for (int64_t k = 0; k < n; k++) won += v->won[k];
  return n ? won / (double)n : NAN;
}

// ---- snapshots

typedef struct block {
  void* at;
  size_t bytes;
} block;

enum { BLOCKS = 14 };

// What of the vector's own goes into a snapshot, the sizes of doubles first.
static void own_blocks(block out[BLOCKS], loomVector* v) {
  size_t n = (size_t)v->def.n;

  out[0] = (block){v->obs, n * (size_t)v->maker.obs * sizeof *v->obs};
  out[1] = (block){v->total, n * sizeof *v->total};
  out[2] = (block){v->episode, n * sizeof *v->episode};
  out[3] = (block){v->reward, n * sizeof *v->reward};
  out[4] = (block){&v->finished, sizeof v->finished};
  out[5] = (block){v->recent, sizeof v->recent};
  out[6] = (block){&v->control_steps, sizeof v->control_steps};
  out[7] = (block){v->length, n * sizeof *v->length};
  out[8] = (block){v->fresh, n * sizeof *v->fresh};
  out[9] = (block){v->terminated, n * sizeof *v->terminated};
  out[10] = (block){v->truncated, n * sizeof *v->truncated};
  out[11] = (block){v->success, n * sizeof *v->success};
  out[12] = (block){v->won, sizeof v->won};
  out[13] = (block){v->maker.common, v->maker.common_size};
}

size_t loom_vector_snapshot_size(loomVector* v) {
  block own[BLOCKS];
  own_blocks(own, v);

  size_t bytes = (size_t)v->def.n * v->maker.snapshot_size;
  for (int k = 0; k < BLOCKS; k++) bytes += own[k].bytes;
  return bytes;
}

void loom_vector_snapshot(void* out, loomVector* v) {
  block own[BLOCKS];
  char* at = out;
  own_blocks(own, v);

  // The environments' first, which are aligned for doubles.
  for (int i = 0; i < v->def.n; i++, at += v->maker.snapshot_size)
    v->environment[i].snapshot(at, v->environment[i].self);
  for (int k = 0; k < BLOCKS; at += own[k++].bytes)
    if (own[k].bytes) memcpy(at, own[k].at, own[k].bytes);
}

int loom_vector_restore(loomVector* v, const void* snapshot, loomError* err) {
  block own[BLOCKS];
  const char* at = snapshot;
  int code = 0;
  own_blocks(own, v);

  for (int i = 0; !code && i < v->def.n; i++, at += v->maker.snapshot_size)
    code = v->environment[i].restore(v->environment[i].self, at, err);
  for (int k = 0; !code && k < BLOCKS; at += own[k++].bytes)
    if (own[k].bytes) memcpy(own[k].at, at, own[k].bytes);
  return code;
}
