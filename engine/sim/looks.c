#include "engine/sim/looks.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/pose.h"
#include "engine/draw/pattern.h"

// ---- a model's own looks

/// An array of a model, of so many numbers an entry.
typedef struct field {
  size_t array, count;  // offsets in mjModel
  int width;
  size_t size;  // of a number
} field;

// All that is changed below; the headlight is a part of the model's struct.
#define FIELD(array, count, width, type) \
  { offsetof(mjModel, array), offsetof(mjModel, count), width, sizeof(type) }
static const field fields[] = {
    FIELD(body_pos, nbody, 3, mjtNum),       FIELD(geom_rgba, ngeom, 4, float),
    FIELD(mat_specular, nmat, 1, float),     FIELD(mat_reflectance, nmat, 1, float),
    FIELD(light_pos, nlight, 3, mjtNum),     FIELD(light_pos0, nlight, 3, mjtNum),
    FIELD(light_poscom0, nlight, 3, mjtNum), FIELD(light_dir, nlight, 3, mjtNum),
    FIELD(light_dir0, nlight, 3, mjtNum),    FIELD(light_ambient, nlight, 3, float),
    FIELD(light_diffuse, nlight, 3, float),  FIELD(light_specular, nlight, 3, float),
    FIELD(cam_pos, ncam, 3, mjtNum),         FIELD(cam_pos0, ncam, 3, mjtNum),
    FIELD(cam_poscom0, ncam, 3, mjtNum),     FIELD(cam_quat, ncam, 4, mjtNum),
    FIELD(cam_mat0, ncam, 9, mjtNum),        FIELD(cam_fovy, ncam, 1, mjtNum),
    FIELD(cam_sensorsize, ncam, 2, float),
};
#undef FIELD
enum { FIELDS = sizeof fields / sizeof *fields };

static void* field_of(size_t* bytes, mjModel* m, const field* f) {
  mjtSize n;
  void* array;
  memcpy(&n, (const char*)m + f->count, sizeof n);
  memcpy(&array, (const char*)m + f->array, sizeof array);
  *bytes = (size_t)n * (size_t)f->width * f->size;
  return array;
}

// Between the model and the copy, one after the other.
static void copy_fields(char* own, mjModel* m, bool back) {
  size_t bytes;
  for (int i = 0; i < FIELDS; i++, own += bytes) {
    void* array = field_of(&bytes, m, &fields[i]);
    if (bytes) memcpy(back ? array : own, back ? own : array, bytes);
  }

  void* headlight = &m->vis.headlight;
  memcpy(back ? headlight : own, back ? own : headlight, sizeof m->vis.headlight);
}

static int keep_own(loomLooks* looks, mjModel* m, loomError* err) {
  size_t bytes, all = sizeof m->vis.headlight;
  for (int i = 0; i < FIELDS; i++) {
    field_of(&bytes, m, &fields[i]);
    all += bytes;
  }

  looks->own = malloc(all);
  if (!looks->own) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for the looks of a model");
  copy_fields(looks->own, m, false);
  return 0;
}

// ---- lights

static void scale(float* x, int n, double by) {
  for (int i = 0; i < n; i++) x[i] = (float)((double)x[i] * by);
}

static void light_brightness(mjModel* m, int light, double by) {
  bool headlight = light == (int)m->nlight;
  scale(headlight ? m->vis.headlight.ambient : m->light_ambient + 3 * light, 3, by);
  scale(headlight ? m->vis.headlight.diffuse : m->light_diffuse + 3 * light, 3, by);
  scale(headlight ? m->vis.headlight.specular : m->light_specular + 3 * light, 3, by);
}

// Those that follow bodies have their places at the reference position in arrays of their own.
static void light_position(mjModel* m, int light, const double by[3]) {
  if (light == (int)m->nlight) return;
  mju_addTo3(m->light_pos + 3 * light, by);
  mju_addTo3(m->light_pos0 + 3 * light, by);
  mju_addTo3(m->light_poscom0 + 3 * light, by);
}

static void light_turn(mjModel* m, int light, const double by[3]) {
  double turn[4];
  if (light == (int)m->nlight) return;
  loom_quat_exp(turn, by);
  double* direction[] = {m->light_dir + 3 * light, m->light_dir0 + 3 * light};
  for (int i = 0; i < 2; i++) {
    double before[3];
    mju_copy3(before, direction[i]);
    mju_rotVecQuat(direction[i], before, turn);
  }
}

// ---- colors

