// What the tools of the twin's window share. Internal.
#ifndef LOOM_TOOLS_VIEW_TWIN_TOOL_H
#define LOOM_TOOLS_VIEW_TWIN_TOOL_H

#include "tools/view/twin.h"

/// How a joint lies (w->axis_choice): as was guessed, then along or about an axis of the body, then on an
/// edge of it; below 0, the axis that it has.
enum { TWIN_FIRST_EDGE = 7, TWIN_AXES = 13 };

void twin_side_direction(double out[3], int side);
/// The middle of its bounds.
void twin_middle(double out[3], const twinBody* b);
/// Does it slide, rather than turn or have no joint?
bool twin_slides(const twinWindow* w, const twinBody* b);
/// Where it begins in the distribution chosen; NULL: nothing is said.
const twinReset* twin_reset_of(const twinWindow* w, const twinBody* b);
/// What damping and friction of a joint are without being said.
void twin_usual_drag(loomEditCommand* c);
/// Where the axis of the joint leads, in the body's frame; false: it is not said.
bool twin_joint_axis(double out[3], const twinWindow* w);

#endif
