// Which object a geom belongs to: a table of scenes with doors, drawers, lids, latches and welds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sim/part.h"

// One cabinet with two drawers and a door whose handle has a fixed child and a latch of its own; a free can;
// a pot with a lid; a knob held to the can by a constraint; things that are fixed to the world.
static const char scene[] =
    "<mujoco><worldbody><geom name='floor' type='plane' size='9 9 1'/>"
    "<body name='table'><geom name='table' size='0.1'/></body>"
    "<body name='cabinet'><geom name='cabinet' size='0.1'/>"
    "<body name='upper'><joint type='slide'/><geom name='upper' size='0.1'/>"
    "<body name='upper_handle'><geom name='upper_handle' size='0.1'/></body></body>"
    "<body name='lower'><joint type='slide'/><geom name='lower' size='0.1'/></body>"
    "<body name='door'><joint axis='0 0 1'/><geom name='door' size='0.1'/>"
    "<body name='bar'><geom name='bar' size='0.1'/><body name='end'><geom name='end' "
    "size='0.1'/></body></body>"
    "<body name='latch'><joint axis='0 1 0'/><geom name='latch' size='0.1'/></body></body></body>"
    "<body name='can'><freejoint/><geom name='can' size='0.1'/></body>"
    "<body name='knob'><freejoint/><geom name='knob' size='0.1'/></body>"
    "<body name='pot'><freejoint/><geom name='pot' size='0.1'/>"
    "<body name='lid'><joint/><geom name='lid' size='0.1'/></body></body>"
    "</worldbody><equality><weld body1='can' body2='knob'/></equality></mujoco>";

typedef struct partCase {
  const char* objects[4];  // bodies that are objects
  const char* geom;
  const char* owner;  // body of the object it belongs to; NULL = none
} partCase;

static const partCase cases[] = {
    {{"can"}, "can", "can"},
    {{"can"}, "knob", "can"},
    {{"can", "knob"}, "knob", "knob"},
    {{"can"}, "table", NULL},
    {{"can"}, "floor", NULL},
    // Two drawers in one cabinet, the cabinet an object or not.
    {{"upper", "lower"}, "upper", "upper"},
    {{"upper", "lower"}, "lower", "lower"},
    {{"upper", "lower"}, "upper_handle", "upper"},
    {{"upper", "lower"}, "cabinet", NULL},
    {{"upper"}, "lower", NULL},
    {{"cabinet", "upper"}, "upper_handle", "upper"},
    {{"cabinet", "upper"}, "lower", "cabinet"},
    {{"cabinet", "upper"}, "cabinet", "cabinet"},
    {{"cabinet"}, "upper_handle", "cabinet"},
    {{"cabinet"}, "table", NULL},
    // An object's body that is itself fixed to the part that moves.
    {{"upper_handle"}, "upper", "upper_handle"},
    {{"upper", "upper_handle"}, "upper", "upper"},
    {{"upper", "upper_handle"}, "upper_handle", "upper_handle"},
    // A door with a handle of two pieces, and a latch that turns on it.
    {{"door"}, "bar", "door"},
    {{"door"}, "end", "door"},
    {{"door"}, "latch", "door"},
    {{"door", "latch"}, "latch", "latch"},
    {{"latch"}, "door", NULL},
    {{"door", "upper"}, "cabinet", NULL},
    // A lid on a pot that is free.
    {{"pot", "lid"}, "lid", "lid"},
    {{"pot", "lid"}, "pot", "pot"},
    {{"pot"}, "lid", "pot"},
    {{"lid"}, "pot", NULL},
};

static mjModel* load(void) {
  char message[300] = "";
  mjVFS vfs;
  mj_defaultVFS(&vfs);
  assert_int_equal(mj_addBufferVFS(&vfs, "scene.xml", scene, sizeof scene - 1), 0);

  mjModel* m = mj_loadXML("scene.xml", &vfs, message, sizeof message);
  mj_deleteVFS(&vfs);
  if (!m) fail_msg("%s", message);
  return m;
}

static void geoms_belong_to_the_nearest_object(void** state) {
  (void)state;
  mjModel* m = load();

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const partCase* c = &cases[i];
    int body[4], n = 0;
    for (; n < 4 && c->objects[n]; n++) body[n] = mj_name2id(m, mjOBJ_BODY, c->objects[n]);

    int o = loom_object_of_geom(m, body, n, mj_name2id(m, mjOBJ_GEOM, c->geom));
    const char* found = o < 0 ? NULL : c->objects[o];
    if (!found != !c->owner || (found && strcmp(found, c->owner) != 0))
      fail_msg("case %d, geom %s: is %s's, not %s's", (int)i, c->geom, found ? found : "nobody",
               c->owner ? c->owner : "nobody");
  }
  mj_deleteModel(m);
}

static void what_is_placed_takes_its_tree_along(void** state) {
  (void)state;
  static const struct {
    const char *body, *carrier;
    bool moves;
  } all[] = {{"end", "door", true},     {"door", "end", false},      {"lower", "cabinet", true},
             {"lower", "upper", false}, {"cabinet", "upper", false}, {"can", "can", true}};
  mjModel* m = load();

  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    int body = mj_name2id(m, mjOBJ_BODY, all[i].body), carrier = mj_name2id(m, mjOBJ_BODY, all[i].carrier);
    if (loom_body_moves_with(m, body, carrier) != all[i].moves)
      fail_msg("%s on %s", all[i].body, all[i].carrier);
  }
  mj_deleteModel(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(geoms_belong_to_the_nearest_object),
      cmocka_unit_test(what_is_placed_takes_its_tree_along),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
