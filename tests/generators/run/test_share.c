// One dataset by several processes: the same bytes as one makes, whoever of them is killed before any one of
// its writes, renames and removals, and what does not belong together is refused or told by its name.
#include "tests/file_fixture.h"
#include "tests/kill_fixture.h"
#include "tests/own_fixture.h"

#include "generators/run/generate.h"

typedef struct run {
  const char* out;
  int successes, attempts, threads, seed, shard, shards;
  bool share, resume;
  bool stops;  // once it has made something
} run;

typedef struct running {
  const own* own;
  run wanted;
} running;

static char dir[64], whole[96], out[96], parts[112];
static char* bytes;  // of the dataset that one process makes
static size_t nbytes;

static void stop_here(void* user, int64_t attempts, int64_t successes, double seconds) {
  (void)user, (void)attempts, (void)successes, (void)seconds;
  raise(SIGSTOP);
}

static int generate_run(void* user, loomError* err) {
  const running* r = user;
  loomGenerateReport report;

  // What was asked for.
  loomGenerateDef def = loom_default_generate_def();
  def.out = r->wanted.out;
  def.successes = r->wanted.successes;
  def.attempts = r->wanted.attempts;
  def.threads = r->wanted.threads;
  def.share = r->wanted.share;
  def.shard = r->wanted.shard;
  def.shards = r->wanted.shards;
  def.resume = r->wanted.resume;
  if (r->wanted.stops) def.progress = stop_here;
  def.attempt.seed = (uint64_t)r->wanted.seed;
  int code = loom_generate(&report, r->own->scene, &r->own->sources, &def, err);
  loom_generate_report_destroy(&report);
  return code;
}

static int run_apart(const own* o, run wanted, int deadly) {
  running r = {o, wanted};
  return killed_apart(generate_run, &r, deadly);
}

// In a process beside this one, which nobody kills.
static pid_t begin_beside(const own* o, run wanted) {
  running r = {o, wanted};
  return begun_beside(generate_run, &r);
}

// The dataset of one process, and nothing beside it; then it goes.
static void is_whole(const char* how, int call) {
  size_t n = 0;
  char* found = read_whole(out, &n);
  if (n != nbytes || memcmp(found, bytes, n) != 0) fail_msg("%s, call %d: another dataset", how, call);
  free(found);

  if (!access(parts, F_OK)) fail_msg("%s, call %d: %s is left", how, call, parts);
  assert_int_equal(unlink(out), 0);
}

static run shared(void) {
  return (run){.out = out, .successes = 3, .threads = 1, .seed = 4, .share = true};
}

static void several_make_the_same(void** state) {
  const own* o = *state;
  static const struct { int processes, threads; } table[] = {{2, 2}, {1, 1}, {1, 2}, {2, 1}, {3, 1}};
  size_t rows = getenv("LOOM_QUICK") ? 1 : sizeof table / sizeof *table;

  for (size_t i = 0; i < rows; i++) {
    pid_t child[3];
    run wanted = shared();
    wanted.threads = table[i].threads;
    for (int k = 0; k < table[i].processes; k++) child[k] = begin_beside(o, wanted);

    for (int k = 0; k < table[i].processes; k++) assert_int_equal(status_of(child[k]), 0);
    is_whole("several", (int)i);
  }
}

// Before call number 1, 2, ...: then others go on, who were there already, come later, or are alone.
static void killed_anywhere_the_others_go_on(void** state) {
  const own* o = *state;
  int step = getenv("LOOM_QUICK") ? 41 : 7;
  assert_int_equal(run_apart(o, shared(), 0), 0);
  int calls = books->calls;
  is_whole("not killed", 0);
  assert_true(calls > 20);

  for (int deadly = 1, turn = 0; deadly <= calls; deadly += step, turn++) {
    run later = shared();
    later.resume = true;
    const char* how = turn % 3 == 0 ? "beside another" : turn % 3 == 1 ? "before another" : "then resumed";
    pid_t other = turn % 3 == 0 ? begin_beside(o, shared()) : -1;
    int code = run_apart(o, shared(), deadly);
    if (other < 0) assert_int_equal(code, 256);

    // A run by itself goes on with what a shared one has left.
    later.share = turn % 3 < 2;
    code = other < 0 ? run_apart(o, later, 0) : status_of(other);
    if (code) fail_msg("%s, call %d of %d: error -%d", how, deadly, calls, code);

    // Where the last to leave was killed as it cleared up, whoever comes next does that.
    if (!access(parts, F_OK)) assert_int_equal(run_apart(o, later, 0), 0);
    is_whole(how, deadly);
  }
}

