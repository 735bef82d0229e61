// Run folders: one run at a time, gone on with under the same settings only, overwritten without harm to what
// is not a run's; and the list of what is done, which is never misread.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/record_log.h"
#include "engine/base/run_folder.h"

static char dir[64], path[128];
static bool shared;
static bool racing;  // others open and close the folder meanwhile

static const char* const own_files[] = {"part-*", "settings.txt", NULL};

static int open_mode(loomRunFolder* out, loomFolderMode mode, loomError* err) {
  loomRunFolderDef def = {.path = path,
                          .parents = true,
                          .mode = mode,
                          .mark = "settings.txt",
                          .own = own_files,
                          .shared = shared,
                          .alternative = "take another folder"};
  if (shared) return loom_run_folder_open(out, &def, err);

  // What opening will say can be asked before, and changes nothing.
  loomError before = {0, ""}, said = {0, ""};
  bool made = loom_is_folder(path), asked = !racing;
  int checked = asked ? loom_run_folder_check(&def, &before) : 0;
  if (asked) assert_int_equal(loom_is_folder(path), made);

  int code = loom_run_folder_open(out, &def, &said);
  if (asked) assert_int_equal(checked, code);
  if (err) *err = said;
  return code;
}

static void put(const char* name, const char* text) {
  char file[256];
  snprintf(file, sizeof file, "%s/%s", path, name);
  assert_int_equal(loom_file_write_text(file, text, NULL), 0);
}

static bool there(const char* name) {
  char file[256];
  snprintf(file, sizeof file, "%s/%s", path, name);
  return !access(file, F_OK);
}

static int make_dir(void** state) {
  (void)state;
  strcpy(dir, "/tmp/loom_run_XXXXXX");
  if (!mkdtemp(dir)) return -1;
  snprintf(path, sizeof path, "%s/a/run", dir);  // `a` is made with it
  return 0;
}

static int remove_dir(void** state) {
  (void)state;
  char command[160];
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  return system(command);
}

// ---- begin, go on, overwrite

static void new_then_resumed_then_overwritten(void** state) {
  (void)state;
  loomRunFolder f;
  loomError err = {0, ""};

  // A new one, with what a run leaves there.
  assert_int_equal(open_mode(&f, LOOM_FOLDER_NEW, &err), 0);
  assert_false(f.resumed);
  assert_int_equal(loom_run_folder_settings(&f, "settings.txt", "seed: 1\n", &err), 0);
  put("part-1", "done");
  put("part-2.tmp", "on its way");
  put("settings.txt.tmp", "on its way");
  put("notes", "the user's");
  put("settings.txt.copy", "the user's");
  assert_true(loom_run_folder_has(&f, "part-1"));
  assert_false(loom_run_folder_has(&f, "part-2"));
  loom_run_folder_close(&f);
  assert_false(there("lock"));

  // Not new a second time.
  assert_int_equal(open_mode(&f, LOOM_FOLDER_NEW, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message,
                         "holds a run already (settings.txt); --resume goes on with it, --overwrite replaces "
                         "it, or take another folder"));
  assert_null(f.def.path);
  assert_false(there("lock"));

  // Gone on with.
  assert_int_equal(open_mode(&f, LOOM_FOLDER_RESUME, &err), 0);
  assert_true(f.resumed);
  assert_true(there("part-1"));
  loom_run_folder_close(&f);

  // Begun anew: what is the run's own goes, the user's stays.
  assert_int_equal(open_mode(&f, LOOM_FOLDER_OVERWRITE, &err), 0);
  assert_false(f.resumed);
  assert_false(there("part-1") || there("part-2.tmp") || there("settings.txt.tmp"));
  assert_true(there("notes") && there("settings.txt.copy"));
  assert_int_equal(loom_run_folder_settings(&f, "settings.txt", "seed: 2\n", &err), 0);
  loom_run_folder_close(&f);
  loom_run_folder_close(&f);  // nothing
}

