// A task as data: what scenes/NAME/task.yaml says, as plain structs. Nothing here knows MuJoCo; names are
// bound to a model later (engine/sim/condition.h, engine/sim/episode.h). Lengths m, angles rad, times in control
// steps.
#ifndef LOOM_ENGINE_TASK_TASK_H
#define LOOM_ENGINE_TASK_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum {
  LOOM_NAME_MAX = 64,
  LOOM_EXPR_MAX = 96,
  LOOM_MAX_ARMS = 4,
  LOOM_MAX_HAND = 8,          // action entries of one hand
  LOOM_MAX_JOINTS = 16,       // joints of one arm, or of one hand
  LOOM_MAX_ACTION = 128,      // entries of an action, all arms together
  LOOM_MAX_OBJECTS = 16,      // movable objects of a task
  LOOM_MAX_GEOMS = 24,        // geoms of one object, or named in one condition
  LOOM_MAX_VARIABLES = 16,    // size variables of one object
  LOOM_MAX_CONDITIONS = 256,  // condition nodes of a task
  LOOM_MAX_SUBTASKS = 16,     // subtasks of one arm
  LOOM_MAX_OBSERVE = 64,      // entries of the `object` observation
  LOOM_MAX_RULES = 32,        // coordination constraints
  LOOM_MAX_RESETS = 8,        // reset distributions
  LOOM_MAX_PLACES = 8,        // boxes one object may start in
  LOOM_MAX_SYMMETRIES = 4,
  LOOM_MAX_EXPERT = 64,   // steps of one arm's scripted expert
  LOOM_MAX_PARTS = 8,     // MJCF parts of one robot
  LOOM_MAX_WITHOUT = 24,  // bodies, joints and geoms a part is used without
};

typedef char loomName[LOOM_NAME_MAX];
/// An arithmetic expression over an object's variables ("0.8 + r"), evaluated once an episode. "" = absent.
typedef char loomExprText[LOOM_EXPR_MAX];

// ---- robots

typedef enum loomControllerType { LOOM_OSC_POSE, LOOM_JOINT_POSITION, LOOM_WHOLE_BODY_IK } loomControllerType;

/// robosuite's controller configuration (controllers/config/*.json), fixed impedance.
typedef struct loomControllerDef {
  loomControllerType type;
  double input_min[LOOM_MAX_JOINTS], input_max[LOOM_MAX_JOINTS];    // action clipped to these
  double output_min[LOOM_MAX_JOINTS], output_max[LOOM_MAX_JOINTS];  // then scaled to these (m, rad)
  double kp[LOOM_MAX_JOINTS];  // 6 for OSC_POSE, one a joint for JOINT_POSITION, kp[0] for WHOLE_BODY_IK
  double damping_ratio[LOOM_MAX_JOINTS];  // kd = 2 sqrt(kp) damping_ratio
  double posture;       // WHOLE_BODY_IK: weight of the canonical joints, against 1 a m of the hands' targets
  double torso_weight;  // how much heavier the torso's joints weigh in that, and in the damping
  bool delta;           // action is a change of the current pose; else an absolute target
  bool uncouple_pos_ori;
} loomControllerDef;

/// A chain of torque-driven joints: an arm, or the torso several arms share.
typedef struct loomJointsDef {
  int count;
  loomName joints[LOOM_MAX_JOINTS];
  loomName actuators[LOOM_MAX_JOINTS];     // torque actuators, one a joint
  double init_qpos[LOOM_MAX_JOINTS];       // canonical joints, rad; also the nullspace posture
  double init_noise;                       // standard deviation of Gaussian reset noise, rad
  double torque_limit[LOOM_MAX_JOINTS];    // N m
  double velocity_limit[LOOM_MAX_JOINTS];  // rad/s; kept by WHOLE_BODY_IK, else checked only. 0 = not known
  bool has_range;                          // other limits than the parts' MJCF gives
  double low[LOOM_MAX_JOINTS], high[LOOM_MAX_JOINTS];  // rad
  bool has_armature;                 // joint properties the parts' MJCF leaves out, for placed robots
  double armature[LOOM_MAX_JOINTS];  // kg m^2
  double damping[LOOM_MAX_JOINTS];   // N m s/rad
  double friction[LOOM_MAX_JOINTS];  // N m
} loomJointsDef;

