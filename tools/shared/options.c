#include "tools/shared/options.h"

#include <assert.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/shared/common.h"
#include "tools/shared/file_kind.h"

const char* const tool_switches[] = {"off", "on", NULL};

static void* place_of(void* args, const toolOption* o) {
  return (char*)args + o->field.offset;
}

static bool is_switch(const toolOption* o) {
  return (o->kind == TOOL_FIELD && o->field.type == LOOM_FIELD_BOOL) ||
         (o->kind == TOOL_CALL && !o->argument);
}

// ---- help

// "320x240", where there is a size already.
static void size_default(char* out, size_t room, const toolOption* o, const void* args) {
  const int* width = (const int*)((const char*)args + o->field.offset);
  const int* height = (const int*)((const char*)args + o->field.count);

  if (*width >= o->field.low && *height >= o->field.low)
    snprintf(out, room, ", default %dx%d", *width, *height);
}

static void print_option(FILE* out, const toolOption* o, const void* args) {
  char lead[80], letter[8] = "    ", about[600], size[48] = "";
  if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
  snprintf(lead, sizeof lead, "  %s--%s%s%s", letter, o->field.name, o->argument ? " " : "",
           o->argument ? o->argument : "");

  // A field prints itself, with its default.
  if (o->kind == TOOL_FIELD) {
    loom_field_help(out, lead, &o->field, args);
    return;
  }

  // What is no plain field has its text, and a size its default.
  if (o->kind == TOOL_SIZE) size_default(size, sizeof size, o, args);
  snprintf(about, sizeof about, "%s%s", o->field.about, size);
  loomFieldDef plain = {.name = o->field.name, .about = about};
  loom_field_help(out, lead, &plain, NULL);
}

void tool_print_help(FILE* out, const void* args, const toolCommand* command) {
  static const loomFieldDef help = {.about = "this text"};
  fprintf(out, "%s\n", command->before);
  for (size_t i = 0; i < command->n; i++) {
    const toolOption* o = &command->option[i];
    if (o->kind == TOOL_ALIAS) continue;
    if (o->kind == TOOL_HEADING)
      fprintf(out, "%s%s:\n", i ? "\n" : "", o->field.about);
    else
      print_option(out, o, args);
  }
  loom_field_help(out, "  -h, --help", &help, NULL);
  if (command->after) fprintf(out, "\n%s", command->after);
}

// ---- one option

static int set_field(void* args, const toolOption* o, const char* command, const char* text) {
  char wanted[LOOM_FIELD_WANTED];
  if (loom_field_set(args, &o->field, text)) return 0;

  // It says what it would take.
  loom_field_wanted(wanted, &o->field);
  if (o->field.type == LOOM_FIELD_STRINGS) return tool_usage(command, "%s", wanted);
  return tool_usage(command, "--%s takes %s, not '%s'", o->field.name, wanted, text);
}

static int set_size(void* args, const toolOption* o, const char* command, const char* text) {
  int* width = place_of(args, o);
  int* height = (int*)((char*)args + o->field.count);
  int low = (int)o->field.low, high = (int)o->field.high;

  if (tool_read_size(width, height, text, low, high)) return 0;
  return tool_usage(command, "--%s takes WIDTHxHEIGHT, %d to %d, not '%s'", o->field.name, low, high, text);
}

static int set_option(void* args, const toolOption* o, const char* command, const char* text) {
  loomError err = {0, ""};
  switch (o->kind) {
    case TOOL_FIELD:
      return set_field(args, o, command, is_switch(o) ? "true" : text);
    case TOOL_SIZE:
      return set_size(args, o, command, text);
    case TOOL_ASSETS:
      return loom_asset_roots_add_option(place_of(args, o), text, &err) ? tool_fail(&err) : 0;
    case TOOL_CALL:
      return o->call(args, text);
    case TOOL_ALIAS:
    case TOOL_HEADING:
      break;
  }
  return 0;
}

// Lists, maps of assets and what `call` collects grow; all else would silently be the last one's.
static bool takes_several(const toolOption* o) {
  if (o->kind == TOOL_CALL) return o->several;
  return o->kind == TOOL_ASSETS || is_switch(o) ||
         (o->kind == TOOL_FIELD &&
          (o->field.type == LOOM_FIELD_STRINGS || o->field.type == LOOM_FIELD_NAMES));
}

