// The pool of workers: every item once and in order, the first error by number, stopping, prefixes, hooks.
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/pool.h"

enum { MOST = 1000, WORKERS = 8, SLOTS = 5 };

/// What a run of items did; slots of items and of workers are each one thread's.
typedef struct tally {
  int runs[MOST];        // how often an item ran
  uint64_t value[MOST];  // what it computed
  int fail_at[2];        // items that fail, -1 = none
  int fail_finished;     // item whose end fails, -1 = none
  int fail_create;       // worker that cannot be made, -1 = none
  int stop_after;        // items that may begin, -1 = all
  int begun, ended, prefix;
  bool done[MOST];
  bool prefix_wrong, hooks_wrong, threads_wrong;
  int created[WORKERS], destroyed[WORKERS], thread[WORKERS];
  int item[WORKERS][SLOTS], left[WORKERS][SLOTS];  // in hand: 1 + its number, or 0; ways that it has to go
  atomic_int inside;                               // of `finished` and `enough`: never two at a time
  volatile sig_atomic_t stop;
} tally;

static const tally none = {.fail_at = {-1, -1}, .fail_finished = -1, .fail_create = -1, .stop_after = -1};

static int make_worker(void* user, int worker, loomError* err) {
  tally* t = user;
  if (worker == t->fail_create) return loom_error_set(err, LOOM_ERR_MEMORY, "no worker %d", worker);

  t->created[worker]++;
  t->thread[worker] = omp_get_thread_num();
  return 0;
}

static void destroy_worker(void* user, int worker) {
  tally* t = user;
  t->destroyed[worker]++;
  t->hooks_wrong |= t->created[worker] != 1 || t->thread[worker] != omp_get_thread_num();
}

static int run_item(void* user, int worker, int i, loomError* err) {
  tally* t = user;
  t->hooks_wrong |= t->created[worker] != 1 || t->destroyed[worker];
  t->threads_wrong |= omp_get_max_threads() != 1;
  t->runs[i]++;

  // Uneven work, so that later items often end first.
  uint64_t value = (uint64_t)i;
  for (int k = 0; k < (i % 7 == 0 ? 20000 : 10); k++)
    value = value * 6364136223846793005ull + 1442695040888963407ull;
  t->value[i] = value;

  if (i == t->fail_at[0] || i == t->fail_at[1])
    return loom_error_set(err, LOOM_ERR_FORMAT, "item %d failed", i);
  return 0;
}

// Side by side items take from one to four ways; those that fail second do so as they begin.
static int begin_item(void* user, int worker, int slot, int i, loomError* err) {
  tally* t = user;
  t->hooks_wrong |= t->item[worker][slot] != 0;
  if (i == t->fail_at[1]) return run_item(user, worker, i, err);

  t->item[worker][slot] = 1 + i;
  t->left[worker][slot] = 1 + i % 4;
  return 0;
}

static void advance_items(void* user, int worker, loomPoolHand* hand) {
  tally* t = user;
  t->hooks_wrong |= !hand->n;

  for (int k = 0; k < hand->n; k++) {
    int* item = &t->item[worker][hand->slot[k]];
    t->hooks_wrong |= !*item || hand->over[k];
    if (--t->left[worker][hand->slot[k]]) continue;

    hand->over[k] = true;
    hand->code[k] = run_item(user, worker, *item - 1, &hand->error[k]);
    *item = 0;
  }
}

static int note_end(void* user, int worker, int i, int prefix, loomError* err) {
  tally* t = user;
  (void)worker;

  // Nobody else is inside.
  t->prefix_wrong |= atomic_fetch_add(&t->inside, 1) != 0;
  t->done[i] = true;
  t->ended++;

  // The items up to the first one that has not ended.
  int expected = 0;
  while (expected < MOST && t->done[expected]) expected++;
  t->prefix_wrong |= prefix != expected || prefix < t->prefix;
  t->prefix = prefix;

  atomic_fetch_sub(&t->inside, 1);
  return i == t->fail_finished ? loom_error_set(err, LOOM_ERR_IO, "end of %d failed", i) : 0;
}

