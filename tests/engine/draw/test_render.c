// Offscreen drawing on EGL and on OSMesa: both draw the same picture, and a machine with neither fails here.
// Each kind is tried in a process of its own, since libraries once opened stay.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdbool.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/draw/chart.h"
#include "engine/draw/gl.h"
#include "engine/draw/render.h"
#include "engine/model/model.h"

enum { WIDTH = 160, HEIGHT = 120 };

// A red ball left of the middle, a blue box right of it, seen from above by a camera of the model.
static const char scene[] =
    "<mujoco><visual><headlight ambient='.5 .5 .5' diffuse='.5 .5 .5' specular='0 0 0'/></visual><worldbody>"
    "<camera name='above' pos='0 0 3' fovy='60'/>"
    "<camera name='away' pos='0 0 3' xyaxes='1 0 0 0 -1 0'/>"
    "<geom group='1' type='sphere' size='.5' pos='-1 0 0' rgba='1 0 0 1'/>"
    "<geom group='1' type='box' size='.5 .5 .5' pos='1 0 0' rgba='0 0 1 1'/>"
    "</worldbody></mujoco>";

typedef struct drawn {
  int code;
  loomError err;
  char kind[16];
  unsigned char above[3 * WIDTH * HEIGHT], away[3 * WIDTH * HEIGHT];
  float depth[WIDTH * HEIGHT];
  int32_t geom[WIDTH * HEIGHT];
  unsigned char depths[3 * WIDTH * HEIGHT], segments[3 * WIDTH * HEIGHT], decorated[3 * WIDTH * HEIGHT];
} drawn;

// A green dot in the middle of the picture.
static void decorate(void* user, mjvScene* s, const mjvOption* option) {
  mjtNum size[3] = {0.3, 0.3, 0.3}, at[3] = {0, 0, 0};
  (void)option;
  mjv_initGeom(&s->geoms[s->ngeom++], mjGEOM_SPHERE, size, at, NULL, (const float*)user);
}

static int draw(drawn* out) {
  mjModel* model = NULL;
  loomRenderer* renderer = NULL;
  loomGl* gl = NULL;
  loomRenderDef def = loom_default_render_def();
  loomImage image;
  def.width = WIDTH;
  def.height = HEIGHT;
  def.camera = "above";

  // Which kind of context this machine gives.
  int code = loom_gl_create(&gl, &out->err);
  if (!code) snprintf(out->kind, sizeof out->kind, "%s", loom_gl_name(gl));
  loom_gl_destroy(gl);

  // The scene at rest.
  if (!code) code = loom_model_compile(&model, scene, "scene", NULL, NULL, &out->err);
  if (code) return code;
  mjData* data = mj_makeData(model);
  mj_forward(model, data);

  // From above: the picture, and again with depth, which must not change it.
  code = loom_image_create(&image, WIDTH, HEIGHT, &out->err);
  if (!code) code = loom_renderer_create(&renderer, model, &def, &out->err);
  if (!code) code = loom_renderer_draw(renderer, data, &image, &out->err);
  if (!code) memcpy(out->above, image.rgb, sizeof out->above);
  if (!code) code = loom_renderer_pixels(renderer, data, image.rgb, out->depth, &out->err);
  if (!code && memcmp(out->above, image.rgb, sizeof out->above)) code = -101;

  // Which geom each pixel shows.
  if (!code) code = loom_renderer_segments(renderer, data, out->geom, &out->err);

  // The same view with a decoration, as depth from 1 to 3 m and as segments.
  float green[4] = {0, 1, 0, 1};
  if (!code) loom_renderer_decorate(renderer, decorate, green);
  if (!code) code = loom_renderer_draw(renderer, data, &image, &out->err);
  if (!code) memcpy(out->decorated, image.rgb, sizeof out->decorated);
  if (!code) code = loom_renderer_draw_depth(renderer, data, &image, 1, 3, &out->err);
  if (!code) memcpy(out->depths, image.rgb, sizeof out->depths);
  if (!code) code = loom_renderer_draw_segments(renderer, data, &image, &out->err);
  if (!code) memcpy(out->segments, image.rgb, sizeof out->segments);

  // A camera that looks away.
  if (!code) loom_renderer_decorate(renderer, NULL, NULL);
  if (!code) code = loom_renderer_set_camera(renderer, "away", &out->err);
  if (!code) code = loom_renderer_draw(renderer, data, &image, &out->err);
  if (!code) memcpy(out->away, image.rgb, sizeof out->away);

  // A camera that is not there is refused by a message with those that are.
  loomError why = {0, ""};
  if (!code && loom_renderer_set_camera(renderer, "nowhere", &why) != LOOM_ERR_USAGE) code = -100;
  if (!code && !strstr(why.message, "it has above, away")) code = -102;

  loom_renderer_destroy(renderer);
  loom_image_destroy(&image);
  mj_deleteData(data);
  mj_deleteModel(model);
  return code;
}

