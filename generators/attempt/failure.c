#include "generators/attempt/failure.h"

#include <stdio.h>
#include <string.h>

#include "engine/sim/part.h"

// Arms as bits: those that a failure names, and those that have to do with an object it names.
typedef struct suspects {
  unsigned named, near;
} suspects;

// ---- whose

// The arm whose joints move the body: its own links, its hand and what is fixed to them. -1 = no arm's.
static int arm_of_body(const loomEpisode* e, int body) {
  const mjModel* m = e->m;
  for (; body > 0; body = m->body_parentid[body]) {
    for (int a = 0; a < e->arm_count; a++) {
      const loomArm* arm = &e->arms[a];
      for (int i = 0; i < arm->n; i++)
        if (m->dof_bodyid[arm->dof[i]] == body) return a;
      for (int i = 0; i < arm->hand_n; i++)
        if (m->dof_bodyid[arm->hand_dof[i]] == body) return a;
    }
  }
  return -1;
}

// The object that the body is a part of, or -1.
static int object_of_body(const loomEpisode* e, int body) {
  return loom_object_of_body(e->m, e->scene->object_body, e->scene->task->object_count, body);
}

// The arms that touch the object; where none does, those whose subtask (the latest, for an arm that is done)
// is about it.
static unsigned arms_at_object(const loomPlan* p, int object) {
  const loomTask* task = p->task;
  unsigned char touch[LOOM_MAX_ARMS * LOOM_MAX_OBJECTS];
  unsigned holding = 0, after = 0;
  loom_find_touches(touch, p->e);

  for (int a = 0; a < p->e->arm_count; a++) {
    if (touch[a * task->object_count + object]) holding |= 1u << a;
    if (!task->subtask_count[a]) continue;

    int last = task->subtask_count[a] - 1, k = p->arm[a].subtask < last ? p->arm[a].subtask : last;
    const loomSubtaskDef* s = &task->subtasks[a][k];
    if (s->reference == object || s->carried == object) after |= 1u << a;
  }

  return holding ? holding : after;
}

static void suspect_body(suspects* who, const loomPlan* p, int body) {
  int arm = body >= 0 ? arm_of_body(p->e, body) : -1, object = body >= 0 ? object_of_body(p->e, body) : -1;

  if (arm >= 0) who->named |= 1u << arm;
  if (arm < 0 && object >= 0) who->near |= arms_at_object(p, object);
}

static void suspect_geom(suspects* who, const loomPlan* p, int geom) {
  if (geom >= 0) suspect_body(who, p, p->e->m->geom_bodyid[geom]);
}

unsigned loom_arms_of_geom(const loomPlan* p, int geom) {
  suspects who = {0, 0};
  suspect_geom(&who, p, geom);
  return who.named;
}

unsigned loom_arms_at_geom(const loomPlan* p, int geom) {
  suspects who = {0, 0};
  suspect_geom(&who, p, geom);
  return who.named | who.near;
}

static void suspect_list(suspects* who, const loomPlan* p, const loomGeomList* list) {
  for (int i = 0; i < list->count; i++) suspect_geom(who, p, mj_name2id(p->e->m, mjOBJ_GEOM, list->geoms[i]));

  if (list->object[0]) who->near |= arms_at_object(p, loom_task_find_object(p->task, list->object));
}

static void suspect_point(suspects* who, const loomPlan* p, const loomPoint* at) {
  const mjModel* m = p->e->m;

  int id;
  switch (at->kind) {
    case LOOM_POINT_WORLD:
      break;
    case LOOM_POINT_EEF:
      who->named |= 1u << at->arm;
      break;
    case LOOM_POINT_OBJECT:
      who->near |= arms_at_object(p, loom_task_find_object(p->task, at->name));
      break;
    case LOOM_POINT_BODY:
      suspect_body(who, p, mj_name2id(m, mjOBJ_BODY, at->name));
      break;
    case LOOM_POINT_GEOM:
      suspect_geom(who, p, mj_name2id(m, mjOBJ_GEOM, at->name));
      break;
    case LOOM_POINT_SITE:
      id = mj_name2id(m, mjOBJ_SITE, at->name);
      if (id >= 0) suspect_body(who, p, m->site_bodyid[id]);
      break;
  }
}

