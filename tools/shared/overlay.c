#include "tools/shared/overlay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/draw/render.h"
#include "engine/scene/library.h"

static const float target_rgba[4] = {0.8f, 0.25f, 0.6f, 1}, gray_rgba[4] = {0.4f, 0.42f, 0.45f, 0.8f},
                   ghost_rgba[4] = {0.55f, 0.35f, 0.75f, 0.3f};

static mjvGeom* next_geom(mjvScene* scene) {
  return scene->ngeom < scene->maxgeom ? &scene->geoms[scene->ngeom++] : NULL;
}

static void add_line(mjvScene* scene, const double a[3], const double b[3], double width,
                     const float rgba[4]) {
  mjvGeom* g = next_geom(scene);

  if (!g) return;
  mjv_initGeom(g, mjGEOM_LINE, NULL, NULL, NULL, rgba);
  mjv_connector(g, mjGEOM_LINE, width, a, b);
  g->category = mjCAT_DECOR;
}

void overlay_dot(mjvScene* scene, int type, const double at[3], double size, const float rgba[4]) {
  mjvGeom* g = next_geom(scene);
  mjtNum sizes[3] = {size, size, size};

  if (!g) return;

  mjv_initGeom(g, type, sizes, at, NULL, rgba);
  g->category = mjCAT_DECOR;
}

// A flat rectangle along x and y.
static void add_tile(mjvScene* scene, const double at[3], const double half[2], const float rgba[4]) {
  mjvGeom* g = next_geom(scene);
  const mjtNum sizes[3] = {half[0], half[1], 0.0005};
  if (!g) return;

  mjv_initGeom(g, mjGEOM_BOX, sizes, at, NULL, rgba);
  g->category = mjCAT_DECOR;
}

enum { MOST_TILES = 16 };  // along each axis

typedef struct startGrid {
  double low[3], high[3];
  int failures, n;
  int tiles;                             // along each axis
  int count[MOST_TILES][MOST_TILES][2];  // starts of a tile from which it succeeded, failed
} startGrid;

static void bound_starts(startGrid* g, const overlayStart* start, int n) {
  for (int k = 0; k < 3; k++) {
    g->low[k] = INFINITY;
    g->high[k] = -INFINITY;
  }

  g->n = n;
  for (int i = 0; i < n; i++) {
    g->failures += start[i].failed;
    for (int k = 0; k < 3; k++) {
      g->low[k] = fmin(g->low[k], start[i].at[k]);
      g->high[k] = fmax(g->high[k], start[i].at[k]);
    }
  }
}

static int tile_of(const startGrid* g, const double at[3], int axis) {
  int tile = (int)(g->tiles * (at[axis] - g->low[axis]) / (g->high[axis] - g->low[axis]));
  return tile < g->tiles ? tile : g->tiles - 1;
}

void overlay_failures(mjvScene* scene, const overlayStart* start, int n, const float good[4],
                      const float bad[4]) {
  startGrid g = {.n = 0};
  bound_starts(&g, start, n);
  if (!g.failures || g.failures == n) return;
  if (!(g.high[0] - g.low[0] > 1e-3 && g.high[1] - g.low[1] > 1e-3)) return;

  // Five starts a tile, on average.
  g.tiles = (int)fmin(fmax(sqrt(n / 5.0), 2), MOST_TILES);
  for (int i = 0; i < n; i++)
    g.count[tile_of(&g, start[i].at, 0)][tile_of(&g, start[i].at, 1)][start[i].failed]++;

  double all = (double)g.failures / n;
  const double half[2] = {(g.high[0] - g.low[0]) / g.tiles / 2, (g.high[1] - g.low[1]) / g.tiles / 2};
  for (int x = 0; x < g.tiles; x++) {
    for (int y = 0; y < g.tiles; y++) {
      const int* count = g.count[x][y];
      if (!count[0] && !count[1]) continue;

      double share = (count[1] + 2 * all) / (count[0] + count[1] + 2), to_bad = fmin(share / (2 * all), 1);
      const double at[3] = {g.low[0] + (2 * x + 1) * half[0], g.low[1] + (2 * y + 1) * half[1],
                            g.low[2] - 0.002};
      float rgba[4] = {0, 0, 0, 0.45f};
      for (int k = 0; k < 3; k++) rgba[k] = good[k] + (float)to_bad * (bad[k] - good[k]);
      add_tile(scene, at, half, rgba);
    }
  }
}