// In a child, with DEMOLOOM_GL set to `kind` (NULL: not set).
static drawn* draw_with(const char* kind) {
  // Memory that the child shares.
  drawn* out = mmap(NULL, sizeof *out, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(out != MAP_FAILED);
  int status = -1;
  out->code = -99;

  // The child draws and says how it went.
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (kind) setenv("DEMOLOOM_GL", kind, 1);
    if (!kind) unsetenv("DEMOLOOM_GL");
    out->code = draw(out);
    _exit(0);
  }

  // A driver that crashes is a failure of the test.
  waitpid(child, &status, 0);
  if (!WIFEXITED(status)) fail_msg("drawing with %s ended with signal %d", kind, WTERMSIG(status));
  return out;
}

static void check_picture(const drawn* d) {
  const unsigned char* row = d->above + (size_t)3 * WIDTH * (HEIGHT / 2);
  const unsigned char *ball = row + (size_t)3 * 33, *box = row + (size_t)3 * 127, *corner = d->above;

  // Red, blue, and nothing in the corner.
  assert_true(ball[0] > 150 && ball[1] < 60 && ball[2] < 60);
  assert_true(box[2] > 150 && box[0] < 60 && box[1] < 60);
  assert_true(corner[0] < 60 && corner[1] < 60 && corner[2] < 60);

  // No red from the camera that looks away.
  for (size_t i = 0; i < sizeof d->away; i += 3) assert_false(d->away[i] > 150 && d->away[i + 1] < 60);
}

// Distance along the camera's axis at which a pixel's ray meets the ball, m.
static double ball_depth(int x, int y) {
  double scale = tan(mjPI / 6) / (HEIGHT / 2.0);
  double dx = (x + 0.5 - WIDTH / 2.0) * scale, dy = (HEIGHT / 2.0 - y - 0.5) * scale;
  double to[3] = {-1, 0, -3}, way[3] = {dx, dy, -1};  // from the camera: the ball's middle, the ray
  double a = mju_dot3(way, way), b = mju_dot3(way, to), c = mju_dot3(to, to) - 0.25;

  // The nearer root of |t way - to|^2 = r^2.
  return (b - sqrt(b * b - a * c)) / a;
}

static void check_depth(const drawn* d) {
  const float* depth = d->depth + (size_t)WIDTH * (HEIGHT / 2);
  const int32_t* geom = d->geom + (size_t)WIDTH * (HEIGHT / 2);

  // The box's top is 0.5 m high, the camera 3 m.
  assert_true(fabs((double)depth[127] - 2.5) < 2e-3);

  // The ball is drawn as a polyhedron.
  assert_true(fabs((double)depth[33] - ball_depth(33, HEIGHT / 2)) < 0.01);
  assert_true(fabs((double)d->depth[WIDTH * 45 + 38] - ball_depth(38, 45)) < 0.01);

  // Nothing is drawn far away.
  assert_true(d->depth[0] > 10);
  assert_int_equal(geom[33], 0);
  assert_int_equal(geom[127], 1);
  assert_int_equal(d->geom[0], -1);
}

static bool is_color(const unsigned char* p, int r, int g, int b) {
  return abs(p[0] - r) <= 2 && abs(p[1] - g) <= 2 && abs(p[2] - b) <= 2;
}

