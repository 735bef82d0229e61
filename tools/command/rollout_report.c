// What is told of rollouts: JSON, text, and a table of several policies.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "tools/command/rollout.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"

// Which limit, how far beyond it, after which step.
static void add_breach(cJSON* out, const loomBreach* b) {
  if (b->limit == LOOM_LIMIT_NONE) return;
  cJSON* breach = cJSON_AddObjectToObject(out, "breach");
  cJSON_AddStringToObject(breach, "limit", loom_limit_name(b->limit));
  cJSON_AddNumberToObject(breach, "step", b->step);
  cJSON_AddNumberToObject(breach, "value", b->value);
  cJSON_AddStringToObject(breach, "reason", b->reason);
}

static cJSON* report_json(const rolloutArgs* a, const char* policy, const loomRolloutReport* r, bool timed) {
  cJSON *out = cJSON_CreateObject(), *ends = cJSON_AddObjectToObject(out, "ends"),
        *breaches = cJSON_AddObjectToObject(out, "breaches"), *list = cJSON_AddArrayToObject(out, "episodes");
  cJSON_AddStringToObject(out, "policy", policy);
  if (a->out && timed) cJSON_AddStringToObject(out, "file", a->out);
  if (a->video && timed) cJSON_AddStringToObject(out, "video", a->video);
  cJSON_AddNumberToObject(out, "seed", (double)a->seed);
  if (a->set) cJSON_AddStringToObject(out, "disturb", a->set->name);
  cJSON_AddNumberToObject(out, "n", r->n);
  cJSON_AddNumberToObject(out, "successes", r->ends[LOOM_RUN_SUCCESS]);
  cJSON_AddNumberToObject(out, "success", r->rate);
  cJSON_AddNumberToObject(out, "success_low", r->low);
  cJSON_AddNumberToObject(out, "success_high", r->high);
  cJSON_AddNumberToObject(out, "successes_within_limits", r->within);
  cJSON_AddNumberToObject(out, "success_within_limits", r->within_rate);
  cJSON_AddNumberToObject(out, "success_within_limits_low", r->within_low);
  cJSON_AddNumberToObject(out, "success_within_limits_high", r->within_high);
  if (!isnan(r->jerk)) cJSON_AddNumberToObject(out, "mean_squared_jerk", r->jerk);
  cJSON_AddNumberToObject(out, "success_steps", r->success_steps);

  // No two runs have times in common.
  if (timed) {
    cJSON_AddNumberToObject(out, "decision_mean", r->decision_mean);
    cJSON_AddNumberToObject(out, "decision_p99", r->decision_p99);
    cJSON_AddNumberToObject(out, "seconds", r->seconds);
  }

  // How episodes ended, and each of them.
  for (int e = 0; e <= LOOM_RUN_SIMULATOR; e++)
    cJSON_AddNumberToObject(ends, loom_run_end_name((loomRunEnd)e), r->ends[e]);
  for (int l = LOOM_LIMIT_NONE + 1; l < LOOM_LIMITS; l++)
    cJSON_AddNumberToObject(breaches, loom_limit_name((loomLimit)l), r->breaches[l]);
  for (int i = 0; i < r->n; i++) {
    cJSON* one = cJSON_CreateObject();
    cJSON_AddNumberToObject(one, "number", (double)r->rollout[i].number);
    cJSON_AddStringToObject(one, "end", loom_run_end_name(r->rollout[i].end));
    cJSON_AddNumberToObject(one, "steps", r->rollout[i].steps);
    cJSON_AddBoolToObject(one, "within_limits", r->rollout[i].within_limits);
    if (!isnan(r->rollout[i].jerk)) cJSON_AddNumberToObject(one, "mean_squared_jerk", r->rollout[i].jerk);
    add_breach(one, &r->rollout[i].breach);
    if (r->rollout[i].message[0]) cJSON_AddStringToObject(one, "message", r->rollout[i].message);
    if (a->drawn && a->drawn[i]) cJSON_AddItemToObject(one, "disturb", cJSON_CreateRaw(a->drawn[i]));
    cJSON_AddItemToArray(list, one);
  }
  return out;
}

// The one report, or a list of them.
static void print_rollout_json(const rolloutArgs* a, const loomRolloutReport* reports) {
  cJSON* out = a->policies > 1 ? cJSON_CreateArray() : report_json(a, a->policy[0], reports, true);
  for (int i = 0; a->policies > 1 && i < a->policies; i++)
    cJSON_AddItemToArray(out, report_json(a, a->policy[i], &reports[i], true));
  tool_print_report(out);
  cJSON_Delete(out);
}

