// demoloom twin: a task's folder from scans, cut and articulated by a script, and whether it simulates.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/draw/render.h"
#include "generators/twin/check.h"
#include "generators/twin/twin.h"
#include "tools/command/twin_edit.h"
#include "tools/command/twin_export.h"
#include "tools/command/twin_fit.h"
#include "tools/command/twin_fuse.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"
#include "tools/view/twin.h"

static const char* const axes[] = {"y", "z", NULL};

typedef struct twinArgs {
  loomTwinDef def;
  int up;  // -1: as the file has it
  bool overwrite, json;
  const char *picture, *script;
  viewArgs window;
  int64_t seed;
  twinFit fit;
  twinFuse fuse;
  bool urdf, usd;
  int threads;
  const char* output;
  loomAssetRoots roots;
} twinArgs;

static int take_size(void* to, const char* text) {
  twinArgs* a = to;
  if (tool_read_size(&a->window.width, &a->window.height, text, 480, 8192) && a->window.width >= 640)
    return 0;
  return tool_usage("twin", "--size takes WIDTHxHEIGHT, 640x480 to 8192x8192, not '%s'", text);
}

static const toolOption options[] = {
    TOOL_HEADING_LINE("new"),
    TOOL_OPTION_AS("scene", 0, "FILE", twinArgs, STRING, def.scene,
                   .about =
                       "scan of the room (GLB, OBJ, PLY, STL): it stays, and its largest table is worked on; "
                       "without one there is a table of our own"),
    TOOL_LIST("object", 0, "FILE", twinArgs, def.object, def.nobject, .unit = "scans",
              .about = "scan of a thing that is moved; several times for several"),
    TOOL_OPTION(0, "AXIS", twinArgs, CHOICE, up, .choices = axes,
                .about = "the scans' axis that is up (GLB and OBJ: y; PLY and STL: z, unless told)"),
    TOOL_OPTION_AS("scale", 0, "S", twinArgs, REAL, def.scale, .least = 1e-6, .most = 1e6,
                   .about = "meters a unit of the scans: 0.001 where that is the millimeter"),
    TOOL_OPTION_AS("density", 0, "D", twinArgs, REAL, def.density, .least = 1, .most = 30000,
                   .unit = "kg/m^3", .about = "of objects, whose mass is that times their volume"),
    TOOL_LIST(
        "mass", 0, "NAME=KG", twinArgs, def.mass, def.nmass, .unit = "masses",
        .about = "of the object of that name, several times for several: of vessels, which scans fill in"),
    TOOL_LIST(
        "part", 0, "NAME=N", twinArgs, def.part, def.npart, .unit = "parts",
        .about = "of the loose parts of the object of that name the N-th largest, in place of the largest"),
    TOOL_OPTION_AS("close", 0, NULL, twinArgs, BOOL, def.close,
                   .about = "close holes in the surfaces of objects"),
    TOOL_OPTION_AS("drawn", 0, "N", twinArgs, INT, def.look, .low = 100, .high = 1000000,
                   .about = "triangles of each scan that are drawn"),
    TOOL_OPTION_AS("solid", 0, "N", twinArgs, INT, def.solid, .low = 50, .high = 1000000,
                   .about = "triangles of each scan that convex pieces are made of"),
    TOOL_OVERWRITE_OPTION(twinArgs, overwrite),
    TOOL_HEADING_LINE("edit"),
    TOOL_OPTION(0, "FILE", twinArgs, STRING, script,
                .about = "no window: a list of commands in YAML; `demoloom twin edit --help` has them"),
    TOOL_OPTION_AS("events", 0, "FILE", twinArgs, STRING, window.script,
                   .about = "events and commands of the window from a file (- = standard input), for tests"),
    TOOL_OPTION_AS("headless", 0, NULL, twinArgs, BOOL, window.headless,
                   .about = "with --events: drawn offscreen, no window"),
    TOOL_CALL_OPTION("size", "WxH", take_size, "of the window, at least 640x480; default 1280x760"),
    TOOL_OPTION_AS("ui-scale", 0, "X", twinArgs, REAL, window.scale, .least = 0.5, .most = 4,
                   .about = "of text and widgets; as the monitor says unless given"),
    TOOL_OPTION_AS("full", 0, NULL, twinArgs, BOOL, window.full,
                   .about = "full meshes and shadows in the window: slow without a GPU"),
    TOOL_HEADING_LINE("new and edit"),
    TOOL_OPTION_AS("pieces", 0, "N", twinArgs, INT, def.pieces, .high = 1000,
                   .about = "convex pieces of an object at most, of the room twice as many; 0: no limit"),
    TOOL_OPTION_AS("concavity", 0, "C", twinArgs, REAL, def.threshold, .least = 0.01, .most = 1,
                   .about = "how concave a piece may be, as CoACD's threshold: smaller for more and closer "
                            "pieces, in a room three times as large"),
    TOOL_OPTION_AS("crumbs", 0, "SHARE", twinArgs, REAL, def.crumbs, .most = 0.5,
                   .about = "pieces of a smaller share of the volume are left out"),
    TOOL_HEADING_LINE("check"),
    TOOL_OPTION(0, "FILE.png", twinArgs, STRING, picture, .about = "draw it once everything lies still"),
    TOOL_OPTION(0, "S", twinArgs, INT64, seed, .high = INT64_MAX, .about = "which start of D0"),
    TOOL_GPU_OPTION,
    TOOL_HEADING_LINE("fit"),
    TOOL_OPTION_AS("log", 0, "FILE.hdf5", twinArgs, STRING, fit.def.log,
                   .about = "what was done and seen: a dataset with actions, and states or observations"),
    TOOL_LIST("demo", 0, "NAME", twinArgs, fit.def.demo, fit.def.ndemo, .unit = "demos",
              .about = "of these demos of it; all, up to 16, unless given"),
    TOOL_LIST("of", 0, "NAME", twinArgs, fit.def.object, fit.def.nobject, .unit = "objects",
              .about = "objects whose values are looked for; all of the task unless given"),
    TOOL_OPTION_AS("fit", 0, "LIST", twinArgs, STRING, fit.kinds,
                   .about = "which: mass, friction, damping (of joints), with commas between; mass,friction"),
    TOOL_OPTION_AS("seconds", 0, "S", twinArgs, REAL, fit.def.seconds, .least = 0.1, .most = 1e4, .unit = "s",
                   .about = "of each demo, from its start, at most"),
    TOOL_OPTION_AS("around", 0, "N", twinArgs, INT, fit.def.around, .low = 1, .high = 1000,
                   .about = "rollouts that are averaged, from starts around the one that was seen"),
    TOOL_OPTION_AS("starts", 0, "N", twinArgs, INT, fit.def.starts, .high = 10000,
                   .about = "values that are tried, besides the scene's own; the best is followed, too"),
    TOOL_HEADING_LINE("fuse"),
    TOOL_OPTION_AS("camera", 0, "FX,FY,CX,CY", twinArgs, STRING, fuse.camera,
                   .about = "how the camera sees, in pixels; else as DIR/camera_intrinsic.json says"),
    TOOL_OPTION_AS("depth-scale", 0, "S", twinArgs, REAL, fuse.def.depth_scale, .most = 1e6,
                   .about = "a meter in the numbers of depth pictures; 0: TUM's 5000, Redwood's 1000"),
    TOOL_OPTION_AS("voxel", 0, "M", twinArgs, REAL, fuse.def.voxel, .least = 0.0005, .most = 0.2, .unit = "m",
                   .about = "how fine"),
    TOOL_OPTION_AS("near", 0, "M", twinArgs, REAL, fuse.def.near, .most = 100, .unit = "m",
                   .about = "depths from here on"),
    TOOL_OPTION_AS("far", 0, "M", twinArgs, REAL, fuse.def.far, .least = 0.01, .most = 100, .unit = "m",
                   .about = "to here are taken"),
    TOOL_OPTION_AS("every", 0, "N", twinArgs, INT, fuse.def.every, .low = 1, .high = 1000000,
                   .about = "take each N-th picture"),
    TOOL_OPTION_AS("memory", 0, "MB", twinArgs, INT, fuse.def.memory_mb, .low = 1, .high = 1048576,
                   .about = "of voxels at most"),
    TOOL_OPTION_AS("triangles", 0, "N", twinArgs, INT, fuse.def.faces, .high = 100000000,
                   .about = "of the mesh, or as many more as keep it within a voxel; 0: all there are"),
    TOOL_HEADING_LINE("export"),
    TOOL_OPTION(0, NULL, twinArgs, BOOL, urdf, .about = "as URDF, its meshes beside it in FILE_meshes"),
    TOOL_OPTION(0, NULL, twinArgs, BOOL, usd, .about = "as USD in text, with its physics"),
    TOOL_HEADING_LINE("fit, fuse and export"),
    TOOL_OPTION('j', "N", twinArgs, INT, threads, .high = 1024,
                .about = "workers, 0 = one a core; the result is the same"),
    TOOL_OPTION('o', "FILE", twinArgs, STRING, output,
                .about = "of `fit` the values, a script for `edit` (.yaml); of `fuse` the mesh (.ply, .glb), "
                         "of `export` the scene (.urdf, .usda)"),
    TOOL_HEADING_LINE("all"),
    TOOL_ASSETS_OPTION(0, twinArgs, roots),
    TOOL_OPTION(0, NULL, twinArgs, BOOL, json, .about = "the results on stdout as JSON"),
};

