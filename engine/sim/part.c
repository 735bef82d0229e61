#include "engine/sim/part.h"

void loom_object_bodies(int* body, const loomTask* task, const mjModel* m) {
  for (int o = 0; o < task->object_count; o++) body[o] = mj_name2id(m, mjOBJ_BODY, task->objects[o].body);
}

static int object_at(const int* object_body, int count, int body) {
  for (int o = 0; o < count; o++)
    if (object_body[o] == body) return o;
  return -1;
}

// Up the tree, from one rigid piece to the one that it moves on.
static int object_above(const mjModel* m, const int* object_body, int count, int body) {
  while (body > 0) {
    int piece = m->body_weldid[body];

    // An object's own body first, where several lie in one piece.
    for (int b = body; b > 0; b = m->body_parentid[b]) {
      int o = object_at(object_body, count, b);
      if (o >= 0) return o;
      if (b == piece) break;
    }

    // Then one that is fixed to the same piece from another side; what is fixed to the world is no piece.
    for (int o = 0; piece > 0 && o < count; o++)
      if (object_body[o] > 0 && m->body_weldid[object_body[o]] == piece) return o;
    body = piece > 0 ? m->body_parentid[piece] : 0;
  }
  return -1;
}

int loom_object_of_body(const mjModel* m, const int* object_body, int count, int body) {
  int found = object_above(m, object_body, count, body);

  // Fixed to an object by a constraint, rather than by its place in the tree.
  for (int i = 0; found < 0 && i < (int)m->neq; i++) {
    if (m->eq_type[i] != mjEQ_WELD || !m->eq_active0[i] || m->eq_objtype[i] != mjOBJ_BODY) continue;

    for (int side = 0; side < 2; side++) {
      int mine = side ? m->eq_obj2id[i] : m->eq_obj1id[i], other = side ? m->eq_obj1id[i] : m->eq_obj2id[i];
      bool joined = m->body_weldid[mine] > 0 && m->body_weldid[mine] == m->body_weldid[body];
      if (joined && found < 0) found = object_above(m, object_body, count, other);
    }
  }
  return found;
}

int loom_object_of_geom(const mjModel* m, const int* object_body, int count, int geom) {
  return loom_object_of_body(m, object_body, count, m->geom_bodyid[geom]);
}

bool loom_body_moves_with(const mjModel* m, int body, int carrier) {
  while (body > 0 && body != carrier) body = m->body_parentid[body];
  return body > 0;
}
