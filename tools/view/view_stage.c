// The demo the viewer shows: its models, its replay by state, its segments.
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/draw/render.h"
#include "engine/model/model.h"
#include "engine/model/model_outline.h"
#include "engine/sim/disturb.h"
#include "generators/source/segment.h"
#include "tools/view/view.h"

// A demo of its own memory, since the stage outlives the trial that it may come from.
static int copy_demo(loomDemo* out, const loomDemo* from, loomError* err) {
  size_t actions = sizeof(double) * (size_t)from->rows * (size_t)from->action_dim,
         states = sizeof(double) * (size_t)from->rows * (size_t)from->state_dim;

  *out = *from;
  out->name = strdup(from->name);
  out->model_xml = strdup(from->model_xml);
  out->actions = malloc(actions);
  out->states = malloc(states);

  if (out->name && out->model_xml && out->actions && out->states) {
    memcpy(out->actions, from->actions, actions);
    memcpy(out->states, from->states, states);
    return 0;
  }

  loom_demo_destroy(out);
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo");
}

// ---- segments

// A trial knows when each subtask began; one that failed has not begun all, and an arm that waits none.
static void ends_from_trial(viewStage* s, const viewTrial* trial, const loomTask* task) {
  for (int a = 0; a < task->arm_count; a++) {
    for (int i = 0; i < task->subtask_count[a]; i++) {
      int next = i + 1 < task->subtask_count[a] ? trial->result.begin[a][i + 1] : -1;
      s->replay.end[a][i] = trial->result.begin[a][0] < 0 ? 0 : next >= 0 ? next : s->demo.rows;
    }
  }
}

static void find_ends(viewApp* app, const viewEntry* e) {
  viewStage* s = &app->stage;
  loomError err = {0, ""};

  s->has_ends = true;
  // Ends set by hand come before all others.
  if (e->ends) {
    memcpy(s->replay.end, e->ends, sizeof s->replay.end);
    return;
  }

  if (e->trial && e->trial->result.begin[0][0] >= 0) {
    ends_from_trial(s, e->trial, app->task);
    return;
  }

  // Then those of the user's file of segments, else those that the task's conditions find.
  loomSegmentFile given = {0};
  bool use = app->args->segments && loom_is_file(app->args->segments) && !e->trial;
  int code = use ? loom_segment_file_load(&given, app->args->segments, app->task, app->dataset, &err) : 0;
  if (code) annotation_guess_ends(&s->replay, app->task);
  if (!code)
    code = annotation_find_ends(&s->replay, app->task, e->trial ? NULL : app->dataset, e->demo,
                                use ? &given : NULL, &err);

  loom_segment_file_destroy(&given);

  if (!code) return;
  s->has_ends = false;  // once one is set by hand, the others are there to be dragged where they belong
  snprintf(s->why, sizeof s->why, "%.250s", err.message);
}

void view_stage_segments(viewApp* app) {
  viewStage* s = &app->stage;
  const viewEntry* e = view_list_entry(&app->list, s->entry);

  // Ends that nobody knows are not shown as if they were: the lanes stay empty.
  s->segment_count = s->has_ends ? annotation_segments(s->segment, &s->replay, app->task) : 0;

  // A dataset's provenance names its sources; a trial names them by their number in the loaded set.
  if (!e->trial) annotation_name_sources(s->segment, s->segment_count, app->task, app->dataset, e->demo);
  for (int i = 0; e->trial && i < s->segment_count; i++) {
    annotationSegment* g = &s->segment[i];
    int from = e->trial->result.source[g->arm][g->subtask];
    if (from < 0 || from >= app->sources.n) continue;

    const loomReplay* source = &app->sources.replay[from];
    snprintf(g->source_name, sizeof g->source_name, "%s", source->name);
    g->source_start = loom_segment_start(source, g->arm, g->subtask);
    g->source_end = source->end[g->arm][g->subtask];
  }
}

annotation view_annotation(const viewApp* app) {
  const viewStage* s = &app->stage;
  return (annotation){app->task, &s->replay, s->segment_count, s->segment, s->has_ends};
}

