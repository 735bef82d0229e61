// demoloom weave: a stage is a command line of this program, run in a child of its own.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "tools/command/weave.h"
#include "tools/shared/child.h"

// ---- command lines

void weave_word(weaveLine* line, const char* word) {
  if (line->argc < WEAVE_WORDS) line->argv[line->argc++] = strdup(word);
}

void weave_option(weaveLine* line, const char* option, const char* value) {
  if (!value) return;
  weave_word(line, option);
  weave_word(line, value);
}

void weave_number(weaveLine* line, const char* option, int64_t value) {
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)value);
  weave_option(line, option, text);
}

static void path_of(char out[WEAVE_PATH], const weaveRun* run, const char* name, const char* end) {
  snprintf(out, WEAVE_PATH, "%.*s/%.60s%s", LOOM_PATH_MAX - 1, run->args->folder, name, end);
}

void weave_file(weaveLine* line, const char* option, const weaveRun* run, const char* name) {
  char path[WEAVE_PATH];
  path_of(path, run, name, "");
  if (option) weave_word(line, option);
  weave_word(line, path);
}

static bool is_whole(const weaveLine* line) {
  for (int i = 0; i < line->argc; i++)
    if (!line->argv[i]) return false;
  return line->argc < WEAVE_WORDS;
}

static void print_line(FILE* out, const weaveLine* line) {
  fputs("demoloom", out);
  for (int i = 0; i < line->argc; i++) fprintf(out, " %s", line->argv[i]);
}

void weave_line_free(weaveLine* line) {
  for (int i = 0; i < line->argc; i++) free(line->argv[i]);
  *line = (weaveLine){0};
}

// ---- stages that are done

const weaveStage* weave_find(const weaveRun* run, const char* name) {
  for (int i = 0; i < run->n; i++)
    if (!strcmp(run->stage[i].name, name)) return &run->stage[i];
  return NULL;
}

double weave_value(const weaveRun* run, const char* name, const char* key) {
  const weaveStage* stage = weave_find(run, name);
  const cJSON* at = stage ? stage->result : NULL;
  char part[64];
  for (const char* from = key; at && *from;) {
    size_t n = strcspn(from, ".");
    snprintf(part, sizeof part, "%.*s", (int)n, from);
    at = cJSON_GetObjectItem(at, part);
    from += n + (from[n] == '.');
  }
  return at && cJSON_IsNumber(at) ? at->valuedouble : 0;
}

int weave_kept_sources(loomName out[WEAVE_SOURCES], const weaveRun* run, const char* name) {
  const weaveStage* stage = weave_find(run, name);
  const cJSON *screening = cJSON_GetObjectItem(stage ? stage->result : NULL, "screening"), *kept;
  int n = 0;
  cJSON_ArrayForEach(kept, cJSON_GetObjectItem(screening, "kept")) {
    if (n == WEAVE_SOURCES || !cJSON_IsString(kept)) continue;
    snprintf(out[n], sizeof *out, "%.*s", LOOM_NAME_MAX - 1, kept->valuestring);

    // A demo and its mirror image go by the demo's name.
    char* end = strstr(out[n], " mirrored");
    if (end) *end = 0;
    bool there = false;
    for (int i = 0; i < n; i++) there = there || !strcmp(out[i], out[n]);
    n += !there;
  }
  return n;
}

double weave_seconds(const weaveRun* run) {
  double sum = 0;
  for (int i = 0; i < run->n; i++) sum += run->stage[i].seconds;
  return sum;
}

// The last line's where there are several, as of a training's epochs.
static cJSON* read_result(const char* text) {
  cJSON* whole = loom_json_read(text);
  const char* end = text + strlen(text);
  while (end > text && end[-1] == '\n') end--;
  const char* last = end;
  while (last > text && last[-1] != '\n') last--;

  cJSON* line = last > text ? loom_json_read(last) : NULL;
  if (!line) return whole;
  cJSON_Delete(whole);
  return line;
}

static int add_stage(weaveRun* run, const char* name, const cJSON* kept, loomError* err) {
  if (run->n == WEAVE_STAGES) return loom_error_set(err, LOOM_ERR_USAGE, "more than %d stages", WEAVE_STAGES);
  weaveStage* stage = &run->stage[run->n++];
  snprintf(stage->name, sizeof stage->name, "%s", name);

  const cJSON *seconds = cJSON_GetObjectItem(kept, "seconds"),
              *core = cJSON_GetObjectItem(kept, "core_seconds");
  stage->seconds = cJSON_IsNumber(seconds) ? seconds->valuedouble : 0;
  stage->core_seconds = cJSON_IsNumber(core) ? core->valuedouble : 0;
  stage->result = cJSON_Duplicate(cJSON_GetObjectItem(kept, "result"), true);
  return 0;
}

