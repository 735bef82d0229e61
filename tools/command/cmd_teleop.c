// demoloom teleop: demos driven by lines of text, from a file or a pipe: a script, a phone, a 3-D mouse.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/json.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/teleop.h"

typedef struct teleopArgs {
  const char *task, *out, *input, *reset;
  int64_t seed, attempt;
  double rate;
  bool echo, json;
  loomAssetRoots roots;
} teleopArgs;

static const toolOption options[] = {
    TOOL_OPTION_AS("output", 'o', "FILE.hdf5", teleopArgs, STRING, out,
                   .about = "dataset; demos are added to those it has"),
    TOOL_OPTION_AS("input", 0, "FILE", teleopArgs, STRING, input,
                   .about = "lines to read; - reads them as they come"),
    TOOL_OPTION_AS("reset", 0, "NAME", teleopArgs, STRING, reset,
                   .about = "reset distribution; the task's first unless given"),
    TOOL_OPTION_AS("seed", 's', "S", teleopArgs, INT64, seed, .high = INT64_MAX, .about = "of the resets"),
    TOOL_OPTION_AS("attempt", 0, "N", teleopArgs, INT64, attempt, .high = INT64_MAX,
                   .about = "number of the first reset; each further one is the next"),
    TOOL_OPTION_AS("rate", 0, "HZ", teleopArgs, REAL, rate, .least = 0.01, .most = 10000, .unit = "Hz",
                   .about = "take no more than so many lines a second; as they come unless given"),
    TOOL_OPTION_AS("echo", 0, NULL, teleopArgs, BOOL, echo,
                   .about = "after each line say on stdout, as one line of JSON, how things stand"),
    TOOL_OPTION_AS("json", 0, NULL, teleopArgs, BOOL, json,
                   .about = "what was recorded, on stdout in the end"),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION(0, teleopArgs, roots),
};

static const toolCommand teleop_command = {
    .before =
        "usage: demoloom teleop TASK -o OUT.hdf5 --input FILE|- [options]\n"
        "\n"
        "Drives a task's robots by lines of text and records what succeeds as source demos, added to OUT. To "
        "drive\n"
        "by hand use `demoloom view TASK` and press Ctrl J: it records the same way.\n",
    .after =
        "A line is a JSON object, one control step; empty lines and those that begin with # are passed "
        "over:\n"
        "  {\"arm\": 0, \"move\": [0.01, 0, 0], \"turn\": [0, 0, 0.1], \"frame\": \"eef\"}\n"
        "                         m and rad (axis times angle) of this step; frame world (default), base or "
        "eef\n"
        "  {\"arm\": 1, \"pose\": [x, y, z, qw, qx, qy, qz]}   go there, in the world\n"
        "  {\"arm\": 0, \"device\": [x, y, z, qw, qx, qy, qz], \"clutch\": true}   a phone or controller, "
        "anywhere: the\n"
        "                         hand moves as it does while the clutch is held\n"
        "  {\"arm\": 0, \"hand\": 1}  -1 open to 1 closed; a list for a hand's single entries; it stays so\n"
        "  {\"arms\": [{...}, {...}]}  both at once\n"
        "  {\"steps\": 10, ...}      so many steps; move and turn are of each\n"
        "  {\"do\": \"undo\", \"seconds\": 5}    go back, and on from there\n"
        "  {\"do\": \"save\"}        keep the demo and begin the next; it must succeed, but for \"anyhow\": "
        "true\n"
        "  {\"do\": \"discard\"}     begin the next; \"reset\" begins the same again\n"
        "  {\"do\": \"speed\", \"factor\": 0.5}    on move and turn\n"
        "  {\"do\": \"quit\"}\n"
        "At the end of the input a demo that succeeds is saved, another is dropped. Bad samples (a line cut "
        "off,\n"
        "numbers that are none, a quaternion not of length 1, a device that jumps) are ignored and counted; "
        "the\n"
        "arms keep their targets.\n"
        "\n"
        "example:\n"
        "  ./drive.py | demoloom teleop handover --input - --rate 20 --echo -o mine.hdf5\n"
        "  demoloom generate handover --source mine.hdf5 -n 1000 -o handover.hdf5\n",
    TOOL_OPTIONS(options),
};

