#include "generators/source/replay.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/scene/compose.h"
#include "engine/scene/env_args.h"
#include "engine/sim/disturb.h"
#include "engine/sim/part.h"
#include "generators/source/mirror.h"
#include "generators/source/segment.h"
#include "generators/source/segment_file.h"

// ---- by state

static int allocate(loomReplay* r, loomError* err) {
  size_t rows = (size_t)r->rows;
  bool ok = true;
  for (int a = 0; a < r->arm_count; a++) {
    r->eef[a] = calloc(rows, sizeof(loomPose));
    r->target[a] = calloc(rows, sizeof(loomPose));
    r->grip[a] = calloc(rows, sizeof(double));
    r->pads[a] = calloc(rows * 3, sizeof(double));
    r->hand[a] = calloc(rows * LOOM_MAX_HAND, sizeof(double));
    ok = ok && r->eef[a] && r->target[a] && r->grip[a] && r->pads[a] && r->hand[a];
  }

  for (int o = 0; o < r->object_count; o++) {
    r->object[o] = calloc(rows, sizeof(loomPose));
    ok = ok && r->object[o];
  }

  r->condition = calloc(rows, (size_t)r->condition_count + 1);
  r->touch = calloc(rows, (size_t)(r->arm_count * r->object_count) + 1);
  return ok && r->condition && r->touch ? 0
                                        : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a replay");
}

void loom_find_touches(unsigned char* touch, const loomEpisode* e) {
  const loomTask* task = e->scene->task;

  memset(touch, 0, (size_t)e->arm_count * (size_t)task->object_count);
  for (int c = 0; c < e->d->ncon; c++) {
    for (int side = 0; side < 2; side++) {
      int finger_geom = e->d->contact[c].geom[side], other = e->d->contact[c].geom[1 - side];
      if (finger_geom < 0 || other < 0) continue;

      // A finger of which robot, against which object: both sides of a contact are tried.
      const char* name = mj_id2name(e->m, mjOBJ_GEOM, finger_geom);
      if (!name) continue;
      int o = loom_object_of_geom(e->m, e->scene->object_body, task->object_count, other);
      for (int a = 0; o >= 0 && a < e->arm_count; a++) {
        const loomRobotDef* robot = &task->robots[a];
        for (int f = 0; f < robot->finger_count; f++) {
          for (int g = 0; g < robot->finger_geom_count[f]; g++) {
            if (!strcmp(robot->finger_geoms[f][g], name))
              touch[a * task->object_count + o] |= (unsigned char)(1 << f);
          }
        }
      }
    }
  }
}

// The middle of the finger pads in the end effector's frame.
static void find_pads(double pads[3], const loomEpisode* e, int a) {
  const loomRobotDef* robot = &e->scene->task->robots[a];
  loomPose middle = loom_pose_identity();
  int n = 0;
  for (int f = 0; f < robot->finger_count; f++) {
    for (int g = 0; g < robot->finger_geom_count[f]; g++) {
      int id = mj_name2id(e->m, mjOBJ_GEOM, robot->finger_geoms[f][g]);
      if (id >= 0) mju_addTo3(middle.pos, e->d->geom_xpos + 3 * id), n++;
    }
  }
  if (!n) return;

  mju_scl3(middle.pos, middle.pos, 1.0 / n);
  middle = loom_pose_mul(loom_pose_inverse(loom_episode_eef(e, a)), middle);
  mju_copy3(pads, middle.pos);
}

static void check_shape_of(const loomEpisode* e, const loomDemo* demo, loomError* err, int* code) {
  if (demo->action_dim != e->action_dim) {
    *code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: actions have %d columns, the task's robots take %d",
                           demo->name, demo->action_dim, e->action_dim);
  } else if (demo->state_dim != e->state_dim) {
    *code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: states have %d columns, its model has 1 + nq + nv = %d",
                           demo->name, demo->state_dim, e->state_dim);
  } else if (demo->rows < 1) {
    *code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: no rows", demo->name);
  } else {
    *code = loom_scene_period(e->scene, demo->states, demo->rows, demo->state_dim, demo->name, err);
  }
}

