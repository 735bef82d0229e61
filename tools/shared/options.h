// A command's options as a table: a row says an option's name, where it goes in the command's arguments, what
// it may be and what it is for. From it the command line is read and `--help` is printed.
#ifndef LOOM_TOOLS_SHARED_OPTIONS_H
#define LOOM_TOOLS_SHARED_OPTIONS_H

#include <getopt.h>  // optind

#include "engine/base/fields.h"
#include "engine/model/model.h"

typedef enum toolOptionKind {
  TOOL_FIELD,    // of its field's type; switches take no argument, lists can be given several times
  TOOL_SIZE,     // WIDTHxHEIGHT: an int at the field's offset and one at its `count`
  TOOL_ASSETS,   // NAME=DIR, several times: loomAssetRoots
  TOOL_CALL,     // what `call` makes of it
  TOOL_ALIAS,    // a letter that another option is known by too: no line in the help
  TOOL_HEADING,  // no option: a line of its own in the help
} toolOptionKind;

typedef struct toolOption {
  loomFieldDef field;
  char letter;           // -n; 0 = none
  const char* argument;  // "FILE"; "FILE.mp4": a file that is written, whose name may not say another kind
  toolOptionKind kind;
  int (*call)(void* args, const char* text);
  bool several;  // of calls: can be given several times
} toolOption;

/// A row whose option bears another name than the member of S that it sets, or the same.
#define TOOL_OPTION_AS(label, short_name, takes, S, type, member, ...) \
  { .field = LOOM_FIELD_AS(label, S, type, member, __VA_ARGS__), .letter = (short_name), .argument = (takes) }
#define TOOL_OPTION(short_name, takes, S, type, member, ...) \
  TOOL_OPTION_AS(#member, short_name, takes, S, type, member, __VA_ARGS__)
/// The same in every command that uses several cores.
#define TOOL_THREADS_OPTION(S, type, member)                        \
  TOOL_OPTION_AS("threads", 'j', "N", S, type, member, .high = 1024, \
                 .about = "0 = as many as cores; the result does not depend on it")
/// Several texts, in an array of const char* with their number in an int.
#define TOOL_LIST(label, short_name, takes, S, member, number, ...)                   \
  TOOL_OPTION_AS(label, short_name, takes, S, STRINGS, member, .size = sizeof(char*), \
                 .count = offsetof(S, number), __VA_ARGS__)
#define TOOL_SIZE_OPTION(label, S, width_member, height_member, ...)                                       \
  {                                                                                                        \
    .field = LOOM_FIELD_AS(label, S, INT, width_member, .count = offsetof(S, height_member), __VA_ARGS__), \
    .argument = "WxH", .kind = TOOL_SIZE                                                                   \
  }
#define TOOL_ASSETS_OPTION(short_name, S, member)                       \
  {                                                                     \
    .field = {.name = "assets",                                         \
              .offset = offsetof(S, member),                            \
              .about = "where assets lie, e.g. robosuite=DIR"},         \
    .letter = (short_name), .argument = "NAME=DIR", .kind = TOOL_ASSETS \
  }
/// `call` takes the command's arguments and the text (NULL for a switch, of which `takes` is NULL), returns 0
/// or, once it has said why not, the exit status.
#define TOOL_CALL_OPTION(label, takes, function, text) \
  { .field = {.name = (label), .about = (text)}, .argument = (takes), .kind = TOOL_CALL, .call = (function) }
/// Which GPU draws; for all commands that draw.
#define TOOL_GPU_OPTION                                                                             \
  TOOL_CALL_OPTION("gpu", "N", tool_take_gpu,                                                       \
                   "the EGL device that draws, as MUJOCO_EGL_DEVICE_ID; EGL counts in an order of " \
                   "its own, whatever CUDA_VISIBLE_DEVICES says")
/// The same in every command that runs episodes of its own.
#define TOOL_DISTURB_OPTION(S, member)                                                               \
  TOOL_OPTION_AS("disturb", 0, "NAME|FILE", S, STRING, member,                                       \
                 .about =                                                                            \
                     "what disturbs them: a set of the task's `randomize:`, or a file that is one; " \
                     "`demoloom help task` has the terms")
/// The same, several times.
#define TOOL_CALLS_OPTION(label, takes, function, text)                                                      \
  {                                                                                                          \
    .field = {.name = (label), .about = (text)}, .argument = (takes), .kind = TOOL_CALL, .call = (function), \
    .several = true                                                                                          \
  }
/// An earlier letter of the option of that name.
#define TOOL_ALIAS_LETTER(also, label) \
  { .field = {.name = (label)}, .letter = (also), .kind = TOOL_ALIAS }
#define TOOL_HEADING_LINE(text) \
  { .field = {.about = (text)}, .kind = TOOL_HEADING }

/// Choices of an option that is on or off whatever its default is: 0 = off, 1 = on.
extern const char* const tool_switches[];

/// What a command's help has before its options and after them, and these.
typedef struct toolCommand {
  const char *before, *after;
  const toolOption* option;
  size_t n;
} toolCommand;
#define TOOL_OPTIONS(rows) .option = (rows), .n = sizeof(rows) / sizeof *(rows)

/// Take the options of argv, whose first is the command's name, into args, which hold the defaults; --help
/// prints what there is. An option that takes one value and is given two is wrong usage. Returns 0, and what
/// is no option lies from argv[optind] on; -1 after --help; or the exit status, once a message is printed.
int tool_options(void* args, int argc, char** argv, const toolCommand* command);
/// Draw on the EGL device of that number: EXIT_USAGE, once told, for what is no number, or where software is
/// to draw. Whether there is such a device is found out when something is drawn.
int tool_take_gpu(void* args, const char* text);
/// The help, with the defaults that args hold.
void tool_print_help(FILE* out, const void* args, const toolCommand* command);

#endif
