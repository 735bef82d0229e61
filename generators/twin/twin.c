#include "generators/twin/twin.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/aside.h"
#include "engine/base/run_folder.h"
#include "generators/twin/twin_part.h"

loomTwinDef loom_default_twin_def(void) {
  return (loomTwinDef){.scale = 1,
                       .density = 400,
                       .look = 20000,
                       .solid = 3000,
                       .pieces = 32,
                       .crumbs = 0.002,
                       .threshold = 0.05};
}

// ---- names

static const char* base_of(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

// A file's name without its end, in small letters, digits and underscores.
static void plain_name(char out[LOOM_TWIN_NAME], const char* path) {
  const char *base = base_of(path), *dot = strrchr(base, '.');
  size_t n = 0, length = dot ? (size_t)(dot - base) : strlen(base);
  if (!length || !isalpha((unsigned char)*base)) out[n++] = 'o';

  for (size_t i = 0; i < length && n < 40; i++) {
    unsigned char c = (unsigned char)base[i];
    out[n++] = (char)(c < 128 && isalnum(c) ? tolower(c) : '_');
  }
  out[n] = 0;
}

static bool name_taken(const loomTwinWork* work, int n, const char* name) {
  static const char* const own[] = {"world", "table", "floor", "surface", "room", "sky", "robot0", "robot1"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (!strcmp(name, own[i])) return true;
  for (int i = 0; i < n; i++)
    if (!strcmp(name, work->part[i].told.name)) return true;

  return false;
}

// Of part i; of two scans that are called the same, the second is "mug_2".
static void name_part(loomTwinWork* work, int i, const char* path) {
  loomTwinScan* told = &work->part[i].told;
  char plain[LOOM_TWIN_NAME];
  plain_name(plain, path);
  snprintf(told->name, sizeof told->name, "%.40s", told->scene ? "room" : plain);
  for (int k = 2; !told->scene && name_taken(work, i, told->name); k++)
    snprintf(told->name, sizeof told->name, "%.40s_%d", plain, k);
  snprintf(told->file, sizeof told->file, "%.250s", base_of(path));
}

// The folder's own name, wherever one stands.
static void name_task(loomTwin* out, const char* folder) {
  char* real = realpath(folder, NULL);
  plain_name(out->task, base_of(real ? real : folder));
  free(real);
}

// ---- asked for rightly?

// Each is NAME=NUMBER of an object, from least to most.
static int check_numbers(const loomTwinWork* work, const char* const* list, int n, const char* what,
                         double least, double most, loomError* err) {
  for (int i = 0; i < n; i++) {
    const char* equals = strchr(list[i], '=');
    char* end = NULL;
    double number = equals ? strtod(equals + 1, &end) : 0;
    bool known = false;

    for (int p = 0; equals && p < work->out->n; p++) {
      const char* name = work->part[p].told.name;
      known = known || (strlen(name) == (size_t)(equals - list[i]) && !strncmp(name, list[i], strlen(name)) &&
                        !work->part[p].told.scene);
    }

    if (!equals || *end || !(number >= least && number <= most))
      return loom_error_set(err, LOOM_ERR_USAGE, "--%s takes NAME=NUMBER, from %g to %g, not '%.100s'", what,
                            least, most, list[i]);
    if (!known)
      return loom_error_set(err, LOOM_ERR_USAGE,
                            "--%s %.100s: no object is called so; they are called as their files", what,
                            list[i]);
  }
  return 0;
}

static int check_def(const loomTwinDef* def, loomError* err) {
  if (!def->scene && !def->nobject)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "a twin is made of a scan: give --scene FILE, --object FILE or both");
  if (def->nobject > LOOM_TWIN_OBJECTS)
    return loom_error_set(err, LOOM_ERR_USAGE, "%d objects are more than %d", def->nobject,
                          LOOM_TWIN_OBJECTS);

  return 0;
}

// ---- all of it

static const char* path_of(const loomTwinDef* def, int i) {
  return def->scene && !i ? def->scene : def->object[def->scene ? i - 1 : i];
}

static loomRunFolderDef folder_def(const loomTwinDef* def, const char* const* inputs, int n) {
  static const char *const own[] = {"task.yaml", "scene.xml", NULL},
                           *const folders[] = {"meshes", "textures", NULL},
                           *const inner[] = {"*.obj", "*.png", NULL};

  return (loomRunFolderDef){.path = def->folder,
                            .parents = true,
                            .mode = def->overwrite ? LOOM_FOLDER_OVERWRITE : LOOM_FOLDER_NEW,
                            .mark = "task.yaml",
                            .own = own,
                            .folders = folders,
                            .inner = inner,
                            .ninput = n,
                            .input = inputs,
                            .alternative = "take another folder"};
}

static int make_parts(loomTwinWork* work, loomError* err) {
  int code = 0;
  for (int i = 0; i < work->out->n; i++) {
    work->part[i].told.scene = work->def->scene && !i;
    name_part(work, i, path_of(work->def, i));
  }

  const loomTwinDef* def = work->def;
  code = check_numbers(work, def->mass, def->nmass, "mass", 1e-6, 1e4, err);
  if (!code) code = check_numbers(work, def->part, def->npart, "part", 1, 1000, err);
  for (int i = 0; !code && i < work->out->n; i++) code = loom_twin_part(work, i, path_of(work->def, i), err);

  return code;
}

int loom_twin_new(loomTwin* out, const loomTwinDef* def, loomError* err) {
  const char* inputs[LOOM_TWIN_OBJECTS + 1];
  loomTwinWork* work = calloc(1, sizeof *work);
  *out = (loomTwin){0};
  if (!work) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a twin");
  work->def = def;
  work->out = out;

  int code = check_def(def, err);
  out->n = code ? 0 : def->nobject + (def->scene != NULL);
  for (int i = 0; i < out->n; i++) inputs[i] = path_of(def, i);
  loomRunFolderDef place = folder_def(def, inputs, out->n);
  if (!code) code = loom_run_folder_check(&place, err);
  if (!code) code = make_parts(work, err);

  if (!code && loom_aside_unconfined())
    code = loom_twin_warn(
        work, err,
        "this system refuses filters of system calls (seccomp): scans were read within limits of time "
        "and memory, but for the rest as this user may");

  // Only now is anything written.
  loomRunFolder folder = {0};
  loomTwinLayout layout;
  if (!code) code = loom_run_folder_open(&folder, &place, err);
  if (!code) {
    name_task(out, def->folder);
    loom_twin_place(&layout, work);
    code = loom_twin_write(def->folder, work, &layout, err);
    loom_run_folder_close(&folder);
  }

  for (int i = 0; i < LOOM_TWIN_OBJECTS + 1; i++) loom_twin_part_destroy(&work->part[i]);
  free(work);
  if (code) loom_twin_destroy(out);

  return code;
}

void loom_twin_destroy(loomTwin* twin) {
  loom_names_destroy(&twin->warnings);
  *twin = (loomTwin){0};
}