// The other arm's end that a rule keeps at the same row: coordinated subtasks start and end together.
static bool coordinated(const loomTask* task, int arm, int subtask, int* other, int* other_subtask) {
  for (int i = 0; i < task->rule_count; i++) {
    const loomRule* r = &task->rules[i];

    if (r->kind != LOOM_RULE_COORDINATED) continue;

    // A rule may be about the subtask that this end closes, or about the one that it opens.
    for (int before = 0; before < 2; before++) {
      bool a = r->arm_a == arm && r->subtask_a == subtask + before,
           b = r->arm_b == arm && r->subtask_b == subtask + before;

      if (!a && !b) continue;
      *other = a ? r->arm_b : r->arm_a;
      *other_subtask = (a ? r->subtask_b : r->subtask_a) - before;
      return *other_subtask >= 0;
    }
  }
  return false;
}

// The end between its neighbors, each segment a row at least.
static int end_within(const viewStage* s, const loomTask* task, int arm, int k, int end) {
  int low = loom_segment_start(&s->replay, arm, k) + 1;

  int high = k + 1 < task->subtask_count[arm] ? s->replay.end[arm][k + 1] - 1 : s->demo.rows;
  return end < low ? low : end > high ? high : end;
}

// Ends set by hand stay with the demo while others are looked at.
static void remember_ends(viewApp* app) {
  viewEntry* e = view_list_entry(&app->list, app->stage.entry);
  view_edit_ends(app, app->stage.entry, app->stage.replay.end);
  if (!e->ends) e->ends = malloc(sizeof app->stage.replay.end);

  if (!e->ends) return;

  memcpy(e->ends, app->stage.replay.end, sizeof app->stage.replay.end);
  app->ends_changed = true;
  view_journal_note(app, app->stage.entry);
}

bool view_stage_move_end(viewApp* app, int arm, int k, int end) {
  viewStage* s = &app->stage;
  int other, other_k;

  if (k + 1 >= app->task->subtask_count[arm]) return false;
  bool pair =
      coordinated(app->task, arm, k, &other, &other_k) && other_k + 1 < app->task->subtask_count[other];

  // Both arms' ends must fit between their neighbors; where no row fits both, nothing moves.
  end = end_within(s, app->task, arm, k, end);
  if (pair) end = end_within(s, app->task, other, other_k, end);
  if (end == s->replay.end[arm][k] || end_within(s, app->task, arm, k, end) != end) return false;

  s->replay.end[arm][k] = end;
  if (pair) s->replay.end[other][other_k] = end;
  s->has_ends = true;

  view_stage_segments(app);
  remember_ends(app);
  return true;
}

// Its outline tells later how another demo's model differs; without one all are compiled.
static mjModel* outline_of(viewApp* app, const char* xml) {
  mjModel* m = NULL;

  loomModelDef def = loom_default_model_def();
  def.outline = true;
  return loom_model_compile(&m, xml, "outline", &app->args->roots, &def, NULL) ? NULL : m;
}

loomSimplifyDef view_simplify(void) {
  loomSimplifyDef def = loom_default_simplify_def();
  def.error = 0.006;
  def.texture = 256;
  def.most = 0.002;
  def.colliding = true;  // contacts are found elsewhere
  return def;
}

static int open_stage_model(viewApp* app, const char* label, loomError* err) {
  viewStage* s = &app->stage;

  loomModelDef def = loom_default_model_def();
  loomSimplifyDef light = view_simplify();
  def.simplify = app->args->full ? NULL : &light;
  def.keep = def.aside = app->alone && !app->has_view;

  int code = loom_model_compile(&s->model, s->demo.model_xml, label, &app->args->roots, &def, err);
  malloc_trim(0);  // its compiler leaves much behind, which the next one would come on top of
  if (code) return code;
  loom_model_show(s->model);

  // MuJoCo's sizes of contacts suit robots of legs, not hands.
  s->model->vis.scale.contactwidth *= 0.25f;
  s->model->vis.scale.contactheight *= 0.25f;
  s->model->vis.scale.forcewidth *= 0.4f;

  s->assets = view_asset_hash(s->model);
  if (!s->outline) s->outline = outline_of(app, s->demo.model_xml);
  s->data = mj_makeData(s->model);
  return s->data ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a simulation");
}

