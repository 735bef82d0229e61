// demoloom distill: episodes of its policies.
#include <stdio.h>

#include "tools/command/distill.h"
#include "tools/shared/policy_task.h"

static toolTriesDef tries_of(const distillRun* run, const loomPolicyMaker* maker, const char* what) {
  const distillArgs* a = run->args;
  return (toolTriesDef){.scene = run->scene,
                        .maker = maker,
                        .roots = &a->roots,
                        .what = what,
                        .reset = run->reset,
                        .disturb = run->disturb,
                        .seed = (uint64_t)a->seed,
                        .max_steps = (int)a->max_steps,
                        .threads = (int)a->threads};
}

int distill_collect(distillRun* run, loomTrained* policy, const char* who, loomError* err) {
  const distillArgs* a = run->args;
  char folder[DISTILL_PATH], dataset[DISTILL_PATH];
  loomPolicyMaker maker = loom_trained_maker(policy);
  toolTriesDef def = tries_of(run, &maker, who);

  // Up to as many as were asked for, from starts that no round before has had.
  distill_round_path(folder, run, run->round, "episodes", "");
  distill_round_path(dataset, run, run->round, "demos", ".hdf5");
  def.folder = folder;
  def.dataset = dataset;
  def.seed += (uint64_t)run->round << 48;
  def.tries = a->tries;
  def.within_limits = a->within_limits;
  if (a->demo_steps) def.max_steps = a->demo_steps;
  def.successes = a->demos;
  def.episodes = a->episodes;
  int rounds = a->collections > 1 ? a->collections : 1;
  def.steps = (a->budget + rounds - 1) / rounds;

  int code = tool_tries(&run->demos, &def, err);
  if (code) return code;

  const loomTested* t = &run->demos.all;
  if (!t->successes)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s succeeds in none of %lld episodes%s, so there is nothing to keep; more of them "
                          "(%s), easier starts (--reset) or another one may help",
                          who, (long long)t->n, a->within_limits ? " within the task's limits" : "",
                          a->budget ? "--steps" : "--episodes");
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

int distill_write_evaluation(const distillRun* run, const char* const name[2], const toolTries* first,
                             const toolTries* second, loomError* err) {
  char path[DISTILL_PATH];
  distill_path(path, run->args, "evaluation.csv");
  return loom_tested_write(path, name, first->list, second->list, first->all.n, err);
}

int distill_find_task(distillRun* run, const char* policy, const char* task, const char* reset,
                      loomError* err) {
  int code = tool_policy_task(&run->task, &run->teacher, policy, task, err);
  if (code) return code;

  if (!reset) reset = run->teacher.config.reset;
  run->reset = *reset ? loom_task_find_reset(run->task, reset) : 0;
  if (run->reset >= 0) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", run->task->path, reset);
}

int distill_try_teacher(distillRun* run, loomError* err) {
  loomPolicyMaker maker = loom_trained_maker(&run->teacher);
  loomRolloutDef def = loom_default_rollout_def();
  def.reset = run->reset;
  def.disturb = run->disturb;
  def.max_steps = (int)run->args->max_steps;

  int code = loom_rollout_try(run->scene, &maker, &def, err);
  return code ? loom_error_prefix(err, code, "%s", run->args->teacher) : 0;
}
