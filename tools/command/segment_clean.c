// demoloom segment --clean: source demos before and after cleaning, and a file of the cleaned ones.
#include "tools/command/segment_clean.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/shared/common.h"

void segment_clean_head(void) {
  printf("%-10s %13s  %14s  %16s  %13s  %s\n", "demo", "rows", "joint speed, %", "rad/s^2, largest",
         "pressed, mm", "succeeds");
}

static const char* yes(bool is) {
  return is ? "yes" : "no";
}

void segment_clean_line(const loomReplay* r, const loomCleanResult* c) {
  const loomCleanFigures *b = &c->before, *a = c->cleaned ? &c->after : b;
  printf("%-10s %5d -> %4d  %5.0f -> %5.0f  %6.1f -> %6.1f  %4.1f -> %5.1f  %s -> %s%s%s\n", r->name, b->rows,
         a->rows, 100 * b->joint_speed, 100 * a->joint_speed, b->acceleration, a->acceleration,
         1e3 * b->penetration, 1e3 * a->penetration, yes(b->success), yes(a->success),
         c->cleaned ? "" : "  stays as it is: ", c->cleaned ? "" : c->reason);
}

static cJSON* figures_json(const loomCleanFigures* f) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddNumberToObject(out, "rows", f->rows);
  cJSON_AddNumberToObject(out, "joint_speed", f->joint_speed);
  cJSON_AddNumberToObject(out, "joint_acceleration", f->acceleration);
  cJSON_AddNumberToObject(out, "penetration", f->penetration);
  cJSON_AddStringToObject(out, "penetrating", f->pressed);
  cJSON_AddBoolToObject(out, "success", f->success);
  return out;
}

cJSON* segment_clean_json(const loomCleanResult* c) {
  static const char* const ways[] = {"recorded", "early", "late"};
  cJSON* out = cJSON_CreateObject();
  cJSON_AddBoolToObject(out, "cleaned", c->cleaned);
  cJSON_AddNumberToObject(out, "tries", c->tries);
  cJSON_AddItemToObject(out, "before", figures_json(&c->before));
  if (!c->cleaned) {
    cJSON_AddStringToObject(out, "reason", c->reason);
    return out;
  }

  // By what settings it came about.
  cJSON_AddItemToObject(out, "after", figures_json(&c->after));
  cJSON_AddNumberToObject(out, "tolerance", c->def.tolerance);
  cJSON_AddNumberToObject(out, "turn", c->def.turn);
  cJSON_AddNumberToObject(out, "pace", c->def.pace);
  cJSON_AddNumberToObject(out, "margin", c->def.margin);
  cJSON* list = cJSON_AddArrayToObject(out, "approaches");
  for (int i = 0; i < 2; i++) cJSON_AddItemToArray(list, cJSON_CreateString(ways[c->def.approach[i]]));
  return out;
}

int segment_clean_keep(segmentCleaned* out, const loomReplay* r, const loomTrace* trace, const loomTask* task,
                       const loomDataset* dataset, loomError* err) {
  loomDemoRecord* record = &out->record;
  int code = loom_dataset_attr_string(&out->xml, dataset, loom_dataset_demo_path(dataset, r->number),
                                      "model_file", err);
  if (code) return code;

  // Of the trace it is a copy: that goes on to the next demo.
  unsigned arrays = LOOM_DEMO_ACTIONS | LOOM_DEMO_STATES | LOOM_DEMO_REWARDS | LOOM_DEMO_EEF_POSES |
                    LOOM_DEMO_TARGETS | LOOM_DEMO_GRIPPERS;
  loom_demo_record_rows(record, arrays, trace, NULL, 0, trace->rows);
  for (int o = 0; o < task->object_count; o++) {
    char path[2 * LOOM_NAME_MAX + 32];
    snprintf(path, sizeof path, "datagen_info/object_poses/%s", task->objects[o].name);
    loom_demo_record_array(record, path, LOOM_TYPE_F64, trace->object + (ptrdiff_t)16 * o * trace->capacity,
                           3, (int64_t[]){trace->rows, 4, 4});
  }
  loom_demo_record_keep(record);

  loom_demo_record_attr(record, loom_attr_int("num_samples", trace->rows));
  loom_demo_record_attr(record, loom_attr_string("loom_origin", "cleaned"));
  loom_demo_record_attr(record, loom_attr_string("model_file", out->xml));
  return 0;
}

void segment_cleaned_destroy(segmentCleaned* cleaned) {
  loom_demo_record_destroy(&cleaned->record);
  free(cleaned->xml);
  *cleaned = (segmentCleaned){0};
}

// The cleaned ones as a file of this program's own beside the dataset; *n of them.
static int write_cleaned(const char* path, int* n, const loomReplay* replay, const segmentCleaned* made,
                         int all, loomError* err) {
  loomRecord* list = calloc((size_t)all + 1, sizeof *list);
  int code = list ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for cleaned demos");
  *n = 0;
  for (int i = 0; !code && i < all; i++)
    if (made[i].xml) code = loom_demo_record_finish(&list[(*n)++], &made[i].record, replay[i].name, err);
  if (!code && *n) code = loom_shard_write(path, list, *n, NULL, err);
  free(list);
  return code;
}

int segment_clean_write(const char* path, const loomDataset* dataset, const loomReplay* replay,
                        const segmentCleaned* made, int n, loomError* err) {
  char part[LOOM_PATH_MAX + 16], *env_args = NULL;
  loomSource* source = calloc((size_t)n + 1, sizeof *source);
  if (!source) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for cleaned demos");
  snprintf(part, sizeof part, "%.*s.cleaned", LOOM_PATH_MAX - 1, path);

  int cleaned = 0, code = write_cleaned(part, &cleaned, replay, made, n, err);
  if (!code && loom_dataset_has_attr(dataset, "data", "env_args"))
    code = loom_dataset_attr_string(&env_args, dataset, "data", "env_args", err);

  // In their order and by their names, cleaned or not.
  for (int i = 0; i < n; i++)
    source[i] = (loomSource){made[i].xml ? part : loom_dataset_path(dataset), replay[i].name};
  loomNames left_out = {0};
  loomAttr attr = loom_attr_string("env_args", env_args ? env_args : "");
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = &attr;
  def.nattr = env_args ? 1 : 0;
  def.valid = 0;
  def.keep_names = true;
  def.mixed = true;
  def.left_out = &left_out;
  if (!code) code = loom_dataset_assemble(path, source, n, &def, err);
  tool_tell_left_out(&left_out, !code);

  if (cleaned) unlink(part);
  free(env_args);
  free(source);
  return code;
}
