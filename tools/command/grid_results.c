#include "tools/command/grid_results.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "tools/shared/common.h"

enum { PATH = LOOM_PATH_MAX + 128, OUTPUT_MAX = 1 << 24 };

static const char done_file[] = "result.json", failed_file[] = "failed.json";

static bool has_file(const gridCell* cell, const char* folder, const char* file) {
  char path[PATH];
  tool_cell_path(path, folder, cell->name, file);
  return loom_is_file(path);
}

toolCellState grid_cell_state(const gridCell* cell, const char* folder) {
  if (has_file(cell, folder, done_file)) return TOOL_CELL_DONE;
  if (has_file(cell, folder, failed_file)) return TOOL_CELL_FAILED;
  return grid_missing(cell) ? TOOL_CELL_BARRED : TOOL_CELL_OPEN;
}

// ---- what is written

// The last line of a text that says anything.
static void last_line(char* out, size_t n, const char* text) {
  *out = '\0';
  while (*text) {
    size_t length = strcspn(text, "\r\n");
    if (length) snprintf(out, n, "%.*s", (int)length, text);
    text += length + (text[length] != '\0');
  }
}

static cJSON* settings_json(const gridCell* cell) {
  cJSON* out = cJSON_CreateObject();
  for (int i = 0; i < cell->n; i++)
    cJSON_AddStringToObject(out, cell->setting[i].key, cell->setting[i].value->text);
  return out;
}

// The closing line: the last of what it said on stdout.
static cJSON* read_output(const gridCell* cell, const char* folder) {
  char path[PATH], *text;
  tool_cell_path(path, folder, cell->name, "output.json");
  if (loom_read_text(&text, NULL, path, OUTPUT_MAX, NULL)) return NULL;

  char* line = malloc(strlen(text) + 1);
  if (line) last_line(line, strlen(text) + 1, text);
  cJSON* out = line ? loom_json_read(line) : NULL;
  free(line);
  free(text);

  return out;
}

static cJSON* failure_json(const gridCell* cell, const char* folder, int status) {
  char path[PATH], line[400] = "", *text = NULL;
  cJSON* out = cJSON_CreateObject();
  tool_cell_path(path, folder, cell->name, "log.txt");
  if (!loom_read_text(&text, NULL, path, OUTPUT_MAX, NULL)) last_line(line, sizeof line, text);
  free(text);

  // A usage error closes with a hint at --help, which is of no use here.
  char* hint = strstr(line, "; see `demoloom");
  if (hint) *hint = '\0';
  cJSON_AddStringToObject(out, "why", line[0] ? line : "it said nothing");
  cJSON_AddNumberToObject(out, "status", status);

  return out;
}

int grid_finish_cell(const gridCell* cell, const char* folder, int status, double core_seconds,
                     loomError* err) {
  char path[PATH];
  cJSON* result = status ? NULL : read_output(cell, folder);
  cJSON* out = result ? cJSON_CreateObject() : failure_json(cell, folder, status);

  // A result says that its cell is done, so it is written last, and whole.
  if (result) cJSON_AddItemToObject(out, "result", result);
  cJSON_AddItemToObject(out, "settings", settings_json(cell));
  cJSON_AddNumberToObject(out, "core_seconds", core_seconds);
  tool_cell_path(path, folder, cell->name, result ? done_file : failed_file);
  int code = tool_write_json(path, out, err);
  cJSON_Delete(out);

  return code;
}

void grid_forget_failures(const grid* g, const char* folder) {
  for (int i = 0; i < g->n; i++) {
    char path[PATH];
    tool_cell_path(path, folder, g->cell[i].name, failed_file);
    unlink(path);
  }
}

// ---- what is read

