// What dagger.c (rounds), dagger_settings.c (what decides the results), dagger_expert.c (what the expert does
// alone), dagger_collect.c (episodes to datasets) and dagger_report.c (tables and the picture) share.
// Internal.
#ifndef LOOM_POLICIES_LEARN_DAGGER_INTERNAL_H
#define LOOM_POLICIES_LEARN_DAGGER_INTERNAL_H

#include "policies/learn/dagger.h"

enum { LOOM_DAGGER_PATH = LOOM_PATH_MAX + 80 };

/// FOLDER/NAME with the round's number for %d.
void loom_dagger_path(char out[LOOM_DAGGER_PATH], const loomDaggerDef* def, const char* name, int round);

static inline int loom_dagger_max_steps(const loomDaggerDef* def) {
  return def->max_steps > 0 ? def->max_steps : def->scene->task->max_steps;
}

/// LOOM_ERR_USAGE, with its name and what it has to be, for the first number that is out of its range.
int loom_dagger_check(const loomDaggerDef* def, loomError* err);
/// settings.yaml, malloc'ed: all that decides the results, so that only a run with the same text goes on in a
/// folder. NULL: no memory.
char* loom_dagger_settings(const loomDaggerDef* def);

/// Run round number out->round's episodes and write those rows at which the expert was asked to round_I.hdf5
/// (no file when there are none), tell of it, and keep the counts, *out, in collected_I.csv.
int loom_dagger_collect(loomDaggerRound* out, const loomDaggerDef* def, const loomGateDef* gate,
                        loomError* err);

/// How a novice, or the expert, is measured.
typedef struct loomDaggerTrial {
  const char* name;    // "measured-3", what other processes know it by
  int round;           // -1: the expert
  const char* errors;  // in a file of that name (loom_dagger_path) how far it is from the expert by step;
                       // NULL: none
  int (*keep)(void* user, loomError* err);  // what was measured, so that all processes find it
  void* user;
} loomDaggerTrial;

/// What the expert alone (no members) or the novice alone does on the starts for measuring: the counts of
/// *out. One process writes and keeps it, for all: after that it is to be read from where it is kept.
int loom_dagger_measure(loomDaggerRound* out, const loomDaggerDef* def, const loomGateDef* gate,
                        const loomDaggerTrial* trial, loomError* err);

/// Before the first round: the expert alone, as it was measured in an earlier part of the run or is now,
/// told, and LOOM_ERR_UNSUPPORTED where it succeeds in fewer than expert_successes.
int loom_dagger_measure_expert(loomDaggerReport* report, const loomDaggerDef* def, loomError* err);

/// rounds.csv as a whole, and read again.
int loom_dagger_write_rounds(const char* path, const loomDaggerReport* report, loomError* err);
int loom_dagger_read_rounds(loomDaggerReport* out, const char* path, loomError* err);
/// The one round that a file has; *out stays as it is where there is no file.
int loom_dagger_read_round(loomDaggerRound* out, const char* path, loomError* err);
/// The rows of errors_I.csv; sum of rows may be 0 when the file is not there.
typedef struct loomDaggerErrors {
  int n;
  double *running, *deviation, *accumulated;  // (n)
} loomDaggerErrors;
int loom_dagger_read_errors(loomDaggerErrors* out, const char* path, loomError* err);
void loom_dagger_errors_destroy(loomDaggerErrors* errors);
/// Success against rounds, and the accumulated deviation against the step for the first and the best novice.
int loom_dagger_draw(const loomDaggerReport* report, const loomDaggerDef* def, loomError* err);

#endif