static const toolCommand command = {
    .before =
        "usage: demoloom twin new DIR --scene FILE --object FILE... [options]   a task's folder from scans\n"
        "       demoloom twin edit DIR [--script FILE] [options]                cut, hollowed, given joints\n"
        "       demoloom twin check DIR [options]                             whether it simulates\n"
        "       demoloom twin fit DIR --log FILE.hdf5 [options]                 mass, friction and damping "
        "of a motion\n\n"
        "Scans are cleaned, set level on their floor, and taken apart into convex pieces (CoACD, fetched "
        "when it is\n"
        "first needed) that collide; what a scan shows is drawn with its texture. DIR is then a task for "
        "every other\n"
        "command, with two Pandas; what is to be done in it is left to fill in (DIR/task.yaml).\n"
        "`edit` opens a window on it, in which whatever is done is a command of its script: undone and done "
        "again by\n"
        "Ctrl+Z and Ctrl+Y, and kept in DIR/.edit, so that nothing is lost; DIR is a task all the time.\n",
    .after =
        "Keys of the window: Ctrl+Z and Ctrl+Y undo and redo, F goes to what is chosen, W shows what "
        "collides, Enter\n"
        "does what the tool's button does, C checks, Q closes it. Events of it (--events), one a line: "
        "choose NAME,\n"
        "tool NAME, do, undo, redo, check, look, solids, camera AZIMUTH ELEVATION DISTANCE, saved (wait "
        "until all is\n"
        "in the folder), tell (the state as JSON), where grip NAME, where middle NAME, where point NAME X Y "
        "Z (in its\n"
        "frame), quit; and of `demoloom view`: click-on, point-at, click, drag, key, type, wait, shot, where "
        "WIDGET.\n"
        "\n"
        "examples:\n"
        "  demoloom twin fuse desk --camera 525,525,319.5,239.5 -o room.ply\n"
        "  demoloom twin new kitchen --scene room.glb --object mug.glb --mass mug=0.3\n"
        "  demoloom twin new parts --object gear.stl --object plate.stl --scale 0.001\n"
        "  demoloom twin edit kitchen                              in a window\n"
        "  demoloom twin edit kitchen --script drawer.yaml\n"
        "  demoloom twin check kitchen --picture kitchen.png\n"
        "  demoloom twin fit kitchen --log push.hdf5 --of mug --fit mass,friction -o fitted.yaml\n"
        "  demoloom twin edit kitchen --script fitted.yaml\n"
        "  demoloom twin export kitchen --urdf -o kitchen.urdf\n",
    TOOL_OPTIONS(options),
};