static double within(double x, double low, double high) {
  return fmin(fmax(x, low), high);
}

// A geom of MuJoCo's default color has its material's: what it shows becomes its own color.
static void geom_color(mjModel* m, int geom, const double by[3]) {
  static const float unsaid[4] = {0.5F, 0.5F, 0.5F, 1};
  float* rgba = m->geom_rgba + (ptrdiff_t)4 * geom;
  int material = m->geom_matid[geom];
  if (material >= 0 && !memcmp(rgba, unsaid, sizeof unsaid))
    memcpy(rgba, m->mat_rgba + (ptrdiff_t)4 * material, sizeof unsaid);

  for (int i = 0; i < 3; i++) rgba[i] = (float)within((double)rgba[i] * by[i], 0, 1);

  // Nor may it become that color by chance.
  if (material >= 0 && !memcmp(rgba, unsaid, sizeof unsaid)) rgba[0] = nextafterf(rgba[0], 1);
}

static void body_color(mjModel* m, int body, const double by[3]) {
  for (int g = m->body_geomadr[body]; g < m->body_geomadr[body] + m->body_geomnum[body]; g++)
    geom_color(m, g, by);
}

static void shine(mjModel* m, double by) {
  for (int i = 0; i < m->nmat; i++) {
    m->mat_specular[i] = (float)within((double)m->mat_specular[i] * by, 0, 1);
    m->mat_reflectance[i] = (float)within((double)m->mat_reflectance[i] * by, 0, 1);
  }
}

// A body and all that hangs on it.
static void hide(mjModel* m, int body) {
  const double as_it_is[3] = {1, 1, 1};
  for (int b = body; b < (int)m->nbody; b++) {
    int above = b;
    while (above > body) above = m->body_parentid[above];
    if (above != body) continue;

    // By a color of its own, of which nothing shows.
    for (int g = m->body_geomadr[b]; g < m->body_geomadr[b] + m->body_geomnum[b]; g++) {
      geom_color(m, g, as_it_is);
      m->geom_rgba[(ptrdiff_t)4 * g + 3] = 0;
    }
  }
}

// ---- textures

static int make_room(loomLooks* looks, const mjModel* m, loomError* err) {
  size_t n = (size_t)m->ntex;
  looks->picture = calloc(n, sizeof *looks->picture);
  looks->painted = calloc(n, sizeof *looks->painted);
  looks->changed = calloc(n, sizeof *looks->changed);
  if (!looks->picture || !looks->painted || !looks->changed)
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for the textures of a model");
  looks->textures = (int)n;
  return 0;
}

static size_t texture_bytes(const mjModel* m, int texture) {
  return (size_t)m->tex_width[texture] * (size_t)m->tex_height[texture] * (size_t)m->tex_nchannel[texture];
}

// What was painted has its own picture again.
static void clean_textures(loomLooks* looks, mjModel* m) {
  for (int i = 0; i < looks->textures; i++) {
    looks->changed[i] = looks->painted[i];
    if (looks->painted[i]) memcpy(m->tex_data + m->tex_adr[i], looks->picture[i], texture_bytes(m, i));
    looks->painted[i] = false;
  }
}

// A pattern by the bits of its number.
static int paint_texture(loomLooks* looks, mjModel* m, int texture, double number, loomError* err) {
  int code = looks->textures ? 0 : make_room(looks, m, err);
  if (code) return code;
  unsigned char* data = m->tex_data + m->tex_adr[texture];
  size_t bytes = texture_bytes(m, texture);

  if (!looks->picture[texture]) {
    looks->picture[texture] = malloc(bytes);
    if (!looks->picture[texture]) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a texture");
    memcpy(looks->picture[texture], data, bytes);
  }

  uint64_t seed;
  memcpy(&seed, &number, sizeof seed);
  loom_pattern_paint(data, m->tex_width[texture], m->tex_height[texture], m->tex_nchannel[texture], seed);
  looks->painted[texture] = looks->changed[texture] = true;
  return 0;
}

static int body_texture(loomLooks* looks, mjModel* m, int body, double number, loomError* err) {
  int code = 0, last = -1;
  if (!(number > 0)) return 0;

  // Geoms of a body mostly share one, which is painted once.
  for (int g = m->body_geomadr[body]; !code && g < m->body_geomadr[body] + m->body_geomnum[body]; g++) {
    int material = m->geom_matid[g];
    int texture = material < 0 ? -1 : m->mat_texid[material * mjNTEXROLE + mjTEXROLE_RGB];
    if (texture < 0 || texture == last) continue;
    code = paint_texture(looks, m, texture, number, err);
    last = texture;
  }
  return code;
}

