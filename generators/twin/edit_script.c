#include "generators/twin/edit_script.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fields.h"
#include "engine/base/file.h"
#include "engine/base/text.h"
#include "engine/base/yaml.h"
#include "generators/twin/edit.h"
#include "generators/twin/edit_work.h"

// ---- what there is

static const char *const joint_types[] = {"fixed", "slide", "hinge", NULL}, *const sides[] = {
                                                                                "-x", "+x", "-y", "+y",
                                                                                "-z", "+z", NULL};

#define BIT(kind) (1u << LOOM_EDIT_##kind)
enum {
  EVERY = ((1u << LOOM_EDIT_KINDS) - 1) & ~BIT(TASK) & ~BIT(STAND) & ~BIT(CAMERA)
};  // that is done to a body

// A command: what it is for, and an example.
static const struct {
  const char *name, *about, *example;
} kinds[LOOM_EDIT_KINDS] = {
    [LOOM_EDIT_PLACE] = {"place", "put an object elsewhere in the world, its resets with it",
                         "{body: mug, at: [0.1, 0, 0.8]}"},
    [LOOM_EDIT_TURN] = {"turn", "turn an object about its vertical, its resets with it",
                        "{body: mug, yaw: pi/2}"},
    [LOOM_EDIT_SCALE] = {"scale", "make an object and its parts larger or smaller", "{body: mug, by: 0.9}"},
    [LOOM_EDIT_WEIGH] = {"weigh", "say what a body weighs", "{body: drawer, mass: 0.4}"},
    [LOOM_EDIT_RUB] =
        {"rub",
         "say how a body's surface rubs: sliding friction, torsional (m) and rolling (m). Of two "
         "that touch MuJoCo takes the larger. Of a body that is cut later say it again. `world`: what "
         "is fixed to it and part of no body",
         "{body: mug, friction: [0.4, 0.004, 0.0001]}"},
    [LOOM_EDIT_DRAG] = {"drag", "say how hard a part's joint is to move",
                        "{body: drawer, damping: 4, friction: 1.5}"},
    [LOOM_EDIT_CUT] = {"cut", "cut a body: what lies before the plane, or in the box, becomes a part of it",
                       "{body: tower, low: [-0.2, -0.5, 0.4], high: [0.2, -0.18, 0.6], into: drawer}"},
    [LOOM_EDIT_REMOVE] = {"remove", "throw a part away that this script has cut off", "{body: drawer}"},
    [LOOM_EDIT_CAVITY] = {"cavity",
                          "take a box out of a body, for a part to slide into; the body is divided along the "
                          "box's sides, so that no convex piece reaches into it; tells what wall is left",
                          "{body: tower, part: drawer, clearance: 0.003}"},
    [LOOM_EDIT_PANEL] = {"panel", "add a board that a scan lacks: a box, or one along a side of the body",
                         "{body: drawer, side: +y, thickness: 0.004}"},
    [LOOM_EDIT_JOINT] = {"joint",
                         "how a part moves on what it was cut from. Without an axis a drawer slides out "
                         "across the cut that parted them, and a door turns about an edge",
                         "{body: drawer, type: slide, range: [0, 0.3], now: 0.3, damping: 4, friction: 1.5}"},
    [LOOM_EDIT_HANDLE] = {"handle", "mark where a part is grasped: a site NAME_handle",
                          "{body: drawer, at: [0, -0.5, 0.52]}"},
    [LOOM_EDIT_RESET] = {"reset", "where an object begins, or a part on its joint",
                         "{body: drawer, in: D0, joint: [0, 0.02]}"},
    [LOOM_EDIT_STAND] = {"stand", "put a robot elsewhere", "{robot: 0, at: [0, -0.7, 0.8], yaw: pi/2}"},
    [LOOM_EDIT_CAMERA] =
        {"camera",
         "put a camera where it sees known points as a picture has them: the least squares of pixels. "
         "Without distortion; its axis meets the middle of the picture",
         "{name: front, size: [640, 480], points: [[102, 388, 0.4, -0.35, 0.8], ...]}"},
    [LOOM_EDIT_TASK] = {"task",
                        "fill in keys of task.yaml (`demoloom help task`), each a line or more below it, in "
                        "place of what they were: what it is about, robots, when it is done, how",
                        "\n                success: {height: {of: mug, above: 0.95}}"},
};

