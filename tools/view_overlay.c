// What is drawn into the scene besides the demo: paths of the end effectors, targets, frames, the source demo
// as a ghost, and where the demos of the list started.
#include <math.h>
#include <string.h>

#include "tools/view.h"

static const float arm_rgba[LOOM_MAX_ARMS][4] = {{0.34f, 0.71f, 0.91f, 1}, {0.9f, 0.62f, 0, 1}};
static const float target_rgba[4] = {0.8f, 0.25f, 0.6f, 1}, grey_rgba[4] = {0.4f, 0.42f, 0.45f, 0.8f};

static mjvGeom* next_geom(viewApp* app) {
  if (app->scene.ngeom >= app->scene.maxgeom) return NULL;
  return &app->scene.geoms[app->scene.ngeom++];
}

static void add_line(viewApp* app, const double a[3], const double b[3], double width, const float rgba[4]) {
  mjvGeom* g = next_geom(app);
  if (!g) return;
  mjv_initGeom(g, mjGEOM_LINE, NULL, NULL, NULL, rgba);
  mjv_connector(g, mjGEOM_LINE, width, a, b);
  g->category = mjCAT_DECOR;
}

static void add_dot(viewApp* app, int type, const double at[3], double size, const float rgba[4]) {
  mjvGeom* g = next_geom(app);
  mjtNum sizes[3] = {size, size, size};
  if (!g) return;
  mjv_initGeom(g, type, sizes, at, NULL, rgba);
  g->category = mjCAT_DECOR;
}

static void add_path(viewApp* app, const loomPose* pose, int rows, double width, const float rgba[4]) {
  int step = 1 + rows / 400;
  for (int t = step; t < rows; t += step) add_line(app, pose[t - step].pos, pose[t].pos, width, rgba);
}

static void add_frame(viewApp* app, const loomPose* pose, double length) {
  for (int k = 0; k < 3; k++) {
    float rgba[4] = {k == 0, k == 1 ? 0.7f : 0, k == 2, 1};
    double axis[3] = {k == 0, k == 1, k == 2}, end[3];
    mjtNum turned[3];
    mju_rotVecQuat(turned, axis, pose->quat);
    for (int i = 0; i < 3; i++) end[i] = pose->pos[i] + length * turned[i];
    add_line(app, pose->pos, end, 3, rgba);
  }
}

static const viewSegment* segment_now(const viewApp* app, int arm) {
  int row = view_row(app);
  for (int i = 0; i < app->stage.segment_count; i++) {
    const viewSegment* g = &app->stage.segment[i];
    if (g->arm == arm && row >= g->first && row < g->end) return g;
  }
  return NULL;
}

// Frame of the object an arm's subtask is about.
static void add_reference(viewApp* app, int arm) {
  const viewSegment* g = segment_now(app, arm);
  int object = g ? app->task->subtasks[arm][g->subtask].reference : -1;
  if (object >= 0) add_frame(app, &app->stage.replay.object[object][view_row(app)], 0.12);
}

// Where the demos of the list began: their first object.
static void add_coverage(viewApp* app) {
  static const float good[4] = {0, 0.62f, 0.45f, 1}, bad[4] = {0.84f, 0.37f, 0, 1},
                     unknown[4] = {0.5f, 0.5f, 0.5f, 1};
  for (int i = 0; i < app->list.n; i++) {
    const viewEntry* e = view_list_entry(&app->list, i);
    if (isnan(e->start[0])) continue;
    const float* rgba = e->outcome < 0 ? unknown : e->outcome == LOOM_OUTCOME_SUCCESS ? good : bad;
    add_dot(app, mjGEOM_BOX, e->start, i == app->stage.entry ? 0.008 : 0.003, rgba);
  }
}

// ------------------------------------------------------------------------------------------------------
// ghost