// Rows [first, end), in 400 pieces at most.
static void add_path(mjvScene* scene, const loomPose* pose, int first, int end, double width,
                     const float rgba[4]) {
  int step = 1 + (end - first) / 400;
  for (int t = first + step; t < end; t += step)
    add_line(scene, pose[t - step].pos, pose[t].pos, width, rgba);
}

static void add_frame(mjvScene* scene, const loomPose* pose, double length) {
  for (int k = 0; k < 3; k++) {
    // Red, green, blue for x, y, z, as usual.
    float rgba[4] = {k == 0, k == 1 ? 0.7f : 0, k == 2, 1};
    double axis[3] = {k == 0, k == 1, k == 2}, end[3];
    mjtNum turned[3];

    mju_rotVecQuat(turned, axis, pose->quat);
    for (int i = 0; i < 3; i++) end[i] = pose->pos[i] + length * turned[i];
    add_line(scene, pose->pos, end, 3, rgba);
  }
}

// Frame of the object an arm's subtask is about.
static void add_reference(mjvScene* scene, const annotation* s, int arm, int row) {
  const annotationSegment* g = annotation_segment_at(s, arm, row);

  // Between subtasks there is none.
  int object = g ? s->task->subtasks[arm][g->subtask].reference : -1;
  if (object >= 0) add_frame(scene, &s->replay->object[object][row], 0.12);
}

static void add_target(mjvScene* scene, const loomReplay* r, int arm, int row) {
  add_path(scene, r->target[arm], 0, r->rows, 1, target_rgba);
  add_frame(scene, &r->target[arm][row], 0.07);

  // The line between is how far the hand is behind its target.
  add_line(scene, r->target[arm][row].pos, r->eef[arm][row].pos, 3, target_rgba);
}

// ---- source demos

// Did a run of `demoloom generate` make the dataset of cleaned demos? Another program's may tell anything.
static bool of_cleaned(const loomDataset* dataset) {
  char* text = NULL;
  if (!dataset || !loom_dataset_has_attr(dataset, "data", "loom_run") ||
      loom_dataset_attr_string(&text, dataset, "data", "loom_run", NULL))
    return false;

  cJSON* root = loom_json_read(text);
  bool cleaned = cJSON_IsTrue(cJSON_GetObjectItem(root, "cleaned"));
  cJSON_Delete(root);
  free(text);
  return cleaned;
}

int overlay_source_path(char path[LOOM_PATH_MAX], const loomTask* task, const loomDataset* dataset,
                        const loomAssetRoots* roots, loomError* err) {
  return of_cleaned(dataset) ? loom_task_cleaned_source(path, task, roots, err)
                             : loom_task_source(path, task, roots, err);
}

int overlay_load_sources(loomSourceSet* out, const loomTask* task, const char* path,
                         const loomAssetRoots* roots, loomError* err) {
  loomSourceDef def = {.skip = true,
                       .mirrored = task->mirror.declared ? LOOM_MIRRORED_ON : LOOM_MIRRORED_OFF};
  int code = loom_sources_load_with(out, task, path, roots, &def, err);
  if (!code || def.mirrored == LOOM_MIRRORED_OFF) return code;

  // What cannot be mirrored can be drawn as it is all the same.
  def.mirrored = LOOM_MIRRORED_OFF;
  return loom_sources_load_with(out, task, path, roots, &def, err);
}

static const loomReplay* source_replay(const overlaySources* sources, const char* name) {
  for (int i = 0; sources->set && i < sources->set->n; i++) {
    if (!strcmp(sources->set->replay[i].name, name)) return &sources->set->replay[i];
  }
  return NULL;
}

// Row of the source demo a row of a segment was made from.
static int source_row(const annotationSegment* g, int row) {
  int t = g->source_end - (g->end - row);
  return t < g->source_start ? g->source_start : t;
}

