// demoloom distill: episodes of its policies.
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/file.h"
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
  def.steps = a->budget;

  int code = tool_tries(&run->demos, &def, err);
  if (code) return code;

  const toolTries* t = &run->demos;
  if (!t->successes)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s succeeds in none of %lld episodes%s, so there is nothing to keep; more of "
                          "them, easier starts (--reset) or another one may help",
                          who, (long long)t->n, a->within_limits ? " within the task's limits" : "");
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

int distill_write_evaluation(const distillRun* run, const char* columns, const toolTries* first,
                             const toolTries* second, loomError* err) {
  char path[DISTILL_PATH], *text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  if (!out) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a table");
  distill_path(path, run->args, "evaluation.csv");

  fprintf(out, "%s\n", columns);
  for (int64_t i = 0; i < first->n; i++)
    fprintf(out, "%lld,%d,%d\n", (long long)i, first->list[i].end == LOOM_RUN_SUCCESS,
            second->list[i].end == LOOM_RUN_SUCCESS);

  int code = fclose(out) ? loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a table")
                         : loom_file_write_text(path, text, err);
  free(text);
  return code;
}

int distill_find_task(distillRun* run, const char* policy, const char* task, const char* reset,
                      loomError* err) {
  const char* name = task ? task : run->teacher.config.task;
  if (!reset) reset = run->teacher.config.reset;
  if (!*name)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s does not say its task; name it with --task", policy);
  int code = loom_task_find(&run->task, name, err);
  if (code) return code;

  run->reset = *reset ? loom_task_find_reset(run->task, reset) : 0;
  if (run->reset >= 0) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", run->task->path, reset);
}