// ---- new

static bool show_step(void* user, const char* what, double seconds) {
  (void)user;
  char line[352];
  snprintf(line, sizeof line, "%.300s, second", what);
  tool_progress(line, (int64_t)seconds, 0, seconds, "");

  return tool_stop;
}

static void add_number(cJSON* out, const char* name, double value) {
  if (isfinite(value)) cJSON_AddNumberToObject(out, name, value);
}

static cJSON* scan_json(const loomTwinScan* s) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "name", s->name);
  cJSON_AddStringToObject(out, "file", s->file);
  cJSON_AddItemToObject(out, "size", cJSON_CreateDoubleArray(s->size, 3));
  const struct {
    const char* name;
    double value;
  } numbers[] = {{"triangles", s->triangles},
                 {"drawn", s->drawn},
                 {"degenerate", s->degenerate},
                 {"duplicate", s->duplicate},
                 {"parts_left_out", s->parts_left_out},
                 {"open_edges", s->open_edges},
                 {"holes_closed", s->holes_closed},
                 {"tops", s->tops},
                 {"pieces", s->pieces},
                 {"primitives", s->primitives},
                 {"crumbs", s->crumbs},
                 {"import_seconds", s->import_seconds},
                 {"decompose_seconds", s->decompose_seconds},
                 {"concavity", s->concavity}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    add_number(out, numbers[i].name, numbers[i].value);
  cJSON_AddBoolToObject(out, "watertight", s->open_edges == 0);
  cJSON_AddBoolToObject(out, "floor", s->floor);
  cJSON_AddBoolToObject(out, "cached", s->kept);
  if (s->floor) add_number(out, "tilt", s->tilt);
  if (s->floor) add_number(out, "floor_rms", s->floor_rms);
  if (s->scene) return out;

  add_number(out, "volume", s->volume);
  add_number(out, "mass", s->mass);
  add_number(out, "volume_error", s->volume_error);
  add_number(out, "uncovered", s->uncovered);
  add_number(out, "recess", s->recess);

  return out;
}

