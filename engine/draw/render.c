#include "engine/draw/render.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/draw/gl.h"
#include "engine/model/trap.h"

enum { MAX_GEOMS = 2000 };  // of a model

struct loomRenderer {
  loomGl* gl;
  const mjModel* model;
  loomRenderDef def;
  mjvScene scene;
  mjvCamera camera;
  mjvOption option;
  mjrContext context;
  bool has_scene, has_context;
  loomDecorate decorate;  // NULL = nothing is added
  void* user;
};

loomRenderDef loom_default_render_def(void) {
  return (loomRenderDef){.width = 320, .height = 240};
}

// Does a body hang on a free joint, as objects do?
static bool is_free(const mjModel* m, int body) {
  int root = m->body_rootid[body];
  return m->body_jntnum[root] == 1 && m->jnt_type[m->body_jntadr[root]] == mjJNT_FREE;
}

// The box around what moves, arms and objects: a point of each geom that is drawn, and how far it reaches;
// and the middle of where arms [0] and objects [1] stand. False where nothing moves.
static bool box_of_moving(double low[3], double high[3], double stand[2][2], const mjModel* m,
                          const double* qpos) {
  mjData* d = mj_makeData(m);
  int n[2] = {0, 0};
  bool any = false;
  if (!d) return false;
  if (qpos) mju_copy(d->qpos, qpos, (int)m->nq);
  mj_kinematics(m, d);
  memset(stand, 0, 4 * sizeof **stand);

  // A tree of bodies stands where its first one does.
  for (int b = 1; b < m->nbody; b++) {
    bool object = is_free(m, b), first = object
                                             ? b == m->body_rootid[b]
                                             : m->body_weldid[b] == b && !m->body_weldid[m->body_parentid[b]];
    if (!first) continue;
    for (int i = 0; i < 2; i++)
      stand[object][i] = (n[object] * stand[object][i] + d->xpos[3 * b + i]) / (n[object] + 1);
    n[object]++;
  }
  if (!n[0] || !n[1]) memset(stand, 0, 4 * sizeof **stand);

  for (int g = 0; g < m->ngeom; g++) {
    // Walls and floors may be anywhere; so may what is there for collisions only.
    if (!m->body_weldid[m->geom_bodyid[g]] || m->geom_group[g] > 2) continue;

    for (int i = 0; i < 3; i++) {
      double at = d->geom_xpos[3 * g + i], reach = m->geom_rbound[g];
      low[i] = any ? fmin(low[i], at - reach) : at - reach;
      high[i] = any ? fmax(high[i], at + reach) : at + reach;
    }
    any = true;
  }

  mj_deleteData(d);
  return any;
}

// All that moves, large enough to be seen: across the longer side of it, so that arms stand beside each
// other.
static void fit_to_moving(mjvCamera* out, const mjModel* m, const double* qpos) {
  double low[3], high[3], half[3], stand[2][2];
  if (!box_of_moving(low, high, stand, m, qpos)) return;

  for (int i = 0; i < 3; i++) {
    half[i] = (high[i] - low[i]) / 2;
    out->lookat[i] = low[i] + half[i];
  }

  // The ball around the box fits the picture's height, with a little room.
  out->distance = 1.1 * mju_norm3(half) / sin(m->vis.global.fovy * mjPI / 360);
  out->azimuth = half[1] > half[0] ? 180 : 90;
  out->elevation = -25;

  // Not over the arms' shoulders: the other way, where the objects lie behind them from here.
  int across = half[1] > half[0] ? 0 : 1;
  double ahead = stand[1][across] - stand[0][across];
  if (across == 0 ? ahead < -0.05 : ahead > 0.05) out->azimuth = fmod(out->azimuth + 180, 360);
}

