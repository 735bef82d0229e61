// What there is to see, by name, of episodes and of datasets alike: a policy meets in an episode what it was
// trained on. A key is one of
//   robot0_eef_pos, object   robosuite's low-dimensional observations: obs/NAME of a dataset, and in an
//                            episode what observe_state.c makes of its state
//   hammer@eef0              a pose in the frame of something else (engine/observe/framed.h)
//   front_image, front_depth, front_segmentation, pointcloud
//                            pictures and point clouds (engine/observe/sense.h)
// A dataset may have arrays under other names too; episodes do not.
#ifndef LOOM_ENGINE_OBSERVE_OBSERVER_H
#define LOOM_ENGINE_OBSERVE_OBSERVER_H

#include "engine/base/api.h"
#include "engine/data/dataset.h"
#include "engine/sim/episode.h"

LOOM_C_BEGIN

typedef enum loomObsKind {
  LOOM_OBS_STATE,         // a number or a vector
  LOOM_OBS_FRAMED,        // (9) position, m, and two columns of the rotation matrix
  LOOM_OBS_IMAGE,         // (height x width x 3) uint8
  LOOM_OBS_DEPTH,         // (height x width x 1) float, m
  LOOM_OBS_SEGMENTATION,  // (height x width x 1) int32, geoms
  LOOM_OBS_CLOUD,         // (points x 3) float, m, world frame
  LOOM_OBS_OTHER,         // an array of datasets that no episode shows
} loomObsKind;

enum { LOOM_OBS_AXES = 3 };

typedef struct loomObsKey {
  loomName name;
  loomObsKind kind;
  loomType type;             // of its numbers in files; of those of an episode double
  int rank;                  // axes of a row, 0 .. LOOM_OBS_AXES
  int shape[LOOM_OBS_AXES];  // of a row, as in files
  int dim;                   // numbers of a row
  int offset;                // place among the vectors that are seen side by side; -1: no vector
  loomName camera;           // of pictures
} loomObsKey;

/// A key of which no more than the name is known; a longer name than fits is cut, and then found nowhere.
loomObsKey loom_obs_named(const char* name);
/// Kind and camera by a name and the shape (rank) of its rows.
loomObsKind loom_obs_kind(loomName camera, const char* name, int rank, const int* shape);

// ---- in a dataset

/// A key of a demo, and how many rows there are. LOOM_ERR_FORMAT names file, demo and key, and the keys that
/// there are; LOOM_ERR_UNSUPPORTED: rows too large.
int loom_obs_describe(loomObsKey* out, int64_t* rows, const char* name, const loomDataset* set, int demo,
                      loomError* err);
/// All rows as floats into out (rows x dim), whose rows are `stride` apart. LOOM_ERR_FORMAT: a number that is
/// not finite, or another number of rows.
int loom_obs_read(float* out, int stride, const loomObsKey* key, const loomDataset* set, int demo,
                  int64_t rows, loomError* err);
/// The same of pictures of uint8, as they are.
int loom_obs_read_bytes(unsigned char* out, const loomObsKey* key, const loomDataset* set, int demo,
                        int64_t rows, loomError* err);
/// Any array of a demo as doubles (rows x dim), all of them finite. The same errors.
int loom_obs_numbers(loomArray* out, const char* path, int dim, const loomDataset* set, int demo,
                     int64_t rows, loomError* err);

// ---- in an episode

typedef struct loomSenseDef loomSenseDef;
typedef struct loomObserver loomObserver;

/// For episodes of e's scene: those of `key` (n), in that order. Of a key the name is looked up; where its
/// dim is not 0 the episode's must have as many numbers; pictures and clouds need rank and shape, and sense
/// (NULL: the default) says how they are made. LOOM_ERR_FORMAT names the key, and those that there are.
int loom_observer_create(loomObserver** out, const loomEpisode* e, const loomObsKey* key, int n,
                         const loomSenseDef* sense, loomError* err);
/// All low-dimensional keys of the task.
int loom_observer_create_all(loomObserver** out, const loomEpisode* e, loomError* err);
void loom_observer_destroy(loomObserver* observer);

/// (n) as they were found.
const loomObsKey* loom_observer_keys(const loomObserver* observer, int* n);
/// Numbers of the vectors side by side: states and framed ones.
int loom_observer_dim(const loomObserver* observer);

/// out (dim): the vectors, each at its key's offset, as the episode is now; where it is disturbed, as a
/// policy is to see it (after loom_observer_begin).
void loom_observer_see(float* out, loomObserver* observer, loomEpisode* episode);
/// The same, as precise as it is known.
void loom_observer_see_doubles(double* out, loomObserver* observer, loomEpisode* episode);

/// Before the first look at an episode that is disturbed (errors: loom_blur_begin's), and before pictures and
/// clouds of one that has just been reset: objects may have other sizes (loom_sense_model's).
int loom_observer_begin(loomObserver* observer, loomEpisode* episode, loomError* err);
/// Whether every control step must be looked at, or passed: vectors or pictures are seen late, or some not at
/// all.
bool loom_observer_must_look(const loomEpisode* episode);
/// A control step in which nobody looks: what is seen later may hang on it. Nothing is drawn.
void loom_observer_pass(loomObserver* observer, loomEpisode* episode);
/// out[i]: picture or cloud number i, in the order of the keys that are such. Any thread, one at a time.
/// Of an episode that is disturbed, as a policy is to see it.
int loom_observer_look(void* const* out, loomObserver* observer, const loomEpisode* episode, loomError* err);

LOOM_C_END

#endif
