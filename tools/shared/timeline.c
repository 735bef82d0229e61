#include "tools/shared/timeline.h"

#include <math.h>
#include <stdio.h>

enum { LANE_LEFT = 64, LANE_RIGHT = 14, LANE_TOP = 40, LANE_HEIGHT = 38, LANE_GAP = 12 };

static double lane_width(const timeline* t) {
  return t->width - (LANE_LEFT + LANE_RIGHT) * t->scale;
}

static int row_count(const timeline* t) {
  return t->annotation.replay->rows > 0 ? t->annotation.replay->rows : 1;
}

double timeline_height(const timeline* t) {
  return t->scale * (46 + t->annotation.task->arm_count * (LANE_HEIGHT + LANE_GAP));
}

double timeline_x(const timeline* t, double row) {
  return t->scale * LANE_LEFT + row / row_count(t) * lane_width(t);
}

double timeline_row(const timeline* t, double x) {
  return (x - t->scale * LANE_LEFT) / lane_width(t) * row_count(t);
}

static double lane_top(const timeline* t, int arm) {
  return t->scale * (LANE_TOP + arm * (LANE_HEIGHT + LANE_GAP));
}

int timeline_lane(const timeline* t, double down) {
  for (int a = 0; a < t->annotation.task->arm_count; a++) {
    double top = lane_top(t, a);
    if (down >= top && down < top + t->scale * LANE_HEIGHT) return a;
  }
  return -1;
}

static loomColor blend(loomColor a, double share) {
  return (loomColor){1 + (a.r - 1) * share, 1 + (a.g - 1) * share, 1 + (a.b - 1) * share};
}

// Rows before a segment's own motion: on the way to its first pose.
static int lead_in(const annotationSegment* g) {
  int own = g->source_end - g->source_start, rows = g->end - g->first;
  return g->source_name[0] && own > 0 && own < rows ? rows - own : 0;
}

static void draw_segment(loomChart* c, const timeline* t, const annotationSegment* g) {
  double s = t->scale, top = lane_top(t, g->arm), x0 = timeline_x(t, g->first), x1 = timeline_x(t, g->end);
  double own = timeline_x(t, g->first + lead_in(g)), height = s * LANE_HEIGHT;
  loomTextDef text = loom_default_text_def();
  bool now = t->row >= g->first && t->row < g->end;
  loomColor color = annotation_arm_color[g->arm];

  // The way to the segment's first pose is paler than its own motion.
  loom_chart_rect(c, (loomBox){x0, top, x1 - x0, height}, blend(color, 0.2));
  loom_chart_rect(c, (loomBox){own, top, x1 - own, height}, blend(color, now ? 0.9 : 0.55));
  loom_chart_segment(c, x1, top - 3 * s, x1, top + height + 3 * s, 2 * s, loom_color_ink);

  // Names are left out where there is no room for them.
  text.max_width = x1 - x0 - 8 * s;
  text.size = 12 * s;
  text.bold = now;
  if (text.max_width > 14 * s)
    loom_chart_text(c, x0 + 4 * s, top + 14 * s, &text,
                    t->annotation.task->subtasks[g->arm][g->subtask].name);

  // Below it the source, smaller.
  text.size = 10 * s;
  text.bold = false;
  text.color = loom_color_grey;
  if (text.max_width > 24 * s && g->source_name[0])
    loom_chart_text(c, x0 + 4 * s, top + 26 * s, &text, g->source_name);
}

// Gripper commands at the foot of a lane: a line, up where the gripper closes.
static void draw_grip(loomChart* c, const timeline* t, int arm) {
  const loomReplay* r = t->annotation.replay;
  double s = t->scale, foot = lane_top(t, arm) + s * (LANE_HEIGHT - 2);

  int step = 1 + r->rows / 1000;
  for (int row = step; row < r->rows; row += step) {
    double a = fmin(1, fmax(-1, r->grip[arm][row - step])), b = fmin(1, fmax(-1, r->grip[arm][row]));
    loom_chart_segment(c, timeline_x(t, row - step), foot - 4 * s * (a + 1), timeline_x(t, row),
                       foot - 4 * s * (b + 1), 1.2 * s, loom_color_ink);
  }
}