static void removed_but_for_what_is_not_its_own(void** state) {
  (void)state;
  loomRunFolder f;
  loomError err = {0, ""};

  assert_int_equal(open_mode(&f, LOOM_FOLDER_NEW, &err), 0);
  put("part-1", "done");
  put("done", "");
  put("notes", "the user's");

  loom_run_folder_remove(&f, "done");
  assert_true(there("notes"));
  assert_false(there("part-1") || there("done") || there("lock"));

  // With nothing else in it the folder goes too.
  assert_int_equal(open_mode(&f, LOOM_FOLDER_NEW, &err), 0);
  char notes[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(notes, &f, "notes");
  assert_int_equal(unlink(notes), 0);
  loom_run_folder_remove(&f, NULL);
  assert_int_not_equal(access(path, F_OK), 0);
}

// ---- folders in it

static const char* const inner_folders[] = {"round_*", "member_*", NULL};
static const char* const inner_files[] = {"last", "result-*", NULL};

static int open_nested(loomRunFolder* out, loomFolderMode mode, const char* input, loomError* err) {
  loomRunFolderDef def = {.path = path,
                          .mode = mode,
                          .mark = "settings.txt",
                          .own = own_files,
                          .folders = inner_folders,
                          .inner = inner_files,
                          .ninput = 2,
                          .input = (const char*[]){NULL, input},
                          .alternative = "take another folder"};
  return loom_run_folder_open(out, &def, err);
}

// A run with two rounds, files of the user's among them, and a round that is a link to another place.
static void make_rounds(void) {
  char from[200], command[1200];
  snprintf(from, sizeof from, "%s/elsewhere", dir);
  snprintf(command, sizeof command,
           "mkdir -p %s/round_0/member_1 %s/round_1 %s/notes %s && ln -sfn %s %s/round_9", path, path, path,
           from, from, path);
  assert_int_equal(system(command), 0);
  put("settings.txt", "seed: 1\n");
  put("last", "the user's: none of the run's own here");
  put("notes/last", "the user's");
  put("round_0/last", "a round's");
  put("round_0/result-1.tmp", "on its way");
  put("round_0/lock", "");
  put("round_0/member_1/last", "a member's");
  put("round_1/last", "a round's");
  put("round_1/mine", "the user's");
  put("round_9/last", "another's");
}

static void folders_in_it_go_with_it(void** state) {
  (void)state;
  loomRunFolder f;
  loomError err = {0, ""};
  make_rounds();
  assert_int_equal(open_nested(&f, LOOM_FOLDER_OVERWRITE, NULL, &err), 0);
  loom_run_folder_close(&f);

  // What the run left is gone, and nothing else.
  assert_false(there("settings.txt") || there("round_0") || there("round_1/last"));
  assert_true(there("last") && there("notes/last") && there("round_1/mine") && there("round_9/last"));
}

static void what_is_read_is_none_of_its_own(void** state) {
  (void)state;
  char name[200], alias[200];
  make_rounds();

  // By another name, too, and whatever is to become of the folder.
  snprintf(name, sizeof name, "%s/round_0/member_1/last", path);
  snprintf(alias, sizeof alias, "%s/alias", dir);
  assert_int_equal(link(name, alias), 0);
  for (int i = 0; i < 4; i++) {
    loomRunFolder f;
    loomError err = {0, ""};
    loomFolderMode mode = i / 2 ? LOOM_FOLDER_OVERWRITE : LOOM_FOLDER_RESUME;
    assert_int_equal(open_nested(&f, mode, i % 2 ? name : alias, &err), LOOM_ERR_USAGE);
    assert_non_null(strstr(err.message, "round_0/member_1/last: that is what is read"));
    assert_true(there("settings.txt") && there("round_0/last") && !there("lock"));
  }
}

static void a_run_in_a_folder_in_it_is_left_alone(void** state) {
  (void)state;
  loomRunFolder f, inner;
  loomError err = {0, ""};
  make_rounds();

  // A round may be trained by a process of its own.
  char round[200];
  snprintf(round, sizeof round, "%s/round_1", path);
  loomRunFolderDef def = {.path = round, .mode = LOOM_FOLDER_RESUME, .mark = "last"};
  assert_int_equal(loom_run_folder_open(&inner, &def, &err), 0);
  assert_int_equal(open_nested(&f, LOOM_FOLDER_OVERWRITE, NULL, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "round_1: another run is at work in it"));
  assert_true(there("settings.txt") && there("round_0/last") && there("round_1/last"));
  loom_run_folder_close(&inner);
}

// Files that a run would write over, with no mark beside them: a killed run's, or the user's.
static void files_without_a_mark_are_not_written_over(void** state) {
  (void)state;
  loomRunFolder f;
  loomError err = {0, ""};
  char command[200];
  snprintf(command, sizeof command, "mkdir -p %s", path);
  assert_int_equal(system(command), 0);
  put("part-7", "the user's");
  assert_int_equal(open_mode(&f, LOOM_FOLDER_NEW, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "holds a run already (part-7)"));
  assert_int_equal(open_mode(&f, LOOM_FOLDER_OVERWRITE, &err), 0);
  loom_run_folder_close(&f);
  assert_false(there("part-7"));
}

static void what_cannot_be_made_is_told(void** state) {
  (void)state;
  loomRunFolder f;
  loomError err = {0, ""};
  char file[128];

  snprintf(file, sizeof file, "%s/a", dir);
  assert_int_equal(loom_file_write_text(file, "in the way", &err), 0);
  assert_int_equal(open_mode(&f, LOOM_FOLDER_NEW, &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, strerror(ENOTDIR)));
  loom_run_folder_close(&f);  // zeroed
}

// ---- one at a time

// A process that holds the folder until it is killed.
static pid_t hold(void) {
  int told[2];
  char ready;
  assert_int_equal(pipe(told), 0);
  pid_t child = fork();

  assert_true(child >= 0);
  if (child == 0) {
    loomRunFolder f;
    if (open_mode(&f, LOOM_FOLDER_RESUME, NULL) || write(told[1], "y", 1) != 1) _exit(1);
    for (;;) pause();
  }

  close(told[1]);
  assert_int_equal(read(told[0], &ready, 1), 1);
  close(told[0]);
  return child;
}

static void another_process_is_kept_out(void** state) {
  (void)state;
  loomRunFolder f;
  loomError err = {0, ""};
  pid_t child = hold();

  put("part-1", "the other's");
  for (int mode = LOOM_FOLDER_NEW; mode <= LOOM_FOLDER_OVERWRITE; mode++) {
    assert_int_equal(open_mode(&f, (loomFolderMode)mode, &err), LOOM_ERR_USAGE);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "another run is at work on it"));
  }
  assert_true(there("part-1"));

  // Killed, it holds nothing, whatever it left there.
  kill(child, SIGKILL);
  assert_int_equal(waitpid(child, NULL, 0), child);
  assert_true(there("lock"));
  assert_int_equal(open_mode(&f, LOOM_FOLDER_RESUME, &err), 0);
  loom_run_folder_close(&f);
  assert_false(there("lock"));
}