static int open_models(viewApp* app, loomError* err) {
  viewStage* s = &app->stage;
  char label[LOOM_PATH_MAX];

  snprintf(label, sizeof label, "%.800s:data/%.100s", app->path, s->demo.name);

  // What is recorded with the data must agree with the task, or says what it leaves out.
  char* env_args = NULL;
  bool says = !app->task->has_controller || loom_dataset_has_env_args(app->dataset);
  int code = says ? loom_dataset_env_args(&env_args, app->dataset, err) : 0;

  // Of the first demo both models are kept for the next time: most demos have the same. What simulates takes
  // most memory to compile, and so comes first.
  if (!code)
    code = (app->alone && !app->has_view ? loom_scene_create_kept : loom_scene_create)(
        &s->scene, app->task, s->demo.model_xml, label, env_args, &app->args->roots, err);
  malloc_trim(0);  // compilers leave much behind
  if (!code && !s->model) code = open_stage_model(app, label, err);

  if (!code && s->demo.state_dim != 1 + s->model->nq + s->model->nv)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: states have %d columns, its model 1 + nq + nv = %d",
                          label, s->demo.state_dim, (int)(1 + s->model->nq + s->model->nv));

  // The camera is placed once: it stays where the user put it when other demos are shown.
  if (!code && !app->has_view) loom_free_camera(&app->camera, s->model, s->demo.states + 1);
  if (!code && !app->has_view && app->other) app->camera.distance *= 1.4;  // halves of a picture are narrow
  app->has_view = app->has_view || !code;

  if (!code) code = loom_episode_create(&s->episode, s->scene, err);

  free(env_args);
  return code;
}

static void close_models(viewStage* s) {
  loom_episode_destroy(s->episode);
  loom_scene_destroy(s->scene);
  loom_looks_destroy(&s->looks);
  mj_deleteData(s->data);
  mj_deleteModel(s->model);
  mj_deleteModel(s->outline);
  s->episode = NULL;
  s->scene = NULL;
  s->data = NULL;
  s->model = s->outline = NULL;
}

// Demos of one model share what was made of it. Of one that differs only in sizes and places, as objects do
// from demo to demo, the drawn model is brought to them: compiling its meshes takes a second and 400 MB.
static void keep_models(viewApp* app, viewStage* before) {
  viewStage* s = &app->stage;

  if (!before->model || loom_looks_show(&before->looks, before->model, NULL, NULL)) return;

  bool same = !strcmp(before->demo.model_xml, s->demo.model_xml);
  s->outline = same ? before->outline : outline_of(app, s->demo.model_xml);
  if (!same && (!before->outline || !s->outline ||
                !loom_model_adapt(before->model, before->outline, before->demo.model_xml, s->outline,
                                  s->demo.model_xml)))
    return;

  s->model = before->model;
  s->data = before->data;
  s->assets = before->assets;
  before->model = NULL;
  before->data = NULL;

  if (!same) {
    mj_resetData(s->model, s->data);
    return;
  }

  // The same model: the simulation goes on as it is.
  s->looks = before->looks;
  before->looks = (loomLooks){0};
  s->scene = before->scene;
  s->episode = before->episode;
  before->outline = NULL;
  before->scene = NULL;
  before->episode = NULL;
}

int view_stage_open(viewApp* app, int entry, loomError* err) {
  viewStage before = app->stage, *s = &app->stage;

  const viewEntry* e = view_list_entry(&app->list, entry);

  memset(s, 0, sizeof *s);
  s->entry = entry;

  int code = e->trial ? copy_demo(&s->demo, &e->trial->demo, err)
                      : loom_demo_load(&s->demo, app->dataset, e->demo, err);
  if (!code) keep_models(app, &before);
  view_stage_close(&before);
  if (!code && !s->episode) code = open_models(app, err);

  if (!code) code = loom_replay_states(&s->replay, s->episode, &s->demo, err);
  if (!code) code = loom_looks_show(&s->looks, s->model, s->episode, err);
  if (code) {
    view_stage_close(s);
    return code;
  }

  // A recording without provenance shows here whether it succeeds and where its object began.
  viewEntry* known = view_list_entry(&app->list, entry);
  view_list_judge(&app->list, entry, s->replay.success_end);

  if (isnan(known->start[0]) && app->task->object_count)
    memcpy(known->start, s->replay.object[0][0].pos, sizeof known->start);

  find_ends(app, e);
  view_stage_segments(app);
  return 0;
}

