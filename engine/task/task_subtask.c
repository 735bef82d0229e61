// Subtasks and coordination in task.yaml.
#include <math.h>
#include <string.h>

#include "engine/task/task_parse.h"

// The place of a key's text among `names`; *out is left as it is when the key is absent.
static int one_of(int* out, taskParser* p, loomNode map, const char* key, const char* const* names) {
  loomNode node = loom_yaml_get(p->y, map, key);
  const char* text = loom_yaml_text(p->y, node);
  if (!node) return 0;

  for (int i = 0; text && names[i]; i++) {
    if (!strcmp(text, names[i])) {
      *out = i;
      return 0;
    }
  }

  char list[256] = "";
  for (int i = 0; names[i]; i++) {
    strncat(list, i ? ", " : "", sizeof list - strlen(list) - 1);
    strncat(list, names[i], sizeof list - strlen(list) - 1);
  }
  return loom_yaml_error(p->y, node, key, p->err, "expected one of %s", list);
}

const char* const loom_select_names[] = {"random",   "nearest", "weighted", "robot_distance",
                                         "balanced", "ordered", NULL};
const char* const loom_scheme_names[] = {"transform", "translate", "replay", NULL};

static int read_select(loomSelectDef* s, taskParser* p, loomNode map) {
  static const char* const shares[] = {"episode", "arm", "subtask", NULL};
  int strategy = (int)s->strategy, share = (int)s->share;
  if (!map) return 0;

  int code = loom_task_only(p->y, map, "select", p->err);
  if (!code) code = one_of(&strategy, p, map, "strategy", loom_select_names);
  if (!code) code = one_of(&share, p, map, "share", shares);

  if (!code) code = loom_yaml_read_int(&s->top_k, p->y, map, "top_k", 1, 100000, false, p->err);
  if (!code) code = loom_yaml_read_number(&s->position_weight, p->y, map, "position", false, p->err);
  if (!code) code = loom_yaml_read_number(&s->rotation_weight, p->y, map, "rotation", false, p->err);
  if (!code) code = loom_yaml_read_number(&s->size_weight, p->y, map, "size", false, p->err);
  if (!code) code = loom_yaml_read_number(&s->success_weight, p->y, map, "success", false, p->err);

  s->strategy = (loomSelectStrategy)strategy;
  s->share = (loomSelectShare)share;
  return code;
}

static int read_interpolate(loomSubtaskDef* s, taskParser* p, loomNode map) {
  static const char* const from[] = {"pose", "target", NULL};
  double speed[2] = {s->speed_linear, s->speed_angular};
  int start = s->from_target;
  if (!map) return 0;

  int code = loom_task_only(p->y, map, "interpolate", p->err);
  if (!code) code = loom_yaml_read_int(&s->interpolate_steps, p->y, map, "steps", 0, 10000, false, p->err);
  if (!code) code = loom_yaml_read_numbers(speed, 2, NULL, p->y, map, "speed", false, p->err);
  if (!code) code = one_of(&start, p, map, "from", from);
  if (!code) code = loom_yaml_read_bool(&s->smooth, p->y, map, "smooth", p->err);

  s->speed_linear = speed[0];
  s->speed_angular = speed[1];
  s->from_target = start == 1;
  return code;
}

static int read_noise(loomSubtaskDef* s, taskParser* p, loomNode map) {
  if (!map) return 0;

  int code = loom_task_only(p->y, map, "noise", p->err);
  if (!code) code = loom_yaml_read_number(&s->noise_position, p->y, map, "position", false, p->err);
  if (!code) code = loom_yaml_read_number(&s->noise_rotation, p->y, map, "rotation", false, p->err);
  if (!code) code = loom_yaml_read_number(&s->noise_action, p->y, map, "action", false, p->err);
  if (!code) code = loom_yaml_read_bool(&s->noise_on_interpolation, p->y, map, "on_interpolation", p->err);
  if (!code) code = loom_yaml_read_number(&s->noise_drift, p->y, map, "drift", false, p->err);
  return code;
}

static int read_pace(loomSubtaskDef* s, taskParser* p, loomNode map) {
  const double slowest = 0.1, fastest = 10;
  int code = loom_yaml_read_numbers(s->pace, 2, NULL, p->y, map, "pace", false, p->err);
  if (code || (s->pace[0] >= slowest && s->pace[1] >= s->pace[0] && s->pace[1] <= fastest)) return code;
  return loom_yaml_error(p->y, map, "pace", p->err, "expected [LOW, HIGH], between 0.1 and 10");
}

