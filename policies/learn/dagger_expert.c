// The expert itself, before the first round: what it does alone, and whether that is enough to learn from.
#include <limits.h>
#include <stdio.h>

#include "engine/base/columns.h"
#include "engine/base/file.h"
#include "policies/learn/dagger_internal.h"

typedef struct expertTrial {
  const loomDaggerDef* def;
  const loomDaggerRound* alone;
} expertTrial;

// What expert.csv says.
static bool read_expert(loomDaggerRound* alone, const char* path) {
  char line[80];
  double value[2];
  FILE* f = fopen(path, "rb");
  if (!f) return false;

  // The first line has names, which are no numbers.
  bool read = false;
  while (!read && fgets(line, sizeof line, f)) read = loom_read_numbers(value, 2, line);
  fclose(f);

  // A file without such numbers is as none: the expert is measured again.
  if (!read || !(value[0] >= 1 && value[0] <= INT_MAX && value[1] >= 0 && value[1] <= value[0])) return false;
  alone->evaluated = (int)value[0];
  alone->succeeded = (int)value[1];
  return true;
}

// "3 timeout, 1 lost"; "" where it is not known how its episodes ended.
static void tell_ends(char* out, size_t n, const loomDaggerRound* alone) {
  size_t at = 0;
  out[0] = 0;

  for (int i = LOOM_RUN_SUCCESS + 1; i < LOOM_RUN_ENDS && at < n; i++) {
    if (!alone->ends[i]) continue;
    int wrote = snprintf(out + at, n - at, "%s%d %s", at ? ", " : ", of the others ", alone->ends[i],
                         loom_run_end_name((loomRunEnd)i));
    at += wrote > 0 ? (size_t)wrote : 0;
  }
}

// Told, and then judged: what an expert that never succeeds says is not worth an epoch.
static int judge_expert(const loomDaggerDef* def, const loomDaggerRound* alone, loomError* err) {
  char ends[160];

  if (def->expert_measured) def->expert_measured(def->user, alone->evaluated, alone->succeeded);
  if (alone->succeeded >= def->expert_successes) return LOOM_OK;

  tell_ends(ends, sizeof ends, alone);
  return loom_error_set(
      err, LOOM_ERR_UNSUPPORTED,
      "expert %s: %d of %d succeed in at most %d steps%s; nothing was learned from it: mend it or "
      "let its episodes be longer ('max_steps'), or go on all the same ('expert_successes' 0)",
      def->expert_name, alone->succeeded, alone->evaluated, loom_dagger_max_steps(def), ends);
}

static int keep_expert(void* user, loomError* err) {
  const expertTrial* t = user;
  char path[LOOM_DAGGER_PATH], text[80];
  loom_dagger_path(path, t->def, "expert.csv", 0);

  snprintf(text, sizeof text, "evaluated,succeeded\n%d,%d\n", t->alone->evaluated, t->alone->succeeded);
  return loom_file_write_text(path, text, err);
}

int loom_dagger_measure_expert(loomDaggerReport* report, const loomDaggerDef* def, loomError* err) {
  loomDaggerRound alone = {0};
  char path[LOOM_DAGGER_PATH];
  loom_dagger_path(path, def, "expert.csv", 0);

  // Once is enough: whoever goes on with a run reads what the first part of it measured. Else no novice is
  // there, and the expert acts alone, on the starts that novices are measured on.
  if (!read_expert(&alone, path)) {
    loomGateDef gate = {.kind = LOOM_GATE_EXPERT, .expert = *def->expert};
    expertTrial measured = {def, &alone};
    const loomDaggerTrial trial = {
        .name = "measured-expert", .round = -1, .keep = keep_expert, .user = &measured};
    int code = loom_dagger_measure(&alone, def, &gate, &trial, err);
    if (code) return loom_error_prefix(err, code, "expert %s", def->expert_name);
    read_expert(&alone, path);
  }

  report->evaluated = alone.evaluated;
  report->succeeded = alone.succeeded;
  return judge_expert(def, &alone, err);
}