static int fill_row(loomReplay* r, int t, loomEpisode* e, const loomDemo* demo, loomError* err) {
  double room[LOOM_MAX_ACTION], grip[LOOM_MAX_ARMS];
  const double* action = loom_episode_own(room, e, demo->actions + (size_t)t * (size_t)demo->action_dim);
  int at = 0;

  // The gripper's command: the mean of the hand's entries, as conditions take it.
  for (int a = 0; a < r->arm_count; a++) {
    int hand = e->arms[a].robot->gripper_dim;

    grip[a] = 0;
    for (int i = 0; i < hand; i++) {
      r->hand[a][t * LOOM_MAX_HAND + i] = action[at + e->arms[a].pose_dim + i];
      grip[a] += action[at + e->arms[a].pose_dim + i] / hand;
    }

    at += loom_arm_action_dim(&e->arms[a]);
  }

  // The scene as it was recorded, without time passing.
  int code = loom_episode_show(e, demo->states + (size_t)t * (size_t)demo->state_dim, grip, err);
  if (code) return code;

  // Where each hand was, and where its action sent it.
  for (int a = 0; a < r->arm_count; a++) {
    r->eef[a][t] = loom_episode_eef(e, a);
    r->target[a][t] =
        loom_arm_target(&e->arms[a], r->eef[a][t], t ? r->target[a][t - 1] : r->eef[a][0], action);
    r->grip[a][t] = grip[a];
    find_pads(r->pads[a] + 3 * t, e, a);
    action += loom_arm_action_dim(&e->arms[a]);
  }

  // What else later stages ask about a row.
  for (int o = 0; o < r->object_count; o++) r->object[o][t] = loom_episode_object(e, o);
  for (int c = 0; c < r->condition_count; c++) {
    r->condition[(size_t)t * (size_t)r->condition_count + (size_t)c] = loom_condition_true(e->conditions, c);
  }

  loom_find_touches(r->touch + (size_t)t * (size_t)(r->arm_count * r->object_count), e);
  r->success_end = loom_episode_success(e);
  if (r->success_end && r->success_row < 0) r->success_row = t;

  // Contacts count once objects have settled.
  e->steps = t;
  loom_quality_state(&r->quality, e);
  return 0;
}

int loom_replay_states(loomReplay* r, loomEpisode* e, const loomDemo* demo, loomError* err) {
  memset(r, 0, sizeof *r);
  snprintf(r->name, sizeof r->name, "%.*s", LOOM_NAME_MAX - 1, demo->name);

  r->rows = demo->rows;
  r->arm_count = e->arm_count;
  r->object_count = e->scene->task->object_count;
  r->condition_count = e->scene->task->condition_count;
  r->success_row = -1;

  int code = 0;
  check_shape_of(e, demo, err, &code);
  if (!code) code = allocate(r, err);
  if (!code) code = loom_demo_start(e, demo, err);

  // Sizes and joints at the start: what a source is compared by.
  memcpy(r->variables, e->variables, sizeof r->variables);
  for (int a = 0; !code && a < e->arm_count; a++) {
    for (int i = 0; i < e->arms[a].n; i++) r->start_q[a][i] = e->d->qpos[e->arms[a].qpos[i]];
  }

  for (int t = 0; !code && t < r->rows; t++) code = fill_row(r, t, e, demo, err);
  if (code) loom_replay_destroy(r);
  return code;
}

void loom_replay_destroy(loomReplay* r) {
  if (!r) return;
  for (int a = 0; a < LOOM_MAX_ARMS; a++) {
    free(r->eef[a]);
    free(r->target[a]);
    free(r->grip[a]);
    free(r->pads[a]);
    free(r->hand[a]);
  }

  for (int o = 0; o < LOOM_MAX_OBJECTS; o++) free(r->object[o]);
  free(r->condition);
  free(r->touch);
  memset(r, 0, sizeof *r);
}

int loom_replay_closing(const loomReplay* r, int a, int first, int end) {
  for (int t = first; t < end && t < r->rows; t++)
    if (r->grip[a][t] > 0 && (t == 0 || r->grip[a][t - 1] <= 0)) return t;
  return -1;
}

