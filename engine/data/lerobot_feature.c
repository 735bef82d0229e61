#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/data/lerobot_internal.h"

enum { LEAST_PIXELS = 16, NAME_MAX_BYTES = 200 };

const char* lerobot_dtype(loomType type) {
  return loom_type_name(type);
}

bool lerobot_type(loomType* out, const char* dtype) {
  static const struct {
    const char* name;
    loomType type;
  } others[] = {{"bool", LOOM_TYPE_U8},
                {"int16", LOOM_TYPE_I32},
                {"int8", LOOM_TYPE_I32},
                {"uint16", LOOM_TYPE_I32},
                {"uint32", LOOM_TYPE_I64}};
  for (int t = LOOM_TYPE_F64; t < LOOM_TYPE_STR; t++)
    if (!strcmp(dtype, loom_type_name((loomType)t))) return *out = (loomType)t, true;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (!strcmp(dtype, others[i].name)) return *out = others[i].type, true;

  return false;
}

void lerobot_put_number(void* to, loomType type, int64_t at, const loomParquetValues* from, int64_t i) {
  double value = loom_parquet_number(from, i);
  switch (type) {
    case LOOM_TYPE_F64:
      ((double*)to)[at] = value;
      break;
    case LOOM_TYPE_F32:
      ((float*)to)[at] = (float)value;
      break;
    case LOOM_TYPE_U8:
      ((uint8_t*)to)[at] = (uint8_t)fmin(fmax(value, 0), 255);
      break;
    case LOOM_TYPE_I32:
      ((int32_t*)to)[at] = (int32_t)fmin(fmax(value, INT32_MIN), INT32_MAX);
      break;
    default:
      ((int64_t*)to)[at] = from->type == LOOM_TYPE_I64 ? ((const int64_t*)from->data)[i] : (int64_t)value;
  }
}

// ---- the list

lerobotFeature* lerobot_features_add(lerobotFeatures* features, const char* name, lerobotKind kind,
                                     loomType type) {
  lerobotFeature* more = realloc(features->feature, (size_t)(features->n + 1) * sizeof *more);
  if (!more) return NULL;
  features->feature = more;

  lerobotFeature* f = &more[features->n];
  *f = (lerobotFeature){.name = strdup(name), .kind = kind, .type = type, .width = kind > LEROBOT_VIDEO};
  if (!f->name) return NULL;
  features->n++;
  return f;
}

int lerobot_feature_part(lerobotFeature* f, const char* array, loomType type, int rank,
                         const int64_t* shape) {
  lerobotPart* more = realloc(f->part, (size_t)(f->n + 1) * sizeof *more);
  if (!more) return LOOM_ERR_MEMORY;
  f->part = more;

  lerobotPart* p = &more[f->n];
  *p = (lerobotPart){.array = strdup(array), .type = type, .rank = rank, .width = 1};
  if (!p->array) return LOOM_ERR_MEMORY;
  for (int d = 0; d < rank; d++) {
    p->shape[d] = shape[d];
    p->width *= shape[d];
  }
  f->n++;
  f->width = f->kind == LEROBOT_VIDEO ? 3 : f->width + p->width;

  return 0;
}

void lerobot_features_destroy(lerobotFeatures* features) {
  for (int i = 0; i < features->n; i++) {
    lerobotFeature* f = &features->feature[i];
    for (int k = 0; k < f->n; k++) free(f->part[k].array);
    free(f->part);
    free(f->name);
  }
  free(features->feature);
  *features = (lerobotFeatures){0};
}

static lerobotFeature* find(lerobotFeatures* features, const char* name) {
  for (int i = 0; i < features->n; i++)
    if (!strcmp(features->feature[i].name, name)) return &features->feature[i];
  return NULL;
}

// ---- of demos

typedef struct sorting {
  lerobotFeatures* features;
  loomNames* left_out;
  const loomLerobotDef* def;
  int64_t rows;
  bool next_obs;
} sorting;

static bool in_list(const char* list, const char* name) {
  size_t n = strlen(name);
  for (const char* at = list; (at = strstr(at, name)); at++)
    if ((at == list || at[-1] == ',') && (at[n] == '\0' || at[n] == ',')) return true;
  return false;
}

static int leave_out(loomNames* left_out, const char* name, const char* why) {
  char line[3 * NAME_MAX_BYTES];
  snprintf(line, sizeof line, "%.*s: %.*s", NAME_MAX_BYTES, name, NAME_MAX_BYTES, why);
  return loom_names_add(left_out, line);
}

