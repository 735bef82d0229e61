// demoloom view: look at demos, annotate them, run new ones.
#include <assert.h>
#include <malloc.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "tools/shared/commands.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"
#include "tools/view/view.h"
#include "tools/view/view_page.h"

static int take_size(void* to, const char* text) {
  viewArgs* a = to;
  if (tool_read_size(&a->width, &a->height, text, 240, 8192) && a->width >= 320) return 0;
  return tool_usage("view", "--size takes WIDTHxHEIGHT, 320x240 to 8192x8192, not '%s'", text);
}

static int take_scale(void* to, const char* text) {
  viewArgs* a = to;
  const char* rest = text;
  if (tool_read_double(&a->scale, &rest) && !*rest && a->scale >= 0.5 && a->scale <= 4) return 0;
  return tool_usage("view", "--scale takes a number from 0.5 to 4, not '%s'", text);
}

static int take_theme(void* to, const char* text) {
  viewArgs* a = to;
  a->theme = text;
  if (!strcmp(text, "dark") || !strcmp(text, "light")) return 0;
  return tool_usage("view", "--theme takes dark or light, not '%s'", text);
}

static const toolOption options[] = {
    TOOL_OPTION_AS("demo", 0, "NAME", viewArgs, STRING, demo, .about = "the demo to show first"),
    TOOL_OPTION_AS("policy", 0, "FILE", viewArgs, STRING, policy,
                   .about = "the policy that `policy` runs (as `demoloom train` writes it)"),
    TOOL_OPTION_AS("beside", 0, "FILE", viewArgs, STRING, beside,
                   .about = "a second policy: runs of both begin alike and are seen side by side"),
    TOOL_OPTION_AS("annotated", 0, "FILE.hdf5", viewArgs, STRING, annotated,
                   .about = "the copy with annotations; FILE-annotated.hdf5 in this folder unless given, or "
                            "FILE-annotated-2.hdf5 if that is there"),
    TOOL_OPTION_AS("record", 0, "FILE.hdf5", viewArgs, STRING, record,
                   .about = "where demos driven by hand go; TASK-teleop.hdf5 in this folder unless given"),
    TOOL_OPTION_AS("segments", 0, "FILE", viewArgs, STRING, segments,
                   .about = "read and save annotations here instead, as YAML"),
    TOOL_OPTION_AS("reward", 0, "FILE.yaml", viewArgs, STRING, reward,
                   .about = "what the plot of rewards shows, such as what `demoloom irl` found: a file as "
                            "finetune's --reward takes; the task's own unless given"),
    TOOL_OVERWRITE_OPTION(viewArgs, overwrite),
    TOOL_CALL_OPTION("size", "WxH", take_size, "of the window, at least 320x240; default 1280x760"),
    TOOL_CALL_OPTION("scale", "X", take_scale,
                     "of text and widgets; default as the monitor says, 1 without one"),
    TOOL_CALL_OPTION("theme", "NAME", take_theme, "dark (default) or light"),
    TOOL_OPTION_AS("full", 0, NULL, viewArgs, BOOL, full,
                   .about = "full meshes, shadows, antialiasing: slow without a GPU"),
    TOOL_OPTION_AS("seed", 's', "S", viewArgs, INT64, seed, .high = 1000000000, .about = "of live runs"),
    TOOL_OPTION_AS("script", 0, "FILE", viewArgs, STRING, script,
                   .about = "take events and commands from a file (- = standard input); see below"),
    TOOL_OPTION_AS("html", 0, "FILE.html", viewArgs, STRING, html,
                   .about = "no window: write the demos as one page that any browser plays"),
    TOOL_OPTION_AS("limit", 0, "N", viewArgs, INT64, limit, .low = 1, .high = 100000,
                   .about = "with --html, the first N demos; 10 unless given"),
    TOOL_OPTION_AS("headless", 0, NULL, viewArgs, BOOL, headless,
                   .about = "no window: only what the script says, drawn offscreen"),
    TOOL_OPTION_AS("task", 't', "TASK", viewArgs, STRING, task_name,
                   .about = "whose demos the file has; found by its environment unless given"),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION(0, viewArgs, roots),
    TOOL_GPU_OPTION,
};

