// demoloom observe: a reward from watching demos, without their actions.
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "policies/learn/watch.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

enum { OPTIONS = 48 };

typedef struct observeArgs {
  loomWatchConfig config;  // its fields are options of their names
  const char* folder;
  const char* measure[LOOM_WATCH_OTHERS];
  int measures;
  bool resume, overwrite, json;
  double start;
} observeArgs;

static const toolOption own_options[] = {
    TOOL_HEADING_LINE("the run"),
    TOOL_OPTION_AS("output", 'o', "DIR", observeArgs, STRING, folder, .about = "where all goes"),
    TOOL_LIST(
        "measure", 0, "FILE", observeArgs, measure, measures, .unit = "files", .high = LOOM_WATCH_OTHERS,
        .about =
            "more demos that only measure, in other contexts or of another robot: a dataset, a film or a "
            "folder; can be given several times, and with --resume of a run that is done"),
    TOOL_THREADS_OPTION(observeArgs, INT, config.threads),
    TOOL_OVERWRITE_OPTION(observeArgs, overwrite),
    TOOL_OPTION(0, NULL, observeArgs, BOOL, resume, .about = "go on where the folder's checkpoint is"),
    TOOL_OPTION(0, NULL, observeArgs, BOOL, json, .about = "the result as one line of JSON on stdout"),
};

// Every setting is an option.
static size_t list_options(toolOption out[OPTIONS]) {
  static const char* const takes[] = {[LOOM_FIELD_INT] = "N",
                                      [LOOM_FIELD_REAL] = "X",
                                      [LOOM_FIELD_CHOICE] = "NAME",
                                      [LOOM_FIELD_NAMES] = "KEY",
                                      [LOOM_FIELD_SIZES] = "A,B,..."};
  size_t n = 0;

  for (int i = 0; i < loom_watch_fields.n; i++, n++) {
    const loomFieldDef* field = &loom_watch_fields.field[i];
    out[n] = (toolOption){.field = *field};
    out[n].field.offset += offsetof(observeArgs, config);
    if (field->type == LOOM_FIELD_NAMES) out[n].field.count += offsetof(observeArgs, config);
    if (field->type != LOOM_FIELD_BOOL) out[n].argument = takes[field->type];
    if (!strcmp(field->name, "method")) out[n].letter = 'm';
    if (!strcmp(field->name, "keys")) out[n].field.name = "key", out[n].letter = 'k';
    if (!strcmp(field->name, "seed")) out[n].letter = 's';
    if (!strcmp(field->name, "steps")) out[n].letter = 'n';
  }

  memcpy(out + n, own_options, sizeof own_options);

  return n + sizeof own_options / sizeof *own_options;
}