static bool is_picture(const char* name, const loomArray* a) {
  return a->type == LOOM_TYPE_U8 && a->rank == 4 && a->shape[3] == 3 && a->shape[1] >= LEAST_PIXELS &&
         a->shape[2] >= LEAST_PIXELS && loom_ends_with(name, "_image");
}

static bool is_float(loomType type) {
  return type == LOOM_TYPE_F64 || type == LOOM_TYPE_F32;
}

static int add_to(sorting* s, const char* feature, lerobotKind kind, loomType type, const char* array,
                  const loomArray* a) {
  lerobotFeature* f = find(s->features, feature);
  if (!f) f = lerobot_features_add(s->features, feature, kind, type);
  return f ? lerobot_feature_part(f, array, a->type, a->rank - 1, a->shape + 1) : LOOM_ERR_MEMORY;
}

// As exact as it was: whole numbers as int64.
static int add_extra(sorting* s, const char* array, const loomArray* a) {
  char name[NAME_MAX_BYTES + 16];
  if (s->def->lean) return 0;
  snprintf(name, sizeof name, "demoloom.%.*s", NAME_MAX_BYTES, array);
  for (char* c = name; *c; c++)
    if (*c == '/') *c = '.';
  return add_to(s, name, LEROBOT_COLUMN, is_float(a->type) ? a->type : LOOM_TYPE_I64, array, a);
}

static int add_picture(sorting* s, const char* array, const loomArray* a) {
  char name[NAME_MAX_BYTES + 32];
  const char* camera = strrchr(array, '/') + 1;
  snprintf(name, sizeof name, "observation.images.%.*s", (int)strlen(camera) - (int)strlen("_image"), camera);

  // H.264 has colors by twos: an odd row or column is cut off.
  loomArray even = *a;
  even.shape[1] &= ~1;
  even.shape[2] &= ~1;
  return add_to(s, name, LEROBOT_VIDEO, LOOM_TYPE_U8, array, &even);
}

static int add_observation(sorting* s, const char* array, const loomArray* a) {
  const char* key = array + strlen("obs/");
  if (is_picture(key, a)) return add_picture(s, array, a);
  if (a->rank > 2 || !is_float(a->type)) return add_extra(s, array, a);

  bool chosen = s->def->state ? in_list(s->def->state, key) : !strncmp(key, "robot", 5);
  return add_to(s, chosen ? "observation.state" : "observation.environment_state", LEROBOT_COLUMN,
                LOOM_TYPE_F32, array, a);
}

static int sort_array(void* user, const char* name, const loomArray* a, int readable, const loomError* why) {
  sorting* s = user;
  const char* slash = strchr(name, '/');
  char group[NAME_MAX_BYTES];
  snprintf(group, sizeof group, "%.*s", slash ? (int)(slash - name) : 0, name);
  if (readable) return leave_out(s->left_out, name, why->message);
  if (!strcmp(group, "next_obs")) return s->next_obs = true, 0;

  // What is private stays here, as everywhere.
  const char* leaf = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
  if (!loom_private_keeps_array(leaf, a->type) || (slash && !loom_private_keeps_group(group)))
    return leave_out(s->left_out, name, "may be private");
  if (a->type == LOOM_TYPE_STR) return leave_out(s->left_out, name, "is text");
  if (a->rank < 1 || a->shape[0] != s->rows)
    return leave_out(s->left_out, name, "has not a row for each action");
  if (!a->count) return leave_out(s->left_out, name, "is empty");
  if (strlen(name) >= NAME_MAX_BYTES) return leave_out(s->left_out, name, "has too long a name");

  // What float32 cannot hold goes along a second time, as it is.
  bool actions = !strcmp(name, "actions");
  if (actions || (!strcmp(name, "rewards") && a->rank == 1)) {
    int code = add_to(s, actions ? "action" : "next.reward", LEROBOT_COLUMN, LOOM_TYPE_F32, name, a);
    return code || a->type == LOOM_TYPE_F32 ? code : add_extra(s, name, a);
  }
  if (!strcmp(name, "dones") && a->rank == 1)
    return add_to(s, "next.done", LEROBOT_COLUMN, LOOM_TYPE_U8, name, a);

  return !strcmp(group, "obs") ? add_observation(s, name, a) : add_extra(s, name, a);
}