static const toolCommand command = {
    .before =
        "usage: demoloom view TASK|FILE.hdf5 [OTHER.hdf5] [options]\n"
        "\n"
        "Opens a window on the demos of a file, or on a task's source demos: a list to find, filter, sort "
        "and mark;\n"
        "each arm's subtasks on a timeline, whose ends can be dragged; plots of actions, joints, forces, "
        "rewards or\n"
        "any array of the file; paths, targets and the source demo as a ghost; attempts, the expert, a "
        "trained\n"
        "policy and resets live. Ctrl+K finds every action by its name, F1 lists them with their keys, "
        "Ctrl+Z\n"
        "undoes, Ctrl+S saves.\n"
        "Of two files each demo of the first is seen beside the one of the second that began like it; "
        "`differ` goes to\n"
        "the first row where they part, and their plots lie over each other.\n"
        "Ctrl+J drives the arms by keys, mouse, gamepad or 3-D mouse and records demos. Camera and visual "
        "flags are\n"
        "those of MuJoCo's simulate.\n"
        "\n"
        "Marks are saved as masks `keep` and `reject` of FILE, or, of a task's own demos, of the copy "
        "(dataset\n"
        "filter and robomimic know masks). Ends of subtasks that were dragged are saved as signals in a copy "
        "of\n"
        "FILE that `generate --source` takes, or with --segments as YAML that `generate --segments` takes. "
        "Where the\n"
        "file does not tell whether a demo succeeds, its states do. A demo that cannot be shown is told in "
        "the window\n"
        "and on stderr; the exit status is then 1.\n",
    .after =
        "The list shows what `find` names: words that must be in a demo's name, source, outcome or reason, "
        "and\n"
        "rows>N, rows<N, source=NAME, reason=TEXT, x>M, x<M, y>M, y<M (where the first object began, m).\n"
        "\n"
        "A script has one event a line: play, step, row N, demo NAME, keep, reject, undo, redo, filter "
        "NAME,\n"
        "sort NAME, find WORDS, save, plot N, camera N, zoom N, paths, targets, frames, ghost, coverage, "
        "forces,\n"
        "export csv, export png (or FILE.csv, FILE.png: the plots), differ [TOLERANCE], seed N, reset D1, "
        "attempt [N], expert [N], policy [N], subtask (run to the next one), finish (run "
        "to the\n"
        "end), live, drive, boundary ARM SUBTASK ROW, palette, help, dark; click-on WIDGET and point-at "
        "WIDGET (by\n"
        "what is written on it), point X Y, click X Y [ctrl], double X Y, drag X Y X Y, scroll X Y N, key K\n"
        "[ctrl|shift], up K (a held key is let go), type TEXT, size W H, wait FRAMES, thumbs (wait for "
        "pictures and\n"
        "outcomes), saved (wait until it is), tell (the state as JSON), where WIDGET or where row ROW ARM "
        "(its place as JSON), shot "
        "FILE.png, film FILE.mp4 (headless: the frames of later "
        "waits, 30 a\n"
        "second), quit. Files that are there already are replaced only with --overwrite.\n"
        "\n"
        "examples:\n"
        "  demoloom view handover.hdf5\n"
        "  demoloom view before.hdf5 after.hdf5\n"
        "  demoloom view threading --policy bc/last.safetensors --beside ppo/best_success.safetensors\n"
        "  demoloom view threading --segments ends.yaml\n"
        "  demoloom view threading.hdf5 --reward runs/irl/reward.yaml\n"
        "  demoloom view handover.hdf5 --html handover.html --limit 5\n"
        "  demoloom view handover --policy runs/handover/best_success.safetensors --theme light\n"
        "  echo 'row 120\n"
        "  targets\n"
        "  shot frame.png' | demoloom view handover.hdf5 --headless --script -\n",
    TOOL_OPTIONS(options),
};

