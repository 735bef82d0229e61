// Framed observations: the pose of one thing in the frame of another, which policies learn more from than
// from robosuite's quaternions in the world frame (each orientation has two of those, and the numbers that
// decide a grasp are small differences of large ones). Named OF@IN, where OF and IN are an object of the
// task, `eef0`, `eef1`, ... or `world`: `hammer@eef0`. A row is the position (3, m) and the orientation (6:
// engine/base/rotation.h). Datasets need datagen_info/eef_pose and object_poses; episodes know them.
#ifndef LOOM_ENGINE_OBSERVE_FRAMED_H
#define LOOM_ENGINE_OBSERVE_FRAMED_H

#include "engine/base/api.h"
#include "engine/data/dataset.h"
#include "engine/sim/episode.h"

LOOM_C_BEGIN

enum { LOOM_FRAMED_DIM = 9 };

typedef struct loomFramed {
  char of[LOOM_NAME_MAX], in[LOOM_NAME_MAX];
} loomFramed;

/// False where the key is none.
bool loom_framed_parse(loomFramed* out, const char* key);
/// The arm whose hand the frame `name` is ("eef1"), below LOOM_MAX_ARMS; -1: another frame.
int loom_framed_arm(const char* name);
void loom_framed_row(float out[LOOM_FRAMED_DIM], loomPose of, loomPose in);

/// Both poses of an episode as it is now. bind looks the names up (LOOM_ERR_FORMAT says which there are),
/// once.
enum { LOOM_FRAME_WORLD = -1 };  // other frames: arm a is a, object k is LOOM_MAX_ARMS + k
int loom_framed_bind(int frame[2], const loomFramed* framed, const loomEpisode* episode, loomError* err);
void loom_framed_observe(float out[LOOM_FRAMED_DIM], const int frame[2], const loomEpisode* episode);

/// What such keys can be made of.
typedef struct loomFramedParts {
  int arms, grippers, objects, sizes;
  loomName gripper[LOOM_MAX_ARMS];  // their observations
  loomName object[LOOM_MAX_OBJECTS];
  loomName size[LOOM_MAX_OBJECTS];  // observations of how large objects are
} loomFramedParts;

/// An observation of the episodes or datasets that the keys are for: is it of a gripper, or of how large an
/// object is? Then it is one of the parts.
void loom_framed_add(loomFramedParts* parts, const char* observation);
/// What says most of hands and objects: each hand's pose in the world and its gripper's observation, each
/// object's pose in the world and from each hand, and the sizes of objects of several. How many keys; 0, and
/// none, where they do not fit into `room`.
int loom_framed_keys(loomName* key, int room, const loomFramedParts* parts);

/// The rows of a demo (`object`: its path in the file), or only how many there are (out NULL), which must
/// agree with `rows` (0: any). Rows are `stride` apart. LOOM_ERR_FORMAT names what is missing.
int loom_framed_read(float* out, int stride, int64_t* rows, const loomFramed* framed, const loomDataset* set,
                     const char* object, loomError* err);

LOOM_C_END

#endif
