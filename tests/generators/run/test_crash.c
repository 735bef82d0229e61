// A generation killed before any one of its writes, renames and removals is resumed to the same bytes, and
// leaves nothing behind. Each run is a process of its own.
#include "tests/file_fixture.h"
#include "tests/kill_fixture.h"
#include "tests/own_fixture.h"

#include "generators/run/generate.h"

typedef struct run {
  const char* out;
  int successes, threads, seed;
  bool resume, overwrite;
} run;

typedef struct running {
  const own* own;
  run wanted;
} running;

static int generate_run(void* user, loomError* err) {
  const running* r = user;
  loomGenerateReport report;

  // What was asked for.
  loomGenerateDef def = loom_default_generate_def();
  def.out = r->wanted.out;
  def.successes = r->wanted.successes;
  def.threads = r->wanted.threads;
  def.resume = r->wanted.resume;
  def.overwrite = r->wanted.overwrite;
  def.attempt.seed = (uint64_t)r->wanted.seed;
  return loom_generate(&report, r->own->scene, &r->own->sources, &def, err);
}

static int run_apart(const own* o, run wanted, int deadly) {
  running r = {o, wanted};
  return killed_apart(generate_run, &r, deadly);
}

static bool same_file(const char* path, const char* bytes, size_t n) {
  size_t have = 0;
  char* found = read_whole(path, &have);
  bool same = have == n && !memcmp(found, bytes, n);
  free(found);
  return same;
}

// Killed before call number 1, 2, ... until the run is too short to be killed.
static void sweep(const own* o, run wanted, const char* before) {
  char dir[] = "/tmp/loom_crash_XXXXXX", whole[64], out[64], parts[80], note[120];
  size_t n = 0, n_before = 0;

  // Where a whole run, a killed one and its parts lie.
  assert_non_null(mkdtemp(dir));
  snprintf(whole, sizeof whole, "%s/whole.hdf5", dir);
  snprintf(out, sizeof out, "%s/out.hdf5", dir);
  snprintf(parts, sizeof parts, "%s.parts", out);
  snprintf(note, sizeof note, "%s/" LOOM_REPLACES_FILE, parts);

  // The whole run, and how many calls there are to die before.
  wanted.out = whole;
  assert_int_equal(run_apart(o, wanted, 0), 0);
  char *bytes = read_whole(whole, &n), *old = before ? read_whole(before, &n_before) : NULL;
  int calls = books->calls, step = getenv("LOOM_QUICK") ? 6 : 1;
  assert_true(calls > 12);

  wanted.out = out;
  for (int deadly = 1; deadly <= calls; deadly += step) {
    if (old) {  // another dataset lies there, to be overwritten
      FILE* f = fopen(out, "wb");
      assert_true(f && fwrite(old, 1, n_before, f) == n_before);
      fclose(f);
    }

    // Killed by itself.
    wanted.threads = 1;
    wanted.overwrite = old != NULL;
    wanted.resume = false;
    assert_int_equal(run_apart(o, wanted, deadly), 256);

    // Resumed by two threads.
    wanted.threads = 2;
    wanted.resume = true;
    wanted.overwrite = false;
    if (old && access(note, F_OK) && same_file(out, old, n_before)) {
      // Killed before it began: what lies there is another run's, and resuming does not take it for ours.
      assert_int_equal(run_apart(o, wanted, 0), -LOOM_ERR_USAGE);
      wanted.overwrite = true;
    }

    // The same bytes, and no parts left.
    int code = run_apart(o, wanted, 0);
    if (code) fail_msg("killed at call %d of %d: not resumed (error -%d)", deadly, calls, code);
    if (!same_file(out, bytes, n)) fail_msg("killed at call %d of %d: another dataset", deadly, calls);
    if (!access(parts, F_OK)) fail_msg("killed at call %d of %d: %s is left", deadly, calls, parts);
    unlink(out);
  }

  // No temporary file either.
  free(bytes);
  free(old);
  unlink(whole);
  char temporary[80];
  snprintf(temporary, sizeof temporary, "%s.tmp", out);
  assert_int_not_equal(access(temporary, F_OK), 0);
  assert_int_equal(rmdir(dir), 0);  // and nothing else was left
}

static void killed_anywhere_it_resumes(void** state) {
  sweep(*state, (run){.successes = 2, .threads = 1, .seed = 4}, NULL);
}

// The same beside an earlier dataset of another seed, which the killed run was to overwrite.
static void killed_anywhere_it_overwrites(void** state) {
  const own* o = *state;
  char before[64];
  snprintf(before, sizeof before, "/tmp/loom_before_%d.hdf5", (int)getpid());

  // Another seed makes another dataset.
  assert_int_equal(run_apart(o, (run){.out = before, .successes = 1, .threads = 1, .seed = 5}, 0), 0);
  sweep(o, (run){.successes = 1, .threads = 1, .seed = 4}, before);
  unlink(before);
}

// What is finished is told from what is not: by seed and by the number of demos.
static void a_finished_run_is_not_another(void** state) {
  const own* o = *state;
  char out[64];
  snprintf(out, sizeof out, "/tmp/loom_finished_%d.hdf5", (int)getpid());

  // One finished run.
  run wanted = {.out = out, .successes = 2, .threads = 1, .seed = 5};
  assert_int_equal(run_apart(o, wanted, 0), 0);
  assert_int_equal(run_apart(o, wanted, 0), -LOOM_ERR_USAGE);  // neither --resume nor --overwrite

  // Resuming what is finished is fine.
  wanted.resume = true;
  assert_int_equal(run_apart(o, wanted, 0), 0);
  assert_int_equal(books->calls, 0);  // nothing was done

  // Another seed, or another number of demos, is another run.
  wanted.seed = 6;
  assert_int_equal(run_apart(o, wanted, 0), -LOOM_ERR_USAGE);
  wanted.seed = 5;
  wanted.successes = 3;
  assert_int_equal(run_apart(o, wanted, 0), -LOOM_ERR_USAGE);
  unlink(out);
}

static int open_books_and_own(void** state) {
  return open_books() ? -1 : open_own(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(killed_anywhere_it_resumes),
                                     cmocka_unit_test(killed_anywhere_it_overwrites),
                                     cmocka_unit_test(a_finished_run_is_not_another)};
  return cmocka_run_group_tests(tests, open_books_and_own, close_own);
}
