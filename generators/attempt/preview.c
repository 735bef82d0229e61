#include "generators/attempt/preview.h"

#include <math.h>
#include <string.h>

#include "engine/sim/brake.h"
#include "engine/sim/ghost.h"
#include "generators/attempt/stage.h"

static const double slow_step = 1.2, slowest = 2;  // factors on the steps of a lead-in

// Previewed speeds are a few percent off. Where no source has none too high, one that is by less than this is
// tried all the same.
static const double in_doubt = 1.1;

// What overlaps less does not meet; nor a hand near the object that it goes for, where it may press on what
// that lies on, unless it is deeper in.
static const double overlap = 0.001, skill_overlap = 0.015;  // m
static const double near_object = 0.08;                      // m

// Arms are looked at again once they may have come so far, were both twice as fast as the faster hand is
// now, and after some steps in any case.
static const double look_within = 0.1, least_way = 0.002;  // m, m a control step
enum { LOOK_AFTER = 4 };                                   // control steps

// A detour keeps so far off, and joins the segment where the arm has met nothing for a while. Hands cut
// corners as they follow: the next try keeps farther off and goes more slowly.
static const double room = 0.02, more_room = 0.015;  // m
static const double touching = 0.0005;               // m more that an arm may overlap itself
enum { CALM = 12 };                                  // control steps
enum { MOST_TRIES = 3, MOST_WAYS = 12 };             // ways looked for: of a subtask, of all that a plan has

// A plan on its way through a ghost of its episode.
typedef struct ghostPlan {
  loomEpisode episode;
  loomAttemptResult result;
  loomPlan plan;
  bool blind[LOOM_MAX_ARMS];        // from here on it depends on what physics does: the arm stands still
  bool unsure[LOOM_MAX_ARMS];       // it goes on, but only about so: what it runs into is not known
  int holder[LOOM_MAX_OBJECTS];     // the arm that has it; -1 = none
  loomPose held[LOOM_MAX_OBJECTS];  // in that arm's hand
  loomMeetDef meet[LOOM_MAX_ARMS];
  int look[LOOM_MAX_ARMS];                       // control step at which the arm is looked at again
  double way;                                    // of the faster hand in the last control step, m
  double begun[LOOM_MAX_ARMS][LOOM_MAX_JOINTS];  // joints where the running subtask began
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
    if (loom_stage_count(p->task) > 1 && s->reference >= 0 && g->holder[s->reference] >= 0) {
      g->unsure[a] = true;
      continue;
    }
    if (s->reference >= 0 && (s->track || g->holder[s->reference] >= 0)) g->blind[a] = g->unsure[a] = true;
  }
}