static suspects suspect_condition(const loomPlan* p, int node) {
  const loomConditionDef* c = &p->task->conditions[node];
  suspects who = {0, 0};
  int joint;

  switch (c->kind) {
    case LOOM_COND_GRASPED:
    case LOOM_COND_RELEASED:
    case LOOM_COND_GRIPPER:
      who.named = 1u << c->arm;
      break;
    case LOOM_COND_TOUCHING:
      suspect_list(&who, p, &c->geoms);
      suspect_list(&who, p, &c->others);
      break;
    case LOOM_COND_JOINT:
      joint = mj_name2id(p->e->m, mjOBJ_JOINT, c->joint);
      if (joint >= 0) suspect_body(&who, p, p->e->m->jnt_bodyid[joint]);
      break;
    case LOOM_COND_DISTANCE:
    case LOOM_COND_HEIGHT:
    case LOOM_COND_INSIDE:
    case LOOM_COND_UPRIGHT:
      suspect_point(&who, p, &c->a);
      suspect_point(&who, p, &c->b);
      break;
    default:  // all, any, not, held: their children name arms
      for (int k = c->first_child; k >= 0; k = p->task->conditions[k].next) {
        suspects child = suspect_condition(p, k);
        who.named |= child.named;
        who.near |= child.near;
      }
  }

  return who;
}

// The one arm among these; of several, the one that has a subtask running. -1 when that is not one.
static int only_arm(const loomPlan* p, unsigned arms) {
  int found = -1, running = -1, n = 0, running_n = 0;
  for (int a = 0; a < p->e->arm_count; a++) {
    if (!(arms >> a & 1)) continue;
    found = a;
    n++;

    if (!p->arm[a].running) continue;
    running = a;
    running_n++;
  }

  return n == 1 ? found : running_n == 1 ? running : -1;
}

// What a failure names goes before what is near it; an attempt of one arm is that arm's.
static int blamed(const loomPlan* p, suspects who) {
  if (p->e->arm_count == 1) return 0;
  return only_arm(p, who.named ? who.named : who.near);
}

// ---- what

static void set_where(loomPlan* p, loomOutcome outcome, int arm) {
  loomAttemptResult* r = p->result;
  r->outcome = outcome;
  r->arm = arm;
  r->subtask = arm >= 0 && !loom_plan_done(p, arm) ? p->arm[arm].subtask : -1;

  r->condition = r->part[0] = r->part[1] = -1;
  r->value = 0;
  r->subject[0] = r->reason[0] = 0;
}

// Why `condition` is not as wanted. Where it is by now, its label is all there is to say.
static void set_condition(loomPlan* p, int condition, loomConditionCause cause) {
  loomAttemptResult* r = p->result;
  const char* label = p->task->conditions[condition].label;
  r->condition = cause.node >= 0 ? cause.node : condition;
  r->value = cause.node >= 0 ? cause.value : loom_condition_value(p->e->conditions, condition);

  if (cause.node >= 0) {
    loom_condition_subject(r->subject, sizeof r->subject, p->e->conditions, cause);
    loom_condition_explain(p->e->conditions, condition, r->reason, sizeof r->reason);
  } else {
    snprintf(r->subject, sizeof r->subject, "%s", label);
    snprintf(r->reason, sizeof r->reason, "%s", label);
  }
}

void loom_fail_subtask(loomPlan* p, loomOutcome outcome, int a, int condition) {
  set_where(p, outcome, a);
  set_condition(p, condition, loom_condition_cause(p->e->conditions, condition, true));
}

void loom_fail_stuck(loomPlan* p, int a, double distance) {
  loomAttemptResult* r = p->result;
  char limit[64] = "", solver[64] = "";
  set_where(p, LOOM_OUTCOME_STUCK, a);
  r->value = distance;

  // Why: a joint that can go no further, or inverse kinematics that find no joints.
  int joint = loom_arm_at_limit(&p->e->arms[a], p->e->m, p->e->d), short_steps = p->e->body.state.short_steps;
  if (joint >= 0) {
    r->part[0] = p->e->m->dof_jntid[p->e->arms[a].dof[joint]];
    snprintf(limit, sizeof limit, ", joint %d at its limit", joint + 1);
  }
  if (short_steps) snprintf(solver, sizeof solver, ", inverse kinematics short for %d steps", short_steps);

  snprintf(r->subject, sizeof r->subject, "arm %d stands away from its target%s", a, limit);
  snprintf(r->reason, sizeof r->reason, "arm %d stands %.3f m from its target%s%s", a, distance, limit,
           solver);
}