static int read_view_options(viewArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  if (optind + 1 != argc && optind + 2 != argc)
    return tool_usage("view", "it takes one task or file, or two files to compare");
  if (optind + 2 == argc) a->other = argv[optind + 1];
  if (a->beside && (a->other || !a->policy))
    return tool_usage("view", "--beside is a second policy beside that of --policy, on one task or file");
  if (a->html && a->other) return tool_usage("view", "--html takes one task or file");
  if (a->html && (a->script || a->headless))
    return tool_usage("view", "--html opens no window, and runs no script");
  if (a->limit && !a->html) return tool_usage("view", "--limit is of the demos of --html");
  if (!a->limit) a->limit = 10;
  if (a->headless && !a->script) return tool_usage("view", "--headless needs --script");

  a->target = argv[optind];
  return 0;
}

// ---- the application

void view_say(viewApp* app, const char* format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(app->message, sizeof app->message, format, args);
  va_end(args);

  app->message_until = app->clock + 8;
  app->dirty = true;
}

int view_row(const viewApp* app) {
  int row = (int)app->row, rows = app->stage.demo.rows;

  return row < 0 || rows < 1 ? 0 : row >= rows ? rows - 1 : row;
}

void view_go(viewApp* app, double row) {
  if (view_run_open(app) && app->playing) view_run_pause(app);

  // Who goes to another row looks at it: what plays or is simulated stops.
  double last = app->stage.demo.rows - 1;
  app->row = row < 0 ? 0 : row > last ? fmax(0, last) : row;
  app->live = false;

  app->dirty = true;
}

// A demo that cannot be shown is told in the window, on stderr, and by the exit status.
static void open_or_tell(viewApp* app, int entry) {
  loomError err = {0, ""};
  if (!view_stage_open(app, entry, &err)) return;

  view_say(app, "%s", err.message);
  fprintf(stderr, "view: %s\n", err.message);
  if (!app->lost.code) app->lost = err;
}

void view_reshow(viewApp* app, double row) {
  open_or_tell(app, app->stage.entry);

  app->stage_id++;
  app->row = row;

  view_plot_refresh(app);
  app->dirty = true;
}

void view_show(viewApp* app, int entry) {
  // What ran or was pushed belonged to the demo before.
  view_run_end(app);
  app->live = app->drive.on = false;
  app->perturb.select = app->perturb.active = 0;

  open_or_tell(app, entry);
  app->stage_id++;

  app->row = 0;
  app->ui.reveal = app->stage.entry;
  app->ui.last = 0;  // all of its time
  app->wanted_entry = -1;

  view_compare_follow(app);
  view_plot_refresh(app);
  app->dirty = true;
}

void view_want(viewApp* app, int entry) {
  app->wanted_entry = entry;
  app->told_wanted = false;
  app->ui.frames = 3;
}

void view_show_wanted(viewApp* app) {
  if (app->wanted_entry >= 0 && app->told_wanted) view_show(app, app->wanted_entry);
}

void view_advance(viewApp* app, double seconds) {
  // What takes long (saving) does not use up the time of its own message.
  app->clock += fmin(seconds, 0.25);
  app->ui.seconds += seconds;

  // Messages go after some seconds.
  if (app->message_until > 0 && app->clock >= app->message_until) {
    app->message_until = 0;
    app->ui.frames = 2;
  }

  if (app->guest) {
    app->guest->advance(app);
    return;
  }

  // A little of the list is read between two frames, so that the window never waits for the disk.
  int read = app->list.read;
  view_list_read(&app->list, 0.004);
  if (app->show_coverage && app->list.read != read) app->dirty = true;
  if (app->thumb_fresh) view_thumb_want(app);
  app->thumb_fresh = false;

  if (view_thumb_take(app)) app->ui.frames = 2;
  view_save_advance(app, 0.03);

  if (app->other && view_run_open(app->other) && app->other->playing) {
    int shown = app->other->stage_id;
    view_run_advance(app->other, seconds);
    if (app->other->stage_id != shown) view_plot_refresh(app);  // its lines have grown
    app->dirty = true;
  }

  if (!app->playing || app->stage.entry < 0) return;
  double rows = seconds * app->speed * app->task->control_freq;
  app->dirty = true;

  // Whatever drives the simulation: the user, an attempt or a policy, or the recorded actions.
  if (app->drive.on) {
    view_drive_advance(app, seconds);
    return;
  }
  if (view_run_open(app)) {
    view_run_advance(app, seconds);
    return;
  }
  if (app->live) {
    app->owed += rows;
    while (app->owed >= 1 && app->live) {
      view_live_step(app);
      app->owed--;
    }
    return;
  }

  // A recorded demo: its rows as time goes by, once or in a loop.
  app->row += rows;
  if (app->row < app->stage.demo.rows) return;
  app->row = app->loop ? fmod(app->row, app->stage.demo.rows) : app->stage.demo.rows - 1;
  app->playing = app->loop;
}