// What each segment was made from, and where in it the arm is now.
static void add_source(mjvScene* scene, const annotation* s, const overlaySources* sources, int arm,
                       int row) {
  for (int i = 0; i < s->segment_count; i++) {
    const annotationSegment* g = &s->segment[i];
    const loomReplay* r = g->arm == arm ? source_replay(sources, g->source_name) : NULL;

    if (!r || arm >= r->arm_count || g->source_start < 0 || g->source_end > r->rows) continue;
    add_path(scene, r->eef[arm], g->source_start, g->source_end, 1.5, gray_rgba);

    int at = source_row(g, row);
    if (row >= g->first && row < g->end && at < r->rows)
      overlay_dot(scene, mjGEOM_SPHERE, r->eef[arm][at].pos, 0.012, gray_rgba);
  }
}

void overlay_ghost_close(overlayGhost* ghost) {
  mj_deleteData(ghost->data);
  mj_deleteModel(ghost->model);
  loom_demo_destroy(&ghost->demo);
  *ghost = (overlayGhost){0};
}

static bool open_ghost(overlayGhost* ghost, const overlaySources* sources, int source) {
  if (ghost->tried && ghost->source == source) return ghost->data;

  overlay_ghost_close(ghost);
  ghost->tried = true;
  ghost->source = source;

  // A ghost that cannot be had is not tried again: the picture is drawn without it.
  if (loom_demo_load(&ghost->demo, sources->dataset, source, NULL) ||
      loom_model_compile(&ghost->model, ghost->demo.model_xml, ghost->demo.name, sources->roots, NULL, NULL))
    return false;

  // States of another shape cannot be shown in its model.
  loom_model_show(ghost->model);
  if (ghost->demo.state_dim == 1 + ghost->model->nq + ghost->model->nv)
    ghost->data = mj_makeData(ghost->model);
  return ghost->data;
}

// The renderer holds the meshes of the model it shows: the ghost borrows those of the same name and size.
static void borrow_mesh(mjvGeom* g, const mjModel* from, const mjModel* shown) {
  int own = g->dataid / 2, part = g->dataid % 2;  // a mesh and its hull

  // By name: numbers differ from model to model.
  const char* name = mj_id2name(from, mjOBJ_MESH, own);
  int mesh = name ? mj_name2id(shown, mjOBJ_MESH, name) : -1;

  if (mesh >= 0 && from->mesh_vertnum[own] == shown->mesh_vertnum[mesh]) {
    g->dataid = 2 * mesh + part;
  } else {
    g->type = mjGEOM_NONE;
  }
}

// Does the scene, up to `n`, show the same shape at the same place? A ghost over it would flicker with it.
static bool is_covered(const mjvScene* scene, int n, const mjvGeom* ghost) {
  for (int i = 0; i < n; i++) {
    const mjvGeom* g = &scene->geoms[i];
    double away = 0, turned = 0, other = 0;
    if (g->type != ghost->type || g->dataid != ghost->dataid || g->objtype != mjOBJ_GEOM) continue;

    for (int k = 0; k < 3; k++) away = fmax(away, fabs((double)g->pos[k] - (double)ghost->pos[k]));
    for (int k = 0; k < 3; k++) other = fmax(other, fabs((double)g->size[k] - (double)ghost->size[k]));
    for (int k = 0; k < 9; k++) turned = fmax(turned, fabs((double)g->mat[k] - (double)ghost->mat[k]));
    if (away < 0.002 && turned < 0.01 && other < 1e-6) return true;
  }
  return false;
}

// A little behind: round parts that only turned lie where they were, and would flicker with themselves.
static void step_back(mjvGeom* g, const mjvScene* scene) {
  mjtNum eye[3], away[3];
  for (int k = 0; k < 3; k++) {
    eye[k] = ((mjtNum)scene->camera[0].pos[k] + (mjtNum)scene->camera[1].pos[k]) / 2;
    away[k] = (mjtNum)g->pos[k] - eye[k];
  }

  // Along the line of sight, where nobody sees 5 mm.
  mju_normalize3(away);
  for (int k = 0; k < 3; k++) g->pos[k] += (float)(0.005 * away[k]);
}