static int read_teleop_options(teleopArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &teleop_command);
  if (code) return code;

  // One task, a place for its demos, and what drives it.
  if (optind + 1 != argc) return tool_usage("teleop", "it takes one task");
  if (!a->out) return tool_usage("teleop", "say where the demos go: -o OUT.hdf5");
  if (!a->input)
    return tool_usage("teleop",
                      "say what drives it: --input FILE or -; by hand it goes in `demoloom view TASK`");

  a->task = argv[optind];
  return 0;
}

// ---- lines

typedef struct lineReader {
  const char* path;
  FILE* file;
  int line;
  const teleopArgs* args;
  teleopSession* session;
  bool quit;
  double next;  // when the next step is due on loom_clock, with --rate
  bool bad;     // the line is a bad sample: it is passed over
  int taken, ignored;
} lineReader;

#define LINE_ERROR(r, err, ...) \
  loom_error_prefix(err, loom_error_set(err, LOOM_ERR_FORMAT, __VA_ARGS__), "%s:%d", (r)->path, (r)->line)

// What a tracker that is lost or cut off says, not what a script gets wrong: the session goes on without it.
#define SAMPLE_ERROR(r, err, ...) ((r)->bad = true, LINE_ERROR(r, err, __VA_ARGS__))

// Up to `max` numbers of a list, or one number where one_too; how many into *n.
static int read_json_numbers(double* out, int* n, int max, bool one_too, const cJSON* object, const char* key,
                             lineReader* r, loomError* err) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, key);
  *n = 0;
  if (!item) return 0;

  // A number alone may stand for a list of one.
  if (cJSON_IsNumber(item) && one_too && isfinite(item->valuedouble)) {
    out[(*n)++] = item->valuedouble;
    return 0;
  }

  for (const cJSON* e = cJSON_IsArray(item) ? item->child : NULL; e; e = e->next) {
    if (!cJSON_IsNumber(e) || *n == max) return SAMPLE_ERROR(r, err, "'%s' takes up to %d numbers", key, max);
    if (!isfinite(e->valuedouble)) return SAMPLE_ERROR(r, err, "'%s': a number is not finite", key);
    out[(*n)++] = e->valuedouble;
  }
  return *n ? 0 : SAMPLE_ERROR(r, err, "'%s' takes %s", key, one_too ? "a number or numbers" : "numbers");
}

static int only_keys(const cJSON* object, const char* const* keys, lineReader* r, loomError* err) {
  for (const cJSON* e = object->child; e; e = e->next) {
    int k = 0;
    while (keys[k] && strcmp(keys[k], e->string)) k++;
    if (!keys[k]) return LINE_ERROR(r, err, "no such key '%.60s'; see `demoloom teleop --help`", e->string);
  }
  return 0;
}

static int read_pose(loomPose* out, bool* has, const cJSON* object, const char* key, lineReader* r,
                     loomError* err) {
  double pose[7];

  // A key that is not there is no error, a pose of another length is.
  int n, code = read_json_numbers(pose, &n, 7, false, object, key, r, err);
  if (code || !n) return code;
  if (n != 7) return SAMPLE_ERROR(r, err, "'%s' takes seven numbers: x, y, z, qw, qx, qy, qz", key);

  // The quaternion is of length 1 but for rounding; more would be a mistake.
  double length = mju_norm(pose + 3, 4);
  if (!(length > 0.9 && length < 1.1))
    return SAMPLE_ERROR(r, err, "the quaternion is of length %g, not 1", length);

  // Nor is a robot so large.
  static const double most = 1000;
  for (int i = 0; i < 3; i++)
    if (fabs(pose[i]) > most) return SAMPLE_ERROR(r, err, "'%s' is %g m away", key, fabs(pose[i]));

  *has = true;
  *out = loom_pose_from_quat(pose, pose + 3);
  return 0;
}