void loom_fail_rough(loomPlan* p, const loomRunResult* run) {
  const loomQuality* q = &run->quality;
  loomAttemptResult* r = p->result;
  suspects who = {0, 0};

  if (run->breach.limit == LOOM_LIMIT_PENETRATION) {
    suspect_geom(&who, p, q->contact[0]);
    suspect_geom(&who, p, q->contact[1]);
    set_where(p, LOOM_OUTCOME_ROUGH, blamed(p, who));
    memcpy(r->part, q->contact, sizeof r->part);
    snprintf(r->subject, sizeof r->subject, "contact of %s", q->penetrating);
  } else {
    set_where(p, LOOM_OUTCOME_ROUGH, q->fastest_arm);
    r->part[0] = q->fastest_joint;
    snprintf(r->subject, sizeof r->subject, "speed of %s", q->fastest);
  }

  r->value = run->breach.value;
  snprintf(r->reason, sizeof r->reason, "%.*s", (int)sizeof r->reason - 1, run->breach.reason);
}

static const char* geom_name(const loomPlan* p, int geom) {
  const char* name = mj_id2name(p->e->m, mjOBJ_GEOM, geom);
  return name && name[0] ? name : "a geom without a name";
}

void loom_fail_no_way(loomPlan* p, const loomPreview* v) {
  const loomArm* arm = &p->e->arms[v->arm];
  loomAttemptResult* r = p->result;
  char joint[64] = "";
  set_where(p, LOOM_OUTCOME_NO_WAY, v->arm);
  r->subtask = v->subtask;
  r->value = v->value;
  if (v->joint >= 0) r->part[0] = p->e->m->dof_jntid[arm->dof[v->joint]];

  // Into something, too fast, or not there.
  if (v->flaw == LOOM_FLAW_MEETS) {
    memcpy(r->part, v->geom, sizeof r->part);
    snprintf(r->subject, sizeof r->subject, "%.70s would run into %.70s", geom_name(p, v->geom[0]),
             geom_name(p, v->geom[1]));
    snprintf(r->reason, sizeof r->reason, "%.60s would run into %.60s, %.4f m deep", geom_name(p, v->geom[0]),
             geom_name(p, v->geom[1]), v->value);
    return;
  }
  if (v->flaw == LOOM_FLAW_SPEED) {
    snprintf(r->subject, sizeof r->subject, "arm %d would need a faster joint %d", v->arm, v->joint + 1);
    snprintf(r->reason, sizeof r->reason, "arm %d would need joint %d at %.3f of its speed limit", v->arm,
             v->joint + 1, v->value);
    return;
  }

  if (v->joint >= 0) snprintf(joint, sizeof joint, ", joint %d at its limit", v->joint + 1);
  snprintf(r->subject, sizeof r->subject, "arm %d would stand away from its target%s", v->arm, joint);
  snprintf(r->reason, sizeof r->reason, "arm %d would stand %.3f m from its target%s", v->arm, v->value,
           joint);
}

void loom_fail_lost(loomPlan* p) {
  int lost = p->task->lost;
  loomAttemptResult* r = p->result;
  loomConditionCause cause = loom_condition_cause(p->e->conditions, lost, false);

  suspects who = suspect_condition(p, cause.node >= 0 ? cause.node : lost);
  set_where(p, LOOM_OUTCOME_LOST, blamed(p, who));

  // It holds: the whole condition's label says what should not have come about, its leaf what did.
  r->condition = cause.node >= 0 ? cause.node : lost;
  r->value = cause.value;
  snprintf(r->subject, sizeof r->subject, "%s", p->task->conditions[lost].label);
  snprintf(r->reason, sizeof r->reason, "%s", p->task->conditions[lost].label);
}

void loom_fail_success(loomPlan* p, loomOutcome outcome) {
  int success = p->task->success;
  loomConditionCause cause = loom_condition_cause(p->e->conditions, success, true);
  suspects who = {0, 0};

  if (cause.node >= 0) who = suspect_condition(p, cause.node);

  // Out of time it is an arm that has not run all its subtasks: the only one, or that which success waits
  // for.
  unsigned late = 0;
  for (int a = 0; a < p->e->arm_count; a++)
    if (!loom_plan_done(p, a)) late |= 1u << a;
  if (late) {
    who.named = who.named & late ? who.named & late : 0;
    who.near = who.near & late ? who.near & late : late;
  }

  set_where(p, outcome, blamed(p, who));
  set_condition(p, success, cause);
}
