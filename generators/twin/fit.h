// Masses, frictions and damping of a task's objects from a logged motion: its actions are done again in the
// simulator, and what makes the poses agree best is found by least squares over these rollouts.
#ifndef LOOM_GENERATORS_TWIN_FIT_H
#define LOOM_GENERATORS_TWIN_FIT_H

#include <signal.h>
#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/scene/scene.h"

LOOM_C_BEGIN

enum { LOOM_FIT_PARAMETERS = 24, LOOM_FIT_GROUPS = 160, LOOM_FIT_DEMOS = 16, LOOM_FIT_SURFACES = 64 };

typedef enum loomFitKind {
  LOOM_FIT_MASS,      // kg, of an object with all that is fixed to it
  LOOM_FIT_FRICTION,  // of an object that lies free: sliding friction of its surface on what does not move;
                      // of one on a joint: the joint's, N or N m
  LOOM_FIT_DAMPING,   // of an object's joint, N s/m or N m s/rad
  LOOM_FIT_KINDS
} loomFitKind;

typedef struct loomTwinFitDef {
  const char* log;  // a dataset
  int ndemo;
  const char* demo[LOOM_FIT_DEMOS];  // of these demos; none: of all, LOOM_FIT_DEMOS at most
  int nobject;
  const char* object[LOOM_MAX_OBJECTS];  // which objects; none: all of the task
  unsigned kinds;                        // bits 1 << loomFitKind; default mass and friction
  double seconds;                        // of each demo, from its start, at most; default 10
  int around;  // rollouts that are averaged, each from a start as far off as what was seen may be; default 12
  int starts;  // values that are tried besides the scene's own; the best is followed, too; default 12
  int threads;  // 0: one a core
  /// Told what is done: rollouts so far, and the RMS of all residuals, in standard deviations of the noise;
  /// true stops it. Nullable.
  bool (*step)(void* user, int rollouts, double rms);
  void* user;
  const volatile sig_atomic_t* stop;  // set by a signal; nullable
} loomTwinFitDef;

loomTwinFitDef loom_default_twin_fit_def(void);

/// What is known of a parameter afterwards.
typedef enum loomFitKnown {
  LOOM_FIT_TOLD,      // within a factor of 1.5, 95 of 100 times
  LOOM_FIT_UNMOVED,   // the log hardly depends on it
  LOOM_FIT_COUPLED,   // only together with parameter `with`
  LOOM_FIT_AT_BOUND,  // it is at an end of what was looked at
} loomFitKnown;

typedef struct loomFitParameter {
  loomFitKind kind;
  char object[LOOM_NAME_MAX], body[LOOM_NAME_MAX], unit[12];
  int number;        // of the object in the task
  bool on_joint;     // friction and damping of its joint
  double own;        // as the scene has it
  double value;      // found
  double low, high;  // 95 % of where it may be, by the Jacobian
  double bounds[2];  // that were looked at
  loomFitKnown known;
  int with;  // of LOOM_FIT_COUPLED: the parameter that is most like it
} loomFitParameter;

/// Numbers that are compared: positions of one object, its rotation, joints of one arm, ...
typedef struct loomFitGroup {
  char name[LOOM_NAME_MAX + 16], unit[8];
  int numbers;           // how many were there
  double noise;          // of the log, estimated from how it jumps from row to row
  double before, after;  // RMS of what is left with the scene's own values, and with those found
} loomFitGroup;

/// A body whose surface the friction found is that of.
typedef struct loomFitSurface {
  char body[LOOM_NAME_MAX];  // "world": geoms that are fixed to it
  double friction[3];        // sliding, torsional (m), rolling (m)
} loomFitSurface;

typedef struct loomTwinFit {
  int ndemo, rows;  // of all demos
  bool states;      // the log had states, so its start is exact
  int n;
  loomFitParameter parameter[LOOM_FIT_PARAMETERS];
  int ngroup;
  loomFitGroup group[LOOM_FIT_GROUPS];
  int nsurface;
  loomFitSurface surface[LOOM_FIT_SURFACES];  // of the objects, and of what they lay on
  int followed, agreed;  // starts that were followed, and how many came to the same place
  int rollouts;
} loomTwinFit;

/// The log's demos have `actions` and either `states` or what is seen: obs/ROBOT_joint_pos,
/// obs/ROBOT_gripper_qpos (where it is there), and of objects obs/object, as the task observes it, or
/// obs/OBJECT_pos and obs/OBJECT_quat (x-y-z-w). Numbers that are not finite were not seen. Everything is at
/// rest at the start. LOOM_ERR_FORMAT (names file, demo and array), LOOM_ERR_USAGE (no such object; nothing
/// to fit), LOOM_ERR_SIM (the start, or the scene's own values, do not simulate), LOOM_ERR_INTERRUPTED,
/// LOOM_ERR_MEMORY. The same on any number of threads.
int loom_twin_fit(loomTwinFit* out, const loomScene* scene, const loomTwinFitDef* def, loomError* err);

/// "mass of mug"
void loom_fit_name(char out[2 * LOOM_NAME_MAX], const loomFitParameter* parameter);
/// As a script for `twin edit`: what the log tells, and what it does not as comments. The text says where it
/// is from. malloc'ed; NULL when out of memory.
char* loom_fit_script(const loomTwinFit* fit, const loomScene* scene, const char* folder, const char* log);

LOOM_C_END

#endif
