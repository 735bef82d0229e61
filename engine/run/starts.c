#include "engine/run/starts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"
#include "engine/scene/library.h"
#include "engine/sim/midway.h"

// ---- settings

const char* const loom_curriculum_names[] = {"none", "reverse", NULL};

static const loomFieldDef starts_rows[] = {
    LOOM_FIELD(loomStartsDef, REAL, demos, .least = 0, .most = 1,
               .about = "share of the episodes that begin at a state of a demo"),
    LOOM_FIELD(loomStartsDef, REAL, failures, .least = 0, .most = 1,
               .about = "share of them that begin where an earlier one failed"),
    LOOM_FIELD(loomStartsDef, CHOICE, curriculum, .choices = loom_curriculum_names,
               .about = "which states of a demo: any, or reverse, from its end to its beginning"),
    LOOM_FIELD(loomStartsDef, INT, step, .low = 1, .high = 100000, .unit = "control steps",
               .about = "reverse: how far a demo's frontier moves back"),
    LOOM_FIELD(loomStartsDef, INT, window, .low = 1, .high = 100000,
               .about = "reverse: episodes from a frontier before it may move"),
    LOOM_FIELD(loomStartsDef, REAL, enough, .least = 0, .most = 1,
               .about = "reverse: share of them that must succeed"),
    LOOM_FIELD(loomStartsDef, TEXT, dataset, .about = "whose demos; none: the task's source demos"),
};
const loomFields loom_starts_fields = LOOM_FIELDS(starts_rows);

loomStartsDef loom_default_starts_def(void) {
  return (loomStartsDef){.step = 8, .window = 4, .enough = 0.75};
}

// ---- demos

typedef struct startDemo {
  int rows;
  double* states;      // (rows x state_dim)
  double* actions;     // (rows x action_dim)
  bool midway;         // it begins in the midst of what it shows,
  loomHands hands;     // and that is what hands were told before
  loomStages* stages;  // (rows) past at each row
  loomShapes* shapes;  // NULL = the scene's own, or those of an earlier demo with the same text
  bool own_shapes;
} startDemo;

struct loomStarts {
  loomStartsDef def;
  const loomScene* scene;
  int reset, state_dim;
  int demo_count;
  startDemo demo[LOOM_START_DEMOS];
};

// Which stages are past at each row, as an episode that went through these states would have it.
static int find_stages(startDemo* out, loomEpisode* e, const loomDemo* demo, loomError* err) {
  loomStages stages = {{0}};
  int code = loom_episode_start_as(e, out->shapes, demo->states, err);

  for (int t = 0; !code && t < demo->rows; t++) {
    double room[LOOM_MAX_ACTION], grip[LOOM_MAX_ARMS];
    const double* action =
        loom_episode_own(room, e, demo->actions + (ptrdiff_t)(t ? t - 1 : 0) * demo->action_dim);

    // What a gripper was told last: by the action that led here.
    for (int a = 0; a < e->arm_count; a++) {
      const loomArm* arm = &e->arms[a];
      grip[a] = 0;
      for (int i = 0; t && i < arm->robot->gripper_dim; i++)
        grip[a] += action[arm->pose_dim + i] / arm->robot->gripper_dim;
      action += loom_arm_action_dim(arm);
    }

    code = loom_episode_show(e, demo->states + (ptrdiff_t)t * demo->state_dim, grip, err);
    if (!code && t) loom_stages_advance(&stages, e, -1);
    out->stages[t] = stages;
  }
  return code;
}

static bool has_shapes(const loomScene* scene) {
  bool has = false;
  for (int o = 0; o < scene->task->object_count; o++) has = has || scene->variations[o];
  return has;
}

