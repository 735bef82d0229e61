// Rotations as networks learn them best: the first two columns of the rotation matrix, one after the other,
// which is continuous where axis-angle is not (Zhou et al., "On the Continuity of Rotation Representations in
// Neural Networks", CVPR 2019). Internal.
#ifndef LOOM_ENGINE_BASE_ROTATION_H
#define LOOM_ENGINE_BASE_ROTATION_H

/// Six numbers of a unit quaternion (w-x-y-z), of an axis-angle vector (rad).
void loom_rotation_columns(double out[6], const double quat[4]);
void loom_rotation_6d(double out[6], const double axis_angle[3]);
/// Axis-angle, its length in [0, pi], of any six numbers: Gram-Schmidt makes them a rotation. Where that is
/// impossible (a column of length 0, columns in one line) the nearest axes stand in.
void loom_rotation_axis_angle(double axis_angle[3], const double columns[6]);

#endif
