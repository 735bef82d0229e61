// A command's options as a table: a row says an option's name, where it goes and what it may be.
#ifndef LOOM_TOOLS_SHARED_OPTIONS_H
#define LOOM_TOOLS_SHARED_OPTIONS_H

#include <getopt.h>  // optind

#include "engine/model/model.h"

typedef enum toolOptionKind {
  TOOL_TEXT,
  TOOL_FLAG,
  TOOL_INT,
  TOOL_INT64,
  TOOL_DOUBLE,
  TOOL_SIZE,
  TOOL_LIST,
  TOOL_ASSETS,
  TOOL_CALL
} toolOptionKind;

typedef struct toolOption {
  toolOptionKind kind;
  char letter;        // -n; 0 = none
  const char* name;   // --name
  void* to;           // of its kind's type
  int* second;        // a size's height, how many a list has
  int64_t low, high;  // of whole numbers and sizes; high also a list's room
  double least, most;
  const char* what;  // a list is of
  int (*call)(void* to, const char* text);
} toolOption;

// The rows of a table.

toolOption option_text(const char* name, char letter, const char** to);
/// Without an argument.
toolOption option_flag(const char* name, char letter, bool* to);
toolOption option_int(const char* name, char letter, int* to, int low, int high);
toolOption option_int64(const char* name, char letter, int64_t* to, int64_t low, int64_t high);
toolOption option_double(const char* name, char letter, double* to, double low, double high);
/// WIDTHxHEIGHT.
toolOption option_size(const char* name, int* width, int* height, int low, int high);
/// May be given several times. list: (room), `what` its entries are ("files"); n: how many it has.
toolOption option_list(const char* name, char letter, const char** list, int* n, int room, const char* what);
/// --assets NAME=DIR, several times.
toolOption option_assets(char letter, loomAssetRoots* to);
/// What `call` makes of it, which returns 0 or, once it has said why not, the exit status.
toolOption option_call(const char* name, int (*call)(void* to, const char* text), void* to);

/// Take the options of argv, whose first is the command's name; --help prints `help`. Returns 0, and what is
/// no option lies from argv[optind] on; -1 after --help; or the exit status, once a message is printed.
int tool_options(int argc, char** argv, const char* help, const toolOption* options, size_t n);

#endif
