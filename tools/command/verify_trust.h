#ifndef LOOM_TOOLS_COMMAND_VERIFY_TRUST_H
#define LOOM_TOOLS_COMMAND_VERIFY_TRUST_H

#include <cjson/cJSON.h>

#include "generators/source/perturb.h"

/// What `verify --perturb` asks for.
typedef struct perturbArgs {
  int replays;   // of each demo; 0 = none
  int64_t seed;  // of what is perturbed
  bool store;    // as attributes of the demos
} perturbArgs;

/// Of the help text: what is perturbed, and by how much.
#define PERTURB_HELP                                                                                         \
  "--perturb K steps each demo's actions K times more from its first state, in physics that are a little "   \
  "off:\n"                                                                                                   \
  "friction, masses of objects, damping and the time constants of contacts by up to 5 % each, free objects " \
  "moved\n"                                                                                                  \
  "by up to 1 mm along x and y and turned by up to 0.02 rad; contacts of meshes and cylinders are found by " \
  "MuJoCo's\n"                                                                                               \
  "older code (libccd), as in robosuite 1.4.1. The share of the K in which success holds at the end is the " \
  "demo's\n"                                                                                                 \
  "trust; arms stand still after the last action for as long as success must hold, as it may come a step "   \
  "later.\n"                                                                                                 \
  "Trust tells of these changes alone: not of other simulators, nor of a real robot.\n"

/// Replay a demo in def->replays perturbed worlds; *trusted of them succeed.
int perturb_demo(int* trusted, const loomScene* scene, const loomDemo* demo, const perturbArgs* args,
                 loomError* err);

/// A demo's trust.
double perturb_share(int trusted, const perturbArgs* args);

/// What was perturbed, by how much, and the mean trust of (n) demos, as "perturb" of root.
void perturb_json(cJSON* root, const int* trusted, int n, const perturbArgs* args);

/// Write the trust of (n) demos into their file.
int perturb_store(const char* path, char* const* demo, const int* trusted, int n, const perturbArgs* args,
                  loomError* err);

#endif
