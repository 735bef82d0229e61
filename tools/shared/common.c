#include "tools/shared/common.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/scene/compose.h"
#include "generators/run/record.h"

int tool_fail(const loomError* err) {
  tool_progress_end();
  fprintf(stderr, "demoloom: %s\n", err->message);
  return err->code == LOOM_ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
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

// ---- scenes

static bool is_dir(const char* path) {
  struct stat s;
  return !stat(path, &s) && S_ISDIR(s.st_mode);
}

bool tool_is_file(const char* path) {
  struct stat s;
  return !stat(path, &s) && S_ISREG(s.st_mode);
}

bool tool_same_file(const char* a, const char* b) {
  struct stat s, t;
  return !stat(a, &s) && !stat(b, &t) && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

int tool_scenes_dir(char out[LOOM_PATH_MAX], loomError* err) {
  const char* named = getenv("DEMOLOOM_SCENES");
  char self[LOOM_PATH_MAX - 64];
  if (named && *named) {
    snprintf(out, LOOM_PATH_MAX, "%s", named);
    return is_dir(out) ? 0
                       : loom_error_set(err, LOOM_ERR_USAGE, "DEMOLOOM_SCENES=%.500s is not a folder", named);
  }
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n > 0) {
    static const char* const places[] = {"../scenes", "../share/demoloom/scenes"};
    self[n] = 0;
    char* slash = strrchr(self, '/');
    if (slash) *slash = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
      snprintf(out, LOOM_PATH_MAX, "%s/%s", self, places[i]);
      if (is_dir(out)) return 0;
    }
  }
  snprintf(out, LOOM_PATH_MAX, "scenes");
  if (is_dir(out)) return 0;
  return loom_error_set(err, LOOM_ERR_IO, "no scenes folder beside the program; set DEMOLOOM_SCENES to it");
}

static int by_name(const void* a, const void* b) {
  return strcmp(a, b);
}

int tool_scene_names(loomName* names, int max) {
  char dir[LOOM_PATH_MAX], path[2 * LOOM_PATH_MAX];
  int n = 0;
  DIR* d = tool_scenes_dir(dir, NULL) ? NULL : opendir(dir);
  for (struct dirent* entry; d && n < max && (entry = readdir(d));) {
    snprintf(path, sizeof path, "%s/%s/task.yaml", dir, entry->d_name);
    if (entry->d_name[0] == '.' || !tool_is_file(path)) continue;
    snprintf(names[n++], sizeof *names, "%.*s", LOOM_NAME_MAX - 1, entry->d_name);
  }
  if (d) closedir(d);
  qsort(names, (size_t)n, sizeof *names, by_name);
  return n;
}

int tool_task(loomTask** out, const char* name, loomError* err) {
  char dir[LOOM_PATH_MAX], robots[LOOM_PATH_MAX + 16], path[2 * LOOM_PATH_MAX];
  *out = NULL;
  int code = tool_scenes_dir(dir, err);
  if (code) return code;
  snprintf(robots, sizeof robots, "%s/robots", dir);
  snprintf(path, sizeof path, "%s/%.500s/task.yaml", dir, name);
  if (!strchr(name, '/') && tool_is_file(path)) return loom_task_load(out, path, robots, err);
  snprintf(path, sizeof path, "%.900s%s", name, is_dir(name) ? "/task.yaml" : "");
  if (tool_is_file(path)) return loom_task_load(out, path, robots, err);
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "no scene '%.200s'; `demoloom scenes` lists them, or give the path of a task.yaml",
                        name);
}

// ---- assets

static const char* root_path(const loomAssetRoots* roots, const char* name) {
  for (int i = 0; i < roots->n; i++) {
    if (!strcmp(roots->root[i].name, name)) return roots->root[i].path;
  }
  return NULL;
}

static int run_fetch(const char* what, loomError* err) {
  char dir[LOOM_PATH_MAX], script[LOOM_PATH_MAX + 32];
  int status = -1, code = tool_scenes_dir(dir, err);
  if (code) return code;
  snprintf(script, sizeof script, "%s/../tools/fetch.sh", dir);
  pid_t child = fork();
  if (child == 0) {
    dup2(STDERR_FILENO, STDOUT_FILENO);  // results alone go to stdout
    execl("/bin/bash", "bash", script, what, (char*)NULL);
    _exit(127);
  }
  if (child > 0) waitpid(child, &status, 0);
  if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  return loom_error_set(err, LOOM_ERR_IO,
                        "the assets of '%s' could not be fetched; give their folder with --assets %s=DIR",
                        what, what);
}

int tool_assets(loomAssetRoots* roots, const loomTask* task, loomError* err) {
  const char* name = task->source_asset[0] ? task->source_asset : task->placed ? task->robots[0].asset : "";
  if (!*name || root_path(roots, name)) return 0;
  static const char* const known[][2] = {{"robosuite", "robosuite-1.4.1"},
                                         {"robosuite15", "robosuite-1.5.2"}};
  const char* folder = NULL;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (!strcmp(name, known[i][0])) folder = known[i][1];
  }
  if (!folder) {
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: its assets '%s' are not known here; give their folder with --assets %s=DIR",
                          task->path, name, name);
  }
  char dir[LOOM_PATH_MAX];
  const char *home = getenv("DEMOLOOM_HOME"), *cache = getenv("XDG_CACHE_HOME"), *user = getenv("HOME");
  if (home && *home) {
    snprintf(dir, sizeof dir, "%.900s/%s", home, folder);
  } else if (cache && *cache) {
    snprintf(dir, sizeof dir, "%.900s/demoloom/%s", cache, folder);
  } else {
    snprintf(dir, sizeof dir, "%.900s/.cache/demoloom/%s", user ? user : "", folder);
  }
  int code = is_dir(dir) ? 0 : run_fetch(name, err);
  return code ? code : loom_asset_roots_add(roots, name, dir, err);
}