// What the text is, before it is taken: given once, and no name that says another kind of file.
static int check_option(const toolOption* o, const char* before, const char* command, const char* text) {
  if (before && !takes_several(o) && strcmp(before, text) != 0)
    return tool_usage(command, "--%s takes one value and is given two, '%s' and '%s'", o->field.name, before,
                      text);

  const char* kind = o->argument && text ? tool_other_kind(text, o->argument) : NULL;
  if (kind)
    return tool_usage(command, "--%s writes %s, and '%s' says another kind: name it %s", o->field.name, kind,
                      text, o->argument);
  return 0;
}

// ---- all of them

enum { OPTIONS_MAX = 64, FIRST_LONG = 256 };  // getopt's value of a long option is FIRST_LONG and its row

// The option itself, where a row is only another letter for it.
static const toolOption* named_option(const toolOption* o, const toolCommand* command) {
  const toolOption* named = command->option;
  if (o->kind != TOOL_ALIAS) return o;
  while (named->kind == TOOL_ALIAS || !named->field.name || strcmp(named->field.name, o->field.name) != 0)
    named++;
  return named;
}

// What getopt knows them by: "hn:o:" and a struct each.
static void list_options(struct option known[OPTIONS_MAX + 2], char letters[2 * OPTIONS_MAX + 2],
                         const toolCommand* command) {
  size_t used = 0, n = 0;
  letters[used++] = 'h';
  for (size_t i = 0; i < command->n; i++) {
    const toolOption* o = &command->option[i];
    if (o->kind == TOOL_HEADING) continue;
    if (o->kind != TOOL_ALIAS)
      known[n++] = (struct option){o->field.name, !is_switch(o), NULL, FIRST_LONG + (int)i};

    // A colon says that the letter takes a value.
    if (o->letter) letters[used++] = o->letter;
    if (o->letter && !is_switch(named_option(o, command))) letters[used++] = ':';
  }

  letters[used] = '\0';
  known[n] = (struct option){"help", no_argument, NULL, 'h'};
}

static const toolOption* option_of(int c, const toolCommand* command) {
  if (c >= FIRST_LONG) return &command->option[c - FIRST_LONG];

  // A letter: getopt returns only those of the table.
  const toolOption* o = command->option;
  while (o->letter != c) o++;
  return named_option(o, command);
}

static int read_options(void* args, int argc, char** argv, const toolCommand* command, const char* help) {
  struct option known[OPTIONS_MAX + 2] = {{0}};
  char letters[2 * OPTIONS_MAX + 2];
  const char* given[OPTIONS_MAX] = {NULL};  // the text of each option so far
  list_options(known, letters, command);

  optind = 0;  // glibc: begin anew, though an earlier command line may have been left half-way
  for (int c; (c = getopt_long(argc, argv, letters, known, NULL)) != -1;) {
    if (c == '?') return EXIT_USAGE;
    if (c == 'h') {
      fputs(help, stdout);
      return -1;
    }

    const toolOption* o = option_of(c, command);
    const char** before = &given[o - command->option];
    int code = check_option(o, *before, argv[0], optarg);
    if (!code) code = set_option(args, o, argv[0], optarg);
    if (code) return code;
    *before = optarg;
  }
  return 0;
}

int tool_options(void* args, int argc, char** argv, const toolCommand* command) {
  char* help = NULL;
  size_t size = 0;
  assert(command->n <= OPTIONS_MAX);

  // The help tells defaults, so it is made before any option changes them.
  FILE* out = open_memstream(&help, &size);
  if (out) tool_print_help(out, args, command);
  if (!out || fclose(out)) {
    loomError err = {LOOM_ERR_MEMORY, "out of memory"};
    free(help);
    return tool_fail(&err);
  }

  int code = read_options(args, argc, argv, command, help);
  free(help);
  return code;
}

int tool_take_gpu(void* args, const char* text) {
  const char* software = getenv("DEMOLOOM_GL");
  char* end;
  long number = strtol(text, &end, 10);
  (void)args;

  if (end == text || *end || number < 0 || number > INT_MAX) {
    fprintf(stderr, "demoloom: --gpu takes the number of an EGL device, from 0, not '%s'\n", text);
    return EXIT_USAGE;
  }

  if (software && !strcmp(software, "osmesa")) {
    fprintf(stderr, "demoloom: --gpu %s: DEMOLOOM_GL=osmesa draws in software; leave one of them out\n",
            text);
    return EXIT_USAGE;
  }

  // Where all drawing looks, and programs that are started from here too.
  setenv("MUJOCO_EGL_DEVICE_ID", text, 1);
  return 0;
}