// What the arm's next subtask carries is in its hand by now, as the source has it there, turned as it was
// taken. False when it takes nothing.
static bool take(ghostPlan* g, int a) {
  loomPlan* p = &g->plan;
  const loomArmPlan* arm = &p->arm[a];
  if (loom_plan_done(p, a) || arm->source < 0) return false;

  int object = loom_plan_current(p, a)->carried;
  if (object < 0 || g->holder[object] == a) return false;

  const loomReplay* source = &p->sources->replay[arm->source];
  int row = arm->end < source->rows ? arm->end : source->rows - 1;
  int turn = p->object_symmetry[object];
  loomPose held = loom_pose_mul(loom_pose_inverse(source->eef[a][row]), source->object[object][row]);
  loomPose turned = turn > 0 ? loom_symmetry(&p->task->objects[object], turn) : loom_pose_identity();

  // The hand went where the source's did, but for what is right of its pose.
  held = loom_pose_mul(held, loom_pose_inverse(turned));
  g->held[object] = loom_pose_mul(loom_pose_inverse(arm->transform.hand), held);
  g->holder[object] = a;
  return true;
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

// ---- what is in the way

static void get_joints(double* q, const loomEpisode* e, int a) {
  for (int i = 0; i < e->arms[a].n; i++) q[i] = e->d->qpos[e->arms[a].qpos[i]];
}

// On its way to where its skill begins: until it is near the object that the subtask is about.
static bool on_the_way(const loomPlan* p, int a) {
  const loomArmPlan* arm = &p->arm[a];
  if (!arm->running) return false;
  if (arm->step <= arm->lead_in) return true;

  int object = loom_plan_current(p, a)->reference;
  return object >= 0 && loom_object_gap(p->e, object, loom_episode_eef(p->e, a).pos) > near_object;
}

// As bits.
static uint64_t objects_of(const loomSubtaskDef* s) {
  uint64_t reference = s->reference >= 0 ? UINT64_C(1) << s->reference : 0;
  return s->carried >= 0 ? reference | UINT64_C(1) << s->carried : reference;
}

// Not arms that only stand still for not being known, and each pair of arms once.
static void ask(loomMeetDef* def, const ghostPlan* g, int a) {
  const loomPlan* p = &g->plan;
  def->arm = a;
  def->arms = 0;
  def->goal = def->holds = 0;
  def->within = def->self = -overlap;
  def->hand = on_the_way(p, a) ? INFINITY : -skill_overlap;
  for (int b = 0; b < p->e->arm_count; b++)
    if (b != a && !g->unsure[b] && (b > a || !p->arm[b].running)) def->arms |= 1u << b;

  // What a hand has gone for by now may be anywhere: it only follows hands here, and does not fall.
  for (int b = 0; b < p->e->arm_count; b++)
    for (int k = 0; k <= p->arm[b].subtask && k < p->task->subtask_count[b]; k++)
      def->goal |= objects_of(&p->task->subtasks[b][k]);
  for (int o = 0; o < p->task->object_count; o++)
    if (g->holder[o] == a) def->holds |= UINT64_C(1) << o;
}

// What meets where a subtask begins does not count as long as it runs.
static void note_begin(ghostPlan* g, int a) {
  loomMeetDef* def = &g->meet[a];
  get_joints(g->begun[a], g->plan.e, a);
  def->exempt_count = 0;
  g->look[a] = 0;
  ask(def, g, a);
  loom_meeting_exempt(def, g->plan.e);
}

// Does a running arm run into something?
static bool meets(loomMeeting* out, ghostPlan* g, int a) {
  if (!g->plan.arm[a].running || g->unsure[a]) return false;

  // As long as nothing is near, there is nothing to look for.
  int now = g->episode.steps;
  if (now < g->look[a]) return false;
  ask(&g->meet[a], g, a);
  g->meet[a].within = look_within;
  *out = loom_meeting(g->plan.e, &g->meet[a]);
  g->look[a] = now + (int)fmin(LOOK_AFTER, fmax(1, out->distance / (4 * g->way + least_way)));
  return out->distance < -overlap;
}

static bool any_meets(loomPreview* out, ghostPlan* g) {
  loomMeeting met;
  for (int a = 0; a < g->plan.e->arm_count; a++) {
    if (!meets(&met, g, a)) continue;
    set_flaw(out, &g->plan, LOOM_FLAW_MEETS, a, -1, -met.distance);
    memcpy(out->geom, met.geom, sizeof out->geom);
    out->on_the_way = on_the_way(&g->plan, a);
    return true;
  }
  return false;
}

// One control step. False when it has a flaw.
static bool step(loomPreview* out, ghostPlan* g, loomPreviewDef def) {
  loomPlan* p = &g->plan;
  loomPose target[LOOM_MAX_ARMS];
  bool ready[LOOM_MAX_ARMS] = {false};
  double scale[LOOM_MAX_ARMS];

  loom_plan_begin(p);
  find_blind(g);
  for (int a = 0; a < p->e->arm_count && !def.may_meet; a++)
    if (p->arm[a].running && !p->arm[a].step && !g->unsure[a]) note_begin(g, a);
  if (!loom_brakes(scale, p->e)) loom_plan_advance(p);
  for (int a = 0; a < p->e->arm_count; a++)
    target[a] = g->blind[a] ? loom_episode_eef(p->e, a) : p->arm[a].target;

  loomPose before[LOOM_MAX_ARMS];
  for (int a = 0; a < p->e->arm_count; a++) before[a] = loom_episode_eef(p->e, a);

  double distance, limit = def.leeway * p->task->limit_joint_speed;
  loomGhostSpeed fastest = loom_ghost_move(p->e, target, scale);
  if (limit > 0 && fastest.share > limit && p->arm[fastest.arm].source >= 0 && !g->blind[fastest.arm]) {
    set_flaw(out, p, LOOM_FLAW_SPEED, fastest.arm, fastest.joint, fastest.share);
    return false;
  }
  carry(g);
  g->way = 0;
  for (int a = 0; a < p->e->arm_count; a++)
    g->way = fmax(g->way, loom_pose_distance(loom_episode_eef(p->e, a), before[a]));

  // As an attempt does after each step, but that conditions are taken to hold.
  for (int a = 0; a < p->e->arm_count; a++) {
    if (!p->arm[a].running) continue;
    ready[a] = g->blind[a] || loom_plan_finished(&p->arm[a]);
    if (!g->blind[a] && loom_plan_stuck(p, a, &distance)) {
      set_flaw(out, p, LOOM_FLAW_STUCK, a, loom_arm_at_limit(&p->e->arms[a], p->e->m, p->e->d), distance);
      return false;
    }
  }

  if (!def.may_meet && any_meets(out, g)) return false;

  bool ran[LOOM_MAX_ARMS], hold_changes = false;
  for (int a = 0; a < p->e->arm_count; a++) ran[a] = p->arm[a].running;
  loom_plan_end(p, ready);
  for (int a = 0; a < p->e->arm_count; a++) {
    bool waits = !p->arm[a].running, takes = waits && !g->blind[a] && take(g, a);
    hold_changes = hold_changes || takes || (ran[a] && waits);
  }

  // In the hand at once: a subtask that begins now asks how it is held. Not where sources are mixed: of 40
  // balanced handovers 20 succeed with it and 24 without.
  if (hold_changes && loom_stage_count(p->task) == 1) carry(g);
  return true;
}

static bool all_done(const loomPlan* p) {
  for (int a = 0; a < p->e->arm_count; a++)
    if (!loom_plan_done(p, a)) return false;
  return true;
}

static const loomPreview flawless = {.arm = -1, .subtask = -1, .source = -1, .joint = -1, .geom = {-1, -1}};

static bool goes_on(const ghostPlan* g) {
  return !all_done(&g->plan) && g->episode.steps < g->plan.task->max_steps;
}

loomPreview loom_preview(const loomPlan* p, loomPreviewDef def) {
  loomPreview out = flawless;
  ghostPlan g;
  set_up(&g, p);

  while (goes_on(&g))
    if (!step(&out, &g, def)) break;

  out.steps = g.episode.steps - p->e->steps;
  memcpy(out.stage_source, g.plan.stage_source, sizeof out.stage_source);
  return out;
}

// A lead-in in which a joint is too fast takes longer; false when that does not help, or is long enough.
static bool slow_down(loomPlan* p, const loomPreview* v) {
  double* slower = &p->slower[v->arm][v->subtask];
  if (!v->leads_in || *slower * slow_step > slowest) return false;
  *slower = fmax(1, *slower) * slow_step;
  return true;
}

// ---- around what is in the way

// Where an arm's way leads on behind what it meets.
typedef struct beyond {
  int row;                     // of the source
  double at[LOOM_MAX_JOINTS];  // the arm's joints there
} beyond;

// Is the hand commanded the same from one row of a segment to another?
static bool hand_stays(const loomPlan* p, int a, int row) {
  const loomArmPlan* arm = &p->arm[a];
  const loomReplay* source = &p->sources->replay[arm->source];
  for (int t = arm->start; t <= row; t++)
    if ((source->grip[a][t] > 0) != (arm->grip > 0)) return false;
  return true;
}

// The plan as it is, through what is in the way. False when the subtask ends before the arm is free again, or
// what it would leave out is more than a way.
static bool look_beyond(beyond* out, const loomPlan* p, const loomPreview* v) {
  const loomPreviewDef def = {.leeway = INFINITY, .may_meet = true};
  loomPreview ignored = flawless;
  loomMeeting met;
  ghostPlan g;
  int calm = 0, k, other;
  bool pair = loom_task_partner(p->task, v->arm, v->subtask, &other, &k) != NULL, begun = false,
       blocked = false;
  set_up(&g, p);

  const loomArmPlan* arm = &g.plan.arm[v->arm];
  while (goes_on(&g) && (!begun || (arm->running && arm->subtask == v->subtask))) {
    if (!step(&ignored, &g, def)) return false;
    if (!arm->running || arm->subtask != v->subtask) continue;
    if (!begun) note_begin(&g, v->arm);
    begun = true;

    // Freely on its way again, with no row left out that its partner has.
    bool meets_now = meets(&met, &g, v->arm);
    blocked = blocked || meets_now;
    calm = meets_now ? 0 : calm + 1;
    if (!blocked || calm < CALM || arm->step < arm->lead_in) continue;

    out->row = loom_plan_row(&g.plan, v->arm);
    get_joints(out->at, g.plan.e, v->arm);
    return (!pair || out->row == arm->start) && out->row < arm->end - 1 &&
           hand_stays(&g.plan, v->arm, out->row);
  }
  return false;
}

// From where the subtask begins, with all else as it is where the arm runs into something.
static bool find_way(loomWay* out, const loomPlan* p, const loomPreview* v, const beyond* goal,
                     loomPreviewDef def, int tries, loomRandom* random) {
  loomPreview same = flawless;
  ghostPlan g;
  set_up(&g, p);
  while (goes_on(&g))
    if (!step(&same, &g, def)) break;
  if (same.flaw != LOOM_FLAW_MEETS || same.arm != v->arm) return false;

  loomMeetDef* meet = &g.meet[v->arm];
  meet->within = room + more_room * tries;
  meet->self = -overlap - touching;
  for (int b = 0; b < p->e->arm_count; b++)
    if (b != v->arm) meet->arms |= 1u << b;
  return loom_detour_find(out, &g.episode, meet, g.held, g.begun[v->arm], goal->at, random);
}

// What is in the way of a plan's arms, and ways around it.
typedef struct scout {
  loomRandom random;
  int ways;  // looked for so far
  bool met;  // something was in the way
} scout;

// A way around what an arm runs into, unless it has been led around in vain often enough.
static bool lead_around(loomPlan* p, const loomPreview* v, loomPreviewDef def, scout* around) {
  loomDetour* d = loom_plan_detour(p, v->arm, v->subtask);
  if (v->flaw != LOOM_FLAW_MEETS || !v->on_the_way || around->ways == MOST_WAYS) return false;
  if (d ? d->tries == MOST_TRIES : p->detour_count == LOOM_MAX_DETOURS) return false;

  // As it would go without the detour that it has.
  loomPlan direct = *p;
  loomDetour* gone = loom_plan_detour(&direct, v->arm, v->subtask);
  if (gone) *gone = direct.detour[--direct.detour_count];

  beyond goal;
  loomWay way;
  int tries = d ? d->tries : 0;
  around->ways++;
  if (!look_beyond(&goal, &direct, v) || !find_way(&way, &direct, v, &goal, def, tries, &around->random))
    return false;
  if (!d) d = &p->detour[p->detour_count++];
  *d = (loomDetour){v->arm, v->subtask, goal.row, tries + 1, way};
  if (tries) slow_down(p, v);
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
static bool choose(loomPreview* first, scout* around, loomPlan* p, loomPreviewDef def) {
  bool barred[LOOM_MAX_SOURCES];
  for (p->barred_count = p->detour_count = 0;;) {
    loomPreview v = loom_preview(p, def);
    if (v.flaw == LOOM_FLAW_NONE) {
      if (loom_stage_count(p->task) > 1) memcpy(p->stage_source, v.stage_source, sizeof p->stage_source);
      return true;
    }
    if (first->flaw == LOOM_FLAW_NONE) *first = v;
    around->met = around->met || v.flaw == LOOM_FLAW_MEETS;
    if (v.flaw == LOOM_FLAW_SPEED && slow_down(p, &v)) continue;
    if (lead_around(p, &v, def, around)) continue;

    // The next choice is another one, as long as there is one, at its own pace and on its own way.
    memset(p->slower, 0, sizeof p->slower);
    p->detour_count = 0;
    p->barred[p->barred_count++] = (loomBarred){v.arm, v.subtask, v.source};
    int left = p->sources->n - loom_plan_barred(barred, p, v.arm, v.subtask);
    if ((left <= 0 && !bar_before(p, &v)) || p->barred_count == LOOM_MAX_BARRED) return false;
  }
}

bool loom_preview_choose(loomPreview* first, loomPlan* p) {
  scout around = {.random = loom_random(p->def->seed, p->result->attempt, LOOM_PURPOSE_DETOUR)};
  *first = flawless;

  const loomPreviewDef as_asked = {.leeway = 1}, fast = {.leeway = in_doubt};
  if (choose(first, &around, p, as_asked) || choose(first, &around, p, fast)) return true;
  if (!around.met) return false;

  const loomPreviewDef meeting = {.leeway = 1, .may_meet = true};
  const loomPreviewDef both = {.leeway = in_doubt, .may_meet = true};
  return choose(first, &around, p, meeting) || choose(first, &around, p, both);
}