static int read_until(loomSubtaskDef* s, taskParser* p, loomNode node) {
  const char* text = loom_yaml_text(p->y, node);
  if (!node) return 0;

  if (text && !strcmp(text, "end")) {
    s->until = LOOM_UNTIL_END;
    return 0;
  }
  if (text && !strcmp(text, "auto")) {
    s->until = LOOM_UNTIL_AUTO;
    return 0;
  }
  if (loom_yaml_get(p->y, node, "signal")) {
    s->until = LOOM_UNTIL_SIGNAL;
    return loom_yaml_read_text(s->until_signal, sizeof s->until_signal, p->y, node, "signal", true, p->err);
  }

  s->until = LOOM_UNTIL_CONDITION;
  return loom_task_parse_condition(&s->until_condition, p, node);
}

static int read_scale(loomSubtaskDef* s, taskParser* p, loomNode map) {
  if (!map) return 0;
  int code = loom_task_only(p->y, map, "scale", p->err);
  if (!code) code = loom_yaml_read_numbers(s->scale_axis, 3, NULL, p->y, map, "axis", true, p->err);
  if (!code) code = loom_yaml_read_text(s->scale_by, sizeof s->scale_by, p->y, map, "by", true, p->err);

  // It stretches with a variable of the object that the piece is moved with.
  int object = s->reference >= 0 ? s->reference : s->carried;
  bool known = false;
  for (int v = 0; !code && object >= 0 && v < p->task->objects[object].variable_count; v++) {
    known = known || !strcmp(p->task->objects[object].variables[v].name, s->scale_by);
  }
  if (!code && !known)
    code = loom_yaml_error(p->y, map, "by", p->err, "the reference object has no variable '%s'", s->scale_by);
  return code;
}

static int find_point(int* out, const loomObjectDef* o, taskParser* p, loomNode node, const char* name) {
  for (*out = o->keypoint_count - 1; *out >= 0; --*out)
    if (name && !strcmp(o->keypoints[*out].name, name)) return 0;
  return loom_yaml_error(p->y, node, "keypoints", p->err, "object '%s' has no keypoint '%.60s'", o->name,
                         name ? name : "");
}

// Points of one object, by their names.
static int read_points_of(loomSubtaskDef* s, int which, int object, taskParser* p, loomNode map, int i) {
  const loomObjectDef* o = &p->task->objects[object];
  loomNode list = loom_yaml_item(p->y, map, i);
  int n = loom_yaml_count(p->y, list);
  if (!loom_yaml_is_list(p->y, list))
    return loom_yaml_error(p->y, map, o->name, p->err, "expected a list of its keypoints");
  int code = loom_task_limit(p, map, o->name, n, LOOM_MAX_KEYPOINTS, "keypoints of one object");
  if (code) return code;
  s->keypoints[which] = loom_task_take(p, n, sizeof(int));
  if (!s->keypoints[which]) return LOOM_ERR_MEMORY;
  s->keypoint_count[which] = n;

  for (int k = 0; !code && k < n; k++)
    code =
        find_point(&s->keypoints[which][k], o, p, list, loom_yaml_text(p->y, loom_yaml_item(p->y, list, k)));
  return code;
}

static int read_keypoints(loomSubtaskDef* s, taskParser* p, loomNode map) {
  int n, code = loom_task_count_names(&n, p, map, "keypoints");
  for (int i = 0; !code && i < n; i++) {
    int object = loom_task_find_object(p->task, loom_yaml_key(p->y, map, i));
    if (object < 0 || (object != s->reference && object != s->carried))
      return loom_yaml_error(p->y, map, loom_yaml_key(p->y, map, i), p->err,
                             "is neither the subtask's `reference` nor what is `carried`");
    code = read_points_of(s, object == s->reference ? 0 : 1, object, p, map, i);
  }
  return code;
}

static int read_between(loomSubtaskDef* s, taskParser* p, loomNode map) {
  loomName names[2];
  int n = 0;
  if (!loom_yaml_get(p->y, map, "between")) return 0;
  int code = loom_yaml_read_texts(names[0], sizeof *names, 2, NULL, p->y, map, "between", true, p->err);
  int object = s->reference >= 0 ? s->reference : s->carried;
  if (!code && object < 0)
    code = loom_yaml_error(p->y, map, "between", p->err, "needs an object, `reference` or `carried`");
  for (; !code && n < 2; n++) code = find_point(&s->between[n], &p->task->objects[object], p, map, names[n]);
  if (!code && s->between[0] == s->between[1])
    code = loom_yaml_error(p->y, map, "between", p->err, "expected two keypoints, not one twice");
  return code;
}