// ---- by action

enum { EARLY_ROWS = 50 };  // over which joint_error_50 is taken

static void compare_state(loomActionReplay* out, const loomEpisode* e, const double* recorded, int t,
                          double* now) {
  loom_episode_state(now, e);

  // To the bit, and by how much at most.
  if (memcmp(now, recorded, sizeof(double) * (size_t)e->state_dim)) out->identical = false;
  for (int i = 0; i < e->state_dim; i++)
    out->state_error = fmax(out->state_error, fabs(now[i] - recorded[i]));

  // Errors grow once contacts differ, so the arms' are told for the beginning alone.
  if (t > EARLY_ROWS) return;
  for (int a = 0; a < e->arm_count; a++) {
    for (int i = 0; i < e->arms[a].n; i++) {
      int q = 1 + e->arms[a].qpos[i];
      out->joint_error_50 = fmax(out->joint_error_50, fabs(now[q] - recorded[q]));
    }
  }
}

/// A recorded demo as a policy, which compares what it meets with what was recorded.
typedef struct recordedDemo {
  const loomDemo* demo;
  loomActionReplay* found;
  double* state;  // (state_dim) scratch
} recordedDemo;

static int act_recorded(double* action, void* self, loomEpisode* e, loomError* err) {
  const recordedDemo* r = self;
  const loomDemo* demo = r->demo;
  size_t t = (size_t)e->steps, dim = (size_t)demo->action_dim;

  (void)err;

  if (e->steps >= demo->rows) return LOOM_POLICY_DONE;
  compare_state(r->found, e, demo->states + t * (size_t)demo->state_dim, e->steps, r->state);

  memcpy(action, demo->actions + t * dim, sizeof(double) * dim);

  r->found->ik_short_steps = e->body.state.short_steps;
  loom_quality_state(&r->found->quality, e);
  loom_quality_action(&r->found->quality, e, action);
  return 0;
}

int loom_replay_actions(loomActionReplay* out, loomEpisode* e, const loomDemo* demo, loomTrace* trace,
                        loomError* err) {
  *out = (loomActionReplay){.first_success = -1, .identical = true};

  recordedDemo recorded = {demo, out, NULL};
  loomPolicy policy = {&recorded, NULL, act_recorded};
  loomRunDef def = {.max_steps = demo->rows};
  loomRunResult run = {0};

  int code = 0;
  check_shape_of(e, demo, err, &code);
  if (!code && !(recorded.state = malloc(sizeof(double) * (size_t)e->state_dim)))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a state");

  // The recorded actions from the recorded start, to the last of them.
  if (!code) code = loom_demo_start(e, demo, err);
  if (!code) code = loom_policy_run(&run, e, &policy, &def, trace, err);
  if (!code && run.end == LOOM_RUN_SIMULATOR) code = loom_error_set(err, LOOM_ERR_SIM, "%s", run.message);

  if (!code) {
    out->success_steps = run.success_steps;
    out->success = run.success_steps > 0;
    out->first_success = run.first_success;
  }

  free(recorded.state);
  return code;
}

// ---- sources

int loom_replay_open(loomScene** scene, loomEpisode** episode, const loomTask* task,
                     const loomDataset* dataset, const loomDemo* demo, const loomAssetRoots* roots,
                     loomError* err) {
  char label[LOOM_PATH_MAX], *env_args = NULL;
  *episode = NULL;

  // Demos of one dataset mostly share a model: compiling it takes longer than replaying it.
  if (*scene && !strcmp((*scene)->xml, demo->model_xml)) return loom_episode_create(episode, *scene, err);
  loom_scene_destroy(*scene);
  *scene = NULL;
  snprintf(label, sizeof label, "%s:data/%s", loom_dataset_path(dataset), demo->name);

  // What the demos were recorded with must agree with the task, or says what it leaves out.
  bool says = !task->has_controller || loom_dataset_has_env_args(dataset);
  int code = says ? loom_dataset_env_args(&env_args, dataset, err) : 0;
  if (!code) code = loom_scene_create(scene, task, demo->model_xml, label, env_args, roots, err);
  if (!code) code = loom_episode_create(episode, *scene, err);

  free(env_args);
  bool named = err && !strncmp(err->message, label, strlen(label));
  return code && !named ? loom_error_prefix(err, code, "%s", label) : code;
}