/// One MJCF file of a robot and what of the robot so far it is attached to.
typedef struct loomPartDef {
  char file[256];   // in the asset roots
  loomName prefix;  // before all its names
  loomName to;      // body; "" = the place the task gives the robot
  bool weld;        // its free joint is left out
  int without_count;
  loomName without[LOOM_MAX_WITHOUT];  // bodies, joints and geoms left out, as the file names them
  double pos[3], quat[4];
} loomPartDef;

/// One robot arm with its gripper or hand: scenes/robots/TYPE.yaml with `{i}` replaced by the robot's index.
typedef struct loomRobotDef {
  uint64_t digest;  // of its file's text
  loomName type;    // "panda"
  loomName robot;   // the robot it is an arm of, "gr1"; its own type when it has but one
  int index;        // that robot's, from 0
  loomName prefix;  // observation prefix, "robot0"
  loomJointsDef arm;
  loomJointsDef torso;  // joints between the base and the arm that other arms share; count 0 = none
  double reach;         // m from the arm's second joint; resets put no object further off. 0 = not known
  loomName eef_site;
  loomName eef_body;  // whose orientation is observed as eef_quat (robosuite's hand body); "" = eef_site's
  int gripper_joint_count;
  loomName gripper_joints[LOOM_MAX_JOINTS];
  loomName gripper_actuators[LOOM_MAX_JOINTS];
  double gripper_init_qpos[LOOM_MAX_JOINTS];
  double gripper_sign[LOOM_MAX_JOINTS];  // direction of each actuator's command when closing (+1 action)
  double gripper_speed;                  // change of the integrated command a physics step
  int gripper_dim;        // action entries: 1 for a parallel gripper, up to LOOM_MAX_HAND for a hand
  bool gripper_absolute;  // entries say where the joints go, -1 open to 1 closed; else which way
  int gripper_entry[LOOM_MAX_JOINTS];  // action entry that drives each joint: several may share one
                                       // (coupling)
  int finger_count;                    // sides that must all touch for a grasp
  int finger_geom_count[4];
  loomName finger_geoms[4][4];
  loomName asset;  // asset root of its parts
  int part_count;  // MJCF the robot is made of, for scenes that `place` it
  loomPartDef parts[LOOM_MAX_PARTS];
  int symmetry_turns;  // hand poses equal under 2 pi / turns about the eef's z axis; 1 = none
} loomRobotDef;

// ---- objects

/// One size variable of an object: measured from any model (a geom's size entry), or drawn at reset.
typedef struct loomVariable {
  loomName name;
  loomName geom;  // measured as scale * geom_size[index]; "" = not measurable
  int index;
  double scale;
  loomExprText let;  // derived: an expression of the variables before it; "" = drawn
} loomVariable;

/// How variables shape one geom; all expressions may be absent ("").
typedef struct loomGeomShape {
  loomName geom;
  int size_count;
  loomExprText size[3];
  bool has_pos;
  loomExprText pos[3];
  loomExprText density;
  bool has_friction;
  loomExprText friction[3];
} loomGeomShape;

typedef struct loomSymmetry {
  double axis[3];  // unit vector in the object's frame
  int turns;       // poses equal under 2 pi / turns; 0 = any angle
} loomSymmetry;

typedef struct loomObjectDef {
  loomName name;
  loomName body;  // moved by a free joint, or a part that slides or turns on another (a drawer, a lid)
  int variable_count;
  loomVariable variables[LOOM_MAX_VARIABLES];
  int shape_count;
  loomGeomShape shapes[LOOM_MAX_GEOMS];
  int symmetry_count;
  loomSymmetry symmetries[LOOM_MAX_SYMMETRIES];
} loomObjectDef;

// ---- conditions