typedef enum keyKind { NAME, NUMBERS, CHOICE, SIGHTINGS } keyKind;

// A key of commands: which need it, and which may have it.
typedef struct keyRow {
  const char* name;
  keyKind kind;
  int n;  // numbers
  size_t offset;
  double least, most;
  const char* const* choices;
  unsigned needed, may, given;
  const char* about;
} keyRow;

#define AT(member) offsetof(loomEditCommand, member)
#define FAR -100, 100

static const keyRow keys[] = {
    {"body", NAME, 0, AT(body), .needed = EVERY, .about = "which"},
    {"robot", NUMBERS, 1, AT(robot), 0, LOOM_MAX_ARMS - 1, .needed = BIT(STAND),
     .about = "its number, from 0, as the task's `place` lists them"},
    {"name", NAME, 0, AT(camera), .needed = BIT(CAMERA), .about = "the camera's; one that is there is moved"},
    {"size", NUMBERS, 2, AT(size), 1, 1e5, .needed = BIT(CAMERA),
     .about = "of the picture, pixels across and down"},
    {"points", SIGHTINGS, 0, AT(seen), -1e5, 1e5, .needed = BIT(CAMERA),
     .about = "4 to 32, not all on one line and best not in one plane: pixels from the picture's upper left "
              "corner to "
              "the right and down, then x, y and z in the world, m"},
    {"fovy", NUMBERS, 1, AT(fovy), 1, 170, .may = BIT(CAMERA),
     .about = "its vertical field of view, degrees as in MJCF; found, too, unless said"},
    {"at", NUMBERS, 3, AT(at), FAR, .needed = BIT(PLACE) | BIT(STAND), .may = BIT(JOINT) | BIT(HANDLE),
     .given = LOOM_GIVEN_AT,
     .about = "point, m; of `place` and `stand` in the world, else in the body's frame"},
    {"yaw", NUMBERS, 1, AT(yaw), FAR, .needed = BIT(TURN) | BIT(STAND),
     .may = BIT(CUT) | BIT(CAVITY) | BIT(PANEL),
     .about = "rad; of boxes about the z axis of the body's frame, of `turn` added to how it stands"},
    {"by", NUMBERS, 1, AT(by), 0.01, 100, .needed = BIT(SCALE), .about = "factor"},
    {"mass", NUMBERS, 1, AT(mass), 1e-6, 1e4, .needed = BIT(WEIGH), .about = "kg"},
    {"into", NAME, 0, AT(into), .needed = BIT(CUT), .about = "the part's name"},
    {"low", NUMBERS, 3, AT(low), FAR, .may = BIT(CUT) | BIT(CAVITY) | BIT(PANEL), .given = LOOM_GIVEN_BOX,
     .about = "corner of a box, m"},
    {"high", NUMBERS, 3, AT(high), FAR, .may = BIT(CUT) | BIT(CAVITY) | BIT(PANEL), .given = LOOM_GIVEN_BOX,
     .about = "the opposite corner"},
    {"point", NUMBERS, 3, AT(point), FAR, .may = BIT(CUT), .given = LOOM_GIVEN_PLANE,
     .about = "of a plane, m"},
    {"normal", NUMBERS, 3, AT(normal), FAR, .may = BIT(CUT), .given = LOOM_GIVEN_PLANE,
     .about = "of the plane, to the side that becomes the part"},
    {"part", NAME, 0, AT(part), .may = BIT(CAVITY),
     .about = "which slides in it: the box is what it passes through on its joint"},
    {"clearance", NUMBERS, 1, AT(clearance), 0, 0.1, .may = BIT(CAVITY),
     .about = "about that part, m; 0.003"},
    {"side", CHOICE, 0, AT(side), .choices = sides, .may = BIT(PANEL), .given = LOOM_GIVEN_SIDE,
     .about = "along which side of the body, inside of it"},
    {"thickness", NUMBERS, 1, AT(thickness), 0.0005, 0.5, .may = BIT(PANEL), .about = "m; 0.004"},
    {"rgba", NUMBERS, 4, AT(rgba), 0, 1, .may = BIT(PANEL), .about = "color"},
    {"type", CHOICE, 0, AT(type), .choices = joint_types, .needed = BIT(JOINT),
     .about = "fixed to it, or sliding (prismatic), or turning (revolute)"},
    {"parent", NAME, 0, AT(parent), .may = BIT(JOINT),
     .about = "another part that it moves on, cut off in this script"},
    {"axis", NUMBERS, 3, AT(axis), FAR, .may = BIT(JOINT), .given = LOOM_GIVEN_AXIS,
     .about = "along which it slides, or about which it turns"},
    {"edge", CHOICE, 0, AT(edge), .choices = sides, .may = BIT(JOINT), .given = LOOM_GIVEN_EDGE,
     .about = "of a door: the side that its hinge is on"},
    {"range", NUMBERS, 2, AT(range), FAR, .may = BIT(JOINT), .given = LOOM_GIVEN_RANGE,
     .about = "both ends, m or rad"},
    {"now", NUMBERS, 1, AT(now), FAR, .may = BIT(JOINT), .about = "where between them the scan has it; 0"},
    {"damping", NUMBERS, 1, AT(damping), 0, 1e4, .may = BIT(JOINT) | BIT(DRAG), .given = LOOM_GIVEN_DAMPING,
     .about = "N s/m or N m s/rad; of `joint` 1 or 0.1, unless said"},
    {"friction", NUMBERS, 1, AT(friction), 0, 1e4, .may = BIT(JOINT) | BIT(DRAG),
     .given = LOOM_GIVEN_FRICTION, .about = "N or N m; of `joint` 0.5 or 0.05, unless said"},
    {"friction", NUMBERS, 3, AT(rub), 0, 100, .needed = BIT(RUB), .about = "sliding, torsional, rolling"},
    {"in", NAME, 0, AT(in), .may = BIT(RESET), .about = "reset distribution; all, where none is named"},
    {"joint", NUMBERS, 2, AT(joint), FAR, .may = BIT(RESET), .given = LOOM_GIVEN_JOINT,
     .about = "range on its joint, m or rad"},
    {"x", NUMBERS, 2, AT(x), FAR, .may = BIT(RESET), .given = LOOM_GIVEN_XY, .about = "range, m"},
    {"y", NUMBERS, 2, AT(y), FAR, .may = BIT(RESET), .given = LOOM_GIVEN_XY, .about = "range, m"},
    {"z", NUMBERS, 1, AT(z), FAR, .may = BIT(RESET), .given = LOOM_GIVEN_Z, .about = "height, m"},
    {"yaw", NUMBERS, 2, AT(yaw_range), FAR, .may = BIT(RESET), .about = "range, rad"},
    {"radius", NUMBERS, 1, AT(radius), 0.001, 10, .may = BIT(RESET), .given = LOOM_GIVEN_RADIUS,
     .about = "that nothing else is in, m"},
};
enum { KEYS = sizeof keys / sizeof *keys };