static int read_fields(loomSubtaskDef* s, taskParser* p, loomNode map) {
  static const char* const transforms[] = {"object", "planar", "world", NULL};
  const loomYaml* y = p->y;
  int transform = (int)s->transform, code = 0;
  double offset[2] = {s->offset[0], s->offset[1]};

  // What it is moved with, and how.
  if (loom_yaml_get(y, map, "reference"))
    code = loom_task_parse_object_name(&s->reference, p, map, "reference");
  if (!code && loom_yaml_get(y, map, "carried"))
    code = loom_task_parse_object_name(&s->carried, p, map, "carried");
  if (!code) code = one_of(&transform, p, map, "transform", transforms);
  s->transform = (loomTransformKind)transform;
  if (!code) code = loom_yaml_read_bool(&s->symmetric, y, map, "symmetric", p->err);
  if (!code) code = loom_yaml_read_bool(&s->track, y, map, "track", p->err);
  if (!code) code = loom_yaml_read_bool(&s->centered, y, map, "centered", p->err);
  if (!code) code = loom_yaml_read_bool(&s->midway, y, map, "midway", p->err);
  if (!code) code = loom_yaml_read_number(&s->standoff, y, map, "standoff", false, p->err);
  if (!code) code = loom_yaml_read_number(&s->clearance, y, map, "clearance", false, p->err);
  if (!code && !(s->clearance >= 0 && s->clearance <= 0.02))
    code = loom_yaml_error(y, map, "clearance", p->err, "expected 0 to 0.02 (m)");
  if (!code) code = read_scale(s, p, loom_yaml_get(y, map, "scale"));
  if (!code) code = read_keypoints(s, p, loom_yaml_get(y, map, "keypoints"));
  if (!code) code = read_between(s, p, map);

  // Where it ends.
  if (!code) code = read_until(s, p, loom_yaml_get(y, map, "until"));
  if (!code) code = loom_yaml_read_int(&s->until_extra, y, map, "extra", 0, 10000, false, p->err);
  if (!code) code = loom_yaml_read_numbers(offset, 2, NULL, y, map, "offset", false, p->err);
  for (int i = 0; !code && i < 2; i++) {
    if (!(fabs(offset[i]) <= 10000) || offset[i] != trunc(offset[i]) || offset[1] < offset[0])
      code = loom_yaml_error(y, map, "offset", p->err, "expected [LOW, HIGH], whole control steps");
    if (!code) s->offset[i] = (int)offset[i];
  }

  // What must be true then, and on the way.
  if (!code && loom_yaml_get(y, map, "expect"))
    code = loom_task_parse_condition(&s->expect, p, loom_yaml_get(y, map, "expect"));
  if (!code) code = loom_yaml_read_int(&s->wait_steps, y, map, "wait", 0, 10000, false, p->err);
  if (!code) code = loom_yaml_read_int(&s->retries, y, map, "retries", 0, 100, false, p->err);
  if (!code && loom_yaml_get(y, map, "during"))
    code = loom_task_parse_condition(&s->during, p, loom_yaml_get(y, map, "during"));
  if (!code) code = loom_yaml_read_int(&s->during_slack, y, map, "slack", 0, 10000, false, p->err);

  // How it begins, and from which demo.
  if (!code) code = read_interpolate(s, p, loom_yaml_get(y, map, "interpolate"));
  if (!code) code = loom_yaml_read_int(&s->hold_steps, y, map, "hold", 0, 10000, false, p->err);
  if (!code) code = read_noise(s, p, loom_yaml_get(y, map, "noise"));
  if (!code) code = read_pace(s, p, map);
  if (!code) code = read_select(&s->select, p, loom_yaml_get(y, map, "select"));
  if (!code) code = loom_yaml_read_bool(&s->mix, y, map, "mix", p->err);

  if (!code && s->reference < 0 && (s->transform != LOOM_TRANSFORM_WORLD || s->track || s->centered)) {
    code = loom_yaml_error(y, map, s->centered ? "centered" : "transform", p->err,
                           "needs a `reference` object; only `transform: world` does without");
  }
  return code;
}

