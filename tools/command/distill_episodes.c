// demoloom distill: episodes of its policies.
#include <stdio.h>

#include "tools/command/distill.h"

static toolTriesDef tries_of(const distillRun* run, const loomPolicyMaker* maker, const char* what) {
  const distillArgs* a = run->args;
  return (toolTriesDef){.scene = run->scene,
                        .maker = maker,
                        .roots = &a->roots,
                        .what = what,
                        .reset = run->reset,
                        .seed = (uint64_t)a->seed,
                        .max_steps = (int)a->max_steps,
                        .threads = (int)a->threads};
}

int distill_collect(distillRun* run, loomTrained* policy, const char* who, loomError* err) {
  const distillArgs* a = run->args;
  char folder[DISTILL_PATH], dataset[DISTILL_PATH];
  loomPolicyMaker maker = loom_trained_maker(policy);
  toolTriesDef def = tries_of(run, &maker, who);

  // Up to as many as were asked for.
  distill_path(folder, a, "episodes");
  distill_path(dataset, a, "demos.hdf5");
  def.folder = folder;
  def.dataset = dataset;
  def.successes = a->demos;
  def.episodes = a->episodes;
  def.steps = a->budget;

  int code = tool_tries(&run->demos, &def, err);
  if (code) return code;

  const toolTries* t = &run->demos;
  if (!t->successes)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s succeeds in none of %lld episodes, so there is nothing to keep; more of them "
                          "(--episodes), easier starts (--reset) or another one may help",
                          who, (long long)t->n);
  if (t->successes < a->demos)
    fprintf(stderr, "demoloom: %s succeeds in %lld of %lld episodes; these are what there is\n", who,
            (long long)t->successes, (long long)t->n);
  return 0;
}

int distill_measure(toolTries* out, const distillRun* run, loomTrained* policy, const char* name,
                    loomError* err) {
  char folder[DISTILL_PATH];
  loomPolicyMaker maker = loom_trained_maker(policy);
  toolTriesDef def = tries_of(run, &maker, "tested");

  if (!run->args->evaluations) return 0;

  // Starts of another seed than those that anything was learned from, or chosen by.
  distill_path(folder, run->args, name);
  def.folder = folder;
  def.episodes = run->args->evaluations;
  def.seed += (uint64_t)2 << 40;
  return tool_tries(out, &def, err);
}
