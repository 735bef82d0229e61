// A grid of runs as YAML: every combination of the values of some options, each a cell that is named by the
// hash of what decides its result.
//
//   grid:                                  # or a list of such maps, one after the other
//     task: [tests/gym/hopper.yaml, tests/gym/walker2d.yaml]
//     method: [ppo, td3]
//     seed: [1, 2, 3]
//   set: {scratch: true, steps: 100000}    # the same in all cells
//   report: {reach: 1000}
#ifndef LOOM_TOOLS_COMMAND_GRID_H
#define LOOM_TOOLS_COMMAND_GRID_H

#include "engine/base/yaml.h"
#include "tools/shared/options.h"

enum { GRID_KEYS = 32, GRID_CELLS = 10000, GRID_RANGES = 64 };

typedef struct gridValue {
  const char* text;
  uint64_t digest;  // of the file that it names; 0 = none
  bool missing;     // it names a file that is not there
} gridValue;

typedef struct gridSetting {
  const char* key;  // an option's name, or "policy"
  const gridValue* value;
} gridSetting;

typedef struct gridCell {
  char name[20];  // 16 hexadecimal digits
  int n;
  gridSetting setting[GRID_KEYS];  // (n) by key
} gridCell;

// What the report is told.
typedef struct gridReportDef {
  int ncompare;
  const char* compare[GRID_KEYS];  // keys whose values are the methods that are compared; 0: what is left
  double reach;                    // a success rate or return; NAN = none
  int nrange;
  struct {
    const char* task;  // "" = all
    double low, high;  // returns that count as scores 0 and 1
  } range[GRID_RANGES];
} gridReportDef;

typedef struct grid {
  loomYaml* yaml;
  int nvalue;
  gridValue** value;  // (nvalue) lists of them
  int n;
  gridCell* cell;  // (n) in the order of the file, each once
  gridReportDef report;
} grid;

/// command: the options that there are. LOOM_ERR_FORMAT: FILE:LINE and what is wrong there.
int grid_load(grid* out, const char* path, const toolCommand* command, loomError* err);
void grid_destroy(grid* g);

/// The value of a key, or NULL.
const gridValue* grid_value(const gridCell* cell, const char* key);
/// The first value that names a file that is not there, with its key; NULL = none.
const gridSetting* grid_missing(const gridCell* cell);

#endif
