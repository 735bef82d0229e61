#include "engine/scene/library.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/cache.h"
#include "engine/base/file.h"
#include "engine/base/json.h"

// ---- scenes

// A scenes folder near a program or library: beside the build folder, or below the prefix it was installed
// to.
static bool find_scenes_near(char out[LOOM_PATH_MAX], const char* binary) {
  static const char* const places[] = {"../scenes", "../share/demoloom/scenes"};
  char real[PATH_MAX];
  if (!realpath(binary, real)) return false;

  char* slash = strrchr(real, '/');
  if (slash) *slash = 0;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    snprintf(out, LOOM_PATH_MAX, "%.960s/%s", real, places[i]);
    if (loom_is_folder(out)) return true;
  }
  return false;
}

int loom_scenes_dir(char out[LOOM_PATH_MAX], loomError* err) {
  // What the user names comes first, and is never passed over in silence.
  const char* named = getenv("DEMOLOOM_SCENES");
  if (named && *named) {
    snprintf(out, LOOM_PATH_MAX, "%s", named);
    return loom_is_folder(out)
               ? 0
               : loom_error_set(err, LOOM_ERR_USAGE, "DEMOLOOM_SCENES=%.500s is not a folder", named);
  }

  // The object file that this code is in: libdemoloom.so, or the program it was linked into (whose name may
  // be what the shell was given, without a folder).
  static const char here = 0;
  Dl_info self;
  if (dladdr(&here, &self) && self.dli_fname && strchr(self.dli_fname, '/') &&
      find_scenes_near(out, self.dli_fname))
    return 0;
  if (find_scenes_near(out, "/proc/self/exe")) return 0;

  snprintf(out, LOOM_PATH_MAX, "scenes");
  if (loom_is_folder(out)) return 0;
  return loom_error_set(err, LOOM_ERR_IO, "no scenes folder beside the program; set DEMOLOOM_SCENES to it");
}

static int compare_names(const void* a, const void* b) {
  return strcmp(a, b);
}

int loom_scene_names(loomName* names, int max) {
  char dir[LOOM_PATH_MAX], path[2 * LOOM_PATH_MAX];
  int n = 0;
  DIR* d = loom_scenes_dir(dir, NULL) ? NULL : opendir(dir);

  // A scene is a folder with a task file in it.
  for (struct dirent* entry; d && n < max && (entry = readdir(d));) {
    snprintf(path, sizeof path, "%s/%s/task.yaml", dir, entry->d_name);
    if (entry->d_name[0] == '.' || !loom_is_file(path)) continue;
    snprintf(names[n++], sizeof *names, "%.*s", LOOM_NAME_MAX - 1, entry->d_name);
  }
  if (d) closedir(d);

  qsort(names, (size_t)n, sizeof *names, compare_names);
  return n;
}

int loom_task_find(loomTask** out, const char* name, loomError* err) {
  char dir[LOOM_PATH_MAX], robots[LOOM_PATH_MAX + 16], path[2 * LOOM_PATH_MAX];
  *out = NULL;
  int code = loom_scenes_dir(dir, err);
  if (code) return code;

  // A bare name is a scene's before it is a file's.
  snprintf(robots, sizeof robots, "%s/robots", dir);
  snprintf(path, sizeof path, "%s/%.500s/task.yaml", dir, name);
  if (!strchr(name, '/') && loom_is_file(path)) return loom_task_load(out, path, robots, err);

  snprintf(path, sizeof path, "%.900s%s", name, loom_is_folder(name) ? "/task.yaml" : "");
  if (loom_is_file(path)) return loom_task_load(out, path, robots, err);
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "no scene '%.200s'; `demoloom scenes` lists them, or give the path of a task.yaml",
                        name);
}

// ---- datasets

static int read_env_name(loomName out, const loomDataset* dataset, loomError* err) {
  char* text = NULL;
  out[0] = 0;
  int code = loom_dataset_attr_string(&text, dataset, "data", "env_args", err);
  if (code) return code;

  cJSON* root = loom_json_read(text);
  const cJSON* name = root ? cJSON_GetObjectItemCaseSensitive(root, "env_name") : NULL;
  if (name && cJSON_IsString(name))
    snprintf(out, LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1, name->valuestring);

  cJSON_Delete(root);
  free(text);
  return 0;
}

int loom_task_of_dataset(loomTask** out, const loomDataset* dataset, loomError* err) {
  enum { MAX_SCENES = 64 };
  loomName env, names[MAX_SCENES];
  *out = NULL;
  int code = read_env_name(env, dataset, err);
  if (code) return code;

  // A task file that cannot be read is not the one that is looked for.
  int n = loom_scene_names(names, MAX_SCENES);
  for (int i = 0; i < n && env[0]; i++) {
    loomTask* task = NULL;
    if (loom_task_find(&task, names[i], NULL)) continue;
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

// ---- assets

static const char* find_root(const loomAssetRoots* roots, const char* name) {
  for (int i = 0; i < roots->n; i++) {
    if (!strcmp(roots->root[i].name, name)) return roots->root[i].path;
  }
  return NULL;
}

// The folder below the home folder that tools/fetch.sh puts a set of assets into, or NULL.
static const char* known_folder(const char* set) {
  static const char* const known[][2] = {{"robosuite", "robosuite-1.4.1"},
                                         {"robosuite15", "robosuite-1.5.2"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (!strcmp(set, known[i][0])) return known[i][1];
  }
  return NULL;
}

int loom_task_assets(loomAssetRoots* roots, const loomTask* task, const loomFetch* fetch, loomError* err) {
  // Those of its source demos, or of the robots that are put into its own model.
  const char* set = task->source_asset[0] ? task->source_asset : task->placed ? task->robots[0].asset : "";
  if (!*set || find_root(roots, set)) return 0;
  const char* folder = known_folder(set);
  if (!folder) {
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: its assets '%s' are not known here; give their folder with --assets %s=DIR",
                          task->path, set, set);
  }

  char home[LOOM_PATH_MAX], dir[LOOM_PATH_MAX + 32];
  loom_home_dir(home);
  snprintf(dir, sizeof dir, "%s/%s", home, folder);
  if (!loom_is_folder(dir)) {
    if (!fetch)
      return loom_error_set(
          err, LOOM_ERR_IO,
          "%s: its assets '%s' are not at %.400s; `tools/fetch.sh %s` fetches them, or give "
          "their folder as an asset root",
          task->path, set, dir, set);
    int code = fetch->run(fetch->user, set, err);
    if (code) return code;
  }
  return loom_asset_roots_add(roots, set, dir, err);
}

int loom_task_source(char out[LOOM_PATH_MAX], const loomTask* task, const loomAssetRoots* roots,
                     loomError* err) {
  const char* root = task->source_asset[0] ? find_root(roots, task->source_asset) : task->dir;
  if (!root) return loom_error_set(err, LOOM_ERR_USAGE, "no folder for the assets '%s'", task->source_asset);

  snprintf(out, LOOM_PATH_MAX, "%.*s/%.*s", 500, root, 500, task->source_file);
  if (loom_is_file(out)) return 0;
  return loom_error_set(err, LOOM_ERR_IO, "%s: the task's source demos are not there", out);
}
