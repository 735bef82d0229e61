#include "generators/attempt/preview.h"

#include <math.h>
#include <string.h>

#include "engine/sim/ghost.h"
#include "generators/attempt/brake.h"
#include "generators/attempt/stage.h"

static const double slow_step = 1.2, slowest = 2;  // factors on the steps of a lead-in

// Previewed speeds are a few percent off. Where no source has none too high, one that is by less than this is
// tried all the same.
static const double in_doubt = 1.1;

// A plan on its way through a ghost of its episode.
typedef struct ghostPlan {
  loomEpisode episode;
  loomAttemptResult result;
  loomPlan plan;
  bool blind[LOOM_MAX_ARMS];        // from here on it depends on what physics does: the arm stands still
  int holder[LOOM_MAX_OBJECTS];     // the arm that has it; -1 = none
  loomPose held[LOOM_MAX_OBJECTS];  // in that arm's hand
} ghostPlan;

static void set_up(ghostPlan* g, const loomPlan* p) {
  *g = (ghostPlan){.result = *p->result, .plan = *p};
  loom_ghost_begin(&g->episode, p->e);
  g->plan.e = &g->episode;
  g->plan.result = &g->result;
  g->plan.trace = NULL;
  for (int o = 0; o < LOOM_MAX_OBJECTS; o++) g->holder[o] = -1;
}

// Where a subtask's reference object is in a hand, or followed as it moves, its targets come of how the grasp
// turned out.
static void find_blind(ghostPlan* g) {
  loomPlan* p = &g->plan;
  for (int a = 0; a < p->e->arm_count; a++) {
    if (!p->arm[a].running) continue;
    const loomSubtaskDef* s = loom_plan_current(p, a);

    // Where sources are mixed, another's grasp is held as the plan has it: whether both go together shows
    // here.
    if (loom_stage_count(p->task) > 1 && s->reference >= 0 && g->holder[s->reference] >= 0) continue;
    if (s->reference >= 0 && (s->track || g->holder[s->reference] >= 0)) g->blind[a] = true;
  }
}

// What the arm's next subtask carries is in its hand by now, as the source has it there, turned as it was
// taken.
static void take(ghostPlan* g, int a) {
  loomPlan* p = &g->plan;
  const loomArmPlan* arm = &p->arm[a];
  if (loom_plan_done(p, a) || arm->source < 0) return;

  int object = loom_plan_current(p, a)->carried;
  if (object < 0 || g->holder[object] == a) return;

  const loomReplay* source = &p->sources->replay[arm->source];
  int row = arm->end < source->rows ? arm->end : source->rows - 1;
  int turn = p->object_symmetry[object];
  loomPose held = loom_pose_mul(loom_pose_inverse(source->eef[a][row]), source->object[object][row]);
  loomPose turned = turn > 0 ? loom_symmetry(&p->task->objects[object], turn) : loom_pose_identity();

  // The hand went where the source's did, but for what is right of its pose.
  held = loom_pose_mul(held, loom_pose_inverse(turned));
  g->held[object] = loom_pose_mul(loom_pose_inverse(arm->transform.hand), held);
  g->holder[object] = a;
}

// An object goes with the hand that took it last, until that arm carries it no more.
static void carry(ghostPlan* g) {
  loomPlan* p = &g->plan;
  for (int o = 0; o < p->task->object_count; o++) {
    int a = g->holder[o];
    if (a < 0) continue;
    if (loom_plan_done(p, a) || loom_plan_current(p, a)->carried != o) {
      g->holder[o] = -1;
    } else {
      loom_ghost_put(&g->episode, o, loom_pose_mul(loom_episode_eef(&g->episode, a), g->held[o]));
    }
  }
}

// Control steps by which a hand follows a target that moves evenly: of a spring and its damper.
static int lag(const loomEpisode* e, int a) {
  const loomControllerDef* c = &e->arms[a].control;
  return (int)ceil(2 * c->damping_ratio[0] / sqrt(c->kp[0]) * e->scene->task->control_freq);
}

static void set_flaw(loomPreview* out, const loomPlan* p, loomFlaw flaw, int a, int joint, double value) {
  const loomArmPlan* arm = &p->arm[a];
  int last = p->task->subtask_count[a] - 1;
  out->flaw = flaw;
  out->arm = a;
  out->subtask = arm->subtask < last ? arm->subtask : last;
  out->source = arm->source;
  out->joint = joint;
  out->leads_in = arm->running && arm->step <= arm->lead_in + lag(p->e, a);
  out->value = value;
}