int loom_source_load(loomReplay* out, loomScene** scene, const loomTask* task, const loomDataset* dataset,
                     int number, const loomAssetRoots* roots, const loomSegmentFile* given, loomError* err) {
  loomDemo demo;
  loomEpisode* episode = NULL;
  int code = loom_demo_load(&demo, dataset, number, err);
  if (code) {
    loom_scene_destroy(*scene);
    *scene = NULL;
    return code;
  }

  // In the model the demo was recorded in: sizes may differ from demo to demo.
  code = loom_replay_open(scene, &episode, task, dataset, &demo, roots, err);
  if (!code) code = loom_replay_states(out, episode, &demo, err);
  if (!code) code = loom_segment(out, task, dataset, number, given, err);
  out->number = number;

  loom_episode_destroy(episode);
  loom_demo_destroy(&demo);
  return code;
}

bool loom_source_is_odd(int code, loomError* err) {
  if (code != LOOM_ERR_FORMAT && code != LOOM_ERR_UNSUPPORTED && code != LOOM_ERR_SIM) return false;
  loom_error_suffix(err, code, ", or --skip to go on with the other demos");
  return true;
}

/// A set on its way.
typedef struct loading {
  loomSourceSet* set;
  const loomTask* task;
  const loomDataset* dataset;
  const loomAssetRoots* roots;
  const loomSourceDef* def;
  loomScene* scene;       // of the demo loaded last
  loomSegmentFile given;  // no ends where there is no file
} loading;

static int leave_out(const loading* l, int number, const char* why, loomError* err) {
  if (!loom_dataset_leave_out(l->dataset, number, why) &&
      !loom_names_add(&l->set->left_out, loom_dataset_demo_name(l->dataset, number)))
    return 0;
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for names of demos");
}

static bool is_picked(const loading* l, int number) {
  const char* name = loom_dataset_demo_name(l->dataset, number);
  bool picked = !l->def->demo_count;
  for (int i = 0; i < l->def->demo_count && !picked; i++) picked = !strcmp(l->def->demos[i], name);
  return picked;
}

static int check_picked(const loading* l, loomError* err) {
  for (int i = 0; i < l->def->demo_count; i++) {
    const char* name = l->def->demos[i];
    if (loom_dataset_demo_index(l->dataset, name) < 0)
      return loom_error_set(err, LOOM_ERR_USAGE, "%s: has no demo '%s'; `demoloom info` lists them",
                            loom_dataset_path(l->dataset), name);
  }
  return 0;
}

static loomMirrored mirrored_of(const loading* l) {
  if (l->def->mirrored != LOOM_MIRRORED_TASK) return l->def->mirrored;
  return l->task->source_mirrored ? LOOM_MIRRORED_ON : LOOM_MIRRORED_OFF;
}

static int check_mirror(const loading* l, loomError* err) {
  if (mirrored_of(l) == LOOM_MIRRORED_OFF || l->task->mirror.declared) return 0;
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "%s does not say how its demos are mirrored: `mirror:` does; see `demoloom help task`", l->task->path);
}

static int load_one(loading* l, int number, loomError* err) {
  loomSourceSet* s = l->set;
  loomReplay* replay = &s->replay[s->n];
  loomError why = {0};

  // Of the others one may be needed for its model.
  bool picked = is_picked(l, number), model = number == l->task->model_demo && !l->task->model_file[0];
  if (!picked && !model) return 0;
  int code = loom_source_load(replay, &l->scene, l->task, l->dataset, number, l->roots, &l->given, &why);

  // One of the demos may give attempts their model, be it usable otherwise or not.
  if (model && l->scene) {
    snprintf(s->model_label, sizeof s->model_label, "%s:data/%s", loom_dataset_path(l->dataset),
             loom_dataset_demo_name(l->dataset, number));
    if (!(s->model_xml = strdup(l->scene->xml)))
      return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model's text");
  }

  if (!picked && (!code || loom_source_is_odd(code, NULL))) {
    loom_replay_destroy(replay);
    return 0;
  }
  if (!code) {
    s->n++;
    return mirrored_of(l) == LOOM_MIRRORED_OFF ? 0 : loom_mirror_check(l->scene, err);
  }

  // What is wrong with one demo need not stop the others.
  loom_replay_destroy(replay);
  if (l->def->skip && loom_source_is_odd(code, NULL)) return leave_out(l, number, why.message, err);
  loom_source_is_odd(code, &why);
  return loom_error_set(err, code, "%s", why.message);
}