typedef enum loomConditionKind {
  LOOM_COND_ALL,
  LOOM_COND_ANY,
  LOOM_COND_NOT,
  LOOM_COND_HELD,      // child true for `steps` control steps in a row
  LOOM_COND_GRASPED,   // every finger of `arm` touches one of the geoms
  LOOM_COND_RELEASED,  // no finger of `arm` touches any of the geoms
  LOOM_COND_TOUCHING,  // a geom of the first list touches one of the second (empty second list = anything)
  LOOM_COND_DISTANCE,  // |a - b|
  LOOM_COND_HEIGHT,    // z(a) - z(b) - minus
  LOOM_COND_INSIDE,    // a, in the frame of b, between low and high
  LOOM_COND_UPRIGHT,   // angle between a's axis and the world's z
  LOOM_COND_JOINT,     // position of a hinge or slide joint
  LOOM_COND_GRIPPER,   // sign of the arm's last gripper action
} loomConditionKind;

typedef enum loomPointKind {
  LOOM_POINT_WORLD,
  LOOM_POINT_OBJECT,
  LOOM_POINT_BODY,
  LOOM_POINT_GEOM,
  LOOM_POINT_SITE,
  LOOM_POINT_EEF
} loomPointKind;

/// A frame in the model and a point in it.
typedef struct loomPoint {
  loomPointKind kind;
  loomName name;       // object, body, geom or site
  int arm;             // LOOM_POINT_EEF
  loomExprText at[3];  // offset in that frame, expressions; "" = 0
} loomPoint;

/// A list of geoms: those named, or all geoms of an object.
typedef struct loomGeomList {
  loomName object;  // "" = named geoms
  int count;
  loomName geoms[LOOM_MAX_GEOMS];
} loomGeomList;

/// One node of a condition tree; nodes live in loomTask.conditions, linked by index (-1 = none).
typedef struct loomConditionDef {
  loomConditionKind kind;
  char label[LOOM_NAME_MAX];  // for reports: the YAML `label:`, else a made-up "grasped arm 0 hammer"
  int line;                   // in task.yaml
  int first_child, next;      // siblings are chained by next
  int arm;
  int steps;
  loomGeomList geoms, others;
  loomPoint a, b;
  loomExprText minus;
  loomExprText above, below;     // bounds; "" = open
  loomExprText low[3], high[3];  // LOOM_COND_INSIDE
  double axis[3];                // LOOM_COND_UPRIGHT, in a's frame
  loomName joint;
  int gripper_sign;  // +1 closing, -1 opening
} loomConditionDef;

// ---- observations

typedef enum loomObserveKind {
  LOOM_OBSERVE_POS,    // (3) position of `of` less that of `from`, world frame, m
  LOOM_OBSERVE_QUAT,   // (4) orientation of `of`, x-y-z-w
  LOOM_OBSERVE_JOINT,  // (1) position of the joint named of.name
} loomObserveKind;

/// One entry of the `object` observation. Points are frames' origins, without `at`.
typedef struct loomObserveDef {
  loomName name;
  int line;
  loomObserveKind kind;
  loomPoint of, from;
} loomObserveDef;

// ---- reset

/// Where one object starts: uniform boxes, yaw and orientation choices, world frame; or, for a part that
/// slides or turns on another body, the position of its joint. With `frame` the place is one in or on an
/// object placed before: x, y, z and yaw are in its frame, and neither gaps nor reach are looked at.
/// slides or turns on another body, the position of its joint. With `places` one of several boxes is drawn,
/// each as likely; objects with the same places and a gap (or radius) between them change places at random.
typedef struct loomPlacement {
  int object;         // index into loomTask.objects
  int frame;          // object placed before whose frame x, y, z, yaw are in; -1 = world
  bool on_joint;      // the object's one hinge or slide joint starts in `joint`; the rest is not used
  double joint[2];    // uniform range, m or rad
  double x[2], y[2];  // uniform range, m; around all `places` where there are some
  int place_count;    // `places: [{x: [..], y: [..]}, ..]`; 0 = x and y alone
  double place_x[LOOM_MAX_PLACES][2], place_y[LOOM_MAX_PLACES][2];
  loomExprText z;  // height, m
  double yaw[2];   // uniform range about world z, rad, applied after the orientation
  int orientation_count;
  double orientations[8][4];  // quaternions w-x-y-z, one is drawn; none = identity
  loomExprText radius;        // bounding circle for the gap to other objects; "" = 0
  double gap;                 // minimum free distance to other objects' circles, m
  int range_count;            // drawn variables
  loomName range_names[LOOM_MAX_VARIABLES];
  loomExprText ranges[LOOM_MAX_VARIABLES][2];  // uniform between; may use the variables drawn before
} loomPlacement;