// One control step. False when it has a flaw.
static bool step(loomPreview* out, ghostPlan* g, double leeway) {
  loomPlan* p = &g->plan;
  loomPose target[LOOM_MAX_ARMS];
  bool ready[LOOM_MAX_ARMS] = {false};
  double scale[LOOM_MAX_ARMS];

  loom_plan_begin(p);
  find_blind(g);
  if (!loom_brakes(scale, p->e)) loom_plan_advance(p);
  for (int a = 0; a < p->e->arm_count; a++)
    target[a] = g->blind[a] ? loom_episode_eef(p->e, a) : p->arm[a].target;

  double distance, limit = leeway * p->task->limit_joint_speed;
  loomGhostSpeed fastest = loom_ghost_move(p->e, target, scale);
  if (limit > 0 && fastest.share > limit && p->arm[fastest.arm].source >= 0 && !g->blind[fastest.arm]) {
    set_flaw(out, p, LOOM_FLAW_SPEED, fastest.arm, fastest.joint, fastest.share);
    return false;
  }
  carry(g);

  // As an attempt does after each step, but that conditions are taken to hold.
  for (int a = 0; a < p->e->arm_count; a++) {
    if (!p->arm[a].running) continue;
    ready[a] = g->blind[a] || loom_plan_finished(&p->arm[a]);
    if (!g->blind[a] && loom_plan_stuck(p, a, &distance)) {
      set_flaw(out, p, LOOM_FLAW_STUCK, a, loom_arm_at_limit(&p->e->arms[a], p->e->m, p->e->d), distance);
      return false;
    }
  }

  loom_plan_end(p, ready);
  for (int a = 0; a < p->e->arm_count; a++)
    if (!p->arm[a].running && !g->blind[a]) take(g, a);
  return true;
}

static bool all_done(const loomPlan* p) {
  for (int a = 0; a < p->e->arm_count; a++)
    if (!loom_plan_done(p, a)) return false;
  return true;
}

loomPreview loom_preview(const loomPlan* p, double leeway) {
  loomPreview out = {.arm = -1, .subtask = -1, .source = -1, .joint = -1};
  ghostPlan g;
  set_up(&g, p);

  while (!all_done(&g.plan) && g.episode.steps < p->task->max_steps)
    if (!step(&out, &g, leeway)) break;

  out.steps = g.episode.steps - p->e->steps;
  memcpy(out.stage_source, g.plan.stage_source, sizeof out.stage_source);
  return out;
}

// A lead-in in which a joint is too fast takes longer; false when that does not help, or is long enough.
static bool slow_down(loomPlan* p, const loomPreview* v) {
  double* slower = &p->slower[v->arm][v->subtask];
  if (v->flaw != LOOM_FLAW_SPEED || !v->leads_in || *slower * slow_step > slowest) return false;
  *slower = fmax(1, *slower) * slow_step;
  return true;
}

// Where a stage has no source left, the one of the stage before is barred, and all are free again that did
// not go with it. False when there is none.
static bool bar_before(loomPlan* p, const loomPreview* v) {
  int stage = loom_stage_of(p->task, v->arm, v->subtask), left = 0, a, k;
  if (!stage) return false;
  for (int i = 0; i < p->barred_count; i++) {
    const loomBarred* b = &p->barred[i];
    if (loom_stage_of(p->task, b->arm, b->subtask) != stage) p->barred[left++] = *b;
  }

  bool barred[LOOM_MAX_SOURCES];
  loom_stage_first(&a, &k, p->task, stage - 1);
  p->barred[left++] = (loomBarred){a, k, v->stage_source[stage - 1]};
  p->barred_count = left;
  return p->sources->n > loom_plan_barred(barred, p, a, k);
}

// One pass over the sources. False when none is left.
static bool choose(loomPreview* first, loomPlan* p, double leeway) {
  bool barred[LOOM_MAX_SOURCES];
  for (p->barred_count = 0;;) {
    loomPreview v = loom_preview(p, leeway);
    if (v.flaw == LOOM_FLAW_NONE) {
      if (loom_stage_count(p->task) > 1) memcpy(p->stage_source, v.stage_source, sizeof p->stage_source);
      return true;
    }
    if (first->flaw == LOOM_FLAW_NONE) *first = v;
    if (slow_down(p, &v)) continue;

    // The next choice is another one, as long as there is one, at its own pace.
    memset(p->slower, 0, sizeof p->slower);
    p->barred[p->barred_count++] = (loomBarred){v.arm, v.subtask, v.source};
    int left = p->sources->n - loom_plan_barred(barred, p, v.arm, v.subtask);
    if ((left <= 0 && !bar_before(p, &v)) || p->barred_count == LOOM_MAX_BARRED) return false;
  }
}

bool loom_preview_choose(loomPreview* first, loomPlan* p) {
  *first = (loomPreview){.arm = -1, .subtask = -1, .source = -1, .joint = -1};
  return choose(first, p, 1) || choose(first, p, in_doubt);
}