static void print_new_json(const twinArgs* a, const loomTwin* twin) {
  cJSON *out = cJSON_CreateObject(), *objects;
  cJSON_AddStringToObject(out, "folder", a->def.folder);
  cJSON_AddStringToObject(out, "task", twin->task);
  if (twin->scan[0].scene) cJSON_AddItemToObject(out, "scene", scan_json(&twin->scan[0]));
  objects = cJSON_AddArrayToObject(out, "objects");
  for (int i = twin->scan[0].scene; i < twin->n; i++)
    cJSON_AddItemToArray(objects, scan_json(&twin->scan[i]));

  cJSON* warnings = cJSON_AddArrayToObject(out, "warnings");
  for (int i = 0; i < twin->warnings.n; i++)
    cJSON_AddItemToArray(warnings, cJSON_CreateString(twin->warnings.name[i]));
  tool_print_json(out);

  cJSON_Delete(out);
}

static void print_scan(const loomTwinScan* s) {
  printf(
      "%-16s %.3f x %.3f x %.3f m  %d triangles  %s%s  %d pieces, %d of them boxes or cylinders, in %.1f "
      "s%s\n",
      s->name, s->size[0], s->size[1], s->size[2], s->triangles,
      s->open_edges ? "not watertight" : "watertight",
      s->floor ? s->scene ? ", floor level" : ", floor cut off" : "", s->pieces, s->primitives,
      s->decompose_seconds, s->kept ? " (kept)" : "");
  if (s->scene) {
    printf("%-16s %d tables and the like; pieces stand off the scan by %.1f mm at most\n", "", s->tops,
           1000 * s->concavity);
    return;
  }

  printf("%-16s %.4g l, %.4g kg; pieces stand off the scan by %.1f mm at most", "", 1000 * s->volume, s->mass,
         1000 * s->concavity);
  if (isfinite(s->volume_error)) printf(", volume %+.1f %%", 100 * s->volume_error);
  putchar('\n');
}

