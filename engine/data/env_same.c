#include "engine/data/env_same.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/data/env_type.h"

// What robosuite's and robomimic's environments take that changes what is shown or how an episode ends, but
// not how the world moves.
static const char* const no_physics[] = {
    "has_renderer",
    "has_offscreen_renderer",
    "renderer",
    "renderer_config",
    "render_mode",
    "render_camera",
    "render_collision_mesh",
    "render_visual_mesh",
    "render_gpu_device_id",
    "render_offscreen",
    "mujoco_passive_viewer",
    "use_camera_obs",
    "use_object_obs",
    "use_image_obs",
    "use_depth_obs",
    "camera_names",
    "camera_heights",
    "camera_widths",
    "camera_depths",
    "camera_segmentations",
    "camera_height",
    "camera_width",
    "ignore_done",
    "horizon",
    "postprocess_visual_obs",
    "lang",
    "env_lang",
    NULL,
};

enum { PATH_ROOM = 256, VALUE_ROOM = 80 };

/// Where the comparison is, and what it found.
typedef struct comparison {
  char path[PATH_ROOM];
  char* why;
  size_t size;
} comparison;

static bool is_no_physics(const char* key) {
  for (const char* const* name = no_physics; *name; name++)
    if (!strcmp(*name, key)) return true;
  return false;
}

// At the top of all, whose environment it is: files of this house have not always said it rightly.
static bool is_label(const cJSON* e) {
  return !strcmp(e->string, cJSON_IsNumber(e) ? "type" : LOOM_ENV_SIMULATOR);
}

// ---- what is told

// A value on one line and not too long.
static void show_value(char out[VALUE_ROOM], const cJSON* value) {
  char* text = value ? cJSON_PrintUnformatted(value) : NULL;
  if (text && strlen(text) >= VALUE_ROOM)
    snprintf(out, VALUE_ROOM, "%.*s...", VALUE_ROOM - 4, text);
  else
    snprintf(out, VALUE_ROOM, "%s", text ? text : "missing");
  cJSON_free(text);
}

static bool differ_at(comparison* c, const cJSON* a, const cJSON* b) {
  char one[VALUE_ROOM], other[VALUE_ROOM];
  show_value(one, a);
  show_value(other, b);
  if (c->size)
    snprintf(c->why, c->size, "%s is %s in one and %s in the other", c->path[0] ? c->path : "all of it", one,
             other);
  return false;
}

// ---- values

static bool same_value(comparison* c, const cJSON* a, const cJSON* b);

// The value of a key or an entry, with its place in the path meanwhile. `key` NULL: entry number i.
static bool same_child(comparison* c, const char* key, int i, const cJSON* a, const cJSON* b) {
  size_t end = strlen(c->path);
  if (key)
    snprintf(c->path + end, sizeof c->path - end, "%s%s", end ? "." : "", key);
  else
    snprintf(c->path + end, sizeof c->path - end, "[%d]", i);

  bool same = same_value(c, a, b);
  c->path[end] = '\0';
  return same;
}

static int by_key(const void* a, const void* b) {
  return strcmp((*(const cJSON* const*)a)->string, (*(const cJSON* const*)b)->string);
}

// The keys that count, sorted; NULL when out of memory.
static const cJSON** sorted_keys(const cJSON* object, bool top, int* n) {
  const cJSON** list = calloc((size_t)cJSON_GetArraySize(object) + 1, sizeof(cJSON*));
  *n = 0;

  for (const cJSON* e = object->child; list && e; e = e->next)
    if (!cJSON_IsNull(e) && !is_no_physics(e->string) && !(top && is_label(e))) list[(*n)++] = e;

  if (list) qsort(list, (size_t)*n, sizeof(cJSON*), by_key);
  return list;
}

static bool same_object(comparison* c, const cJSON* a, const cJSON* b) {
  int na, nb, i = 0, j = 0;
  bool top = !c->path[0];
  const cJSON **x = sorted_keys(a, top, &na), **y = sorted_keys(b, top, &nb);
  bool same = x && y;

  // Both in order, so that a key that only one has is seen at once.
  while (same && (i < na || j < nb)) {
    int order = i == na ? 1 : j == nb ? -1 : strcmp(x[i]->string, y[j]->string);
    const char* key = order > 0 ? y[j]->string : x[i]->string;
    same = same_child(c, key, 0, order > 0 ? NULL : x[i], order < 0 ? NULL : y[j]);
    i += order <= 0;
    j += order >= 0;
  }

  free(x);
  free(y);
  return same;
}

