// Thumbnails, drawn by a thread of its own in a context of its own, of what collides: that takes
// milliseconds.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/draw/render.h"
#include "engine/model/model_outline.h"
#include "engine/sim/part.h"
#include "tools/view/view.h"

typedef struct thumbMaker {
  viewApp* app;
  char* xml;  // of the model below
  mjModel *model, *outline;
  mjData* data;
  loomRenderer* renderer;
  loomScene* scene;  // that outcomes are found in
} thumbMaker;

static void close_model(thumbMaker* t) {
  loom_renderer_destroy(t->renderer);
  mj_deleteData(t->data);
  mj_deleteModel(t->model);
  mj_deleteModel(t->outline);
  free(t->xml);
  *t = (thumbMaker){.app = t->app, .scene = t->scene};
}

// Objects in one color, everything else gray, and nothing that does not collide.
static void paint_model(mjModel* m, const loomTask* task) {
  static const float gray[4] = {0.72f, 0.74f, 0.76f, 1}, strong[4] = {0.84f, 0.37f, 0, 1};
  int bodies[LOOM_MAX_OBJECTS];
  loom_object_bodies(bodies, task, m);

  for (int g = 0; g < m->ngeom; g++) {
    const float* color = loom_object_of_geom(m, bodies, task->object_count, g) >= 0 ? strong : gray;
    memcpy(m->geom_rgba + 4 * g, color, sizeof gray);
    m->geom_matid[g] = -1;
    m->geom_group[g] = m->geom_contype[g] || m->geom_conaffinity[g] ? 0 : 1;
  }
}

// Where nothing was drawn it is black.
static void brighten(loomImage* image) {
  for (int i = 0; i < image->width * image->height; i++) {
    unsigned char* p = image->rgb + 3 * i;
    if (!p[0] && !p[1] && !p[2]) memset(p, 235, 3);
  }
}

// Many demos share one model, or differ in sizes only; then it is kept.
static bool keep_model(thumbMaker* t, const char* xml, mjModel* outline) {
  if (!t->xml || !outline || !loom_model_adapt(t->model, t->outline, t->xml, outline, xml)) return false;

  char* copy = strdup(xml);
  if (!copy) return false;

  free(t->xml);
  t->xml = copy;
  mj_deleteModel(t->outline);
  t->outline = outline;
  return true;
}

// What the window shows already, once.
static bool take_model(thumbMaker* t, const char* xml) {
  viewApp* app = t->app;
  if (!app->thumb_model || strcmp(app->thumb_xml, xml) != 0) return false;

  t->model = app->thumb_model;
  app->thumb_model = NULL;
  return true;
}

static int open_thumb_model(thumbMaker* t, const loomDemo* demo, loomError* err) {
  if (t->xml && !strcmp(t->xml, demo->model_xml)) return 0;

  // The outline shows whether the model at hand only needs other sizes.
  mjModel* outline = NULL;
  loomModelDef def = loom_default_model_def();
  def.outline = true;
  if (loom_model_compile(&outline, demo->model_xml, demo->name, &t->app->args->roots, &def, NULL))
    outline = NULL;

  if (keep_model(t, demo->model_xml, outline)) return 0;

  close_model(t);
  t->outline = outline;
  def.outline = false;
  loomSimplifyDef light = view_simplify();
  def.simplify = &light;

  loomRenderDef look = loom_default_render_def();
  look.width = VIEW_THUMB_WIDTH;
  look.height = VIEW_THUMB_HEIGHT;
  look.collision = true;

  int code = take_model(t, demo->model_xml) ? 0
                                            : loom_model_compile(&t->model, demo->model_xml, demo->name,
                                                                 &t->app->args->roots, &def, err);
  malloc_trim(0);  // compilers leave much behind
  if (code) return code;

  // Smallest possible: no shadows, no multisampling, a buffer of the thumbnail's size.
  paint_model(t->model, t->app->task);
  t->model->vis.quality.offsamples = 0;
  t->model->vis.quality.shadowsize = 0;
  t->model->vis.global.offwidth = VIEW_THUMB_WIDTH;
  t->model->vis.global.offheight = VIEW_THUMB_HEIGHT;

  t->data = mj_makeData(t->model);
  t->xml = strdup(demo->model_xml);
  if (!t->data || !t->xml) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a thumbnail");

  return loom_renderer_create(&t->renderer, t->model, &look, err);
}

static int draw_thumb(loomImage* out, thumbMaker* t, int number, loomError* err) {
  loomDemo demo;

  int code = loom_demo_load(&demo, t->app->dataset, number, err);
  if (code) return code;

  code = open_thumb_model(t, &demo, err);
  if (!code && demo.state_dim != 1 + t->model->nq + t->model->nv)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: states do not fit its model", demo.name);

  if (!code) code = loom_image_create(out, VIEW_THUMB_WIDTH, VIEW_THUMB_HEIGHT, err);
  // The last row shows how the demo ended.
  if (!code) {
    mju_copy(t->data->qpos, demo.states + (size_t)(demo.rows - 1) * (size_t)demo.state_dim + 1,
             (int)t->model->nq);
    mj_forward(t->model, t->data);
    loom_renderer_aim(t->renderer, t->data->qpos);

    code = loom_renderer_draw(t->renderer, t->data, out, err);
    brighten(out);
  }

  if (code) close_model(t);
  loom_demo_destroy(&demo);
  return code;
}