const char* loom_edit_kind_name(loomEditKind kind) {
  return kinds[kind].name;
}

// ---- help

void loom_twin_edit_help(FILE* out) {
  fputs("\nA script of `edit` is a list of commands, done in their order, or none of them:\n", out);
  for (int k = 0; k < LOOM_EDIT_KINDS; k++) {
    fprintf(out, "  %-7s ", kinds[k].name);
    loom_print_wrapped(out, kinds[k].about, 10);
    const char* example = kinds[k].example;
    fprintf(out, "            - %s:%s%s\n", kinds[k].name, *example == '\n' ? "" : " ", example);
  }

  fputs("\nTheir keys; lengths in m, angles in rad, in the frame of the object that is cut:\n", out);
  for (int i = 0; i < KEYS; i++) {
    char text[512] = "";
    size_t n = 0;
    for (int k = 0; k < LOOM_EDIT_KINDS && keys[i].needed != EVERY; k++)
      if ((keys[i].needed | keys[i].may) >> k & 1)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "", kinds[k].name);
    snprintf(text + n, sizeof text - n, "%s%s", n ? ": " : "", keys[i].about);
    fprintf(out, "  %-10s", keys[i].name);
    loom_print_wrapped(out, text, 12);
  }
}

// ---- written

loomEditCommand loom_edit_default_command(loomEditKind kind) {
  return (loomEditCommand){.kind = kind,
                           .clearance = 0.003,
                           .thickness = 0.004,
                           .damping = -1,
                           .friction = -1,
                           .rgba = {0.45, 0.4, 0.36, 1}};
}

