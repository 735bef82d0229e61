#include "generators/twin/edit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/aside.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "engine/base/yaml.h"
#include "engine/model/mjcf.h"
#include "engine/scene/library.h"
#include "engine/scene/scene.h"
#include "generators/twin/edit_work.h"

loomTwinEditDef loom_default_twin_edit_def(void) {
  loomTwinDef like = loom_default_twin_def();
  return (loomTwinEditDef){.pieces = like.pieces, .crumbs = like.crumbs, .threshold = like.threshold};
}

void loom_twin_edited_destroy(loomTwinEdited* edited) {
  loom_names_destroy(&edited->notes);
  loom_names_destroy(&edited->warnings);
  *edited = (loomTwinEdited){0};
}

// ---- read

enum { MOST_TEXT = 16 << 20 };

// Blanks between elements go, so that what is written has its own.
static void drop_blanks(xmlNode* node) {
  for (xmlNode *c = node->children, *next; c; c = next) {
    next = c->next;
    if (c->type == XML_TEXT_NODE && xmlIsBlankNode(c)) {
      xmlUnlinkNode(c);
      xmlFreeNode(c);
    } else if (c->type == XML_ELEMENT_NODE) {
      drop_blanks(c);
    }
  }
}

static int read_dirs(loomEdit* e, loomError* err) {
  char *mesh = NULL, *texture = NULL;
  loom_mjcf_dirs(&mesh, &texture, e->doc);
  bool fits = !mesh || (strlen(mesh) < sizeof e->mesh_dir && *mesh != '/' && !strstr(mesh, ".."));
  snprintf(e->mesh_dir, sizeof e->mesh_dir, "%s", mesh && fits ? mesh : "");
  xmlFree(mesh);
  xmlFree(texture);
  return fits ? 0
              : loom_error_set(err, LOOM_ERR_USAGE, "%s: its meshes are not in the folder: it is no twin",
                               e->def->folder);
}

// Where a model keeps the number of the edit that it is of; NULL: nowhere yet.
static xmlNode* edits_node(const xmlDoc* doc) {
  xmlNode* custom = loom_mjcf_child(xmlDocGetRootElement(doc), "custom");
  xmlNode* n = custom ? loom_mjcf_child(custom, "numeric") : NULL;
  while (n && !loom_mjcf_has(n, "name", "twin_edits")) n = loom_mjcf_sibling(n, "numeric");
  return n;
}

static int edits_of(const xmlDoc* doc) {
  xmlNode* n = edits_node(doc);
  char* data = n ? loom_mjcf_get(n, "data") : NULL;
  long before = data ? strtol(data, NULL, 10) : 0;
  xmlFree(data);
  return before >= 0 && before < 100000 ? (int)before : 0;
}

// The number of this edit, which is part of the names of the files that it makes: beyond those of what it
// begins from and of what is in the folder now (NULL: the same).
static int count_edit(loomEdit* e, const xmlDoc* now, loomError* err) {
  xmlNode *root = xmlDocGetRootElement(e->doc), *custom = loom_mjcf_child(root, "custom");
  xmlNode* n = edits_node(e->doc);
  e->before = edits_of(e->doc);
  if (!custom) custom = xmlNewChild(root, NULL, (const xmlChar*)"custom", NULL);
  if (custom && !n) n = xmlNewChild(custom, NULL, (const xmlChar*)"numeric", NULL);

  int there = now ? edits_of(now) : 0;
  e->revision = (there > e->before ? there : e->before) + 1;
  double number = e->revision;
  if (!n || loom_mjcf_set(n, "name", "twin_edits") || loom_edit_set_numbers(n, "data", &number, 1))
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");

  return 0;
}

int loom_edit_scene_name(char out[LOOM_TWIN_NAME], const char* task, const char* folder, loomError* err) {
  loomYaml* y = NULL;
  int code = loom_yaml_parse(&y, task, strlen(task), "task.yaml", err);
  if (code) return code;
  const char* file =
      loom_yaml_text(y, loom_yaml_get(y, loom_yaml_get(y, loom_yaml_root(y), "model"), "file"));
  if (!file || strchr(file, '/') || strlen(file) >= LOOM_TWIN_NAME)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: its task names no model in the folder: it is no twin",
                          folder);
  else
    snprintf(out, LOOM_TWIN_NAME, "%s", file);
  loom_yaml_destroy(y);

  return code;
}

static int read_model(xmlDoc** out, char** text, const char* path, loomError* err) {
  int code = loom_read_text(text, NULL, path, MOST_TEXT, err);
  return code ? code : loom_mjcf_parse(out, *text, MOST_TEXT, path, err);
}

