// demoloom finetune GRID.yaml: a grid of runs, drained by as many processes as there are, and its report.
#ifndef LOOM_TOOLS_COMMAND_FINETUNE_GRID_H
#define LOOM_TOOLS_COMMAND_FINETUNE_GRID_H

#include <stdint.h>

#include "tools/shared/options.h"

typedef struct finetuneGrid {
  const char *path, *folder;
  int64_t workers;   // cells at a time, each with one thread; 0 = as many as cores
  int64_t most;      // cells that this process does; 0 = all
  double heartbeat;  // s
  bool dry_run, retry, json;
  int argc;     // the command line: what it says of assets goes on to the cells, what a grid has to
  char** argv;  // say is refused
  const toolCommand* command;
  int (*run)(int argc, char** argv);  // one cell: the command itself
} finetuneGrid;

/// Returns the exit status, once told.
int finetune_grid(const finetuneGrid* def);

#endif
