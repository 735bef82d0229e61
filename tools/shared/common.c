#include "tools/shared/common.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/text.h"

int tool_fail(const loomError* err) {
  tool_progress_end();
  fprintf(stderr, "demoloom: %s\n", err->message);
  return err->code == LOOM_ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

int tool_go_on(loomError* err, int code, const char* folder, const char* mark) {
  char done[LOOM_PATH_MAX + 64];
  if (code == LOOM_ERR_INTERRUPTED)
    return loom_error_set(err, code, "interrupted; what is done lies in %s: --resume goes on", folder);

  // A full disk, most likely; of files elsewhere it says nothing.
  bool there = !strncmp(err->message, folder, strlen(folder));
  snprintf(done, sizeof done, "%s/%s", folder, mark);
  if (code != LOOM_ERR_IO || !there || !loom_is_file(done)) return code;
  return loom_error_suffix(
      err, code, "; what was done before lies in %s: once it can be written, --resume goes on", folder);
}

int tool_usage(const char* command, const char* format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "demoloom %s: ", command);
  vfprintf(stderr, format, args);
  fprintf(stderr, "; see `demoloom %s --help`\n", command);
  va_end(args);
  return EXIT_USAGE;
}

// ---- assets

// The script that came with this program: a scenes folder, that of a stranger perhaps, says nothing of what
// is run.
static int find_fetch(char out[LOOM_PATH_MAX], loomError* err) {
  static const char* const places[] = {"../tools/fetch.sh", "../share/demoloom/tools/fetch.sh"};
  char self[LOOM_PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  self[n > 0 ? n : 0] = '\0';

  char* slash = strrchr(self, '/');
  if (slash) *slash = '\0';
  for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
    snprintf(out, LOOM_PATH_MAX, "%.960s/%s", self, places[i]);
    if (loom_is_file(out)) return 0;
  }

  return loom_error_set(err, LOOM_ERR_IO,
                        "there is no tools/fetch.sh beside this program that could fetch assets");
}

// Results alone go to stdout: what the script says goes to stderr.
static int run_fetch(void* user, const char* set, loomError* err) {
  char script[LOOM_PATH_MAX];
  (void)user;
  int status = -1, code = find_fetch(script, err);
  if (code) return code;

  // A child, since a shell script knows how to fetch.
  pid_t child = fork();
  if (child == 0) {
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execl("/bin/bash", "bash", script, set, (char*)NULL);
    _exit(127);
  }

  if (child > 0) waitpid(child, &status, 0);
  if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  return loom_error_set(err, LOOM_ERR_IO,
                        "the assets of '%s' could not be fetched; give their folder with --assets %s=DIR",
                        set, set);
}

int tool_assets(loomAssetRoots* roots, const loomTask* task, loomError* err) {
  const loomFetch fetch = {run_fetch, NULL};
  return loom_task_assets(roots, task, &fetch, err);
}

int tool_known_assets(loomAssetRoots* roots, const char* set, const char* label, loomError* err) {
  const loomFetch fetch = {run_fetch, NULL};
  return loom_known_assets(roots, set, label, &fetch, err);
}

// ---- options

bool tool_read_int(int64_t* out, const char** text, int64_t low, int64_t high) {
  char* end;
  errno = 0;

  long long value = strtoll(*text, &end, 10);
  if (errno || end == *text || value < low || value > high) return false;
  *out = value;
  *text = end;
  return true;
}

bool tool_read_double(double* out, const char** text) {
  char* end;

  double value = strtod(*text, &end);
  if (end == *text) return false;
  *out = value;
  *text = end;
  return true;
}

bool tool_read_size(int* width, int* height, const char* text, int low, int high) {
  int64_t w, h;
  if (!tool_read_int(&w, &text, low, high) || *text++ != 'x' || !tool_read_int(&h, &text, low, high) || *text)
    return false;

  *width = (int)w;
  *height = (int)h;
  return true;
}

bool tool_int(int64_t* out, const char* command, const char* option, const char* text, int64_t low,
              int64_t high) {
  const char* rest = text;
  int64_t value;

  // The whole text, in its range.
  if (tool_read_int(&value, &rest, low, high) && !*rest) {
    *out = value;
    return true;
  }

  tool_usage(command, "%s takes a whole number from %lld to %lld, not '%s'", option, (long long)low,
             (long long)high, text);
  return false;
}

bool tool_int_list(int* n, int64_t* list, int most, const char* command, const char* option, const char* text,
                   int64_t low, int64_t high) {
  char one[32];
  for (*n = 0; *text;) {
    // One number, up to the next comma.
    size_t length = strcspn(text, ",");
    snprintf(one, sizeof one, "%.*s", (int)(length < 31 ? length : 31), text);

    if (*n == most) {
      tool_usage(command, "%s: at most %d numbers", option, most);
      return false;
    }
    if (!tool_int(&list[*n], command, option, one, low, high)) return false;

    // Each number once: it names a folder.
    for (int i = 0; i < *n; i++) {
      if (list[i] != list[*n]) continue;
      tool_usage(command, "%s: %s is given twice", option, one);
      return false;
    }

    // Beyond the comma, if there is one.
    ++*n;
    text += length + (text[length] == ',');
  }
  if (!*n) tool_usage(command, "%s: no number", option);
  return *n > 0;
}

bool tool_double(double* out, const char* command, const char* option, const char* text, double low,
                 double high) {
  const char* rest = text;
  double value;

  if (tool_read_double(&value, &rest) && !*rest && value >= low && value <= high) {
    *out = value;
    return true;
  }
  tool_usage(command, "%s takes a number from %g to %g, not '%s'", option, low, high, text);
  return false;
}

