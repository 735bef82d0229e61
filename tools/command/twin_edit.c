#include "tools/command/twin_edit.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

#include "tools/shared/common.h"

static const char* const sides[] = {"-x", "+x", "-y", "+y", "-z", "+z"};

// ---- as JSON

static cJSON* body_json(const loomTwinEditedBody* b) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "name", b->name);
  cJSON_AddItemToObject(out, "size", cJSON_CreateDoubleArray(b->size, 3));
  const struct {
    const char* name;
    double value;
  } numbers[] = {{"solids", b->solids}, {"pieces", b->pieces}, {"primitives", b->primitives},
                 {"crumbs", b->crumbs}, {"drawn", b->drawn},   {"decompose_seconds", b->seconds},
                 {"volume", b->volume}, {"mass", b->mass}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    cJSON_AddNumberToObject(out, numbers[i].name, numbers[i].value);
  cJSON_AddBoolToObject(out, "cached", b->kept);

  return out;
}

static cJSON* wall_json(const loomTwinWall* w) {
  cJSON *out = cJSON_CreateObject(), *list = cJSON_AddObjectToObject(out, "thickness"),
        *open = cJSON_AddObjectToObject(out, "open");
  cJSON_AddStringToObject(out, "body", w->body);
  cJSON_AddItemToObject(out, "low", cJSON_CreateDoubleArray(w->low, 3));
  cJSON_AddItemToObject(out, "high", cJSON_CreateDoubleArray(w->high, 3));

  for (int s = 0; s < 6; s++) {
    cJSON_AddNumberToObject(list, sides[s], w->thickness[s]);
    cJSON_AddNumberToObject(open, sides[s], w->open[s]);
  }

  return out;
}

static void add_names(cJSON* out, const char* key, const loomNames* names) {
  cJSON* list = cJSON_AddArrayToObject(out, key);
  for (int i = 0; i < names->n; i++) cJSON_AddItemToArray(list, cJSON_CreateString(names->name[i]));
}

static void print_json(const loomTwinEditDef* def, const loomTwinEdited* e) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "folder", def->folder);
  cJSON_AddNumberToObject(out, "commands", e->commands);
  cJSON* bodies = cJSON_AddArrayToObject(out, "bodies");
  for (int i = 0; i < e->n; i++) cJSON_AddItemToArray(bodies, body_json(&e->body[i]));
  cJSON* walls = cJSON_AddArrayToObject(out, "cavities");
  for (int i = 0; i < e->nwall; i++) cJSON_AddItemToArray(walls, wall_json(&e->wall[i]));
  add_names(out, "notes", &e->notes);
  tool_print_json(out);
  cJSON_Delete(out);
}

// ---- in words

static void print_wall(const loomTwinWall* w) {
  printf("%-16s the cavity's wall, at its thinnest:", w->body);
  for (int s = 0; s < 6; s++) {
    printf("%s %s ", s ? "," : "", sides[s]);
    if (w->open[s] >= 1)
      printf("none");
    else if (w->open[s] > 0)
      printf("%.0f mm (%.0f %% open)", 1000 * w->thickness[s], 100 * w->open[s]);
    else
      printf("%.0f mm", 1000 * w->thickness[s]);
  }
  putchar('\n');
}

static void print_words(const loomTwinEditDef* def, const loomTwinEdited* e) {
  for (int i = 0; i < e->n; i++) {
    const loomTwinEditedBody* b = &e->body[i];
    printf(
        "%-16s %.3f x %.3f x %.3f m  %.4g l, %.4g kg  %d pieces of %d solids, %d of them boxes or cylinders, "
        "in "
        "%.1f s%s\n",
        b->name, b->size[0], b->size[1], b->size[2], 1000 * b->volume, b->mass, b->pieces, b->solids,
        b->primitives, b->seconds, b->kept ? " (kept)" : "");
  }
  for (int i = 0; i < e->nwall; i++) print_wall(&e->wall[i]);
  for (int i = 0; i < e->notes.n; i++) printf("note: %s\n", e->notes.name[i]);
  printf("%s: %d commands done; see `demoloom twin check %s`\n", def->folder, e->commands, def->folder);
}

int twin_edit(const loomTwinEditDef* def, bool json, loomError* err) {
  loomTwinEdited edited;
  int code = loom_twin_edit(&edited, def, err);
  tool_progress_end();
  if (code) return code;

  if (json)
    print_json(def, &edited);
  else
    print_words(def, &edited);
  loom_twin_edited_destroy(&edited);

  return 0;
}
