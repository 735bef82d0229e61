// The window of `demoloom twin edit`: opened, told what to do, and closed.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "tools/view/twin.h"

twinBody* twin_chosen(twinWindow* w) {
  int i = *w->chosen ? twin_shown_find(&w->shown, w->chosen) : -1;
  return i < 0 ? NULL : &w->shown.body[i];
}

void twin_choose(twinWindow* w, const char* name) {
  snprintf(w->chosen, sizeof w->chosen, "%s", name);

  // The tool stays where it can be used.
  for (int t = 0; t < TWIN_TOOLS && !twin_tool_fits(w, w->tool); t++)
    if (twin_tool_fits(w, (twinTool)t)) w->tool = (twinTool)t;
  twin_tool_begin(w, w->tool);
}

void twin_wrong(twinWindow* w, const loomError* err) {
  fprintf(stderr, "twin: %s\n", err->message);
  snprintf(w->error, sizeof w->error, "%s", err->message);
  w->app.ui.frames = 3;
}

// ---- what is drawn

// An object that is being moved or turned, where it would be.
static void put_body(twinWindow* w, const twinBody* b) {
  const mjModel* m = w->shown.model;
  double yaw = b->robot < 0 ? w->c.yaw : w->c.yaw - b->yaw, turn[4] = {cos(yaw / 2), 0, 0, sin(yaw / 2)},
         off[3], pos[3], quat[4];
  mju_sub3(off, b->pos, b->place);
  mju_rotVecQuat(pos, off, turn);
  mju_addTo3(pos, w->c.at);
  mju_mulQuat(quat, turn, b->quat);

  int joint = m->body_jntnum[b->id] ? m->body_jntadr[b->id] : -1;
  if (joint >= 0 && m->jnt_type[joint] == mjJNT_FREE) {
    mju_copy3(w->shown.data->qpos + m->jnt_qposadr[joint], pos);
    mju_copy4(w->shown.data->qpos + m->jnt_qposadr[joint] + 3, quat);
  } else {
    mju_copy3(m->body_pos + 3 * b->id, pos);
    mju_copy4(m->body_quat + 4 * b->id, quat);
  }
}

void twin_pose(viewApp* app) {
  twinWindow* w = twin_of(app);
  const mjModel* m = w->shown.model;
  mjData* d = w->shown.data;
  const twinBody* chosen = twin_chosen(w);
  bool moves =
      chosen && chosen->parent < 0 && (w->tool == TWIN_MOVE || w->tool == TWIN_TURN || w->tool == TWIN_STAND);

  mju_copy(d->qpos, w->shown.start, (int)m->nq);
  for (int i = 0; i < w->shown.n; i++) {
    const twinBody* b = &w->shown.body[i];
    mju_copy3(m->body_pos + 3 * b->id, b->pos);
    mju_copy4(m->body_quat + 4 * b->id, b->quat);
    if (w->tries[i] && b->joint >= 0) d->qpos[m->jnt_qposadr[b->joint]] = w->try[i];
  }
  if (moves) put_body(w, chosen);

  mj_kinematics(m, d);
  mj_comPos(m, d);
  mj_camlight(m, d);
  mj_tendon(m, d);
}

// ---- what goes on

static bool busy(const viewApp* app) {
  twinWindow* w = twin_of((viewApp*)app);
  if (w->job.kind) return true;
  if (w->failed && w->version == w->shown_version) return false;
  if (!w->shown.model && w->failed) return false;
  return !w->shown.model || w->wants_check || (!w->failed && !twin_job_all_done(w));
}

static void advance(viewApp* app) {
  twinWindow* w = twin_of(app);
  twin_job_advance(w);
  if (w->job.kind && app->ui.frames < 1) app->ui.frames = 1;
  if (w->asked && !busy(app)) app->quit = true;
}

// ---- commands

static void do_quit(twinWindow* w, const char* arg) {
  bool waits = !strcmp(arg, "ask") && !w->asked && busy(&w->app);

  if (!waits) w->app.quit = true;
  w->asked = true;
  w->wants_check = false;

  if (waits)
    view_say(
        &w->app,
        "It closes once all that was done is in the folder; close it again to go on with that next time.");
}

static void do_undo(twinWindow* w, const char* arg) {
  (void)arg;
  twin_step(w, -1);
}

static void do_redo(twinWindow* w, const char* arg) {
  (void)arg;
  twin_step(w, 1);
}

static void do_check(twinWindow* w, const char* arg) {
  (void)arg;
  w->wants_check = w->shown.model && !w->failed;
}

static void do_choose(twinWindow* w, const char* arg) {
  if (!*arg || twin_shown_find(&w->shown, arg) >= 0) twin_choose(w, arg);
}

static void do_tool(twinWindow* w, const char* arg) {
  for (int t = 0; t < TWIN_TOOLS; t++)
    if (!strcmp(twin_tool_names[t], arg) && twin_tool_fits(w, (twinTool)t)) twin_tool_begin(w, (twinTool)t);
}