// Row of the source demo a row of arm 0's segment was made from.
static int source_row(const viewSegment* g, int row) {
  int t = g->source_end - (g->end - row);
  return t < g->source_start ? g->source_start : t;
}

static void close_ghost(viewApp* app) {
  mj_deleteData(app->ghost_data);
  mj_deleteModel(app->ghost_model);
  app->ghost_data = NULL;
  app->ghost_model = NULL;
}

static bool open_ghost(viewApp* app, int demo) {
  loomDemo source;
  if (app->ghost_model && app->ghost_source == demo) return true;
  close_ghost(app);
  app->ghost_source = demo;
  if (loom_demo_load(&source, app->source_dataset, demo, NULL)) return false;
  loomModelDef def = loom_default_model_def();
  def.visual = false;
  loom_demo_destroy(&app->ghost_demo);
  app->ghost_demo = source;
  if (loom_model_compile(&app->ghost_model, source.model_xml, source.name, &app->args->roots, &def, NULL))
    return false;
  app->ghost_data = mj_makeData(app->ghost_model);
  return app->ghost_data && source.state_dim == 1 + app->ghost_model->nq + app->ghost_model->nv;
}

// The source demo as it was, robots and objects, pale, in its own place.
static void add_ghost(viewApp* app) {
  const viewSegment* g = segment_now(app, 0);
  if (!g || !g->source_name[0] || !app->source_dataset) return;
  int demo = loom_dataset_demo_index(app->source_dataset, g->source_name);
  if (demo < 0 || !open_ghost(app, demo)) return;
  int row = source_row(g, view_row(app));
  if (row >= app->ghost_demo.rows) row = app->ghost_demo.rows - 1;
  const double* state = app->ghost_demo.states + (size_t)row * (size_t)app->ghost_demo.state_dim;
  mju_copy(app->ghost_data->qpos, state + 1, (int)app->ghost_model->nq);
  mj_kinematics(app->ghost_model, app->ghost_data);
  mjvOption option;
  mjv_defaultOption(&option);
  memset(option.geomgroup, 1, sizeof option.geomgroup);
  memset(option.sitegroup, 0, sizeof option.sitegroup);
  int before = app->scene.ngeom;
  mjv_addGeoms(app->ghost_model, app->ghost_data, &option, NULL, mjCAT_DYNAMIC, &app->scene);
  for (int i = before; i < app->scene.ngeom; i++) {
    mjvGeom* geom = &app->scene.geoms[i];
    if (geom->type == mjGEOM_MESH) geom->type = mjGEOM_NONE;  // of another model than the context's
    memcpy(geom->rgba, (float[4]){0.55f, 0.35f, 0.75f, 0.3f}, sizeof geom->rgba);
    geom->matid = -1;
    geom->transparent = 1;
  }
  for (int a = 0; a < app->task->arm_count && demo < app->sources.n; a++) {
    const loomReplay* r = &app->sources.replay[demo];
    add_path(app, r->eef[a], r->rows, 1.5, grey_rgba);
    if (row < r->rows) add_dot(app, mjGEOM_SPHERE, r->eef[a][row].pos, 0.012, grey_rgba);
  }
}

void view_add_overlays(viewApp* app) {
  const loomReplay* r = &app->stage.replay;
  int row = view_row(app);
  if (app->show_coverage) add_coverage(app);
  if (app->live) return;
  for (int a = 0; a < app->task->arm_count; a++) {
    if (app->show_paths) add_path(app, r->eef[a], r->rows, 2.5, arm_rgba[a]);
    if (app->show_targets) {
      add_path(app, r->target[a], r->rows, 1, target_rgba);
      add_frame(app, &r->target[a][row], 0.07);
      add_line(app, r->target[a][row].pos, r->eef[a][row].pos, 3, target_rgba);
    }
    if (app->show_frame) {
      add_frame(app, &r->eef[a][row], 0.07);
      add_reference(app, a);
    }
  }
  if (app->show_ghost) add_ghost(app);
}
