// Models that are drawn as a disturbed episode looks: what each term changes, nothing else, and all of it
// back again to the bit.
#include "engine/sim/looks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/pose.h"
#include "engine/model/model.h"

static const char xml[] =
    "<mujoco><visual><headlight ambient='.1 .2 .3' diffuse='.4 .5 .6'/></visual>"
    "<asset><texture name='grain' type='2d' builtin='flat' rgb1='.9 .7 .5' width='16' height='16'/>"
    "<texture name='sky' type='skybox' builtin='flat' width='4' height='4'/>"
    "<material name='wood' texture='grain' rgba='.8 .6 .4 1' specular='.6' reflectance='.2'/></asset>"
    "<worldbody><geom name='floor' type='plane' size='1 1 1' material='wood'/><light name='lamp' pos='0 0 2' "
    "dir='0 0 -1' diffuse='.6 .5 .4'/>"
    "<camera name='front' pos='1 0 1' xyaxes='0 1 0 -1 0 1' fovy='40'/>"
    "<camera name='above' pos='0 0 3' fovy='150'/>"
    "<body name='table'><geom name='top' type='box' size='.5 .5 .1' material='wood'/>"
    "<geom name='gray' type='box' size='.1 .1 .1' rgba='.2 .4 .9 1'/></body>"
    "<body name='cup'><freejoint/><geom name='cup' size='.1' material='wood'/></body></worldbody></mujoco>";

static mjModel* m;
static loomLooks looks;

static int open_model(void** state) {
  loomError err = {0, ""};
  (void)state;
  looks = (loomLooks){0};
  return loom_model_compile(&m, xml, "test", &(loomAssetRoots){0}, NULL, &err);
}

static int close_model(void** state) {
  (void)state;
  loom_looks_destroy(&looks);
  mj_deleteModel(m);
  return 0;
}

// As an episode with one term looks, of one target from `first` on.
static void show(loomDisturbKind kind, int first, const double* values) {
  loomDisturbTerm term = {.kind = kind};
  loomDisturbSet set = {.label = "made", .count = 1, .terms = &term};
  double value[3];
  memcpy(value, values, sizeof *value * (size_t)loom_disturb_width(kind));
  loomDrawn drawn = {.first = first, .n = 1, .value = value};
  loomDisturbance d = {.set = &set, .drawn = &drawn};
  loomEpisode e = {.disturbance = &d};

  loomError err = {0, ""};
  assert_int_equal(loom_looks_show(&looks, m, &e, &err), 0);
}

#define SHOW(kind, first, ...) show(LOOM_DISTURB_##kind, first, (const double[]){__VA_ARGS__})

static void near(double a, double b) {
  if (fabs(a - b) > 1e-6) fail_msg("%.9g where %.9g is wanted", a, b);
}

static void near3(const float* a, double x, double y, double z) {
  near((double)a[0], x);
  near((double)a[1], y);
  near((double)a[2], z);
}

static const float* rgba(const char* geom) {
  return m->geom_rgba + (ptrdiff_t)4 * mj_name2id(m, mjOBJ_GEOM, geom);
}

static void lights_and_the_headlight_are_apart(void** state) {
  (void)state;
  SHOW(LIGHT, 0, 0.5);
  near3(m->light_diffuse, 0.3, 0.25, 0.2);
  near3(m->vis.headlight.diffuse, 0.4, 0.5, 0.6);

  // Each time from the model's own on; the last one is the headlight.
  SHOW(LIGHT, 1, 0);
  near3(m->light_diffuse, 0.6, 0.5, 0.4);
  near3(m->vis.headlight.ambient, 0, 0, 0);
  near3(m->vis.headlight.diffuse, 0, 0, 0);

  SHOW(LIGHT_POSITION, 0, 0.1, -0.2, 0.3);
  near(m->light_pos[0], 0.1);
  near(m->light_pos[2], 2.3);
  SHOW(LIGHT_TURN, 0, mjPI / 2, 0, 0);
  near(m->light_dir[1], 1);
  near(m->light_dir[2], 0);
}

// Where a geom has its material's color, other geoms of the material keep theirs.
static void colors_are_of_bodies(void** state) {
  (void)state;
  SHOW(COLOR, mj_name2id(m, mjOBJ_BODY, "table"), 0.5, 1, 2);
  near3(rgba("top"), 0.4, 0.6, 0.8);
  near3(rgba("gray"), 0.1, 0.4, 1);
  near3(rgba("cup"), 0.5, 0.5, 0.5);
  near3(m->mat_rgba, 0.8, 0.6, 0.4);

  // MuJoCo's default would be taken for no color at all.
  SHOW(COLOR, mj_name2id(m, mjOBJ_BODY, "cup"), 0.5 / 0.8, 0.5 / 0.6, 0.5 / 0.4);
  near3(rgba("cup"), 0.5, 0.5, 0.5);
  assert_true(rgba("cup")[0] != 0.5F || rgba("cup")[1] != 0.5F || rgba("cup")[2] != 0.5F);

  SHOW(SHINE, 0, 2);
  near((double)m->mat_specular[0], 1);
  near((double)m->mat_reflectance[0], 0.4);
}