// What takes scans apart is fetched once, by those who need it.
static int take_coacd(const char** out, twinArgs* a, loomError* err) {
  int code = tool_known_assets(&a->roots, "coacd", "twin", err);
  for (int i = 0; !code && i < a->roots.n; i++)
    if (!strcmp(a->roots.root[i].name, "coacd")) *out = a->roots.root[i].path;
  return code;
}

static int new_twin(twinArgs* a, loomError* err) {
  loomTwin twin = {0};
  a->def.up = a->up < 0 ? 0 : *axes[a->up];
  a->def.overwrite = a->overwrite;
  a->def.step = show_step;

  int code = take_coacd(&a->def.coacd, a, err);
  if (!code) code = loom_twin_new(&twin, &a->def, err);
  tool_progress_end();
  if (code) return code;

  for (int i = 0; i < twin.warnings.n; i++) fprintf(stderr, "warning: %s\n", twin.warnings.name[i]);
  if (a->json) {
    print_new_json(a, &twin);
  } else {
    for (int i = 0; i < twin.n; i++) print_scan(&twin.scan[i]);
    printf("%s: a task; fill in %s/task.yaml, and see `demoloom twin check %s`\n", a->def.folder,
           a->def.folder, a->def.folder);
  }

  loom_twin_destroy(&twin);
  return 0;
}

// ---- check

static int draw_picture(const twinArgs* a, const loomScene* scene, const loomTwinCheck* check,
                        loomError* err) {
  mjModel* m = NULL;
  mjData* d = NULL;
  loomRenderer* renderer = NULL;
  loomImage image = {0};
  loomRenderDef def = loom_default_render_def();
  def.width = 960;
  def.height = 720;

  int code = loom_model_compile(&m, scene->xml, scene->label, &scene->roots, NULL, err);
  if (!code) {
    loom_model_show(m);
    m->vis.global.offwidth = def.width;
    m->vis.global.offheight = def.height;
    def.camera = mj_name2id(m, mjOBJ_CAMERA, "front") >= 0 ? "front" : NULL;
    d = mj_makeData(m);
    if (!d) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a picture");
  }
  if (!code) {
    mju_copy(d->qpos, check->qpos, (int)m->nq);
    mj_forward(m, d);
    code = loom_renderer_create(&renderer, m, &def, err);
  }
  if (!code) code = loom_image_create(&image, def.width, def.height, err);
  if (!code) code = loom_renderer_draw(renderer, d, &image, err);
  if (!code) code = loom_image_write_png(&image, a->picture, err);

  loom_renderer_destroy(renderer);
  loom_image_destroy(&image);
  mj_deleteData(d);
  mj_deleteModel(m);
  return code;
}

