// A camera of the model, put where it sees known points as a picture has them.
#include <stdio.h>
#include <string.h>

#include "engine/model/mjcf.h"
#include "generators/twin/edit_command.h"
#include "generators/twin/sight.h"

// The camera of that name, wherever it hangs; NULL: there is none.
static xmlNode* find_camera(xmlNode* world, const char* name) {
  for (xmlNode* n = world; n; n = loom_mjcf_walk(world, n))
    if (loom_mjcf_is(n, "camera") && loom_mjcf_has(n, "name", name)) return n;
  return NULL;
}

int loom_edit_camera(loomEdit* e, const loomEditCommand* c, loomError* err) {
  static const char* const others[] = {
      "xyaxes",    "euler",      "axisangle",      "zaxis",      "mode",         "target",    "focal",
      "principal", "focalpixel", "principalpixel", "sensorsize", "orthographic", "projection"};
  loomSight sight;
  int code = loom_sight_find(&sight, c->seen, c->nseen, c->size[0], c->size[1], c->fovy, err);
  if (code) return code;

  // One that it has, or one more of the world's.
  xmlNode* world = loom_mjcf_child(xmlDocGetRootElement(e->doc), "worldbody");
  xmlNode* camera = world ? find_camera(world, c->camera) : NULL;
  if (camera && camera->parent != world)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "the camera '%s' is fixed to a body: only the world's can be put by points",
                          c->camera);
  if (world && !camera) camera = loom_edit_add_node(world, "camera");
  if (!camera || loom_mjcf_set(camera, "name", c->camera) ||
      loom_edit_set_numbers(camera, "pos", sight.pos, 3) ||
      loom_edit_set_numbers(camera, "quat", sight.quat, 4) ||
      loom_edit_set_numbers(camera, "fovy", &sight.fovy, 1))
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) loom_mjcf_unset(camera, others[i]);

  code = loom_edit_note(
      e, err,
      "%s: at %.3f, %.3f, %.3f, fovy %.1f degrees; its %d points are off by %.2f pixels, number %d most "
      "(%.2f); pixels that are off by 1 put it off by %.0f mm",
      c->camera, sight.pos[0], sight.pos[1], sight.pos[2], sight.fovy, c->nseen, sight.rms,
      sight.worst_of + 1, sight.worst, 1000 * sight.unsure);
  if (!code && sight.twofold)
    code = loom_edit_note(
        e, err,
        "%s: from another place, %.3f, %.3f, %.3f, its points look much the same: give more of them, "
        "further apart and not in one plane%s",
        c->camera, sight.other[0], sight.other[1], sight.other[2], c->fovy > 0 ? "" : ", or its fovy");

  return code;
}