static void the_same_process_too(void** state) {
  (void)state;
  loomRunFolder a, b;
  loomError err = {0, ""};

  assert_int_equal(open_mode(&a, LOOM_FOLDER_NEW, &err), 0);
  assert_int_equal(open_mode(&b, LOOM_FOLDER_NEW, &err), LOOM_ERR_USAGE);
  loom_run_folder_close(&b);
  assert_true(there("lock"));  // a's
  loom_run_folder_close(&a);

  assert_int_equal(open_mode(&b, LOOM_FOLDER_NEW, &err), 0);
  loom_run_folder_close(&b);
}

// Many that begin at once, and end as they began: never two inside.
static void never_two_inside(void** state) {
  (void)state;
  enum { PROCESSES = 6, ROUNDS = 20 };
  int wrong = 0;
  racing = true;

  // One at a time inside, or mkdir() says so.
  for (int i = 0; i < PROCESSES; i++) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child) continue;
    for (int k = 0; k < ROUNDS; k++) {
      loomRunFolder f;
      char inside[LOOM_RUN_FILE_MAX];
      if (open_mode(&f, LOOM_FOLDER_RESUME, NULL)) continue;

      loom_run_folder_path(inside, &f, "inside");
      if (mkdir(inside, 0777)) _exit(1);  // somebody is there
      usleep(200);
      if (rmdir(inside)) _exit(1);
      loom_run_folder_close(&f);
    }
    _exit(0);
  }

  for (int i = 0; i < PROCESSES; i++) {
    int status;
    assert_true(wait(&status) > 0);
    wrong += status != 0;
  }

  racing = false;
  assert_int_equal(wrong, 0);
  assert_false(there("lock"));
}

