#include "engine/base/pool.h"

#include <omp.h>
#include <stdlib.h>

/// A run in progress. All but def changes under the lock, which is the run's own, so that pools may be nested
/// and run beside each other.
typedef struct pool {
  const loomPoolDef* def;
  omp_lock_t lock;
  int next;       // the item to hand out next; n when there are no more
  bool* done;     // (n) finished without an error, or NULL when nobody asks
  int prefix;     // items finished without a gap
  int code;       // of the first error by item number
  int failed_at;  // that item
  loomError error;
} pool;

int loom_pool_workers(int wanted, int n) {
  int workers = wanted > 0 ? wanted : omp_get_num_procs();
  if (n > 0 && workers > n) workers = n;
  return workers > 0 ? workers : 1;
}

int loom_set_kernel_threads(int threads) {
  int before = omp_get_max_threads();
  if (threads > 0) omp_set_num_threads(threads);
  return before;
}

// The next item's number, or -1 when none is to begin any more.
static int take_item(pool* p) {
  const loomPoolDef* def = p->def;
  omp_set_lock(&p->lock);

  // Once it is enough it stays enough, whatever the predicate says later.
  if (p->code || (def->stop && *def->stop) || (p->next < def->n && def->enough && def->enough(def->user)))
    p->next = def->n;
  int i = p->next < def->n ? p->next++ : -1;

  omp_unset_lock(&p->lock);
  return i;
}

// Items are handed out in order, so all below the lowest that fails are run: which error is kept does not
// depend on who was faster.
static void keep_error(pool* p, int i, int code, const loomError* why) {
  if (p->code && p->failed_at < i) return;
  p->code = code;
  p->failed_at = i;
  p->error = *why;
}

static void end_item(pool* p, int worker, int i, int code, loomError* why) {
  const loomPoolDef* def = p->def;
  omp_set_lock(&p->lock);

  if (!code && def->finished) {
    p->done[i] = true;
    while (p->prefix < def->n && p->done[p->prefix]) p->prefix++;
    code = def->finished(def->user, worker, i, p->prefix, why);
  }
  if (code) keep_error(p, i, code, why);

  omp_unset_lock(&p->lock);
}

// Only workers that get an item are made: there may be fewer items than threads.
static int create_once(bool* created, const loomPoolDef* def, int worker, loomError* err) {
  int code = !*created && def->create ? def->create(def->user, worker, err) : 0;
  *created = *created || !code;
  return code;
}

static void work_on_items(pool* p, int worker) {
  const loomPoolDef* def = p->def;
  bool created = false;

  for (int i; (i = take_item(p)) >= 0;) {
    loomError why = {0, ""};
    int code = create_once(&created, def, worker, &why);
    if (!code) code = def->item(def->user, worker, i, &why);
    end_item(p, worker, i, code, &why);
  }

  if (created && def->destroy) def->destroy(def->user, worker);
}

static bool is_interrupted(pool* p) {
  omp_set_lock(&p->lock);
  bool interrupted = p->code == LOOM_ERR_INTERRUPTED;
  omp_unset_lock(&p->lock);
  return interrupted;
}

typedef struct slots {
  bool created;                  // the worker
  int item[LOOM_POOL_TOGETHER];  // -1 = free
} slots;

// An item that cannot begin makes room for the next.
static void fill_slots(pool* p, int worker, slots* s) {
  const loomPoolDef* def = p->def;

  for (int k = 0; k < def->together; k++) {
    for (int i; s->item[k] < 0 && (i = take_item(p)) >= 0;) {
      loomError why = {0, ""};
      int code = create_once(&s->created, def, worker, &why);
      if (!code) code = def->begin(def->user, worker, k, i, &why);
      if (code)
        end_item(p, worker, i, code, &why);
      else
        s->item[k] = i;
    }
  }
}

static void work_side_by_side(pool* p, int worker) {
  const loomPoolDef* def = p->def;
  slots s = {false, {0}};
  for (int k = 0; k < def->together; k++) s.item[k] = -1;

  while (!is_interrupted(p)) {
    loomPoolHand hand = {0};
    fill_slots(p, worker, &s);
    for (int k = 0; k < def->together; k++)
      if (s.item[k] >= 0) hand.slot[hand.n++] = k;
    if (!hand.n) break;

    def->advance(def->user, worker, &hand);
    for (int k = 0; k < hand.n; k++) {
      int* item = &s.item[hand.slot[k]];
      if (!hand.over[k]) continue;
      end_item(p, worker, *item, hand.code[k], &hand.error[k]);
      *item = -1;
    }
  }

  if (s.created && def->destroy) def->destroy(def->user, worker);
}

int loom_pool_run(const loomPoolDef* def, loomError* err) {
  pool p = {.def = def};
  if (def->finished && def->n > 0) {
    p.done = calloc((size_t)def->n, sizeof *p.done);
    if (!p.done) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to keep count of %d items", def->n);
  }

  omp_init_lock(&p.lock);
#pragma omp parallel num_threads(loom_pool_workers(def->threads, def->n))
  {
    // For this thread and this region alone; after it the caller's setting holds again.
    omp_set_num_threads(1);
    if (def->together)
      work_side_by_side(&p, omp_get_thread_num());
    else
      work_on_items(&p, omp_get_thread_num());
  }
  omp_destroy_lock(&p.lock);

  free(p.done);
  if (p.code && err) *err = p.error;
  return p.code;
}
