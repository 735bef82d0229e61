// The panel at the right: what is known of the demo, its subtasks, what is shown, runs, MuJoCo's flags.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/view/view.h"

// A name and what it is, in two columns.
static void tell_fact(const char* name, guiColor color, const char* text) {
  float left = gui_x();

  gui_text(GUI_DIM, "%s", name);
  gui_same_line();
  gui_move_to(left + 4 * gui_em());
  gui_text_cut(color, gui_room(), text);
}

// 0.00, not -0.00.
static double without_sign(double value) {
  return fabs(value) < 0.005 ? 0 : value;
}

static void demo_facts(viewApp* app) {
  const viewEntry* e = view_list_entry(&app->list, app->stage.entry);
  char line[128];

  gui_bold();
  gui_text_cut(GUI_INK, gui_room(), e->name);
  gui_font_end();

  if (e->outcome >= 0)
    tell_fact("result", e->outcome == LOOM_OUTCOME_SUCCESS ? GUI_GOOD : GUI_BAD,
              loom_outcome_name((loomOutcome)e->outcome));
  snprintf(line, sizeof line, "%d rows, %.2f s", e->rows, (double)e->rows / app->task->control_freq);
  if (view_time_known(app)) tell_fact("length", GUI_INK, line);
  if (e->source[0]) tell_fact("source", GUI_INK, e->source);

  if (!isnan(e->start[0]) && app->task->object_count) {
    snprintf(line, sizeof line, "%s at %.2f, %.2f m", app->task->objects[0].name, without_sign(e->start[0]),
             without_sign(e->start[1]));
    tell_fact("start", GUI_INK, line);
  }
  if (e->reason[0]) gui_text_wrapped(GUI_DIM, e->reason);
}

static void section_demo(viewApp* app) {
  if (!gui_section("Demo", true) || app->stage.entry < 0) return;

  const viewEntry* e = view_list_entry(&app->list, app->stage.entry);
  demo_facts(app);

  if (gui_chip("Keep", e->mark == VIEW_KEEP)) view_command(app, "keep");
  gui_tip(view_action("keep")->tip);
  gui_same_line();
  if (gui_chip("Reject", e->mark == VIEW_REJECT)) view_command(app, "reject");
  gui_tip(view_action("reject")->tip);
  gui_same_line();
  gui_disable(!view_edit_unsaved(app) || app->save.on);
  view_ui_button(app, "save", 0);
  gui_disable_end();
}

static void section_subtasks(viewApp* app) {
  const viewStage* s = &app->stage;
  if (!gui_section("Subtasks", true) || s->entry < 0) return;

  bool known = view_time_known(app);
  if (!known) gui_text_wrapped(GUI_DIM, "Known when the run is over.");
  if (known && !s->segment_count) gui_text_wrapped(GUI_DIM, s->why[0] ? s->why : "None are known.");
  for (int i = 0, arm = -1; i < s->segment_count && known; i++) {
    const annotationSegment* g = &s->segment[i];
    char label[LOOM_NAME_MAX + 16], rows[32];

    if (g->arm != arm) gui_text(GUI_DIM, "arm %d", arm = g->arm);

    // A line a subtask, with its rows at the right; the one that is shown stands out.
    int row = view_row(app);
    float left = gui_x(), room = gui_room();
    snprintf(label, sizeof label, "  %s##%d", app->task->subtasks[g->arm][g->subtask].name, i);
    snprintf(rows, sizeof rows, "%d - %d", g->first, g->end - 1);
    if (gui_line(label, row >= g->first && row < g->end, 0)) {
      view_stop(app);
      view_go(app, g->first);
    }
    gui_tip("Go to its first row. Its end is dragged on the timeline.");
    gui_same_line();
    gui_move_to(left + room - gui_text_width(rows));
    gui_text(GUI_DIM, "%s", rows);
  }
}

static void section_show(viewApp* app) {
  static const char* const switches[] = {"paths", "targets", "frames", "ghost", "coverage", "forces"};
  enum { COUNT = sizeof switches / sizeof *switches };

  if (!gui_section("Show", true)) return;
  float left = gui_x(), half = gui_room() / 2;

  for (int i = 0; i < COUNT; i++) {
    if (i % 2) gui_same_line();
    if (i % 2) gui_move_to(left + half);
    view_ui_switch(app, switches[i]);
  }

  // The cameras by their names.
  const mjModel* m = app->stage.entry >= 0 ? app->stage.model : NULL;
  const char* shown =
      !app->camera_choice || !m ? "free" : mj_id2name(m, mjOBJ_CAMERA, app->camera_choice - 1);
  gui_label("Camera");
  if (!gui_choice_open("##camera", shown ? shown : "?", gui_room())) {
    gui_tip("Where the scene is seen from; dragging it comes back to the free camera");
    return;
  }
  for (int i = 0; i <= (m ? (int)m->ncam : 0); i++) {
    const char* name = i ? mj_id2name(m, mjOBJ_CAMERA, i - 1) : "free";
    if (!gui_option(name ? name : "?", i == app->camera_choice)) continue;
    app->camera_choice = i;
    view_touched(app);
  }
  gui_choice_end();
}