// What it begins from, and where that goes.
static int open_twin(loomEdit* e, char scene_path[LOOM_PATH_MAX + 128], char task_path[LOOM_PATH_MAX + 128],
                     loomError* err) {
  char name[LOOM_TWIN_NAME], from[LOOM_PATH_MAX + 128], *text = NULL;
  const char* base = e->def->base ? e->def->base : e->def->folder;
  xmlDoc* now = NULL;
  if (!loom_is_folder(e->def->folder))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: no such folder; `demoloom twin new` makes one",
                          e->def->folder);
  loom_edit_path(task_path, e, "", "task.yaml");
  snprintf(from, sizeof from, "%.1000s/task.yaml", base);
  int code = loom_read_text(&e->task, NULL, from, MOST_TEXT, err);
  if (!code) code = loom_edit_scene_name(name, e->task, e->def->folder, err);
  if (code) return code;

  loom_edit_path(scene_path, e, "", name);
  snprintf(from, sizeof from, "%.1000s/%.64s", base, name);
  code = read_model(&e->doc, &e->began, from, err);
  if (!code && e->def->base) code = read_model(&now, &text, scene_path, err);
  free(text);
  if (code) return code;

  drop_blanks(xmlDocGetRootElement(e->doc));
  code = read_dirs(e, err);
  if (!code) code = count_edit(e, now, err);
  xmlFreeDoc(now);
  return code;
}

// ---- done

static int run_script(loomEdit* e, const loomEditScript* script, loomError* err) {
  int code = 0;
  for (int i = 0; !code && i < script->n; i++) {
    const loomEditCommand* c = &script->command[i];
    if (e->def->step && e->def->step(e->def->user, loom_edit_kind_name(c->kind), 0))
      return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; nothing was written");
    code = loom_edit_do(e, c, err);
    if (code)
      code = loom_error_prefix(err, code, "%s:%d: %s", e->def->script, c->line, loom_edit_kind_name(c->kind));
    else
      e->out->commands++;
  }

  return code;
}

// ---- written

static int write_scene(loomFile* file, loomEdit* e, loomError* err) {
  xmlChar* text = NULL;
  int n = 0;
  xmlDocDumpFormatMemory(e->doc, &text, &n, 1);
  if (!text) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");

  // Without the line that says it is XML: MJCF of this project has none.
  const char *at = (const char*)text, *root = strncmp(at, "<?xml", 5) ? at : strchr(at, '\n') + 1;
  size_t length = (size_t)n - (size_t)(root - at);
  fwrite(root, 1, length, file->stream);
  fflush(file->stream);
  e->scene_hash = loom_hash(LOOM_HASH_SEED, root, length);
  xmlFree(text);

  return 0;
}

// A line of the task that the script has filled in is told as the script's.
static int name_line(const loomEdit* e, const char* path, int code, loomError* err) {
  size_t n = strlen(path);
  char *said = err ? strstr(err->message, path) : NULL, *end = NULL;
  long line = said && said[n] == ':' ? strtol(said + n + 1, &end, 10) : 0;
  int source = line > 0 && line < MOST_TEXT ? loom_edit_task_source(e, (int)line) : 0;

  if (source && *end == ':') {
    char why[sizeof err->message];
    snprintf(why, sizeof why, "%s", end + 1 + (end[1] == ' '));
    return loom_error_set(err, code, "%s:%d: %s", e->def->script, source, why);
  }
  return loom_error_prefix(err, code, "%s: what it makes is no task", e->def->script);
}

// The folder as it will be: its task with the model that lies beside it.
static int try_task(const loomEdit* e, const loomFile* scene, const loomFile* task, loomError* err) {
  loomAssetRoots roots = {0};
  loomTask* t = NULL;
  loomScene* s = NULL;
  int code = loom_task_find(&t, task->temporary, err);
  if (!code) {
    const char* slash = strrchr(scene->temporary, '/');
    snprintf(t->model_file, sizeof t->model_file, "%s", slash ? slash + 1 : scene->temporary);
    code = loom_asset_roots_copy(&roots, e->def->roots, err);
  }
  if (!code) code = loom_task_assets(&roots, t, NULL, err);
  if (!code) code = loom_scene_of_task(&s, t, &roots, err);
  if (code) code = name_line(e, task->temporary, code, err);
  if (!code && e->def->seen) {
    loomTwinSeen seen = {t, s, e->out->draft, e->scene_hash,
                         loom_hash(LOOM_HASH_SEED, e->task, strlen(e->task))};
    code = e->def->seen(e->def->user, &seen, err);
  }
  loom_scene_destroy(s);
  loom_task_destroy(t);
  loom_asset_roots_destroy(&roots);

  return code;
}

