// What decides a DAgger run's results: which values it takes, and the text by which its folder is known
// again.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/fields.h"
#include "policies/learn/dagger_internal.h"

// ---- the fields

// What a field is for (loomFieldDef.when): a gate, or a run but not its settings.
enum {
  MIXTURE = 1 << LOOM_GATE_MIXTURE,
  SAFETY = 1 << LOOM_GATE_SAFETY,
  ENSEMBLE = 1 << LOOM_GATE_ENSEMBLE,
  MAY_CHANGE = 1 << LOOM_GATES,
};

enum { MANY = 1000000000 };

#define DAGGER(kind, member, ...) LOOM_FIELD(loomDaggerDef, kind, member, __VA_ARGS__)
#define DAGGER_AS(label, kind, member, ...) LOOM_FIELD_AS(label, loomDaggerDef, kind, member, __VA_ARGS__)
#define ANY_REAL .least = -HUGE_VAL, .most = HUGE_VAL

// In the order of settings.yaml: folders that are begun keep to it.
static const loomFieldDef rows[] = {
    DAGGER(INT, max_steps, .high = MANY, .about = "control steps of an episode"),
    DAGGER(INT64, seed, .low = INT64_MIN, .high = INT64_MAX, .about = "of all that is random"),
    DAGGER(INT, demos, .high = MANY, .about = "of the expert in round 0"),
    DAGGER(INT, rounds, .high = MANY, .when = MAY_CHANGE, .about = "after the first"),
    DAGGER(INT, episodes, .low = 1, .high = MANY, .about = "of a round"),
    DAGGER(INT, evaluations, .low = 1, .high = MANY, .about = "episodes a novice is measured on"),
    DAGGER(INT, expert_episodes, .high = MANY, .when = MAY_CHANGE,
           .about = "the expert is measured on; 0 = as many"),
    DAGGER(INT, expert_successes, .high = MANY, .when = MAY_CHANGE,
           .about = "of the expert, or nothing is learned"),
    DAGGER(INT64, evaluation_seed, .low = INT64_MIN, .high = INT64_MAX, .about = "of their starts"),
    DAGGER_AS("tau", REAL, safety.tau, ANY_REAL, .about = "off is |a_novice - a_expert| above it"),
    DAGGER(CHOICE, gate, .choices = loom_gate_names, .about = "who acts in a round"),
    DAGGER(REAL, beta, .most = 1, .when = MIXTURE, .about = "beta^round: share of the expert's steps"),
    DAGGER_AS("threshold", REAL, safety.threshold, ANY_REAL, .when = SAFETY,
              .about = "probability of being off from which the expert acts"),
    DAGGER_AS("safety_hidden", INT, safety.hidden, .high = MANY, .when = SAFETY, .about = "units of a layer"),
    DAGGER_AS("safety_steps", INT, safety.steps, .high = MANY, .when = SAFETY, .about = "of its training"),
    DAGGER(INT, members, .low = 2, .high = LOOM_GATE_MEMBERS, .when = ENSEMBLE, .about = "novices"),
    DAGGER(REAL, doubt, ANY_REAL, .when = ENSEMBLE, .about = "disagreement above which the expert acts"),
    DAGGER(INT, final_steps, .high = MANY, .about = "of training the final novice; 0 = none"),
};
enum { ROWS = sizeof rows / sizeof *rows };

// ---- checked

int loom_dagger_check(const loomDaggerDef* def, loomError* err) {
  if (def->gate < LOOM_GATE_MIXTURE || def->gate >= LOOM_GATES)
    return loom_error_set(err, LOOM_ERR_USAGE, "DAgger: %d is no gate of a run", (int)def->gate);

  // What other gates use may be anything.
  unsigned now = 1U << def->gate | MAY_CHANGE;
  for (int i = 0; i < ROWS; i++) {
    char wanted[LOOM_FIELD_WANTED];
    if ((rows[i].when && !(rows[i].when & now)) || loom_field_given(def, &rows[i])) continue;
    loom_field_wanted(wanted, &rows[i]);
    return loom_error_set(err, LOOM_ERR_USAGE, "DAgger: '%s' has to be %s", rows[i].name, wanted);
  }

  // More than there are episodes of nobody can succeed.
  int alone = def->expert_episodes ? def->expert_episodes : def->evaluations;
  if (def->expert_successes <= alone) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "DAgger: 'expert_successes', %d, is more than the %d of its episodes",
                        def->expert_successes, alone);
}

// ---- written

// The run's own part. What is named by another object comes first: the task, with its content's digest, the
// expert and the reset distribution.
static void put_settings(FILE* f, const loomDaggerDef* def) {
  const loomTask* task = def->scene->task;
  fprintf(f, "task: %s  # %016llx\n", task->name, (unsigned long long)task->digest);
  fprintf(f, "expert: %s\n", def->expert_name);
  fprintf(f, "reset: %s\n", task->resets[def->reset].name);

  // Whether the task's number of steps was given or left to it does not matter.
  loomDaggerDef now = *def;
  now.max_steps = loom_dagger_max_steps(def);
  for (int i = 0; i < ROWS; i++) {
    if (rows[i].when && !(rows[i].when & 1U << def->gate)) continue;
    fprintf(f, "%s: ", rows[i].name);
    loom_field_print(f, &now, &rows[i]);
    fputc('\n', f);
  }
}

char* loom_dagger_settings(const loomDaggerDef* def) {
  char *text = NULL, *training = NULL;
  size_t size = 0;
  loomTrainConfig* config = malloc(sizeof *config);
  FILE* f = config ? open_memstream(&text, &size) : NULL;

  // Each round trains in a folder of its own; the name of it decides nothing, nor do threads.
  if (f) {
    *config = *def->config;
    snprintf(config->checkpoint.folder, sizeof config->checkpoint.folder, "runs");
    config->train.threads = 1;
    training = loom_train_config_text(config);
    put_settings(f, def);
    fprintf(f, "---\n%s", training ? training : "");
  }

  // All of it or nothing.
  if (f && (fclose(f) || !training)) {
    free(text);
    text = NULL;
  }
  free(training);
  free(config);
  return text;
}
