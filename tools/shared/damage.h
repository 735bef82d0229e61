// Demos that are damaged or missing, as all commands treat them: an error, unless --skip-damaged goes on.
#ifndef LOOM_TOOLS_SHARED_DAMAGE_H
#define LOOM_TOOLS_SHARED_DAMAGE_H

#include "tools/shared/options.h"

struct cJSON;

/// From now on what datasets lack is told on stderr, each thing once.
void tool_watch_damage(void);
/// What --skip-damaged does. Returns 0.
int tool_skip_damaged(void* args, const char* text);
/// On stdout, as tool_print_json, with "left_out": ["FILE: demo_3", ...] where --skip-damaged or --skip left
/// something out.
void tool_print_report(struct cJSON* report);
/// The same in one line.
void tool_print_report_line(struct cJSON* report);

/// "left out: 2 demos: FILE: demo_3, ..." on stdout; nothing where none were.
void tool_print_left_out(void);

/// The same in every command that makes something of source demos.
#define TOOL_SKIP_OPTION(S, member)                \
  TOOL_OPTION_AS("skip", 0, NULL, S, BOOL, member, \
                 .about = "go on without source demos that cannot be segmented; they are counted and named")

/// The same in every command that reads datasets.
#define TOOL_SKIP_DAMAGED_OPTION                            \
  TOOL_CALL_OPTION("skip-damaged", NULL, tool_skip_damaged, \
                   "go on without demos that are damaged or missing; they are counted and named")

#endif
