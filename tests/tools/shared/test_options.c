// Tables of options: what they take, and what they say to what they do not take.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/shared/common.h"
#include "tools/shared/options.h"

typedef struct weaveArgs {
  const char *task, *film, *file[2], *called;
  bool json;
  int threads, files, width, height, pattern;
  int64_t seed;
  double rate;
  loomAssetRoots roots;
} weaveArgs;

static int take_colour(void* args, const char* text) {
  ((weaveArgs*)args)->called = text;
  return strcmp(text, "red") ? tool_usage("weave", "no red is '%s'", text) : 0;
}

static const char* const patterns[] = {"plain", "twill", NULL};

static const toolOption options[] = {
    TOOL_OPTION('t', "TASK", weaveArgs, STRING, task, .about = "what to weave"),
    TOOL_ALIAS_LETTER('x', "task"),
    TOOL_OPTION(0, "FILE.mp4", weaveArgs, STRING, film, .about = "to write"),
    TOOL_OPTION('q', NULL, weaveArgs, BOOL, json, .about = "on stdout"),
    TOOL_OPTION(0, "N", weaveArgs, INT, threads, .low = 1, .high = 8, .about = "in all"),
    TOOL_OPTION('s', "S", weaveArgs, INT64, seed, .high = INT64_MAX, .about = "of what is random"),
    TOOL_OPTION('r', "R", weaveArgs, REAL, rate, .least = 0.5, .most = 2, .unit = "Hz",
                .about = "of the shuttle"),
    TOOL_OPTION(0, "NAME", weaveArgs, CHOICE, pattern, .choices = patterns, .about = "of the cloth"),
    TOOL_HEADING_LINE("more"),
    TOOL_SIZE_OPTION("size", weaveArgs, width, height, .low = 16, .high = 64, .about = "of the cloth"),
    TOOL_LIST("file", 'f', "FILE", weaveArgs, file, files, .unit = "files", .about = "yarns"),
    TOOL_CALL_OPTION("colour", "NAME", take_colour, "red"),
    TOOL_ASSETS_OPTION(0, weaveArgs, roots),
};

static const toolCommand command = {
    .before = "usage: demoloom weave\n", .after = "example: weave\n", TOOL_OPTIONS(options)};

static const char* const help =
    "usage: demoloom weave\n\n"
    "  -t, --task TASK      what to weave\n"
    "      --film FILE.mp4  to write\n"
    "  -q, --json           on stdout\n"
    "      --threads N      in all\n"
    "  -s, --seed S         of what is random, default 0\n"
    "  -r, --rate R         of the shuttle (Hz), default 1.5\n"
    "      --pattern NAME   of the cloth (plain, twill), default twill\n"
    "\nmore:\n"
    "      --size WxH       of the cloth, default 32x16\n"
    "  -f, --file FILE      yarns\n"
    "      --colour NAME    red\n"
    "      --assets NAME=DIR\n"
    "                       where assets lie, e.g. robosuite=DIR\n"
    "  -h, --help           this text\n"
    "\nexample: weave\n";

static char said[4096];  // on stdout and stderr

// One command line, words with single spaces between them; what is no option is from argv[optind] on.
static int weave(weaveArgs* a, const char* line, char* argv[32]) {
  static char words[512];
  int argc = 0, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);

  FILE* f = tmpfile();
  assert_true(f && out >= 0 && err >= 0);

  snprintf(words, sizeof words, "weave %s", line);
  for (char* word = strtok(words, " "); word; word = strtok(NULL, " ")) argv[argc++] = word;
  argv[argc] = NULL;

  // What it begins with, and what it says.
  *a = (weaveArgs){.threads = -1, .rate = 1.5, .pattern = 1, .width = 32, .height = 16};
  fflush(stdout);
  dup2(fileno(f), STDOUT_FILENO);
  dup2(fileno(f), STDERR_FILENO);
  int status = tool_options(a, argc, argv, &command);

  fflush(stdout);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  close(out);
  close(err);

  rewind(f);
  said[fread(said, 1, sizeof said - 1, f)] = '\0';
  fclose(f);
  return status;
}