typedef struct loomResetDef {
  loomName name;  // "D0"
  int placement_count;
  loomPlacement placements[LOOM_MAX_OBJECTS];
} loomResetDef;

// ---- subtasks

typedef enum loomTransformKind {
  LOOM_TRANSFORM_OBJECT,  // T_obj_now * inv(T_obj_src) * T_target, MimicGen eq. in section IV
  LOOM_TRANSFORM_PLANAR,  // the same, keeping only yaw and position
  LOOM_TRANSFORM_WORLD,   // as recorded
} loomTransformKind;

typedef enum loomSelectStrategy {
  LOOM_SELECT_RANDOM,
  LOOM_SELECT_NEAREST,
  LOOM_SELECT_WEIGHTED,
  LOOM_SELECT_ROBOT_DISTANCE
} loomSelectStrategy;

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
  bool symmetric;        // take the nearest reachable equivalent pose (object and hand symmetries)
  bool track;            // recompute the transform each step until the gripper first closes
  double scale_axis[3];  // stretch along this axis of the reference (or carried) object ...
  loomName scale_by;     // ... in proportion to this variable of it; "" = no scaling
  loomUntilKind until;
  int until_condition;    // LOOM_UNTIL_CONDITION: the first row where it holds ends the segment
  loomName until_signal;  // LOOM_UNTIL_SIGNAL: datagen_info/subtask_term_signals/NAME
  int until_extra;        // rows added after that event
  int offset[2];          // random shift of the segment's end, control steps, inclusive range
  int expect;        // condition that must hold when the subtask has run, else the attempt is lost; -1 = none
  int wait_steps;    // control steps to wait at the end for that
  int during;        // condition that must hold while it runs, else the attempt is lost; -1 = none
  int during_slack;  // control steps in a row it may fail
  int interpolate_steps;  // linear + slerp steps from the last pose to the first target
  double speed_linear,
      speed_angular;  // if > 0, as many steps as these limits ask for (m/s, rad/s), at least the above
  int hold_steps;     // steps at the first target before the segment starts
  bool from_target;   // interpolate from the last target pose; else from the reached one
  bool smooth;        // minimum-jerk time scaling of the interpolation
  double noise_position, noise_rotation;  // one draw a segment: m, rad
  double noise_action;                    // one draw a step, Gaussian, in action units; never on the gripper
  bool noise_on_interpolation;
  loomSelectDef select;
} loomSubtaskDef;

typedef enum loomRuleKind { LOOM_RULE_COORDINATED, LOOM_RULE_SEQUENTIAL } loomRuleKind;
typedef enum loomScheme { LOOM_SCHEME_TRANSFORM, LOOM_SCHEME_TRANSLATE, LOOM_SCHEME_REPLAY } loomScheme;

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

// ---- expert

/// One step of a scripted expert, for one arm: wait for another arm, go somewhere, work the gripper, stay.
typedef struct loomExpertStep {
  loomName name;
  int line;
  int after_arm, after_step;  // not before that arm has done that step; -1 = at once
  bool moves;
  loomPoint to;        // frame of the goal, as it is when the step begins
  bool follow;         // or as it is while the arm is on its way
  bool upright;        // only the yaw of that frame counts
  double pos[3];       // goal in that frame, m
  double quat[4];      // w-x-y-z
  int turns;           // goals equal under 2 pi / turns about the frame's z axis: the nearest is taken
  int carried;         // object brought there in place of the end effector; -1 = none
  double speed, spin;  // m/s, rad/s
  int grip;            // then +1 close, -1 open, 0 leave
  int hand_count;      // or so many entries of `hand`
  double hand[LOOM_MAX_HAND];  // the hand's action entries
  int stay;                    // then wait so many control steps
  int until;                   // and until this condition holds; -1 = none
  double jitter;               // standard deviation of the goal's place, m
} loomExpertStep;

