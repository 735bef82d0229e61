#include "tools/shared/teleop_device.h"

#include <math.h>
#include <string.h>

static const double dead_zone = 0.12;

static double stick_curve(double x) {
  // A device that has nothing to say asks for nothing.
  if (!isfinite(x)) return 0;

  // Nothing in the dead zone, slow beside it, full at the stop: fine motions near the middle.
  double beyond = (fmin(fabs(x), 1) - dead_zone) / (1 - dead_zone);
  return beyond <= 0 ? 0 : copysign(beyond * (0.3 + 0.7 * beyond * beyond), x);
}

// Forward, left and up of the camera in the plane, as a rotation about z, or the frame's own axes.
static void turn_to_view(double v[3], loomTeleopFrame frame, double azimuth) {
  if (frame != LOOM_TELEOP_WORLD) return;

  double a = azimuth * mjPI / 180, x = v[0], y = v[1];
  v[0] = cos(a) * x - sin(a) * y;
  v[1] = sin(a) * x + cos(a) * y;
}

static void set_input(loomTeleopArm* out, const double value[6], double azimuth, double dt) {
  for (int i = 0; i < 3; i++) {
    out->move[i] = value[i] * TELEOP_MOVE_SPEED * dt;
    out->turn[i] = value[i + 3] * TELEOP_TURN_SPEED * dt;
  }

  // Forward is away from whoever looks.
  turn_to_view(out->move, out->frame, azimuth);
  turn_to_view(out->turn, out->frame, azimuth);
}

void teleop_keys(loomTeleopArm* out, const bool held[128], double azimuth, double dt) {
  static const char keys[6][2] = {{'W', 'S'}, {'A', 'D'}, {'R', 'F'}, {'Z', 'X'}, {'T', 'G'}, {'C', 'V'}};
  double value[6];

  // Pairs of opposite keys: forward, left, up, then rolling, pitching, yawing.
  for (int i = 0; i < 6; i++) value[i] = held[(int)keys[i][0]] - held[(int)keys[i][1]];

  set_input(out, value, azimuth, dt);
}

void teleop_axes(loomTeleopArm* out, const double axis[6], double azimuth, double dt) {
  double value[6];

  for (int i = 0; i < 6; i++) value[i] = stick_curve(axis[i]);
  set_input(out, value, azimuth, dt);
}

void teleop_gamepad(double axis[6], const float stick[6]) {
  memset(axis, 0, 6 * sizeof *axis);

  // Left stick in the plane; right stick up and down, and yaw; triggers pitch.
  axis[0] = -(double)stick[1];
  axis[1] = -(double)stick[0];
  axis[2] = -(double)stick[3];
  axis[5] = -(double)stick[2];
  axis[4] = ((double)stick[5] - (double)stick[4]) / 2;  // triggers rest at -1
}

void teleop_spacemouse(double axis[6], const float* raw, int n) {
  // Its axes are right, back and down; ours forward, left and up.
  static const struct { int from, sign; } map[6] = {{1, -1}, {0, -1}, {2, -1}, {4, 1}, {3, -1}, {5, -1}};

  for (int i = 0; i < 6; i++) axis[i] = map[i].from < n ? map[i].sign * (double)raw[map[i].from] : 0;
}