static void everything_goes_where_it_belongs(void** state) {
  (void)state;
  char* argv[32];

  weaveArgs a;
  assert_int_equal(
      weave(&a,
            "one --task=b -t b --thr 8 -s 9223372036854775807 --json --rate 0.5 two --size 16x64 "
            "-fx --file y --pattern plain --colour red --assets here=/tmp -- --json",
            argv),
      0);

  // Long and short, whole and cut short, the same twice.
  assert_string_equal(said, "");
  assert_string_equal(a.task, "b");
  assert_true(a.json);
  assert_int_equal(a.threads, 8);
  assert_true(a.seed == INT64_MAX);
  assert_true(a.rate == 0.5);
  assert_int_equal(a.width, 16);
  assert_int_equal(a.height, 64);

  // Lists and what calls take.
  assert_int_equal(a.files, 2);
  assert_string_equal(a.file[0], "x");
  assert_string_equal(a.file[1], "y");
  assert_string_equal(a.called, "red");
  assert_int_equal(a.pattern, 0);
  assert_int_equal(a.roots.n, 1);
  assert_string_equal(a.roots.root[0].path, "/tmp");

  // What is no option, in order, also after `--`.
  loom_asset_roots_destroy(&a.roots);
  assert_string_equal(argv[optind], "one");
  assert_string_equal(argv[optind + 1], "two");
  assert_string_equal(argv[optind + 2], "--json");
  assert_null(argv[optind + 3]);

  // Names of files as they may be; the letter that an option had before.
  static const char* const films[] = {"a.mp4", "a.M4V", "a", "run.2", "x.avi/a", ".mp4", "a.mp4"};
  for (size_t i = 0; i < sizeof films / sizeof *films; i++) {
    char line[64];
    snprintf(line, sizeof line, "--film %s -x c", films[i]);
    assert_int_equal(weave(&a, line, argv), 0);
    assert_string_equal(a.film, films[i]);
    assert_string_equal(a.task, "c");
  }

  // Nothing at all.
  assert_int_equal(weave(&a, "", argv), 0);
  assert_int_equal(a.threads, -1);
  assert_null(argv[optind]);
}

static void help_ends_it(void** state) {
  (void)state;
  char* argv[32];

  weaveArgs a;
  assert_int_equal(weave(&a, "--json --rate 2 -h --no-such-option", argv), -1);  // told are the defaults
  assert_string_equal(said, help);

  assert_int_equal(weave(&a, "--help", argv), -1);
  assert_string_equal(said, help);
}

static void wrong_usage(void** state) {
  (void)state;
  static const struct {
    const char *line, *says;
  } cases[] = {
      {"--colours blue", "unrecognized option '--colours'"},
      {"-qy", "invalid option -- 'y'"},
      {"--task", "option '--task' requires an argument"},
      {"-t", "option requires an argument -- 't'"},
      {"--json=1", "option '--json' doesn't allow an argument"},
      {"--s 1", "option '--s' is ambiguous"},
      {"--threads 9", "demoloom weave: --threads takes a whole number from 1 to 8, not '9'; see `demoloom"},
      {"--threads 0", "from 1 to 8, not '0'"},
      {"--threads 1.5", "not '1.5'"},
      {"-s -1", "--seed takes a whole number from 0 to 9223372036854775807, not '-1'"},
      {"-s 9223372036854775808", "not '9223372036854775808'"},
      {"--rate 2.01", "weave: --rate takes a number from 0.5 to 2, not '2.01'"},
      {"--rate nan", "not 'nan'"},
      {"--rate 1x", "not '1x'"},
      {"--size 64x65", "--size takes WIDTHxHEIGHT, 16 to 64, not '64x65'"},
      {"--size 64", "not '64'"},
      {"--size 64x64x", "not '64x64x'"},
      {"-f 1 -f 2 --file 3", "weave: at most 2 files"},
      {"--pattern satin", "--pattern takes one of plain, twill, not 'satin'"},
      {"--colour blue", "no red is 'blue'"},
      {"--assets here", "demoloom: "},
      {"--task a --task b", "--task takes one value and is given two, 'a' and 'b'"},
      {"--task=a -t b", "given two, 'a' and 'b'"},
      {"-x a -tb", "given two, 'a' and 'b'"},
      {"--threads 1 --thr 2", "--threads takes one value and is given two, '1' and '2'"},
      {"--size 16x16 --size 32x32", "given two"},
      {"--pattern twill --pattern plain", "given two"},
      {"--colour red --colour blue", "given two"},
      {"--film a.avi", "--film writes an MP4 video, and 'a.avi' says another kind: name it FILE.mp4"},
      {"--film a.GIF", "'a.GIF' says another kind"},
      {"--film b.c/a.png", "says another kind"},
      {"--film a.mp4.hdf5", "says another kind"},
  };

  // Usage, in one line.
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char* argv[32];
    weaveArgs a;
    int status = weave(&a, cases[i].line, argv);
    if (status != EXIT_USAGE || !strstr(said, cases[i].says) || strchr(said, '\n') != said + strlen(said) - 1)
      fail_msg("%s: %d, said: %s", cases[i].line, status, said);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_goes_where_it_belongs),
      cmocka_unit_test(help_ends_it),
      cmocka_unit_test(wrong_usage),
  };
  return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
