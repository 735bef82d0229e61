// A run that several processes make together in a folder: the same file, whoever of them is killed before any
// one of its writes, renames and removals; who is let in, and what is told of a file that is damaged.
#include <stdlib.h>
#include <string.h>

#include "tests/file_fixture.h"
#include "tests/kill_fixture.h"

#include "engine/base/crew.h"
#include "engine/base/file.h"
#include "engine/base/share.h"

enum { PIECES = 5 };
static const char whole[] = "0\n1\n4\n9\n16\n";

static char dir[64], out[96], parts[112];
static const loomShareKind kind = {"piece", 7};

typedef struct job {
  const char* settings;
  int shown;  // the piece at which it stops, to be looked at; -1: none
  loomCrew crew;
  loomShare* share;
  loomShareRun run;
  char made[PIECES][16];
} job;

static int look(bool* known, void* user, int i, loomError* err) {
  job* j = user;
  char name[32], *bytes;
  size_t n;
  snprintf(name, sizeof name, "piece-%08d", i);
  int code = loom_share_read(&bytes, &n, j->share, name, &kind, err);
  *known = !code && bytes;
  if (*known) snprintf(j->made[i], sizeof j->made[i], "%.*s", (int)n, bytes);
  free(bytes);
  return code;
}

static int go_round(void* user, loomError* err) {
  job* j = user;
  int code = 0;
  for (int i = 0; !code && i < PIECES; i++) {
    char name[32];
    bool mine;
    code = loom_share_begin(&mine, &j->run, 0, i, err);
    if (code || !mine) continue;
    if (i == j->shown) raise(SIGSTOP);

    snprintf(name, sizeof name, "piece-%08d", i);
    snprintf(j->made[i], sizeof j->made[i], "%d\n", i * i);
    code = loom_share_write(j->share, 0, name, &kind, j->made[i], strlen(j->made[i]), err);
    loom_share_end(&j->run, 0, i, !code);
  }
  return code;
}

static bool is_over(void* user) {
  return loom_crew_is_over(&((job*)user)->crew);
}

static int assemble(void* user, loomError* err) {
  job* j = user;
  char all[PIECES * 16] = "";
  for (int i = 0; i < PIECES; i++) strcat(all, j->made[i]);
  int code = loom_file_write_text(out, all, err);
  return code ? code : loom_crew_finish(&j->crew, err);
}

static void tell(const char* path, const char* what) {
  fprintf(stderr, "%s: %s\n", path, what);
}

static int make_together(void* user, loomError* err) {
  static const char* const own[] = {"piece-*", "run.json", NULL};
  static const char* const folders[] = {LOOM_SHARE_LEASES, NULL};
  static const char* const leases[] = {"piece-*", "end.*", LOOM_SHARE_NOW, NULL};
  job* j = user;
  bool complete, made;
  loomRunFolderDef folder = {.path = parts,
                             .mode = LOOM_FOLDER_RESUME,
                             .shared = true,
                             .mark = "run.json",
                             .own = own,
                             .folders = folders,
                             .inner = leases,
                             .alternative = "take another"};
  int code = loom_crew_join(&j->crew, &complete, out, &folder, err);
  if (code || complete) return code;

  // As a command does it.
  loomShareDef def = {.folder = parts, .beat = 0.2, .workers = 1, .tell = tell};
  code = loom_run_folder_settings(&j->crew.folder, "run.json", j->settings, err);
  if (!code) code = loom_crew_begin(&j->crew, err);
  if (!code) code = loom_share_open(&j->share, &def, err);
  j->run = (loomShareRun){.share = j->share, .name = "piece", .n = PIECES, .user = j, .look = look};
  if (!code) code = loom_share_rounds(&j->run, go_round, err);

  loomShareOnce once = {.name = "end", .user = j, .is_done = is_over, .make = assemble};
  if (!code) code = loom_share_once(&made, j->share, &once, err);
  loom_share_close(j->share);
  loom_crew_leave(&j->crew);
  return code;
}

static int apart(int deadly) {
  job j = {.settings = "{}", .shown = -1};
  return killed_apart(make_together, &j, deadly);
}

static pid_t begin_beside(int shown) {
  job j = {.settings = "{}", .shown = shown};
  return begun_beside(make_together, &j);
}

static void is_whole(const char* how, int call) {
  size_t n = 0;
  char* found = read_whole(out, &n);
  if (n != sizeof whole - 1 || memcmp(found, whole, n) != 0) fail_msg("%s, call %d: %s", how, call, found);
  free(found);
  if (!access(parts, F_OK)) fail_msg("%s, call %d: %s is left", how, call, parts);
  assert_int_equal(unlink(out), 0);
}

static void several_make_the_same(void** state) {
  (void)state;
  for (int n = 1; n <= 4; n++) {
    pid_t child[4];
    for (int k = 0; k < n; k++) child[k] = begin_beside(-1);
    for (int k = 0; k < n; k++) assert_int_equal(status_of(child[k]), 0);
    is_whole("several", n);
  }
}