// ---- cameras

static void camera_position(mjModel* m, int camera, const double by[3]) {
  mju_addTo3(m->cam_pos + (ptrdiff_t)3 * camera, by);
  mju_addTo3(m->cam_pos0 + (ptrdiff_t)3 * camera, by);
  mju_addTo3(m->cam_poscom0 + (ptrdiff_t)3 * camera, by);
}

static void camera_turn(mjModel* m, int camera, const double by[3]) {
  double turn[4], before[9], mat[9], *quat = m->cam_quat + (ptrdiff_t)4 * camera;
  loom_quat_exp(turn, by);

  mju_copy4(before, quat);
  mju_mulQuat(quat, before, turn);
  mju_normalize4(quat);

  double* mat0 = m->cam_mat0 + (ptrdiff_t)9 * camera;
  mju_quat2Mat(mat, turn);
  mju_copy(before, mat0, 9);
  mju_mulMatMat(mat0, before, mat, 3, 3, 3);
}

// Of a camera with a sensor size MuJoCo draws by that: it grows as the tangent of half the angle does.
static void camera_fovy(mjModel* m, int camera, double by) {
  double before = m->cam_fovy[camera], after = within(before * by, 1, 170);
  if (m->cam_projection[camera] == mjPROJ_ORTHOGRAPHIC) {
    m->cam_fovy[camera] *= by;  // a length
    return;
  }
  m->cam_fovy[camera] = after;
  scale(m->cam_sensorsize + (ptrdiff_t)2 * camera, 2, tan(after * mjPI / 360) / tan(before * mjPI / 360));
}

// ---- an episode's

static void show_target(mjModel* m, loomDisturbKind kind, int target, const double* x) {
  if (kind == LOOM_DISTURB_HEIGHT) m->body_pos[3 * target + 2] += *x;
  if (kind == LOOM_DISTURB_LIGHT) light_brightness(m, target, *x);
  if (kind == LOOM_DISTURB_LIGHT_POSITION) light_position(m, target, x);
  if (kind == LOOM_DISTURB_LIGHT_TURN) light_turn(m, target, x);
  if (kind == LOOM_DISTURB_COLOR) body_color(m, target, x);
  if (kind == LOOM_DISTURB_SHINE) shine(m, *x);
  if (kind == LOOM_DISTURB_HIDE && *x >= 0.5) hide(m, target);
  if (kind == LOOM_DISTURB_CAMERA_POSITION) camera_position(m, target, x);
  if (kind == LOOM_DISTURB_CAMERA_TURN) camera_turn(m, target, x);
  if (kind == LOOM_DISTURB_CAMERA_FOVY) camera_fovy(m, target, *x);
}

static int show_all(loomLooks* looks, mjModel* m, const loomDisturbance* d, loomError* err) {
  int code = 0;
  for (int i = 0; i < d->set->count; i++) {
    loomDisturbKind kind = d->set->terms[i].kind;
    const loomDrawn* drawn = &d->drawn[i];
    if (!(loom_disturb_kinds[kind].bits & LOOM_DISTURB_SEEN)) continue;

    for (int k = 0; !code && k < drawn->n; k++) {
      const double* x = drawn->value + (ptrdiff_t)k * loom_disturb_width(kind);
      if (kind == LOOM_DISTURB_TEXTURE)
        code = body_texture(looks, m, drawn->first + k, *x, err);
      else
        show_target(m, kind, drawn->first + k, x);
    }
  }
  return code;
}

int loom_looks_show(loomLooks* looks, mjModel* m, const loomEpisode* e, loomError* err) {
  const loomDisturbance* d = e ? e->disturbance : NULL;
  bool others = d && loom_disturb_does(d->set, LOOM_DISTURB_SEEN);
  clean_textures(looks, m);
  if (!others && !looks->others) return 0;

  // Its own first, which is what values are factors on.
  int code = looks->own ? 0 : keep_own(looks, m, err);
  if (code) return code;
  copy_fields(looks->own, m, true);
  looks->others = others;
  return others ? show_all(looks, m, d, err) : 0;
}

void loom_looks_destroy(loomLooks* looks) {
  for (int i = 0; i < looks->textures; i++) free(looks->picture[i]);
  free(looks->picture);
  free(looks->painted);
  free(looks->changed);
  free(looks->own);
  *looks = (loomLooks){0};
}