void loom_free_camera(mjvCamera* out, const mjModel* model, const double* qpos) {
  mjv_defaultFreeCamera(model, out);

  // A model that says from where it is to be seen is not asked twice: MuJoCo's own angles are what it has
  // where it says nothing.
  mjVisual unsaid;
  mj_defaultVisual(&unsaid);
  if (model->vis.global.azimuth == unsaid.global.azimuth &&
      model->vis.global.elevation == unsaid.global.elevation)
    fit_to_moving(out, model, qpos);

  // robosuite's arenas: the top of the table, from where the robots look. Other models' tables are elsewhere.
  int table = mj_name2id(model, mjOBJ_BODY, "table");
  if (table < 0 || model->body_pos[3 * table + 2] < 0.5) return;
  const double at[3] = {0, 0, 0.95};
  memcpy(out->lookat, at, sizeof at);
  out->distance = 1.9;
  out->azimuth = 180;
  out->elevation = -25;
}

static bool is_seen(const mjModel* m, int root) {
  for (int g = 0; g < m->ngeom; g++)
    if (m->body_rootid[m->geom_bodyid[g]] == root && (m->geom_group[g] == 1 || m->geom_group[g] == 2))
      return true;
  return false;
}

void loom_model_show(mjModel* m) {
  for (int root = 0; root < m->nbody; root++) {
    if (m->body_rootid[root] != root || is_seen(m, root)) continue;
    for (int g = 0; g < m->ngeom; g++)
      if (m->body_rootid[m->geom_bodyid[g]] == root && !m->geom_group[g]) m->geom_group[g] = 2;
  }
}

static int make_context(void* arg) {
  loomRenderer* r = arg;
  mjv_defaultScene(&r->scene);
  mjv_makeScene(r->model, &r->scene, MAX_GEOMS + LOOM_MAX_DECORATION);
  r->has_scene = true;

  mjr_defaultContext(&r->context);
  mjr_makeContext(r->model, &r->context, mjFONTSCALE_100);
  r->has_context = true;

  mjr_setBuffer(mjFB_OFFSCREEN, &r->context);
  r->context.readDepthMap = mjDEPTH_ZEROFAR;
  return 0;
}

int loom_renderer_create(loomRenderer** out, const mjModel* model, const loomRenderDef* def, loomError* err) {
  *out = NULL;
  loomRenderer* r = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a renderer");
  r->model = model;
  r->def = *def;

  loom_free_camera(&r->camera, model, NULL);
  mjv_defaultOption(&r->option);

  // robosuite marks frames with sites that are meters long.
  memset(r->option.sitegroup, 0, sizeof r->option.sitegroup);

  // Collision shapes are of groups 0 and 3, what is seen of groups 1 and 2.
  r->option.geomgroup[0] = def->collision;
  r->option.geomgroup[1] = !def->collision;
  r->option.geomgroup[3] = def->collision;

  int code = loom_renderer_set_camera(r, def->camera, err);
  if (!code) code = loom_gl_create(&r->gl, err);
  if (!code) code = loom_trap_run(make_context, r, err);
  if (!code && (r->context.offWidth < def->width || r->context.offHeight < def->height)) {
    mjr_resizeOffscreen(def->width, def->height, &r->context);
  }

  if (code) {
    loom_renderer_destroy(r);
    return code;
  }

  r->scene.flags[mjRND_SHADOW] = def->shadows;
  r->scene.flags[mjRND_REFLECTION] = def->shadows;
  *out = r;
  return 0;
}

int loom_camera_check(const mjModel* m, const char* camera, loomError* err) {
  char names[600] = "";
  if (!camera || mj_name2id(m, mjOBJ_CAMERA, camera) >= 0) return 0;

  // Which one it may have been: those that the model has.
  for (int i = 0; i < m->ncam; i++) {
    size_t used = strlen(names);
    const char* name = mj_id2name(m, mjOBJ_CAMERA, i);
    if (name && *name) snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", name);
  }
  return loom_error_set(err, LOOM_ERR_USAGE, "the model has no camera '%.100s'; it has %s", camera,
                        *names ? names : "none");
}