// Killed once there are two starts in the folder, and no more.
static void leave_parts(const own* o) {
  char second[160], third[160];
  snprintf(second, sizeof second, "%s/start-00000001", parts);
  snprintf(third, sizeof third, "%s/start-00000002", parts);
  for (int deadly = 40; access(second, F_OK); deadly += 4)
    assert_int_equal(run_apart(o, shared(), deadly), 256);
  unlink(third);
}

// Of a process that was killed between taking a lease over and removing the file of whoever had it before.
static void what_is_left_of_leases_holds_nobody(void** state) {
  const own* o = *state;
  char command[640];
  snprintf(command, sizeof command,
           "mkdir -p %s/leases && echo 'elsewhere 1 20 generation 1' >%s/leases/start-00000001.1 && "
           "echo free >%s/leases/start-00000001.3",
           parts, parts, parts);
  assert_int_equal(system(command), 0);

  // It goes on with that start before it makes many that nobody asked for.
  assert_int_equal(run_apart(o, shared(), 0), 0);
  assert_in_range(books->calls, 20, 400);
  is_whole("leases", 0);
}

static void other_runs_are_refused(void** state) {
  const own* o = *state;
  static const struct {
    int seed, successes, shards;
    bool share, beside;  // while another is at work
    const char* said;
  } table[] = {
      {5, 3, 0, true, false, "\"seed\": \"4\",' there, '\"seed\": \"5\",' now"},
      {5, 3, 0, true, true, "\"seed\": \"4\",' there, '\"seed\": \"5\",' now"},
      {4, 2, 0, true, true, "limits.json: the run there has other settings (line 2: '\"successes\": 3,'"},
      {4, 3, 0, false, true, "another run is at work on it"},
      {4, 3, 2, true, false, "part 1 of 2: is of a run that is shared and has a number of attempts"},
  };

  leave_parts(o);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    // One that is at work for as long as it takes.
    int status;
    run beside = shared();
    beside.stops = true;
    pid_t other = table[i].beside ? begin_beside(o, beside) : -1;
    if (other >= 0) assert_int_equal(waitpid(other, &status, WUNTRACED), other);

    loomError err = {0, ""};
    run wanted = shared();
    wanted.seed = table[i].seed;
    wanted.successes = table[i].successes;
    wanted.share = table[i].share;
    wanted.resume = !table[i].share;
    wanted.shards = table[i].shards;
    running r = {o, wanted};
    int code = generate_run(&r, &err);
    if (other >= 0) {
      kill(other, SIGKILL);
      assert_int_equal(status_of(other), 256);
    }
    assert_int_equal(code, LOOM_ERR_USAGE);
    if (!strstr(err.message, table[i].said)) fail_msg("row %zu: %s", i, err.message);
  }
  assert_int_equal(run_apart(o, shared(), 0), 0);
  is_whole("refused", 0);
}

static char told[1024];

static void keep_told(void* user, const char* what) {
  (void)user;
  snprintf(told + strlen(told), sizeof told - strlen(told), "%s\n", what);
}

