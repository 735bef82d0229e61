// The subtasks of each arm, how demos of them are chosen and moved, and what must go together.
#ifndef LOOM_ENGINE_TASK_TASK_SUBTASK_H
#define LOOM_ENGINE_TASK_TASK_SUBTASK_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/task/limits.h"

LOOM_C_BEGIN

typedef enum loomTransformKind {
  LOOM_TRANSFORM_OBJECT,  // T_obj_now * inv(T_obj_src) * T_target, MimicGen eq. in section IV
  LOOM_TRANSFORM_PLANAR,  // the same, keeping only yaw and position
  LOOM_TRANSFORM_WORLD,   // as recorded
} loomTransformKind;

typedef enum loomSelectStrategy {
  LOOM_SELECT_RANDOM,
  LOOM_SELECT_NEAREST,
  LOOM_SELECT_WEIGHTED,
  LOOM_SELECT_ROBOT_DISTANCE,
  LOOM_SELECT_BALANCED,
  LOOM_SELECT_ORDERED  // the first source; where it failed the second, ...
} loomSelectStrategy;

extern const char* const loom_select_names[];  // by loomSelectStrategy, NULL-terminated

/// Which arms and subtasks share one source demo.
typedef enum loomSelectShare { LOOM_SHARE_EPISODE, LOOM_SHARE_ARM, LOOM_SHARE_SUBTASK } loomSelectShare;

typedef struct loomSelectDef {
  loomSelectStrategy strategy;
  loomSelectShare share;
  int top_k;               // draw among the k best
  double position_weight;  // per m of object displacement (NEAREST) or eef displacement (ROBOT_DISTANCE)
  double rotation_weight;  // per rad
  double size_weight;      // per unit of relative size difference (NEAREST)
  double success_weight;   // how strongly past success of a source counts
} loomSelectDef;

typedef enum loomUntilKind {
  LOOM_UNTIL_END,
  LOOM_UNTIL_CONDITION,
  LOOM_UNTIL_AUTO,
  LOOM_UNTIL_SIGNAL
} loomUntilKind;

typedef struct loomSubtaskDef {
  loomName name;
  int line;
  int reference;  // object index; -1 = world
  int carried;    // object this arm holds: targets are corrected by its measured pose in the hand; -1 = none
  loomTransformKind transform;
  bool symmetric;    // take the nearest reachable equivalent pose (object and hand symmetries)
  bool track;        // recompute the transform each step until the gripper first closes
  bool centered;     // the hand is shifted to where the first finger to touch does not push the reference
  bool midway;       // moved along the line between the two coordinated arms to where both reach alike far
  double standoff;   // m: targets are drawn back so far along the hand's z axis
  double clearance;  // m: the hand stays so far from what is fixed and from other arms; 0 = not looked at
  int keypoint_count[2];
  int* keypoints[2];  // (keypoint_count) points of the reference, of the carried object, whose places in
                      // the motion are kept where its shape is another; none = its frame's
  int between[2];  // keypoints between which the hand holds the reference, or else what is carried; both 0 =
                   // anywhere
  double scale_axis[3];  // stretch along this axis of the reference (or carried) object ...
  loomName scale_by;     // ... in proportion to this variable of it; "" = no scaling
  loomUntilKind until;
  int until_condition;    // LOOM_UNTIL_CONDITION: the first row where it holds ends the segment
  loomName until_signal;  // LOOM_UNTIL_SIGNAL: datagen_info/subtask_term_signals/NAME
  int until_extra;        // rows added after that event
  int offset[2];          // random shift of the segment's end, control steps, inclusive range
  int expect;      // condition that must hold when the subtask has run, else the attempt is lost; -1 = none
  int wait_steps;  // control steps to wait at the end for that
  int retries;  // times that its hand opens and goes again where that does not come, before the attempt is lost
  int during;             // condition that must hold while it runs, else the attempt is lost; -1 = none
  int during_slack;       // control steps in a row it may fail
  int interpolate_steps;  // linear + slerp steps from the last pose to the first target
  double speed_linear,
      speed_angular;  // if > 0, as many steps as these limits ask for (m/s, rad/s), at least the above
  int hold_steps;     // steps at the first target before the segment starts
  bool from_target;   // interpolate from the last target pose; else from the reached one
  bool smooth;        // minimum-jerk time scaling of the interpolation
  double noise_position, noise_rotation;  // one draw a segment: m, rad
  double noise_action;                    // one draw a step, Gaussian, in action units; never on the gripper
  bool noise_on_interpolation;
  double noise_drift;  // how far the arm is off its way, share of what it goes in half a second
  double pace[2];      // range of one draw a segment: rows of the source a control step
  bool mix;            // BALANCED: a source demo of its own from here on, whatever is shared before
  loomSelectDef select;
} loomSubtaskDef;

typedef enum loomRuleKind { LOOM_RULE_COORDINATED, LOOM_RULE_SEQUENTIAL } loomRuleKind;
typedef enum loomScheme { LOOM_SCHEME_TRANSFORM, LOOM_SCHEME_TRANSLATE, LOOM_SCHEME_REPLAY } loomScheme;

extern const char* const loom_scheme_names[];  // by loomScheme, NULL-terminated

/// COORDINATED: the two subtasks share the source demo, start and end together. By TRANSFORM and TRANSLATE
/// both arms move as one, with the object of the first or with where it went alone; by REPLAY each as its
/// subtask says, in step. SEQUENTIAL: subtask b starts only when subtask a has ended `lead` steps ago.
typedef struct loomRule {
  loomRuleKind kind;
  int line;
  int arm_a, subtask_a, arm_b, subtask_b;
  loomScheme scheme;
  int lead;
} loomRule;

LOOM_C_END

#endif