static int read_observe_options(observeArgs* a, int argc, char** argv) {
  toolOption options[OPTIONS];
  const toolCommand command = {
      .before =
          "usage: demoloom observe IN.hdf5 --method objects|tcc|tcn|translate -o DIR [options]\n"
          "       demoloom observe FILM.mp4|FOLDER... --method tcc|tcn -o DIR [options]\n"
          "\n"
          "Learns from demos, of which only poses of objects or pictures are looked at, never actions nor\n"
          "robots, how far a state is in the task: an embedding in which states that are as far are near\n"
          "each other in all demos. What a state is worth is minus its distance to where demos end; that\n"
          "is a reward for `demoloom finetune --reward DIR/reward.yaml`.\n"
          "Films (MP4, MOV, Matroska, WebM, AVI) are demos, too, and folders of pictures (PNG, JPEG), by "
          "name;\n"
          "a folder of such is one demo each, and a folder of folders of such a demo each, which several\n"
          "cameras have filmed. All have one size and rate, and are scaled to --side. A file that is "
          "damaged\n"
          "or made to do harm is read in a process that can do nothing but compute.\n"
          "Told of demos that were kept aside, beside an untrained embedding and what is seen as it is:\n"
          "Kendall's tau of rows and the nearest rows of other demos, the error of going there and back, of\n"
          "where the nearest row is, and tau of time and reward (progress).\n"
          "Into the folder go reward.yaml and encoder.safetensors (the reward), alignment.csv (the table),\n"
          "distance.png, config.yaml, last.safetensors (checkpoint), scalars.csv, curves.png and "
          "TensorBoard\n"
          "event files. Ctrl-C writes a checkpoint; --resume goes on, bit for bit.\n",
      .after =
          "examples:\n"
          "  demoloom observe handover.hdf5 -o runs/watched\n"
          "  demoloom observe handover.hdf5 --shuffled -o runs/control --json\n"
          "  demoloom render handover.hdf5 --obs seen.hdf5 --camera front --camera side --size 48x48\n"
          "  demoloom observe seen.hdf5 --method tcn -o runs/tcn\n"
          "  demoloom observe seen.hdf5 --method translate -o runs/translated\n"
          "  demoloom observe seen.hdf5 --method tcn -o runs/tcn --resume --measure other_robot.hdf5\n"
          "  demoloom observe films/*.mp4 --method tcc --key front_image -o runs/films\n"
          "  demoloom finetune policy.safetensors --reward runs/watched/reward.yaml -o runs/finetuned\n",
      .option = options,
      .n = list_options(options),
  };

  a->config = loom_default_watch_config();
  int code = tool_options(a, argc, argv, &command);

  if (code) return code;

  if (optind >= argc)
    return tool_usage("observe", "it takes one dataset of demos, IN.hdf5, or films and folders of pictures");
  if (!a->folder) return tool_usage("observe", "it takes -o, the folder where all goes");
  a->config.data = (const char* const*)argv + optind;
  a->config.inputs = argc - optind;
  return tool_one_of_both("observe", a->overwrite, a->resume);
}

static int show_reading(void* user, int done, int n) {
  const observeArgs* a = user;
  tool_progress("read", done, n, loom_clock() - a->start, "demos");
  return tool_stop != 0;
}

static void show_measuring(void* user, int done, int n) {
  const observeArgs* a = user;
  tool_progress("measured", done, n, loom_clock() - a->start, "demos kept aside");
}

static void show_steps(void* user, const loomWatchState* s) {
  const observeArgs* a = user;
  char note[80];
  snprintf(note, sizeof note, "steps, loss %.4f", s->loss);
  tool_progress("learned", s->step, s->steps, loom_clock() - a->start, note);
}

// ---- results

static void add_look(cJSON* to, const loomWatchLook* look) {
  cJSON_AddNumberToObject(to, "tau", look->tau);
  cJSON_AddNumberToObject(to, "cycle_error", look->cycle);
  cJSON_AddNumberToObject(to, "alignment_error", look->error);
  cJSON_AddNumberToObject(to, "progress", look->progress);
}

static void add_translation(cJSON* to, const loomTranslationLook* t) {
  cJSON_AddNumberToObject(to, "translated", t->translated);
  cJSON_AddNumberToObject(to, "reconstructed", t->reconstructed);
  cJSON_AddNumberToObject(to, "copied", t->copied);
  cJSON_AddNumberToObject(to, "first", t->first);
  cJSON_AddNumberToObject(to, "mean", t->mean);
  cJSON_AddNumberToObject(to, "worth", t->worth);
  cJSON_AddNumberToObject(to, "worth_of_standing_still", t->still);
}

static void add_measured(cJSON* json, const observeArgs* a, const loomWatchState* s) {
  cJSON* list = a->measures ? cJSON_AddArrayToObject(json, "measured") : NULL;

  for (int i = 0; i < a->measures; i++) {
    cJSON* one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "data", a->measure[i]);
    add_look(one, &s->other[i].learned);
    add_look(cJSON_AddObjectToObject(one, "untrained"), &s->other[i].untrained);
    add_look(cJSON_AddObjectToObject(one, "plain"), &s->other[i].plain);
    cJSON_AddItemToArray(list, one);
  }
}

