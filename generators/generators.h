// Generators: source demos in, many demos out. `#include <demoloom/generators.h>` once installed; from C and
// C++.
#ifndef LOOM_GENERATORS_GENERATORS_H
#define LOOM_GENERATORS_GENERATORS_H

#include "generators/attempt/attempt.h"    // one try at generating a demo
#include "generators/attempt/recover.h"    // attempts that come back from a disturbance
#include "generators/attempt/start_map.h"  // starts drawn where something fails
#include "generators/expert/expert.h"      // a task's scripted expert as a policy
#include "generators/expert/guide.h"       // the generator as a policy
#include "generators/run/generate.h"       // many attempts on all cores, resumed where they stopped
#include "generators/run/record.h"         // demos of one's own episodes
#include "generators/source/perturb.h"     // demos replayed in physics a few percent off
#include "generators/source/replay.h"      // source demos replayed
#include "generators/source/segment.h"     // and cut into subtasks
#include "generators/twin/check.h"         // whether a twin simulates
#include "generators/twin/edit.h"          // cut, hollowed, given joints
#include "generators/twin/fit.h"           // masses and frictions of a logged motion
#include "generators/twin/twin.h"          // a task from scans

#endif