static void print_check_json(const twinArgs* a, const loomTwinCheck* c) {
  cJSON *out = cJSON_CreateObject(), *list;
  cJSON_AddBoolToObject(out, "ok", c->ok);
  add_number(out, "rest_seconds", c->rest_seconds);
  add_number(out, "deepest", c->deepest);
  add_number(out, "energy_gain", c->energy_gain);
  add_number(out, "steps_per_second", c->steps_per_second);
  if (c->steps_per_second_hand > 0) add_number(out, "steps_per_second_hand", c->steps_per_second_hand);
  cJSON_AddNumberToObject(out, "pieces", c->pieces);
  if (a->picture) cJSON_AddStringToObject(out, "picture", a->picture);

  list = cJSON_AddArrayToObject(out, "objects");
  for (int o = 0; o < c->n; o++) {
    const loomTwinFell* f = &c->fell[o];
    cJSON* one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "name", f->name);
    cJSON_AddBoolToObject(one, "ok", f->ok);
    add_number(one, "rest_seconds", f->rest_seconds);
    add_number(one, "deepest", f->deepest);
    add_number(one, "energy_gain", f->energy_gain);
    add_number(one, "fall", f->fall);
    cJSON_AddNumberToObject(one, "pieces", f->pieces);
    cJSON_AddItemToArray(list, one);
  }

  list = cJSON_AddArrayToObject(out, "joints");
  for (int j = 0; j < c->nmoved; j++) {
    const loomTwinMoved* v = &c->moved[j];
    cJSON* one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "name", v->name);
    cJSON_AddBoolToObject(one, "ok", v->ok);
    cJSON_AddItemToObject(one, "range", cJSON_CreateDoubleArray(v->range, 2));
    cJSON_AddBoolToObject(one, "opens", v->opens);
    cJSON_AddBoolToObject(one, "closes", v->closes);
    add_number(one, "high", v->high);
    add_number(one, "low", v->low);
    add_number(one, "deepest", v->deepest);
    cJSON_AddBoolToObject(one, "still", v->still);
    cJSON_AddItemToArray(list, one);
  }
  tool_print_json(out);

  cJSON_Delete(out);
}

static void print_check(const loomTwinCheck* c) {
  for (int o = 0; o < c->n; o++) {
    const loomTwinFell* f = &c->fell[o];
    char rest[64] = "does not come to rest";
    if (isfinite(f->rest_seconds)) snprintf(rest, sizeof rest, "at rest after %.2f s", f->rest_seconds);
    printf("%-16s %s  %s  %.2f mm deep at most  energy %+.2g J  %d pieces%s\n", f->name,
           f->ok ? "ok" : "NOT OK", rest, 1000 * f->deepest, f->energy_gain, f->pieces,
           f->fall > 0.05 ? "  it falls off" : "");
  }
  for (int j = 0; j < c->nmoved; j++) {
    const loomTwinMoved* v = &c->moved[j];
    const char* unit = v->turns ? "rad" : "m";
    printf(
        "%-16s %s  pushed both ways it comes to %.3g %s of %.3g and %.3g of %.3g, %s; %.2f mm deep at most\n",
        v->name, v->ok ? "ok" : "NOT OK", v->high, unit, v->range[1], v->low, v->range[0],
        v->still ? "and is still when let go" : "and does not come to rest when let go", 1000 * v->deepest);
  }
  printf("%.0f physics steps/s", c->steps_per_second);
  if (c->steps_per_second_hand > 0) printf(", %.0f with a hand on an object", c->steps_per_second_hand);
  printf("; %s\n", c->ok ? "it simulates" : "it does not simulate as it should");
}

static int check_twin(const char* folder, twinArgs* a, bool* ok, loomError* err) {
  loomTwinCheckDef def = loom_default_twin_check_def();
  loomTwinCheck check = {0};
  toolOutputs outputs = {0};
  loomScene* scene = NULL;
  loomTask* task = NULL;
  def.seed = (uint64_t)a->seed;

  int code = tool_output(&outputs, a->picture, tool_output_mode(a->overwrite), NULL, 0, err);
  if (!code) code = loom_task_find(&task, folder, err);
  if (!code) code = tool_assets(&a->roots, task, err);
  if (!code) code = loom_scene_of_task(&scene, task, &a->roots, err);
  if (!code) code = loom_twin_check(&check, scene, &def, err);
  if (!code && a->picture) code = draw_picture(a, scene, &check, err);

  if (!code && a->json) print_check_json(a, &check);
  if (!code && !a->json) print_check(&check);
  *ok = check.ok;
  loom_twin_check_destroy(&check);
  loom_scene_destroy(scene);
  loom_task_destroy(task);
  tool_outputs_close(&outputs);

  return code;
}

// ---- edit