void loom_renderer_aim(loomRenderer* r, const double* qpos) {
  if (!r->def.camera) loom_free_camera(&r->camera, r->model, qpos);
}

int loom_renderer_set_camera(loomRenderer* r, const char* camera, loomError* err) {
  int id = camera ? mj_name2id(r->model, mjOBJ_CAMERA, camera) : -1;
  int code = loom_camera_check(r->model, camera, err);
  if (code) return code;

  r->camera.type = camera ? mjCAMERA_FIXED : mjCAMERA_FREE;
  r->camera.fixedcamid = id;
  return 0;
}

typedef struct upload {
  loomRenderer* renderer;
  int texture;
} upload;

static int upload_texture(void* arg) {
  const upload* u = arg;
  mjr_uploadTexture(u->renderer->model, &u->renderer->context, u->texture);
  return 0;
}

int loom_renderer_set_texture(loomRenderer* r, int texture, loomError* err) {
  int code = loom_gl_make_current(r->gl, err);
  return code ? code : loom_trap_run(upload_texture, &(upload){r, texture}, err);
}

void loom_renderer_decorate(loomRenderer* r, loomDecorate decorate, void* user) {
  r->decorate = decorate;
  r->user = user;
}

// From the depth buffer, 1 at the near plane and 0 at the far one, to meters.
static void meters(float* depth, const mjModel* m, size_t n) {
  double near = m->vis.map.znear * m->stat.extent, far = m->vis.map.zfar * m->stat.extent;
  for (size_t i = 0; i < n; i++) depth[i] = (float)(near * far / (near + depth[i] * (far - near)));
}

// rgb and depth may be NULL; what decorates the model is drawn where it is asked for.
static int draw_scene(loomRenderer* r, mjData* d, unsigned char* rgb, float* depth, bool decorated,
                      loomError* err) {
  int width = r->def.width, height = r->def.height;
  mjrRect view = {0, 0, width, height};
  int code = loom_gl_make_current(r->gl, err);
  if (code) return code;

  mjv_updateScene(r->model, d, &r->option, NULL, &r->camera, mjCAT_ALL, &r->scene);
  if (decorated && r->decorate) r->decorate(r->user, &r->scene, &r->option);

  mjr_render(view, &r->scene, &r->context);
  mjr_readPixels(rgb, depth, view, &r->context);

  // OpenGL's first row is the lowest one.
  if (rgb) loom_rows_turn(rgb, height, 3 * (size_t)width);
  if (!depth) return 0;
  loom_rows_turn(depth, height, sizeof *depth * (size_t)width);
  meters(depth, r->model, (size_t)width * (size_t)height);
  return 0;
}

int loom_renderer_pixels(loomRenderer* r, mjData* d, unsigned char* rgb, float* depth, loomError* err) {
  return draw_scene(r, d, rgb, depth, true, err);
}

static int check_size(const loomRenderer* r, const loomImage* image, loomError* err) {
  if (image->width == r->def.width && image->height == r->def.height) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE, "the image has another size than the renderer");
}

int loom_renderer_draw(loomRenderer* r, mjData* d, loomImage* image, loomError* err) {
  int code = check_size(r, image, err);
  return code ? code : draw_scene(r, d, image->rgb, NULL, true, err);
}