static void do_it(twinWindow* w, const char* arg) {
  (void)arg;
  if (w->version == w->shown_version) twin_tool_do(w);
}

static void do_solids(twinWindow* w, const char* arg) {
  (void)arg;
  w->shows_solids = !w->shows_solids;
  w->app.option.geomgroup[0] = w->app.option.geomgroup[3] = w->shows_solids;
  w->app.option.geomgroup[1] = !w->shows_solids;
}

static void do_look(twinWindow* w, const char* arg) {
  const twinBody* b = twin_chosen(w);

  (void)arg;
  if (!b) return;
  const double middle[3] = {(b->low[0] + b->high[0]) / 2, (b->low[1] + b->high[1]) / 2,
                            (b->low[2] + b->high[2]) / 2};
  twin_to_world(w->app.camera.lookat, w, b, middle);
  if (b->robot < 0) w->app.camera.distance = 2 * mju_dist3(b->low, b->high) + 0.1;
}

static void do_theme(twinWindow* w, const char* arg) {
  w->app.ui.dark = !strcmp(arg, "dark");
  gui_look(w->app.ui.scale, w->app.ui.dark);
}

static void do_camera(twinWindow* w, const char* arg) {
  mjvCamera* c = &w->app.camera;
  double a, e;
  if (!tool_read_double(&a, &arg) || !tool_read_double(&e, &arg)) return;

  c->azimuth = a;
  c->elevation = e;
  tool_read_double(&c->distance, &arg);
}

static const struct {
  const char *name, *arg;  // arg NULL: what follows in the line
  void (*run)(twinWindow* w, const char* arg);
  int key, mods;
} actions[] = {{"undo", NULL, do_undo, 'Z', VIEW_CONTROL},
               {"redo", NULL, do_redo, 'Y', VIEW_CONTROL},
               {"redo", NULL, do_redo, 'Z', VIEW_CONTROL | VIEW_SHIFT},
               {"check", NULL, do_check, 'C', 0},
               {"do", NULL, do_it, mjKEY_ENTER, 0},
               {"solids", NULL, do_solids, 'W', 0},
               {"look", NULL, do_look, 'F', 0},
               {"choose", NULL, do_choose, 0, 0},
               {"tool", NULL, do_tool, 0, 0},
               {"camera", NULL, do_camera, 0, 0},
               {"dark", "dark", do_theme, 0, 0},
               {"light", "light", do_theme, 0, 0},
               {"quit", NULL, do_quit, 'Q', 0}};
enum { ACTIONS = sizeof actions / sizeof *actions };

static void run_action(twinWindow* w, int i, const char* rest) {
  actions[i].run(w, actions[i].arg ? actions[i].arg : rest);
  view_touched(&w->app);
}

static bool command(viewApp* app, const char* line) {
  for (int i = 0; i < ACTIONS; i++) {
    size_t n = strlen(actions[i].name);
    if (strncmp(line, actions[i].name, n) || (line[n] && line[n] != ' ')) continue;
    run_action(twin_of(app), i, line + n + strspn(line + n, " "));
    return true;
  }

  return false;
}

static bool use_key(viewApp* app, int key, int mods) {
  int known = mods & VIEW_CONTROL ? mods & (VIEW_CONTROL | VIEW_SHIFT) : 0;

  for (int i = 0; i < ACTIONS; i++) {
    if (!actions[i].key || actions[i].key != key || actions[i].mods != known) continue;
    run_action(twin_of(app), i, "ask");
    return true;
  }
  return false;
}

// ---- for scripts

static void tell(viewApp* app, cJSON* o) {
  twinWindow* w = twin_of(app);
  const twinBody* b = twin_chosen(w);
  cJSON_AddStringToObject(o, "chosen", w->chosen);
  cJSON_AddStringToObject(o, "tool", twin_tool_names[w->tool]);
  cJSON_AddNumberToObject(o, "commands", w->list.n);
  cJSON_AddNumberToObject(o, "done", w->list.at);
  cJSON_AddStringToObject(o, "last", w->list.at ? w->list.command[w->list.at - 1] : "");
  cJSON_AddBoolToObject(o, "draft", w->shown.draft);
  cJSON_AddBoolToObject(o, "busy", busy(app));
  cJSON_AddBoolToObject(o, "waiting", w->version != w->shown_version);
  cJSON_AddBoolToObject(o, "failed", w->failed);
  cJSON_AddBoolToObject(o, "checked", w->checked);
  cJSON_AddBoolToObject(o, "ok", w->checked && w->check.ok);
  cJSON_AddNumberToObject(o, "gl_error", app->has_context ? mjr_getError() : 0);
  char* making = NULL;
  if (b && !loom_edit_command_text(&making, &w->c, NULL)) cJSON_AddStringToObject(o, "making", making);
  free(making);
  cJSON_AddNumberToObject(o, "points", w->camera.c.nseen);
  cJSON_AddItemToObject(o, "pixel", cJSON_CreateDoubleArray(w->camera.pixel, 2));
  if (b) cJSON_AddItemToObject(o, "at", cJSON_CreateDoubleArray(b->place, 3));

  cJSON* list = cJSON_AddArrayToObject(o, "bodies");
  for (int i = 0; i < w->shown.n; i++) cJSON_AddItemToArray(list, cJSON_CreateString(w->shown.body[i].name));
  cJSON_AddStringToObject(o, "message", app->message);
  cJSON_AddStringToObject(o, "error", w->error);
}