void view_stage_close(viewStage* s) {
  loom_replay_destroy(&s->replay);

  close_models(s);
  loom_demo_destroy(&s->demo);

  free(s->force);
  free(s->ctrl);
  free(s->reward);
  memset(s, 0, sizeof *s);
  s->entry = -1;
}

void view_stage_pose(viewApp* app, int row) {
  viewStage* s = &app->stage;
  const double* state = s->demo.states + (size_t)row * (size_t)s->demo.state_dim;

  s->data->time = state[0];
  mju_copy(s->data->qpos, state + 1, (int)s->model->nq);
  mju_copy(s->data->qvel, state + 1 + s->model->nq, (int)s->model->nv);
  if (s->ctrl) mju_copy(s->data->ctrl, s->ctrl + (size_t)row * (size_t)s->model->nu, (int)s->model->nu);

  mj_forward(s->model, s->data);
}

// ---- contact forces, by replaying the actions

typedef struct forceProbe {
  viewStage* stage;
  const loomTask* task;
} forceProbe;

static bool of_hand(const loomRobotDef* robot, const char* name) {
  for (int f = 0; f < robot->finger_count; f++) {
    for (int g = 0; g < robot->finger_geom_count[f]; g++) {
      if (!strcmp(robot->finger_geoms[f][g], name)) return true;
    }
  }
  return false;
}

static int probe_act(double* action, void* self, loomEpisode* e, loomError* err) {
  forceProbe* p = self;
  viewStage* s = p->stage;
  (void)err;

  if (e->steps >= s->demo.rows) return LOOM_POLICY_DONE;

  double* force = s->force + e->steps * e->arm_count;
  mju_copy(s->ctrl + (size_t)e->steps * (size_t)e->m->nu, e->d->ctrl, (int)e->m->nu);

  // Normal forces of all contacts that one of the arm's fingers has part in.
  for (int c = 0; c < e->d->ncon; c++) {
    mjtNum f[6];
    mj_contactForce(e->m, e->d, c, f);
    for (int side = 0; side < 2; side++) {
      int geom = e->d->contact[c].geom[side];
      const char* name = geom >= 0 ? mj_id2name(e->m, mjOBJ_GEOM, geom) : NULL;
      for (int a = 0; name && a < e->arm_count; a++) {
        if (of_hand(&p->task->robots[a], name)) force[a] += f[0];
      }
    }
  }

  memcpy(action, s->demo.actions + (size_t)e->steps * (size_t)s->demo.action_dim,
         sizeof(double) * (size_t)s->demo.action_dim);
  return 0;
}

int view_stage_forces(viewApp* app, loomError* err) {
  viewStage* s = &app->stage;
  forceProbe probe = {s, app->task};
  loomPolicy policy = {&probe, NULL, probe_act};
  loomRunDef def = {.max_steps = s->demo.rows};
  loomRunResult run;

  // Found once, when the plot of forces is first looked at.
  if (s->force) return 0;

  s->force = calloc((size_t)s->demo.rows * (size_t)app->task->arm_count + 1, sizeof *s->force);
  s->ctrl = calloc((size_t)s->demo.rows * (size_t)s->model->nu + 1, sizeof *s->ctrl);
  if (!s->force || !s->ctrl) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for forces");

  if (s->episode->m->nu != s->model->nu)
    return loom_error_set(err, LOOM_ERR_FORMAT, "the model drawn has other actuators");

  int code = loom_demo_start(s->episode, &s->demo, err);
  if (!code) code = loom_policy_run(&run, s->episode, &policy, &def, NULL, err);
  return code;
}
