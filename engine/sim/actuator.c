#include "engine/sim/actuator.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ---- names for messages

static const char* transmission_name(int type) {
  static const char* const names[] = {
      "a joint", "a joint in its parent's frame", "a slider-crank", "a tendon", "a site", "a body"};
  return type >= 0 && type <= mjTRN_BODY ? names[type] : "nothing";
}

static const char* object_name(const mjModel* m, mjtObj type, int id) {
  const char* name = id < 0 ? NULL : mj_id2name(m, type, id);
  return name ? name : "without a name";
}

static bool is_motor(const mjModel* m, int a) {
  return m->actuator_gaintype[a] == mjGAIN_FIXED && m->actuator_biastype[a] == mjBIAS_NONE &&
         m->actuator_dyntype[a] == mjDYN_NONE;
}

// Where its control says, or an integral of that.
static bool holds_position(const mjModel* m, int a) {
  const mjtNum *gain = m->actuator_gainprm + mjNGAIN * a, *bias = m->actuator_biasprm + mjNBIAS * a;
  return m->actuator_gaintype[a] == mjGAIN_FIXED && m->actuator_biastype[a] == mjBIAS_AFFINE &&
         bias[1] != 0 && gain[0] == -bias[1];
}

static bool is_servo(const mjModel* m, int a) {
  return holds_position(m, a) && m->actuator_dyntype[a] == mjDYN_NONE;
}

// At a speed that its control says.
static bool is_speed_servo(const mjModel* m, int a) {
  const mjtNum *gain = m->actuator_gainprm + mjNGAIN * a, *bias = m->actuator_biasprm + mjNBIAS * a;
  return m->actuator_gaintype[a] == mjGAIN_FIXED && m->actuator_biastype[a] == mjBIAS_AFFINE &&
         m->actuator_dyntype[a] == mjDYN_NONE && bias[1] == 0 && gain[0] == -bias[2];
}

// As MJCF's shortcuts make them: what an actuator is, by its gain and its bias.
static const char* actuator_kind(const mjModel* m, int a) {
  bool fixed = m->actuator_gaintype[a] == mjGAIN_FIXED;

  if (m->actuator_gaintype[a] == mjGAIN_MUSCLE || m->actuator_dyntype[a] == mjDYN_MUSCLE) return "a muscle";
  if (is_motor(m, a)) return "a motor";
  if (fixed && m->actuator_biastype[a] == mjBIAS_NONE) return "a motor with dynamics of its own";
  if (holds_position(m, a))
    return is_servo(m, a) ? "a position servo" : "a servo that integrates its control";
  if (is_speed_servo(m, a)) return "a velocity servo";
  if (m->actuator_gaintype[a] == mjGAIN_AFFINE && m->actuator_biastype[a] == mjBIAS_NONE) return "a damper";
  return "an actuator with a bias of its own";
}

static bool drives_joint(const mjModel* m, int a) {
  return m->actuator_trntype[a] == mjTRN_JOINT || m->actuator_trntype[a] == mjTRN_JOINTINPARENT;
}

// ---- what both kinds must be

// Published models often leave their actuators without names: these go by the joints they drive.
static int unnamed_actuator(const char* joint, const mjModel* m) {
  int id = mj_name2id(m, mjOBJ_JOINT, joint);
  for (int a = 0; id >= 0 && a < (int)m->nu; a++)
    if (drives_joint(m, a) && m->actuator_trnid[2 * a] == id && !mj_id2name(m, mjOBJ_ACTUATOR, a)) return a;
  return -1;
}

static int find_actuator(int* out, const char* name, const mjModel* m, loomError* err) {
  *out = mj_name2id(m, mjOBJ_ACTUATOR, name);
  if (*out < 0) *out = unnamed_actuator(name, m);
  if (*out < 0)
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "the model has no actuator '%s'; check the robot's file in scenes/robots against the MJCF", name);

  // MuJoCo can leave out single groups of actuators, or all of them.
  int group = m->actuator_group[*out];
  bool off = group >= 0 && group < 31 && (m->opt.disableactuator & (1 << group)) != 0;
  if (off)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "actuator '%s' is switched off: the model's option actuatorgroupdisable has its "
                          "group %d; take that out",
                          name, group);
  if (m->opt.disableflags & mjDSBL_ACTUATION)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "actuator '%s' is switched off: the model's option has <flag "
                          "actuation=\"disable\"/>; take that out",
                          name);
  return 0;
}

