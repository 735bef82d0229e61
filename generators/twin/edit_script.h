// A script that edits a twin: a list of commands in YAML, each a map under its name. Internal.
#ifndef LOOM_GENERATORS_TWIN_EDIT_SCRIPT_H
#define LOOM_GENERATORS_TWIN_EDIT_SCRIPT_H

#include "generators/twin/sight.h"
#include "generators/twin/twin.h"

typedef enum loomEditKind {
  LOOM_EDIT_PLACE,
  LOOM_EDIT_TURN,
  LOOM_EDIT_SCALE,
  LOOM_EDIT_WEIGH,
  LOOM_EDIT_RUB,
  LOOM_EDIT_DRAG,
  LOOM_EDIT_CUT,
  LOOM_EDIT_REMOVE,
  LOOM_EDIT_CAVITY,
  LOOM_EDIT_PANEL,
  LOOM_EDIT_JOINT,
  LOOM_EDIT_HANDLE,
  LOOM_EDIT_RESET,
  LOOM_EDIT_STAND,
  LOOM_EDIT_CAMERA,
  LOOM_EDIT_TASK,
  LOOM_EDIT_KINDS
} loomEditKind;

typedef enum loomEditJoint { LOOM_EDIT_FIXED, LOOM_EDIT_SLIDE, LOOM_EDIT_HINGE } loomEditJoint;

/// A command; keys that are not given are 0, and `given` says which are.
typedef struct loomEditCommand {
  loomEditKind kind;
  int line;
  unsigned given;  // bits LOOM_GIVEN_...
  char body[LOOM_TWIN_NAME], into[LOOM_TWIN_NAME], part[LOOM_TWIN_NAME], parent[LOOM_TWIN_NAME],
      in[LOOM_TWIN_NAME], camera[LOOM_TWIN_NAME];
  double at[3], low[3], high[3], point[3], normal[3], axis[3];  // m, in the body's frame; place: world's
  double yaw, by, mass, clearance, thickness, now, damping, friction, robot;
  double range[2], joint[2], x[2], y[2], z, yaw_range[2], radius, rgba[4], rub[3];
  double size[2], fovy;                // of a picture, pixels; degrees, 0 = it is found
  int nseen;                           // of a camera: points
  loomSighting seen[LOOM_SIGHT_MOST];  // in the picture and in the world
  int type, side, edge;                // side and edge: -x, +x, -y, +y, -z, +z
  char* text;                          // task: its keys as they are written, not indented; malloc'ed
  int text_line;                       // of the script: the first line of them
} loomEditCommand;

enum {
  LOOM_GIVEN_AT = 1,
  LOOM_GIVEN_BOX = 2,    // low, high
  LOOM_GIVEN_PLANE = 4,  // point, normal
  LOOM_GIVEN_AXIS = 8,
  LOOM_GIVEN_RANGE = 16,
  LOOM_GIVEN_EDGE = 32,
  LOOM_GIVEN_SIDE = 64,
  LOOM_GIVEN_JOINT = 128,
  LOOM_GIVEN_XY = 256,
  LOOM_GIVEN_Z = 512,
  LOOM_GIVEN_RADIUS = 1024,
  LOOM_GIVEN_DAMPING = 2048,
  LOOM_GIVEN_FRICTION = 4096,
};

typedef struct loomEditScript {
  int n;
  loomEditCommand* command;  // (n), malloc'ed
} loomEditScript;

/// Read a script, or the text that one would have (nullable; "" has no commands). LOOM_ERR_FORMAT
/// "FILE:LINE: ..." names what is wrong with which command; errors of loom_yaml_load. Free with
/// loom_edit_script_destroy.
int loom_edit_script_read(loomEditScript* out, const char* path, const char* text, loomError* err);
void loom_edit_script_destroy(loomEditScript* script);

const char* loom_edit_kind_name(loomEditKind kind);

/// One without keys: what they are unless they are given.
loomEditCommand loom_edit_default_command(loomEditKind kind);
/// A line of a script, "- cut: {...}" and a line break, that reads as this command, its numbers to six
/// digits; malloc'ed. Not of `task`. LOOM_ERR_MEMORY.
int loom_edit_command_text(char** out, const loomEditCommand* command, loomError* err);

#endif
