// A generation killed before any one of its writes, renames and removals is resumed to the same bytes, and
// leaves nothing behind. Each run is a process of its own; the system calls it keeps its books with pass here
// and are counted.
#include "tests/own_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "generators/run/generate.h"

// Shared with the children.
typedef struct ledger {
  int calls;   // so far in this run
  int deadly;  // the call before which the process is killed; 0 = none
} ledger;

static ledger* books;

static void count_call(void) {
  if (books && __atomic_add_fetch(&books->calls, 1, __ATOMIC_SEQ_CST) == books->deadly)
    kill(getpid(), SIGKILL);
}

int unlink(const char* path) {
  count_call();
  return unlinkat(AT_FDCWD, path, 0);
}
int rmdir(const char* path) {
  count_call();
  return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}
int rename(const char* from, const char* to) {
  count_call();
  return renameat(AT_FDCWD, from, AT_FDCWD, to);
}
int mkdir(const char* path, mode_t mode) {
  count_call();
  return mkdirat(AT_FDCWD, path, mode);
}
int fsync(int fd) {
  count_call();
  return (int)syscall(SYS_fsync, fd);
}
// A write that dies has written half.
ssize_t write(int fd, const void* bytes, size_t n) {
  if (books && books->calls + 1 == books->deadly) syscall(SYS_write, fd, bytes, n / 2);
  count_call();
  return syscall(SYS_write, fd, bytes, n);
}

typedef struct run {
  const char* out;
  int successes, threads, seed;
  bool resume, overwrite;
} run;

// The exit status of a run in its own process: the error's, or 256 when it was killed. `deadly` as in ledger.
static int run_apart(const own* o, run wanted, int deadly) {
  int status = 0;

  books->calls = 0;
  books->deadly = deadly;

  // It inherits the counter and the scene.
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    loomError err = {0, ""};
    loomGenerateReport report;

    // What was asked for.
    loomGenerateDef def = loom_default_generate_def();
    def.out = wanted.out;
    def.successes = wanted.successes;
    def.threads = wanted.threads;
    def.resume = wanted.resume;
    def.overwrite = wanted.overwrite;
    def.attempt.seed = (uint64_t)wanted.seed;

    // Its own death, when that comes, is here.
    int code = loom_generate(&report, o->scene, &o->sources, &def, &err);
    if (code && !deadly) fprintf(stderr, "%s\n", err.message);
    _exit(-code);
  }

  // As the shell would tell it.
  assert_int_equal(waitpid(child, &status, 0), child);
  books->deadly = 0;
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 256 : WEXITSTATUS(status);
}

static char* read_whole(const char* path, size_t* n) {
  struct stat s;
  FILE* f = fopen(path, "rb");
  if (!f) fail_msg("%s is not there", path);
  assert_int_equal(fstat(fileno(f), &s), 0);

  char* bytes = malloc((size_t)s.st_size + 1);
  assert_non_null(bytes);

  *n = fread(bytes, 1, (size_t)s.st_size, f);
  fclose(f);
  return bytes;
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

static int open_books(void** state) {
  books = mmap(NULL, sizeof *books, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return books == MAP_FAILED ? -1 : open_own(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(killed_anywhere_it_resumes),
                                     cmocka_unit_test(killed_anywhere_it_overwrites),
                                     cmocka_unit_test(a_finished_run_is_not_another)};
  return cmocka_run_group_tests(tests, open_books, close_own);
}