static void section_live(viewApp* app) {
  static const char* const actions[] = {"attempt", "expert", "policy",  "reset",
                                        "live",    "drive",  "subtask", "finish"};
  const char* names[32];
  int n = 0;

  if (!gui_section("Live", true)) return;
  float left = gui_x(), half = (gui_room() - 8) / 2;

  for (int i = 0; i < (int)(sizeof actions / sizeof *actions); i++) {
    bool of_run = !strcmp(actions[i], "subtask") || !strcmp(actions[i], "finish");

    if (i % 2) gui_same_line();
    if (i % 2) gui_move_to(left + half + 8);
    gui_disable(of_run && !view_run_open(app));
    view_ui_button(app, actions[i], half);
    gui_disable_end();
  }

  for (; n < app->task->reset_count && n < 32; n++) names[n] = app->task->resets[n].name;
  gui_label("Start");
  gui_move_to(left + 3.5f * gui_em());
  gui_choice("##start", &app->reset_choice, names, n, gui_room());
  gui_tip("The distribution that runs and resets begin in");

  gui_label("Seed");
  gui_move_to(left + 3.5f * gui_em());
  gui_number("##seed", &app->seed, 0, 1000000000, gui_room());
  gui_tip("Of runs and resets: the same seed and number give the same run");
}

// A checkbox of a byte of MuJoCo's.
static void byte_switch(viewApp* app, const char* label, mjtByte* byte, const char* tip) {
  bool on = *byte;
  if (gui_check(label, &on)) {
    *byte = on;
    view_touched(app);
  }
  gui_tip(tip);
}

static void section_rendering(viewApp* app) {
  char tip[64];
  if (!gui_section("Rendering", false)) return;

  float left = gui_x(), half = gui_room() / 2;
  gui_label("Labels");
  gui_move_to(left + 4 * gui_em());
  if (gui_choice("##label", &app->option.label, mjLABELSTRING, mjNLABEL, gui_room())) view_touched(app);
  gui_label("Frames");
  gui_move_to(left + 4 * gui_em());
  if (gui_choice("##frame", &app->option.frame, mjFRAMESTRING, mjNFRAME, gui_room())) view_touched(app);

  // One checkbox for each of MuJoCo's visual and rendering flags.
  for (int i = 0; i < mjNVISFLAG + mjNRNDFLAG; i++) {
    const char* const* text = i < mjNVISFLAG ? mjVISSTRING[i] : mjRNDSTRING[i - mjNVISFLAG];
    mjtByte* flag = i < mjNVISFLAG ? &app->option.flags[i] : &app->scene.flags[i - mjNVISFLAG];

    if (i % 2) gui_same_line();
    if (i % 2) gui_move_to(left + half);
    snprintf(tip, sizeof tip, text[2][0] ? "MuJoCo's flag; key %s" : "MuJoCo's flag", text[2]);
    byte_switch(app, text[0], flag, tip);
  }
}

static void section_groups(viewApp* app) {
  const struct {
    const char* name;
    mjtByte* group;
  } kinds[] = {{"Geoms", app->option.geomgroup},
               {"Sites", app->option.sitegroup},
               {"Joints", app->option.jointgroup},
               {"Tendons", app->option.tendongroup},
               {"Actuators", app->option.actuatorgroup}};

  if (!gui_section("Groups", false)) return;
  float left = gui_x();

  for (int k = 0; k < (int)(sizeof kinds / sizeof *kinds); k++) {
    gui_label(kinds[k].name);
    for (int i = 0; i < mjNGROUP; i++) {
      char label[32], tip[64];
      snprintf(label, sizeof label, "##%s %d", kinds[k].name, i);
      snprintf(tip, sizeof tip, "%s of group %d", kinds[k].name, i);
      if (i) gui_same_line();
      gui_move_to(left + 5 * gui_em() + (float)i * 1.9f * gui_em());
      byte_switch(app, label, &kinds[k].group[i], tip);
    }
  }
}

void view_ui_side(viewApp* app, guiBox box) {
  gui_panel("##side", box, GUI_PADDED);
  gui_scroll("##sections", 0, 0);
  view_drive_section(app);
  section_demo(app);
  view_compare_section(app);
  section_subtasks(app);
  section_show(app);
  section_live(app);
  view_summary_section(app);
  section_rendering(app);
  section_groups(app);
  gui_scroll_end();
  gui_panel_end();
}