// The source demo of arm 0's subtask as it was, robots and objects, pale, in its own place.
static void add_ghost(mjvScene* scene, overlayGhost* ghost, const annotation* s,
                      const overlaySources* sources, const mjModel* shown, const mjvOption* option, int row) {
  const annotationSegment* g = annotation_segment_at(s, 0, row);
  int source = g && g->source_name[0] && sources->dataset
                   ? loom_dataset_demo_index(sources->dataset, g->source_name)
                   : -1;

  // Segments of no source, such as planned ways, have no ghost.
  if (source < 0 || !open_ghost(ghost, sources, source)) return;

  int at = source_row(g, row);
  if (at < 0 || at >= ghost->demo.rows) at = ghost->demo.rows - 1;
  const double* state = ghost->demo.states + (size_t)at * (size_t)ghost->demo.state_dim;
  mju_copy(ghost->data->qpos, state + 1, (int)ghost->model->nq);

  // Poses alone: nothing moves by itself.
  mj_kinematics(ghost->model, ghost->data);

  // Only its bodies: no flags, no sites.
  mjvOption bare = *option;
  memset(bare.flags, 0, sizeof bare.flags);
  memset(bare.sitegroup, 0, sizeof bare.sitegroup);

  int before = scene->ngeom;
  mjv_addGeoms(ghost->model, ghost->data, &bare, NULL, mjCAT_DYNAMIC, scene);

  // Each geom that was added: pale, with no texture; what has not moved is seen already.
  int added = scene->ngeom;
  scene->ngeom = before;
  for (int i = before; i < added; i++) {
    mjvGeom* geom = &scene->geoms[scene->ngeom];
    if (i != scene->ngeom) *geom = scene->geoms[i];
    if (geom->type == mjGEOM_MESH) borrow_mesh(geom, ghost->model, shown);
    if (is_covered(scene, before, geom)) continue;
    step_back(geom, scene);
    scene->ngeom++;
    memcpy(geom->rgba, ghost_rgba, sizeof geom->rgba);
    geom->matid = -1;
    geom->transparent = 1;
  }
}

void overlay_arrow(mjvScene* scene, const double from[3], const double to[3], double width,
                   const float rgba[4], const char* label) {
  mjvGeom* g = next_geom(scene);
  if (!g) return;

  mjv_initGeom(g, mjGEOM_ARROW, NULL, NULL, NULL, rgba);
  mjv_connector(g, mjGEOM_ARROW, width, from, to);
  g->category = mjCAT_DECOR;

  // Its name stands at its tip.
  mjvGeom* tip = next_geom(scene);
  mjtNum none[3] = {1e-4, 1e-4, 1e-4}, at[3];
  if (!tip) return;
  for (int k = 0; k < 3; k++) at[k] = to[k] + 0.15 * (to[k] - from[k]);
  mjv_initGeom(tip, mjGEOM_SPHERE, none, at, NULL, rgba);
  tip->category = mjCAT_DECOR;
  snprintf(tip->label, sizeof tip->label, "%s", label);
}

void overlay_add(mjvScene* scene, overlayGhost* ghost, const annotation* s, const overlaySources* sources,
                 const mjModel* model, const mjvOption* option, int kinds, int row) {
  const loomReplay* r = s->replay;
  for (int a = 0; a < s->task->arm_count; a++) {
    const loomColor* c = &annotation_arm_color[a];
    float rgba[4] = {(float)c->r, (float)c->g, (float)c->b, 1};

    if (kinds & OVERLAY_PATHS) add_path(scene, r->eef[a], 0, r->rows, 2.5, rgba);
    if (kinds & OVERLAY_TARGETS) add_target(scene, r, a, row);
    if (kinds & OVERLAY_FRAMES) {
      add_frame(scene, &r->eef[a][row], 0.07);
      add_reference(scene, s, a, row);
    }
    if (kinds & OVERLAY_SOURCES) add_source(scene, s, sources, a, row);
  }

  if (kinds & OVERLAY_GHOST) add_ghost(scene, ghost, s, sources, model, option, row);
}