static bool had_enough(void* user) {
  tally* t = user;
  t->prefix_wrong |= atomic_fetch_add(&t->inside, 1) != 0;

  bool enough = t->stop_after >= 0 && t->begun >= t->stop_after;
  t->begun += !enough;

  atomic_fetch_sub(&t->inside, 1);
  return enough;
}

static loomPoolDef full_def(tally* t, int n, int threads, int together) {
  return (loomPoolDef){.n = n,
                       .threads = threads,
                       .user = t,
                       .item = run_item,
                       .together = together,
                       .begin = begin_item,
                       .advance = advance_items,
                       .create = make_worker,
                       .destroy = destroy_worker,
                       .finished = note_end,
                       .enough = had_enough,
                       .stop = &t->stop};
}

static void check_hooks(const tally* t) {
  assert_false(t->hooks_wrong);
  assert_false(t->prefix_wrong);
  assert_false(t->threads_wrong);

  // Each worker that was made is destroyed, once.
  for (int w = 0; w < WORKERS; w++) {
    assert_true(t->created[w] <= 1);
    assert_int_equal(t->created[w], t->destroyed[w]);
  }
}

static void each_item_once_on_any_number_of_threads(void** state) {
  (void)state;
  static const int sizes[] = {0, 1, 2, 7, 64, MOST}, threads[] = {1, 2, 3, 8, 1, 2, 3, 8},
                   together[] = {0, 0, 0, 0, 1, 3, SLOTS, 2};
  static tally first, t;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
      t = none;
      loomPoolDef def = full_def(&t, sizes[s], threads[k], together[k]);
      assert_int_equal(loom_pool_run(&def, NULL), 0);

      // Each item once, each end told.
      for (int i = 0; i < MOST; i++) assert_int_equal(t.runs[i], i < sizes[s]);
      assert_int_equal(t.ended, sizes[s]);
      assert_int_equal(t.prefix, sizes[s]);
      check_hooks(&t);

      // No more workers than asked for, and the same values from any number of them.
      for (int w = threads[k]; w < WORKERS; w++) assert_int_equal(t.created[w], 0);
      if (!k) first = t;
      assert_memory_equal(t.value, first.value, sizeof t.value);
    }
  }
}

static void the_lowest_failing_number_is_told(void** state) {
  (void)state;
  static const struct {
    int a, b, finished, create, expected;
    const char* message;
  } cases[] = {
      {0, -1, -1, -1, LOOM_ERR_FORMAT, "item 0 failed"},
      {5, -1, -1, -1, LOOM_ERR_FORMAT, "item 5 failed"},
      {99, -1, -1, -1, LOOM_ERR_FORMAT, "item 99 failed"},
      {7, 8, -1, -1, LOOM_ERR_FORMAT,
       "item 7 failed"},  // 7 takes long: 8 fails first where there are several
      {49, 50, -1, -1, LOOM_ERR_FORMAT, "item 49 failed"},
      {-1, -1, 30, -1, LOOM_ERR_IO, "end of 30 failed"},
      {31, -1, 30, -1, LOOM_ERR_IO, "end of 30 failed"},
      {-1, -1, -1, 0, LOOM_ERR_MEMORY, "no worker 0"},
  };
  static const int threads[] = {1, 2, 3, 8, 1, 2, 3, 8}, together[] = {0, 0, 0, 0, SLOTS, 2, 3, 1};
  static tally t;
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
      // A worker that is slow to start may find nothing left to do.
      if (cases[c].create >= 0 && threads[k] > 1) continue;

      t = none;
      t.fail_at[0] = cases[c].a;
      t.fail_at[1] = cases[c].b;
      t.fail_finished = cases[c].finished;
      t.fail_create = cases[c].create;

      loomError err = {0, ""};
      loomPoolDef def = full_def(&t, 100, threads[k], together[k]);
      assert_int_equal(loom_pool_run(&def, &err), cases[c].expected);
      assert_int_equal(err.code, cases[c].expected);
      assert_string_equal(err.message, cases[c].message);
      check_hooks(&t);

      // What lies below the error was run, and on one thread, one after the other, nothing beyond.
      int at = cases[c].finished >= 0 ? cases[c].finished : cases[c].a;
      for (int i = 0; i < at; i++) assert_int_equal(t.runs[i], 1);
      for (int i = at + 1; at >= 0 && threads[k] == 1 && !together[k] && i < 100; i++)
        assert_int_equal(t.runs[i], 0);
    }
  }
}