static int read_arm(loomTeleopArm* out, const cJSON* object, lineReader* r, loomError* err) {
  static const char* const keys[] = {"arm",  "move",  "turn",   "frame",  "pose",
                                     "hand", "steps", "device", "clutch", NULL};
  int moves, turns;
  if (!cJSON_IsObject(object)) return LINE_ERROR(r, err, "an arm is an object: {\"move\": [...]}");

  // The keys of an arm, each left out or well formed.
  int code = only_keys(object, keys, r, err);
  if (!code) code = read_json_numbers(out->move, &moves, 3, false, object, "move", r, err);
  if (!code) code = read_json_numbers(out->turn, &turns, 3, false, object, "turn", r, err);
  if (!code) code = read_pose(&out->pose, &out->has_pose, object, "pose", r, err);
  if (!code) code = read_pose(&out->device, &out->has_device, object, "device", r, err);
  if (!code)
    code = read_json_numbers(out->hand, &out->hand_count, LOOM_MAX_HAND, true, object, "hand", r, err);
  if (code) return code;

  if (moves % 3 || turns % 3) return SAMPLE_ERROR(r, err, "'move' and 'turn' take three numbers");
  out->clutch = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "clutch"));

  // A frame by its name, the world's unless given.
  const cJSON* frame = cJSON_GetObjectItemCaseSensitive(object, "frame");
  int f = !frame ? 0 : cJSON_IsString(frame) ? loom_teleop_frame(frame->valuestring) : -1;
  if (f < 0) return LINE_ERROR(r, err, "'frame' is world, base or eef");

  out->frame = (loomTeleopFrame)f;
  return 0;
}

static int whole_number(int* out, const cJSON* object, const char* key, int fallback, int low, int high,
                        lineReader* r, loomError* err) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, key);
  *out = fallback;

  if (!item) return 0;
  *out = cJSON_IsNumber(item) ? item->valueint : low - 1;
  if (*out >= low && *out <= high && *out == item->valuedouble) return 0;
  return LINE_ERROR(r, err, "'%s' is a whole number from %d to %d", key, low, high);
}

// The inputs of a line, and how many steps they are for.
static int read_inputs(loomTeleopArm input[LOOM_MAX_ARMS], int* steps, const cJSON* object, lineReader* r,
                       loomError* err) {
  static const char* const keys[] = {"arms", "steps", NULL};
  int arms = r->session->episode->arm_count, arm,
      code = whole_number(steps, object, "steps", 1, 1, 100000, r, err);
  const cJSON* list = cJSON_GetObjectItemCaseSensitive(object, "arms");
  if (code) return code;

  // Several arms, a list; those left out hold still.
  if (list) {
    code = only_keys(object, keys, r, err);
    if (!code && (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > arms))
      code = LINE_ERROR(r, err, "'arms' is a list of up to %d", arms);
    for (int a = 0; !code && a < cJSON_GetArraySize(list); a++)
      code = read_arm(&input[a], cJSON_GetArrayItem(list, a), r, err);
    return code;
  }

  // One arm, by its number.
  code = whole_number(&arm, object, "arm", 0, 0, arms - 1, r, err);
  return code ? code : read_arm(&input[arm], object, r, err);
}

static void echo_state(const teleopSession* s, int ignored) {
  cJSON* root = cJSON_CreateObject();
  const loomEpisode* e = s->episode;
  cJSON_AddNumberToObject(root, "step", s->trace.rows);
  cJSON_AddNumberToObject(root, "attempt", (double)s->attempt);
  cJSON_AddNumberToObject(root, "saved", s->saved);
  cJSON_AddNumberToObject(root, "ignored", ignored);
  cJSON_AddBoolToObject(root, "success", loom_teleop_success(&s->teleop));

  // Poses as seven numbers, as the inputs have them.
  cJSON* eef = cJSON_AddArrayToObject(root, "eef");
  for (int a = 0; a < e->arm_count; a++) {
    loomPose pose = loom_episode_eef(e, a);
    double numbers[7] = {pose.pos[0],  pose.pos[1],  pose.pos[2], pose.quat[0],
                         pose.quat[1], pose.quat[2], pose.quat[3]};
    cJSON_AddItemToArray(eef, cJSON_CreateDoubleArray(numbers, 7));
  }

  cJSON* objects = cJSON_AddObjectToObject(root, "objects");
  for (int o = 0; o < s->task->object_count; o++) {
    loomPose pose = loom_episode_object(e, o);
    double numbers[7] = {pose.pos[0],  pose.pos[1],  pose.pos[2], pose.quat[0],
                         pose.quat[1], pose.quat[2], pose.quat[3]};
    cJSON_AddItemToObject(objects, s->task->objects[o].name, cJSON_CreateDoubleArray(numbers, 7));
  }

  // A line, flushed: whoever drives waits for it.
  char* text = cJSON_PrintUnformatted(root);
  if (text) puts(text);
  fflush(stdout);
  cJSON_free(text);
  cJSON_Delete(root);
}