// Before every call: beside another, and before one that comes later.
static void killed_anywhere_the_others_go_on(void** state) {
  (void)state;
  assert_int_equal(apart(0), 0);
  int calls = books->calls;
  is_whole("not killed", 0);
  assert_true(calls > 2 * PIECES);

  for (int deadly = 1; deadly <= calls; deadly++) {
    pid_t other = deadly % 2 ? begin_beside(-1) : -1;
    int code = apart(deadly);
    if (other < 0) assert_int_equal(code, 256);
    if (other >= 0) assert_int_equal(status_of(other), 0);

    // Where the last to leave was killed as it cleared up, whoever comes next does that.
    assert_int_equal(apart(0), 0);
    is_whole("killed", deadly);
  }
}

// It stands still with a piece in hand: for a while that is its own, and then another's.
static void one_that_stands_still_is_not_waited_for(void** state) {
  (void)state;
  int status;
  pid_t still = begin_beside(2);
  assert_int_equal(waitpid(still, &status, WUNTRACED), still);
  assert_true(WIFSTOPPED(status));

  // Meanwhile another makes it all.
  assert_int_equal(apart(0), 0);
  assert_int_equal(access(out, F_OK), 0);
  assert_int_equal(access(parts, F_OK), 0);  // it is in there

  kill(still, SIGCONT);
  assert_int_equal(status_of(still), 0);
  is_whole("still", 0);
}

static void other_settings_are_refused(void** state) {
  (void)state;
  int status;
  loomError err = {0, ""};
  job j = {.settings = "{ }", .shown = -1};
  pid_t still = begin_beside(2);
  assert_int_equal(waitpid(still, &status, WUNTRACED), still);
  assert_int_equal(make_together(&j, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "other settings"));
  loom_crew_leave(&j.crew);

  kill(still, SIGKILL);
  assert_int_equal(status_of(still), 256);
  assert_int_equal(apart(0), 0);
  is_whole("refused", 0);
}

// What came of a piece: cut short, changed, another kind's, another version's.
static void what_is_damaged_is_told_and_made_again(void** state) {
  (void)state;
  static const struct {
    const char *cut, *said;
  } table[] = {
      {"truncate -s -1 %s", "is torn"},
      {"printf X | dd of=%s bs=1 seek=40 conv=notrunc status=none", "is damaged"},
      {"printf no | dd of=%s bs=1 conv=notrunc status=none", "is not what such a run leaves"},
      {"printf 1 | dd of=%s bs=1 seek=15 conv=notrunc status=none", "was written by another version"},
      {": >%s", "is not what such a run leaves"}};

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    char piece[160], command[320], told[160];
    int status;
    pid_t still = begin_beside(2);
    assert_int_equal(waitpid(still, &status, WUNTRACED), still);
    kill(still, SIGKILL);
    status_of(still);

    // Two pieces are there.
    snprintf(piece, sizeof piece, "%s/piece-00000001", parts);
    snprintf(command, sizeof command, table[i].cut, piece);
    assert_int_equal(system(command), 0);
    snprintf(told, sizeof told, "%s/told", dir);

    // What is said of it goes into a file.
    fflush(stderr);
    int before = dup(2), file = open(told, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(file, 2);
    int code = apart(0);

    // As it was.
    dup2(before, 2);
    close(before);
    close(file);
    assert_int_equal(code, 0);

    size_t n;
    char* said = read_whole(told, &n);
    if (!strstr(said, table[i].said)) fail_msg("row %zu: not '%s': %s", i, table[i].said, said);
    free(said);
    unlink(told);
    is_whole("damaged", (int)i);
  }
}

// A run that is finished, whose file somebody has taken away while it was cleared up.
static void what_is_there_no_more_is_told(void** state) {
  (void)state;
  char command[512];
  loomError err = {0, ""};
  job j = {.settings = "{}", .shown = -1};
  snprintf(command, sizeof command, "mkdir %s && echo {} >%s/" LOOM_CREW_DONE " && touch %s/kept", parts,
           parts, parts);
  assert_int_equal(system(command), 0);
  assert_int_equal(make_together(&j, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "was made, and is there no more"));
  snprintf(command, sizeof command, "rm -r %s", parts);
  assert_int_equal(system(command), 0);
}

static int open_dir(void** state) {
  (void)state;
  snprintf(dir, sizeof dir, "/tmp/loom_crew_XXXXXX");
  if (open_books() || !mkdtemp(dir)) return -1;
  snprintf(out, sizeof out, "%s/out", dir);
  snprintf(parts, sizeof parts, "%s.parts", out);
  return 0;
}

static int close_dir(void** state) {
  (void)state;
  char command[96];
  snprintf(command, sizeof command, "rm -r %s", dir);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(several_make_the_same),
                                     cmocka_unit_test(killed_anywhere_the_others_go_on),
                                     cmocka_unit_test(one_that_stands_still_is_not_waited_for),
                                     cmocka_unit_test(other_settings_are_refused),
                                     cmocka_unit_test(what_is_damaged_is_told_and_made_again),
                                     cmocka_unit_test(what_is_there_no_more_is_told)};
  return cmocka_run_group_tests(tests, open_dir, close_dir);
}
