// A fit at work: logs, parameters, and rollouts that are compared. Internal.
#ifndef LOOM_GENERATORS_TWIN_FIT_WORK_H
#define LOOM_GENERATORS_TWIN_FIT_WORK_H

#include "engine/data/dataset.h"
#include "engine/sim/episode.h"
#include "generators/twin/fit.h"

/// What a group's numbers are.
typedef enum loomFitSeen {
  LOOM_FIT_POSITION,  // (3) of an object, m
  LOOM_FIT_ROTATION,  // (4) of an object, w-x-y-z; compared as (3) rad
  LOOM_FIT_JOINT,     // (1) of an object's joint, m or rad
  LOOM_FIT_ARM,       // (n) joints of an arm, rad or m
  LOOM_FIT_HAND,      // (n) joints of its gripper
} loomFitSeen;

typedef struct loomFitColumns {
  loomFitSeen kind;
  int of;        // object or arm
  int first, n;  // columns
  double sigma;  // standard deviation that residuals are divided by
} loomFitColumns;

/// One demo of the log.
typedef struct loomFitDemo {
  char name[LOOM_NAME_MAX];
  int rows;
  double* action;  // (rows x A)
  double* seen;    // (rows x width); NaN = not seen
  double* start;   // (S)
  bool exact;      // the start was recorded
} loomFitDemo;

/// How far an object's start in a demo may be off: along x, along y, about the vertical, or on its joint.
typedef struct loomFitOffset {
  int demo, object, axis;  // 0, 1, 2; 3 = its joint
  double sigma;            // how well it is known, m or rad
} loomFitOffset;

typedef struct loomFitWork {
  const loomTwinFitDef* def;
  const loomScene* scene;
  loomTwinFit* out;
  int ndemo, width, rows;  // rows of all demos
  loomFitDemo demo[LOOM_FIT_DEMOS];
  int ncolumns;
  loomFitColumns columns[LOOM_FIT_GROUPS];
  int noffset;
  loomFitOffset offset[3 * LOOM_MAX_OBJECTS];
  bool idle[LOOM_FIT_PARAMETERS];  // parameters that change nothing where the search is
  int workers;
  loomEpisode** episode;  // (workers)
} loomFitWork;

// ---- the log (fit_log.c)

/// Demos, columns and the noise in them; starts where they were recorded.
int loom_fit_read(loomFitWork* work, loomError* err);
/// The column numbers of a kind for an object or arm; NULL: not seen.
const loomFitColumns* loom_fit_columns(const loomFitWork* work, loomFitSeen kind, int of);

// ---- parameters (fit_parameter.c)

/// Which there are, from the definition and the scene.
int loom_fit_parameters(loomFitWork* work, loomError* err);
/// The episode's model becomes the scene's with the values exp(x).
int loom_fit_apply(loomEpisode* episode, const loomFitWork* work, const double* x, loomError* err);
/// Is the body fixed to the world, and none of a robot's?
bool loom_fit_lies_on(const mjModel* m, const loomScene* scene, int body);
/// All bodies of an object. The joint that it is on, or -1 where it is free.
bool loom_fit_is_part(const loomScene* scene, int object, int body);
int loom_fit_joint_of(const loomScene* scene, int object);

// ---- rollouts (fit_rollout.c)

/// One demo with some values: the mean residual of rollouts from starts around the one that is known. Which
/// way a thing goes that is hit may hang on a hair's breadth; the mean does not.
typedef struct loomFitJob {
  const double* x;  // (parameters) logarithms
  int demo;
  double* residual;  // (rows of the demo x width)
  double sum;        // of their squares; infinite: it does not simulate
  int only;          // this one of the starts, counted from 1; 0 = the mean of all
} loomFitJob;

/// How many rollouts from different starts a demo's job has the mean of.
int loom_fit_around(const loomFitWork* work, int demo);

int loom_fit_run(loomFitWork* work, loomFitJob* job, int n, loomError* err);
/// Columns of an episode as it is now (width).
void loom_fit_look(double* out, const loomFitWork* work, const loomEpisode* episode);
/// seen - shown of one row (width), not divided by anything; NaN where it was not seen.
void loom_fit_difference(double* out, const loomFitWork* work, const double* seen, const double* shown);
/// Which bodies that do not move the objects touch in a demo: marks (nbody) is added to.
int loom_fit_touched(bool* marks, loomFitWork* work, const double* x, int demo, loomError* err);

// ---- starts (fit_start.c)

/// Of demos without states, from what is seen before things move.
int loom_fit_starts(loomFitWork* work, loomError* err);

// ---- least squares (fit_solve.c)

/// Parameters found, with what is known of them, and RMS of all groups.
int loom_fit_solve(loomFitWork* work, loomError* err);

#endif
