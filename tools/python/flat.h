// The flat face: what languages that know no structs of C call (tools/python/demoloom/, by ctypes). Handles
// are opaque, arrays are the caller's, lists and texts of several kinds are JSON. The same rules as
// everywhere: 0 or a negative loomStatus, the error in *err; nothing is printed. A handle is used by one
// thread at a time. Internal to the package: it and the library come together.
#ifndef LOOM_TOOLS_PYTHON_FLAT_H
#define LOOM_TOOLS_PYTHON_FLAT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/error.h"

LOOM_C_BEGIN

/// Of texts that functions here give.
void loom_flat_free(void* text);

// ---- environments: n of a task side by side, with threads inside

typedef struct loomFlatEnvs loomFlatEnvs;

/// task: a scene's name or a task file, a plain control task's (`gym:`) too. keys: observations with commas
/// between, NULL or "" = all low-dimensional ones. threads, max_steps: 0 = one a core, the task's.
int loom_flat_envs_open(loomFlatEnvs** out, const char* task, const char* keys, int n, int threads,
                        int max_steps, loomError* err);
void loom_flat_envs_close(loomFlatEnvs* envs);
/// JSON: task, path, kind ("robots", "control"), control_freq, max_steps, resets, obs (name and dim, side by
/// side), actions, arms (their entries), state (numbers of a simulator's state).
int loom_flat_envs_about(char** out, const loomFlatEnvs* envs, loomError* err);
/// out (actions x 2): lowest and highest entry of an action, infinite where there is no bound.
void loom_flat_envs_range(double* out, const loomFlatEnvs* envs);

/// Begin: environment i with attempt first + i of the seed, its k-th episode after that with first + k n + i,
/// in the reset distribution of that name (NULL or "": as before, at first the task's first). obs (n x obs).
int loom_flat_envs_reset(double* obs, loomFlatEnvs* envs, const char* reset, uint64_t seed, uint64_t first,
                         loomError* err);

/// Flags of an environment after a step.
enum {
  LOOM_FLAT_TERMINATED = 1,
  LOOM_FLAT_TRUNCATED = 2,
  LOOM_FLAT_SUCCESS = 4,
  LOOM_FLAT_WITHIN_LIMITS = 8,  // it succeeded without a breach of the task's limits
  LOOM_FLAT_BEGAN = 16,         // no step: its last episode had ended, the next began
};

/// One control step each, with actions (n x actions); where the last step ended an episode the next begins.
/// Any of the outputs may be NULL. obs (n x obs), reward (n), terminated, truncated (n) 0 or 1, flags (n).
/// LOOM_ERR_FORMAT, before anything moves: an action is not finite; LOOM_ERR_USAGE: not reset yet.
int loom_flat_envs_step(double* obs, double* reward, unsigned char* terminated, unsigned char* truncated,
                        unsigned char* flags, loomFlatEnvs* envs, const double* actions, loomError* err);
/// JSON of environment i: attempt, steps, and of robots' tasks end, first_success, breach, message.
int loom_flat_envs_told(char** out, const loomFlatEnvs* envs, int i, loomError* err);
/// out (state): time, qpos, qvel of environment i, as datasets have them.
int loom_flat_envs_state(double* out, const loomFlatEnvs* envs, int i, loomError* err);
/// rgb (height x width x 3) of environment i, top row first. camera: NULL or "" = a free one; light:
/// simplified meshes and no shadows, as `demoloom render --obs` draws.
int loom_flat_envs_render(unsigned char* rgb, loomFlatEnvs* envs, int i, int width, int height,
                          const char* camera, int light, loomError* err);

// ---- policies

typedef struct loomFlatPolicy loomFlatPolicy;
typedef struct loomFlatActor loomFlatActor;

int loom_flat_policy_open(loomFlatPolicy** out, const char* path, loomError* err);
void loom_flat_policy_close(loomFlatPolicy* policy);
/// JSON: kind, task, reset, obs (name, shape, visual), rows (seen), decided (actions a decision), actions,
/// control_freq (0 = not known), action_pose and action_rotation ("absolute", "6d" or "relative",
/// "axis_angle").
int loom_flat_policy_about(char** out, const loomFlatPolicy* policy, loomError* err);
/// By itself, on what it is shown: begin an episode, whose random numbers are (seed, number)'s.
int loom_flat_policy_begin(loomFlatPolicy* policy, uint64_t seed, uint64_t number, loomError* err);
/// action (actions) for the next control step, as the policy's data has them: moves, or goals in the world's
/// frame. vectors: the numbers of its vectors side by side in the order
/// of its keys; visual: a pointer for each picture (uint8 or float) and cloud (float), or NULL without any.
int loom_flat_policy_act(double* action, loomFlatPolicy* policy, const float* vectors,
                         const void* const* visual, loomError* err);

/// In environments, whose episodes it follows: exactly what a rollout of it does. The policy outlives the
/// actor, which can do nothing but be closed once the environments are.
int loom_flat_actor_open(loomFlatActor** out, loomFlatPolicy* policy, loomFlatEnvs* envs, loomError* err);
void loom_flat_actor_close(loomFlatActor* actor);
/// actions (n x actions) for the next step; zeros where the next step begins an episode.
int loom_flat_actor_act(double* actions, loomFlatActor* actor, loomError* err);

// ---- datasets

typedef struct loomFlatDataset loomFlatDataset;

/// Whatever the library reads: HDF5 files in the layouts of engine/data/, folders of LeRobot's layout, which
/// are read into a temporary file.
int loom_flat_dataset_open(loomFlatDataset** out, const char* path, loomError* err);
void loom_flat_dataset_close(loomFlatDataset* dataset);
/// JSON: demos (their names), warning (what is damaged or odd, or null), masks (name to demos), attributes of
/// `data`.
int loom_flat_dataset_about(char** out, const loomFlatDataset* dataset, loomError* err);
/// JSON of a demo: arrays (name to type and shape; error where one cannot be read) and attributes.
int loom_flat_dataset_demo(char** out, const loomFlatDataset* dataset, int demo, loomError* err);
/// A demo's array of numbers, which has to have just so many bytes; of texts, as a JSON list.
int loom_flat_dataset_array(void* out, const loomFlatDataset* dataset, int demo, const char* name,
                            size_t bytes, loomError* err);
int loom_flat_dataset_texts(char** out, const loomFlatDataset* dataset, int demo, const char* name,
                            loomError* err);

LOOM_C_END

#endif
