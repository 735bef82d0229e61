#include "generators/twin/edit_list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "generators/twin/edit_work.h"

enum { MOST = 16 << 20 };

// What begins the line of an undone command, and the line of what the folder is.
static const char undone[] = "#~ ", state[] = "# the folder: ";

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a list of commands");
}

// ---- the folder's files

static void join(char out[LOOM_PATH_MAX], const char* folder, const char* name) {
  snprintf(out, LOOM_PATH_MAX, "%.*s/%s", LOOM_PATH_MAX - 128, folder, name);
}

// Both of a folder, and what the model is called there.
static int read_files(char name[LOOM_TWIN_NAME], char** scene, char** task, const char* folder,
                      loomError* err) {
  char path[LOOM_PATH_MAX];
  *scene = *task = NULL;
  if (!loom_is_folder(folder))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: no such folder; `demoloom twin new` makes one", folder);
  join(path, folder, "task.yaml");
  if (!loom_is_file(path))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: there is no task.yaml in it: it is no twin", folder);

  int code = loom_read_text(task, NULL, path, MOST, err);
  if (!code) code = loom_edit_scene_name(name, *task, folder, err);
  if (!code) join(path, folder, name);
  return code ? code : loom_read_text(scene, NULL, path, MOST, err);
}

static uint64_t hash_text(const char* text) {
  return loom_hash(LOOM_HASH_SEED, text, strlen(text));
}

static int hash_files(uint64_t out[2], const char* folder, loomError* err) {
  char name[LOOM_TWIN_NAME], *scene, *task;
  int code = read_files(name, &scene, &task, folder, err);

  if (!code) out[0] = hash_text(scene);
  if (!code) out[1] = hash_text(task);
  free(scene);
  free(task);
  return code;
}

static bool are_known(const loomTwinList* list, const uint64_t hash[2]) {
  return (hash[0] == list->scene[0] || hash[0] == list->scene[1]) &&
         (hash[1] == list->task[0] || hash[1] == list->task[1]);
}

// ---- read

static int append(loomTwinList* list, const char* command, loomError* err) {
  char **more = realloc(list->command, ((size_t)list->n + 1) * sizeof *more), *copy = strdup(command);

  if (more) list->command = more;
  if (!more || !copy) {
    free(copy);
    return no_memory(err);
  }
  list->command[list->n++] = copy;

  return 0;
}

// A line that goes on with the last command.
static int extend(loomTwinList* list, const char* line, loomError* err) {
  char** last = &list->command[list->n - 1];
  size_t before = strlen(*last);
  char* longer = realloc(*last, before + strlen(line) + 1);

  if (!longer) return no_memory(err);
  strcpy(longer + before, line);
  *last = longer;
  return 0;
}

// Five hashes; what is no number is 0, and known to nobody.
static void read_state(loomTwinList* list, const char* text) {
  uint64_t* const hash[] = {&list->scene[0], &list->task[0], &list->scene[1], &list->task[1], &list->done};
  char* end;

  for (int i = 0; i < 5; i++, text = end) *hash[i] = strtoull(text, &end, 16);
}

static int take_line(loomTwinList* list, const char* line, loomError* err) {
  bool is_undone = !strncmp(line, undone, sizeof undone - 1);
  if (!strncmp(line, state, sizeof state - 1)) read_state(list, line + sizeof state - 1);
  if (is_undone) line += sizeof undone - 1;

  int code = 0;
  if (*line == '-') {
    code = append(list, line, err);
    if (!code && !is_undone) list->at = list->n;
  } else if (list->n && (*line == ' ' || *line == '\n')) {
    code = extend(list, line, err);
  }
  return code;
}

static int read_list(loomTwinList* list, loomError* err) {
  char* text = NULL;
  int code = loom_read_text(&text, NULL, list->path, MOST, err);
  for (const char *at = text, *end; !code && *at; at = end) {
    char* line;
    end = at + strcspn(at, "\n");
    line = strndup(at, (size_t)(end - at) + 1);
    end += *end == '\n';
    code = line ? take_line(list, line, err) : no_memory(err);
    free(line);
  }
  free(text);

  return code;
}

static void forget(loomTwinList* list, int from) {
  for (int i = from; i < list->n; i++) free(list->command[i]);
  list->n = from;
  if (list->at > from) list->at = from;
}

int loom_twin_list_open(loomTwinList* out, const char* folder, bool* other, loomError* err) {
  uint64_t hash[2];
  *out = (loomTwinList){0};
  *other = false;
  snprintf(out->folder, sizeof out->folder, "%s", folder);
  join(out->base, folder, ".edit");
  join(out->path, folder, ".edit/commands.yaml");

  int code = hash_files(hash, folder, err);
  if (!code && loom_is_file(out->path)) code = read_list(out, err);
  if (code) {
    loom_twin_list_destroy(out);
    return code;
  }

  // Whatever else has changed it: that is what a new list begins from.
  out->begun = loom_is_file(out->path) && are_known(out, hash);
  *other = !out->begun && out->n;
  if (!out->begun) forget(out, 0);
  if (!out->begun) out->done = hash_text("");
  out->scene[0] = out->scene[1] = hash[0];
  out->task[0] = out->task[1] = hash[1];
  return 0;
}