static int edit_twin(const char* folder, twinArgs* a, loomError* err) {
  loomTwinEditDef def = loom_default_twin_edit_def();
  loomTask* task = NULL;
  if (a->script && (a->window.script || a->window.headless))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "--script opens no window: --events and --headless are of the window");
  if (!a->script && a->json)
    return loom_error_set(err, LOOM_ERR_USAGE, "--json tells what a script has done: give --script FILE");
  if (a->window.headless && !a->window.script)
    return loom_error_set(err, LOOM_ERR_USAGE, "--headless needs --events FILE, or give --script FILE");
  def.folder = folder;
  def.script = a->script;
  def.pieces = a->def.pieces;
  def.crumbs = a->def.crumbs;
  def.threshold = a->def.threshold;
  def.step = show_step;

  int code = loom_task_find(&task, folder, err);
  if (!code) code = tool_assets(&a->roots, task, err);
  if (!code) code = take_coacd(&def.coacd, a, err);
  def.roots = &a->roots;
  a->window.target = folder;
  a->window.overwrite = a->overwrite;
  a->window.seed = a->seed;
  if (!code) code = a->script ? twin_edit(&def, a->json, err) : twin_window_run(&a->window, &def, err);
  tool_progress_end();

  loom_task_destroy(task);
  return code;
}

// Its commands come behind the options.
static bool asks_for_edit(int argc, char** argv) {
  for (int i = 1; i < argc; i++)
    if (!strcmp(argv[i], "edit")) return true;
  return false;
}

typedef int twinVerb(const char* folder, twinArgs* a, bool* ok, loomError* err);

static int do_new(const char* folder, twinArgs* a, bool* ok, loomError* err) {
  (void)folder;
  (void)ok;
  return new_twin(a, err);
}

static int do_edit(const char* folder, twinArgs* a, bool* ok, loomError* err) {
  (void)ok;
  return edit_twin(folder, a, err);
}

static int do_fit(const char* folder, twinArgs* a, bool* ok, loomError* err) {
  *ok = false;
  a->fit.def.threads = a->threads;
  a->fit.output = a->output;
  return twin_fit(folder, &a->fit, a->overwrite, a->json, &a->roots, ok, err);
}

static int do_fuse(const char* folder, twinArgs* a, bool* ok, loomError* err) {
  (void)ok;
  a->fuse.def.threads = a->threads;
  return twin_fuse(folder, &a->fuse, a->output, a->overwrite, a->json, err);
}

static int do_export(const char* folder, twinArgs* a, bool* ok, loomError* err) {
  (void)ok;
  return twin_export(folder, a->urdf, a->usd, a->output, a->overwrite, a->json, &a->roots, err);
}

static const struct {
  const char* name;
  twinVerb* run;
} verbs[] = {{"new", do_new}, {"edit", do_edit}, {"check", check_twin},
             {"fit", do_fit}, {"fuse", do_fuse}, {"export", do_export}};
enum { VERBS = sizeof verbs / sizeof *verbs };

int cmd_twin(int argc, char** argv) {
  twinArgs a = {.def = loom_default_twin_def(),
                .up = -1,
                .window = {.width = 1280, .height = 760},
                .fit = {.def = loom_default_twin_fit_def()},
                .fuse = {.def = loom_default_fuse_def()}};
  loomError err = {0, ""};
  bool ok = true;
  int status = tool_options(&a, argc, argv, &command), code, v = 0;
  if (status < 0 && asks_for_edit(argc, argv)) loom_twin_edit_help(stdout);
  if (status) return status < 0 ? EXIT_DONE : status;

  const char* verb = optind < argc ? argv[optind] : "";
  while (v < VERBS && strcmp(verbs[v].name, verb) != 0) v++;
  if (optind + 2 != argc || v == VERBS)
    return tool_usage("twin", "expected new, edit, check, fit, fuse or export with a folder");

  tool_catch_signals();
  a.def.folder = argv[optind + 1];
  code = verbs[v].run(a.def.folder, &a, &ok, &err);
  status = code ? tool_fail(&err) : ok ? EXIT_DONE : EXIT_FAILED;

  loom_asset_roots_destroy(&a.roots);
  return status;
}