static void print_rollout_text(const loomRolloutReport* r) {
  printf("%d of %d episodes succeed: %.1f %% (95 %% interval %.1f to %.1f)", r->ends[LOOM_RUN_SUCCESS], r->n,
         100 * r->rate, 100 * r->low, 100 * r->high);
  for (int e = LOOM_RUN_SUCCESS + 1; e <= LOOM_RUN_SIMULATOR; e++)
    if (r->ends[e]) printf(", %d %s", r->ends[e], loom_run_end_name((loomRunEnd)e));

  // The same within the task's limits, which end no rollout.
  printf("\n%d within limits: %.1f %% (%.1f to %.1f)", r->within, 100 * r->within_rate, 100 * r->within_low,
         100 * r->within_high);
  for (int l = LOOM_LIMIT_NONE + 1; l < LOOM_LIMITS; l++)
    if (r->breaches[l]) printf(", %d episodes breach %s", r->breaches[l], loom_limit_name((loomLimit)l));
  if (!isnan(r->jerk)) printf("\nmean squared jerk of the end effectors %.4g m^2/s^6", r->jerk);

  // How fast it decides, and how long a success takes.
  printf("\n%.1f s; a decision takes %.2f ms, 99 in 100 under %.2f ms", r->seconds, 1000 * r->decision_mean,
         1000 * r->decision_p99);
  if (r->success_steps > 0) printf("; success after %.0f steps", r->success_steps);
  putchar('\n');
}

// A line a policy. "jerk": mean squared, m^2/s^6; "better": starts from which it succeeds and the first does
// not; "worse": the other way.
static void print_rollout_table(const rolloutArgs* a, const loomRolloutReport* reports) {
  printf(
      "success  95 %% interval   within limits   jerk  better  worse  lost  done  timeout  simulator  "
      "decision ms  "
      "policy\n");
  for (int i = 0; i < a->policies; i++) {
    const loomRolloutReport* r = &reports[i];
    int better = 0, worse = 0;
    // On the same starts, against the first policy.
    for (int k = 0; k < r->n; k++) {
      bool here = r->rollout[k].end == LOOM_RUN_SUCCESS, first = reports->rollout[k].end == LOOM_RUN_SUCCESS;
      better += here && !first;
      worse += first && !here;
    }
    printf("%5.1f %%  %5.1f to %5.1f  %11.1f %%  %6.3g  %6d %6d %5d %5d %8d %10d %12.2f  %s\n", 100 * r->rate,
           100 * r->low, 100 * r->high, 100 * r->within_rate, r->jerk, better, worse, r->ends[LOOM_RUN_LOST],
           r->ends[LOOM_RUN_DONE], r->ends[LOOM_RUN_TIMEOUT], r->ends[LOOM_RUN_SIMULATOR],
           1000 * r->decision_mean, a->policy[i]);
  }
}

void rollout_print(const rolloutArgs* a, const loomRolloutReport* reports) {
  if (a->json)
    print_rollout_json(a, reports);
  else if (a->policies > 1)
    print_rollout_table(a, reports);
  else
    print_rollout_text(reports);
}

// ---- --results

int rollout_write_results(const rolloutArgs* a, const loomRolloutReport* reports, loomError* err) {
  cJSON *out = cJSON_CreateObject(), *list;

  // What was run, and what came of it.
  cJSON_AddItemToObject(out, "run", loom_json_read(a->settings));
  list = cJSON_AddArrayToObject(out, "policies");
  for (int i = 0; i < a->policies; i++)
    cJSON_AddItemToArray(list, report_json(a, a->policy[i], &reports[i], false));

  // A line like any other at its end.
  char *text = cJSON_Print(out), *line = NULL;
  int code = text && asprintf(&line, "%s\n", text) > 0
                 ? loom_file_write_text(a->results, line, err)
                 : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", a->results);

  cJSON_Delete(out);
  cJSON_free(text);
  free(line);
  return code;
}

int rollout_check_results(const rolloutArgs* a, loomError* err) {
  enum { MOST = 1 << 30 };  // bytes
  char* text = NULL;
  int code = loom_read_text(&text, NULL, a->results, MOST, err);
  if (code) return code;

  // As it was written.
  cJSON* root = loom_json_read(text);
  char* kept = cJSON_Print(cJSON_GetObjectItemCaseSensitive(root, "run"));
  code =
      kept ? loom_settings_compare(a->results, kept, a->settings, "name another file", err)
           : loom_error_set(err, LOOM_ERR_USAGE,
                            "%s is there already, and is no file of results; name another file", a->results);
  cJSON_free(kept);
  cJSON_Delete(root);
  free(text);
  return code;
}
