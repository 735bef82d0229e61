// Does a twin simulate? Its objects are let fall where they stand, and a hand pushes on one.
#ifndef LOOM_GENERATORS_TWIN_CHECK_H
#define LOOM_GENERATORS_TWIN_CHECK_H

#include "engine/base/api.h"
#include "engine/scene/scene.h"

LOOM_C_BEGIN

typedef struct loomTwinCheckDef {
  double drop;           // m that objects are let fall by; default 0.01
  double seconds;        // of simulation; default 4
  double rest;           // s: at rest by then; default 2
  double deepest;        // m: no contact deeper; default 0.002
  double gain;           // of energy, as a share of what the fall gives; default 0.01
  double fall;           // m: no object ends further below where it began; default 0.05
  double force;          // N that joints are pushed with, both ways; default 20
  double push_seconds;   // until they are at an end, at most; default 10
  double still_seconds;  // that they are watched for when let go; default 5
  uint64_t seed;         // of the start
} loomTwinCheckDef;

loomTwinCheckDef loom_default_twin_check_def(void);

/// What an object did.
typedef struct loomTwinFell {
  char name[64];
  bool ok;
  double rest_seconds;  // s until it was slower than 0.01 m/s and 0.1 rad/s for good; infinite: never
  double deepest;       // m in another thing
  double energy_gain;   // J above what it began with; at most 0 for a sound one
  double fall;          // m it ended below where it began
  int pieces;           // geoms that collide
} loomTwinFell;

/// What a joint between parts did.
typedef struct loomTwinMoved {
  char name[64];
  bool ok, turns;      // m and m/s, or rad and rad/s
  double range[2];     // what it is said to move over
  bool opens, closes;  // pushed, it came to its upper end, and to its lower
  double high, low;    // as far as it came
  double deepest;      // m that what it moves was in anything else, what it hangs on included
  bool still;          // let go at either end it came to rest
} loomTwinMoved;
enum { LOOM_TWIN_JOINTS = 32 };

typedef struct loomTwinCheck {
  bool ok;  // all objects and joints are
  int n;
  loomTwinFell fell[LOOM_MAX_OBJECTS];
  int nmoved;
  loomTwinMoved moved[LOOM_TWIN_JOINTS];      // limited slides and hinges
  double rest_seconds, deepest, energy_gain;  // the worst of them
  int pieces;                                 // geoms that collide, of objects and room
  double steps_per_second;                    // physics steps a second of this core, everything at rest
  double steps_per_second_hand;               // with a hand on an object; 0 = none came to one
  double* qpos;                               // (nq) at the end
} loomTwinCheck;

/// LOOM_ERR_SIM: MuJoCo failed or warned, it diverged; LOOM_ERR_UNSUPPORTED: no start is free of overlaps;
/// LOOM_ERR_MEMORY. A twin that is not ok is no error.
int loom_twin_check(loomTwinCheck* out, const loomScene* scene, const loomTwinCheckDef* def, loomError* err);
void loom_twin_check_destroy(loomTwinCheck* check);

LOOM_C_END

#endif