// ---- task

typedef struct loomTask {
  loomName name;
  char about[256];
  char path[LOOM_PATH_MAX];  // of task.yaml
  char dir[LOOM_PATH_MAX];   // its folder
  uint64_t digest;           // of its text and its robots' (loom_hash)
  loomName env_name;         // robosuite's name for it; "" = none
  loomName source_asset;     // asset root of the source demos; "" = relative to dir
  char source_file[LOOM_PATH_MAX];
  char model_file[LOOM_PATH_MAX];  // MJCF relative to dir; "" = the model of source demo model_demo
  int model_demo;
  bool placed;  // robots are put into model_file, each at its place
  double place_pos[LOOM_MAX_ARMS][3], place_quat[LOOM_MAX_ARMS][4];
  int control_freq;  // Hz
  int arm_count;
  loomRobotDef robots[LOOM_MAX_ARMS];
  bool has_controller;  // else the source dataset's env_args decide
  loomControllerDef controller;
  int object_count;
  loomObjectDef objects[LOOM_MAX_OBJECTS];
  int observe_count;
  loomObserveDef observe[LOOM_MAX_OBSERVE];
  int condition_count;
  loomConditionDef conditions[LOOM_MAX_CONDITIONS];
  int success;               // condition index
  int success_hold;          // control steps it must hold at the end of a generated demo
  int lost;                  // an attempt is lost as soon as this holds; -1 = none
  double stuck_distance;     // an attempt is lost when an arm stands further from its target than this, m,
  double stuck_speed;        // slower than this, m/s,
  int stuck_steps;           // for so many control steps in a row; 0 = never
  double limit_penetration;  // an attempt is lost when anything is pressed deeper into anything, m; 0 = may
  double limit_joint_speed;  // or an arm's joint is faster than this share of its limit; 0 = may
  int settle_steps;          // still steps at the start of an attempt, before planning
  int max_steps;             // of an attempt
  int reset_count;
  loomResetDef resets[LOOM_MAX_RESETS];
  int subtask_count[LOOM_MAX_ARMS];
  loomSubtaskDef subtasks[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];
  int rule_count;
  loomRule rules[LOOM_MAX_RULES];
  int expert_count[LOOM_MAX_ARMS];  // steps of the scripted expert that records source demos; 0 = none
  loomExpertStep expert[LOOM_MAX_ARMS][LOOM_MAX_EXPERT];
} loomTask;

/// Read and check a task file. *out is heap-allocated (release with loom_task_destroy). robots_dir: where
/// `type: panda` is looked up as panda.yaml. Errors name file, line and key.
int loom_task_load(loomTask** out, const char* path, const char* robots_dir, loomError* err);
/// The same from text (n bytes, named label in messages); what it names is looked up beside label.
int loom_task_parse(loomTask** out, const char* text, size_t n, const char* label, const char* robots_dir,
                    loomError* err);
void loom_task_destroy(loomTask* task);

/// Read scenes/robots/TYPE.yaml for robot `index` (replaces "{i}").
int loom_robot_load(loomRobotDef* out, const char* path, int index, loomError* err);

/// robosuite's controller_configs object (JSON text) as a loomControllerDef; accepts `damping` and
/// `damping_ratio`.
int loom_controller_from_json(loomControllerDef* out, const char* json, const char* label, loomError* err);

extern const char* const loom_controller_names[];  // by loomControllerType
/// Entries an arm's action has before its gripper's: 6, or one a joint.
int loom_controller_pose_dim(const loomControllerDef* control, const loomRobotDef* robot);

int loom_task_find_reset(const loomTask* task, const char* name);   // index or -1
int loom_task_find_object(const loomTask* task, const char* name);  // index or -1
int loom_task_find_subtask(const loomTask* task, int arm, const char* name);

#endif
