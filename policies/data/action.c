#include "policies/data/action.h"

#include "engine/base/rotation.h"
#include "engine/sim/brake.h"

enum { POSE = 6 };  // numbers of a pose in a dataset: position, axis-angle

int loom_action_dim(loomActionForm form, int arms, int raw) {
  if (!form.absolute && !form.columns) return raw;

  if (arms < 1 || raw % arms || raw / arms < POSE) return 0;
  return raw + (form.columns ? 3 * arms : 0);
}

void loom_action_encode(float* out, loomActionForm form, int arms, int raw, const double* action,
                        const double* goal) {
  bool converted = form.absolute || form.columns;
  int each = converted ? raw / arms : raw;

  for (int a = 0; converted && a < arms; a++, action += each) {
    double pose[POSE], columns[6];
    for (int i = 0; i < POSE; i++) pose[i] = action[i];

    if (form.absolute && goal) {
      loomPose to = loom_pose_from_matrix(goal + (ptrdiff_t)16 * a);
      for (int i = 0; i < 3; i++) pose[i] = to.pos[i];
      loom_quat_log(pose + 3, to.quat);
    }

    loom_rotation_6d(columns, pose + 3);
    for (int i = 0; i < 3; i++) *out++ = (float)pose[i];
    for (int i = 0; i < (form.columns ? 6 : 3); i++)
      *out++ = (float)(form.columns ? columns[i] : pose[3 + i]);
    for (int i = POSE; i < each; i++) *out++ = (float)action[i];
  }
  for (int i = 0; !converted && i < raw; i++) out[i] = (float)action[i];
}

// One arm's numbers; gives what follows them.
static const float* decode_arm(double* action, loomActionForm form, const loomEpisode* e, int arm,
                               const float* in) {
  double pose[POSE], columns[6];

  for (int i = 0; i < 3; i++) pose[i] = (double)*in++;
  for (int i = 0; i < (form.columns ? 6 : 3); i++) (form.columns ? columns : pose + 3)[i] = (double)*in++;

  if (form.columns) loom_rotation_axis_angle(pose + 3, columns);

  if (form.absolute) {
    loomPose to = {{pose[0], pose[1], pose[2]}, {0}};
    loom_quat_exp(to.quat, pose + 3);
    loom_arm_action_towards(action, &e->arms[arm], loom_episode_eef(e, arm), to);

  } else {
    for (int i = 0; i < POSE; i++) action[i] = pose[i];
  }

  for (int i = 0; i < e->arms[arm].robot->gripper_dim; i++) action[POSE + i] = (double)*in++;
  return in;
}

int loom_action_fits(loomActionForm form, const loomEpisode* e, int n, loomError* err) {
  const char* path = e->scene->task->path;
  int wanted = e->action_dim + (form.columns ? 3 * e->arm_count : 0);
  if (n != wanted)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: its actions have %d numbers where the policy gives %d",
                          path, wanted, n);

  // As many numbers may still be others: six joints have as many as a pose.
  if (!form.absolute && !form.columns) return LOOM_OK;
  int code = loom_arms_take_poses(e->arms, e->arm_count, path, err);

  // A dataset does not say where one arm's numbers end: they were shared out evenly.
  for (int a = 1; !code && a < e->arm_count; a++) {
    int first = loom_arm_action_dim(&e->arms[0]), this = loom_arm_action_dim(&e->arms[a]);
    if (this != first)
      code = loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                            "%s: arm %d takes %d numbers and arm 0 %d; train with `--actions relative`, "
                            "which need not tell arms apart",
                            path, a, this, first);
  }
  return code;
}

void loom_action_decode(double* action, loomActionForm form, const loomEpisode* e, const float* in) {
  bool converted = form.absolute || form.columns;
  double scale[LOOM_MAX_ARMS];

  // What arms do of goals is slowed down as it was in the demos.
  if (form.absolute) loom_brakes(scale, e);

  for (int i = 0; !converted && i < e->action_dim; i++) action[i] = (double)in[i];

  for (int a = 0; converted && a < e->arm_count; a++) {
    in = decode_arm(action, form, e, a, in);
    for (int i = 0; form.absolute && scale[a] < 1 && i < POSE; i++) action[i] *= scale[a];
    action += loom_arm_action_dim(&e->arms[a]);
  }
}
