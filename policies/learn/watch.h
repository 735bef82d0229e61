// Learning by watching: from demos without actions, of objects' poses or of pictures, an embedding in which
// states that are as far in the task are near each other, whoever does it, and from that a reward.
#ifndef LOOM_POLICIES_LEARN_WATCH_H
#define LOOM_POLICIES_LEARN_WATCH_H

#include <signal.h>

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/data/watched.h"

LOOM_C_BEGIN

typedef enum loomWatchMethod {
  LOOM_WATCH_OBJECTS,  // poses of objects, by temporal cycle consistency (GraphIRL's idea: Kumar et al., 2022)
  LOOM_WATCH_TCC,      // the same of pictures (XIRL: Zakka et al., 2021)
  LOOM_WATCH_TCN,      // pictures of two cameras (Sermanet et al., 2018)
  LOOM_WATCH_TRANSLATE,  // pictures of two contexts (Liu et al., 2018)
  LOOM_WATCH_METHODS,
} loomWatchMethod;
extern const char* const loom_watch_methods[];  // NULL-terminated

/// What tells moments apart, where two cameras see each.
typedef enum loomContrast {
  LOOM_CONTRAST_MOMENTS,   // all of a demo (loom_moment_loss)
  LOOM_CONTRAST_TRIPLETS,  // one other (loom_triplet_loss)
} loomContrast;

/// Which demos show translation the same moment in two contexts.
typedef enum loomPairs {
  LOOM_PAIRS_SAME,  // of the same states
  LOOM_PAIRS_ANY,  // any two: what differs in their states is part of the context, as its first picture shows
} loomPairs;

/// What context translation is left without, to see what it is good for.
typedef enum loomAblation {
  LOOM_ABLATE_NOTHING,
  LOOM_ABLATE_FEATURE,      // features: of the loss and of the reward
  LOOM_ABLATE_IMAGE,        // pictures: likewise
  LOOM_ABLATE_TRANSLATION,  // the reward compares with the demos as they are
  LOOM_ABLATE_GOAL,         // with pictures of how they end, as these are
} loomAblation;

typedef struct loomWatchConfig {
  const char* const* data;  // (inputs) a dataset, or films and folders of such
  int inputs;
  int method;  // loomWatchMethod
  loomName key[LOOM_WATCHED_KEYS];
  int keys;  // 0 = loomWatchedDef's
  int demos, held_out;
  int steps, batch, frames;
  loomSizes hidden;
  int out;
  double still, temperature, variance, distance, rate;
  int contrast;          // loomContrast; tcn
  double margin, apart;  // of triplets
  int side;              // pixels: of films
  int features;          // of a picture
  double crop, tint;
  loomSizes channels;
  double alignment, image;  // translate: weights of features in the loss, of pictures in the reward
  int ablate;               // loomAblation
  int pairs;                // loomPairs
  int sources;              // demos that the reward compares with
  bool shuffled;
  int every, seed, threads;
} loomWatchConfig;

extern const loomFields loom_watch_fields;
/// What a method leaves open is below its range, and settled by loom_watch.
loomWatchConfig loom_default_watch_config(void);

/// What held-out demos say of an embedding: means over pairs of them (policies/report/alignment.h).
typedef struct loomWatchLook {
  double tau, cycle, error;
  double progress;  // mean of Kendall's tau-b of time and worth
} loomWatchLook;

/// Plain: of what is seen, as it is.
typedef struct loomWatchLooks {
  loomWatchLook learned, untrained, plain;
} loomWatchLooks;

/// Mean squared errors of a picture's numbers (0 to 1) in pairs that were kept aside, of what could be taken
/// for the true picture.
typedef struct loomTranslationLook {
  double translated, reconstructed;  // of the true picture itself, through encoder and decoder
  double copied, first, mean;        // the source's; the context's first; the mean of all
  // What the reward says of what is seen there: of the demo itself, and of its first picture all the time.
  double worth, still;
} loomTranslationLook;

enum { LOOM_WATCH_OTHERS = 16 };

typedef struct loomWatchState {
  int step, steps;
  double loss;          // mean since the last look
  int demos, held_out;  // learned from; kept aside
  double still;         // share of their rows in which nothing moves, left out
  loomWatchLooks looks;
  loomWatchLooks other[LOOM_WATCH_OTHERS];  // of def->measure
  loomTranslationLook translation;          // of translate alone
  double seconds;                           // processor time of this process's steps
} loomWatchState;

typedef struct loomWatchDef {
  const loomWatchConfig* config;
  const char* folder;
  const char* const* measure;         // (measures) more datasets or films, of which all demos are kept aside
  int measures;                       // LOOM_WATCH_OTHERS at most; none to translate
  bool overwrite, resume;             // what is there already
  const volatile sig_atomic_t* stop;  // non-zero: write a checkpoint and return; may be NULL
  int (*reading)(void* user, int done, int n);     // after each demo is read; may be NULL
  void (*measuring)(void* user, int done, int n);  // parts of what follows the last step; may be NULL
  void (*progress)(void* user, const loomWatchState* state);  // after each look; may be NULL
  void* user;
} loomWatchDef;

/// In the folder: config.yaml, last.safetensors (to go on from), encoder.safetensors and reward.yaml (what is
/// learned: policies/agent/learned_reward.h), alignment.csv, distance.png, scalars.csv, curves.png, event
/// files. The same bytes on any number of threads, stopped and resumed or not. LOOM_ERR_INTERRUPTED after
/// `stop`; LOOM_ERR_FORMAT: loom_watched_read's, too few demos; LOOM_ERR_USAGE: a folder that holds a run, or
/// one of other settings.
int loom_watch(loomWatchState* out, const loomWatchDef* def, loomError* err);

LOOM_C_END

#endif