// ---- signals, progress and results

volatile sig_atomic_t tool_stop;

static pid_t program;  // its children end without a word

// At once: files appear whole or not at all, so this is always true.
static void end_at_once(int number) {
  static const char text[] =
      "demoloom: interrupted; nothing is half written: run it again, with --resume where the command has "
      "that\n";
  if (getpid() == program && write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(128 + number);
  _exit(128 + number);
}

static void on_signal(int number) {
  if (tool_stop) end_at_once(number);
  tool_stop = 1;
}

void tool_tell_signals(void) {
  static const int numbers[] = {SIGINT, SIGTERM};
  struct sigaction action = {.sa_handler = end_at_once}, before;
  program = getpid();

  // What whoever started it wants ignored stays so.
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (!sigaction(numbers[i], NULL, &before) && before.sa_handler == SIG_DFL)
      sigaction(numbers[i], &action, NULL);
}

void tool_catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static double last_print;  // by loom_clock
static bool line_open;

void tool_progress(const char* what, int64_t done, int64_t total, double seconds, const char* note) {
  tool_progress_from(what, 0, done, total, seconds, note);
}

void tool_progress_from(const char* what, int64_t before, int64_t done, int64_t total, double seconds,
                        const char* note) {
  // By a clock of its own: a run that has several parts counts the seconds of each from 0.
  bool terminal = isatty(STDERR_FILENO);
  double now = loom_clock();
  if (seconds < 2 || done < before || now - last_print < (terminal ? 0.2 : 10)) return;
  last_print = now;

  // Progress so far, then how long the rest takes at this rate.
  char line[1200];
  const int size = sizeof line;
  double rate = (double)(done - before) / seconds;
  int n = snprintf(line, sizeof line, "%s %lld", what, (long long)done);
  if (total > 0) n += snprintf(line + n, (size_t)(size - n), "/%lld", (long long)total);
  n += snprintf(line + n, (size_t)(size - n), "  %.2f/s", rate);

  // Only where the end is known and something has been done.
  if (total > 0 && rate > 0) {
    int64_t left = total > done ? (int64_t)((double)(total - done) / rate) : 0;
    n += snprintf(line + n, (size_t)(size - n), "  ETA %lld:%02lld", (long long)(left / 60),
                  (long long)(left % 60));
  }
  snprintf(line + n, (size_t)(size - n), "  %s", note ? note : "");

  // A terminal's line is written over, and must not wrap; a log's is kept.
  struct winsize window;
  int columns =
      terminal && !ioctl(STDERR_FILENO, TIOCGWINSZ, &window) && window.ws_col > 1 ? window.ws_col - 1 : size;
  fprintf(stderr, "%s%.*s%s", terminal ? "\r" : "", columns, line, terminal ? "\033[K" : "\n");
  line_open = terminal;
  fflush(stderr);
}

void tool_progress_end(void) {
  if (line_open) fputc('\n', stderr);
  line_open = false;
  last_print = 0;
}

void tool_print_json(const cJSON* json) {
  char* text = cJSON_Print(json);
  if (text) puts(text);
  cJSON_free(text);
}

int tool_write_json(const char* path, const cJSON* json, loomError* err) {
  loomFile file;
  int code = loom_file_begin(&file, path, err);
  if (code) return code;

  char* text = cJSON_Print(json);
  if (text) fprintf(file.stream, "%s\n", text);
  code =
      text ? loom_file_commit(&file, err) : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  loom_file_abort(&file);
  cJSON_free(text);
  return code;
}

// ---- what a command looks at

// With --task, or by its name, it is a file though it may not be there.
static bool means_file(const char* target, const char* task_name) {
  return task_name || loom_ends_with(target, ".hdf5") || (loom_is_file(target) && !strstr(target, ".yaml"));
}

int tool_open(loomTask** task, loomDataset** dataset, loomAssetRoots* roots, const char* target,
              const char* task_name, bool rest, loomError* err) {
  char path[LOOM_PATH_MAX];
  bool file = means_file(target, task_name);
  *task = NULL;

  *dataset = NULL;

  // A dataset is opened by its name; its task is the one given, or known by its environment.
  int code = !file  ? loom_task_find(task, target, err)
             : rest ? loom_dataset_open_rest(dataset, target, err)
                    : loom_dataset_open(dataset, target, err);
  if (!code && file)
    code = task_name ? loom_task_find(task, task_name, err) : loom_task_of_dataset(task, *dataset, err);

  // A task stands for its own source demos.
  if (!code) code = tool_assets(roots, *task, err);
  if (!code && !file) code = loom_task_source(path, *task, roots, err);
  if (!code && !file) code = loom_dataset_open(dataset, path, err);
  if (!code) return 0;

  // Nothing is left open where anything failed.
  loom_dataset_close(*dataset);
  loom_task_destroy(*task);
  *dataset = NULL;
  *task = NULL;
  return code;
}

int tool_show_copied(void* user, int done, int total) {
  const double* begun = user;
  tool_progress("copied", done, total, loom_clock() - *begun, "demos");
  return tool_stop;
}

void tool_tell_left_out(loomNames* left_out, bool told) {
  for (int i = 0; told && i < left_out->n; i++)
    fprintf(stderr, "left out of the copy: %s\n", left_out->name[i]);
  loom_names_destroy(left_out);
}

void tool_draw_side_by_side(void) {
  setenv("LP_NUM_THREADS", "0", 0);
}