static void keep_rate(lineReader* r) {
  if (r->args->rate <= 0) return;

  // What is early waits; what is late is not caught up with.
  double now = loom_clock();
  loom_sleep(r->next - now);
  r->next = fmax(r->next, now) + 1 / r->args->rate;
}

static int save_demo(teleopSession* s, bool anyhow, loomError* err) {
  int code = teleop_save(s, anyhow, err);
  if (code) return code;

  // Whoever drives is told what was saved, and what is missing in it.
  fprintf(stderr, "saved demo %d to %s as %s\n", s->saved, s->out, s->name);
  if (s->not_annotated.code) fprintf(stderr, "without subtasks: %s\n", s->not_annotated.message);
  return 0;
}

static int obey_command(lineReader* r, const cJSON* object, const char* what, loomError* err) {
  static const char* const keys[] = {"do", "seconds", "anyhow", "factor", NULL};
  teleopSession* s = r->session;
  int code = only_keys(object, keys, r, err);
  if (code) return code;

  // Back by some seconds, 5 unless given.
  if (!strcmp(what, "undo")) {
    const cJSON* seconds = cJSON_GetObjectItemCaseSensitive(object, "seconds");
    double t = cJSON_IsNumber(seconds) ? seconds->valuedouble : 5;
    if (!(t >= 0 && t < 1e6)) return LINE_ERROR(r, err, "'seconds' is a number of seconds to go back");
    return loom_teleop_undo(&s->teleop, (int)lround(t * s->task->control_freq), err);
  }

  // A demo that does not succeed is kept only when it is asked for.
  if (!strcmp(what, "save")) {
    code = save_demo(s, cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "anyhow")), err);
    return code ? loom_error_prefix(err, code, "%s:%d", r->path, r->line) : 0;
  }

  // How far a line's move and turn go.
  if (!strcmp(what, "speed")) {
    const cJSON* factor = cJSON_GetObjectItemCaseSensitive(object, "factor");
    if (!cJSON_IsNumber(factor) || !(factor->valuedouble > 0 && factor->valuedouble <= 100))
      return LINE_ERROR(r, err, "'factor' is a number above 0");
    s->teleop.def.speed = factor->valuedouble;
    return 0;
  }

  // Commands without arguments.
  if (!strcmp(what, "discard")) return teleop_restart(s, s->attempt + 1, err);
  if (!strcmp(what, "reset")) return teleop_restart(s, s->attempt, err);
  if (strcmp(what, "quit"))
    return LINE_ERROR(r, err, "no such command '%.60s': undo, save, discard, reset, speed, quit", what);

  r->quit = true;
  return 0;
}

// Samples of the device that moved nothing, and lines that were none.
static int count_ignored(const lineReader* r) {
  return r->ignored + r->session->teleop.jumps;
}

// The arms keep their targets. A stream of such lines does not fill the screen.
static void pass_over(lineReader* r, const loomError* why) {
  enum { TOLD = 5 };
  r->bad = false;
  if (++r->ignored <= TOLD) fprintf(stderr, "%s; the line is ignored\n", why->message);
  if (r->ignored == TOLD) fprintf(stderr, "%s: further such lines are only counted\n", r->path);
}