void loom_twin_list_destroy(loomTwinList* list) {
  forget(list, 0);
  free(list->command);
  *list = (loomTwinList){0};
}

// ---- changed

int loom_twin_list_add(loomTwinList* list, const char* command, loomError* err) {
  forget(list, list->at);
  int code = append(list, command, err);
  if (!code) list->at = list->n;
  return code;
}

bool loom_twin_list_step(loomTwinList* list, int way) {
  int to = list->at + way;
  if (to < 0 || to > list->n) return false;
  list->at = to;
  return true;
}

void loom_twin_list_drop(loomTwinList* list) {
  if (list->at) forget(list, list->at - 1);
}

// ---- written

static void write_state(loomText* text, const loomTwinList* list) {
  char line[160];

  snprintf(line, sizeof line,
           "%s%016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n", state,
           list->scene[0], list->task[0], list->scene[1], list->task[1], list->done);
  loom_text_puts(
      text,
      "# What was done in the window of `demoloom twin edit`, from the model and the task beside this "
      "file on:\n# a script for `--script`. What is undone stands behind #~.\n");

  loom_text_puts(text, line);
}

// Each of its lines behind the mark.
static void write_undone(loomText* text, const char* command) {
  for (const char* at = command; *at;) {
    size_t n = strcspn(at, "\n");
    loom_text_puts(text, undone);
    loom_text_add(text, at, n);
    loom_text_puts(text, "\n");
    at += n + (at[n] == '\n');
  }
}

// The base is what the folder is before the first command is done to it.
static int keep_base(loomTwinList* list, loomError* err) {
  char name[LOOM_TWIN_NAME], path[LOOM_PATH_MAX], before[LOOM_PATH_MAX], *scene, *task;
  int code = read_files(name, &scene, &task, list->folder, err);
  if (!code) code = loom_make_folder(list->base, false, err);

  // What an earlier list has said is not thrown away.
  join(before, list->base, "before.yaml");
  if (!code && loom_is_file(list->path)) code = loom_file_move(list->path, before, err);

  join(path, list->base, "task.yaml");
  if (!code) code = loom_file_write_text(path, task, err);
  join(path, list->base, name);
  if (!code) code = loom_file_write_text(path, scene, err);
  list->begun = !code;
  free(scene);
  free(task);

  return code;
}

int loom_twin_list_save(loomTwinList* list, loomError* err) {
  loomText text = {0};
  int code = list->begun ? 0 : loom_twin_list_check(list, err);
  if (!code && !list->begun) code = keep_base(list, err);
  if (code) return code;
  write_state(&text, list);
  for (int i = 0; i < list->at; i++) loom_text_puts(&text, list->command[i]);
  for (int i = list->at; i < list->n; i++) write_undone(&text, list->command[i]);

  code = text.failed ? no_memory(err) : loom_file_write_text(list->path, text.s, err);
  loom_text_destroy(&text);
  return code;
}

// ---- done to the folder

int loom_twin_list_script(char** out, const loomTwinList* list, loomError* err) {
  loomText text = {0};
  // As many lines before the first as in the file.
  loom_text_puts(&text, list->at ? "#\n#\n#\n" : "");
  for (int i = 0; i < list->at; i++) loom_text_puts(&text, list->command[i]);
  *out = text.s ? text.s : strdup("");

  if (!text.failed && *out) return 0;
  loom_text_destroy(&text);
  return no_memory(err);
}

bool loom_twin_list_is_done(const loomTwinList* list, const char* script) {
  return list->done == hash_text(script);
}

int loom_twin_list_check(const loomTwinList* list, loomError* err) {
  uint64_t hash[2];
  int code = hash_files(hash, list->folder, err);

  if (code || are_known(list, hash)) return code;
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: something else has changed scene.xml or task.yaml meanwhile; open it anew: that "
                        "is what is edited then, and %s has what was done before",
                        list->folder, list->path);
}

int loom_twin_list_begin(loomTwinList* list, const loomTwinSeen* seen, loomError* err) {
  list->scene[1] = seen->scene_hash;
  list->task[1] = seen->task_hash;
  return loom_twin_list_save(list, err);
}

int loom_twin_list_end(loomTwinList* list, const char* script, loomError* err) {
  list->scene[0] = list->scene[1];
  list->task[0] = list->task[1];
  list->done = hash_text(script);
  return loom_twin_list_save(list, err);
}

static int begin_doing(void* user, const loomTwinSeen* seen, loomError* err) {
  return loom_twin_list_begin(user, seen, err);
}

int loom_twin_list_do(loomTwinEdited* out, loomTwinList* list, const loomTwinEditDef* def, loomError* err) {
  loomTwinEditDef all = *def;
  char* script = NULL;
  *out = (loomTwinEdited){0};
  int code = loom_twin_list_check(list, err);
  if (!code) code = loom_twin_list_save(list, err);
  if (!code) code = loom_twin_list_script(&script, list, err);

  all.folder = list->folder;
  all.script = list->path;
  all.text = script;
  all.base = list->base;
  all.seen = begin_doing;
  all.user = list;
  all.step = NULL;
  if (!code) code = loom_twin_edit(out, &all, err);
  if (!code) code = loom_twin_list_end(list, script, err);
  free(script);
  return code;
}
