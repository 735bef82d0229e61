// Cells: pieces of work, each with a folder of its own in one that any number of processes and machines
// share. Each process takes a cell by a lease (engine/base/lease.h), does it in a child of its own, and
// goes to the next one that nobody has, until all are done; one whose worker is gone or frozen is taken
// again.
//
// The same leases as those of engine/base/share.h, which is for other pieces: its workers are threads that
// make a file in seconds, and a keeper thread of theirs beats. A cell is a run of hours with a folder, a lock
// and checkpoints of its own, and fails by itself. Its child looks at its lease by a timer, so that one that
// was frozen ends before it writes a byte more; it is forked, which a process with threads may not do; and
// it is told to stop, timed and has its output kept. Of these share has nothing, and cells need none of its
// files that are hashed and put in place.
#ifndef LOOM_TOOLS_SHARED_CELLS_H
#define LOOM_TOOLS_SHARED_CELLS_H

#include <stdbool.h>

#include "engine/base/error.h"

typedef enum toolCellState {
  TOOL_CELL_OPEN,    // to be done
  TOOL_CELL_DONE,    // its result is there
  TOOL_CELL_FAILED,  // it ended in an error, and its folder says which
  TOOL_CELL_BARRED,  // cannot be done: something that it reads is not there
} toolCellState;

typedef struct toolCells {
  const char* folder;  // leases lie in FOLDER/leases, cells in FOLDER/cells/NAME
  int n;
  int workers;  // children at a time
  int most;     // cells that this process does; 0 = as many as there are
  double beat;  // s (loomLeaseDef)
  void* user;
  const char* (*name)(void* user, int cell);
  toolCellState (*state)(void* user, int cell);
  /// In a child, with stdout in its folder's output.json and stderr in log.txt: the exit status. What it
  /// leaves half done it must be able to go on with.
  int (*run)(void* user, int cell);
  /// Once run has returned, under the lease: `status` (0: done), and the processor time that children took
  /// for this cell so far. It writes what `state` knows the cell by.
  int (*finish)(void* user, int cell, int status, double core_seconds, loomError* err);
} toolCells;

/// Do what there is to do, and wait for what others do: until every cell is done, failed or barred, or
/// `most` were done here. LOOM_ERR_INTERRUPTED once tool_stop is set and the children have kept what they
/// have; their leases are let go. Also the errors of finish and of leases.
int tool_cells_drain(const toolCells* cells, loomError* err);

/// FOLDER/cells/NAME/FILE ("" = the cell's folder).
void tool_cell_path(char out[LOOM_PATH_MAX + 128], const char* folder, const char* name, const char* file);

#endif