static int take_line(lineReader* r, const char* text, loomError* err) {
  const char* end = NULL;
  cJSON* object = loom_json_parse(text, strlen(text), &end);
  int steps = 0,
      code = cJSON_IsObject(object) && !end[strspn(end, " \t\r\n")]
                 ? 0
                 : SAMPLE_ERROR(r, err, "not a JSON object: '%.60s'; see `demoloom teleop --help`", text);

  // A command, or inputs for some steps.
  const cJSON* what = cJSON_GetObjectItemCaseSensitive(object, "do");
  loomTeleopArm input[LOOM_MAX_ARMS] = {{0}};
  if (!code && what)
    code = cJSON_IsString(what) ? obey_command(r, object, what->valuestring, err)
                                : LINE_ERROR(r, err, "'do' is the name of a command");
  if (!code && !what) code = read_inputs(input, &steps, object, r, err);

  cJSON_Delete(object);
  if (code && r->bad) {
    pass_over(r, err);
    code = steps = 0;
  } else if (!code) {
    r->taken++;
  }

  // The same input for each of its steps.
  for (int i = 0; !code && i < steps && !tool_stop; i++) {
    keep_rate(r);
    memcpy(r->session->teleop.input, input, sizeof input);
    code = loom_teleop_step(&r->session->teleop, err);
    if (code) loom_error_prefix(err, code, "%s:%d", r->path, r->line);
  }

  // How things stand now: the answer to the line.
  if (!code && r->args->echo && !r->quit) echo_state(r->session, count_ignored(r));
  return code;
}

static int read_lines(lineReader* r, loomError* err) {
  char* text = NULL;
  size_t room = 0;
  int code = 0;

  // Empty lines and those that begin with # are skipped.
  while (!code && !r->quit && !tool_stop && getline(&text, &room, r->file) >= 0) {
    r->line++;
    text[strcspn(text, "\r\n")] = '\0';
    const char* at = text + strspn(text, " \t");
    if (*at && *at != '#') code = take_line(r, at, err);
  }

  // A pipe that breaks is not the end of the input.
  if (!code && ferror(r->file) && !tool_stop)
    code = loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read (%s)", r->path, strerror(errno));

  free(text);
  if (code == LOOM_ERR_USAGE) err->code = code = LOOM_ERR_FORMAT;  // it is the lines that ask for it
  return code;
}

static int drive_by_lines(int* ignored, const teleopArgs* a, teleopSession* s, loomError* err) {
  bool standard = !strcmp(a->input, "-");
  lineReader r = {.path = a->input, .args = a, .session = s, .file = standard ? stdin : fopen(a->input, "r")};

  if (!r.file)
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be opened (%s)", a->input, strerror(errno));
  if (a->echo) echo_state(s, 0);

  int code = read_lines(&r, err);
  if (!standard) fclose(r.file);

  // What was passed over is counted; lines that are all bad are another matter.
  *ignored = count_ignored(&r);
  if (*ignored) fprintf(stderr, "%d samples were ignored of %d lines\n", *ignored, r.taken + r.ignored);
  if (!code && r.ignored && !r.taken)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: none of its lines can be used", r.path);

  // At the end of the input, also where a wrong line is its end, the demo in hand is saved if it succeeds.
  if (r.quit || !s->trace.rows) return code;
  loomError why = {0, ""};
  int kept = loom_teleop_success(&s->teleop) ? save_demo(s, false, code ? &why : err) : 0;
  if (!kept && s->trace.rows)
    fprintf(stderr, "the last %d steps do not succeed and are dropped\n", s->trace.rows);
  return code ? code : kept;
}

int cmd_teleop(int argc, char** argv) {
  teleopArgs a = {0};
  loomTask* task = NULL;
  teleopSession session = {0};
  loomError err = {0, ""};
  int code = read_teleop_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  code = loom_task_find(&task, a.task, &err);
  if (!code) code = tool_assets(&a.roots, task, &err);
  if (!code)
    code = teleop_open(&session, task, &a.roots, a.out, a.reset, (uint64_t)a.seed, (uint64_t)a.attempt, &err);

  // Ctrl-C ends the input, not the file.
  tool_catch_signals();
  int ignored = 0;
  bool driven = !code;
  if (driven) code = drive_by_lines(&ignored, &a, &session, &err);

  if (tool_stop)
    fprintf(stderr, "interrupted: %d demos are saved in %s; the same command adds more\n", session.saved,
            a.out);
  if (a.json && driven) printf("{\"saved\": %d, \"ignored\": %d}\n", session.saved, ignored);
  if (!code && !session.saved) fprintf(stderr, "no demo was saved\n");
  int status = code ? tool_fail(&err) : session.saved && !tool_stop ? EXIT_DONE : EXIT_FAILED;

  teleop_close(&session);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  return status;
}
