// An episode driven by hand: what a device gives each control step (a keyboard, a gamepad, a 3-D mouse, a
// phone, a script) becomes the target pose and hand of each arm, and those the task's action, through the
// task's own controller. What was done can be undone, and what remains replays bit for bit. Internal.
#ifndef LOOM_ENGINE_RUN_TELEOP_H
#define LOOM_ENGINE_RUN_TELEOP_H

#include "engine/run/policy.h"

typedef enum loomTeleopFrame {
  LOOM_TELEOP_WORLD,  // axes of the world
  LOOM_TELEOP_BASE,   // of the arm's base
  LOOM_TELEOP_EEF,    // of the end effector as it is commanded
} loomTeleopFrame;

/// "world", "base", "eef"; -1 for another name.
int loom_teleop_frame(const char* name);

struct loomTeleop;
/// Orientation of the axes that an arm's input is along, in the world.
void loom_teleop_axes(double quat[4], const struct loomTeleop* t, int arm);

/// What a device asks of one arm in one control step. Zero asks for nothing: the arm keeps its target.
typedef struct loomTeleopArm {
  loomTeleopFrame frame;       // of move and turn
  int hand_count;              // of hand: 0 = as before; 1 = the whole hand alike; else its entries, one each
  double move[3];              // m
  double turn[3];              // axis times angle, rad
  double hand[LOOM_MAX_HAND];  // -1 open .. 1 closed
  loomPose pose;               // world
  loomPose device;             // where a hand-held device is, in a world of its own
  bool has_pose;               // go to that pose instead
  bool has_device, clutch;     // while the clutch is held, the hand moves and turns as the device, in `frame`
} loomTeleopArm;

typedef struct loomTeleopDef {
  double speed;       // factor on move and turn; default 1
  double leash;       // a target goes no further than this from its hand, m; default 0.1; 0 = it may
  double leash_turn;  // nor this, rad; default 0.6
  double jump;  // a device that moves further than this in a control step has lost its way, m; default 0.25
  double jump_turn;  // or turns further than this, rad; default 1.5
} loomTeleopDef;

loomTeleopDef loom_default_teleop_def(void);

typedef struct loomTeleop {
  loomTeleopDef def;
  loomEpisode* episode;
  loomTrace* trace;
  loomTeleopArm input[LOOM_MAX_ARMS];  // of the next control step; set before loom_teleop_step
  struct loomTeleopState {
    loomPose target[LOOM_MAX_ARMS];
    double hand[LOOM_MAX_ARMS][LOOM_MAX_HAND];
  } state;
  loomPose device[LOOM_MAX_ARMS];  // where each was last
  loomPose away[LOOM_MAX_ARMS];    // where each was said to be when it jumped
  bool jumped[LOOM_MAX_ARMS];      // just now
  int jumps;                       // samples that moved nothing for that, since loom_teleop_create
  bool held[LOOM_MAX_ARMS];        // with the clutch held
  loomRunDef run_def;
  loomRunResult run;
  // Before each row: what to go back to.
  size_t snapshot_size;
  char* snapshot;                  // (trace capacity x snapshot_size)
  struct loomTeleopState* states;  // (trace capacity)
} loomTeleop;

/// Drive `episode`, just reset or started, and write its rows to `trace`; both must outlive *out.
/// LOOM_ERR_UNSUPPORTED for a controller that takes no poses, LOOM_ERR_MEMORY.
int loom_teleop_create(loomTeleop* out, loomEpisode* episode, loomTrace* trace, const loomTeleopDef* def,
                       loomError* err);
void loom_teleop_destroy(loomTeleop* teleop);
/// The episode has been reset or started anew.
int loom_teleop_begin(loomTeleop* teleop, loomError* err);
/// One control step with `input`. LOOM_ERR_USAGE when the trace is full or a number is not finite (nothing is
/// done then), LOOM_ERR_SIM when MuJoCo failed: undo, or begin anew.
int loom_teleop_step(loomTeleop* teleop, loomError* err);
/// Go back so many control steps, or to the start, and on from there.
int loom_teleop_undo(loomTeleop* teleop, int steps, loomError* err);
/// Has success held as long as the task asks?
bool loom_teleop_success(const loomTeleop* teleop);

#endif
