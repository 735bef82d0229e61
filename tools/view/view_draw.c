// The viewer's picture: layout, OpenGL context, scene.
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/model/trap.h"
#include "tools/view/view.h"

enum { MAX_GEOMS = 12000 };

int view_connect(guiFunction (*find)(void* self, const char* name), void* self, loomError* err) {
  const char* missing = gui_connect(find, self);
  return missing ? loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                                  "OpenGL has no %s here: the window needs OpenGL 2", missing)
                 : 0;
}

void view_resize(viewApp* app, int width, int height) {
  app->width = width;
  app->height = height;
  app->dirty = true;
}

// Meshes, textures, height fields and planes are what a context holds of a model.
uint64_t view_asset_hash(const mjModel* m) {
  uint64_t hash = LOOM_HASH_SEED;

  for (int g = 0; g < m->ngeom; g++)
    if (m->geom_type[g] == mjGEOM_PLANE) hash = loom_hash(hash, &m->geom_size[3 * g], 3 * sizeof(mjtNum));

  hash = loom_hash(hash, m->hfield_data, sizeof(float) * (size_t)m->nhfielddata);
  hash = loom_hash(hash, m->mesh_facenum, sizeof(int) * (size_t)m->nmesh);
  hash = loom_hash(hash, m->mesh_vert, 3 * sizeof(float) * (size_t)m->nmeshvert);
  hash = loom_hash(hash, m->tex_width, sizeof(int) * (size_t)m->ntex);
  return loom_hash(hash, m->tex_data, (size_t)m->ntexdata);
}

static int make_context(void* arg) {
  viewApp* app = arg;
  mjr_defaultContext(&app->context);
  mjr_makeContext(app->stage.entry >= 0 ? app->stage.model : app->blank, &app->context, mjFONTSCALE_100);
  app->has_context = true;
  return 0;
}

static int make_scene(void* arg) {
  viewApp* app = arg;
  mjtByte flags[mjNRNDFLAG];
  bool kept = app->has_scene;

  if (kept) memcpy(flags, app->scene.flags, sizeof flags);

  if (app->has_scene) mjv_freeScene(&app->scene);
  mjv_defaultScene(&app->scene);
  mjv_makeScene(app->stage.model, &app->scene, MAX_GEOMS);
  app->has_scene = true;

  // Flags that the user has switched stay for the next demo.
  if (kept) {
    memcpy(app->scene.flags, flags, sizeof flags);
  } else {
    app->scene.flags[mjRND_SHADOW] = app->scene.flags[mjRND_REFLECTION] = app->args->full;
  }
  return 0;
}

// A model for windows that show no demo yet: the context needs one for its fonts.
static mjModel* blank_model(loomError* err) {
  mjModel* m = NULL;
  return loom_model_compile(&m, "<mujoco><worldbody><light pos='0 0 3'/></worldbody></mujoco>", "blank", NULL,
                            NULL, err)
             ? NULL
             : m;
}

// `shared`: a context that has the meshes already, which another one would hold a second time; or NULL.
static int prepare_stage(viewApp* app, const viewApp* shared, loomError* err) {
  mjModel* wanted = app->stage.entry >= 0 ? app->stage.model : app->blank;
  bool own = !shared || shared->drawn_assets != app->stage.assets;

  if (app->drawn_id == app->stage_id && app->has_context == own) return 0;

  int code = 0;
  // A new context uploads all meshes: only for others than the last. The blank one's shadows and fog suit
  // no scene.
  uint64_t hash = app->stage.entry >= 0 ? app->stage.assets : 0;
  if (!own && app->has_context) {
    mjr_freeContext(&app->context);
    app->has_context = false;
  }
  if (own && (!app->has_context || app->drawn_assets != hash)) {
    if (app->has_context) mjr_freeContext(&app->context);
    app->has_context = false;
    app->drawn_assets = hash;
    wanted->vis.quality.offsamples = app->args->full ? 4 : 0;
    wanted->vis.quality.shadowsize = app->args->full ? 4096 : 1024;

    code = loom_trap_run(make_context, app, err);
  }

  if (!code && app->stage.entry >= 0) code = loom_trap_run(make_scene, app, err);
  if (!code) app->drawn_id = app->stage_id;
  return code;
}

static int prepare_drawing(viewApp* app, loomError* err) {
  if (!app->blank && !(app->blank = blank_model(err))) return err->code;

  int code = prepare_stage(app, NULL, err);
  return code || !view_compare_shown(app) ? code : prepare_stage(app->other, app, err);
}

static void choose_camera(viewApp* app) {
  int n = (int)app->stage.model->ncam;

  if (app->camera_choice > n) app->camera_choice = 0;

  app->camera.type = app->camera_choice ? mjCAMERA_FIXED : app->tracked ? mjCAMERA_TRACKING : mjCAMERA_FREE;
  app->camera.trackbodyid = app->tracked;
  app->camera.fixedcamid = app->camera_choice - 1;
}

// The drawn model as an episode is now.
static void mirror_episode(const viewStage* s, const loomEpisode* e) {
  mju_copy(s->data->qpos, e->d->qpos, (int)s->model->nq);
  mju_copy(s->data->qvel, e->d->qvel, (int)s->model->nv);
  if (s->model->nu == e->m->nu) mju_copy(s->data->ctrl, e->d->ctrl, (int)s->model->nu);
  mj_forward(s->model, s->data);
}