// Whatever else pulls at a joint while nothing is written to it: a servo holds it where its control of 0 is.
static int check_alone(int joint, int own, const mjModel* m, loomError* err) {
  for (int a = 0; a < (int)m->nu; a++) {
    if (a == own || !drives_joint(m, a) || m->actuator_trnid[2 * a] != joint || is_motor(m, a)) continue;
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "joint '%s' is driven by actuator '%s' and also held by '%s', which is %s that nothing "
        "commands; take the latter out of the MJCF",
        object_name(m, mjOBJ_JOINT, joint), object_name(m, mjOBJ_ACTUATOR, own),
        object_name(m, mjOBJ_ACTUATOR, a), actuator_kind(m, a));
  }
  return 0;
}

int loom_actuator_joint(int joint, const mjModel* m, loomError* err) {
  int type = m->jnt_type[joint];
  if (type == mjJNT_HINGE || type == mjJNT_SLIDE) return 0;
  return loom_error_set(
      err, LOOM_ERR_FORMAT, "joint '%s' is a %s joint; the joints of robots are hinges and slides, so %s",
      object_name(m, mjOBJ_JOINT, joint), type == mjJNT_FREE ? "free" : "ball",
      type == mjJNT_FREE ? "weld its body (`weld: true` of a part)" : "write it as three hinges");
}

// ---- arms

// The largest torque that the model lets the actuator give, either way; a servo's control is no torque.
static double largest_torque(int a, int joint, const loomDrive* drive, const mjModel* m) {
  double most = INFINITY;
  const mjtNum *ctrl = m->actuator_ctrlrange + 2 * a, *force = m->actuator_forcerange + 2 * a,
               *joint_force = m->jnt_actfrcrange + 2 * joint;

  if (m->actuator_ctrllimited[a] && !drive->servo)
    most = fmin(most, fabs(drive->gear) * fmin(-ctrl[0], ctrl[1]));
  if (m->actuator_forcelimited[a])
    most = fmin(most, fabs(m->actuator_gear[6 * a]) * fmin(-force[0], force[1]));
  if (m->jnt_actfrclimited[joint]) most = fmin(most, fmin(-joint_force[0], joint_force[1]));
  return most;
}

// Torques mean something to a motor only: a servo takes them for metres, radians or speeds.
static int refuse_drive(int a, const char* name, const char* joint, double torque_limit,
                        loomControllerType type, const mjModel* m, loomError* err) {
  bool servo = is_servo(m, a);
  char why[160], instead[120] = "";
  snprintf(why, sizeof why, "the controllers here write torques, or joint goals to position servos");
  if (servo) {
    snprintf(why, sizeof why, "%s writes torques", loom_controller_names[type]);
    snprintf(instead, sizeof instead, "let WHOLE_BODY_IK or JOINT_POSITION drive the arm, or ");
  }

  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "actuator '%s' of joint '%s' is %s, and %s; %smake it <motor name=\"%s\" "
                        "joint=\"%s\" ctrlrange=\"%g %g\"/> in the MJCF",
                        name, joint, actuator_kind(m, a), why, instead, name, joint, -torque_limit,
                        torque_limit);
}

int loom_actuator_drive(loomDrive* out, const char* name, int joint, double torque_limit,
                        loomControllerType type, const mjModel* m, loomError* err) {
  int code = find_actuator(&out->actuator, name, m, err), a = out->actuator;
  if (code) return code;
  const char* wanted = object_name(m, mjOBJ_JOINT, joint);

  out->servo = is_servo(m, a);
  if (!is_motor(m, a) && !(out->servo && type != LOOM_OSC_POSE))
    return refuse_drive(a, name, wanted, torque_limit, type, m, err);

  if (!drives_joint(m, a))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "actuator '%s' is to drive joint '%s' but pulls at %s; make it <motor name=\"%s\" "
                          "joint=\"%s\"/> in the MJCF",
                          name, wanted, transmission_name(m->actuator_trntype[a]), name, wanted);

  if (m->actuator_trnid[2 * a] != joint)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "actuator '%s' drives joint '%s', not '%s'; the robot's file must name joints and "
                          "actuators in one order",
                          name, object_name(m, mjOBJ_JOINT, m->actuator_trnid[2 * a]), wanted);

  // Gears and gains are divided out, so that what the controllers ask for is what the joint gets.
  double gear = m->actuator_gear[6 * a], gain = m->actuator_gainprm[mjNGAIN * a];
  out->gear = out->servo ? gear : gear * gain;
  if (!isfinite(gear * gain) || gear * gain == 0)
    return loom_error_set(err, LOOM_ERR_FORMAT, "actuator '%s' has a gear or gain of 0: it can move nothing",
                          name);
  if (out->servo && m->actuator_ctrllimited[a] &&
      !(m->actuator_ctrlrange[2 * a + 1] > m->actuator_ctrlrange[2 * a]))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "actuator '%s' is a position servo whose ctrlrange is empty: it can move nothing",
                          name);

  // What is clipped without a word here would be missing from every torque.
  double most = largest_torque(a, joint, out, m);
  if (most < torque_limit * (1 - 1e-9))
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "actuator '%s' gives at most %g N m (its ctrlrange, forcerange and gear, and its "
        "joint's actuatorfrcrange) where the robot's file promises a torque_limit of %g; make "
        "them agree",
        name, most, torque_limit);
  return check_alone(joint, a, m, err);
}

