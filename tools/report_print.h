// The report of a generation run as JSON and as text.
#ifndef LOOM_TOOLS_REPORT_PRINT_H
#define LOOM_TOOLS_REPORT_PRINT_H

#include <cjson/cJSON.h>

#include "generators/report.h"

/// Free with cJSON_Delete.
cJSON* report_json(const loomReport* report);
/// To stdout.
void report_print(const loomReport* report);

#endif
