// Demos that begin in the midst of what they show, after a disturbance has passed: what a step depends on
// besides the first state is what the hands were told until then, and goes with the demo as an attribute.
// Internal.
#ifndef LOOM_ENGINE_SIM_MIDWAY_H
#define LOOM_ENGINE_SIM_MIDWAY_H

#include "engine/sim/episode.h"

/// The attribute of such a demo: what each hand was told last, and its command, as JSON.
#define LOOM_MIDWAY_ATTR "loom_midway"

/// What hands are told now.
void loom_midway_take(loomHands* out, const loomEpisode* episode);
/// An episode that has just been started goes on with that: its first control step is one like any other.
void loom_midway_put(loomEpisode* episode, const loomHands* hands);

/// As text, and back. malloc'ed; LOOM_ERR_MEMORY. LOOM_ERR_FORMAT, after the demo's name, for a text that is
/// not of this episode's arms.
int loom_midway_text(char** out, const loomHands* hands, const loomEpisode* episode, loomError* err);
int loom_midway_read(loomHands* out, const char* text, const loomEpisode* episode, const char* name,
                     loomError* err);

#endif
