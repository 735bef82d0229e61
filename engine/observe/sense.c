#include "engine/observe/sense.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/yaml.h"
#include "engine/model/model.h"
#include "engine/observe/distract.h"
#include "engine/sim/looks.h"

// ---- how it is made

loomSenseDef loom_default_sense_def(void) {
  loomSenseDef def = {.cloud = loom_default_cloud_def()};
  def.cloud.points = 0;
  return def;
}

static void put_three(FILE* out, const char* name, const double x[3]) {
  fprintf(out, "  %s: [%.17g, %.17g, %.17g]\n", name, x[0], x[1], x[2]);
}

static const char* yes_no(bool yes) {
  return yes ? "true" : "false";
}

char* loom_sense_text(const loomSenseDef* def) {
  char* text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  if (!out) return NULL;

  const loomCloudDef* c = &def->cloud;
  fprintf(out, "pictures: {full: %s, shadows: %s, collision: %s}\n", yes_no(def->full), yes_no(def->shadows),
          yes_no(def->collision));
  if (c->points) {
    fprintf(out, "cloud:\n  points: %d\n  cameras: [", c->points);
    for (int i = 0; i < c->camera_count; i++) fprintf(out, "%s\"%s\"", i ? ", " : "", c->camera[i]);
    fprintf(out, "]\n  width: %d\n  height: %d\n", c->width, c->height);
    put_three(out, "low", c->low);
    put_three(out, "high", c->high);
  }

  bool lacks = ferror(out) != 0;
  if (fclose(out) || lacks) {
    free(text);
    return NULL;
  }
  return text;
}

static int parse_cloud(loomCloudDef* c, const loomYaml* y, loomNode map, loomError* err) {
  static const char* const known[] = {"points", "cameras", "width", "height", "low", "high", NULL};

  int code = loom_yaml_only(y, map, known, err);
  if (!code) code = loom_yaml_read_int(&c->points, y, map, "points", 1, LOOM_CLOUD_POINTS, true, err);
  if (!code)
    code = loom_yaml_read_texts(c->camera[0], sizeof c->camera[0], LOOM_CLOUD_CAMERAS, &c->camera_count, y,
                                map, "cameras", true, err);
  if (!code) code = loom_yaml_read_int(&c->width, y, map, "width", 1, LOOM_CLOUD_RAYS, true, err);
  if (!code) code = loom_yaml_read_int(&c->height, y, map, "height", 1, LOOM_CLOUD_RAYS, true, err);
  if (!code) code = loom_yaml_read_numbers(c->low, 3, NULL, y, map, "low", true, err);
  if (!code) code = loom_yaml_read_numbers(c->high, 3, NULL, y, map, "high", true, err);
  return code;
}

int loom_sense_parse(loomSenseDef* out, const char* text, const char* label, loomError* err) {
  static const char* const known[] = {"pictures", "cloud", NULL};
  static const char* const flags[] = {"full", "shadows", "collision", NULL};
  loomYaml* y;
  *out = loom_default_sense_def();
  int code = loom_yaml_parse(&y, text, strlen(text), label, err);
  if (code) return code;

  loomNode root = loom_yaml_root(y), pictures = loom_yaml_get(y, root, "pictures");
  loomNode cloud = loom_yaml_get(y, root, "cloud");

  code = loom_yaml_only(y, root, known, err);
  if (!code && pictures) code = loom_yaml_only(y, pictures, flags, err);
  if (!code && pictures) code = loom_yaml_read_bool(&out->full, y, pictures, "full", err);
  if (!code && pictures) code = loom_yaml_read_bool(&out->shadows, y, pictures, "shadows", err);
  if (!code && pictures) code = loom_yaml_read_bool(&out->collision, y, pictures, "collision", err);
  if (!code && cloud) code = parse_cloud(&out->cloud, y, cloud, err);
  loom_yaml_destroy(y);
  return code;
}

// ---- keys

int loom_sense_key(loomObsKey* out, const loomSenseDef* def, const char* name, int rank, const int* shape,
                   loomError* err) {
  *out = loom_obs_named(name);
  out->rank = rank;
  out->dim = 1;
  out->offset = -1;
  for (int i = 0; i < rank && i < LOOM_OBS_AXES; i++) {
    out->shape[i] = shape[i];
    out->dim *= shape[i];
  }
  out->kind = loom_obs_kind(out->camera, name, rank, shape);

  // A cloud of another size was made in a way that nobody wrote down.
  if (out->kind == LOOM_OBS_CLOUD && shape[0] != def->cloud.points)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "observation '%s' is %d x %d; how to make it is not known (`demoloom render --obs "
                          "--cloud N` writes clouds that say so)",
                          name, shape[0], shape[1]);
  out->type = out->kind == LOOM_OBS_IMAGE ? LOOM_TYPE_U8 : LOOM_TYPE_F32;
  if (out->kind == LOOM_OBS_IMAGE || out->kind == LOOM_OBS_DEPTH || out->kind == LOOM_OBS_CLOUD) return 0;
  return loom_error_set(
      err, LOOM_ERR_UNSUPPORTED,
      "observation '%s' cannot be made in an episode; CAMERA_image (3 channels), CAMERA_depth "
      "and pointcloud can",
      name);
}

