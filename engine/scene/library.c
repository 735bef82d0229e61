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
#include "engine/base/text.h"
#include "engine/base/yaml.h"
#include "engine/model/own_model.h"

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

int loom_scene_variants(loomName* names, int max, const char* scene) {
  char dir[LOOM_PATH_MAX], folder[2 * LOOM_PATH_MAX], path[3 * LOOM_PATH_MAX];
  if (loom_scenes_dir(dir, NULL)) return 0;
  snprintf(folder, sizeof folder, "%s/%.500s", dir, scene);
  DIR* d = opendir(folder);
  int n = 0;

  // Settings and other YAML lie there too: a variant is like another task.
  for (struct dirent* entry; d && n < max && (entry = readdir(d));) {
    size_t length = strlen(entry->d_name);
    loomYaml* y = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (!loom_ends_with(entry->d_name, ".yaml") || strlen(scene) + length - 4 > sizeof *names) continue;
    if (!loom_yaml_load(&y, NULL, path, NULL) && loom_yaml_get(y, loom_yaml_root(y), "like"))
      snprintf(names[n++], sizeof *names, "%s/%.*s", scene, (int)length - 5, entry->d_name);
    loom_yaml_destroy(y);
  }
  if (d) closedir(d);

  qsort(names, (size_t)n, sizeof *names, compare_names);
  return n;
}

// "coffee", or one of its variants, "coffee/pandas".
static void scene_path(char path[2 * LOOM_PATH_MAX], const char* dir, const char* name) {
  snprintf(path, 2 * LOOM_PATH_MAX, "%s/%.500s%s", dir, name, strchr(name, '/') ? ".yaml" : "/task.yaml");
}

static int load_scene(loomTask** out, const char* dir, const char* name, loomError* err) {
  char robots[LOOM_PATH_MAX + 16], path[2 * LOOM_PATH_MAX];
  snprintf(robots, sizeof robots, "%s/robots", dir);
  scene_path(path, dir, name);
  return loom_task_load(out, path, robots, err);
}

// ---- scenes by what their task files say

typedef struct sceneSearch {
  loomTask* task;    // the first that was found
  int n;             // of those found,
  char found[200];   // whose folders are these
  char unread[400];  // why the first scene that could not be read was not
} sceneSearch;

// A task without an env_name writes its own name to datasets.
static bool is_called(const loomTask* task, const char* name, bool by_env) {
  return !strcmp(by_env && task->env_name[0] ? task->env_name : task->name, name);
}

static void try_scene(sceneSearch* s, const char* dir, const char* folder, const char* name, bool by_env) {
  loomError why = {0, ""};
  loomTask* task = NULL;

  if (load_scene(&task, dir, folder, &why)) {
    if (!s->unread[0]) snprintf(s->unread, sizeof s->unread, "%.390s", why.message);
    return;
  }

  // Of several only the first one is kept, and all are told.
  if (is_called(task, name, by_env)) {
    size_t used = strlen(s->found);
    snprintf(s->found + used, sizeof s->found - used, "%s%s", s->n++ ? ", " : "", folder);
    if (s->n == 1) {
      s->task = task;
      return;
    }
  }
  loom_task_destroy(task);
}

// The scene whose folder has that name comes first: a copy of it under another name does not hide it.
static void search_scenes(sceneSearch* s, const char* name, bool by_env) {
  char dir[LOOM_PATH_MAX];
  *s = (sceneSearch){0};
  if (!*name || loom_scenes_dir(dir, NULL)) return;

  loomName* names = calloc(LOOM_SCENES_MAX, sizeof *names);
  int n = names ? loom_scene_names(names, LOOM_SCENES_MAX) : 0;
  for (int i = 0; i < n; i++)
    if (!strcmp(names[i], name)) try_scene(s, dir, names[i], name, by_env);

  bool known = s->n > 0;
  for (int i = 0; !known && i < n; i++) try_scene(s, dir, names[i], name, by_env);

  // Variants come last.
  for (int i = 0; !known && !s->n && i < n; i++) {
    loomName variant[LOOM_VARIANTS_MAX];
    int count = loom_scene_variants(variant, LOOM_VARIANTS_MAX, names[i]);
    for (int k = 0; k < count; k++) try_scene(s, dir, variant[k], name, by_env);
  }
  free(names);
}

