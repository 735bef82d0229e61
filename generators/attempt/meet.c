#include "generators/attempt/meet.h"

#include <math.h>

#include "engine/sim/near.h"
#include "engine/sim/part.h"

// Bodies with consecutive numbers: one, and all that hang from it, as MuJoCo numbers them.
typedef struct span {
  int first, end;
} span;

static span subtree(const mjModel* m, int body) {
  span s = {body, body + 1};
  while (s.end < (int)m->nbody && m->body_parentid[s.end] >= body) s.end++;
  return s;
}

static bool is_in(span s, int body) {
  return body >= s.first && body < s.end;
}

// All that an arm's joint moves.
static span moved_by(const loomEpisode* e, int a, int joint) {
  return subtree(e->m, e->m->dof_bodyid[e->arms[a].dof[joint]]);
}

// What is asked, and what is known of it.
typedef struct search {
  const loomEpisode* e;
  const loomMeetDef* def;
  span arm[LOOM_MAX_ARMS];
  span hand;
  double closer;  // m: pairs in question count where closer than this
  loomMeeting nearest;
} search;

static search begin(const loomEpisode* e, const loomMeetDef* def) {
  search s = {.e = e, .def = def, .nearest = {def->within, {-1, -1}}};
  for (int a = 0; a < e->arm_count; a++) s.arm[a] = moved_by(e, a, 0);
  s.hand = moved_by(e, def->arm, e->arms[def->arm].n - 1);
  return s;
}

static int arm_of(const search* s, int body) {
  for (int a = 0; a < s->e->arm_count; a++)
    if (is_in(s->arm[a], body)) return a;
  return -1;
}

// Is the body one that the arm is not to meet?
static bool is_in_the_way(const search* s, int body, int arm) {
  const loomEpisode* e = s->e;
  if (arm >= 0) return arm == s->def->arm || s->def->arms >> arm & 1;

  int object = loom_object_of_body(e->m, e->scene->object_body, e->scene->task->object_count, body);
  return object < 0 || !((s->def->goal | s->def->holds) >> object & 1);
}

static bool is_exempt(const loomMeetDef* def, int g, int h) {
  for (int i = 0; i < def->exempt_count; i++)
    if (def->exempt[i][0] == g && def->exempt[i][1] == h) return true;
  return false;
}

static void look_at(search* s, int g, int h) {
  const mjModel* m = s->e->m;
  mjData* d = s->e->d;
  double upto = fmin(s->nearest.distance, s->closer);

  if (loom_geoms_apart(m, d, g, h, upto) || !loom_geoms_may_collide(m, g, h)) return;
  if (!loom_bodies_may_touch(m, m->geom_bodyid[g], m->geom_bodyid[h]) || is_exempt(s->def, g, h)) return;

  // Distances are asked for up to what is of interest, and no less than to where they touch.
  double distance = mj_geomDistance(m, d, g, h, fmax(upto, 0), NULL);
  if (distance < upto) s->nearest = (loomMeeting){distance, {g, h}};
}

// All that hangs from `own`, with a body that is in the way.
static void look_from(search* s, span own, int body) {
  const mjModel* m = s->e->m;
  for (int b = own.first; b < own.end; b++) {
    for (int i = 0; i < m->body_geomnum[b]; i++)
      for (int k = 0; k < m->body_geomnum[body]; k++)
        look_at(s, m->body_geomadr[b] + i, m->body_geomadr[body] + k);
  }
}

loomMeeting loom_meeting(const loomEpisode* e, const loomMeetDef* def) {
  search s = begin(e, def);
  span arm = s.arm[def->arm];  // its links come before its hand

  for (int body = 0; body < (int)e->m->nbody; body++) {
    if (!e->m->body_geomnum[body]) continue;
    int whose = arm_of(&s, body);
    if (!is_in_the_way(&s, body, whose)) continue;

    // Of itself each pair once: the body with what comes before it, but for the hand with the hand.
    if (whose == def->arm) {
      s.closer = def->self;
      look_from(&s, (span){arm.first, is_in(s.hand, body) ? s.hand.first : body}, body);
      continue;
    }

    s.closer = INFINITY;
    look_from(&s, (span){arm.first, s.hand.first}, body);
    if (whose < 0) s.closer = def->hand;
    look_from(&s, s.hand, body);
    for (int o = 0; o < e->scene->task->object_count; o++)
      if (def->holds >> o & 1) look_from(&s, subtree(e->m, e->scene->object_body[o]), body);
  }
  return s.nearest;
}

void loom_meeting_exempt(loomMeetDef* def, const loomEpisode* e) {
  while (def->exempt_count < LOOM_MAX_EXEMPT) {
    loomMeeting met = loom_meeting(e, def);
    if (met.geom[0] < 0) return;

    int* pair = def->exempt[def->exempt_count++];
    pair[0] = met.geom[0];
    pair[1] = met.geom[1];
  }
}

double loom_object_gap(const loomEpisode* e, int object, const double point[3]) {
  const mjModel* m = e->m;
  span of = subtree(m, e->scene->object_body[object]);
  double nearest = INFINITY;

  for (int b = of.first; b < of.end; b++) {
    for (int i = 0; i < m->body_geomnum[b]; i++) {
      int g = m->body_geomadr[b] + i;
      const double* box = m->geom_aabb + 6 * g;
      double from[3], local[3], squares = 0;
      mju_sub3(from, point, e->d->geom_xpos + 3 * g);
      mju_mulMatTVec3(local, e->d->geom_xmat + 9 * g, from);
      for (int k = 0; k < 3; k++) {
        double beyond = fmax(0, fabs(local[k] - box[k]) - box[3 + k]);
        squares += beyond * beyond;
      }
      nearest = fmin(nearest, sqrt(squares));
    }
  }
  return nearest;
}