// Depth and segments as colors; what decorates the model is in the plain picture alone.
static void check_colors(const drawn* d) {
  size_t row = (size_t)WIDTH * (HEIGHT / 2), middle = 3 * (row + WIDTH / 2), box = 3 * (row + 127),
         ball = 3 * (row + 33);

  // The green dot is in the decorated picture alone.
  assert_true(d->decorated[middle + 1] > 150 && d->decorated[middle] < 60);
  assert_true(d->above[middle + 1] < 60);
  assert_memory_equal(d->decorated + box, d->above + box, 3);

  // Depth: 2.5 m of 1 to 3 is a quarter of viridis.
  assert_true(is_color(d->depths + box, 59, 82, 139));  // 2.5 m of 1 to 3: a quarter of viridis
  assert_true(is_color(d->depths + middle, 68, 1, 84));

  // Segments: black is nothing, each geom has its own color.
  assert_true(is_color(d->segments + middle, 0, 0, 0));
  assert_true(memcmp(d->segments + ball, d->segments + box, 3));
  assert_true(d->segments[box] + d->segments[box + 1] + d->segments[box + 2] > 150);
}

static void both_kinds_draw_the_same(void** state) {
  (void)state;
  drawn *egl = draw_with("egl"), *osmesa = draw_with("osmesa"), *free_choice = draw_with(NULL);

  // One of the two must work, and the free choice prefers EGL.
  if (egl->code && osmesa->code)
    fail_msg("nothing draws here: %s / %s", egl->err.message, osmesa->err.message);
  if (egl->code) print_message("EGL was not tested: %s\n", egl->err.message);
  if (osmesa->code) print_message("OSMesa was not tested: %s\n", osmesa->err.message);
  if (free_choice->code) fail_msg("%s", free_choice->err.message);
  assert_string_equal(free_choice->kind, egl->code ? "osmesa" : "egl");

  // The same picture, whoever draws it.
  check_picture(free_choice);
  check_depth(free_choice);
  check_colors(free_choice);
  if (!osmesa->code) check_depth(osmesa);
  if (!egl->code) check_picture(egl);
  if (!osmesa->code) check_picture(osmesa);

  // Pixel for pixel, but for rounding.
  int worst = 0;
  for (size_t i = 0; i < sizeof egl->above && !egl->code && !osmesa->code; i++) {
    int difference = abs(egl->above[i] - osmesa->above[i]);
    worst = difference > worst ? difference : worst;
  }
  assert_true(worst <= 8 || egl->code || osmesa->code);

  munmap(egl, sizeof *egl);
  munmap(osmesa, sizeof *osmesa);
  munmap(free_choice, sizeof *free_choice);
}

// What has nothing but geoms of group 0 is to be seen, the world's and a tree's each for itself; what
// collides beside something that is seen is not. The view is MuJoCo's own but where there is a table.
static void models_without_groups_are_seen(void** state) {
  (void)state;
  static const char bodies[] =
      "<mujoco><statistic center='3 2 1' extent='2'/><worldbody><geom name='floor' type='plane' size='1 1 "
      "1'/>"
      "<body name='plain'><geom name='lump' size='.1'/><body><geom name='shell' size='.1' group='3'/></body>"
      "</body><body name='%s' pos='0 0 %g'><geom name='hull' size='.1'/><body><geom name='skin' size='.1' "
      "group='1'/>"
      "</body></body></worldbody></mujoco>";
  static const struct {
    const char* geom;
    int group;
  } shown[] = {{"floor", 2}, {"lump", 2}, {"shell", 3}, {"hull", 0}, {"skin", 1}};

  // Once with a body named table where robosuite's stands, once with one elsewhere, once without.
  static const struct {
    const char* name;
    double height;
    bool table;
  } cases[] = {{"table", 0.775, true}, {"table", 0, false}, {"dressed", 0.775, false}};
  for (int k = 0; k < 3; k++) {
    bool table = cases[k].table;
    char xml[600];
    mjModel* m = NULL;
    mjvCamera camera;
    loomError err = {0, ""};
    snprintf(xml, sizeof xml, bodies, cases[k].name, cases[k].height);
    if (loom_model_compile(&m, xml, "bodies", NULL, NULL, &err)) fail_msg("%s", err.message);

    // What is seen, body by body.
    loom_model_show(m);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
      assert_int_equal(m->geom_group[mj_name2id(m, mjOBJ_GEOM, shown[i].geom)], shown[i].group);

    // The view is set for a table, MuJoCo's own otherwise.
    loom_free_camera(&camera, m, NULL);
    assert_true(table ? camera.lookat[0] == 0 && camera.azimuth == 180
                      : camera.lookat[0] == 3 && camera.lookat[2] == 1);
    mj_deleteModel(m);
  }
}

