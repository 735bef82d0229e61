// A camera of the twin's window, put by known points: a pixel of a picture, then the point of the scene
// that is seen there. Where the model has such a camera, its picture shows where it sees them.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/fuse_work.h"
#include "tools/view/twin_tool.h"

// ---- the picture

static void forget_picture(twinCamera* k) {
  free(k->rgb);
  k->rgb = NULL;
  if (k->texture) gui_texture_free(k->texture);
  k->texture = 0;
  k->has_picture = false;
}

static void open_picture(twinWindow* w) {
  twinCamera* k = &w->camera;
  loomError err = {0, ""};
  int width = 0, height = 0;
  forget_picture(k);
  int code = loom_png_read_color(&k->rgb, &width, &height, k->path, &err);
  if (!code && k->c.nseen && (width != (int)k->c.size[0] || height != (int)k->c.size[1]))
    code =
        loom_error_set(&err, LOOM_ERR_USAGE,
                       "%s: %d x %d pixels, but its points are of a picture of %g x %g: take them back first",
                       k->path, width, height, k->c.size[0], k->c.size[1]);

  if (code) {
    forget_picture(k);
    twin_wrong(w, &err);
    return;
  }
  *w->error = '\0';
  k->has_picture = true;
  k->c.size[0] = width;
  k->c.size[1] = height;
}

void twin_camera_close(twinWindow* w) {
  forget_picture(&w->camera);
}

static void begin_camera(twinCamera* k) {
  if (k->c.kind == LOOM_EDIT_CAMERA) return;
  k->c = loom_edit_default_command(LOOM_EDIT_CAMERA);
  snprintf(k->c.camera, sizeof k->c.camera, "front");
  k->c.size[0] = 640;
  k->c.size[1] = 480;
}

// The model's camera of that name, as one that sees points.
static bool find_sight(loomSight* out, const twinWindow* w) {
  const mjModel* m = w->shown.model;
  int id = m ? mj_name2id(m, mjOBJ_CAMERA, w->camera.c.camera) : -1;
  if (id < 0) return false;

  *out = (loomSight){.fovy = m->cam_fovy[id]};
  mju_copy3(out->pos, w->shown.data->cam_xpos + 3 * id);
  mju_mat2Quat(out->quat, w->shown.data->cam_xmat + 9 * id);

  return true;
}

bool twin_camera_where(double out[2], const twinWindow* w, const double pixel[2]) {
  const twinCamera* k = &w->camera;
  out[0] = (double)k->box.x + (double)k->box.w * pixel[0] / k->c.size[0];
  out[1] = (double)k->box.y + (double)k->box.h * pixel[1] / k->c.size[1];
  return k->open && k->has_picture;
}

static void mark(const twinCamera* k, const double pixel[2], guiRgba color, int number) {
  char text[16];
  float x = k->box.x + k->box.w * (float)(pixel[0] / k->c.size[0]),
        y = k->box.y + k->box.h * (float)(pixel[1] / k->c.size[1]);

  snprintf(text, sizeof text, "%d", number);
  gui_draw_dot(x, y, 4, gui_rgba(0, 0, 0, 0.6));
  gui_draw_dot(x, y, 3, color);

  if (number) gui_draw_text(x + 5, y - 6, 0, color, true, text);
}

// The pixels that were taken, and in green where the camera as it stands sees their points.
static void draw_marks(const twinWindow* w) {
  const twinCamera* k = &w->camera;
  loomSight sight;
  bool there = find_sight(&sight, w);

  for (int i = 0; i < k->c.nseen; i++) {
    double at[2];
    mark(k, k->c.seen[i].pixel, gui_color(GUI_WARN), i + 1);
    if (there && loom_sight_see(at, &sight, k->c.seen[i].point, k->c.size[0], k->c.size[1]))
      mark(k, at, gui_color(GUI_GOOD), 0);
  }

  if (k->chosen) mark(k, k->pixel, gui_color(GUI_ACCENT), k->c.nseen + 1);
}

// As broad as the panel; a click chooses a pixel.
static void picture_ui(twinWindow* w, float width) {
  twinCamera* k = &w->camera;
  guiCanvas canvas;
  if (!k->texture && k->rgb && w->app.has_context) {
    k->texture = gui_texture(k->rgb, (int)k->c.size[0], (int)k->c.size[1]);
    free(k->rgb);
    k->rgb = NULL;
  }

  k->box = (guiBox){gui_x(), gui_y(), width, floorf(width * (float)(k->c.size[1] / k->c.size[0]))};
  gui_canvas(&canvas, "##picture", k->box);
  if (k->texture) gui_draw_image(k->texture, k->box, false);
  if (!k->texture) gui_draw_box(k->box, gui_faded(gui_color(GUI_DIM), 0.3), 0);
  draw_marks(w);

  if (!canvas.released || !canvas.hovered) return;
  k->pixel[0] = (double)((canvas.x - k->box.x) / k->box.w) * k->c.size[0];
  k->pixel[1] = (double)((canvas.y - k->box.y) / k->box.h) * k->c.size[1];
  k->chosen = true;
}

// ---- fields