// Has the command that key? Where nothing says so, when it is not what it would be without.
static bool has_key(const loomEditCommand* c, const keyRow* row) {
  const loomEditCommand none = loom_edit_default_command(c->kind);
  const char *at = (const char*)c + row->offset, *usual = (const char*)&none + row->offset;
  if (row->needed >> c->kind & 1) return true;
  if (!(row->may >> c->kind & 1)) return false;
  if (row->given) return c->given & row->given;
  if (row->kind == NAME) return *at;
  return memcmp(at, usual, (size_t)row->n * sizeof(double)) != 0;
}

static void add_sightings(loomText* text, const loomEditCommand* c) {
  char one[200];
  for (int i = 0; i < c->nseen; i++) {
    const loomSighting* s = &c->seen[i];
    snprintf(one, sizeof one, "%s[%.6g, %.6g, %.6g, %.6g, %.6g]", i ? ", " : "[", s->pixel[0], s->pixel[1],
             s->point[0], s->point[1], s->point[2]);
    loom_text_puts(text, one);
  }
  loom_text_puts(text, c->nseen ? "]" : "[]");
}

static void add_key(loomText* text, const loomEditCommand* c, const keyRow* row) {
  const char* at = (const char*)c + row->offset;
  const double* number = (const double*)(const void*)at;
  char one[32];
  loom_text_puts(text, row->name);
  loom_text_puts(text, ": ");

  if (row->kind == SIGHTINGS) add_sightings(text, c);
  if (row->kind == NAME) loom_text_puts(text, at);
  if (row->kind == CHOICE) loom_text_puts(text, row->choices[*(const int*)(const void*)at]);
  if (row->kind != NUMBERS) return;
  if (row->n > 1) loom_text_puts(text, "[");
  for (int i = 0; i < row->n; i++) {
    snprintf(one, sizeof one, "%s%.6g", i ? ", " : "", fabs(number[i]) < 1e-9 ? 0 : number[i]);
    loom_text_puts(text, one);
  }
  if (row->n > 1) loom_text_puts(text, "]");
}

int loom_edit_command_text(char** out, const loomEditCommand* command, loomError* err) {
  loomText text = {0};
  int n = 0;
  loom_text_puts(&text, "- ");
  loom_text_puts(&text, kinds[command->kind].name);
  loom_text_puts(&text, ": {");

  for (int i = 0; i < KEYS; i++) {
    if (!has_key(command, &keys[i])) continue;
    if (n++) loom_text_puts(&text, ", ");
    add_key(&text, command, &keys[i]);
  }
  loom_text_puts(&text, "}\n");

  *out = text.s;
  if (!text.failed) return 0;
  loom_text_destroy(&text);
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a script");
}

// ---- read

static const keyRow* find_key(const char* name, unsigned bit) {
  for (int i = 0; i < KEYS; i++)
    if (!strcmp(keys[i].name, name) && ((keys[i].needed | keys[i].may) & bit)) return &keys[i];
  return NULL;
}

