// The engine: tasks and scenes, episodes of them in the simulator, datasets. `#include <demoloom/engine.h>`
// once installed; from C and C++. What is not reached from here, generators.h or policies.h is internal.
#ifndef LOOM_ENGINE_ENGINE_H
#define LOOM_ENGINE_ENGINE_H

#include "engine/base/error.h"            // errors as values
#include "engine/base/pose.h"             // positions and quaternions
#include "engine/base/random.h"           // counter-based random numbers
#include "engine/data/dataset.h"          // datasets in robomimic's layout
#include "engine/model/model.h"           // MJCF to mjModel, asset folders
#include "engine/observe/framed.h"        // poses in each other's frames as observations
#include "engine/observe/sense.h"         // pictures and point clouds as observations
#include "engine/run/adr.h"               // ranges of disturbances that grow and shrink
#include "engine/run/environment.h"       // what policies learn in by trying
#include "engine/run/jerk.h"              // how jerkily its hands move
#include "engine/run/policy.h"            // whoever drives an episode
#include "engine/run/quality.h"           // how smoothly it is driven
#include "engine/run/reward.h"            // what its steps are worth
#include "engine/run/starts.h"            // where episodes of reinforcement learning begin
#include "engine/run/task_environment.h"  // episodes of robots' tasks as environments
#include "engine/run/trace.h"             // what is recorded of it
#include "engine/run/vector.h"            // environments side by side
#include "engine/scene/env_args.h"        // what a dataset says about its environment
#include "engine/scene/library.h"         // where scenes, assets and source demos are
#include "engine/scene/scene.h"           // open a scene by its name
#include "engine/sim/control_sim.h"       // plain control tasks in the simulator
#include "engine/sim/disturb.h"           // episodes that are disturbed
#include "engine/sim/episode.h"           // reset, step, observe
#include "engine/task/control_task.h"     // a plain control task as data
#include "engine/task/task.h"             // a task as data

#endif