// The one that was found, if it is the only one.
static bool take_found(loomTask** out, sceneSearch* s) {
  *out = s->n == 1 ? s->task : NULL;
  if (s->n != 1) loom_task_destroy(s->task);
  return *out;
}

int loom_task_find(loomTask** out, const char* name, loomError* err) {
  char dir[LOOM_PATH_MAX], robots[LOOM_PATH_MAX + 16], path[2 * LOOM_PATH_MAX];
  sceneSearch s = {0};
  *out = NULL;
  int code = loom_scenes_dir(dir, err);
  if (code) return code;

  // A bare name is a scene's before it is a file's.
  snprintf(path, sizeof path, "%s/%.500s/task.yaml", dir, name);
  if (!strchr(name, '/') && loom_is_file(path)) return load_scene(out, dir, name, err);

  snprintf(robots, sizeof robots, "%s/robots", dir);
  snprintf(path, sizeof path, "%.900s%s", name, loom_is_folder(name) ? "/task.yaml" : "");
  if (loom_is_file(path)) return loom_task_load(out, path, robots, err);

  // A variant of a scene: "coffee/pandas".
  scene_path(path, dir, name);
  if (strchr(name, '/') && loom_is_file(path)) return loom_task_load(out, path, robots, err);

  // A policy knows its task by what the task file says.
  if (!strchr(name, '/')) search_scenes(&s, name, false);
  if (take_found(out, &s)) return 0;
  if (s.n)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "the scenes %s are all called '%.200s'; name one by its folder", s.found, name);
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "no scene '%.200s'; `demoloom scenes` lists them, or give the path of a task.yaml",
                        name);
}

// ---- datasets

static int read_env_name(loomName out, const loomDataset* dataset, loomError* err) {
  char* text = NULL;
  out[0] = 0;
  if (!loom_dataset_has_env_args(dataset))
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: has no env_args, so nothing says which task its demos are of; name it with --task",
        loom_dataset_path(dataset));
  int code = loom_dataset_env_args(&text, dataset, err);
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
  loomName env;
  sceneSearch s;
  *out = NULL;
  int code = read_env_name(env, dataset, err);
  if (code) return code;

  search_scenes(&s, env, true);
  if (take_found(out, &s)) return 0;
  if (s.n)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%.500s: the scenes %s are all made for its environment '%s'; name one with --task",
                          loom_dataset_path(dataset), s.found, env);

  // What could not be read may be the one that is looked for.
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%.500s: no scene is made for its environment '%s'; name one with --task%s%s%s",
                        loom_dataset_path(dataset), env, s.unread[0] ? " (a scene could not be read: " : "",
                        s.unread, s.unread[0] ? ")" : "");
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
                                         {"robosuite15", "robosuite-1.5.2"},
                                         {"gymnasium", "gymnasium-1.4.0"},
                                         {"gym_aloha", "gym_aloha-0.1.5"},
                                         {"coacd", "coacd-1.0.14"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (!strcmp(set, known[i][0])) return known[i][1];
  }
  return NULL;
}

int loom_known_assets(loomAssetRoots* roots, const char* set, const char* label, const loomFetch* fetch,
                      loomError* err) {
  if (!*set || find_root(roots, set)) return 0;
  const char* folder = known_folder(set);
  if (!folder) {
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: its assets '%s' are not known here; give their folder with --assets %s=DIR",
                          label, set, set);
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
          label, set, dir, set);
    int code = fetch->run(fetch->user, set, err);
    if (code) return code;
  }
  return loom_asset_roots_add(roots, set, dir, err);
}

// Those of its source demos, of its own model, or of the robots that are put into it.
static int add_known_assets(loomAssetRoots* roots, const loomTask* task, const loomFetch* fetch,
                            loomError* err) {
  int code = loom_known_assets(roots, task->source_asset, task->path, fetch, err);
  if (!code) code = loom_known_assets(roots, task->model_asset, task->path, fetch, err);
  for (int a = 0; !code && task->placed && a < task->arm_count; a++)
    code = loom_known_assets(roots, task->robots[a].asset, task->path, fetch, err);
  return code;
}