// ---- looking

struct loomSense {
  loomSenseDef def;
  int n;
  loomObsKey* key;    // (n)
  int height, width;  // of pictures; 0 = there are none
  bool clouds;
  char* xml;
  mjModel *seen, *solid;  // for pictures, for rays
  mjData *seen_data, *solid_data;
  loomLooks seen_looks, solid_looks;
  loomDistractors distractors;
  loomRenderer* renderer;
  loomCloud* cloud;
  double* cameras;  // (ncam x 7) of `solid`, on their bodies, as it was compiled
};

int loom_sense_create(loomSense** out, const loomSenseDef* def, const loomObsKey* key, int n,
                      loomError* err) {
  *out = NULL;
  loomSense* s = calloc(1, sizeof *s);
  if (s) s->key = calloc((size_t)n + 1, sizeof *s->key);
  if (!s || !s->key) {
    free(s);
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for cameras");
  }

  s->def = *def;
  s->n = n;
  memcpy(s->key, key, (size_t)n * sizeof *key);
  int code = 0;

  // Pictures are drawn by one renderer, of one size.
  for (int i = 0; !code && i < n; i++) {
    s->clouds = s->clouds || key[i].kind == LOOM_OBS_CLOUD;
    if (key[i].kind == LOOM_OBS_CLOUD) continue;
    int height = key[i].shape[0], width = key[i].shape[1];
    if (s->height && (s->height != height || s->width != width))
      code =
          loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                         "camera '%s' has pictures of %d x %d where others have %d x %d; all need one size",
                         key[i].camera, width, height, s->width, s->height);
    s->height = height;
    s->width = width;
  }
  if (code)
    loom_sense_destroy(s);
  else
    *out = s;
  return code;
}

static void forget_model(loomSense* s) {
  loom_renderer_destroy(s->renderer);
  loom_cloud_destroy(s->cloud);
  loom_looks_destroy(&s->seen_looks);
  loom_looks_destroy(&s->solid_looks);
  mj_deleteData(s->seen_data);
  mj_deleteData(s->solid_data);
  mj_deleteModel(s->seen);
  mj_deleteModel(s->solid);
  free(s->cameras);
  free(s->xml);

  s->renderer = NULL;
  s->cloud = NULL;
  s->seen_data = s->solid_data = NULL;
  s->seen = s->solid = NULL;
  s->cameras = NULL;
  s->xml = NULL;
}

void loom_sense_destroy(loomSense* s) {
  if (!s) return;
  forget_model(s);
  free(s->key);
  free(s);
}

static int no_memory(const char* label, loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);
}

static int set_camera(loomSense* s, const loomObsKey* key, loomError* err) {
  bool named = strcmp(key->camera, "table") != 0 || mj_name2id(s->seen, mjOBJ_CAMERA, "table") >= 0;
  return loom_renderer_set_camera(s->renderer, named ? key->camera : NULL, err);
}

static int open_pictures(loomSense* s, const char* label, const loomAssetRoots* roots, loomError* err) {
  loomRenderDef def = loom_default_render_def();
  def.width = s->width;
  def.height = s->height;
  def.shadows = s->def.shadows;
  def.collision = s->def.collision;

  loomModelDef model = loom_default_model_def();
  loomSimplifyDef light = loom_default_simplify_def();
  model.simplify = s->def.full ? NULL : &light;
  int code = loom_model_compile(&s->seen, s->xml, label, roots, &model, err);
  if (code) return code;

  // Light: no samples for smooth edges and hardly a shadow map where there are no shadows.
  loom_model_show(s->seen);
  s->seen->vis.quality.offsamples = def.shadows ? 4 : 0;
  if (!def.shadows) s->seen->vis.quality.shadowsize = 16;
  s->seen->vis.global.offwidth = def.width;
  s->seen->vis.global.offheight = def.height;

  s->seen_data = mj_makeData(s->seen);
  if (!s->seen_data) return no_memory(label, err);

  // A camera that is missing is told now, not when something is looked at.
  code = loom_renderer_create(&s->renderer, s->seen, &def, err);
  if (!code) loom_renderer_release(s->renderer);
  for (int i = 0; !code && i < s->n; i++)
    if (s->key[i].kind != LOOM_OBS_CLOUD) code = set_camera(s, &s->key[i], err);
  return code ? loom_error_prefix(err, code, "%s", label) : 0;
}