// What came of a start, cut short, changed or another's; and a demo that is gone.
static void what_is_damaged_is_told_and_made_again(void** state) {
  const own* o = *state;
  char first[160], second[160], demo[160];
  snprintf(first, sizeof first, "%s/start-00000000", parts);
  snprintf(second, sizeof second, "%s/start-00000001", parts);
  snprintf(demo, sizeof demo, "%s/demo-00000000.hdf5", parts);
  static const char* const said[] = {"start-00000000: is torn", "start-00000000: is damaged",
                                     "start-00000000: is not what such a run leaves",
                                     "start-00000001: is another start's", "attempt 0 is made again"};

  for (int i = 0; i < 5; i++) {
    // Two starts are there.
    run wanted = shared();
    leave_parts(o);
    size_t n;
    char* was = read_whole(first, &n);
    if (i == 1) was[n / 2] ^= 1;
    if (i == 2) memcpy(was, "no", 2);
    FILE* f = i < 4 ? fopen(i == 3 ? second : first, "wb") : NULL;
    if (f) assert_int_equal(fwrite(was, 1, i == 0 ? n - 9 : n, f), i == 0 ? n - 9 : n);
    if (f) fclose(f);
    if (i == 4) unlink(demo);
    free(was);

    *told = '\0';
    loomError err = {0, ""};
    running r = {o, wanted};
    loom_dataset_on_damage(LOOM_DAMAGE_REFUSE, keep_told, NULL);
    must(generate_run(&r, &err), &err);
    loom_dataset_on_damage(LOOM_DAMAGE_REFUSE, NULL, NULL);
    if (!strstr(told, said[i])) fail_msg("not '%s': %s", said[i], told);
    is_whole("damaged", i);
  }
}

// Parts on machines that share nothing, copied together.
static void parts_make_the_same(void** state) {
  if (getenv("LOOM_QUICK")) skip();
  const own* o = *state;
  char command[640];
  loomError err = {0, ""};
  size_t n, all;
  run wanted = {.out = whole, .attempts = 70, .threads = 2, .seed = 4};
  assert_int_equal(run_apart(o, wanted, 0), 0);
  char* alone = read_whole(whole, &all);

  // Each in a folder of its own: 64 starts, and the rest.
  wanted.share = true;
  wanted.shards = 2;
  for (int i = 0; i < 2; i++) {
    char place[112];
    snprintf(place, sizeof place, "%s/part%d.hdf5", dir, i);
    wanted.out = place;
    wanted.shard = i;
    assert_int_equal(run_apart(o, wanted, 0), 0);
    assert_int_not_equal(access(place, F_OK), 0);
  }
  snprintf(command, sizeof command,
           "mkdir %s && cp %s/part?.hdf5.parts/[a-z]*-* %s && cp %s/part0.hdf5.parts/*.json %s", parts, dir,
           parts, dir, parts);
  assert_int_equal(system(command), 0);

  // Nothing is left to be made: how long it takes tells nothing, but files do.
  run last = {.out = out, .attempts = 70, .threads = 2, .seed = 4, .resume = true};
  running r = {o, last};
  must(generate_run(&r, &err), &err);
  char* found = read_whole(out, &n);
  assert_int_equal(n, all);
  assert_memory_equal(found, alone, n);
  free(found);
  free(alone);
  snprintf(command, sizeof command, "rm -r %s/part?.hdf5.parts %s %s", dir, out, whole);
  assert_int_equal(system(command), 0);

  // Where sources are chosen by what they did so far, parts cannot be made.
  loomTask* task = o->task;
  task->subtasks[0][0].select.strategy = LOOM_SELECT_WEIGHTED;
  wanted.out = out;
  r.wanted = wanted;
  assert_int_equal(generate_run(&r, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "--select random"));
}

static int open_whole(void** state) {
  if (open_books() || open_own(state)) return -1;
  snprintf(dir, sizeof dir, "/tmp/loom_share_XXXXXX");
  if (!mkdtemp(dir)) return -1;

  // What one process makes.
  snprintf(whole, sizeof whole, "%s/whole.hdf5", dir);
  snprintf(out, sizeof out, "%s/out.hdf5", dir);
  snprintf(parts, sizeof parts, "%s.parts", out);
  run wanted = shared();
  wanted.out = whole;
  wanted.share = false;
  if (run_apart(*state, wanted, 0)) return -1;
  bytes = read_whole(whole, &nbytes);
  return unlink(whole);
}

static int close_whole(void** state) {
  char command[96];
  snprintf(command, sizeof command, "rm -r %s", dir);
  free(bytes);
  return close_own(state) || system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(several_make_the_same),
                                     cmocka_unit_test(killed_anywhere_the_others_go_on),
                                     cmocka_unit_test(what_is_left_of_leases_holds_nobody),
                                     cmocka_unit_test(other_runs_are_refused),
                                     cmocka_unit_test(what_is_damaged_is_told_and_made_again),
                                     cmocka_unit_test(parts_make_the_same)};
  return cmocka_run_group_tests(tests, open_whole, close_whole);
}