void view_set_defaults(viewApp* app) {
  app->stage.entry = -1;
  app->speed = 1;
  app->wanted_entry = app->ui.reveal = -1;
  app->show_list = app->show_timeline = app->show_ui = app->show_pictures = 1;
  app->ui.list_width = 23;
  app->ui.side_width = 18;
  app->ui.plot_height = 18;
  app->ui.scale = app->args->scale > 0 ? app->args->scale : 1;
  app->ui.dark = !app->args->theme || strcmp(app->args->theme, "light") != 0;
  app->seed = (int)app->args->seed;

  mjv_defaultCamera(&app->camera);
  mjv_defaultOption(&app->option);
  mjv_defaultPerturb(&app->perturb);
  mjv_defaultScene(&app->scene);

  memset(app->option.sitegroup, 0,
         sizeof app->option.sitegroup);  // robosuite marks frames with sites meters long
  app->option.geomgroup[0] = 0;
}

int view_open_data(viewApp* app, const viewArgs* args, loomError* err) {
  memset(app, 0, sizeof *app);

  app->args = args;
  app->alone = true;
  app->began = loom_clock();
  view_set_defaults(app);
  int code = tool_open(&app->task, &app->dataset, (loomAssetRoots*)&args->roots, args->target,
                       args->task_name, true, err);

  if (code) return code;

  // Marks and annotations of a task's own sources go elsewhere: they are not what the user named.
  snprintf(app->path, sizeof app->path, "%.*s", LOOM_PATH_MAX - 1, loom_dataset_path(app->dataset));
  app->is_source = !loom_same_file(app->path, args->target);

  code = view_reward_open(app, err);
  return code ? code : view_list_load(&app->list, app->dataset, app->task, err);
}

int view_open(viewApp* app, const viewArgs* args, loomError* err) {
  int code = view_open_data(app, args, err);
  if (code) return code;

  if (args->other || args->beside) code = view_compare_open(app, err);
  if (code) return code;

  gui_open(app->ui.scale, app->ui.dark);
  view_resize(app, args->width, args->height);

  app->first = args->demo ? view_list_find(&app->list, args->demo) : 0;
  if (app->first >= 0 && app->first < app->list.n) app->wanted_entry = app->first;
  if (app->first < 0) return loom_error_set(err, LOOM_ERR_USAGE, "%s: no demo '%s'", app->path, args->demo);
  return 0;
}

void view_show_first(viewApp* app) {
  if (app->guest) return;
  if (app->first < app->list.n) view_show(app, app->first);
  view_thumb_start(app);
  view_journal_open(app);

  if (!loom_dataset_warning(app->dataset)) return;
  fprintf(stderr, "view: warning: %s\n", loom_dataset_warning(app->dataset));
  view_say(app, "%s", loom_dataset_warning(app->dataset));
}