// What is at the right, as the left one is seen.
static void draw_other(viewApp* app) {
  viewApp* o = app->other;
  const loomEpisode* live = view_live_episode(o);
  mjrContext context = o->has_context ? o->context : app->context;

  // Its own meshes, in the framebuffer of the other.
  context.currentBuffer = app->context.currentBuffer;
  context.offFBO = app->context.offFBO;

  o->row = app->row;
  o->show_paths = app->show_paths;
  o->show_targets = app->show_targets;
  o->show_frame = app->show_frame;
  if (live) mirror_episode(&o->stage, live);
  if (!live) view_stage_pose(o, view_row(o));

  memcpy(o->scene.flags, app->scene.flags, sizeof o->scene.flags);
  mjv_updateScene(o->stage.model, o->stage.data, &app->option, NULL, &app->camera, mjCAT_ALL, &o->scene);
  view_add_overlays(o);
  mjr_render(view_part(app, 1), &o->scene, &context);
}

static void draw_guest(viewApp* app) {
  app->guest->pose(app);
  mjv_updateScene(app->stage.model, app->stage.data, &app->option, NULL, &app->camera, mjCAT_ALL,
                  &app->scene);
  mjr_render(app->view, &app->scene, &app->context);
}

static void draw_world(viewApp* app) {
  loomError err = {0, ""};
  const loomEpisode* live = app->drive.on ? app->drive.session.episode : view_live_episode(app);

  choose_camera(app);
  // Contacts push as they do only when the actuators are told what they were told then.
  if (app->option.flags[mjVIS_CONTACTFORCE] && !live && view_stage_forces(app, &err))
    view_say(app, "%s", err.message);

  if (live) {
    mirror_episode(&app->stage, live);
  } else {
    view_stage_pose(app, view_row(app));
  }

  mjv_updateScene(app->stage.model, app->stage.data, &app->option,
                  view_live_episode(app) ? &app->perturb : NULL, &app->camera, mjCAT_ALL, &app->scene);

  view_add_overlays(app);
  mjr_render(view_part(app, 0), &app->scene, &app->context);
  if (view_compare_shown(app)) draw_other(app);
}

// The scene, or, while nothing in it changes, the picture of it that the widgets laid behind them.
static void draw_scene(viewApp* app) {
  if (app->stage.entry < 0 || app->view.width < 1 || app->view.height < 1 || app->ui.has_scene) return;

  if (app->guest)
    draw_guest(app);
  else
    draw_world(app);

  // Several samples a pixel cannot be copied.
  if (app->framebuffer == mjFB_OFFSCREEN && app->context.offSamples) return;
  app->ui.scene = gui_texture_of_screen(app->ui.scene, app->view.left, app->view.bottom, app->view.width,
                                        app->view.height);
  app->ui.has_scene = true;
}

int view_draw(viewApp* app, loomError* err) {
  double cpu = loom_process_cpu(), wall = loom_clock();

  // The widgets first: what is done with them may show another demo, or leave the scene another place.
  view_ui(app);
  app->frame_cpu += loom_process_cpu() - cpu;
  app->frame_wall += loom_clock() - wall;

  int code = prepare_drawing(app, err);
  if (code) return code;

  cpu = loom_process_cpu();
  wall = loom_clock();

  if (app->framebuffer == mjFB_OFFSCREEN &&
      (app->context.offWidth != app->width || app->context.offHeight != app->height))
    mjr_resizeOffscreen(app->width, app->height, &app->context);

  mjr_setBuffer(app->framebuffer, &app->context);
  gui_clear(gui_color(GUI_BACK));
  draw_scene(app);
  gui_render();
  view_export_drawn(app);

  if (app->framebuffer == mjFB_OFFSCREEN) mjr_finish();  // a window's swap does

  // What a frame costs, but for making a model's meshes and textures, and how long it took until the
  // first one with the list: `tell` has them.
  app->frame_cpu += loom_process_cpu() - cpu;
  app->frame_wall += loom_clock() - wall;
  app->frames++;

  if (app->listed_cpu == 0) {
    app->listed = loom_clock();
    app->listed_cpu = loom_process_cpu();
  }

  if (app->ui.frames > 0) app->ui.frames--;
  return 0;
}

mjrRect view_part(const viewApp* app, int part) {
  mjrRect half = app->view;
  if (!view_compare_shown(app)) return half;

  // A line of the background between the two.
  half.width = (app->view.width - 2) / 2;
  if (part) half.left = app->view.left + app->view.width - half.width;
  return half;
}

static void free_drawn(viewApp* app) {
  if (app->has_context) mjr_freeContext(&app->context);
  if (app->has_scene) mjv_freeScene(&app->scene);
  app->has_context = app->has_scene = false;
}

void view_free_gl(viewApp* app) {
  gui_texture_free(app->ui.scene);
  for (int i = 0; i < app->list.n; i++) gui_texture_free(app->list.entry[i].picture);
  gui_close();

  if (app->other) free_drawn(app->other);
  free_drawn(app);
}

int view_read(viewApp* app, loomImage* out, loomError* err) {
  mjrRect all = {0, 0, app->width, app->height};

  int code = loom_image_create(out, app->width, app->height, err);

  if (code) return code;

  // OpenGL's first row is the lowest one.
  mjr_readPixels(out->rgb, NULL, all, &app->context);
  loom_image_turn(out);
  return 0;
}

int view_write_png(viewApp* app, const char* path, loomError* err) {
  loomImage image;
  int code = view_read(app, &image, err);

  if (code) return code;
  code = loom_image_write_png(&image, path, err);
  loom_image_destroy(&image);
  return code;
}