static bool same_list(comparison* c, const cJSON* a, const cJSON* b) {
  if (cJSON_GetArraySize(a) != cJSON_GetArraySize(b)) return differ_at(c, a, b);

  const cJSON *x = a->child, *y = b->child;
  bool same = true;
  for (int i = 0; same && x; i++, x = x->next, y = y->next) same = same_child(c, NULL, i, x, y);
  return same;
}

// robosuite takes one value for a list of one, and one controller for the list of all robots'.
static bool same_entries(comparison* c, const cJSON* list, const cJSON* value, bool list_first) {
  const cJSON* x = list->child;
  bool same = x && (!x->next || cJSON_IsObject(value));
  if (!same) return differ_at(c, list_first ? list : value, list_first ? value : list);

  for (int i = 0; same && x; i++, x = x->next)
    same = same_child(c, NULL, i, list_first ? x : value, list_first ? value : x);
  return same;
}

static bool same_value(comparison* c, const cJSON* a, const cJSON* b) {
  if (!a || !b) return differ_at(c, a, b);
  if (cJSON_IsArray(a) != cJSON_IsArray(b))
    return cJSON_IsArray(a) ? same_entries(c, a, b, true) : same_entries(c, b, a, false);

  if (cJSON_IsObject(a) && cJSON_IsObject(b)) return same_object(c, a, b);
  if (cJSON_IsArray(a) && cJSON_IsArray(b)) return same_list(c, a, b);

  // Numbers come from JSON of several programs, which round the last digit in their own ways.
  bool same = (a->type & 0xff) == (b->type & 0xff);
  if (same && cJSON_IsNumber(a))
    same = fabs(a->valuedouble - b->valuedouble) <= 1e-12 * fmax(fabs(a->valuedouble), fabs(b->valuedouble));
  if (same && cJSON_IsString(a)) same = !strcmp(a->valuestring, b->valuestring);
  return same ? true : differ_at(c, a, b);
}

bool loom_env_args_same(const char* a, const char* b, char* why, size_t size) {
  comparison c = {.why = why, .size = size};
  if (size) why[0] = '\0';
  if (!strcmp(a, b)) return true;

  cJSON *x = loom_json_read(a), *y = loom_json_read(b);
  bool same = x && y && same_value(&c, x, y);
  if ((!x || !y) && size)
    snprintf(why, size, "%s not JSON", x || y ? "one of them is" : "they differ, and are");

  cJSON_Delete(x);
  cJSON_Delete(y);
  return same;
}

// ---- how robots are driven

static const char* const driven[] = {"control_freq", "controller_configs", "robots"};

static const cJSON* kwargs_of(const cJSON* root) {
  const cJSON* kwargs = cJSON_GetObjectItemCaseSensitive(root, "env_kwargs");
  return cJSON_IsObject(kwargs) ? kwargs : root;
}

// Those keys of root that `other` (nullable) has, too; NULL for none.
static char* driven_text(const cJSON* root, const cJSON* other) {
  cJSON *out = cJSON_CreateObject(), *kwargs = cJSON_AddObjectToObject(out, "env_kwargs");
  const cJSON* version = cJSON_GetObjectItemCaseSensitive(root, "env_version");
  if (!other && cJSON_IsString(version)) cJSON_AddStringToObject(out, "env_version", version->valuestring);

  // A null says nothing.
  for (size_t i = 0; i < sizeof driven / sizeof *driven; i++) {
    const cJSON* value = cJSON_GetObjectItemCaseSensitive(kwargs_of(root), driven[i]);
    const cJSON* there = other ? cJSON_GetObjectItemCaseSensitive(kwargs_of(other), driven[i]) : value;
    if (!value || !there || cJSON_IsNull(value) || cJSON_IsNull(there)) continue;
    cJSON_AddItemToObject(kwargs, driven[i], cJSON_Duplicate(value, true));
  }

  char* text = kwargs && kwargs->child ? cJSON_PrintUnformatted(out) : NULL;
  cJSON_Delete(out);
  return text;
}

char* loom_env_args_driven(const char* env_args) {
  cJSON* root = loom_json_read(env_args);
  char* text = root ? driven_text(root, NULL) : NULL;
  cJSON_Delete(root);
  return text;
}

bool loom_env_args_driven_same(const char* a, const char* b, char* why, size_t size) {
  cJSON *x = loom_json_read(a), *y = loom_json_read(b);
  char *one = x && y ? driven_text(x, y) : NULL, *other = x && y ? driven_text(y, x) : NULL;
  if (size) why[0] = '\0';

  // What only one says, or nobody, is no difference.
  bool same = !one || !other || loom_env_args_same(one, other, why, size);
  cJSON_free(one);
  cJSON_free(other);
  cJSON_Delete(x);
  cJSON_Delete(y);
  return same;
}