static int read_subtask(loomSubtaskDef* s, taskParser* p, loomNode defaults, loomNode map) {
  memset(s, 0, sizeof *s);
  s->line = loom_yaml_place(p->y, map);
  s->reference = s->carried = s->expect = s->during = s->until_condition = -1;
  s->during_slack = 10;
  s->transform = loom_yaml_get(p->y, map, "reference") ? LOOM_TRANSFORM_OBJECT : LOOM_TRANSFORM_WORLD;
  s->interpolate_steps = 5;
  s->pace[0] = s->pace[1] = 1;
  s->select = (loomSelectDef){LOOM_SELECT_NEAREST, LOOM_SHARE_EPISODE, 3, 1, 0.3, 1, 0};

  int code = loom_task_only(p->y, map, "subtask", p->err);
  if (!code) code = loom_yaml_read_text(s->name, sizeof s->name, p->y, map, "name", true, p->err);

  // What all subtasks have in common comes first, so that each may differ.
  if (!code && defaults) {
    code = loom_task_only(p->y, defaults, "defaults", p->err);
    if (!code) code = read_interpolate(s, p, loom_yaml_get(p->y, defaults, "interpolate"));
    if (!code) code = read_noise(s, p, loom_yaml_get(p->y, defaults, "noise"));
    if (!code) code = read_pace(s, p, defaults);
    if (!code) code = read_select(&s->select, p, loom_yaml_get(p->y, defaults, "select"));
    if (!code) code = loom_yaml_read_int(&s->hold_steps, p->y, defaults, "hold", 0, 10000, false, p->err);
    if (!code) code = loom_yaml_read_int(&s->wait_steps, p->y, defaults, "wait", 0, 10000, false, p->err);
    if (!code) code = loom_yaml_read_int(&s->retries, p->y, defaults, "retries", 0, 100, false, p->err);
  }
  return code ? code : read_fields(s, p, map);
}

int loom_task_parse_subtasks(taskParser* p, loomNode root) {
  loomTask* t = p->task;
  loomNode arms = loom_yaml_get(p->y, root, "arms"), defaults = loom_yaml_get(p->y, root, "defaults");
  if (!loom_yaml_is_list(p->y, arms) || loom_yaml_count(p->y, arms) != t->arm_count) {
    return loom_yaml_error(p->y, arms ? arms : root, "arms", p->err,
                           "expected a list with one entry for each of the %d robots", t->arm_count);
  }

  for (int a = 0; a < t->arm_count; a++) {
    loomNode arm = loom_yaml_item(p->y, arms, a), list = loom_yaml_get(p->y, arm, "subtasks");
    int code = loom_task_only(p->y, arm, "arms", p->err), n = loom_yaml_count(p->y, list);
    if (!code && (!loom_yaml_is_list(p->y, list) || n < 1 || n > LOOM_MAX_SUBTASKS)) {
      code = loom_yaml_error(p->y, arm, "subtasks", p->err, "expected 1 to %d subtasks", LOOM_MAX_SUBTASKS);
    }
    if (!code) t->subtasks[a] = loom_task_take(p, n, sizeof *t->subtasks[a]);
    if (!code && !t->subtasks[a]) code = LOOM_ERR_MEMORY;

    for (int k = 0; !code && k < n; k++) {
      loomSubtaskDef* s = &t->subtasks[a][k];
      code = read_subtask(s, p, defaults, loom_yaml_item(p->y, list, k));
      for (int e = 0; !code && e < k; e++) {
        if (!strcmp(t->subtasks[a][e].name, s->name))
          code = loom_yaml_error(p->y, loom_yaml_item(p->y, list, k), "name", p->err, "'%s' is there twice",
                                 s->name);
      }
      t->subtask_count[a] = k + 1;
    }
    if (code) return code;
  }
  return 0;
}

// ---- coordination

