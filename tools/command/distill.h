// demoloom distill: what its parts share.
#ifndef LOOM_TOOLS_COMMAND_DISTILL_H
#define LOOM_TOOLS_COMMAND_DISTILL_H

#include <stdio.h>

#include "engine/base/run_folder.h"
#include "policies/agent/trained.h"
#include "policies/learn/config.h"
#include "tools/shared/tries.h"

#define DISTILL_SETTINGS "settings.yaml"  // whose file marks a run's folder

enum { DISTILL_PATH = LOOM_PATH_MAX + 64, DISTILL_CAMERAS = 8 };

typedef struct distillArgs {
  const char *teacher, *inverse, *task, *folder, *config, *reset, *disturb;
  int policy;  // loomPolicyKind
  int ndata, nkey, ncamera, ncloud_camera;
  const char *data[LOOM_DATA_FILES], *key[LOOM_DATA_KEYS], *camera[DISTILL_CAMERAS],
      *cloud_camera[DISTILL_CAMERAS];
  int cloud;                                   // points; 0 = as the keys say
  int width, height, rays_width, rays_height;  // 0 = as render has them
  int64_t budget;                              // control steps to get the demos in; 0 = however many
  int collections;     // of demos, each followed by a training, in equal parts of it; 0 = one
  int tries;           // of a start; 0 = one
  bool within_limits;  // demos are within the task's limits
  int demo_steps;      // control steps of an episode that is to be one; 0 = max_steps
  int64_t demos, episodes, rounds, round_episodes, evaluations, max_steps, seed, threads;
  bool resume, overwrite, json;
  loomAssetRoots roots;
} distillArgs;

/// A run while it is at work.
typedef struct distillRun {
  const distillArgs* args;
  loomTask* task;
  const loomDisturbSet* disturb;  // of the task, or NULL
  loomScene* scene;
  loomTrained teacher;      // zeroed with --inverse
  loomTrainConfig* config;  // the student's
  int reset;
  int round;  // of several collections and trainings, from 0
  loomRunFolder folder;
  toolTries demos, eval_teacher, eval_student;
} distillRun;

/// A run's folder: its files, its folders' names and files (NULL at the end), what it reads, and what to do
/// where another run has it; put writes what its settings are, before the student's training.
typedef struct distillFolder {
  const char *const *own, *const *folders, *const *inner;
  int ninput;
  const char* const* input;  // (ninput)
  const char* alternative;
  int (*put)(FILE* file, const distillRun* run, loomError* err);
} distillFolder;

loomRunFolderDef distill_folder_def(const distillArgs* args, const distillFolder* folder);
/// run->folder, with settings.yaml in it, which a run that goes on must have alike.
int distill_open_folder(distillRun* run, const distillFolder* folder, loomError* err);
/// All that a run has but its arguments.
void distill_close(distillRun* run);

/// FOLDER/NAME.
void distill_path(char out[DISTILL_PATH], const distillArgs* args, const char* name);
/// FOLDER/NAMEEND in the first round, FOLDER/NAME_2END in the second.
void distill_round_path(char out[DISTILL_PATH], const distillRun* run, int round, const char* name,
                        const char* end);

/// The student's settings: those of --config, or what suits its kind; before anything is run, so that what is
/// wrong with them is known then.
int distill_configure(loomTrainConfig* out, const distillArgs* args, const loomTask* task, loomError* err);
/// Whether --data can be read at all, which is told before anything is run.
int distill_check_data(const distillArgs* args, loomError* err);
/// The dataset that it learns from, with its share beside --data, and what it sees of it where nobody said.
int distill_use_data(loomTrainConfig* out, const distillArgs* args, const char* dataset, loomError* err);
/// Whether it sees more than numbers, which a dataset of rollouts lacks: pictures or point clouds.
bool distill_has_eyes(const loomTrainConfig* config);
/// A copy of a dataset with what it sees.
int distill_draw(const char* to, const char* from, const distillRun* run, loomError* err);
/// FOLDER/demos.hdf5 of this round, the successes of a policy, told as `who`; run->demos. LOOM_ERR_USAGE: it
/// has none.
int distill_collect(distillRun* run, loomTrained* policy, const char* who, loomError* err);
/// A policy on the fresh starts of the end, in FOLDER/NAME.
int distill_measure(toolTries* out, const distillRun* run, loomTrained* policy, const char* name,
                    loomError* err);
/// FOLDER/evaluation.csv: how each of these starts went with two policies, called `name` (loom_tested_write).
int distill_write_evaluation(const distillRun* run, const char* const name[2], const toolTries* first,
                             const toolTries* second, loomError* err);
/// run->task and run->reset: those that are named, else (NULL) what run->teacher's rollouts were of. policy:
/// its file. LOOM_ERR_USAGE: as tool_policy_task, or there is no such reset distribution.
int distill_find_task(distillRun* run, const char* policy, const char* task, const char* reset,
                      loomError* err);
/// Does the teacher see and act there at all? Errors of loom_rollout_try.
int distill_try_teacher(distillRun* run, loomError* err);
/// FOLDER/student.safetensors, trained on what config says, with DAgger's rounds where there are some.
int distill_train(distillRun* run, loomError* err);

#endif