int loom_renderer_segments(loomRenderer* r, mjData* d, int32_t* geom, loomError* err) {
  int32_t shown[MAX_GEOMS];  // by segmentation id
  size_t n = (size_t)r->def.width * (size_t)r->def.height;
  unsigned char* rgb = malloc(3 * n);
  if (!rgb) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a picture");

  mjtByte flags[mjNRNDFLAG];
  memcpy(flags, r->scene.flags, sizeof flags);
  r->scene.flags[mjRND_SEGMENT] = r->scene.flags[mjRND_IDCOLOR] = 1;  // the color is the id plus one
  int code = draw_scene(r, d, rgb, NULL, false, err);
  memcpy(r->scene.flags, flags, sizeof flags);

  // Segmentation ids are places in the scene's list of geoms, which says whose they are.
  memset(shown, -1, sizeof shown);
  for (int k = 0; k < r->scene.ngeom; k++) {
    const mjvGeom* g = &r->scene.geoms[k];
    if (g->segid >= 0 && g->segid < MAX_GEOMS && g->objtype == mjOBJ_GEOM) shown[g->segid] = g->objid;
  }
  for (size_t i = 0; !code && i < n; i++) {
    int id = rgb[3 * i] + 256 * rgb[3 * i + 1] + 65536 * rgb[3 * i + 2] - 1;
    geom[i] = id >= 0 && id < MAX_GEOMS ? shown[id] : -1;
  }
  free(rgb);
  return code;
}

// ---- depth and segments as colors

// Share 0 to 1 of matplotlib's viridis, by its quarters.
static void viridis(unsigned char rgb[3], double share) {
  static const double color[5][3] = {
      {68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}};

  double at = 4 * (share < 0 ? 0 : share > 1 ? 1 : share);
  int k = at < 4 ? (int)at : 3;
  for (int i = 0; i < 3; i++)
    rgb[i] = (unsigned char)lround(color[k][i] + (at - k) * (color[k + 1][i] - color[k][i]));
}

int loom_renderer_draw_depth(loomRenderer* r, mjData* d, loomImage* image, double near, double far,
                             loomError* err) {
  int code = check_size(r, image, err);
  size_t n = (size_t)r->def.width * (size_t)r->def.height;

  float* depth = code ? NULL : malloc(n * sizeof *depth);
  if (!code && !depth) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a picture");
  if (!code) code = draw_scene(r, d, NULL, depth, false, err);
  for (size_t i = 0; !code && i < n; i++)
    viridis(image->rgb + 3 * i, (far - (double)depth[i]) / (far - near));

  free(depth);
  return code;
}

// Hues of bodies follow the golden ratio, so that neighbors differ.
static void segment_color(unsigned char rgb[3], const mjModel* m, int geom) {
  int body = m->geom_bodyid[geom];
  double hue = 6 * fmod(0.1 + 0.618033988749895 * body, 1),
         value = 245 - 45 * ((geom - m->body_geomadr[body]) % 4);
  for (int i = 0; i < 3; i++) {
    double away = fabs(fmod(hue + 6 - 2 * i, 6) - 3);  // 3 at the color's own hue
    double share = away - 1 < 0 ? 0 : away - 1 > 1 ? 1 : away - 1;
    rgb[i] = (unsigned char)lround(value * (0.25 + 0.75 * share));
  }
}

int loom_renderer_draw_segments(loomRenderer* r, mjData* d, loomImage* image, loomError* err) {
  int code = check_size(r, image, err);
  size_t n = (size_t)r->def.width * (size_t)r->def.height;

  int32_t* geom = code ? NULL : malloc(n * sizeof *geom);
  if (!code && !geom) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a picture");
  if (!code) code = loom_renderer_segments(r, d, geom, err);

  for (size_t i = 0; !code && i < n; i++) {
    memset(image->rgb + 3 * i, 0, 3);
    if (geom[i] >= 0) segment_color(image->rgb + 3 * i, r->model, geom[i]);
  }

  free(geom);
  return code;
}

const char* loom_renderer_gl(const loomRenderer* r) {
  return loom_gl_name(r->gl);
}

void loom_renderer_release(loomRenderer* r) {
  loom_gl_release(r->gl);
}

void loom_renderer_destroy(loomRenderer* r) {
  if (!r) return;
  if (r->has_context && !loom_gl_make_current(r->gl, NULL)) mjr_freeContext(&r->context);
  if (r->has_scene) mjv_freeScene(&r->scene);
  loom_gl_destroy(r->gl);
  free(r);
}