static bool pair(const char* label, double value[2], float width) {
  char name[64];
  bool used = false;
  gui_text(GUI_DIM, "%s", label);
  for (int i = 0; i < 2; i++) {
    snprintf(name, sizeof name, "##%s %s", label, i ? "down" : "across");
    used = gui_real(name, &value[i], width) || used;
    if (!i) gui_same_line();
  }

  return used;
}

static void points_ui(twinWindow* w) {
  twinCamera* k = &w->camera;
  char line[160];

  for (int i = 0; i < k->c.nseen; i++) {
    const loomSighting* s = &k->c.seen[i];
    snprintf(line, sizeof line, "%d: %.0f, %.0f is %.3f, %.3f, %.3f", i + 1, s->pixel[0], s->pixel[1],
             s->point[0], s->point[1], s->point[2]);
    gui_text_cut(GUI_INK, gui_room(), line);
  }
  if (k->c.nseen && gui_button("Take the last point back", gui_room())) k->c.nseen--;
}

static void put_camera(twinWindow* w) {
  loomError err = {0, ""};
  char* text = NULL;
  if (loom_edit_command_text(&text, &w->camera.c, &err)) {
    twin_wrong(w, &err);
    return;
  }
  twin_add(w, text);
  free(text);
}

void twin_camera_ui(twinWindow* w) {
  twinCamera* k = &w->camera;
  k->open = gui_section("A camera by points", false);
  if (!k->open) return;
  begin_camera(k);

  float width = (gui_room() - 8) / 2;
  gui_text(GUI_DIM, "Name");
  gui_field("##Camera", "front", k->c.camera, sizeof k->c.camera, gui_room(), false);
  gui_field("##Picture", "picture.png", k->path, sizeof k->path, gui_room() - 5 * gui_em(), false);
  gui_same_line();
  if (gui_button("Open", gui_room())) open_picture(w);
  gui_tip("A picture that it took, as PNG; without one its size and pixels are typed");

  if (k->has_picture) picture_ui(w, gui_room());
  if (!k->has_picture) pair("Size, pixels", k->c.size, width);
  if (pair("Pixel", k->pixel, width)) k->chosen = true;
  gui_text(GUI_DIM, "Field of view, degrees (0: found)");
  gui_real("##Field of view", &k->c.fovy, gui_room());

  bool full = k->c.nseen == LOOM_SIGHT_MOST;
  gui_text_wrapped(k->chosen ? GUI_WARN : GUI_DIM,
                   full ? "These are all that there is room for."
                   : k->chosen
                       ? "Now click in the scene what is seen at that pixel."
                       : "Choose a pixel in its picture, then click its point in the scene: four at least.");
  gui_disable(k->c.nseen < LOOM_SIGHT_LEAST || w->version != w->shown_version);
  if (gui_button("Put the camera", gui_room())) put_camera(w);
  gui_disable_end();
  points_ui(w);
}

// ---- in the scene

bool twin_camera_takes(twinWindow* w, const double point[3]) {
  twinCamera* k = &w->camera;
  if (!k->open || !k->chosen || k->c.nseen == LOOM_SIGHT_MOST) return false;
  loomSighting* s = &k->c.seen[k->c.nseen++];
  mju_copy(s->pixel, k->pixel, 2);
  mju_copy3(s->point, point);
  k->chosen = false;
  w->app.dirty = true;
  return true;
}

// The corners of what it sees, as far off as `far`.
static void draw_frustum(const twinWindow* w, int id, double far, guiRgba color) {
  const mjModel* m = w->shown.model;
  const double *pos = w->shown.data->cam_xpos + 3 * id, *mat = w->shown.data->cam_xmat + 9 * id;
  double tall = far * tan(m->cam_fovy[id] * 3.14159265358979323846 / 360), across = tall * 4 / 3,
         corner[4][3];

  for (int v = 0; v < 4; v++) {
    const double p[3] = {v == 0 || v == 3 ? -across : across, v < 2 ? -tall : tall, -far};
    mju_mulMatVec3(corner[v], mat, p);
    mju_addTo3(corner[v], pos);
  }
  for (int v = 0; v < 4; v++) {
    twin_line(w, pos, corner[v], color, 1.5f);
    twin_line(w, corner[v], corner[(v + 1) % 4], color, 1.5f);
  }
}

void twin_camera_draw(const twinWindow* w) {
  const twinCamera* k = &w->camera;
  const mjModel* m = w->shown.model;
  if (!k->open) return;

  for (int id = 0; id < (int)m->ncam; id++) {
    const char* name = mj_id2name(m, mjOBJ_CAMERA, id);
    bool own = name && !strcmp(name, k->c.camera);
    draw_frustum(w, id, 0.15, gui_color(own ? GUI_WARN : GUI_DIM));
  }
  for (int i = 0; i < k->c.nseen; i++) {
    char text[16];
    double at[2];
    if (!twin_project(w, at, k->c.seen[i].point)) continue;
    snprintf(text, sizeof text, "%d", i + 1);
    gui_draw_dot((float)at[0], (float)at[1], 5 * (float)w->app.ui.scale, gui_color(GUI_WARN));
    gui_draw_text((float)at[0] + 7, (float)at[1] - 8, 0, gui_color(GUI_WARN), true, text);
  }
}