// Where one arm waits for the other (sequential) or both go together (coordinated).
static void draw_rules(loomChart* c, const timeline* t) {
  const loomReplay* r = t->annotation.replay;
  double s = t->scale;
  for (int i = 0; i < t->annotation.task->rule_count; i++) {
    const loomRule* rule = &t->annotation.task->rules[i];
    bool together = rule->kind == LOOM_RULE_COORDINATED;
    loomColor color = together ? loom_color_good : loom_color_grey;

    // From the middle of one arm's lane to the middle of the other's.
    double from = lane_top(t, rule->arm_a) + s * LANE_HEIGHT / 2,
           to = lane_top(t, rule->arm_b) + s * LANE_HEIGHT / 2;

    int end = r->end[rule->arm_a][rule->subtask_a];
    double x0 = timeline_x(t, together ? loom_segment_start(r, rule->arm_a, rule->subtask_a) : end),
           x1 = timeline_x(t, loom_segment_start(r, rule->arm_b, rule->subtask_b));

    loom_chart_segment(c, x0, from, x1, to, (together ? 3 : 1.5) * s, color);
    loom_chart_dot(c, x1, to, 4 * s, color);

    // Both ends of what is done together.
    if (!together) continue;
    x0 = timeline_x(t, end);
    loom_chart_segment(c, x0, from, x0, to, 3 * s, color);
  }
}

// A thin bar above a lane where a condition holds.
static void draw_condition(loomChart* c, const timeline* t, int condition, double y) {
  const loomReplay* r = t->annotation.replay;
  for (int row = 0, from = -1; row <= r->rows; row++) {
    bool holds = row < r->rows && r->condition[(size_t)row * (size_t)r->condition_count + (size_t)condition];
    if (holds && from < 0) from = row;

    if (holds || from < 0) continue;

    // It held until here.
    double x0 = timeline_x(t, from), x1 = timeline_x(t, row);
    loom_chart_rect(c, (loomBox){x0, y, fmax(1, x1 - x0), 2 * t->scale}, loom_color_good);
    from = -1;
  }
}

// Conditions that end subtasks.
static void draw_conditions(loomChart* c, const timeline* t) {
  const loomTask* task = t->annotation.task;
  for (int a = 0; a < task->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      const loomSubtaskDef* s = &task->subtasks[a][k];
      int condition = s->until == LOOM_UNTIL_CONDITION ? s->until_condition : s->expect;
      if (condition >= 0) draw_condition(c, t, condition, lane_top(t, a) - t->scale * (5 + 3 * (k % 2)));
    }
  }
}

static void draw_ruler(loomChart* c, const timeline* t) {
  static const int steps[] = {10, 20, 50, 100, 200, 500, 1000, 2000, 5000};
  loomTextDef text = loom_default_text_def();
  text.size = 10 * t->scale;
  text.color = loom_color_grey;
  text.align = LOOM_ALIGN_CENTER;

  // The finest steps whose numbers do not touch.
  int rows = row_count(t), k = 0;
  while (k < 8 && lane_width(t) * steps[k] / rows < 45 * t->scale) k++;

  for (int row = 0; row <= rows; row += steps[k]) {
    char line[16];
    snprintf(line, sizeof line, "%d", row);
    loom_chart_text(c, timeline_x(t, row), 29 * t->scale, &text, line);
  }
}

void timeline_draw(loomChart* c, const timeline* t) {
  loomTextDef text = loom_default_text_def();
  int arms = t->annotation.task->arm_count;
  double s = t->scale;

  // Lanes first: all else lies on them.
  draw_ruler(c, t);
  text.size = 12 * s;
  for (int a = 0; a < arms; a++) {
    char line[32];
    snprintf(line, sizeof line, "arm %d", a);
    loom_chart_text(c, 10 * s, lane_top(t, a) + 22 * s, &text, line);
    loom_chart_rect(c, (loomBox){LANE_LEFT * s, lane_top(t, a), lane_width(t), LANE_HEIGHT * s},
                    loom_color_pale);
  }

  // Nothing is known of a simulation that goes its own way.
  if (t->only_lanes) return;

  for (int i = 0; i < t->annotation.segment_count; i++) draw_segment(c, t, &t->annotation.segment[i]);
  for (int a = 0; a < arms; a++) draw_grip(c, t, a);
  draw_conditions(c, t);
  if (t->annotation.has_ends) draw_rules(c, t);

  // A failed demo ends with a cross on the arm that failed.
  if (t->failed_arm >= 0) {
    double y = lane_top(t, t->failed_arm) + s * LANE_HEIGHT / 2;
    loom_chart_cross(c, timeline_x(t, t->annotation.replay->rows), y, 7 * s, loom_color_bad);
  }
}

void timeline_cursor(loomChart* c, const timeline* t, int row) {
  double s = t->scale, x = timeline_x(t, row);
  loom_chart_segment(c, x, 20 * s, x, lane_top(t, t->annotation.task->arm_count) - s * (LANE_GAP - 4),
                     1.5 * s, loom_color_bad);
}