// ---- settings

static void other_settings_are_refused_by_line(void** state) {
  (void)state;
  loomRunFolder f;
  loomError err = {0, ""};

  assert_int_equal(open_mode(&f, LOOM_FOLDER_NEW, &err), 0);

  // The same settings twice are fine.
  const char* text = "task: x\n\tseed:\t1\nrate: 2\n";
  assert_int_equal(loom_run_folder_settings(&f, "settings.txt", text, &err), 0);
  assert_int_equal(loom_run_folder_settings(&f, "settings.txt", text, &err), 0);

  // The first line that differs, there and now.
  const char* other = "task: x\n\tseed:\t12\nrate: 3\n";
  assert_int_equal(loom_run_folder_settings(&f, "settings.txt", other, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "settings.txt: the run there has other settings"));
  assert_non_null(strstr(err.message, "(line 2: 'seed: 1' there, 'seed: 12' now)"));
  assert_non_null(strstr(err.message, "or take another folder"));

  // One is the beginning of the other; nothing at all.
  assert_int_equal(loom_run_folder_settings(&f, "settings.txt", "task: x\n", &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "(line 2: 'seed: 1' there, '' now)"));
  assert_int_equal(loom_run_folder_settings(&f, "settings.txt", "", &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "(line 1: 'task: x' there, '' now)"));

  put("settings.txt", "");
  assert_int_equal(loom_run_folder_settings(&f, "settings.txt", text, &err), LOOM_ERR_USAGE);
  loom_run_folder_close(&f);
}

// ---- what is done

typedef struct result {
  int64_t number;
  int outcome;
  char reason[20];
  double pose[3];
} result;

static const loomColumn result_column[] = {LOOM_COLUMN(result, I64, number),
                                           LOOM_COLUMN(result, I32, outcome),
                                           LOOM_COLUMN(result, TEXT, reason), LOOM_COLUMN(result, F64, pose)};
static const loomColumns results = {"results", sizeof(result), 4, result_column};

static const char* log_path(void) {
  static char file[200];
  snprintf(file, sizeof file, "%s/log.bin", dir);
  return file;
}

static void append(int n, int first) {
  loomRecordLog* log;
  result r[8] = {{0}};
  for (int i = 0; i < n; i++)
    r[i] = (result){first + i, -i, "no", {0.1 * i, 1e-300, -2}},
    snprintf(r[i].reason, 20, "why %d", first + i);

  assert_int_equal(loom_record_log_open(&log, log_path(), &results, NULL), 0);
  assert_int_equal(loom_record_log_append(log, r, n, NULL), 0);
  loom_record_log_close(log);
}

static void expect_records(int n) {
  loomRecordLog* log;
  void* read = NULL;
  int64_t found = -1;
  char reason[20];

  assert_int_equal(loom_record_log_open(&log, log_path(), &results, NULL), 0);
  assert_int_equal(loom_record_log_read(&read, &found, log, NULL, NULL), 0);
  assert_int_equal(found, n);

  for (int i = 0; i < n; i++) {
    const result* r = (result*)read + i;
    snprintf(reason, sizeof reason, "why %d", i);
    assert_int_equal(r->number, i);
    assert_string_equal(r->reason, reason);
    assert_true(r->pose[1] == 1e-300 && r->pose[2] == -2);
  }
  free(read);
  loom_record_log_close(log);
}

static int64_t size_of(const char* file) {
  struct stat st;
  assert_int_equal(stat(file, &st), 0);
  return st.st_size;
}

static void records_come_back(void** state) {
  (void)state;

  // No file of records yet.
  expect_records(0);
  assert_int_equal(size_of(log_path()), 0);

  append(3, 0);
  expect_records(3);

  // None at all, then two more.
  append(0, 3);
  append(2, 3);
  expect_records(5);
}