// Demos of one model share its shapes; the scene's own need none.
static int find_shapes(startDemo* out, const loomStarts* s, const loomDemo* demo, const char* label,
                       loomError* err) {
  if (!has_shapes(s->scene) || !strcmp(demo->model_xml, s->scene->xml)) return 0;
  for (int i = 0; i < s->demo_count; i++) {
    if (!s->demo[i].shapes || strcmp(s->demo[i].shapes->xml, demo->model_xml) != 0) continue;
    out->shapes = s->demo[i].shapes;
    return 0;
  }
  out->own_shapes = true;
  return loom_shapes_create(&out->shapes, s->scene, demo->model_xml, label, err);
}

static int fill_demo(startDemo* out, const loomStarts* s, loomEpisode* e, const loomDemo* demo,
                     const char* label, loomError* err) {
  if (demo->state_dim != e->state_dim || demo->action_dim != e->action_dim || demo->rows < 1)
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: %d rows with %d numbers of a state and %d of an action; the task's have %d and %d", label,
        demo->rows, demo->state_dim, demo->action_dim, e->state_dim, e->action_dim);

  size_t numbers = (size_t)demo->rows * (size_t)demo->state_dim;
  size_t entries = (size_t)demo->rows * (size_t)demo->action_dim;
  out->rows = demo->rows;
  out->states = malloc(numbers * sizeof *out->states);
  out->actions = malloc(entries * sizeof *out->actions);
  out->stages = calloc((size_t)demo->rows, sizeof *out->stages);
  if (!out->states || !out->actions || !out->stages)
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  memcpy(out->states, demo->states, numbers * sizeof *out->states);
  memcpy(out->actions, demo->actions, entries * sizeof *out->actions);

  int code = loom_scene_period(s->scene, demo->states, demo->rows, demo->state_dim, label, err);
  out->midway = demo->midway != NULL;
  if (!code && out->midway) code = loom_midway_read(&out->hands, demo->midway, e, label, err);
  if (!code) code = find_shapes(out, s, demo, label, err);
  return code ? code : find_stages(out, e, demo, err);
}

static int load_demos(loomStarts* s, const loomDataset* dataset, loomEpisode* e, loomError* err) {
  int n = loom_dataset_demo_count(dataset), code = 0;
  if (n < 1)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demos to start from", loom_dataset_path(dataset));

  for (int i = 0; !code && i < n && i < LOOM_START_DEMOS; i++) {
    loomDemo demo = {0};
    char label[LOOM_PATH_MAX];
    snprintf(label, sizeof label, "%.900s:%.100s", loom_dataset_path(dataset),
             loom_dataset_demo_path(dataset, i));

    code = loom_demo_load(&demo, dataset, i, err);
    if (!code) code = fill_demo(&s->demo[i], s, e, &demo, label, err);
    loom_demo_destroy(&demo);
    s->demo_count++;
  }
  return code;
}

static int open_demos(loomDataset** out, const char* path, const loomScene* scene, loomError* err) {
  char source[LOOM_PATH_MAX];
  snprintf(source, sizeof source, "%s", path);
  int code = path[0] ? 0 : loom_task_source(source, scene->task, &scene->roots, err);
  return code ? code : loom_dataset_open(out, source, err);
}

int loom_starts_create(loomStarts** out, const loomStartsDef* def, const loomScene* scene, int reset,
                       loomError* err) {
  *out = NULL;
  if (!(def->demos >= 0 && def->failures >= 0 && def->demos + def->failures <= 1))
    return loom_error_set(err, LOOM_ERR_USAGE, "starts: demos %g and failures %g are not shares of one whole",
                          def->demos, def->failures);
  loomStarts* s = calloc(1, sizeof *s);
  if (!s) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for starts");
  s->def = *def;
  s->scene = scene;
  s->reset = reset;

  loomDataset* dataset = NULL;
  loomEpisode* e = NULL;
  int code = 0;
  if (def->demos > 0) {
    code = open_demos(&dataset, def->dataset, scene, err);
    if (!code) code = loom_episode_create(&e, scene, err);
    if (!code) s->state_dim = e->state_dim;
    if (!code) code = load_demos(s, dataset, e, err);
  }
  loom_episode_destroy(e);
  loom_dataset_close(dataset);

  if (code)
    loom_starts_destroy(s);
  else
    *out = s;
  return code;
}