static int read_stage(weaveRun* run, const char* name, const char* path, loomError* err) {
  enum { MOST = 1 << 26 };
  char* text = NULL;
  int code = loom_read_text(&text, NULL, path, MOST, err);
  cJSON* kept = code ? NULL : loom_json_read(text);
  if (!code && !kept)
    code =
        loom_error_set(err, LOOM_ERR_FORMAT, "%s: is damaged; remove it, and the stage is run again", path);
  if (!code) code = add_stage(run, name, kept, err);

  cJSON_Delete(kept);
  free(text);
  return code;
}

// ---- the child

// Never returns.
static void be_child(const weaveRun* run, int (*command)(int, char**), weaveLine* line, const char* out,
                     pid_t parent) {
  close(run->folder.lock);
  tool_child_begin(parent, out, NULL);
  exit(command(line->argc, line->argv));
}

// Its status, as a shell tells it, and the processor time that it took.
static int wait_for(pid_t child, double* core_seconds) {
  int status = 0;
  bool told = false;
  struct rusage use;

  while (wait4(child, &status, WNOHANG, &use) != child) {
    if (tool_stop && !told) told = !kill(child, SIGTERM);
    loom_sleep(0.02);
  }

  *core_seconds = tool_child_seconds(&use);
  return tool_child_status(status);
}

static int keep_stage(weaveRun* run, const char* name, const weaveLine* line, const char* path,
                      const char* out, double seconds, double core_seconds, loomError* err) {
  enum { MOST = 1 << 26 };
  char* text = NULL;
  int code = loom_read_text(&text, NULL, out, MOST, err);
  if (code) return code;

  cJSON *kept = cJSON_CreateObject(), *command = cJSON_AddArrayToObject(kept, "command"),
        *result = read_result(text);
  for (int i = 0; i < line->argc; i++) cJSON_AddItemToArray(command, cJSON_CreateString(line->argv[i]));
  cJSON_AddNumberToObject(kept, "seconds", seconds);
  cJSON_AddNumberToObject(kept, "core_seconds", core_seconds);
  if (result) cJSON_AddItemToObject(kept, "result", result);
  code = tool_write_json(path, kept, err);
  if (!code) code = add_stage(run, name, kept, err);
  cJSON_Delete(kept);
  free(text);
  return code;
}

static int run_stage(weaveRun* run, const char* name, int (*command)(int, char**), weaveLine* line,
                     const char* path, loomError* err) {
  char out[WEAVE_PATH], spent[WEAVE_PATH], where[64];
  double start = loom_clock(), core_seconds = 0;
  pid_t parent = getpid();
  snprintf(where, sizeof where, "stages/%s", name);
  path_of(out, run, where, ".out");
  path_of(spent, run, where, ".spent");

  // As it could be given by hand.
  fprintf(stderr, "%s: ", name);
  print_line(stderr, line);
  fputc('\n', stderr);
  fflush(NULL);

  pid_t child = fork();
  if (!child) be_child(run, command, line, out, parent);
  if (child < 0) return loom_error_set(err, LOOM_ERR_IO, "no process can be started for %s", name);

  int status = wait_for(child, &core_seconds);
  double seconds = tool_add_seconds(spent, loom_clock() - start);  // parts that were stopped included
  if (tool_stop) return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted");
  if (status)
    return loom_error_set(
        err, status == EXIT_USAGE ? LOOM_ERR_USAGE : LOOM_ERR_IO,
        "%s: `demoloom %s` ended with status %d, and says above why; its command line is the one "
        "above, and --resume goes on here",
        name, line->argv[0], status);

  int code = keep_stage(run, name, line, path, out, seconds, core_seconds, err);
  if (!code) unlink(out);
  if (!code) unlink(spent);
  return code;
}

int weave_stage(weaveRun* run, const char* name, int (*command)(int, char**), weaveLine* line,
                loomError* err) {
  char path[WEAVE_PATH], where[64];
  snprintf(where, sizeof where, "stages/%s", name);
  path_of(path, run, where, ".json");

  int code =
      is_whole(line) ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory for its command line", name);
  if (!code && tool_stop) code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted");
  if (!code)
    code = loom_is_file(path) ? read_stage(run, name, path, err)
                              : run_stage(run, name, command, line, path, err);
  weave_line_free(line);
  return code;
}
