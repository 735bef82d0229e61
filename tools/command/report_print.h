// The report of a generation run as JSON and as text.
#ifndef LOOM_TOOLS_COMMAND_REPORT_PRINT_H
#define LOOM_TOOLS_COMMAND_REPORT_PRINT_H

#include <cjson/cJSON.h>

#include "generators/run/report.h"

/// Free with cJSON_Delete.
cJSON* report_json(const loomReport* report);
/// To stdout.
void report_print(const loomReport* report);

#endif