void loom_starts_destroy(loomStarts* s) {
  if (!s) return;
  for (int i = 0; i < s->demo_count; i++) {
    free(s->demo[i].states);
    free(s->demo[i].actions);
    free(s->demo[i].stages);
    if (s->demo[i].own_shapes) loom_shapes_destroy(s->demo[i].shapes);
  }
  free(s);
}

int loom_starts_demo_count(const loomStarts* s) {
  return s->demo_count;
}

int loom_starts_longest(const loomStarts* s) {
  int longest = 0;
  for (int i = 0; i < s->demo_count; i++) longest = s->demo[i].rows > longest ? s->demo[i].rows : longest;
  return longest;
}

int loom_dataset_longest(int* rows, const loomDataset* dataset, loomError* err) {
  enum { MANY = 1 << 20 };
  int code = 0;
  *rows = 0;

  for (int i = 0; !code && i < loom_dataset_demo_count(dataset); i++) {
    loomArray actions;
    code = loom_dataset_describe(&actions, dataset, loom_dataset_demo_path(dataset, i), "actions", err);
    if (!code && actions.shape[0] > *rows && actions.shape[0] <= MANY) *rows = (int)actions.shape[0];
  }
  return code;
}

int loom_source_longest(int* rows, const loomScene* scene, loomError* err) {
  *rows = 0;
  if (!scene->task->source_file[0]) return 0;

  loomDataset* dataset = NULL;
  int code = open_demos(&dataset, "", scene, err);
  if (!code) code = loom_dataset_longest(rows, dataset, err);
  loom_dataset_close(dataset);
  return code;
}

int loom_reward_horizon(int* steps, const loomRewardDef* def, const loomScene* scene, loomError* err) {
  int longest = 0, code = 0;
  *steps = def->horizon;
  if (*steps) return 0;

  code = loom_source_longest(&longest, scene, err);
  *steps = longest ? 2 * longest : scene->task->max_steps;
  return code;
}

// ---- the curriculum

// The first frontier: one step before the demo's end, from where success may need to be held yet.
static int first_frontier(const loomStarts* s, int demo) {
  int row = s->demo[demo].rows - s->scene->task->success_hold - s->def.step;
  return s->def.curriculum == LOOM_CURRICULUM_REVERSE && row > 0 ? row : 0;
}

void loom_curriculum_begin(loomCurriculum* c, const loomStarts* s) {
  memset(c, 0, sizeof *c);
  for (int i = 0; i < s->demo_count; i++) c->demo[i].frontier = first_frontier(s, i);
}

double loom_curriculum_progress(const loomCurriculum* c, const loomStarts* s) {
  double open = 0, all = 0;
  for (int i = 0; i < s->demo_count; i++) {
    all += s->demo[i].rows;
    open += s->demo[i].rows - c->demo[i].frontier;
  }
  return all > 0 ? open / all : 1;
}

// Rows behind the frontier, seldom far behind: half of the starts are at it, and the rest halve with each
// step of the curriculum.
static int draw_row(const loomStarts* s, int frontier, int rows, loomRandom* random) {
  int behind = 0;
  while (loom_random_uniform(random) < 0.5) {
    behind += s->def.step;
    if (frontier + behind >= rows) return frontier;
  }
  return frontier + behind;
}

static void draw_demo(loomStart* out, const loomStarts* s, const loomCurriculum* c, loomRandom* random) {
  out->kind = LOOM_START_DEMO;
  out->demo = loom_random_index(random, s->demo_count);

  const startDemo* demo = &s->demo[out->demo];
  int frontier = c->demo[out->demo].frontier;
  bool open = s->def.curriculum == LOOM_CURRICULUM_NONE || !frontier;

  // A demo whose beginning is reached is open as a whole.
  out->row = open ? loom_random_index(random, demo->rows) : draw_row(s, frontier, demo->rows, random);
  out->frontier = !open && out->row == frontier;
}