// Cut off anywhere, what was whole is there, and goes on.
static void a_torn_log_keeps_its_whole_records(void** state) {
  (void)state;
  append(4, 0);

  int64_t size = size_of(log_path()), packed = 8 + 4 + 20 + 24, header = size - 4 * packed;
  assert_true(header > 0 && header < 100);

  // Its records are of one size, behind a short header.
  for (int64_t cut = size; cut >= 0; cut--) {
    assert_int_equal(truncate(log_path(), 0), 0);
    append(4, 0);
    assert_int_equal(truncate(log_path(), cut), 0);
    int whole = cut < header ? 0 : (int)((cut - header) / packed);
    expect_records(whole);
    append(1, whole);
    expect_records(whole + 1);
  }
}

static void expect_refused(const loomColumns* columns) {
  loomRecordLog* log;
  loomError err = {0, ""};

  int64_t size = size_of(log_path());
  assert_int_equal(loom_record_log_open(&log, log_path(), columns, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "log.bin: was written by another version"));
  assert_null(log);

  assert_int_equal(size_of(log_path()), size);  // and left as it is
}

// Members of another name, type, number or order, or another header: refused, not misread.
static void another_layout_is_refused(void** state) {
  (void)state;

  append(3, 0);
  for (int i = 0; i < 4; i++) {
    loomColumn changed[4];
    loomColumns other = {"results", sizeof(result), 4, changed};

    // One thing changed at a time.
    memcpy(changed, result_column, sizeof changed);
    if (i == 0) changed[1].name = "ending";
    if (i == 1) changed[3].type = LOOM_COLUMN_I64;
    if (i == 2) changed[2].bytes = 12;
    if (i == 3) other.n = 3;
    expect_refused(&other);
  }

  expect_refused(&(loomColumns){"attempts", sizeof(result), 4, result_column});

  // A bit of the header changed and changed back.
  for (int at = 0; at < 34; at += 11) {  // `demoloom results 0123456789abcdef`

    FILE* f = fopen(log_path(), "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    int old = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(old ^ 1, f);
    fclose(f);
    expect_refused(&results);

    f = fopen(log_path(), "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    fputc(old, f);
    fclose(f);
  }
  expect_records(3);

  // The structs as they lie in memory, as earlier versions wrote them.
  result raw[2] = {{0}};
  assert_int_equal(loom_file_write(log_path(), raw, sizeof raw, NULL), 0);
  expect_refused(&results);
}

static void a_full_disk_is_told_and_gone_on_from(void** state) {
  (void)state;
  loomRecordLog* log;
  loomError err = {0, ""};
  struct rlimit limit, small;
  result r[8] = {{0}};

  append(3, 0);
  assert_int_equal(loom_record_log_open(&log, log_path(), &results, NULL), 0);

  // Room for one record and a half.
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  small = limit;
  small.rlim_cur = (rlim_t)size_of(log_path()) + 70;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);

  int code = loom_record_log_append(log, r, 8, &err);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  loom_record_log_close(log);

  assert_int_equal(code, LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "log.bin: cannot be written (File too large)"));

  // What was whole is read.
  loomRecordLog* again;
  void* read;
  int64_t n;
  assert_int_equal(loom_record_log_open(&again, log_path(), &results, NULL), 0);
  assert_int_equal(loom_record_log_read(&read, &n, again, NULL, NULL), 0);
  assert_int_equal(n, 4);  // one more was whole
  free(read);
  loom_record_log_close(again);
}

static int checked;

static int check_number(const void* record, int64_t i, const char* where, loomError* err) {
  checked++;
  if (((const result*)record)->number == i) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: entry %lld", where, (long long)i);
}

static void expect_hole(int64_t size, int checks, const char* message) {
  loomRecordLog* log;
  loomError err = {0, ""};
  void* read = &err;
  int64_t n;

  // As large as that, and nothing on the disk.
  assert_int_equal(truncate(log_path(), size), 0);
  assert_int_equal(loom_record_log_open(&log, log_path(), &results, NULL), 0);
  checked = 0;
  assert_int_equal(loom_record_log_read(&read, &n, log, check_number, &err), LOOM_ERR_FORMAT);
  loom_record_log_close(log);
  assert_null(read);
  assert_int_equal(n, 0);
  assert_int_equal(checked, checks);
  assert_non_null(strstr(err.message, message));
}

