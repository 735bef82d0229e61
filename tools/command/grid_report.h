// The report of a grid: report.txt, report.json, report.csv and report.png, the same bytes whoever did the
// cells, and costs.csv, which tells the processor time that they took.
#ifndef LOOM_TOOLS_COMMAND_GRID_REPORT_H
#define LOOM_TOOLS_COMMAND_GRID_REPORT_H

#include "tools/command/grid_compare.h"

/// Write them into the folder; then the text, or (json) the JSON, on stdout.
int grid_report(const grid* g, const gridResult* results, const char* folder, bool json, loomError* err);
/// report.png. LOOM_ERR_IO, LOOM_ERR_MEMORY.
int grid_draw(const comparison* c, const grid* g, const gridResult* results, const char* path,
              loomError* err);

#endif