// Arms and objects are what a model without a table is seen by, side by side; a floor far away is not.
static void what_moves_is_in_the_middle(void** state) {
  (void)state;
  static const struct {
    const char *view, *first, *second;
    double azimuth, lookat[2];
  } rows[] = {{"", "1 -1 0", "1 1 0", 180, {1, 0}},
              {"", "-1 2 0", "1 2 0", 90, {0, 2}},
              {"", "1.5 -1 0", "1 1 0", 0, {1.25, 0}},  // else the object would be behind the arm
              {"", "-1 2 0", "1 2.5 0", 270, {0, 2.25}},
              {"<visual><global azimuth='30'/></visual>", "1 -1 0", "1 1 0", 30, {5, 5}}};

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char xml[800];
    mjModel* m = NULL;
    mjvCamera camera;
    loomError err = {0, ""};
    snprintf(xml, sizeof xml,
             "<mujoco>%s<statistic center='5 5 0'/><worldbody><geom type='box' size='9 9 .1' pos='50 0 0'/>"
             "<body pos='%s'><joint type='slide'/><geom size='.1'/></body>"
             "<body pos='%s'><freejoint/><geom size='.1'/></body></worldbody></mujoco>",
             rows[i].view, rows[i].first, rows[i].second);
    if (loom_model_compile(&m, xml, "moving", NULL, NULL, &err)) fail_msg("%s", err.message);

    // Both balls, 2.2 m from end to end, fit into the picture's height.
    loom_free_camera(&camera, m, NULL);
    assert_float_equal(camera.azimuth, rows[i].azimuth, 1e-9);
    for (int k = 0; k < 2; k++) assert_float_equal(camera.lookat[k], rows[i].lookat[k], 1e-6);

    // Where the object is elsewhere, so is the middle.
    double qpos[8] = {0, 1, 3, 0, 1};
    if (!i) {
      mjvCamera moved;
      loom_free_camera(&moved, m, qpos);
      assert_float_equal(moved.lookat[1], 1, 1e-6);
    }
    if (!i) assert_true(camera.distance * sin(m->vis.global.fovy * mjPI / 360) > 1.1 && camera.distance < 5);
    mj_deleteModel(m);
  }
}

// Labels that are too long stay apart, whether they differ at their end or at their start.
static void labels_differ_when_cut(void** state) {
  (void)state;
  static const char* const labels[][2] = {{"arm 0 grasp the red block, timeout: the left finger",
                                           "arm 0 grasp the red block, timeout: the right finger"},
                                          {"left of all that is on the table and in the drawers",
                                           "right of all that is on the table and in the drawers"}};
  enum { ACROSS = 400, ROW = 30, LABEL = 150 };

  for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
    loomError err = {0, ""};
    loomChart* chart = NULL;
    loomImage image;
    loomBar bars[2] = {{.value = 1}, {.value = 1}};
    for (int k = 0; k < 2; k++) snprintf(bars[k].label, sizeof bars[k].label, "%s", labels[i][k]);

    // Two rows, one below the other.
    assert_int_equal(loom_chart_create(&chart, ACROSS, 2 * ROW, &err), 0);
    loom_chart_bars(chart, (loomBox){0, 0, ACROSS, 2 * ROW}, bars, 2, &(loomBarsDef){1, LABEL, 60});
    assert_int_equal(loom_chart_read(&image, chart, &err), 0);

    // Where the labels are, the rows are not alike.
    int differ = 0;
    for (int y = 0; y < ROW; y++)
      for (int x = 0; x < LABEL; x++)
        differ += image.rgb[3 * (y * ACROSS + x)] != image.rgb[3 * ((y + ROW) * ACROSS + x)];
    assert_true(differ > 20);
    loom_image_destroy(&image);
    loom_chart_destroy(chart);
  }
}

static void an_unknown_kind_is_told(void** state) {
  (void)state;
  drawn* d = draw_with("vulkan");
  assert_int_equal(d->code, LOOM_ERR_USAGE);
  assert_non_null(strstr(d->err.message, "vulkan"));
  munmap(d, sizeof *d);
}

