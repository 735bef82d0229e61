// The viewer's picture: layout, OpenGL context, scene.
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/model/trap.h"
#include "tools/view/view.h"

enum { LIST_WIDTH = 270, MENU_WIDTH = 210, MAX_GEOMS = 12000 };

static int min_int(int a, int b) {
  return a < b ? a : b;
}

void view_layout(viewApp* app, int width, int height) {
  int left = app->show_list ? min_int(LIST_WIDTH, width / 3) : 0;
  int lanes = app->task->arm_count;
  int foot = app->show_timeline ? min_int(46 + 50 * lanes, height / 2) : 0;
  int menu = app->show_ui ? min_int(app->ui.width > 0 ? app->ui.width : MENU_WIDTH, width / 3) : 0;

  app->width = width;
  app->height = height;

  // The list at the left over the full height, the timeline below the scene, the menu at the right.
  app->list_panel.rect = (mjrRect){0, 0, left, height};
  app->time_panel.rect = (mjrRect){left, 0, width - left, foot};
  app->view = (mjrRect){left, foot, width - left - menu, height - foot};

  // What MuJoCo's widgets know as rectangles: all, the menu, the scene.
  app->state.nrect = 3;
  app->state.rect[0] = (mjrRect){0, 0, width, height};
  app->state.rect[1] = (mjrRect){width - menu, foot, menu, height - foot};
  app->state.rect[2] = app->view;

  app->list_panel.stale = app->time_panel.stale = app->dirty = true;
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

static int prepare_drawing(viewApp* app, loomError* err) {
  if (!app->blank && !(app->blank = blank_model(err))) return err->code;

  mjModel* wanted = app->stage.entry >= 0 ? app->stage.model : app->blank;

  if (app->drawn_id == app->stage_id && app->has_context) return 0;

  int code = 0;
  // A new context uploads all meshes: only for others than the last. The blank one's shadows and fog suit no
  // scene.
  uint64_t hash = app->stage.entry >= 0 ? app->stage.assets : 0;
  if (!app->has_context || app->drawn_assets != hash) {
    if (app->has_context) mjr_freeContext(&app->context);
    app->has_context = false;
    app->drawn_assets = hash;
    wanted->vis.quality.offsamples = app->args->full ? 4 : 0;
    wanted->vis.quality.shadowsize = app->args->full ? 4096 : 1024;

    code = loom_trap_run(make_context, app, err);
    if (!code) view_menu_bind(app);
  }

  if (!code && app->stage.entry >= 0) code = loom_trap_run(make_scene, app, err);
  if (!code) app->drawn_id = app->stage_id;
  return code;
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
  mjr_render(app->view, &app->scene, &app->context);
}

int view_draw(viewApp* app, loomError* err) {
  int code = prepare_drawing(app, err);

  if (code) return code;

  double cpu = loom_process_cpu(), wall = loom_clock();
  if (app->framebuffer == mjFB_OFFSCREEN &&
      (app->context.offWidth != app->width || app->context.offHeight != app->height))
    mjr_resizeOffscreen(app->width, app->height, &app->context);

  mjr_setBuffer(app->framebuffer, &app->context);

  if (app->stage.entry >= 0 && app->view.width > 0 && app->view.height > 0) {
    draw_world(app);
  } else {
    mjr_rectangle(app->view, 0.2f, 0.22f, 0.25f, 1);
  }

  view_draw_plots(app);
  view_draw_panels(app);
  view_menu_draw(app);

  if (app->drive.on && !app->show_help) {
    char keys[512], words[512];
    view_drive_tell(keys, words, sizeof keys, app);
    mjr_overlay(mjFONT_NORMAL, mjGRID_TOPLEFT, app->view, keys, words, &app->context);
  }

  if (app->show_help)
    mjr_overlay(mjFONT_NORMAL, mjGRID_TOPLEFT, app->view, view_help_keys, view_help_words, &app->context);

  if (app->framebuffer == mjFB_OFFSCREEN) mjr_finish();  // a window's swap does

  // What a frame costs, and how long it took until the first one with the list: `tell` has them.
  app->frame_cpu += loom_process_cpu() - cpu;
  app->frame_wall += loom_clock() - wall;
  app->frames++;

  if (app->listed_cpu == 0) {
    app->listed = loom_clock();
    app->listed_cpu = loom_process_cpu();
  }

  app->dirty = false;
  return 0;
}

void view_free_gl(viewApp* app) {
  if (app->has_context) mjr_freeContext(&app->context);
  if (app->has_scene) mjv_freeScene(&app->scene);
  app->has_context = app->has_scene = false;
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