static int read_choice(int* out, const keyRow* row, const loomYaml* y, loomNode map, loomError* err) {
  loomNode node = loom_yaml_get(y, map, row->name);
  const char* text = loom_yaml_text(y, node);
  for (int i = 0; row->choices[i]; i++) {
    *out = i;
    if (text && !strcmp(text, row->choices[i])) return 0;
  }
  if (row->choices == sides)
    return loom_yaml_error(y, node, row->name, err, "expected -x, +x, -y, +y, -z or +z");

  return loom_yaml_error(y, node, row->name, err, "expected fixed, slide or hinge");
}

// Of a body: what may be a name in a model and of a file.
static int check_name(const char* name, const keyRow* row, const loomYaml* y, loomNode node, loomError* err) {
  size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  if (*name && !name[n] && n <= 40) return 0;
  return loom_yaml_error(y, node, row->name, err,
                         "expected a name of letters, digits and _, of 40 characters at most");
}

// Five numbers each.
static int read_sightings(loomEditCommand* c, const keyRow* row, const loomYaml* y, loomNode list,
                          loomError* err) {
  int n = loom_yaml_is_list(y, list) ? loom_yaml_count(y, list) : 0, code = 0;
  if (n < LOOM_SIGHT_LEAST || n > LOOM_SIGHT_MOST)
    return loom_yaml_error(y, list, row->name, err,
                           "expected a list of %d to %d points, [across, down, x, y, z] each",
                           LOOM_SIGHT_LEAST, LOOM_SIGHT_MOST);

  for (int i = 0; !code && i < n; i++) {
    loomNode item = loom_yaml_item(y, list, i);
    double number[5];
    if (!loom_yaml_is_list(y, item) || loom_yaml_count(y, item) != 5)
      return loom_yaml_error(y, item, row->name, err, "expected [across, down, x, y, z]");
    for (int k = 0; !code && k < 5; k++) {
      code = loom_yaml_number(&number[k], y, loom_yaml_item(y, item, k), row->name, err);
      if (!code && !(fabs(number[k]) <= row->most))
        code =
            loom_yaml_error(y, item, row->name, err, "expected numbers from %g to %g", row->least, row->most);
    }
    if (code) return code;
    mju_copy(c->seen[i].pixel, number, 2);
    mju_copy3(c->seen[i].point, number + 2);
  }
  c->nseen = n;
  return code;
}

static int read_key(loomEditCommand* c, const keyRow* row, const loomYaml* y, loomNode map, loomError* err) {
  char* to = (char*)c + row->offset;
  loomNode node = loom_yaml_get(y, map, row->name);
  c->given |= row->given;
  if (row->kind == SIGHTINGS) return read_sightings(c, row, y, node, err);
  if (row->kind == CHOICE) return read_choice((int*)(void*)to, row, y, map, err);
  if (row->kind == NAME) {
    int code = loom_yaml_read_text(to, LOOM_TWIN_NAME, y, map, row->name, true, err);
    return code ? code : check_name(to, row, y, node, err);
  }

  double* number = (double*)(void*)to;
  int code = row->n == 1 ? loom_yaml_read_number(number, y, map, row->name, true, err)
                         : loom_yaml_read_numbers(number, row->n, NULL, y, map, row->name, true, err);
  for (int i = 0; !code && i < row->n; i++)
    if (!(number[i] >= row->least && number[i] <= row->most))
      code =
          loom_yaml_error(y, node, row->name, err, "expected numbers from %g to %g", row->least, row->most);
  return code;
}

static int check_box(const loomEditCommand* c, const loomYaml* y, loomNode map, loomError* err) {
  for (int k = 0; k < 3; k++)
    if (!(c->low[k] < c->high[k]))
      return loom_yaml_error(y, map, "high", err, "its entries have to be larger than those of low");
  return 0;
}

static int check_range(const double* range, const loomYaml* y, loomNode map, const char* key,
                       loomError* err) {
  if (range[0] <= range[1]) return 0;
  return loom_yaml_error(y, loom_yaml_get(y, map, key), key, err, "its lower end comes first");
}

