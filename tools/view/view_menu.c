// The menu at the right: MuJoCo's own widgets.
#include <stdio.h>
#include <string.h>

#include "tools/view/view.h"

enum { MENU_AUX = 1, MENU_RECT = 1 };
enum { SECTION_DEMO, SECTION_SHOW, SECTION_LIVE, SECTION_RENDER, SECTION_GROUPS };

// Buttons and what they do, by their place in the section.
static const char* const demo_commands[] = {"keep", "reject", "unmark", "filter", "sort", "save"};
static const char* const live_commands[] = {"attempt", "expert",  "policy", "reset",
                                            "live",    "subtask", "finish"};
enum { LIVE_COMMANDS = sizeof live_commands / sizeof *live_commands };

static void add_demo_buttons(viewApp* app) {
  static const mjuiDef defs[] = {
      {mjITEM_SECTION, "Demo", 1, NULL, "AD", 0}, {mjITEM_BUTTON, "Keep", 1, NULL, "", 0},
      {mjITEM_BUTTON, "Reject", 1, NULL, "", 0},  {mjITEM_BUTTON, "Unmark", 1, NULL, "", 0},
      {mjITEM_BUTTON, "Filter", 1, NULL, "", 0},  {mjITEM_BUTTON, "Sort", 1, NULL, "", 0},
      {mjITEM_BUTTON, "Save", 1, NULL, "", 0},    {mjITEM_END, "", 0, NULL, "", 0}};
  mjui_add(&app->ui, defs);
}

static void add_show(viewApp* app) {
  const mjuiDef defs[] = {
      {mjITEM_SECTION, "Show", 1, NULL, "AS", 0},
      {mjITEM_SELECT, "Plot", 1, &app->plot_page, "none\naction\nposition\nspeed\nerror\nforce\ngripper", 0},
      {mjITEM_CHECKINT, "Paths", 1, &app->show_paths, "", 0},
      {mjITEM_CHECKINT, "Targets", 1, &app->show_targets, "", 0},
      {mjITEM_CHECKINT, "Frames", 1, &app->show_frame, "", 0},
      {mjITEM_CHECKINT, "Source ghost", 1, &app->show_ghost, "", 0},
      {mjITEM_CHECKINT, "Coverage", 1, &app->show_coverage, "", 0},
      {mjITEM_END, "", 0, NULL, "", 0}};
  mjui_add(&app->ui, defs);
}

static void add_live(viewApp* app) {
  mjuiDef defs[] = {{mjITEM_SECTION, "Live", 1, NULL, "AL", 0},
                    {mjITEM_BUTTON, "Attempt", 1, NULL, "", 0},
                    {mjITEM_BUTTON, "Expert", 1, NULL, "", 0},
                    {mjITEM_BUTTON, "Policy", 1, NULL, "", 0},
                    {mjITEM_BUTTON, "Reset", 1, NULL, "", 0},
                    {mjITEM_BUTTON, "Simulate", 1, NULL, "", 0},
                    {mjITEM_BUTTON, "To subtask", 1, NULL, "", 0},
                    {mjITEM_BUTTON, "Finish", 1, NULL, "", 0},
                    {mjITEM_SELECT, "Start", 1, &app->reset_choice, "", 0},
                    {mjITEM_EDITINT, "Seed", 1, &app->seed, "1 0 1000000000", 0},
                    {mjITEM_END, "", 0, NULL, "", 0}};

  // Names of the reset distributions, as the widget wants them: a line each.
  mjuiDef* start = &defs[1 + LIVE_COMMANDS];
  char* names = start->other;
  for (int r = 0; r < app->task->reset_count; r++) {
    size_t used = strlen(names);
    snprintf(names + used, sizeof start->other - used, "%s%s", r ? "\n" : "", app->task->resets[r].name);
  }

  mjui_add(&app->ui, defs);
}

static void join_names(char* out, size_t size, const char* const names[], int n) {
  out[0] = '\0';
  for (int i = 0; i < n; i++) {
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%s", i ? "\n" : "", names[i]);
  }
}

