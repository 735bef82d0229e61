// Methods of a grid compared over its tasks and seeds (engine/base/statistics.h, after Agarwal et al.,
// NeurIPS 2021).
#ifndef LOOM_TOOLS_COMMAND_GRID_COMPARE_H
#define LOOM_TOOLS_COMMAND_GRID_COMPARE_H

#include "tools/command/grid_results.h"

enum {
  COMPARE_METHODS = 24,
  COMPARE_SCOPES = 64,
  COMPARE_POINTS = 41,
  COMPARE_DRAWS = 2000,
  COMPARE_LABEL = 512
};

// One method over the tasks of a scope: scores are success rates, or returns (by the report's range, where it
// has one).
typedef struct compareMethod {
  int tasks, runs;        // runs 0: none yet
  double iqm, low, high;  // 95 % stratified bootstrap interval
  double share[COMPARE_POINTS], share_low[COMPARE_POINTS], share_high[COMPARE_POINTS];  // above scope.score
} compareMethod;

// How likely a run of method x beats one of y.
typedef struct comparePair {
  int x, y, tasks;  // that both have
  double p, low, high;
} comparePair;

// What scores can be put together of: all tasks, or one whose returns have no range.
typedef struct compareScope {
  char label[COMPARE_LABEL];  // "" = all
  double score[COMPARE_POINTS];
  compareMethod method[COMPARE_METHODS + 1];
  int pairs;
  comparePair pair[COMPARE_METHODS * (COMPARE_METHODS + 1) / 2];
} compareScope;

typedef struct comparison {
  int nkey;
  const char* key[GRID_KEYS];  // that differ between cells, in the order of the table
  int methods;
  char label[COMPARE_METHODS + 1][COMPARE_LABEL];  // the last one may be the policies before
  bool has_before;
  int *method, *problem;  // (cells) of each cell; problem: all that differs but method and seed
  int problems, scopes;
  compareScope* scope;  // (scopes)
} comparison;

/// Free with comparison_destroy. LOOM_ERR_USAGE: more methods or tasks than can be compared.
int comparison_make(comparison* out, const grid* g, const gridResult* results, loomError* err);
/// What a scope is taken over, in words: tasks and seeds, or one task's seeds.
const char* comparison_over(const compareScope* scope);
void comparison_destroy(comparison* c);

#endif
