// demoloom verify --perturb: how many replays in perturbed physics succeed.
#include "tools/command/verify_trust.h"

#include <stdlib.h>

static loomPerturbDef perturb_def(const perturbArgs* args) {
  loomPerturbDef def = loom_default_perturb_def();
  def.seed = (uint64_t)args->seed;
  return def;
}

int perturb_demo(int* trusted, const loomScene* scene, const loomDemo* demo, const perturbArgs* args,
                 loomError* err) {
  loomPerturbDef def = perturb_def(args);
  int code = 0;
  *trusted = 0;
  for (int k = 0; k < args->replays && !code; k++) {
    loomPerturbed replay;
    code = loom_replay_perturbed(&replay, scene, demo, loom_perturb_number(demo, k), &def, err);
    *trusted += !code && replay.success;
  }
  return code;
}

double perturb_share(int trusted, const perturbArgs* args) {
  return (double)trusted / args->replays;
}

void perturb_json(cJSON* root, const int* trusted, int n, const perturbArgs* args) {
  const loomPerturbDef def = perturb_def(args);
  double sum = 0;
  for (int i = 0; i < n; i++) sum += perturb_share(trusted[i], args);

  // All that decides it, so that a number without its conditions is nowhere.
  cJSON* out = cJSON_AddObjectToObject(root, "perturb");
  cJSON_AddNumberToObject(out, "replays", args->replays);
  cJSON_AddNumberToObject(out, "seed", (double)args->seed);
  cJSON_AddNumberToObject(out, "friction", def.friction);
  cJSON_AddNumberToObject(out, "mass", def.mass);
  cJSON_AddNumberToObject(out, "damping", def.damping);
  cJSON_AddNumberToObject(out, "solref", def.solref);
  cJSON_AddNumberToObject(out, "place", def.place);
  cJSON_AddNumberToObject(out, "yaw", def.yaw);
  cJSON_AddBoolToObject(out, "libccd", def.libccd);
  cJSON_AddNumberToObject(out, "mean_trust", n ? sum / n : 0);
}

int perturb_store(const char* path, char* const* demo, const int* trusted, int n, const perturbArgs* args,
                  loomError* err) {
  enum { ATTRS = 3 };
  loomAttr* attr = calloc((size_t)n * ATTRS + 1, sizeof *attr);
  loomDemoAttrs* list = calloc((size_t)n + 1, sizeof *list);
  int code = attr && list ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d demos", n);

  // All of them in one change of the file.
  for (int i = 0; i < n && !code; i++) {
    loomAttr* of_demo = attr + (ptrdiff_t)ATTRS * i;
    of_demo[0] = loom_attr_double(LOOM_TRUST_ATTR, perturb_share(trusted[i], args));
    of_demo[1] = loom_attr_int(LOOM_TRUST_REPLAYS_ATTR, args->replays);
    of_demo[2] = loom_attr_int(LOOM_TRUST_SEED_ATTR, args->seed);
    list[i] = (loomDemoAttrs){demo[i], ATTRS, of_demo};
  }

  if (!code) code = loom_dataset_set_demo_attrs(path, list, n, err);
  free(attr);
  free(list);
  return code;
}