static void remove_files(const loomEdit* e, const loomNames* files, const loomNames* but) {
  char path[LOOM_PATH_MAX + 128];
  for (int i = 0; i < files->n; i++) {
    if (strchr(files->name[i], '/') || (but && loom_names_has(but, files->name[i]))) continue;
    loom_edit_path(path, e, e->mesh_dir, files->name[i]);
    unlink(path);
  }
}

// Of edits that began from the same, and of those that did not come to their end, nothing is needed; meshes
// that this one has made, and those of what it began from, stay.
static void remove_other_edits(const loomEdit* e) {
  char path[LOOM_PATH_MAX + 128];
  loom_edit_path(path, e, e->mesh_dir, "");
  DIR* d = opendir(path);

  for (const struct dirent* f; d && (f = readdir(d));) {
    // NAME_eNUMBER_look0.obj, NAME_eNUMBER_solid0.obj, NAME_eNUMBER_0.obj
    const char *name = f->d_name, *mark = NULL;
    for (const char* at = name; (at = strstr(at, "_e")); at += 2) mark = at;
    if (!mark) continue;
    char* end;
    long number = strtol(mark + 2, &end, 10);
    if (number <= e->before || *end != '_' || !loom_ends_with(name, ".obj")) continue;
    if (loom_names_has(&e->made, name) || strstr(e->began, name)) continue;
    loom_edit_path(path, e, e->mesh_dir, name);
    unlink(path);
  }
  if (d) closedir(d);
}

// New meshes have names of their own, so the folder is what it was until the model and then the task are
// put in place: also between the two it is a task, of the new model with the old starts.
static int write_all(loomEdit* e, const char* scene_path, const char* task_path, loomError* err) {
  loomFile scene = {0}, task = {0};
  int code = loom_file_begin(&scene, scene_path, err);
  if (code) return code;
  code = loom_file_begin(&task, task_path, err);
  if (!code) code = loom_edit_write_bodies(e, err);
  if (!code) code = write_scene(&scene, e, err);
  if (!code) {
    fputs(e->task, task.stream);
    fflush(task.stream);
    code = try_task(e, &scene, &task, err);
  }

  if (code || e->out->draft) {
    loom_file_abort(&scene);
    loom_file_abort(&task);
    remove_files(e, &e->made, NULL);
    return code;
  }
  code = loom_file_commit(&scene, err);
  if (code) {
    loom_file_abort(&task);
    remove_files(e, &e->made, NULL);
    return code;
  }
  code = loom_file_commit(&task, err);
  if (!code && e->def->base) remove_other_edits(e);
  if (!code && !e->def->base) remove_files(e, &e->old, &e->made);

  return code;
}

// ---- all of it

static void free_edit(loomEdit* e) {
  for (int i = 0; i < e->nbody; i++) loom_edit_body_destroy(&e->body[i]);
  xmlFreeDoc(e->doc);
  free(e->task);
  free(e->began);
  loom_names_destroy(&e->made);
  loom_names_destroy(&e->old);
  loom_names_destroy(&e->twin.warnings);
  if (e->work) loom_twin_part_destroy(&e->work->part[0]);
  free(e->work);
  free(e);
}

int loom_twin_edit(loomTwinEdited* out, const loomTwinEditDef* def, loomError* err) {
  char scene_path[LOOM_PATH_MAX + 128], task_path[LOOM_PATH_MAX + 128];
  loomEditScript script = {0};
  loomEdit* e = calloc(1, sizeof *e);
  *out = (loomTwinEdited){0};
  if (e) e->work = calloc(1, sizeof *e->work);
  if (!e || !e->work) {
    free(e);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a twin");
  }
  e->def = def;
  e->out = out;
  e->twin_def = loom_default_twin_def();
  e->twin_def.pieces = def->pieces;
  e->twin_def.crumbs = def->crumbs;
  e->twin_def.threshold = def->threshold;
  e->twin_def.coacd = def->coacd;
  e->twin_def.step = def->step;
  e->twin_def.user = def->user;
  e->work->def = &e->twin_def;
  e->work->out = &e->twin;
  e->work->kept = def->draft;

  int code = loom_edit_script_read(&script, def->script, def->text, err);
  if (!code) code = open_twin(e, scene_path, task_path, err);
  if (!code) code = run_script(e, &script, err);
  if (!code) code = write_all(e, scene_path, task_path, err);
  if (!code && loom_aside_unconfined())
    code = loom_edit_note(
        e, err,
        "this system refuses filters of system calls (seccomp): meshes were read within limits of "
        "time and memory, but for the rest as this user may");

  loom_edit_script_destroy(&script);
  free_edit(e);
  if (code) loom_twin_edited_destroy(out);
  return code;
}