static double number_of(const cJSON* map, const char* key) {
  const cJSON* item = cJSON_GetObjectItem(map, key);
  return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static int64_t count_of(const cJSON* map, const char* key, int64_t otherwise) {
  double x = number_of(map, key);
  return x >= 0 && x < 1e15 ? (int64_t)llround(x) : otherwise;
}

static gridRate rate_of(const cJSON* map) {
  const cJSON* breaches = cJSON_GetObjectItem(map, "breaches");
  gridRate r = {.n = count_of(map, "n", 0),
                .success = count_of(map, "successes", 0),
                .within_limits = count_of(map, "successes_within_limits", -1),
                .jerk = number_of(map, "mean_squared_jerk")};
  if (r.success > r.n) r = (gridRate){.within_limits = -1, .jerk = NAN};

  // Told of all limits, or of none.
  for (int l = LOOM_LIMIT_NONE + 1; l < LOOM_LIMITS; l++) {
    r.breaches[l] = count_of(breaches, loom_limit_name((loomLimit)l), -1);
    bool told = r.breaches[l] >= 0 && r.breaches[LOOM_LIMIT_NONE] >= 0;
    r.breaches[LOOM_LIMIT_NONE] = told ? r.breaches[LOOM_LIMIT_NONE] + r.breaches[l] : -1;
  }
  return r;
}

bool grid_is_rougher(const gridResult* r) {
  double before = (double)r->before.breaches[LOOM_LIMIT_NONE],
         after = (double)r->after.breaches[LOOM_LIMIT_NONE];
  bool told = r->before.n && r->after.n && before >= 0;
  return (told && loom_is_rougher(before, after)) || loom_is_rougher(r->before.jerk, r->after.jerk);
}

// "start,before,after", of which the last two are 1 or 0; another file of that name tells nothing.
static void read_starts(gridResult* r, const gridCell* cell, const char* folder) {
  char path[PATH], line[128];
  int64_t count[2][2] = {{0, 0}, {0, 0}}, n = 0;
  tool_cell_path(path, folder, cell->name, "evaluation.csv");
  FILE* file = fopen(path, "rb");
  if (!file) return;

  bool known = fgets(line, sizeof line, file) && !strncmp(line, "start,before,after", 18);
  while (known && fgets(line, sizeof line, file)) {
    int before, after;
    known = sscanf(line, "%*d,%1d,%1d", &before, &after) == 2 && before < 2 && after < 2;
    if (known) count[before][after]++;
    n++;
  }
  fclose(file);
  if (!known) return;
  r->paired = n;
  r->both = count[1][1];
  r->gained = count[0][1];
  r->lost = count[1][0];
}

// The first step whose evaluation is as high. A run that was resumed logs some steps twice, alike.
static double steps_to(double reach, const gridCell* cell, const char* folder) {
  char path[PATH], line[512], tag[256];
  double step, value, found = NAN;
  tool_cell_path(path, folder, cell->name, "scalars.csv");
  FILE* file = isnan(reach) ? NULL : fopen(path, "rb");
  if (!file) return NAN;

  while (fgets(line, sizeof line, file)) {
    if (sscanf(line, "%lf,%255[^,],%lf", &step, tag, &value) != 3) continue;
    bool evaluated = !strcmp(tag, "evaluate/return") || !strcmp(tag, "evaluate/success");
    if (evaluated && value >= reach && !(step >= found)) found = step;
  }
  fclose(file);

  return found;
}

static int read_json(cJSON** out, const gridCell* cell, const char* folder, const char* file,
                     loomError* err) {
  char path[PATH], *text;
  tool_cell_path(path, folder, cell->name, file);
  int code = loom_read_text(&text, NULL, path, OUTPUT_MAX, err);
  *out = code ? NULL : loom_json_read(text);
  if (!code && !*out)
    code =
        loom_error_set(err, LOOM_ERR_FORMAT, "%s: is no result; remove it, and its cell is done again", path);
  free(text);

  return code;
}

static int read_result(gridResult* r, const gridCell* cell, const char* folder, double reach,
                       loomError* err) {
  cJSON* file;
  *r = (gridResult){.state = grid_cell_state(cell, folder),
                    .value = NAN,
                    .steps = NAN,
                    .core_seconds = NAN,
                    .reached = NAN};
  r->before = r->after = rate_of(NULL);
  if (r->state == TOOL_CELL_OPEN) return LOOM_OK;
  if (r->state == TOOL_CELL_BARRED) {
    const gridSetting* s = grid_missing(cell);
    snprintf(r->why, sizeof r->why, "%s: there is no file %.300s", s->key, s->value->text);
    return LOOM_OK;
  }

  int code = read_json(&file, cell, folder, r->state == TOOL_CELL_DONE ? done_file : failed_file, err);
  if (code) return code;
  const cJSON *result = cJSON_GetObjectItem(file, "result"), *why = cJSON_GetObjectItem(file, "why");
  if (cJSON_IsString(why)) snprintf(r->why, sizeof r->why, "%s", why->valuestring);
  r->before = rate_of(cJSON_GetObjectItem(result, "before"));
  r->after = rate_of(cJSON_GetObjectItem(result, "after"));
  r->value = number_of(cJSON_GetObjectItem(result, "return"), "mean");
  r->steps = number_of(result, "steps");
  r->core_seconds = number_of(file, "core_seconds");
  cJSON_Delete(file);

  read_starts(r, cell, folder);
  r->reached = steps_to(reach, cell, folder);

  return LOOM_OK;
}

int grid_read_results(gridResult* out, const grid* g, const char* folder, loomError* err) {
  int code = LOOM_OK;
  for (int i = 0; !code && i < g->n; i++)
    code = read_result(&out[i], &g->cell[i], folder, g->report.reach, err);
  return code;
}