void view_close_data(viewApp* app) {
  view_drive_close(app);
  view_run_close(app);
  view_stage_close(&app->stage);
  view_list_destroy(&app->list);
  view_plot_close(app);
  free(app->edit);

  mj_deleteModel(app->blank);
  overlay_ghost_close(&app->ghost);
  loom_episode_destroy(app->trial_episode);
  loom_scene_destroy(app->trial_scene);
  loom_sources_destroy(&app->sources);

  view_reward_close(app);
  loom_dataset_close(app->source_dataset);
  loom_dataset_close(app->dataset);
  loom_task_destroy(app->task);
}

void view_close(viewApp* app) {
  view_thumb_stop(app);
  view_save_close(app);
  mj_deleteModel(app->thumb_model);
  free(app->thumb_xml);
  view_journal_close(app, tool_stop);
  view_compare_close(app);
  view_close_data(app);
  gui_close();
}

// handover.hdf5 is annotated in handover-annotated.hdf5, here; what was annotated before stays, and this is
// -2.
static void name_annotated(char* out, size_t size, const char* path) {
  const char* slash = strrchr(path, '/');
  const char* name = slash ? slash + 1 : path;
  const char* dot = strrchr(name, '.');
  int letters = dot ? (int)(dot - name) : (int)strlen(name);
  snprintf(out, size, "%.*s-annotated.hdf5", letters, name);

  // The first number that nothing has.
  for (int i = 2; loom_is_file(out) && i < 1000000; i++)
    snprintf(out, size, "%.*s-annotated-%d.hdf5", letters, name, i);
}

// What annotations are saved in, where the user named it: told now what could not be saved later.
static int open_outputs(toolOutputs* outputs, const viewArgs* a, loomError* err) {
  const char* input[] = {a->target, a->task_name, a->policy, a->other, a->beside};
  int code = tool_output(outputs, a->html, tool_output_mode(a->overwrite), input, 5, err);
  if (!code) code = tool_output(outputs, a->annotated, tool_output_mode(a->overwrite), input, 5, err);
  if (code || !a->segments) return code;

  // A file of segments is read before it is changed.
  return tool_output(outputs, a->segments, loom_is_file(a->segments) ? LOOM_OUTPUT_CHANGE : LOOM_OUTPUT_NEW,
                     input, 5, err);
}

// One that cannot be read would be lost when it is saved.
static int try_segments(const viewApp* app, loomError* err) {
  loomSegmentFile given = {0};
  if (!app->args->segments || !loom_is_file(app->args->segments)) return 0;

  int code = loom_segment_file_load(&given, app->args->segments, app->task, app->dataset, err);
  loom_segment_file_destroy(&given);
  return code;
}

int cmd_view(int argc, char** argv) {
  viewArgs a = {.width = 1280, .height = 760};
  loomError err = {0, ""};
  char annotated[LOOM_PATH_MAX];
  int code = read_view_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  assert(a.target);
  toolOutputs outputs = {0};
  code = open_outputs(&outputs, &a, &err);
  name_annotated(annotated, sizeof annotated, a.target);
  if (!a.annotated) a.annotated = annotated;
  mj_setCacheCapacity(mj_getCache(),
                      0);   // each mesh is read once or twice: keeping all of them is 50 to 300 MB
  mallopt(M_ARENA_MAX, 1);  // else what the thumbnails' thread frees stays with that thread

  viewApp* app = code ? NULL : calloc(1, sizeof *app);
  if (!code)
    code = app ? view_open(app, &a, &err)
               : loom_error_set(&err, LOOM_ERR_MEMORY, "out of memory for the viewer");
  if (!code) code = tool_outputs_check(&outputs, app->path, &err);
  if (!code) code = try_segments(app, &err);

  tool_catch_signals();
  if (!code && a.html)
    code = view_page_write(app, a.html, &err);
  else if (!code)
    code = a.headless ? view_run_headless(app, &err) : view_run_window(app, &err);
  bool lost = app && app->lost.code;
  if (app) view_close(app);
  free(app);
  tool_outputs_close(&outputs);
  loom_asset_roots_destroy(&a.roots);
  return code ? tool_fail(&err) : lost ? EXIT_FAILED : EXIT_DONE;
}
