// demoloom weave: how much of everything fits into the time.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/fields.h"
#include "engine/base/file.h"
#include "tools/command/weave.h"

#define PLAN(type, member, ...) LOOM_FIELD(weavePlan, type, member, __VA_ARGS__)
static const loomFieldDef plan_rows[] = {
    LOOM_FIELD_AS("sources", weavePlan, NAMES, source, .size = sizeof(loomName),
                  .count = offsetof(weavePlan, source_count),
                  .about = "source demos that demos are made of; none: all there are"),
    PLAN(INT64, looks, .high = 100000,
         .about = "episodes by which is found out where a policy fails, and how often"),
    PLAN(INT64, max_steps, .high = 1 << 20, .about = "control steps of an episode that tests a policy"),
    PLAN(INT64, demos, .high = 1 << 24, .about = "generated in all by the first two rounds"),
    PLAN(INT64, first_steps, .high = 1 << 30, .about = "of training the first policy"),
    PLAN(INT64, steps, .high = 1 << 30, .about = "of training in each round"),
    PLAN(INT64, rounds, .high = 4, .about = "of more demos where the policy fails"),
    PLAN(INT64, finetune, .low = -1, .high = INT64_MAX / 4,
         .about = "control steps of finetuning; -1 = none"),
    PLAN(BOOL, gentle, .about = "finetuned as a policy that often succeeds"),
    PLAN(INT64, taught, .high = 1 << 24, .about = "successes that the student learns from"),
    PLAN(INT64, student_steps, .high = 1 << 30, .about = "of its training"),
};
static const loomFields plan_fields = LOOM_FIELDS(plan_rows);

int weave_plan_read(weavePlan* plan, const char* path, loomError* err) {
  loomYaml* y = NULL;
  int code = loom_yaml_load(&y, NULL, path, err);
  if (!code) code = loom_fields_read(plan, &plan_fields, y, loom_yaml_root(y), ~0U, "a plan", err);
  loom_yaml_destroy(y);
  return code;
}

bool weave_plan_is_whole(const weavePlan* p) {
  return p->looks && p->max_steps && p->demos && p->first_steps && p->steps && p->rounds && p->finetune &&
         p->taught && p->student_steps;
}

int weave_plan_keep(const weaveRun* run, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  char* text = NULL;
  size_t size = 0;
  FILE* f = open_memstream(&text, &size);
  if (!f) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a plan");
  loom_fields_write(f, &run->plan, &plan_fields, ~0U);

  loom_run_folder_path(path, &run->folder, "plan.yaml");
  int code = fclose(f) ? loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a plan")
                       : loom_file_write_text(path, text, err);
  free(text);
  return code;
}

// So many that take `seconds`, from least to most.
static int64_t fit(double seconds, double each, int64_t least, int64_t most) {
  double n = each > 0 ? seconds / each : (double)most;
  return n < (double)least ? least : n > (double)most ? most : (int64_t)n;
}

// Shares of the time: what a handover of an hour was best served by. Beyond a thousand demos and twenty
// thousand steps policies hardly gain (policies/README.md), and what is left is better spent on finetuning.
void weave_plan_data(weavePlan* plan, const weaveCosts* costs, double seconds) {
  if (!plan->looks) plan->looks = 100;
  if (!plan->max_steps) plan->max_steps = fit(2 * costs->rows, 1, 1, 1 << 20);
  if (!plan->demos) plan->demos = fit(0.14 * seconds, costs->demo, 12, 1000);
  if (!plan->first_steps) plan->first_steps = fit(0.045 * seconds, costs->step, 60, 4000);
  if (!plan->rounds) plan->rounds = 1;
}

void weave_plan_training(weavePlan* plan, const weaveCosts* costs, double seconds) {
  if (!plan->steps) plan->steps = fit(0.22 * seconds, costs->step, 300, 20000);
}

static const double seldom = 0.05;  // a policy that never succeeds is not finetuned

// Failures fall with what was spent on demos and training by a power, which the last round tells, and at most
// by a square root. Finetuning leaves three in ten of them, where there are successes to begin with.
bool weave_more_demos(double before, double now, double spent, double round, double left, bool finetunes) {
  // Half of what is left is finetuning's; where there is no time for any, nearly all of it is a round's.
  if (round > (finetunes ? 0.5 : 0.9) * left || now >= 1) return false;
  if (now < seldom) return true;

  double power =
      before < now && spent > round ? log((1 - before) / (1 - now)) / log(spent / (spent - round)) : 0;
  double demos = (1 - now) * (1 - pow((spent + round) / spent, -fmin(power, 0.5))) / round;
  double finetuning = finetunes ? 0.7 * (1 - now) / left : 0;
  return demos > finetuning;
}

void weave_plan_rest(weavePlan* plan, const weaveCosts* costs, double left, double success,
                     int64_t evaluations) {
  enum { EVERY = 100000, SHORTEST = 20000 };
  double student = 0.25 * left, tests = (double)(2 * evaluations + 4 * plan->looks) * costs->episode;
  double step = 1.05 * costs->control_step + costs->episode * (double)plan->looks / EVERY;

  if (!plan->finetune) {
    plan->finetune = fit(left - student - tests, step, 0, 1000000);
    if (plan->finetune < SHORTEST || success < seldom || success >= 1) plan->finetune = -1;
    plan->gentle = success >= 0.75;
  }
  if (!plan->taught) plan->taught = fit(0.3 * student, costs->episode / fmax(success, 0.1), 20, 500);
  if (!plan->student_steps) plan->student_steps = fit(0.7 * student, costs->step, 300, 20000);
}
