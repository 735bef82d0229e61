// Pictures of an environment, drawn when they are asked for.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/observe/sense.h"
#include "tools/python/flat_internal.h"

enum { PICTURE_MOST = 8192 };

// What the last picture was, and what has drawn it.
typedef struct flatPicture {
  int width, height;
  bool light;
  loomName camera;
  loomSense* sense;        // of robots' tasks
  uint64_t begins;         // whose model it has: of this environment's
  int env;                 // so many-th episode
  mjModel* model;          // of a plain control task
  loomRenderer* renderer;  // with room for such a picture
} flatPicture;

void loom_flat_picture_close(flatPicture* p) {
  if (!p) return;
  loom_sense_destroy(p->sense);
  loom_renderer_destroy(p->renderer);
  mj_deleteModel(p->model);
  free(p);
}

// ---- robots' tasks: the episode's own model, with its objects' sizes

static int open_eyes(flatPicture* p, loomError* err) {
  loomSenseDef def = loom_default_sense_def();
  loomObsKey key;
  char name[LOOM_NAME_MAX + 16];
  int shape[] = {p->height, p->width, 3};
  def.full = def.shadows = !p->light;

  // Where nothing is said it is the camera `table`, or the free one in its place.
  snprintf(name, sizeof name, "%s_image", p->camera[0] ? p->camera : "table");
  int code = loom_sense_key(&key, &def, name, 3, shape, err);
  return code ? code : loom_sense_create(&p->sense, &def, &key, 1, err);
}

static int show_episode(flatPicture* p, loomFlatEnvs* e, int i, loomError* err) {
  loomEpisode* episode = loom_task_environment_episode(&e->vector->environment[i]);
  char* xml = NULL;
  if (p->begins == e->begins[i] && p->env == i) return 0;

  int code = loom_episode_xml(&xml, episode, err);
  if (!code) code = loom_sense_model(p->sense, xml, e->scene->label, &e->scene->roots, err);
  if (!code) code = loom_sense_looks(p->sense, episode, err);
  free(xml);

  p->begins = code ? 0 : e->begins[i];
  p->env = i;
  return code;
}

static int draw_robots(unsigned char* rgb, flatPicture* p, loomFlatEnvs* e, int i, loomError* err) {
  int code = p->sense ? 0 : open_eyes(p, err);
  if (!code) code = show_episode(p, e, i, err);
  if (code) return code;

  void* out[] = {rgb};
  return loom_sense_look(out, p->sense, loom_task_environment_episode(&e->vector->environment[i])->d->qpos,
                         err);
}

// ---- plain control tasks

static int open_renderer(flatPicture* p, const loomFlatEnvs* e, loomError* err) {
  loomRenderDef def = loom_default_render_def();
  def.width = p->width;
  def.height = p->height;
  def.shadows = !p->light;
  if (p->camera[0]) def.camera = p->camera;

  p->model = mj_copyModel(NULL, e->control_scene->m);
  if (!p->model) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a picture");
  p->model->vis.global.offwidth = p->width;
  p->model->vis.global.offheight = p->height;
  return loom_renderer_create(&p->renderer, p->model, &def, err);
}

static int draw_control(unsigned char* rgb, flatPicture* p, loomFlatEnvs* e, int i, loomError* err) {
  const loomControlSim* sim = e->vector->environment[i].self;
  int code = p->renderer ? 0 : open_renderer(p, e, err);
  if (code) return code;

  // The free camera goes with what moves; another thread may be the next to draw.
  if (!p->camera[0]) loom_renderer_aim(p->renderer, sim->d->qpos);
  code = loom_renderer_pixels(p->renderer, sim->d, rgb, NULL, err);
  loom_renderer_release(p->renderer);
  return code;
}

// ---- either

static bool is_same(const flatPicture* p, int width, int height, const char* camera, bool light) {
  return p->width == width && p->height == height && p->light == light && !strcmp(p->camera, camera);
}

int loom_flat_envs_render(unsigned char* rgb, loomFlatEnvs* e, int i, int width, int height,
                          const char* camera, int light, loomError* err) {
  int code = loom_flat_check(e, i, err);
  if (code) return code;
  camera = camera ? camera : "";
  if (width < 1 || height < 1 || width > PICTURE_MOST || height > PICTURE_MOST ||
      strlen(camera) >= LOOM_NAME_MAX - 8)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "a picture of %d x %d by camera '%.100s' cannot be drawn; 1 to %d pixels a side",
                          width, height, camera, PICTURE_MOST);

  if (!e->picture || !is_same(e->picture, width, height, camera, light)) {
    loom_flat_picture_close(e->picture);
    e->picture = calloc(1, sizeof *e->picture);
    if (!e->picture) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a picture");
    *e->picture = (flatPicture){.width = width, .height = height, .light = light};
    snprintf(e->picture->camera, sizeof e->picture->camera, "%.*s", LOOM_NAME_MAX - 1, camera);
  }

  code = (e->scene ? draw_robots : draw_control)(rgb, e->picture, e, i, err);
  if (code) {
    loom_flat_picture_close(e->picture);
    e->picture = NULL;
  }
  return code;
}