static void list_demos(char* out, size_t size, const loomSourceSet* s, bool (*is_of)(const loomReplay*)) {
  enum { SHOWN = 8 };
  size_t used = 0;
  int n = 0;
  for (int i = 0; i < s->n; i++) {
    if (!is_of(&s->replay[i]) || n++ >= SHOWN) continue;
    used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", s->replay[i].name);
  }
  if (n > SHOWN) snprintf(out + used, size - used, " and %d more", n - SHOWN);
}

static bool never_succeeds(const loomReplay* r) {
  return r->success_row < 0;
}

static bool loses_success(const loomReplay* r) {
  return r->success_row >= 0 && !r->success_end;
}

// Sources that do not show what attempts are to achieve; those may do it all the same, so it is no error.
static void tell_success(const loading* l) {
  static const struct {
    bool (*is_of)(const loomReplay*);
    const char *all, *some;
  } kinds[] = {
      {never_succeeds, "no source demo shows success", "never show success"},
      {loses_success, "no source demo ends in success, though each shows it before",
       "show success, but not at their end"},
  };

  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    char names[LOOM_PATH_MAX], what[2 * LOOM_PATH_MAX];
    int n = 0;
    for (int i = 0; i < l->set->n; i++) n += kinds[k].is_of(&l->set->replay[i]);
    if (!n) continue;

    list_demos(names, sizeof names, l->set, kinds[k].is_of);
    char some[128];
    snprintf(some, sizeof some, "%d of %d source demos %s", n, l->set->n, kinds[k].some);
    snprintf(
        what, sizeof what,
        "%s (%s): attempts made of %s will hardly succeed; `demoloom replay` and `demoloom view` show them",
        n == l->set->n ? kinds[k].all : some, names, n == 1 ? "it" : "them");
    loom_dataset_tell(loom_dataset_path(l->dataset), what);
  }
}

// Attempts are about as long as the demos they are made of.
static void tell_late(const loading* l) {
  int soonest = INT_MAX;
  for (int i = 0; i < l->set->n; i++) {
    int row = l->set->replay[i].success_row;
    if (row >= 0 && row < soonest) soonest = row;
  }
  if (soonest == INT_MAX || soonest + l->task->success_hold <= l->task->max_steps) return;

  char what[256];
  snprintf(
      what, sizeof what,
      "no source demo succeeds within the task's max_steps, %d: the first does after %d and success_hold, "
      "%d: attempts made of them will hardly succeed; raise max_steps",
      l->task->max_steps, soonest, l->task->success_hold);
  loom_dataset_tell(loom_dataset_path(l->dataset), what);
}

int loom_sources_load(loomSourceSet* s, const loomTask* task, const char* path, const loomAssetRoots* roots,
                      loomError* err) {
  return loom_sources_load_with(s, task, path, roots, NULL, err);
}

// Where attempts have their model from.
static int find_model(const loading* l, loomError* err) {
  loomSourceSet* s = l->set;
  const loomTask* task = l->task;
  if (task->model_file[0]) return loom_task_model(&s->model_xml, s->model_label, task, l->roots, err);
  if (s->model_xml) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: model demo %d is not among the %d source demos%s",
                        task->path, task->model_demo, s->n,
                        s->left_out.n ? " that can be used; `model: demo:` names another" : "");
}

// What the demos say of their environment, or what the task does where they say nothing.
static int read_env_args(char** out, const loading* l, loomError* err) {
  if (loom_dataset_has_env_args(l->dataset)) return loom_dataset_env_args(out, l->dataset, err);
  if (!l->task->has_controller)
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: has no env_args, so nothing says how its robots are driven; `controller:` in %s does",
        loom_dataset_path(l->dataset), l->task->path);

  *out = loom_env_args(l->task);
  return *out ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for env_args");
}