// Those that LeRobot itself keeps of each row.
static int add_counters(lerobotFeatures* features) {
  static const struct {
    const char* name;
    lerobotKind kind;
    loomType type;
  } counters[] = {{"timestamp", LEROBOT_TIME, LOOM_TYPE_F32},
                  {"frame_index", LEROBOT_FRAME, LOOM_TYPE_I64},
                  {"episode_index", LEROBOT_EPISODE, LOOM_TYPE_I64},
                  {"index", LEROBOT_INDEX, LOOM_TYPE_I64},
                  {"task_index", LEROBOT_TASK, LOOM_TYPE_I64}};
  for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
    if (!lerobot_features_add(features, counters[i].name, counters[i].kind, counters[i].type))
      return LOOM_ERR_MEMORY;

  return 0;
}

static int check_state(const sorting* s, const loomDataset* dataset, loomError* err) {
  if (!s->def->state || find(s->features, "observation.state")) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s: none of '%.200s' is an observation of one row of numbers",
                        loom_dataset_path(dataset), s->def->state);
}

int lerobot_features_make(lerobotFeatures* out, loomNames* left_out, const loomDataset* dataset,
                          const loomLerobotDef* def, loomError* err) {
  *out = (lerobotFeatures){0};
  sorting s = {.features = out, .left_out = left_out, .def = def};
  loomArray actions;
  if (!loom_dataset_demo_count(dataset))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demos", loom_dataset_path(dataset));
  const char* first = loom_dataset_demo_path(dataset, 0);
  int code = loom_dataset_describe(&actions, dataset, first, "actions", err);
  if (code) return code;
  if (actions.rank != 2)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s/actions has not a row for each step",
                          loom_dataset_path(dataset), first);

  s.rows = actions.shape[0];
  code = loom_dataset_visit(dataset, first, sort_array, &s, err);
  if (!code && s.next_obs) code = leave_out(left_out, "next_obs", "is obs of the row after it");
  if (!code) code = add_counters(out);
  if (code == LOOM_ERR_MEMORY) code = loom_error_set(err, code, "out of memory for a dataset's features");
  if (!code) code = check_state(&s, dataset, err);
  if (code) lerobot_features_destroy(out);

  return code;
}

// ---- as JSON

static void add_video_json(cJSON* json, const lerobotFeature* f, double fps, const char* codec) {
  static const char* const names[] = {"height", "width", "channels"};
  cJSON_AddItemToObject(json, "names", cJSON_CreateStringArray(names, 3));
  cJSON* info = cJSON_AddObjectToObject(json, "info");
  cJSON_AddNumberToObject(info, "video.height", (double)f->part[0].shape[0]);
  cJSON_AddNumberToObject(info, "video.width", (double)f->part[0].shape[1]);
  cJSON_AddStringToObject(info, "video.codec", codec);
  cJSON_AddStringToObject(info, "video.pix_fmt", "yuv420p");
  cJSON_AddBoolToObject(info, "video.is_depth_map", false);
  cJSON_AddNumberToObject(info, "video.fps", fps);
  cJSON_AddNumberToObject(info, "video.channels", 3);
  cJSON_AddBoolToObject(info, "has_audio", false);
}

// One for each number: "robot0_eef_pos_0". Of our own columns nobody asks for them.
static cJSON* names_json(const lerobotFeature* f) {
  if (f->kind != LEROBOT_COLUMN || !strncmp(f->name, "demoloom.", 9)) return cJSON_CreateNull();
  cJSON* list = cJSON_CreateArray();
  for (int k = 0; k < f->n; k++) {
    const lerobotPart* p = &f->part[k];
    const char* slash = strrchr(p->array, '/');
    for (int64_t i = 0; i < p->width; i++) {
      char name[NAME_MAX_BYTES + 32];
      int n = snprintf(name, sizeof name, "%.*s", NAME_MAX_BYTES, slash ? slash + 1 : p->array);
      if (p->width > 1) snprintf(name + n, sizeof name - (size_t)n, "_%lld", (long long)i);
      cJSON_AddItemToArray(list, cJSON_CreateString(name));
    }
  }

  return list;
}

static cJSON* shape_json(const int64_t* shape, int rank) {
  cJSON* list = cJSON_CreateArray();
  for (int d = 0; d < rank; d++) cJSON_AddItemToArray(list, cJSON_CreateNumber((double)shape[d]));
  return list;
}

