#include "tools/shared/tested.h"

#include <math.h>
#include <stdio.h>

#include "engine/base/statistics.h"

// ---- as JSON

void tool_add_tested(cJSON* out, const char* key, const loomTested* t) {
  cJSON* map = cJSON_AddObjectToObject(out, key);
  double low, high, n = (double)t->n;
  loom_wilson(&low, &high, t->successes, t->n);

  cJSON_AddNumberToObject(map, "n", n);
  cJSON_AddNumberToObject(map, "successes", (double)t->successes);
  cJSON_AddNumberToObject(map, "success", (double)t->successes / n);
  cJSON_AddNumberToObject(map, "success_low", low);
  cJSON_AddNumberToObject(map, "success_high", high);
  cJSON_AddNumberToObject(map, "successes_within_limits", (double)t->within);
  cJSON_AddNumberToObject(map, "success_within_limits", (double)t->within / n);

  cJSON* breaches = cJSON_AddObjectToObject(map, "breaches");
  for (int l = LOOM_LIMIT_NONE + 1; l < LOOM_LIMITS; l++)
    cJSON_AddNumberToObject(breaches, loom_limit_name((loomLimit)l), (double)t->breaches[l]);
  double jerk = loom_tested_jerk(t);
  if (!isnan(jerk)) cJSON_AddNumberToObject(map, "mean_squared_jerk", jerk);
}

static bool breaches_more(const loomTested* before, const loomTested* after) {
  return loom_is_rougher((double)loom_tested_breaches(before), (double)loom_tested_breaches(after));
}

static bool jerks_more(const loomTested* before, const loomTested* after) {
  return loom_is_rougher(loom_tested_jerk(before), loom_tested_jerk(after));
}

void tool_add_rougher(cJSON* out, const loomTested* before, const loomTested* after) {
  cJSON* list = cJSON_AddArrayToObject(out, "rougher");
  if (breaches_more(before, after)) cJSON_AddItemToArray(list, cJSON_CreateString("breaches"));
  if (jerks_more(before, after)) cJSON_AddItemToArray(list, cJSON_CreateString("mean_squared_jerk"));
}

// ---- as text

static void print_breaches(const loomTested* before, const loomTested* after) {
  printf("beyond the limits in %lld episodes before, in %lld after", (long long)loom_tested_breaches(before),
         (long long)loom_tested_breaches(after));
  const char* between = " (";

  // Only those that somebody breached.
  for (int l = LOOM_LIMIT_NONE + 1; l < LOOM_LIMITS; l++) {
    if (!before->breaches[l] && !after->breaches[l]) continue;
    printf("%s%s %lld and %lld", between, loom_limit_name((loomLimit)l), (long long)before->breaches[l],
           (long long)after->breaches[l]);
    between = ", ";
  }
  puts(between[0] == ',' ? ")" : "");
}

static void print_jerk(const loomTested* before, const loomTested* after) {
  double a = loom_tested_jerk(before), b = loom_tested_jerk(after);
  if (isnan(a) || isnan(b)) return;
  printf("mean squared jerk of the end effectors %.4g before, %.4g after, m^2/s^6", a, b);
  if (a > 0) printf(" (%.2f times)", b / a);
  putchar('\n');
}

void tool_print_tested(const loomTested* before, const loomTested* after) {
  double n = (double)before->n;
  printf("before %.1f %%, after %.1f %% of %lld episodes from the same fresh starts\n",
         100.0 * (double)before->successes / n, 100.0 * (double)after->successes / n, (long long)before->n);
  printf("within the task's limits %.1f %% and %.1f %%\n", 100.0 * (double)before->within / n,
         100.0 * (double)after->within / n);
  print_breaches(before, after);
  print_jerk(before, after);

  // A gain that was bought with roughness is told as that.
  bool breaches = breaches_more(before, after), jerk = jerks_more(before, after);
  if (breaches || jerk)
    printf(
        "ROUGHER than before: more than %.1f times as %s; a reward for smooth actions may help (--reward: "
        "action_change, breach)\n",
        LOOM_ROUGHER,
        breaches && jerk ? "many breaches and as much jerk"
        : breaches       ? "many breaches"
                         : "much jerk");
}