static int load_all(loading* l, loomError* err) {
  loomSourceSet* s = l->set;
  const char* path = loom_dataset_path(l->dataset);
  int n = loom_dataset_demo_count(l->dataset);
  s->replay = calloc(2 * (size_t)n + 1, sizeof *s->replay);
  if (!s->replay) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d source demos", n);

  if (!n) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demos", path);
  if (n > LOOM_MAX_SOURCES)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: %d demos; at most %d can be sources, `demoloom dataset filter` takes some out",
                          path, n, LOOM_MAX_SOURCES);

  // Ends of segments given by a person go before those found here.
  int code = check_picked(l, err);
  if (!code) code = check_mirror(l, err);
  if (!code) code = read_env_args(&s->env_args, l, err);
  if (!code && l->def->segments)
    code = loom_segment_file_load(&l->given, l->def->segments, l->task, l->dataset, err);
  for (int i = 0; !code && i < n; i++) code = load_one(l, i, err);
  if (!code && !s->n)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: none of its %d demos can be used", path, n);
  return code;
}

// Those that were named, in the order in which they were.
static void order_picked(loading* l) {
  loomSourceSet* s = l->set;
  for (int i = 0, at = 0; i < l->def->demo_count; i++) {
    int found = at;
    while (found < s->n && strcmp(s->replay[found].name, l->def->demos[i])) found++;
    if (found == s->n) continue;  // left out, or named before

    loomReplay replay = s->replay[found];
    memmove(s->replay + at + 1, s->replay + at, sizeof *s->replay * (size_t)(found - at));
    s->replay[at++] = replay;
  }
}

// Each demo's mirror image, in the same order, behind them or in their place.
static int add_mirrored(loading* l, loomError* err) {
  loomSourceSet* s = l->set;
  loomMirrored mirrored = mirrored_of(l);
  int n = s->n, code = 0;
  if (mirrored == LOOM_MIRRORED_OFF) return 0;
  if (2 * n > LOOM_MAX_SOURCES)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%d demos and as many mirrored ones: at most %d are sources", n, LOOM_MAX_SOURCES);

  for (int i = 0; !code && i < n; i++) {
    code = loom_mirror_replay(&s->replay[n + i], &s->replay[i], l->task, err);
    s->n += !code;
    if (code) loom_replay_destroy(&s->replay[n + i]);
  }
  if (code || mirrored == LOOM_MIRRORED_ON) return code;

  // Only these: they move to the front.
  for (int i = 0; i < n; i++) {
    loom_replay_destroy(&s->replay[i]);
    s->replay[i] = s->replay[n + i];
  }
  s->n = n;
  return 0;
}

int loom_sources_load_with(loomSourceSet* s, const loomTask* task, const char* path,
                           const loomAssetRoots* roots, const loomSourceDef* def, loomError* err) {
  static const loomSourceDef standard = {0};
  memset(s, 0, sizeof *s);
  loomDataset* dataset = NULL;
  int code = loom_dataset_open(&dataset, path, err);
  if (code) return code;

  loading l = {.set = s, .task = task, .dataset = dataset, .roots = roots, .def = def ? def : &standard};
  code = load_all(&l, err);
  if (!code) code = find_model(&l, err);
  if (!code) tell_success(&l);
  if (!code) tell_late(&l);
  if (!code) order_picked(&l);
  if (!code) code = add_mirrored(&l, err);

  loom_scene_destroy(l.scene);
  loom_segment_file_destroy(&l.given);
  loom_dataset_close(dataset);
  if (code) loom_sources_destroy(s);
  return code;
}

void loom_sources_destroy(loomSourceSet* s) {
  if (!s) return;
  for (int i = 0; s->replay && i < s->n; i++) loom_replay_destroy(&s->replay[i]);
  free(s->replay);
  loom_names_destroy(&s->left_out);
  free(s->env_args);
  free(s->model_xml);
  memset(s, 0, sizeof *s);
}
