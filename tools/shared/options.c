#include "tools/shared/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tools/shared/common.h"

toolOption option_text(const char* name, char letter, const char** to) {
  return (toolOption){.kind = TOOL_TEXT, .name = name, .letter = letter, .to = to};
}

toolOption option_flag(const char* name, char letter, bool* to) {
  return (toolOption){.kind = TOOL_FLAG, .name = name, .letter = letter, .to = to};
}

toolOption option_int(const char* name, char letter, int* to, int low, int high) {
  return (toolOption){.kind = TOOL_INT, .name = name, .letter = letter, .to = to, .low = low, .high = high};
}

toolOption option_int64(const char* name, char letter, int64_t* to, int64_t low, int64_t high) {
  return (toolOption){.kind = TOOL_INT64, .name = name, .letter = letter, .to = to, .low = low, .high = high};
}

toolOption option_double(const char* name, char letter, double* to, double low, double high) {
  return (toolOption){
      .kind = TOOL_DOUBLE, .name = name, .letter = letter, .to = to, .least = low, .most = high};
}

toolOption option_size(const char* name, int* width, int* height, int low, int high) {
  return (toolOption){
      .kind = TOOL_SIZE, .name = name, .to = width, .second = height, .low = low, .high = high};
}

toolOption option_list(const char* name, char letter, const char** list, int* n, int room, const char* what) {
  return (toolOption){
      .kind = TOOL_LIST, .name = name, .letter = letter, .to = list, .second = n, .high = room, .what = what};
}

toolOption option_assets(char letter, loomAssetRoots* to) {
  return (toolOption){.kind = TOOL_ASSETS, .name = "assets", .letter = letter, .to = to};
}

toolOption option_call(const char* name, int (*call)(void* to, const char* text), void* to) {
  return (toolOption){.kind = TOOL_CALL, .name = name, .to = to, .call = call};
}

static int take_number(const toolOption* o, const char* command, const char* name, const char* text) {
  int64_t whole;
  if (o->kind == TOOL_DOUBLE)
    return tool_double(o->to, command, name, text, o->least, o->most) ? 0 : EXIT_USAGE;
  if (!tool_int(&whole, command, name, text, o->low, o->high)) return EXIT_USAGE;
  if (o->kind == TOOL_INT)
    *(int*)o->to = (int)whole;
  else
    *(int64_t*)o->to = whole;
  return 0;
}

static int take_list(const toolOption* o, const char* command, const char* text) {
  const char** list = o->to;
  if (*o->second == o->high) return tool_usage(command, "at most %d %s", *o->second, o->what);
  list[(*o->second)++] = text;
  return 0;
}

static int take(const toolOption* o, const char* command, const char* text) {
  char name[64];
  loomError err = {0, ""};
  snprintf(name, sizeof name, "--%s", o->name);
  switch (o->kind) {
    case TOOL_TEXT:
      *(const char**)o->to = text;
      return 0;
    case TOOL_FLAG:
      *(bool*)o->to = true;
      return 0;
    case TOOL_SIZE:
      if (tool_read_size(o->to, o->second, text, (int)o->low, (int)o->high)) return 0;
      return tool_usage(command, "%s takes WIDTHxHEIGHT, %d to %d, not '%s'", name, (int)o->low, (int)o->high,
                        text);
    case TOOL_LIST:
      return take_list(o, command, text);
    case TOOL_ASSETS:
      return loom_asset_roots_add_option(o->to, text, &err) ? tool_fail(&err) : 0;
    case TOOL_CALL:
      return o->call(o->to, text);
    default:
      return take_number(o, command, name, text);
  }
}

enum { OPTIONS_MAX = 64, FIRST_LONG = 256 };  // getopt's value of a long option is FIRST_LONG and its row

static const toolOption* row_of(int c, const toolOption* options) {
  if (c >= FIRST_LONG) return &options[c - FIRST_LONG];
  while (options->letter != c) options++;
  return options;
}

int tool_options(int argc, char** argv, const char* help, const toolOption* options, size_t n) {
  struct option known[OPTIONS_MAX + 2] = {{0}};
  char letters[2 * OPTIONS_MAX + 2] = "h";
  size_t used = 1;
  assert(n <= OPTIONS_MAX);
  for (size_t i = 0; i < n; i++) {
    bool argument = options[i].kind != TOOL_FLAG;
    known[i] = (struct option){options[i].name, argument, NULL, FIRST_LONG + (int)i};
    if (options[i].letter) letters[used++] = options[i].letter;
    if (options[i].letter && argument) letters[used++] = ':';
  }
  known[n] = (struct option){"help", no_argument, NULL, 'h'};
  optind = 0;  // glibc: begin anew, though an earlier command line may have been left half-way
  for (int c; (c = getopt_long(argc, argv, letters, known, NULL)) != -1;) {
    if (c == '?') return EXIT_USAGE;
    if (c == 'h') {
      fputs(help, stdout);
      return -1;
    }
    int code = take(row_of(c, options), argv[0], optarg);
    if (code) return code;
  }
  return 0;
}