void loom_start_draw(loomStart* out, const loomStarts* s, const loomCurriculum* c, uint64_t seed,
                     uint64_t number) {
  loomRandom random = loom_random(seed, number, LOOM_PURPOSE_START);
  double kind = loom_random_uniform(&random);
  *out = (loomStart){.kind = LOOM_START_RESET, .attempt = number, .demo = -1};

  if (kind < s->def.demos && s->demo_count) {
    draw_demo(out, s, c, &random);
  } else if (kind >= s->def.demos && kind < s->def.demos + s->def.failures && c->failed_count) {
    out->kind = LOOM_START_FAILURE;
    out->attempt = c->failed[loom_random_index(&random, c->failed_count)];
  }
}

// Grippers close bit by bit: what they were told until then is what they hold by.
static void recall_hands(loomEpisode* e, const startDemo* demo, int rows) {
  if (demo->midway) loom_midway_put(e, &demo->hands);

  for (int t = 0; t < rows; t++) {
    double room[LOOM_MAX_ACTION];
    const double* action = loom_episode_own(room, e, demo->actions + (ptrdiff_t)t * e->action_dim);
    for (int a = 0; a < e->arm_count; a++) {
      loom_arm_recall_hand(&e->arms[a], action, e->scene->substeps);
      action += loom_arm_action_dim(&e->arms[a]);
    }
  }
}

int loom_start_begin(loomEpisode* e, const loomStarts* s, const loomStart* start, uint64_t seed,
                     loomError* err) {
  if (start->kind != LOOM_START_DEMO) return loom_episode_reset(e, s->reset, seed, start->attempt, err);

  const startDemo* demo = &s->demo[start->demo];
  int code = loom_episode_start_as(e, demo->shapes, demo->states + (ptrdiff_t)start->row * s->state_dim, err);
  if (!code) recall_hands(e, demo, start->row);
  return code;
}

const loomStages* loom_start_stages(const loomStarts* s, const loomStart* start) {
  return start->kind == LOOM_START_DEMO ? &s->demo[start->demo].stages[start->row] : NULL;
}

int loom_start_horizon(const loomStarts* s, const loomStart* start, int horizon) {
  if (start->kind != LOOM_START_DEMO) return horizon;

  // Near the end of a demo it is soon known that an episode fails, and another may begin.
  int left = 2 * (s->demo[start->demo].rows - start->row + s->scene->task->success_hold);
  return left < horizon ? left : horizon;
}

// The oldest go where there is no room; those that succeed now are failures no more.
static void note_reset(loomCurriculum* c, const loomStart* start, bool success) {
  if (start->kind == LOOM_START_RESET && !success) {
    c->failed[c->failures++ % LOOM_START_FAILURES] = start->attempt;
    if (c->failed_count < LOOM_START_FAILURES) c->failed_count++;
  }

  for (int i = 0; start->kind == LOOM_START_FAILURE && success && i < c->failed_count; i++)
    if (c->failed[i] == start->attempt) c->failed[i--] = c->failed[--c->failed_count];
}

void loom_curriculum_note(loomCurriculum* c, const loomStarts* s, const loomStart* start, bool success) {
  note_reset(c, start, success);
  if (start->kind != LOOM_START_DEMO || !start->frontier) return;

  // Of episodes that began before the frontier moved nothing is learned about the new one.
  int* frontier = &c->demo[start->demo].frontier;
  if (start->row != *frontier) return;
  c->demo[start->demo].tries++;
  c->demo[start->demo].successes += success;
  if (c->demo[start->demo].tries < s->def.window) return;

  // Mostly solved: further back. Else another window.
  if (c->demo[start->demo].successes >= s->def.enough * s->def.window)
    *frontier = *frontier > s->def.step ? *frontier - s->def.step : 0;
  c->demo[start->demo].tries = c->demo[start->demo].successes = 0;
}