static void captions_are_drawn_and_cut(void** state) {
  (void)state;
  loomImage image;
  loomError err = {0, ""};

  // Gray, with captions inside and across the edges.
  assert_int_equal(loom_image_create(&image, 60, 40, &err), 0);
  memset(image.rgb, 128, (size_t)3 * 60 * 40);
  loom_image_caption(&image, 5, 10, 10, "HI");
  loom_image_caption(&image, 50, 35, 10, "beyond both edges \xff");
  loom_image_caption(&image, -3, -3, 10, "|");

  const unsigned char* p = image.rgb;
  assert_int_equal(p[(size_t)3 * (60 * 20 + 50)], 128);  // beside it

  // White letters on a black ground.
  int white = 0, black = 0;
  for (int y = 10; y < 26; y++) {
    for (int x = 5; x < 25; x++) {
      size_t at = (size_t)3 * (size_t)(60 * y + x);
      white += p[at] > 200;
      black += p[at] < 50;
    }
  }
  assert_true(white > 10 && white < 120);
  assert_true(black > 100);
  loom_image_destroy(&image);
}

// Meshes that nothing collides with lose triangles, not their shape; textures are halved.
static void models_are_simplified(void** state) {
  (void)state;
  static const char text[] =
      "<mujoco><asset><mesh name='seen' builtin='sphere' params='4'/><mesh name='hit' builtin='sphere' "
      "params='4'/>"
      "<texture name='t' type='2d' builtin='checker' width='1200' height='1200' rgb1='1 1 1' rgb2='0 0 "
      "0'/></asset>"
      "<worldbody><geom type='mesh' mesh='seen' contype='0' conaffinity='0'/>"
      "<geom type='mesh' mesh='hit' pos='3 0 0'/></worldbody></mujoco>";
  loomError err = {0, ""};
  mjModel* m = NULL;

  // Two spheres, of which one collides.
  if (loom_model_compile(&m, text, "text", NULL, NULL, &err)) fail_msg("%s", err.message);
  int seen = mj_name2id(m, mjOBJ_MESH, "seen"), hit = mj_name2id(m, mjOBJ_MESH, "hit");
  int faces = m->mesh_facenum[seen];
  mj_deleteModel(m);

  // Only the one that is seen loses triangles.
  loomModelDef model = loom_default_model_def();
  loomSimplifyDef def = loom_default_simplify_def();
  def.error = 0.02;
  model.simplify = &def;
  if (loom_model_compile(&m, text, "text", NULL, &model, &err)) fail_msg("%s", err.message);
  assert_int_equal(m->mesh_facenum[hit], faces);
  assert_true(m->mesh_facenum[seen] >= 20 && m->mesh_facenum[seen] < faces / 2);

  // What is left is still a sphere.
  const float *vert = m->mesh_vert + 3 * m->mesh_vertadr[seen],
              *normal = m->mesh_normal + 3 * m->mesh_normaladr[seen];
  double area = 0;
  for (int i = 3 * m->mesh_faceadr[seen]; i < 3 * (m->mesh_faceadr[seen] + m->mesh_facenum[seen]); i += 3) {
    mjtNum p[3][3], a[3], b[3], n[3];
    for (int k = 0; k < 3; k++) {
      assert_in_range(m->mesh_face[i + k], 0, m->mesh_vertnum[seen] - 1);
      assert_in_range(m->mesh_facenormal[i + k], 0, m->mesh_normalnum[seen] - 1);
      for (int j = 0; j < 3; j++) p[k][j] = (double)vert[3 * m->mesh_face[i + k] + j];

      // On a sphere about the middle, a vertex lies where its normal points.
      const float* at = normal + 3 * m->mesh_facenormal[i + k];
      double along = p[k][0] * (double)at[0] + p[k][1] * (double)at[1] + p[k][2] * (double)at[2];
      assert_true(along > 0.9 * mju_norm3(p[k]));
    }

    mju_sub3(a, p[1], p[0]);
    mju_sub3(b, p[2], p[0]);
    mju_cross(n, a, b);
    assert_true(mju_dot3(n, p[0]) > 0);  // still the outside
    area += mju_norm3(n) / 2;
  }

  // Its area is that of the unit sphere.
  assert_true(fabs(area / (4 * mjPI) - 1) < 0.1);

  // A 1200-pixel texture is a quarter as large, and as bright.
  assert_int_equal(m->tex_width[0], 300);
  assert_int_equal(m->tex_height[0], 300);
  double sum = 0;
  for (int i = 0; i < 300 * 300 * m->tex_nchannel[0]; i++) sum += m->tex_data[i];
  assert_true(fabs(sum / (300.0 * 300 * m->tex_nchannel[0]) - 127.5) < 1);
  mj_deleteModel(m);
}