// A file that says more than is in it costs no memory and no time.
static void a_hole_is_told(void** state) {
  (void)state;
  append(3, 0);
  expect_hole(INT64_C(1) << 40, 0, "log.bin: has room for ");
  expect_hole(INT64_C(1) << 29, 4, "log.bin: entry 3");
}

// ---- tables

typedef struct row {
  int a;
  int64_t b;
  uint64_t c;
  double d;
} row;

static void numbers_go_through_text(void** state) {
  (void)state;
  static const loomColumn column[] = {LOOM_COLUMN(row, I32, a), LOOM_COLUMN(row, I64, b),
                                      LOOM_COLUMN(row, U64, c), LOOM_COLUMN(row, F64, d)};
  const loomColumns columns = {"row", sizeof(row), 4, column};
  const row given = {-3, INT64_MIN, UINT64_MAX, 0.1};

  row back = {0};
  char* text = NULL;
  size_t size = 0;
  FILE* f = open_memstream(&text, &size);
  assert_non_null(f);

  loom_columns_put_names(f, &columns);
  loom_columns_put_line(f, &columns, &given);
  fclose(f);

  assert_string_equal(text, "a,b,c,d\n-3,-9223372036854775808,18446744073709551615,0.10000000000000001\n");
  assert_true(loom_columns_read_line(&back, &columns, strchr(text, '\n') + 1));
  assert_true(back.a == given.a && back.b == given.b && back.c == given.c && back.d == given.d);

  // A head is no line, nor are too few or too many numbers.
  assert_false(loom_columns_read_line(&back, &columns, text));
  static const char* const wrong[] = {"", "1,2,3\n", "1,2,3,4", "1,2,3,4,5\n", "1,,3,4\n", "1;2;3;4\n"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_false(loom_columns_read_line(&back, &columns, wrong[i]));

  free(text);
}

// Several at once: the first lets the others in, one by itself is kept out, and the last knows that it is.
static void shared_by_several(void** state) {
  (void)state;
  loomRunFolder a, b, c;
  loomError err = {0, ""};
  shared = true;
  assert_int_equal(open_mode(&a, LOOM_FOLDER_RESUME, &err), 0);
  assert_true(a.alone);
  assert_int_equal(open_mode(&b, LOOM_FOLDER_RESUME, &err), LOOM_ERR_USAGE);
  loom_run_folder_share(&a);
  assert_int_equal(open_mode(&b, LOOM_FOLDER_RESUME, &err), 0);
  assert_false(a.alone || b.alone);

  shared = false;
  assert_int_equal(open_mode(&c, LOOM_FOLDER_RESUME, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "another run is at work on it"));

  // Whoever asks and is not the last has let go of it.
  assert_false(loom_run_folder_is_last(&a));
  assert_true(loom_run_folder_is_last(&b));
  loom_run_folder_close(&a);
  assert_true(there("lock"));
  loom_run_folder_close(&b);
  assert_false(there("lock"));
  assert_int_equal(open_mode(&c, LOOM_FOLDER_RESUME, &err), 0);
  loom_run_folder_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(new_then_resumed_then_overwritten, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(removed_but_for_what_is_not_its_own, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(folders_in_it_go_with_it, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(what_is_read_is_none_of_its_own, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(a_run_in_a_folder_in_it_is_left_alone, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(files_without_a_mark_are_not_written_over, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(what_cannot_be_made_is_told, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(another_process_is_kept_out, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(the_same_process_too, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(never_two_inside, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(shared_by_several, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(other_settings_are_refused_by_line, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(records_come_back, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(a_torn_log_keeps_its_whole_records, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(another_layout_is_refused, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(a_full_disk_is_told_and_gone_on_from, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(a_hole_is_told, make_dir, remove_dir),
      cmocka_unit_test(numbers_go_through_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