// Both keys of a pair, and what the table does not say.
static int check_command(const loomEditCommand* c, const loomYaml* y, loomNode map, loomError* err) {
  static const char* const pairs[][2] = {{"low", "high"}, {"point", "normal"}, {"x", "y"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    for (int k = 0; k < 2; k++)
      if (loom_yaml_get(y, map, pairs[i][k]) && !loom_yaml_get(y, map, pairs[i][!k]))
        return loom_yaml_error(y, map, pairs[i][!k], err, "missing: %s and %s go together", pairs[i][0],
                               pairs[i][1]);

  int code = c->given & LOOM_GIVEN_BOX ? check_box(c, y, map, err) : 0;
  bool box = c->given & LOOM_GIVEN_BOX, plane = c->given & LOOM_GIVEN_PLANE;
  if (code) return code;
  if (c->kind == LOOM_EDIT_CUT && box == plane)
    return loom_yaml_error(y, map, "cut", err, "give either a box (low, high) or a plane (point, normal)");
  if (c->kind == LOOM_EDIT_CAVITY && box == (c->part[0] != 0))
    return loom_yaml_error(y, map, "cavity", err,
                           "give either a box (low, high) or the part that slides in it");
  if (c->kind == LOOM_EDIT_PANEL && box == ((c->given & LOOM_GIVEN_SIDE) != 0))
    return loom_yaml_error(y, map, "panel", err, "give either a box (low, high) or a side of the body");

  const double *n = c->normal, *a = c->axis;
  if (plane && n[0] * n[0] + n[1] * n[1] + n[2] * n[2] < 1e-12)
    return loom_yaml_error(y, map, "normal", err, "it has no length");
  if ((c->given & LOOM_GIVEN_AXIS) && a[0] * a[0] + a[1] * a[1] + a[2] * a[2] < 1e-12)
    return loom_yaml_error(y, map, "axis", err, "it has no length");
  if (c->kind == LOOM_EDIT_JOINT && c->type != LOOM_EDIT_FIXED) {
    if (!(c->given & LOOM_GIVEN_RANGE))
      return loom_yaml_error(y, map, "range", err, "missing: both ends of its way, m or rad");
    if (!(c->range[0] < c->range[1]) || c->now < c->range[0] || c->now > c->range[1])
      return loom_yaml_error(y, map, "range", err,
                             "its lower end comes first, and `now` (%g) lies between its ends", c->now);
  }
  if (c->kind == LOOM_EDIT_DRAG && !(c->given & (LOOM_GIVEN_DAMPING | LOOM_GIVEN_FRICTION)))
    return loom_yaml_error(y, map, "drag", err, "give damping, friction or both");
  if (c->kind == LOOM_EDIT_RESET && !(c->given & (LOOM_GIVEN_JOINT | LOOM_GIVEN_XY)))
    return loom_yaml_error(y, map, "reset", err, "give a range of its joint, or x, y and z");
  if (c->kind == LOOM_EDIT_RESET && (c->given & LOOM_GIVEN_XY) && !(c->given & LOOM_GIVEN_Z))
    return loom_yaml_error(y, map, "z", err, "missing");

  if (!code) code = check_range(c->joint, y, map, "joint", err);
  if (!code) code = check_range(c->x, y, map, "x", err);
  if (!code) code = check_range(c->y, y, map, "y", err);
  return code ? code : check_range(c->yaw_range, y, map, "yaw", err);
}

// "place, turn, scale"
static const char* all_kinds(void) {
  return "place, turn, scale, weigh, rub, drag, cut, remove, cavity, panel, joint, handle, reset, stand, "
         "camera or task";
}

// Keys of the task, as they are written; what they mean is the task's to say.
static int read_task(loomEditCommand* c, const char* text, const loomYaml* y, loomNode map, loomError* err) {
  const char* first = loom_yaml_is_map(y, map) ? loom_yaml_key(y, map, 0) : NULL;
  c->text_line = loom_yaml_line(y, map);
  int code = first ? loom_edit_task_text(&c->text, text, c->text_line, first) : LOOM_ERR_FORMAT;

  if (code == LOOM_ERR_MEMORY) return loom_error_set(err, code, "out of memory for a script");
  return code ? loom_yaml_error(y, map, "task", err, "write its keys a line each below it, as in task.yaml")
              : 0;
}

static int read_command(loomEditCommand* c, const char* text, const loomYaml* y, loomNode item,
                        loomError* err) {
  const char* name = loom_yaml_count(y, item) == 1 ? loom_yaml_key(y, item, 0) : NULL;
  *c = loom_edit_default_command(LOOM_EDIT_KINDS);
  c->line = loom_yaml_line(y, item);
  if (!loom_yaml_is_map(y, item) || !name)
    return loom_yaml_error(y, item, "", err, "expected one command with its keys: `- cut: {body: ...}`");
  for (int k = 0; k < LOOM_EDIT_KINDS; k++)
    if (!strcmp(kinds[k].name, name)) c->kind = (loomEditKind)k;
  loomNode map = loom_yaml_item(y, item, 0);
  if (c->kind == LOOM_EDIT_KINDS)
    return loom_yaml_error(y, item, name, err, "no such command; there are %s", all_kinds());
  if (c->kind == LOOM_EDIT_TASK) return read_task(c, text, y, map, err);
  if (!loom_yaml_is_map(y, map))
    return loom_yaml_error(y, item, name, err, "expected its keys, as in `- %s: %s`", name,
                           kinds[c->kind].example);

  unsigned bit = 1u << c->kind;
  int code = 0;
  for (int i = 0; !code && i < loom_yaml_count(y, map); i++) {
    const char* key = loom_yaml_key(y, map, i);
    const keyRow* row = find_key(key, bit);
    if (!row)
      return loom_yaml_error(y, loom_yaml_item(y, map, i), key, err, "`%s` has no such key, as in `- %s: %s`",
                             name, name, kinds[c->kind].example);
    code = read_key(c, row, y, map, err);
  }
  for (int i = 0; !code && i < KEYS; i++)
    if ((keys[i].needed & bit) && !loom_yaml_get(y, map, keys[i].name))
      code = loom_yaml_error(y, map, keys[i].name, err, "missing, as in `- %s: %s`", name,
                             kinds[c->kind].example);

  return code ? code : check_command(c, y, map, err);
}

static int read_script(loomEditScript* out, const char* path, const char* text, loomError* err) {
  loomYaml* y = NULL;
  int code = loom_yaml_parse(&y, text, strlen(text), path, err);
  if (code) return code;

  loomNode root = loom_yaml_root(y);
  int n = loom_yaml_is_list(y, root) ? loom_yaml_count(y, root) : 0;
  if (!n) code = loom_yaml_error(y, root, "", err, "expected a list of commands, `- cut: {body: ...}`");
  out->command = calloc((size_t)n + 1, sizeof *out->command);
  if (!code && !out->command) code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  for (int i = 0; !code && i < n; i++, out->n = i)
    code = read_command(&out->command[i], text, y, loom_yaml_item(y, root, i), err);

  loom_yaml_destroy(y);
  return code;
}

int loom_edit_script_read(loomEditScript* out, const char* path, const char* text, loomError* err) {
  char* own = NULL;
  *out = (loomEditScript){0};
  if (text && !*text) return 0;
  int code = text ? 0 : loom_read_text(&own, NULL, path, LOOM_YAML_MAX, err);
  if (!code) code = read_script(out, path, text ? text : own, err);

  free(own);
  if (code) loom_edit_script_destroy(out);
  return code;
}

void loom_edit_script_destroy(loomEditScript* script) {
  for (int i = 0; script->command && i < script->n; i++) free(script->command[i].text);
  free(script->command);
  *script = (loomEditScript){0};
}
