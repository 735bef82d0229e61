// `generate --where POLICY`: a policy let loose shows where demos are wanted.
#ifndef LOOM_TOOLS_COMMAND_GENERATE_WHERE_H
#define LOOM_TOOLS_COMMAND_GENERATE_WHERE_H

#include <cjson/cJSON.h>

#include "generators/attempt/start_map.h"
#include "generators/run/report.h"

typedef struct generateWhere {
  const char *policy, *task;  // the task as the command line has it
  int episodes, threads, reset;
  uint64_t seed;
} generateWhere;

/// The map of where it fails in so many episodes, whose starts are none that attempts draw. Errors name the
/// policy's file.
int generate_where(loomStartMap** out, const generateWhere* where, const loomScene* scene, loomError* err);

/// The map in the cells of the report's regions, where the first object began.
cJSON* generate_where_json(const loomStartMap* map, const char* policy, const loomRegions* regions);
void generate_where_print(const loomStartMap* map, const char* policy);

#endif