static void stopping_is_no_error(void** state) {
  (void)state;
  static const int threads[] = {1, 2, 3, 8, 1, 3}, together[] = {0, 0, 0, 0, SLOTS, 2},
                   after[] = {0, 1, 10, 100};
  static tally t;
  for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
    for (size_t a = 0; a < sizeof after / sizeof *after; a++) {
      t = none;
      t.stop_after = after[a];
      loomPoolDef def = full_def(&t, 100, threads[k], together[k]);

      assert_int_equal(loom_pool_run(&def, NULL), 0);
      for (int i = 0; i < 100; i++) assert_int_equal(t.runs[i], i < after[a]);  // the lowest numbers
      assert_int_equal(t.prefix, after[a]);
      check_hooks(&t);
    }

    // Stopped from outside before it begins.
    t = none;
    t.stop = 1;
    loomPoolDef def = full_def(&t, 100, threads[k], together[k]);
    assert_int_equal(loom_pool_run(&def, NULL), 0);
    assert_int_equal(t.ended, 0);
  }
}

static int interrupt(void* user, int worker, int i, int prefix, loomError* err) {
  tally* t = user;
  (void)worker, (void)prefix;
  t->ended++;
  return i ? 0 : loom_error_set(err, LOOM_ERR_INTERRUPTED, "stopped");
}

// Who wants to go does not wait for what else is in hand.
static void interrupted_work_is_left(void** state) {
  (void)state;
  static tally t;
  t = none;
  loomPoolDef def = full_def(&t, 100, 1, SLOTS);
  def.finished = interrupt;

  assert_int_equal(loom_pool_run(&def, NULL), LOOM_ERR_INTERRUPTED);
  assert_int_equal(t.ended, 2);  // 0 and, in the same turn, 4
  for (int i = 0; i < 100; i++) assert_int_equal(t.runs[i], i == 0 || i == 4);
  assert_int_equal(t.destroyed[0], 1);
}

static int bare_item(void* user, int worker, int i, loomError* err) {
  (void)worker, (void)err;
  ((int*)user)[i]++;
  return 0;
}

static int nested_item(void* user, int worker, int i, loomError* err) {
  int(*table)[50] = user;
  (void)worker;
  loomPoolDef inner = {.n = 50, .threads = 4, .user = table[i], .item = bare_item};
  return loom_pool_run(&inner, err);
}

static void pools_nest(void** state) {
  (void)state;
  int table[20][50] = {{0}};
  loomPoolDef def = {.n = 20, .threads = 3, .user = table, .item = nested_item};

  assert_int_equal(loom_pool_run(&def, NULL), 0);
  for (int i = 0; i < 20; i++)
    for (int k = 0; k < 50; k++) assert_int_equal(table[i][k], 1);
}

static void counts_of_workers(void** state) {
  (void)state;
  int cores = loom_pool_workers(0, 0);
  assert_true(cores >= 1);

  // As many as cores, as asked for, or as there are items.
  assert_int_equal(loom_pool_workers(-1, 0), cores);
  assert_int_equal(loom_pool_workers(5, 0), 5);
  assert_int_equal(loom_pool_workers(5, 3), 3);
  assert_int_equal(loom_pool_workers(5, 1), 1);
  assert_int_equal(loom_pool_workers(0, 1), 1);

  // A run leaves the caller's threads as they were.
  int before = loom_set_kernel_threads(3), table[4] = {0};
  loomPoolDef def = {.n = 4, .threads = 2, .user = table, .item = bare_item};
  assert_int_equal(loom_pool_run(&def, NULL), 0);
  assert_int_equal(loom_set_kernel_threads(0), 3);
  assert_int_equal(loom_set_kernel_threads(before), 3);
  assert_int_equal(loom_set_kernel_threads(0), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_item_once_on_any_number_of_threads),
                                     cmocka_unit_test(the_lowest_failing_number_is_told),
                                     cmocka_unit_test(stopping_is_no_error),
                                     cmocka_unit_test(interrupted_work_is_left),
                                     cmocka_unit_test(pools_nest),
                                     cmocka_unit_test(counts_of_workers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