cJSON* lerobot_features_json(const lerobotFeatures* features, double fps, const char* codec) {
  cJSON* root = cJSON_CreateObject();
  for (int i = 0; i < features->n; i++) {
    const lerobotFeature* f = &features->feature[i];
    bool video = f->kind == LEROBOT_VIDEO;
    cJSON* json = cJSON_AddObjectToObject(root, f->name);
    cJSON_AddStringToObject(json, "dtype",
                            video                     ? "video"
                            : f->type == LOOM_TYPE_U8 ? "bool"
                                                      : lerobot_dtype(f->type));
    cJSON_AddItemToObject(json, "shape", video ? shape_json(f->part[0].shape, 3) : shape_json(&f->width, 1));
    if (video) {
      add_video_json(json, f, fps, codec);
    } else {
      cJSON_AddItemToObject(json, "names", names_json(f));
    }

    // What it is made of, for the way back.
    cJSON* arrays = f->n ? cJSON_AddArrayToObject(json, "arrays") : NULL;
    for (int k = 0; k < f->n; k++) {
      cJSON* part = cJSON_CreateObject();
      cJSON_AddStringToObject(part, "array", f->part[k].array);
      cJSON_AddStringToObject(part, "dtype", lerobot_dtype(f->part[k].type));
      cJSON_AddItemToObject(part, "shape", shape_json(f->part[k].shape, f->part[k].rank));
      cJSON_AddItemToArray(arrays, part);
    }
  }

  return root;
}

// ---- from JSON

static bool read_shape(int* rank, int64_t shape[LOOM_RANK_MAX], const cJSON* json) {
  *rank = cJSON_IsArray(json) ? cJSON_GetArraySize(json) : -1;
  if (*rank < 0 || *rank > LOOM_RANK_MAX) return false;
  int64_t all = 1;
  for (int d = 0; d < *rank; d++) {
    const cJSON* n = cJSON_GetArrayItem(json, d);
    if (!cJSON_IsNumber(n) || !(n->valuedouble >= 1 && n->valuedouble <= 1 << 20)) return false;
    shape[d] = (int64_t)n->valuedouble;
    if (shape[d] != n->valuedouble || (all *= shape[d]) > 1 << 26) return false;
  }

  return true;
}

static lerobotKind kind_of(const char* name, const char* dtype) {
  static const char* const counters[] = {"timestamp", "frame_index", "episode_index", "index", "task_index"};
  for (int i = 0; i < 5; i++)
    if (!strcmp(name, counters[i])) return (lerobotKind)(LEROBOT_TIME + i);
  return strcmp(dtype, "video") ? LEROBOT_COLUMN : LEROBOT_VIDEO;
}

// Which array a feature of others becomes.
static void name_array(char out[NAME_MAX_BYTES + 32], const char* feature, lerobotKind kind) {
  static const char images[] = "observation.images.", image[] = "observation.image", obs[] = "observation.";
  static const char* const own[][2] = {
      {"action", "actions"}, {"next.reward", "rewards"}, {"next.done", "dones"}};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    if (strcmp(feature, own[i][0])) continue;
    snprintf(out, NAME_MAX_BYTES, "%s", own[i][1]);
    return;
  }

  bool seen = !strncmp(feature, obs, strlen(obs));
  if (kind == LEROBOT_VIDEO) {
    bool named = !strncmp(feature, images, strlen(images));
    const char* camera = named ? feature + strlen(images) : !strcmp(feature, image) ? "camera" : feature;
    snprintf(out, NAME_MAX_BYTES + 32, "obs/%.*s_image", NAME_MAX_BYTES - 1, camera);
  } else {
    snprintf(out, NAME_MAX_BYTES + 32, "%s%.*s", seen ? "obs/" : "", NAME_MAX_BYTES - 1,
             feature + (seen ? strlen(obs) : 0));
  }
  for (char* c = out + (strncmp(out, "obs/", 4) ? 0 : 4); *c; c++)
    if (*c == '/') *c = '.';
}

static bool good_path(const char* path) {
  size_t n = strlen(path);
  return n && n < NAME_MAX_BYTES && path[0] != '/' && path[n - 1] != '/' && !strstr(path, "//") &&
         !strstr(path, "..");
}