static void print_json(const observeArgs* a, const loomWatchState* s) {
  char path[LOOM_PATH_MAX + 32];
  cJSON* json = cJSON_CreateObject();
  snprintf(path, sizeof path, "%s/reward.yaml", a->folder);
  add_look(json, &s->looks.learned);

  if (a->config.method == LOOM_WATCH_TRANSLATE) {
    add_translation(cJSON_AddObjectToObject(json, "translation"), &s->translation);
  } else {
    add_look(cJSON_AddObjectToObject(json, "untrained"), &s->looks.untrained);
    add_look(cJSON_AddObjectToObject(json, "plain"), &s->looks.plain);
  }
  add_measured(json, a, s);
  cJSON_AddStringToObject(json, "method", loom_watch_methods[a->config.method]);
  cJSON_AddNumberToObject(json, "demos", s->demos);
  cJSON_AddNumberToObject(json, "held_out", s->held_out);
  cJSON_AddNumberToObject(json, "steps", s->step);
  cJSON_AddNumberToObject(json, "loss", s->loss);
  cJSON_AddNumberToObject(json, "core_seconds", s->seconds);
  cJSON_AddStringToObject(json, "reward", path);
  char* text = cJSON_PrintUnformatted(json);
  if (text) puts(text);
  cJSON_free(text);
  cJSON_Delete(json);
}

static void print_translation(const loomWatchState* s) {
  const loomTranslationLook* t = &s->translation;
  printf(
      "mean squared error of a picture: translated %.5f, reconstructed %.5f; copied %.5f, the context's "
      "first "
      "%.5f, mean of all %.5f\n",
      t->translated, t->reconstructed, t->copied, t->first, t->mean);
  printf("reward of the demos kept aside %.3f, of standing still %.3f; tau %.3f by features\n", t->worth,
         t->still, s->looks.learned.tau);
}

static void print_looks(const loomWatchLooks* looks) {
  const struct {
    const char* name;
    const loomWatchLook* look;
  } row[] = {{"learned", &looks->learned}, {"untrained", &looks->untrained}, {"as it is", &looks->plain}};

  for (int i = 0; i < 3; i++)
    printf("%-12s %8.3f %10.1f %% %14.1f %% %9.3f\n", row[i].name, row[i].look->tau, 100 * row[i].look->cycle,
           100 * row[i].look->error, row[i].look->progress);
}

static void print_table(const observeArgs* a, const loomWatchState* s) {
  printf("%-12s %8s %12s %16s %9s\n", "", "tau", "cycle error", "alignment error", "progress");
  print_looks(&s->looks);

  for (int i = 0; i < a->measures; i++) {
    printf("%s:\n", a->measure[i]);
    print_looks(&s->other[i]);
  }
}

static void print_text(const observeArgs* a, const loomWatchState* s) {
  if (a->config.method == LOOM_WATCH_TRANSLATE)
    print_translation(s);
  else
    print_table(a, s);
  printf("of %d demos kept aside; %d were learned from in %d steps, %.1f core seconds\n", s->held_out,
         s->demos, s->step, s->seconds);
  printf("wrote %s/reward.yaml\n", a->folder);
}

int cmd_observe(int argc, char** argv) {
  observeArgs a = {.start = loom_clock()};
  loomWatchState state = {0};
  loomError err = {0, ""};
  int code = read_observe_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  const loomWatchDef def = {.config = &a.config,
                            .folder = a.folder,
                            .measure = a.measure,
                            .measures = a.measures,
                            .overwrite = a.overwrite,
                            .resume = a.resume,
                            .stop = &tool_stop,
                            .reading = show_reading,
                            .measuring = show_measuring,
                            .progress = show_steps,
                            .user = &a};
  code = loom_folder_check_place(a.folder, 0, &err);
  tool_catch_signals();
  if (!code) code = loom_watch(&state, &def, &err);
  tool_progress_end();
  if (code) code = tool_go_on(&err, code, a.folder, "last.safetensors");
  if (!code) (a.json ? print_json : print_text)(&a, &state);

  return code ? tool_fail(&err) : EXIT_DONE;
}