// A body's texture shows a pattern of its own for each number, its own picture for none, and nothing else
// changes.
static void textures_show_patterns(void** state) {
  (void)state;
  int grain = mj_name2id(m, mjOBJ_TEXTURE, "grain"), top = mj_name2id(m, mjOBJ_BODY, "table");
  size_t bytes = 16 * 16 * 3, all = (size_t)m->ntexdata;
  const unsigned char* data = m->tex_data + m->tex_adr[grain];
  unsigned char* before = malloc(all);
  unsigned char first[16 * 16 * 3];
  assert_non_null(before);
  assert_int_equal(m->tex_nchannel[grain], 3);
  memcpy(before, m->tex_data, all);

  SHOW(TEXTURE, top, 0.3);
  assert_true(looks.changed[grain]);
  memcpy(first, data, bytes);
  assert_memory_not_equal(first, before + m->tex_adr[grain], bytes);
  SHOW(TEXTURE, top, 0.7);
  assert_true(looks.changed[grain]);
  assert_memory_not_equal(first, data, bytes);
  SHOW(TEXTURE, top, 0.3);
  assert_memory_equal(first, data, bytes);

  // All others are as they were; and so is this one again, which a renderer has to be told.
  memcpy(first, before + m->tex_adr[grain], bytes);
  for (int i = 0; i < m->ntex; i++)
    if (i != grain) assert_false(looks.changed[i]);
  SHOW(TEXTURE, top, -0.3);
  assert_true(looks.changed[grain]);
  assert_memory_equal(m->tex_data, before, all);
  SHOW(TEXTURE, top, 0);
  assert_false(looks.changed[grain]);
  free(before);
}

// A body with all that hangs on it; the world is all there is.
static void what_is_hidden_does_not_show(void** state) {
  (void)state;
  SHOW(HIDE, mj_name2id(m, mjOBJ_BODY, "table"), 0.5);
  near((double)rgba("top")[3], 0);
  near((double)rgba("gray")[3], 0);
  near((double)rgba("cup")[3], 1);

  SHOW(HIDE, mj_name2id(m, mjOBJ_BODY, "table"), 0.49);
  near((double)rgba("top")[3], 1);
  SHOW(HIDE, 0, 1);
  near((double)rgba("floor")[3], 0);
  near((double)rgba("cup")[3], 0);
}

static void cameras_move_in_their_bodys_frame_and_turn_in_their_own(void** state) {
  (void)state;
  mjData* d = mj_makeData(m);
  SHOW(CAMERA_POSITION, 0, 0.1, 0, -0.1);
  mj_forward(m, d);
  near(d->cam_xpos[0], 1.1);
  near(d->cam_xpos[2], 0.9);

  // About its own y: its x axis, that of the world's y, goes towards where it looks, away from z.
  SHOW(CAMERA_TURN, 0, 0, mjPI / 2, 0);
  mj_forward(m, d);
  near(d->cam_xpos[0], 1);
  near(d->cam_xmat[0], -sqrt(0.5));
  near(d->cam_xmat[6], -sqrt(0.5));

  SHOW(CAMERA_FOVY, 0, 1.5);
  near(m->cam_fovy[0], 60);
  SHOW(CAMERA_FOVY, 1, 1.5);
  near(m->cam_fovy[0], 40);
  near(m->cam_fovy[1], 170);
  mj_deleteData(d);
}

// Whatever it showed: undisturbed, or by terms that change nothing that is seen, it is as it was compiled.
static void a_model_has_its_own_looks_again(void** state) {
  static const loomDisturbKind kinds[] = {
      LOOM_DISTURB_HEIGHT,      LOOM_DISTURB_LIGHT,  LOOM_DISTURB_LIGHT_POSITION,  LOOM_DISTURB_LIGHT_TURN,
      LOOM_DISTURB_COLOR,       LOOM_DISTURB_SHINE,  LOOM_DISTURB_CAMERA_POSITION, LOOM_DISTURB_CAMERA_TURN,
      LOOM_DISTURB_CAMERA_FOVY, LOOM_DISTURB_TEXTURE};
  (void)state;
  loomError err = {0, ""};
  loomEpisode calm = {0};
  size_t bytes = (size_t)m->nbuffer;
  char* fresh = malloc(bytes);
  assert_non_null(fresh);
  memcpy(fresh, m->buffer, bytes);
  mjVisual vis = m->vis;

  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    show(kinds[i], 0, (const double[]){0.3, 0.4, 0.5});
    if (!memcmp(fresh, m->buffer, bytes)) fail_msg("%s changes nothing", loom_disturb_kinds[kinds[i]].key);
    assert_int_equal(loom_looks_show(&looks, m, i % 2 ? &calm : NULL, &err), 0);
    assert_memory_equal(fresh, m->buffer, bytes);
  }

  SHOW(LIGHT, 1, 0.3);
  show(LOOM_DISTURB_MASS, 0, (const double[]){2});
  assert_memory_equal(fresh, m->buffer, bytes);
  assert_memory_equal(&vis, &m->vis, sizeof vis);
  free(fresh);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(lights_and_the_headlight_are_apart, open_model, close_model),
      cmocka_unit_test_setup_teardown(colors_are_of_bodies, open_model, close_model),
      cmocka_unit_test_setup_teardown(textures_show_patterns, open_model, close_model),
      cmocka_unit_test_setup_teardown(what_is_hidden_does_not_show, open_model, close_model),
      cmocka_unit_test_setup_teardown(cameras_move_in_their_bodys_frame_and_turn_in_their_own, open_model,
                                      close_model),
      cmocka_unit_test_setup_teardown(a_model_has_its_own_looks_again, open_model, close_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