static int parse_parts(lerobotFeature* f, const cJSON* arrays) {
  const cJSON* one;
  cJSON_ArrayForEach(one, arrays) {
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(one, "array"),
                *dtype = cJSON_GetObjectItemCaseSensitive(one, "dtype");
    loomType type;
    int rank;
    int64_t shape[LOOM_RANK_MAX];
    if (!cJSON_IsString(array) || !good_path(array->valuestring) || !cJSON_IsString(dtype) ||
        !lerobot_type(&type, dtype->valuestring) ||
        !read_shape(&rank, shape, cJSON_GetObjectItemCaseSensitive(one, "shape")) || rank >= LOOM_RANK_MAX)
      return LOOM_ERR_FORMAT;
    int code = lerobot_feature_part(f, array->valuestring, type, rank, shape);
    if (code) return code;
  }

  return 0;
}

// Columns of text, and pictures as files of their own, are not taken along: *skipped.
static int parse_feature(lerobotFeatures* out, bool* skipped, const cJSON* json) {
  const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(json, "dtype"),
              *arrays = cJSON_GetObjectItemCaseSensitive(json, "arrays");
  char array[NAME_MAX_BYTES + 32];
  loomType type = LOOM_TYPE_U8;
  int rank, code;
  int64_t shape[LOOM_RANK_MAX];
  if (!json->string || !cJSON_IsString(dtype) || strlen(json->string) >= NAME_MAX_BYTES)
    return LOOM_ERR_FORMAT;
  if (strchr(json->string, '/') || strstr(json->string, "..")) return LOOM_ERR_FORMAT;
  if (!read_shape(&rank, shape, cJSON_GetObjectItemCaseSensitive(json, "shape"))) return LOOM_ERR_FORMAT;

  lerobotKind kind = kind_of(json->string, dtype->valuestring);
  bool video = kind == LEROBOT_VIDEO;
  *skipped = !video && !lerobot_type(&type, dtype->valuestring);
  if (*skipped) return 0;
  if (video && rank == 3 && shape[0] == 3 && shape[2] != 3) {
    shape[0] = shape[1];
    shape[1] = shape[2];
    shape[2] = 3;
  }
  if (video && (rank != 3 || shape[2] != 3)) return LOOM_ERR_FORMAT;

  lerobotFeature* f = lerobot_features_add(out, json->string, kind, type);
  if (!f) return LOOM_ERR_MEMORY;
  if (kind > LEROBOT_VIDEO) return 0;
  if (arrays) {
    code = parse_parts(f, arrays);
    int64_t width = 1;
    for (int d = 0; d < rank; d++) width *= shape[d];
    if (!code && (f->n < 1 || (!video && f->width != width))) code = LOOM_ERR_FORMAT;
    if (!code && video && (f->n != 1 || f->part[0].rank != 3)) code = LOOM_ERR_FORMAT;
    return code;
  }

  // A single number needs no axis of its own, but for actions and observations.
  name_array(array, json->string, kind);
  bool single = rank == 1 && shape[0] == 1 && strcmp(array, "actions") && strncmp(array, "obs/", 4);
  loomType kept = video ? LOOM_TYPE_U8 : type == LOOM_TYPE_U8 ? LOOM_TYPE_I64 : type;
  if (rank - single >= LOOM_RANK_MAX) return LOOM_ERR_FORMAT;

  return lerobot_feature_part(f, array, kept, rank - single, shape);
}

int lerobot_features_parse(lerobotFeatures* out, loomNames* left_out, const cJSON* json, const char* label,
                           loomError* err) {
  const cJSON* one;
  *out = (lerobotFeatures){0};
  int code = cJSON_IsObject(json) && cJSON_GetArraySize(json) <= LEROBOT_FEATURES_MAX
                 ? 0
                 : loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no `features`, or too many", label);
  if (code) return code;

  cJSON_ArrayForEach(one, json) {
    bool skipped = false;
    code = find(out, one->string ? one->string : "") ? LOOM_ERR_FORMAT : parse_feature(out, &skipped, one);
    if (!code && skipped) code = leave_out(left_out, one->string, "holds neither numbers nor films");
    if (code == LOOM_ERR_FORMAT)
      code = loom_error_set(err, code,
                            "%s: feature '%.100s': wants a dtype, a shape of at most %d axes (films: height, "
                            "width, 3) and, if it has `arrays`, those that it is made of",
                            label, one->string ? one->string : "", LOOM_RANK_MAX - 1);
    if (code == LOOM_ERR_MEMORY) code = loom_error_set(err, code, "%s: out of memory", label);
    if (code) break;
  }
  if (code) lerobot_features_destroy(out);

  return code;
}