static int open_cloud(loomSense* s, const char* label, const loomAssetRoots* roots, loomError* err) {
  loomModelDef def = loom_default_model_def();
  def.visual = false;
  int code = loom_model_compile(&s->solid, s->xml, label, roots, &def, err);
  if (code) return code;

  // Where its cameras are before anything has moved them.
  size_t cameras = (size_t)s->solid->ncam;
  s->cameras = calloc(7 * cameras + 1, sizeof *s->cameras);
  for (size_t i = 0; s->cameras && i < cameras; i++) {
    mju_copy3(s->cameras + 7 * i, s->solid->cam_pos + 3 * i);
    mju_copy4(s->cameras + 7 * i + 3, s->solid->cam_quat + 4 * i);
  }

  s->solid_data = mj_makeData(s->solid);
  return s->solid_data && s->cameras ? loom_cloud_create(&s->cloud, &s->def.cloud, s->solid, err)
                                     : no_memory(label, err);
}

int loom_sense_model(loomSense* s, const char* xml, const char* label, const loomAssetRoots* roots,
                     loomError* err) {
  if (s->xml && !strcmp(s->xml, xml)) return 0;
  forget_model(s);

  s->xml = strdup(xml);
  int code = s->xml ? 0 : no_memory(label, err);
  if (!code && s->height) code = open_pictures(s, label, roots, err);
  if (!code && s->clouds) code = open_cloud(s, label, roots, err);
  if (code) forget_model(s);
  return code;
}

// A renderer has copies of textures.
static int show_textures(loomSense* s, loomError* err) {
  int code = 0;
  bool any = false;
  for (int i = 0; !code && i < s->seen_looks.textures; i++) {
    if (!s->seen_looks.changed[i]) continue;
    code = loom_renderer_set_texture(s->renderer, i, err);
    any = true;
  }
  if (any) loom_renderer_release(s->renderer);
  return code;
}

// What is wrong with the episode's clouds.
static loomCloudFault fault_of(const loomSense* s, const loomEpisode* e) {
  const loomDisturbance* d = e ? e->disturbance : NULL;
  if (!d) return (loomCloudFault){0};
  bool unaware = loom_disturb_at(e, 0, LOOM_DISTURB_CLOUD_UNAWARE, "") >= 0.5;
  return (loomCloudFault){.noise = loom_disturb_at(e, 0, LOOM_DISTURB_CLOUD_NOISE, ""),
                          .dropout = loom_disturb_at(e, 0, LOOM_DISTURB_CLOUD_DROPOUT, ""),
                          .believed = unaware ? s->cameras : NULL,
                          .seed = d->seed,
                          .number = d->number};
}

int loom_sense_looks(loomSense* s, const loomEpisode* e, loomError* err) {
  loom_distractors_place(&s->distractors, e);
  if (s->renderer)
    loom_renderer_decorate(s->renderer, s->distractors.n ? loom_distractors_add : NULL, &s->distractors);
  if (s->cloud) {
    loomCloudFault fault = fault_of(s, e);
    loom_cloud_set_fault(s->cloud, &fault);
  }
  int code = s->seen ? loom_looks_show(&s->seen_looks, s->seen, e, err) : 0;
  if (!code && s->renderer) code = show_textures(s, err);
  return !code && s->solid ? loom_looks_show(&s->solid_looks, s->solid, e, err) : code;
}

const mjModel* loom_sense_model_of(const loomSense* s) {
  return s->seen ? s->seen : s->solid;
}

static void place(const mjModel* m, mjData* d, const double* qpos) {
  mju_copy(d->qpos, qpos, (int)m->nq);
  mj_kinematics(m, d);
  mj_comPos(m, d);
  mj_camlight(m, d);
}

static int look_through(loomSense* s, const loomObsKey* key, void* out, loomError* err) {
  int code = set_camera(s, key, err);
  if (code) return code;

  switch (key->kind) {
    case LOOM_OBS_IMAGE:
      return loom_renderer_pixels(s->renderer, s->seen_data, out, NULL, err);
    case LOOM_OBS_DEPTH:
      return loom_renderer_pixels(s->renderer, s->seen_data, NULL, out, err);
    default:
      return loom_renderer_segments(s->renderer, s->seen_data, out, err);
  }
}

int loom_sense_look(void* const* out, loomSense* s, const double* qpos, loomError* err) {
  int code = 0;
  if (s->seen) place(s->seen, s->seen_data, qpos);
  if (s->solid) place(s->solid, s->solid_data, qpos);

  for (int i = 0; !code && i < s->n; i++) {
    if (s->key[i].kind == LOOM_OBS_CLOUD)
      loom_cloud_look(out[i], s->cloud, s->solid, s->solid_data);
    else
      code = look_through(s, &s->key[i], out[i], err);
  }

  // Another thread may be the next to look.
  if (s->renderer) loom_renderer_release(s->renderer);
  return code;
}