static void add_render(viewApp* app) {
  mjuiDef defs[] = {{mjITEM_SECTION, "Rendering", 0, NULL, "AR", 0},
                    {mjITEM_SLIDERINT, "Camera", 1, &app->camera_choice, "0 8", 0},
                    {mjITEM_SELECT, "Label", 1, &app->option.label, "", 0},
                    {mjITEM_SELECT, "Frame", 1, &app->option.frame, "", 0},
                    {mjITEM_END, "", 0, NULL, "", 0}};

  join_names(defs[2].other, sizeof defs[2].other, mjLABELSTRING, mjNLABEL);
  join_names(defs[3].other, sizeof defs[3].other, mjFRAMESTRING, mjNFRAME);
  mjui_add(&app->ui, defs);

  // One checkbox for each of MuJoCo's visual and rendering flags.
  for (int i = 0; i < mjNVISFLAG; i++) {
    mjuiDef one[] = {{mjITEM_CHECKBYTE, "", 1, app->option.flags + i, "", 0},
                     {mjITEM_END, "", 0, NULL, "", 0}};
    snprintf(one[0].name, sizeof one[0].name, "%s", mjVISSTRING[i][0]);
    mjui_add(&app->ui, one);
  }

  for (int i = 0; i < mjNRNDFLAG; i++) {
    mjuiDef one[] = {{mjITEM_CHECKBYTE, "", 1, app->scene.flags + i, "", 0},
                     {mjITEM_END, "", 0, NULL, "", 0}};
    snprintf(one[0].name, sizeof one[0].name, "%s", mjRNDSTRING[i][0]);
    mjui_add(&app->ui, one);
  }
}

static void add_groups(viewApp* app) {
  const mjuiDef head[] = {{mjITEM_SECTION, "Groups", 0, NULL, "AG", 0}, {mjITEM_END, "", 0, NULL, "", 0}};
  mjui_add(&app->ui, head);

  const struct {
    const char* name;
    mjtByte* group;
  } kinds[] = {{"Geom", app->option.geomgroup},
               {"Site", app->option.sitegroup},
               {"Joint", app->option.jointgroup},
               {"Tendon", app->option.tendongroup},
               {"Actuator", app->option.actuatorgroup}};

  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    for (int i = 0; i < mjNGROUP; i++) {
      mjuiDef one[] = {{mjITEM_CHECKBYTE, "", 1, kinds[k].group + i, "", 0},
                       {mjITEM_END, "", 0, NULL, "", 0}};
      snprintf(one[0].name, sizeof one[0].name, "%s %d", kinds[k].name, i);
      mjui_add(&app->ui, one);
    }
  }
}

void view_menu_create(viewApp* app) {
  memset(&app->ui, 0, sizeof app->ui);

  app->ui.spacing = mjui_themeSpacing(0);
  app->ui.color = mjui_themeColor(1);
  app->ui.rectid = MENU_RECT;
  app->ui.auxid = MENU_AUX;
  app->state.userdata = app;

  add_demo_buttons(app);
  add_show(app);
  add_live(app);
  add_render(app);
  add_groups(app);
}

void view_menu_bind(viewApp* app) {
  mjui_resize(&app->ui, &app->context);
  view_layout(app, app->width, app->height);

  mjr_addAux(MENU_AUX, app->ui.width, app->ui.maxheight, app->ui.spacing.samples, &app->context);
  mjui_update(-1, -1, &app->ui, &app->state, &app->context);
}

void view_menu_sync(viewApp* app) {
  if (app->has_context) mjui_update(-1, -1, &app->ui, &app->state, &app->context);

  app->dirty = true;
}

void view_menu_draw(viewApp* app) {
  if (app->show_ui) mjui_render(&app->ui, &app->state, &app->context);
}

bool view_menu_event(viewApp* app) {
  if (!app->show_ui || !app->has_context) return false;

  const mjuiItem* item = mjui_event(&app->ui, &app->state, &app->context);

  app->dirty = true;
  if (!item) return false;

  // Buttons do what the command of their place does; other widgets write to what they were bound to.
  if (item->sectionid == SECTION_DEMO) view_command(app, demo_commands[item->itemid]);
  if (item->sectionid == SECTION_LIVE && item->itemid < LIVE_COMMANDS)
    view_command(app, live_commands[item->itemid]);

  if (item->sectionid == SECTION_SHOW && item->itemid == 0) view_plot_page(app, app->plot_page);
  return true;
}