static bool read_numbers(double* out, int n, const char* text) {
  bool ok = true;
  for (int k = 0; ok && k < n; k++) ok = tool_read_double(&out[k], &text);
  return ok;
}

// "grip NAME"; "middle NAME": of a body; "point BODY X Y Z" in its frame; "world X Y Z"; "pixel X Y" of a
// camera's picture.
static bool where(viewApp* app, const char* what, double at[2]) {
  twinWindow* w = twin_of(app);
  char name[LOOM_TWIN_NAME];
  double p[3], q[3];
  if (!strncmp(what, "grip ", 5))
    for (int i = 0; i < w->ngrip; i++)
      if (!strcmp(w->grip[i].name, what + 5) && w->grip[i].seen) {
        at[0] = w->grip[i].tip[0];
        at[1] = w->grip[i].tip[1];
        return true;
      }
  if (!strncmp(what, "world ", 6)) return read_numbers(p, 3, what + 6) && twin_project(w, at, p);
  if (!strncmp(what, "pixel ", 6)) return read_numbers(p, 2, what + 6) && twin_camera_where(at, w, p);
  bool point = sscanf(what, "point %63s", name) == 1;
  if (!point && strncmp(what, "middle ", 7)) return false;
  const char* rest = point ? what + 6 + strlen(name) : "";
  if (point && !read_numbers(p, 3, rest)) return false;
  int i = twin_shown_find(&w->shown, point ? name : what + 7);
  if (i < 0) return false;

  const twinBody* b = &w->shown.body[i];
  for (int k = 0; k < 3 && !point; k++) p[k] = (b->low[k] + b->high[k]) / 2;
  twin_to_world(q, w, b, p);
  return twin_project(w, at, q);
}

static const viewGuest guest = {twin_ui, twin_pose, advance, busy, command, use_key, tell, where};

// ---- all of it

static int open_twin(twinWindow* w, const viewArgs* args, loomError* err) {
  viewApp* app = &w->app;
  bool other = false;
  app->args = args;
  app->guest = &guest;
  view_set_defaults(app);
  snprintf(app->path, sizeof app->path, "%.*s", LOOM_PATH_MAX - 1, w->def.folder);
  snprintf(w->save, sizeof w->save, "commands.yaml");

  // One window at a time: each would undo what the other does.
  char path[LOOM_PATH_MAX];
  snprintf(path, sizeof path, "%.*s/task.yaml", LOOM_PATH_MAX - 16, w->def.folder);
  loomOutputDef own = {.path = path, .mode = LOOM_OUTPUT_CHANGE};
  int code = loom_twin_list_open(&w->list, w->def.folder, &other, err);
  if (!code) code = loom_output_open(&w->lock, &own, err);
  if (!code) code = twin_job_open(w, err);
  if (code) return code;
  gui_open(app->ui.scale, app->ui.dark);
  view_resize(app, args->width, args->height);
  if (other)
    view_say(
        app,
        "Something else has changed the folder: what was done before can no longer be undone; %s has it.",
        w->list.path);

  return 0;
}

static void close_twin(twinWindow* w) {
  // The stage has what is shown, and nothing of its own.
  w->app.stage.model = NULL;
  w->app.stage.data = NULL;
  twin_camera_close(w);
  twin_shown_destroy(&w->shown);
  loom_twin_check_destroy(&w->check);
  loom_twin_list_destroy(&w->list);
  loom_names_destroy(&w->notes);
  loom_output_close(&w->lock);
  mj_deleteModel(w->app.blank);
  gui_close();
}

int twin_window_run(const viewArgs* args, const loomTwinEditDef* def, loomError* err) {
  twinWindow* w = calloc(1, sizeof *w);
  if (!w) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a window");
  w->def = *def;
  int code = open_twin(w, args, err);
  if (code) {
    loom_twin_list_destroy(&w->list);
    loom_output_close(&w->lock);
    free(w);
    return code;
  }

  code = args->headless ? view_run_headless(&w->app, err) : view_run_window(&w->app, err);
  if (code == LOOM_ERR_UNSUPPORTED) code = loom_error_prefix(err, code, "--script FILE needs no window");

  // What is still to be made is in the list, which the folder keeps.
  twin_job_close(w);
  if (!w->failed && !twin_job_is_done(w))
    fprintf(stderr,
            "twin: %s is as it was some commands before; all are in %s and are done when it is opened next\n",
            def->folder, w->list.path);
  if (!code && w->failed) code = loom_error_set(err, LOOM_ERR_FORMAT, "%s", w->error);
  close_twin(w);
  free(w);
  return code;
}