static int read_pair(loomRule* r, taskParser* p, loomNode map, const char* key) {
  int *arms[2] = {&r->arm_a, &r->arm_b}, *subtasks[2] = {&r->subtask_a, &r->subtask_b};
  loomNode list = loom_yaml_get(p->y, map, key);
  if (loom_yaml_count(p->y, list) != 2)
    return loom_yaml_error(p->y, list, key, p->err, "expected [[ARM, SUBTASK], [ARM, SUBTASK]]");

  for (int i = 0; i < 2; i++) {
    loomNode one = loom_yaml_item(p->y, list, i);
    const char* name = loom_yaml_text(p->y, loom_yaml_item(p->y, one, 1));
    double arm = -1;
    if (loom_yaml_count(p->y, one) != 2 || !name)
      return loom_yaml_error(p->y, list, key, p->err, "expected [[ARM, SUBTASK], [ARM, SUBTASK]]");

    int code = loom_yaml_number(&arm, p->y, loom_yaml_item(p->y, one, 0), key, p->err);
    if (code) return code;
    if (arm < 0 || arm >= p->task->arm_count)
      return loom_yaml_error(p->y, one, key, p->err, "there is no arm %g", arm);

    *arms[i] = (int)arm;
    *subtasks[i] = loom_task_find_subtask(p->task, (int)arm, name);
    if (*subtasks[i] < 0)
      return loom_yaml_error(p->y, one, key, p->err, "arm %d has no subtask '%.60s'", (int)arm, name);
  }
  return 0;
}

enum { max_nodes = LOOM_MAX_ARMS * LOOM_MAX_SUBTASKS };

// Subtasks that begin together are one vertex; an edge says "ends before the other begins".
typedef struct orderGraph {
  int vertex[max_nodes];
  bool before[max_nodes][max_nodes];
} orderGraph;

static void build_order(orderGraph* g, const loomTask* t, int rules) {
  memset(g, 0, sizeof *g);
  for (int i = 0; i < max_nodes; i++) g->vertex[i] = i;

  // Coordinated subtasks become one vertex.
  for (int i = 0; i < rules; i++) {
    const loomRule* r = &t->rules[i];
    if (r->kind != LOOM_RULE_COORDINATED) continue;
    int from = g->vertex[r->arm_b * LOOM_MAX_SUBTASKS + r->subtask_b],
        to = g->vertex[r->arm_a * LOOM_MAX_SUBTASKS + r->subtask_a];
    for (int k = 0; k < max_nodes; k++) {
      if (g->vertex[k] == from) g->vertex[k] = to;
    }
  }

  // An arm's subtasks follow each other, and sequential ones as their constraint says.
  for (int a = 0; a < t->arm_count; a++) {
    for (int k = 1; k < t->subtask_count[a]; k++) {
      int at = a * LOOM_MAX_SUBTASKS + k;
      g->before[g->vertex[at - 1]][g->vertex[at]] = true;
    }
  }
  for (int i = 0; i < rules; i++) {
    const loomRule* r = &t->rules[i];
    if (r->kind != LOOM_RULE_SEQUENTIAL) continue;
    g->before[g->vertex[r->arm_a * LOOM_MAX_SUBTASKS + r->subtask_a]]
             [g->vertex[r->arm_b * LOOM_MAX_SUBTASKS + r->subtask_b]] = true;
  }

  // Everything that comes before anything by way of others (Warshall, "A theorem on Boolean matrices",
  // 1962).
  for (int k = 0; k < max_nodes; k++) {
    for (int i = 0; i < max_nodes; i++) {
      for (int j = 0; j < max_nodes; j++)
        g->before[i][j] = g->before[i][j] || (g->before[i][k] && g->before[k][j]);
    }
  }
}

// The first `rules` of the constraints make some subtask wait for itself.
static bool has_circle(const loomTask* t, int rules) {
  orderGraph g;
  build_order(&g, t, rules);
  bool circle = false;
  for (int i = 0; i < max_nodes; i++) circle = circle || g.before[i][i];
  return circle;
}

// The error names the constraint that closes a circle: more of them never open one, so it is found by
// halving.
static int check_order(taskParser* p, loomNode list) {
  const loomTask* t = p->task;
  if (!has_circle(t, t->rule_count)) return 0;

  int fine = 0, wrong = t->rule_count;
  while (wrong - fine > 1) {
    int half = fine + (wrong - fine) / 2;
    if (has_circle(t, half)) {
      wrong = half;
    } else {
      fine = half;
    }
  }

  const char* key = t->rules[wrong - 1].kind == LOOM_RULE_COORDINATED ? "coordinated" : "sequential";
  return loom_yaml_error(p->y, loom_yaml_item(p->y, list, wrong - 1), key, p->err,
                         "impossible: with this a subtask waits for itself");
}