// ---- outcomes

// Does success hold at the demo's last row?
static bool judge_demo(thumbMaker* t, int number) {
  loomDemo demo;
  loomEpisode* episode = NULL;
  loomReplay replay = {0};
  const viewApp* app = t->app;
  if (loom_demo_load(&demo, app->dataset, number, NULL)) return false;

  bool good =
      !loom_replay_open(&t->scene, &episode, app->task, app->dataset, &demo, &app->args->roots, NULL) &&
      !loom_replay_states(&replay, episode, &demo, NULL) && replay.success_end;
  loom_replay_destroy(&replay);
  loom_episode_destroy(episode);
  loom_demo_destroy(&demo);
  return good;
}

// One of those whose outcome the file does not tell; false when there is none.
static bool judge_next(thumbMaker* t) {
  viewApp* app = t->app;
  int entry = -1, number = -1;

  pthread_mutex_lock(&app->list.lock);
  if (app->unknown_at < app->unknown_count) {
    entry = app->unknown[app->unknown_at++];
    number = app->list.entry[entry].demo;
  }
  pthread_mutex_unlock(&app->list.lock);
  if (entry < 0) return false;

  bool succeeds = judge_demo(t, number);
  pthread_mutex_lock(&app->list.lock);
  app->list.entry[entry].judged = true;
  app->list.entry[entry].succeeds = succeeds;
  app->thumb_done++;
  pthread_mutex_unlock(&app->list.lock);
  return true;
}

bool view_thumb_take(viewApp* app) {
  pthread_mutex_lock(&app->list.lock);
  bool more = app->thumb_seen != app->thumb_done;
  app->thumb_seen = app->thumb_done;

  for (int i = 0; more && i < app->unknown_at; i++) {
    const viewEntry* e = &app->list.entry[app->unknown[i]];
    if (e->judged) view_list_judge(&app->list, app->unknown[i], e->succeeds);
  }
  pthread_mutex_unlock(&app->list.lock);
  return more;
}

// ---- the thread

// The next entry to draw, with its demo's number; -1 = none.
static int next_wanted(viewApp* app, int* number) {
  int entry = -1;

  pthread_mutex_lock(&app->list.lock);

  if (app->wanted_at < app->wanted_count) {
    entry = app->wanted[app->wanted_at++];
    *number = app->list.entry[entry].demo;
  }

  pthread_mutex_unlock(&app->list.lock);
  return entry;
}

static void* make_thumbs(void* user) {
  viewApp* app = user;
  thumbMaker t = {.app = app, .scene = app->thumb_scene};
  (void)!nice(5);  // this thread only

  while (!app->thumb_stop) {
    int number, entry = next_wanted(app, &number);
    // Pictures first, then outcomes; where nothing is wanted: look again in 20 ms.
    if (entry < 0) {
      if (!judge_next(&t)) loom_sleep(0.02);
      continue;
    }

    loomImage image = {0};

    int code = draw_thumb(&image, &t, number, NULL);

    // The image is the entry's now, unless the window drew one meanwhile.
    pthread_mutex_lock(&app->list.lock);
    viewEntry* e = &app->list.entry[entry];
    e->tried_thumb = true;
    if (!code && !e->has_thumb) {
      e->thumb = image;
      e->has_thumb = true;
      image.rgb = NULL;
    }

    app->thumb_done++;
    pthread_mutex_unlock(&app->list.lock);
    loom_image_destroy(&image);
  }

  close_model(&t);
  loom_scene_destroy(t.scene);
  return NULL;
}

void view_thumb_want(viewApp* app) {
  int n = 0, m = 0;

  // From the first entry in sight on, those without a picture or an outcome.
  pthread_mutex_lock(&app->list.lock);

  for (int k = app->scroll; k < app->list.shown_count && k < app->scroll + VIEW_THUMB_QUEUE; k++) {
    const viewEntry* e = view_list_entry(&app->list, app->list.shown[k]);
    if (e->demo < 0 || !e->rows) continue;
    if (!e->tried_thumb) app->wanted[n++] = app->list.shown[k];
    if (e->outcome < 0 && !e->judged) app->unknown[m++] = app->list.shown[k];
  }

  app->wanted_count = n;
  app->unknown_count = m;
  app->wanted_at = app->unknown_at = 0;
  app->thumb_asked = app->thumb_done + n + m;
  pthread_mutex_unlock(&app->list.lock);
}

void view_thumb_start(viewApp* app) {
  app->thumb_scene = loom_scene_share(app->stage.scene);
  if (app->stage.entry >= 0 && app->stage.model) {
    app->thumb_model = mj_copyModel(NULL, app->stage.model);
    app->thumb_xml = strdup(app->stage.demo.model_xml);
    if (!app->thumb_xml) mj_deleteModel(app->thumb_model);
    if (!app->thumb_xml) app->thumb_model = NULL;
  }

  view_thumb_want(app);
  app->alone = false;
  if (app->other) app->other->alone = false;
  app->has_thumb_thread = !pthread_create(&app->thumb_thread, NULL, make_thumbs, app);
  if (!app->has_thumb_thread) loom_scene_destroy(app->thumb_scene);
}

void view_thumb_stop(viewApp* app) {
  if (!app->has_thumb_thread) return;
  app->thumb_stop = true;

  pthread_join(app->thumb_thread, NULL);
  app->has_thumb_thread = false;
}