// A root that is looked in before those that are there, unless it is one of them.
static int add_first(loomAssetRoots* roots, const char* name, const char* dir, loomError* err) {
  char* real = realpath(dir, NULL);
  bool there = !real;
  for (int i = 0; real && i < roots->n; i++) there = there || !strcmp(roots->root[i].path, real);
  free(real);
  if (there) return 0;

  int code = loom_asset_roots_add(roots, name, dir, err);
  if (code) return code;

  loomAssetRoot last = roots->root[roots->n - 1];
  memmove(roots->root + 1, roots->root, (size_t)(roots->n - 1) * sizeof *roots->root);
  roots->root[0] = last;
  return 0;
}

// What lies beside a task that has a model of its own: the model's files, and its robots'.
static int add_own_assets(loomAssetRoots* roots, const loomTask* task, loomError* err) {
  loomAssetRoots outside = {0};
  char robots[LOOM_PATH_MAX + 16], *xml = NULL;
  if (!task->model_file[0]) return 0;

  // Folders outside of the task's that its model names, and then those of the task, which come before them.
  int code = loom_own_model_read(&xml, task->dir, task->model_file, roots, &outside, err);
  for (int i = 0; !code && i < outside.n; i++)
    code = add_first(roots, outside.root[i].name, outside.root[i].path, err);

  // Robots beside the task's folder, but not those that all scenes share.
  char scenes[LOOM_PATH_MAX], shared[LOOM_PATH_MAX + 16];
  snprintf(robots, sizeof robots, "%.900s/../robots", task->dir);
  if (loom_scenes_dir(scenes, NULL)) scenes[0] = 0;
  snprintf(shared, sizeof shared, "%s/robots", scenes);
  if (!code && loom_is_folder(robots) && !loom_same_file(robots, shared))
    code = add_first(roots, "robots-beside", robots, err);

  snprintf(robots, sizeof robots, "%s/robots", task->dir);
  if (!code && loom_is_folder(robots)) code = add_first(roots, "task-robots", robots, err);
  if (!code) code = add_first(roots, "task-folder", task->dir, err);

  loom_asset_roots_destroy(&outside);
  free(xml);
  return code;
}

int loom_task_assets(loomAssetRoots* roots, const loomTask* task, const loomFetch* fetch, loomError* err) {
  int code = add_known_assets(roots, task, fetch, err);
  return code ? code : add_own_assets(roots, task, err);
}

static int own_source(char out[LOOM_PATH_MAX], const loomTask* task, const char* key, const char* root,
                      const char* file, const loomAssetRoots* roots, loomError* err) {
  snprintf(out, LOOM_PATH_MAX, "%.*s/%.*s", 500, root, 500, file);
  if (!loom_is_file(out))
    return loom_error_set(err, LOOM_ERR_IO, "%s: the task's source demos are not there", out);

  int code = loom_own_file_check(root, file, roots, err);
  return code ? loom_error_prefix(err, code, "%s: `source: %s`", task->path, key) : 0;
}

int loom_task_source(char out[LOOM_PATH_MAX], const loomTask* task, const loomAssetRoots* roots,
                     loomError* err) {
  // A task need not have any: its demos may be those that a user records.
  if (!task->source_file[0])
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: the task names no source demos (`source:` with a `file:`); name a file of its "
                          "demos on the command line, or record some with `demoloom record` or `teleop`",
                          task->path);

  const char* root = task->source_asset[0] ? find_root(roots, task->source_asset) : task->dir;
  if (!root) return loom_error_set(err, LOOM_ERR_USAGE, "no folder for the assets '%s'", task->source_asset);
  return own_source(out, task, "file", root, task->source_file, roots, err);
}

int loom_task_cleaned_source(char out[LOOM_PATH_MAX], const loomTask* task, const loomAssetRoots* roots,
                             loomError* err) {
  if (!task->source_cleaned[0])
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s: the task names no cleaned source demos; `demoloom segment --clean -o FILE` makes "
        "some, and --source FILE or `source: cleaned: FILE` uses them",
        task->path);
  return own_source(out, task, "cleaned", task->dir, task->source_cleaned, roots, err);
}
