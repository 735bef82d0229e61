// The timeline: a lane an arm with its subtasks, their source demos, the gripper, the conditions that end
// subtasks, who waits for whom, and a cursor. Drawn by cairo, for the viewer and for pictures.
#ifndef LOOM_TOOLS_SHARED_TIMELINE_H
#define LOOM_TOOLS_SHARED_TIMELINE_H

#include "tools/shared/annotation.h"

typedef struct timeline {
  annotation annotation;
  int row;          // whose segments stand out; -1 = none
  double width;     // pixels of the chart
  double scale;     // 1 = as the viewer has it, for charts of about 900 pixels in width
  int failed_arm;   // where to put a cross at the end; -1 = nowhere
  bool only_lanes;  // what is shown is not the annotation's demo: a simulation that has left it
} timeline;

/// Height of the whole, pixels; the viewer's own line of text takes the first 20 * scale of them.
double timeline_height(const timeline* t);
/// Pixels from the chart's left edge to a row, and the row of a place.
double timeline_x(const timeline* t, double row);
double timeline_row(const timeline* t, double x);
/// Arm of the lane that is so many pixels below the chart's top, or -1.
int timeline_lane(const timeline* t, double down);
/// Draw it, all but the line of text and the cursor.
void timeline_draw(loomChart* chart, const timeline* t);
void timeline_cursor(loomChart* chart, const timeline* t, int row);

#endif