// ---- parts of a body

int loom_actuator_part(int* out, const char* name, int joint, bool speed, const mjModel* m, loomError* err) {
  int code = find_actuator(out, name, m, err), a = *out;
  if (code) return code;

  bool plain = is_motor(m, a) && m->actuator_gainprm[mjNGAIN * a] == 1 && m->actuator_gear[6 * a] == 1;
  bool drives = drives_joint(m, a) && m->actuator_trnid[2 * a] == joint && m->actuator_ctrllimited[a];
  if (drives && (speed ? is_speed_servo(m, a) : plain)) return 0;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "actuator '%s' (%s, %s) is no %s with a ctrlrange on joint '%s'", name,
                        actuator_kind(m, a), transmission_name(m->actuator_trntype[a]),
                        speed ? "velocity servo" : "motor of gear 1", object_name(m, mjOBJ_JOINT, joint));
}

// ---- grippers

int loom_actuator_gripper(int* out, double range[2], const char* name, int joint, const mjModel* m,
                          loomError* err) {
  int code = find_actuator(out, name, m, err), a = *out;
  if (code) return code;

  // What closes the other hand is not this one's.
  if (drives_joint(m, a) && m->actuator_trnid[2 * a] != joint)
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "actuator '%s' of a gripper drives joint '%s', not '%s'; the robot's file must name "
        "joints and actuators in one order",
        name, object_name(m, mjOBJ_JOINT, m->actuator_trnid[2 * a]), object_name(m, mjOBJ_JOINT, joint));

  const mjtNum* ctrl = m->actuator_ctrlrange + 2 * a;
  range[0] = ctrl[0];
  range[1] = ctrl[1];

  // A position servo without a range of its own goes from end to end of what it moves.
  const char* kind = actuator_kind(m, a);
  bool servo = is_servo(m, a);
  int moved = m->actuator_trnid[2 * a];
  double gear = m->actuator_gear[6 * a];
  if (!m->actuator_ctrllimited[a] && range[0] == range[1] && servo) {
    const mjtNum* ends = NULL;
    if (drives_joint(m, a) && m->jnt_limited[moved]) ends = m->jnt_range + 2 * moved;
    if (m->actuator_trntype[a] == mjTRN_TENDON && m->tendon_limited[moved])
      ends = m->tendon_range + 2 * moved;
    if (ends) {
      range[0] = fmin(gear * ends[0], gear * ends[1]);
      range[1] = fmax(gear * ends[0], gear * ends[1]);
    }
  }

  if (!(range[1] > range[0]))
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "actuator '%s' of a gripper is %s without a control range, so it could never move; give "
        "it a ctrlrange in the MJCF, from one end of its %s to the other",
        name, kind, servo ? "way" : "force or speed");

  // No force reaches the fingers without a gear or a gain, or where either is clipped to nothing.
  const mjtNum* force = m->actuator_forcerange + 2 * a;
  bool fixed = m->actuator_gaintype[a] == mjGAIN_FIXED || m->actuator_gaintype[a] == mjGAIN_AFFINE;
  bool gone = fixed && m->actuator_gainprm[mjNGAIN * a] == 0 && m->actuator_gainprm[mjNGAIN * a + 1] == 0 &&
              m->actuator_gainprm[mjNGAIN * a + 2] == 0;
  bool clipped = m->actuator_forcelimited[a] && !(force[1] > force[0]);
  if (gone || clipped || (drives_joint(m, a) && gear == 0))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "actuator '%s' of a gripper has no force: its gain, gear or forcerange is 0", name);
  return drives_joint(m, a) ? check_alone(moved, a, m, err) : 0;
}
