// What the subcommands share: finding scenes and assets, loading tasks and sources, progress, messages.
#ifndef LOOM_TOOLS_SHARED_COMMON_H
#define LOOM_TOOLS_SHARED_COMMON_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/scene/library.h"
#include "engine/scene/scene.h"
#include "generators/source/replay.h"

struct cJSON;

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/// Print "demoloom: message" to stderr and return EXIT_FAILED (EXIT_USAGE for LOOM_ERR_USAGE).
int tool_fail(const loomError* err);
/// Wrong usage: the message, then a hint at --help. Returns EXIT_USAGE.
int tool_usage(const char* command, const char* format, ...) LOOM_PRINTF(2, 3);

/// Add the roots a task needs that the user did not give, fetching assets that are not there yet.
int tool_assets(loomAssetRoots* roots, const loomTask* task, loomError* err);

/// The same for one set of assets, which the file `label` names; "" is none.
int tool_known_assets(loomAssetRoots* roots, const char* set, const char* label, loomError* err);

/// What a command looks at: a task's source demos (target is a scene's name or a task.yaml), or a dataset,
/// whose task is task_name's (nullable) or else the scene whose env_name is that of its env_args. Adds the
/// task's asset roots. rest: of a file cut short, what is left. The caller destroys and closes both.
int tool_open(loomTask** task, loomDataset** dataset, loomAssetRoots* roots, const char* target,
              const char* task_name, bool rest, loomError* err);

/// What a copy of a dataset lacks (loomAssembleDef.left_out), on stderr where `told`; then it is freed.
void tool_tell_left_out(loomNames* left_out, bool told);

/// Before many threads draw, each alone: threads of the driver's own would only get in their way.
void tool_draw_side_by_side(void);
/// On stdout.
void tool_print_json(const struct cJSON* json);
/// As a file, whole or not at all: a result says that its run is done. LOOM_ERR_IO, LOOM_ERR_MEMORY.
int tool_write_json(const char* path, const struct cJSON* json, loomError* err);

/// A number at the start of *text, which then goes behind it; false where there is none, or not
/// in [low, high].
bool tool_read_int(int64_t* out, const char** text, int64_t low, int64_t high);
bool tool_read_double(double* out, const char** text);
/// WIDTHxHEIGHT, the whole text; each from low to high.
bool tool_read_size(int* width, int* height, const char* text, int low, int high);
/// Parse a whole number in [low, high]; prints and returns false otherwise.
bool tool_int(int64_t* out, const char* command, const char* option, const char* text, int64_t low,
              int64_t high);
/// Up to `most` different ones with commas between them.
bool tool_int_list(int* n, int64_t* list, int most, const char* command, const char* option, const char* text,
                   int64_t low, int64_t high);
bool tool_double(double* out, const char* command, const char* option, const char* text, double low,
                 double high);

/// Set by Ctrl-C or SIGTERM once tool_catch_signals was called; a second one ends the program at once.
extern volatile sig_atomic_t tool_stop;
void tool_catch_signals(void);
/// Until then either says that it ends the program, which it does with status 128 + its number.
void tool_tell_signals(void);
/// What a run in a folder says when it was stopped, or could not write there: what is kept, if its file
/// `mark` is there, and how to go on. Returns code.
int tool_go_on(loomError* err, int code, const char* folder, const char* mark);

/// A progress line on stderr: overwritten in place on a terminal, a plain line every 10 s otherwise; nothing
/// in the first two seconds. done of total (0 = unknown), then `note`.
void tool_progress(const char* what, int64_t done, int64_t total, double seconds, const char* note);
/// Of demos that are copied (loomAssembleDef.progress); user: a double, when that began. tool_stop ends it.
int tool_show_copied(void* user, int done, int total);
/// Of a run that goes on: `before` of them were done when the seconds began.
void tool_progress_from(const char* what, int64_t before, int64_t done, int64_t total, double seconds,
                        const char* note);
void tool_progress_end(void);

#endif
