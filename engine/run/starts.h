// Where the episodes of reinforcement learning begin: the task's reset distribution, states of demos,
// starts from which the policy failed. Each start is a pure function of (seed, number, curriculum).
//
// The reverse curriculum is that of Tao et al., "Reverse Forward Curriculum Learning" (ICLR 2024): of each
// demo starts lie at first near its end; when most from its frontier succeed, the frontier moves back.
#ifndef LOOM_ENGINE_RUN_STARTS_H
#define LOOM_ENGINE_RUN_STARTS_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "engine/data/dataset.h"
#include "engine/run/reward.h"

LOOM_C_BEGIN

typedef enum loomCurriculumKind {
  LOOM_CURRICULUM_NONE,     // any row of the demo
  LOOM_CURRICULUM_REVERSE,  // rows at its frontier, seldom later ones
} loomCurriculumKind;

enum { LOOM_START_DEMOS = 256, LOOM_START_FAILURES = 64 };

typedef struct loomStartsDef {
  double demos;     // share of the episodes that begin at a demo's state; default 0
  double failures;  // share that begin where an earlier episode from the reset distribution failed; default 0
  int curriculum;   // loomCurriculumKind; default NONE
  int step;         // control steps that a frontier moves back by; default 8
  int window;       // episodes from a frontier that are looked at; default 4
  double enough;    // share of them that must succeed; default 0.75
  char dataset[LOOM_PATH_MAX];  // whose demos; "" = the task's source demos
} loomStartsDef;

/// "none", "reverse", NULL.
extern const char* const loom_curriculum_names[];
loomStartsDef loom_default_starts_def(void);
/// Of a loomStartsDef: `starts:` in a settings file.
extern const loomFields loom_starts_fields;

/// The demos' states, stages and object shapes: read only, shared by all workers.
typedef struct loomStarts loomStarts;

/// reset: the reset distribution of all other starts. At most LOOM_START_DEMOS demos, the first ones, are
/// taken, and none is read where def asks for none. Errors as loom_dataset_open's, loom_demo_load's;
/// LOOM_ERR_FORMAT where a demo is not of the scene.
int loom_starts_create(loomStarts** out, const loomStartsDef* def, const loomScene* scene, int reset,
                       loomError* err);
void loom_starts_destroy(loomStarts* starts);
/// Control steps of a dataset's longest demo. LOOM_ERR_FORMAT.
int loom_dataset_longest(int* rows, const loomDataset* dataset, loomError* err);
/// Control steps of the longest of the task's source demos, which a reward's horizon is twice of; 0 where the
/// task names none. Errors as loom_dataset_open's.
int loom_source_longest(int* rows, const loomScene* scene, loomError* err);
/// How long an episode may be: what the reward says, else twice that, else the task's max_steps.
int loom_reward_horizon(int* steps, const loomRewardDef* def, const loomScene* scene, loomError* err);
int loom_starts_demo_count(const loomStarts* starts);
/// Control steps of the longest demo; 0 without demos.
int loom_starts_longest(const loomStarts* starts);

/// How far the curriculum has come. Plain data without pointers: part of checkpoints.
typedef struct loomCurriculum {
  struct {
    int frontier;          // row; 0 = the whole demo is open
    int tries, successes;  // from this frontier
  } demo[LOOM_START_DEMOS];
  int failed_count;
  uint64_t failed[LOOM_START_FAILURES];  // (failed_count) numbers in the reset distribution that failed, and
                                         // did not succeed since
  int64_t failures;                      // starts from the reset distribution that failed so far
} loomCurriculum;

void loom_curriculum_begin(loomCurriculum* out, const loomStarts* starts);
/// Share of the demos' rows that are open, 0 to 1: 1 where the curriculum is through.
double loom_curriculum_progress(const loomCurriculum* curriculum, const loomStarts* starts);

typedef enum loomStartKind { LOOM_START_RESET, LOOM_START_DEMO, LOOM_START_FAILURE } loomStartKind;

typedef struct loomStart {
  loomStartKind kind;
  uint64_t attempt;  // RESET, FAILURE: number in the reset distribution
  int demo, row;     // DEMO
  bool frontier;     // DEMO: the row is the frontier
} loomStart;

/// The start of episode `number`.
void loom_start_draw(loomStart* out, const loomStarts* starts, const loomCurriculum* curriculum,
                     uint64_t seed, uint64_t number);
/// Put the episode there. `seed` is the reset distribution's. Errors as loom_episode_reset's.
int loom_start_begin(loomEpisode* episode, const loomStarts* starts, const loomStart* start, uint64_t seed,
                     loomError* err);
/// The stages that are past there, for loom_reward_begin; NULL: none, for an episode begins with the task.
const loomStages* loom_start_stages(const loomStarts* starts, const loomStart* start);
/// How long an episode from there may be, where one from the reset distribution has `horizon` control steps:
/// twice what is left of the demo and twice as long as success must hold, but no longer than `horizon`.
int loom_start_horizon(const loomStarts* starts, const loomStart* start, int horizon);
/// The episode that began there ended. To be called in the order of a fixed rule (of environments, not of
/// threads), while no start is drawn.
void loom_curriculum_note(loomCurriculum* curriculum, const loomStarts* starts, const loomStart* start,
                          bool success);

LOOM_C_END

#endif