// An OBJ of an egg that lies beside its file's origin: a sphere of many triangles, longer along x, with
// texture coordinates.
static void write_egg(const char* path) {
  enum { AROUND = 40, UP = 20 };
  FILE* out = fopen(path, "w");
  assert_non_null(out);

  for (int j = 0; j <= UP; j++)
    for (int i = 0; i < AROUND; i++) {
      double a = 2 * mjPI * i / AROUND, b = mjPI * j / UP;
      fprintf(out, "v %.9g %.9g %.9g\nvt %.9g %.9g\n", 0.3 + 0.2 * sin(b) * cos(a),
              -0.1 + 0.1 * sin(b) * sin(a), 0.05 + 0.1 * cos(b), (double)i / AROUND, (double)j / UP);
    }
  for (int j = 0; j < UP; j++)
    for (int i = 0; i < AROUND; i++) {
      int p = AROUND * j + i + 1, q = AROUND * j + (i + 1) % AROUND + 1;
      fprintf(out, "f %d/%d %d/%d %d/%d\nf %d/%d %d/%d %d/%d\n", p, p, p + AROUND, p + AROUND, q, q, q, q,
              p + AROUND, p + AROUND, q + AROUND, q + AROUND);
    }
  assert_int_equal(fclose(out), 0);
}

// Where a mesh geom reaches in the world.
static void reach(double low[3], double high[3], const mjModel* m, const mjData* d, int geom) {
  int mesh = m->geom_dataid[geom];
  for (int k = 0; k < 3; k++) low[k] = INFINITY, high[k] = -INFINITY;

  for (int i = 0; i < 3 * m->mesh_facenum[mesh]; i++) {
    const float* at =
        m->mesh_vert + 3 * (m->mesh_vertadr[mesh] + m->mesh_face[3 * m->mesh_faceadr[mesh] + i]);
    mjtNum v[3] = {(double)at[0], (double)at[1], (double)at[2]};
    mju_mulMatVec3(v, d->geom_xmat + 9 * geom, v);
    for (int k = 0; k < 3; k++) {
      low[k] = fmin(low[k], v[k] + d->geom_xpos[3 * geom + k]);
      high[k] = fmax(high[k], v[k] + d->geom_xpos[3 * geom + k]);
    }
  }
}

// Meshes of files are simplified one at a time before their model is compiled: whatever their scale, mirror
// or reference, they lie where they were; those that collide are as they were unless it is asked for, and one
// that only gives a box its size gives the same.
static void meshes_of_files_stay_in_place(void** state) {
  (void)state;
  static const struct {
    const char* mesh;  // attributes
    const char* geom;
    bool collides;
  } shape[] = {
      {"", "", false},
      {"scale='1 2 0.5'", "pos='0.1 0.2 0.3' euler='10 20 30'", false},
      {"scale='-1 1 1'", "pos='1 0 0'", false},
      {"refpos='0.1 0 0.2' refquat='0.7 0.1 0.6 0.2'", "euler='0 90 0'", false},
      {"inertia='exact'", "mass='2'", true},
  };
  char dir[] = "/tmp/loom_egg_XXXXXX", path[80];
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/egg.obj", dir);
  write_egg(path);

  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  if (loom_asset_roots_add(&roots, "eggs", dir, &err)) fail_msg("%s", err.message);

  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
    for (int colliding = 0; colliding < 2; colliding++) {
      char text[900];
      snprintf(
          text, sizeof text,
          "<mujoco><asset><mesh name='egg' file='eggs/egg.obj' %s/><mesh name='size' file='eggs/egg.obj'/>"
          "</asset><worldbody><body><freejoint/><geom size='0.1'/><geom type='mesh' mesh='egg' %s %s/>"
          "<geom type='box' mesh='size' mass='0'/></body></worldbody></mujoco>",
          shape[i].mesh, shape[i].geom, shape[i].collides ? "" : "contype='0' conaffinity='0' mass='0'");

      mjModel *whole = NULL, *simple = NULL;
      loomSimplifyDef light = loom_default_simplify_def();
      loomModelDef def = loom_default_model_def();
      light.colliding = colliding;
      if (loom_model_compile(&whole, text, "text", &roots, NULL, &err)) fail_msg("%s", err.message);
      def.simplify = &light;
      if (loom_model_compile(&simple, text, "text", &roots, &def, &err)) fail_msg("%s", err.message);

      mjData *d = mj_makeData(whole), *e = mj_makeData(simple);
      mj_forward(whole, d);
      mj_forward(simple, e);
      bool less = colliding || !shape[i].collides;
      assert_true(less ? simple->mesh_facenum[0] < whole->mesh_facenum[0] * 3 / 4
                       : simple->mesh_facenum[0] == whole->mesh_facenum[0]);
      assert_memory_equal(simple->geom_size + 6, whole->geom_size + 6, 3 * sizeof(mjtNum));

      double low[2][3], high[2][3];
      reach(low[0], high[0], whole, d, 1);
      reach(low[1], high[1], simple, e, 1);
      for (int k = 0; k < 3; k++) {
        if (fabs(low[0][k] - low[1][k]) > 0.006 || fabs(high[0][k] - high[1][k]) > 0.006)
          fail_msg("shape %zu, axis %d: from %g to %g, now from %g to %g", i, k, low[0][k], high[0][k],
                   low[1][k], high[1][k]);
      }

      mj_deleteData(d);
      mj_deleteData(e);
      mj_deleteModel(whole);
      mj_deleteModel(simple);
    }
  }

  loom_asset_roots_destroy(&roots);
  remove(path);
  rmdir(dir);
}