// What the pair asks for must be possible for both arms at once; earlier rules are those before r.
static int check_coordinated(const loomRule* r, taskParser* p, loomNode node) {
  const loomTask* t = p->task;
  const char* key = "coordinated";
  if (r->arm_a == r->arm_b)
    return loom_yaml_error(p->y, node, key, p->err, "the two subtasks must be of different arms");

  for (const loomRule* q = t->rules; q < r; q++) {
    bool again = (q->arm_a == r->arm_a && q->subtask_a == r->subtask_a) ||
                 (q->arm_b == r->arm_b && q->subtask_b == r->subtask_b) ||
                 (q->arm_a == r->arm_b && q->subtask_a == r->subtask_b) ||
                 (q->arm_b == r->arm_a && q->subtask_b == r->subtask_a);
    if (q->kind == LOOM_RULE_COORDINATED && again)
      return loom_yaml_error(p->y, node, key, p->err, "a subtask has one partner only, see line %d",
                             loom_task_line(q->line));
  }

  bool tracks = t->subtasks[r->arm_a][r->subtask_a].track || t->subtasks[r->arm_b][r->subtask_b].track;
  if (tracks && r->scheme != LOOM_SCHEME_REPLAY)
    return loom_yaml_error(p->y, node, "scheme", p->err,
                           "a subtask with `track` follows its own object: only `replay` goes with it");
  return 0;
}

static int read_rule(loomRule* r, taskParser* p, loomNode node) {
  int scheme = 0;
  *r = (loomRule){.line = loom_yaml_place(p->y, node)};
  int code = loom_task_only(p->y, node, "coordination", p->err);
  if (code) return code;

  bool coordinated = loom_yaml_get(p->y, node, "coordinated") != 0,
       sequential = loom_yaml_get(p->y, node, "sequential") != 0;
  if (coordinated == sequential)
    return loom_yaml_error(p->y, node, "", p->err, "expected `coordinated:` or `sequential:`");

  const char* key = coordinated ? "coordinated" : "sequential";
  r->kind = coordinated ? LOOM_RULE_COORDINATED : LOOM_RULE_SEQUENTIAL;
  code = read_pair(r, p, node, key);
  if (!code) code = one_of(&scheme, p, node, "scheme", loom_scheme_names);
  r->scheme = (loomScheme)scheme;
  if (!code) code = loom_yaml_read_int(&r->lead, p->y, node, "lead", 0, 10000, false, p->err);
  if (!code && coordinated) code = check_coordinated(r, p, node);

  const char* other = coordinated ? "lead" : "scheme";
  if (!code && loom_yaml_get(p->y, node, other))
    code = loom_yaml_error(p->y, node, other, p->err, "not for `%s`", key);
  return code;
}

// Where two arms meet is moved as a whole: one goes there, and the other, which plays along, follows what it
// holds.
static int check_midway(const taskParser* p) {
  const loomTask* t = p->task;

  for (int a = 0; a < t->arm_count; a++) {
    for (int k = 0; k < t->subtask_count[a]; k++) {
      const loomSubtaskDef* s = &t->subtasks[a][k];
      int b, other;
      if (!s->midway) continue;

      bool follows = loom_task_partner(t, a, k, &b, &other) && t->subtasks[b][other].track;
      if (s->transform == LOOM_TRANSFORM_WORLD && follows) continue;
      return loom_error_set(p->err, LOOM_ERR_FORMAT,
                            "%s:%d: subtask '%s': `midway` goes with `transform: world` and a subtask with "
                            "`track: true` that is coordinated with it",
                            LOOM_TASK_AT(t, s->line), s->name);
    }
  }
  return 0;
}

int loom_task_parse_rules(taskParser* p, loomNode root) {
  loomNode list = loom_yaml_get(p->y, root, "coordination");
  int n = loom_yaml_count(p->y, list);
  if (list && !loom_yaml_is_list(p->y, list))
    return loom_yaml_error(p->y, list, "coordination", p->err, "expected a list");

  p->task->rules = loom_task_take(p, n, sizeof *p->task->rules);
  if (!p->task->rules) return LOOM_ERR_MEMORY;
  int code = 0;
  for (int i = 0; !code && i < n; i++) {
    code = read_rule(&p->task->rules[i], p, loom_yaml_item(p->y, list, i));
    p->task->rule_count = i + 1;
  }
  if (!code) code = check_order(p, list);
  return code ? code : check_midway(p);
}