int tool_source_path(char out[LOOM_PATH_MAX], const loomTask* task, const loomAssetRoots* roots,
                     loomError* err) {
  const char* root = task->source_asset[0] ? root_path(roots, task->source_asset) : task->dir;
  if (!root) return loom_error_set(err, LOOM_ERR_USAGE, "no folder for the assets '%s'", task->source_asset);
  snprintf(out, LOOM_PATH_MAX, "%.*s/%.*s", 500, root, 500, task->source_file);
  if (tool_is_file(out)) return 0;
  return loom_error_set(err, LOOM_ERR_IO, "%s: the task's source demos are not there", out);
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
  if (tool_read_int(&value, &rest, low, high) && !*rest) {
    *out = value;
    return true;
  }
  tool_usage(command, "%s takes a whole number from %lld to %lld, not '%s'", option, (long long)low,
             (long long)high, text);
  return false;
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

static void on_signal(int number) {
  if (tool_stop) _exit(128 + number);
  tool_stop = 1;
}

void tool_catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static double last_print;
static bool line_open;

void tool_progress(const char* what, int64_t done, int64_t total, double seconds, const char* note) {
  bool terminal = isatty(STDERR_FILENO);
  if (seconds < 2 || seconds - last_print < (terminal ? 0.2 : 10)) return;
  last_print = seconds;
  double rate = (double)done / seconds;
  fprintf(stderr, "%s%s %lld", terminal ? "\r" : "", what, (long long)done);
  if (total > 0) fprintf(stderr, "/%lld", (long long)total);
  fprintf(stderr, "  %.2f/s", rate);
  if (total > 0 && rate > 0) {
    int64_t left = (int64_t)((double)(total - done) / rate);
    fprintf(stderr, "  ETA %lld:%02lld", (long long)(left / 60), (long long)(left % 60));
  }
  fprintf(stderr, "  %s%s", note ? note : "", terminal ? "\033[K" : "\n");
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

// ---- what a command looks at

static int env_name_of(loomName out, const loomDataset* dataset, loomError* err) {
  char* text = NULL;
  out[0] = 0;
  int code = loom_dataset_attr_string(&text, dataset, "data", "env_args", err);
  if (code) return code;
  cJSON* root = cJSON_Parse(text);
  const cJSON* name = root ? cJSON_GetObjectItemCaseSensitive(root, "env_name") : NULL;
  if (name && cJSON_IsString(name))
    snprintf(out, LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1, name->valuestring);
  cJSON_Delete(root);
  free(text);
  return 0;
}

// The scene whose env_name is that of the dataset's env_args.
static int task_for_dataset(loomTask** out, const loomDataset* dataset, loomError* err) {
  loomName env, names[64];
  int code = env_name_of(env, dataset, err);
  if (code) return code;
  int n = tool_scene_names(names, 64);
  for (int i = 0; i < n && env[0]; i++) {
    loomTask* task = NULL;
    if (tool_task(&task, names[i], NULL)) continue;
    if (!strcmp(task->env_name, env)) {
      *out = task;
      return 0;
    }
    loom_task_destroy(task);
  }
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%.500s: no scene is made for its environment '%s'; name one with --task",
                        loom_dataset_path(dataset), env);
}

// With --task, or by its name, it is a file though it may not be there.
static bool means_file(const char* target, const char* task_name) {
  size_t n = strlen(target);
  return task_name || (n > 5 && !strcmp(target + n - 5, ".hdf5")) ||
         (tool_is_file(target) && !strstr(target, ".yaml"));
}

int tool_open(loomTask** task, loomDataset** dataset, loomAssetRoots* roots, const char* target,
              const char* task_name, bool rest, loomError* err) {
  char path[LOOM_PATH_MAX];
  bool file = means_file(target, task_name);
  *task = NULL;
  *dataset = NULL;
  int code = !file  ? tool_task(task, target, err)
             : rest ? loom_dataset_open_rest(dataset, target, err)
                    : loom_dataset_open(dataset, target, err);
  if (!code && file)
    code = task_name ? tool_task(task, task_name, err) : task_for_dataset(task, *dataset, err);
  if (!code) code = tool_assets(roots, *task, err);
  if (!code && !file) code = tool_source_path(path, *task, roots, err);
  if (!code && !file) code = loom_dataset_open(dataset, path, err);
  if (!code) return 0;
  loom_dataset_close(*dataset);
  loom_task_destroy(*task);
  *dataset = NULL;
  *task = NULL;
  return code;
}

void tool_draw_side_by_side(void) {
  setenv("LP_NUM_THREADS", "0", 0);
}

int tool_scene(loomScene** out, char** env_args, const loomTask* task, const loomAssetRoots* roots,
               loomError* err) {
  char label[LOOM_PATH_MAX], path[LOOM_PATH_MAX], *xml = NULL;
  loomSourceSet sources = {0};
  bool own = task->model_file[0];
  int code;
  *env_args = NULL;
  if (own) {
    code = loom_task_model(&xml, label, task, roots, err);
    *env_args = loom_env_args(task);
  } else {
    code = tool_source_path(path, task, roots, err);
    if (!code) code = loom_sources_load(&sources, task, path, roots, err);
    if (!code) *env_args = strdup(sources.env_args);
  }
  if (!code && !*env_args) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a scene");
  if (!code)
    code = loom_scene_create(out, task, own ? xml : sources.model_xml, own ? label : sources.model_label,
                             own ? NULL : sources.env_args, roots, err);
  free(xml);
  loom_sources_destroy(&sources);
  loom_model_forget_assets();
  return code;
}