// A picture of a sky's six sides, in a grid that the stand-in of an outline does not have: what has no
// outline is simplified all the same, once it is whole.
static void no_outline_is_no_error(void** state) {
  (void)state;
  char dir[] = "/tmp/loom_sky_XXXXXX", picture[80], egg[80];
  assert_non_null(mkdtemp(dir));
  snprintf(picture, sizeof picture, "%s/sky.png", dir);
  snprintf(egg, sizeof egg, "%s/egg.obj", dir);
  write_egg(egg);

  loomError err = {0, ""};
  loomImage image;
  if (loom_image_create(&image, 32, 24, &err)) fail_msg("%s", err.message);
  if (loom_image_write_png(&image, picture, &err)) fail_msg("%s", err.message);
  loom_image_destroy(&image);

  static const char text[] =
      "<mujoco><asset><texture name='sky' type='skybox' file='sky/sky.png' gridsize='3 4' "
      "gridlayout='.U..LFRB.D..'/><mesh name='egg' file='sky/egg.obj'/></asset><worldbody>"
      "<geom type='mesh' mesh='egg' contype='0' conaffinity='0'/></worldbody></mujoco>";
  loomAssetRoots roots = {0};
  mjModel *m = NULL, *none = NULL;
  loomSimplifyDef light = loom_default_simplify_def();
  loomModelDef whole = loom_default_model_def(), outline = whole, simple = whole;
  outline.outline = true;
  simple.simplify = &light;
  if (loom_asset_roots_add(&roots, "sky", dir, &err)) fail_msg("%s", err.message);
  assert_int_not_equal(loom_model_compile(&none, text, "text", &roots, &outline, NULL), 0);

  if (loom_model_compile(&m, text, "text", &roots, &whole, &err)) fail_msg("%s", err.message);
  int faces = m->mesh_facenum[0];
  mj_deleteModel(m);
  if (loom_model_compile(&m, text, "text", &roots, &simple, &err)) fail_msg("%s", err.message);
  assert_true(m->mesh_facenum[0] < faces * 3 / 4);
  mj_deleteModel(m);

  loom_asset_roots_destroy(&roots);
  remove(picture);
  remove(egg);
  rmdir(dir);
}

// A bent sheet, on whose two halves a picture lies in two places: no triangle has corners in both.
static void seams_of_pictures_stay(void** state) {
  enum { ACROSS = 12, ROW = 2 * (ACROSS + 1) };
  (void)state;
  char* text = NULL;
  size_t size;
  FILE* out = open_memstream(&text, &size);
  assert_non_null(out);
  fputs(
      "<mujoco><asset><texture name='t' type='2d' builtin='checker' width='64' height='64'/>"
      "<material name='m' texture='t'/><mesh name='sheet' inertia='shell' vertex='",
      out);

  // Left and right half have vertices of their own where they meet.
  for (int pass = 0; pass < 2; pass++) {
    for (int v = 0; v < ROW * ROW; v++) {
      int i = v % ROW, j = v / ROW, right = i > ACROSS;
      double x = (i - right) / (2.0 * ACROSS), y = (double)j / (ROW - 1);
      if (pass == 0) fprintf(out, "%g %g %g ", x, y, 0.1 * x * x);
      if (pass == 1) fprintf(out, "%g %g ", right ? 1.4 - 0.8 * x : 0.8 * x, y);
    }
    fputs(pass ? "' face='" : "' texcoord='", out);
  }
  for (int j = 0; j + 1 < ROW; j++)
    for (int i = 0; i + 1 < ROW; i++) {
      int v = ROW * j + i;
      if (i != ACROSS) fprintf(out, "%d %d %d %d %d %d ", v, v + 1, v + ROW, v + 1, v + ROW + 1, v + ROW);
    }
  fputs(
      "'/></asset><worldbody><geom type='mesh' mesh='sheet' material='m' contype='0' conaffinity='0' "
      "mass='1'/>"
      "</worldbody></mujoco>",
      out);
  assert_int_equal(fclose(out), 0);

  loomError err = {0, ""};
  mjModel* m = NULL;
  if (loom_model_compile(&m, text, "text", NULL, NULL, &err)) fail_msg("%s", err.message);
  int before = m->mesh_facenum[0];
  mj_deleteModel(m);
  loomModelDef model = loom_default_model_def();
  loomSimplifyDef simple = loom_default_simplify_def();
  model.simplify = &simple;
  if (loom_model_compile(&m, text, "text", NULL, &model, &err)) fail_msg("%s", err.message);
  assert_true(m->mesh_facenum[0] < before / 2);

  double low = INFINITY, high = -INFINITY;
  for (int i = 0; i < 3 * m->mesh_facenum[0]; i++) {
    double u = (double)m->mesh_texcoord[2 * m->mesh_facetexcoord[i]];
    double w = (double)m->mesh_texcoord[2 * m->mesh_facetexcoord[i - i % 3]];
    assert_true((u < 0.5) == (w < 0.5));
    low = fmin(low, u);
    high = fmax(high, u);
  }
  assert_true(low < 0.01 && high > 0.99);
  mj_deleteModel(m);
  free(text);
}

// What is drawn on a chart can be read back, and a picture put on it lies where it was put.
static void charts_are_read_back(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomChart* chart = NULL;
  loomImage small, out;

  // A picture with one red and one blue pixel.
  assert_int_equal(loom_image_create(&small, 2, 2, &err), 0);
  small.rgb[0] = 200;
  small.rgb[3 * 3 + 2] = 100;

  // Put at (5, 3) of a chart.
  assert_int_equal(loom_chart_create(&chart, 20, 10, &err), 0);
  loom_chart_image(chart, 5, 3, &small);

  // White around it, each pixel in its place.
  assert_int_equal(loom_chart_read(&out, chart, &err), 0);
  assert_int_equal(out.rgb[0], 255);
  assert_int_equal(out.rgb[3 * (3 * 20 + 5)], 200);
  assert_int_equal(out.rgb[3 * (4 * 20 + 6) + 2], 100);

  // Turned upside down, rows swap.
  loom_image_turn(&out);
  assert_int_equal(out.rgb[3 * (6 * 20 + 5)], 200);

  loom_image_destroy(&out);
  loom_image_destroy(&small);
  loom_chart_destroy(chart);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_kinds_draw_the_same), cmocka_unit_test(models_without_groups_are_seen),
      cmocka_unit_test(an_unknown_kind_is_told),  cmocka_unit_test(captions_are_drawn_and_cut),
      cmocka_unit_test(models_are_simplified),    cmocka_unit_test(meshes_of_files_stay_in_place),
      cmocka_unit_test(no_outline_is_no_error),   cmocka_unit_test(charts_are_read_back),
      cmocka_unit_test(seams_of_pictures_stay),   cmocka_unit_test(what_moves_is_in_the_middle),
      cmocka_unit_test(labels_differ_when_cut)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
