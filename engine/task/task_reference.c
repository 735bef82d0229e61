#include "engine/task/task_reference.h"

#include <string.h>

#include "engine/task/disturb_terms.h"
#include "engine/task/task_reward.h"

enum { MOST_KEYS = 64 };  // of one section

#define REQUIRED "required"
#define TERM_ROW(KIND, name, value, given, words, about, example) \
  {"reward: terms", name, words, "", "", about, example},

// A line with an empty key opens a section and says where its map stands; the keys follow.
// clang-format off
const loomReferenceKey loom_task_reference[] = {
    {"task", "", "", "", "", "The top of `task.yaml`.", ""},
    {"task", "task", "text", "", REQUIRED, "name of the task", "handover"},
    {"task", "like", "text", "", "", "another task in the same folder, such as one with other robots: all its keys but `source`, where this file has none of its own", "task.yaml"},
    {"task", "about", "text", "", "", "one sentence for people", "Arm 0 hands the hammer over."},
    {"task", "env_name", "text", "", "", "robosuite's name for it, written to datasets", "TwoArmHandover"},
    {"task", "source", "map", "", "", "where the source demos are: section source", "{file: demo.hdf5}"},
    {"task", "model", "map", "", "", "which MJCF: section model", "{file: scene.xml}"},
    {"task", "control_freq", "whole number", "Hz", "20", "control steps a second", "20"},
    {"task", "robots", "list of texts", "", REQUIRED, "robots, in the order of the arms: files beside the task, in its `robots/` or in `../robots/`, else of `scenes/robots/`", "[panda, panda]"},
    {"task", "controller", "map", "", "that of the source demos", "how actions move the arms: section controller", "{type: OSC_POSE}"},
    {"task", "objects", "map of names", "", "none", "what is moved: section objects", "{bar: {body: bar}}"},
    {"task", "conditions", "map of names", "", "none", "conditions to be named elsewhere: section condition", "{up: {height: {of: bar, above: 0.9}}}"},
    {"task", "success", "condition", "", REQUIRED, "what the task is about", "up"},
    {"task", "success_hold", "whole number", "control steps", "10", "how long success must hold at the end of a demo", "20"},
    {"task", "lost", "condition", "", "never", "an attempt ends as soon as this holds", "dropped"},
    {"task", "stuck", "map", "", "see there", "when an arm counts as stuck: section stuck", "{steps: 30}"},
    {"task", "limits", "map", "", "none", "how rough a demo may be: section limits", "{penetration: 0.005}"},
    {"task", "max_steps", "whole number", "control steps", "1500", "the longest attempt", "400"},
    {"task", "reset", "map", "", REQUIRED, "how episodes begin: section reset", "{D0: {bar: {x: [0, 0], y: [0, 0], z: 0.8}}}"},
    {"task", "observe", "list", "", "each object's pose, and its place seen from each end effector", "the `object` observation: section observe", "[{name: bar_pos, pos: bar}]"},
    {"task", "reward", "map, or list of terms", "", "1 at success", "what reinforcement learning rewards: section reward", "[{term: success}]"},
    {"task", "mirror", "map", "", "not mirrored", "how its demos are mirrored: section mirror", "{plane: [0, 1, 0]}"},
    {"task", "retarget", "map", "", "hands as they were", "how other robots' demos become this task's, for `demoloom retarget`: section retarget", "{arms: [1, 0]}"},
    {"task", "defaults", "map", "", "none", "what all subtasks have in common: section defaults", "{hold: 5}"},
    {"task", "arms", "list of maps", "", REQUIRED, "the subtasks of each arm: section arms", "[{subtasks: [{name: lift}]}]"},
    {"task", "coordination", "list of maps", "", "none", "constraints between arms: section coordination", "[{sequential: [[0, give], [1, take]]}]"},
    {"task", "expert", "list of lists of maps", "", "none", "a script for each arm, with which `demoloom record` makes source demos: section expert", "[[{to: bar}], [{grip: close}]]"},
    {"task", "randomize", "map of names", "", "none", "named sets of disturbances, for `--disturb NAME`: section randomize: set", "{rough: {push: {of: bar, range: [1, 5], at: [0.5, 3]}}}"},

    {"source", "", "", "", "", "`source:` in `task.yaml`. Without it, demos are given on the command line.", ""},
    {"source", "asset", "text", "", "the task's folder", "asset root that the file is in", "robosuite"},
    {"source", "file", "text", "", REQUIRED, "dataset of source demos, in that folder or below", "demo.hdf5"},
    {"source", "cleaned", "text", "", "none", "the same demos cleaned, as `demoloom segment --clean -o` writes them, in the task's folder: what `demoloom generate` uses where `select: balanced` asks for demos of every source", "cleaned.hdf5"},
    {"source", "mirrored", "true or false", "", "false", "mirrored demos are sources too, as `mirror:` says; `generate --mirrored` overrules it", "true"},

    {"mirror", "", "", "", "", "`mirror:` in `task.yaml`: a reflection of the world that brings the task onto itself. Poses of hands and objects are reflected, and their axes then named anew by each one's own mirror plane, so that they are turns again.", ""},
    {"mirror", "plane", "list of 3 numbers", "", REQUIRED, "normal of the plane, world frame", "[0, 1, 0]"},
    {"mirror", "at", "list of 3 numbers", "m", "[0, 0, 0]", "a point of it", "[0, 0, 0]"},
    {"mirror", "arms", "list of whole numbers", "", "[0, 1, ...]", "the arm that does what each arm did; what they do must be alike", "[1, 0]"},
    {"mirror", "objects", "map of names", "", REQUIRED, "each object's mirror image: section mirror: object", "{bar: {plane: [0, 1, 0]}}"},

    {"mirror: object", "", "", "", "", "An entry of `objects:` in `mirror:`. The shapes are compared when demos are mirrored.", ""},
    {"mirror: object", "plane", "list of 3 numbers", "", REQUIRED, "normal of the plane through the origin of its frame in which its shape is mirrored", "[0, 1, 0]"},
    {"mirror: object", "as", "text", "", "itself", "the object that is its mirror image, and changes places with it", "left_peg"},

    {"retarget", "", "", "", "", "`retarget:` in `task.yaml`: how demos of other robots become this task's. Positions of hands and objects are scaled about `center`, then shifted; each hand then takes hold as the other one did (`grasp:` of both robots' files), further off by its `offset`.", ""},
    {"retarget", "from", "text", "", "the one that the demos are of", "task that the demos are of: a scene's name, or a file in the same folder", "task.yaml"},
    {"retarget", "arms", "list of whole numbers", "", "[0, 1, ...]", "for each arm the one of the demos whose hand it follows; -1: it stays where it is", "[0, -1]"},
    {"retarget", "shift", "list of 3 numbers", "m", "[0, 0, 0]", "of the workspace, world frame", "[0.1, 0, -0.05]"},
    {"retarget", "scale", "number", "", "1", "of the workspace, for a scene of another size", "0.8"},
    {"retarget", "center", "list of 3 numbers", "m", "[0, 0, 0]", "that it is scaled about", "[0, 0, 0.8]"},
    {"retarget", "retreat", "number", "m", "0", "that hands of another kind draw back the way they came, along the z axis of their grasp, once they have let go: a gripper has a finger where a palm leaves sideways", "0.05"},
    {"retarget", "offset", "list of maps", "", "none", "one a hand, in its own end effector's frame: section retarget: offset", "[{pos: [0, 0, 0.01]}, {yaw: pi}]"},

    {"retarget: offset", "", "", "", "", "An entry of `offset:` in `retarget:`.", ""},
    {"retarget: offset", "pos", "list of 3 numbers", "m", "[0, 0, 0]", "position", "[0, 0, 0.01]"},
    {"retarget: offset", "yaw", "number", "rad", "0", "turn about z", "pi"},
    {"retarget: offset", "rpy", "list of 3 numbers", "rad", "[0, 0, 0]", "roll, pitch, yaw, in place of `yaw`", "[0, 0, pi]"},

    {"model", "", "", "", "", "`model:` in `task.yaml`.", ""},
    {"model", "demo", "whole number", "", "0", "without `file`: the MJCF recorded with this source demo", "0"},
    {"model", "file", "text", "", "the source demo's", "MJCF, in the task's folder or below", "scene.xml"},
    {"model", "asset", "text", "", "none", "asset root that what `file` includes and loads may be in, fetched when it is known: of `gym_aloha` the file includes `gym_aloha/scene.xml`", "gym_aloha"},
    {"model", "place", "list of maps", "", "the MJCF has the robots in it", "puts the robots into `file`, one entry a robot: section model: place", "[{pos: [0, -0.66, 0.9], yaw: pi/2}]"},

    {"model: place", "", "", "", "", "An entry of `place:`: where a robot's base stands in the world.", ""},
    {"model: place", "pos", "list of 3 numbers", "m", "[0, 0, 0]", "position", "[0, -0.66, 0.9]"},
    {"model: place", "yaw", "number", "rad", "0", "turn about z", "pi/2"},
    {"model: place", "rpy", "list of 3 numbers", "rad", "[0, 0, 0]", "roll, pitch, yaw, in place of `yaw`", "[0, 0, pi]"},
    {"model: place", "joints", "list of numbers", "rad", "`init_qpos` of the robot's file", "canonical joints of a robot of one arm, where its own are in something's way", "[0, 0.2, 0, -2.6, 0, 2.9, 0.8]"},

    {"controller", "", "", "", "", "`controller:` in `task.yaml`. Lists have one entry for each of an arm's (6, or one a joint); one number stands for all.", ""},
    {"controller", "type", "OSC_POSE, JOINT_POSITION or WHOLE_BODY_IK", "", REQUIRED, "what an action is: a pose of the end effector, joints, or poses that all arms and the torso serve together; the last two drive position servos as well as motors", "OSC_POSE"},
    {"controller", "input_min", "number or list", "", "-1", "actions are clipped to this ...", "-1"},
    {"controller", "input_max", "number or list", "", "1", "... and this ...", "1"},
    {"controller", "output_min", "number or list", "m, rad", "-0.05", "... which stand for this ...", "[-0.05, -0.05, -0.05, -0.5, -0.5, -0.5]"},
    {"controller", "output_max", "number or list", "m, rad", "0.05", "... and this", "[0.05, 0.05, 0.05, 0.5, 0.5, 0.5]"},
    {"controller", "kp", "number or list", "1/s^2", "150 (OSC_POSE), 50 (JOINT_POSITION), 400 (WHOLE_BODY_IK)", "stiffness; position servos have the model's own", "150"},
    {"controller", "damping_ratio", "number or list", "", "1", "1 = critically damped", "1"},
    {"controller", "delta", "true or false", "", "true", "an action is a change of the pose; else a pose", "true"},
    {"controller", "uncouple_pos_ori", "true or false", "", "true", "position and orientation are controlled apart", "true"},
    {"controller", "input_ref_frame", "world or base", "", "world", "OSC_POSE: whose axes an action is along, the world's or those of each robot's `base_body`", "base"},
    {"controller", "robosuite", "1.4 or 1.5", "", "1.4", "OSC_POSE: as which version does it. 1.4: an action that turns nothing keeps the orientation of the goal before it; 1.5: the arm's own becomes the goal, and the first step is that of an arm whose gripper stands at 0", "1.5"},
    {"controller", "posture", "number", "1 a m of the hands", "2e-5", "WHOLE_BODY_IK: how much the canonical joints count", "2e-5"},
    {"controller", "torso_weight", "number", "", "10", "WHOLE_BODY_IK: how much heavier the torso's joints are", "10"},

    {"objects", "", "", "", "", "An entry of `objects:`, under its name. At most 64.", ""},
    {"objects", "body", "text", "", REQUIRED, "body with a free joint, or a part that slides or turns on another", "hammer_root"},
    {"objects", "variables", "map of names", "", "none", "its sizes, at most 32: section objects: variable", "{r: {geom: handle, size: 0}}"},
    {"objects", "shape", "map of geoms", "", "none", "what the sizes do to its geoms, and where they put its sites: section objects: shape", "{handle: {size: [r, r, L/2]}}"},
    {"objects", "symmetries", "list of maps", "", "none", "turns that change nothing: section objects: symmetry", "[{axis: [0, 0, 1], turns: 4}]"},
    {"objects", "keypoints", "map of lists of 3 expressions", "m", "none", "points of its frame that move with its shape, for subtasks to name; expressions of variables with `geom` or `let`", "{tail: [0, 0, -L/2]}"},

    {"objects: variable", "", "", "", "", "An entry of `variables:`, under its name. Measured from a geom, derived (`let`), or (neither) drawn at reset.", ""},
    {"objects: variable", "geom", "text", "", "", "geom it is measured from", "handle"},
    {"objects: variable", "size", "0, 1 or 2", "", REQUIRED " with `geom`", "entry of that geom's `size`", "0"},
    {"objects: variable", "scale", "number", "", "1", "the variable is the entry times this", "2"},
    {"objects: variable", "let", "expression", "", "", "made from the variables before it", "L/2 + r"},

    {"objects: shape", "", "", "", "", "An entry of `shape:`, under the geom's name, or (`pos` alone) a site's; expressions of the object's variables.", ""},
    {"objects: shape", "size", "list of up to 3 expressions", "m", "unchanged", "MJCF size", "[r, r, L/2]"},
    {"objects: shape", "pos", "list of 3 expressions", "m", "unchanged", "MJCF pos", "[0, 0, L/2 + hh]"},
    {"objects: shape", "density", "expression", "kg/m^3", "unchanged", "MJCF density", "2*density"},
    {"objects: shape", "friction", "list of 3 expressions", "", "unchanged", "MJCF friction", "[friction, 0.005, 0.0001]"},

    {"objects: symmetry", "", "", "", "", "An entry of `symmetries:`.", ""},
    {"objects: symmetry", "axis", "list of 3 numbers", "", REQUIRED, "in the object's frame", "[0, 0, 1]"},
    {"objects: symmetry", "turns", "whole number", "", "0", "poses a full turn over this apart are equal; 0 = at any angle", "4"},

    {"point", "", "", "", "", "A point: `world`, an object's name, or a map with one of the following, and `at`.", ""},
    {"point", "object", "text", "", "", "an object's frame", "hammer"},
    {"point", "body", "text", "", "", "a body's", "hammer_root"},
    {"point", "geom", "text", "", "", "a geom's", "handle"},
    {"point", "site", "text", "", "", "a site's", "table_top"},
    {"point", "eef", "whole number", "", "", "the end effector's of this arm", "0"},
    {"point", "at", "list of 3 expressions", "m", "[0, 0, 0]", "the point in that frame", "[0, 0, -L/2]"},

    {"condition", "", "", "", "", "A condition: the name of an entry of `conditions:`, or a map with one key. At most 64 within each other.", ""},
    {"condition", "all", "list of conditions", "", "", "each of them", "[a, b]"},
    {"condition", "any", "list of conditions", "", "", "one of them at least", "[a, b]"},
    {"condition", "not", "condition", "", "", "not this", "a"},
    {"condition", "held", "map", "", "", "for some time: section condition: held", "{steps: 10, that: a}"},
    {"condition", "grasped", "map", "", "", "all fingers of an arm touch it: section condition: grasped, released", "{arm: 0, object: bar}"},
    {"condition", "released", "map", "", "", "no finger of an arm touches it: the same", "{arm: 0, object: bar}"},
    {"condition", "touching", "map", "", "", "one touches another: section condition: touching", "{a: bar, b: tray}"},
    {"condition", "distance", "map", "", "", "between two points, m: section condition: distance", "{from: bar, to: tray, below: 0.1}"},
    {"condition", "height", "map", "", "", "of a point, m: section condition: height", "{of: bar, above: 0.9}"},
    {"condition", "inside", "map", "", "", "a point in a box: section condition: inside", "{point: bar, frame: tray, low: [-0.1, -0.1, 0], high: [0.1, 0.1, 0.1]}"},
    {"condition", "upright", "map", "", "", "an axis points up: section condition: upright", "{of: bar, within: 0.2}"},
    {"condition", "joint", "map", "", "", "where a hinge or slide joint is: section condition: joint", "{name: drawer, above: 0.1}"},
    {"condition", "gripper", "map", "", "", "what a gripper was told last: section condition: gripper", "{arm: 0, command: close}"},

    {"condition: held", "", "", "", "", "`held:`", ""},
    {"condition: held", "steps", "whole number", "control steps", REQUIRED, "in a row", "10"},
    {"condition: held", "that", "condition", "", REQUIRED, "what must hold", "lifted"},
    {"condition: held", "label", "text", "", "made up", "what reports call it", "held long enough"},

    {"condition: grasped, released", "", "", "", "", "`grasped:` and `released:`", ""},
    {"condition: grasped, released", "arm", "whole number", "", REQUIRED, "which arm", "0"},
    {"condition: grasped, released", "object", "text", "", "", "all geoms of this object that can touch", "hammer"},
    {"condition: grasped, released", "geoms", "list of texts", "", REQUIRED " without `object`", "or these geoms", "[handle]"},
    {"condition: grasped, released", "label", "text", "", "made up", "what reports call it", "hammer in hand"},

    {"condition: touching", "", "", "", "", "`touching:`", ""},
    {"condition: touching", "a", "text or list of texts", "", REQUIRED, "an object, or geoms", "hammer"},
    {"condition: touching", "b", "text or list of texts", "", "anything", "an object, or geoms", "[table]"},
    {"condition: touching", "label", "text", "", "made up", "what reports call it", "on the table"},

    {"condition: distance", "", "", "", "", "`distance:`", ""},
    {"condition: distance", "from", "point", "", REQUIRED, "one end", "hammer"},
    {"condition: distance", "to", "point", "", REQUIRED, "the other", "{eef: 0}"},
    {"condition: distance", "above", "expression", "m", "no bound", "larger than this; `above`, `below` or both", "0.1"},
    {"condition: distance", "below", "expression", "m", "no bound", "smaller than this", "0.2"},
    {"condition: distance", "label", "text", "", "made up", "what reports call it", "near"},

    {"condition: height", "", "", "", "", "`height:`", ""},
    {"condition: height", "of", "point", "", REQUIRED, "whose z", "hammer"},
    {"condition: height", "over", "point", "", "world", "less whose z", "{site: table_top}"},
    {"condition: height", "minus", "expression", "m", "0", "and less this", "r"},
    {"condition: height", "above", "expression", "m", "no bound", "larger than this; `above`, `below` or both", "0.08"},
    {"condition: height", "below", "expression", "m", "no bound", "smaller than this", "-0.1"},
    {"condition: height", "label", "text", "", "made up", "what reports call it", "lifted"},

    {"condition: inside", "", "", "", "", "`inside:`", ""},
    {"condition: inside", "point", "point", "", REQUIRED, "what is inside", "hammer"},
    {"condition: inside", "frame", "point", "", "world", "the frame of the box", "tray"},
    {"condition: inside", "low", "list of 3 expressions", "m", REQUIRED, "its lowest corner", "[-0.1, -0.1, 0]"},
    {"condition: inside", "high", "list of 3 expressions", "m", REQUIRED, "its highest", "[0.1, 0.1, 0.1]"},
    {"condition: inside", "label", "text", "", "made up", "what reports call it", "in the tray"},

    {"condition: upright", "", "", "", "", "`upright:`", ""},
    {"condition: upright", "of", "point", "", REQUIRED, "whose axis", "bar"},
    {"condition: upright", "axis", "list of 3 numbers", "", "[0, 0, 1]", "in its frame", "[0, 1, 0]"},
    {"condition: upright", "within", "expression", "rad", REQUIRED, "of the world's z", "0.2"},
    {"condition: upright", "label", "text", "", "made up", "what reports call it", "level"},

    {"condition: joint", "", "", "", "", "`joint:`", ""},
    {"condition: joint", "name", "text", "", REQUIRED, "hinge or slide joint", "drawer_slide"},
    {"condition: joint", "above", "expression", "m or rad", "no bound", "larger than this; `above`, `below` or both", "0.1"},
    {"condition: joint", "below", "expression", "m or rad", "no bound", "smaller than this", "0.01"},
    {"condition: joint", "label", "text", "", "made up", "what reports call it", "drawer open"},

    {"condition: gripper", "", "", "", "", "`gripper:`", ""},
    {"condition: gripper", "arm", "whole number", "", REQUIRED, "which arm", "0"},
    {"condition: gripper", "command", "open or close", "", REQUIRED, "its last action", "close"},
    {"condition: gripper", "label", "text", "", "made up", "what reports call it", "told to close"},

    {"stuck", "", "", "", "", "`stuck:` in `task.yaml`: an attempt is lost when an arm is further than `distance` from its target and slower than `speed` for `steps`.", ""},
    {"stuck", "distance", "number", "m", "0.08", "from its target", "0.08"},
    {"stuck", "speed", "number", "m/s", "0.04", "of the end effector", "0.04"},
    {"stuck", "steps", "whole number", "control steps", "30", "in a row; 0 = never stuck", "30"},

    {"limits", "", "", "", "", "`limits:` in `task.yaml`: beyond them an attempt is lost, and `demoloom verify` tells of it.", ""},
    {"limits", "penetration", "number", "m", "0 (no limit)", "how deep anything may be pressed into anything", "0.005"},
    {"limits", "joint_speed", "number", "share of the joint's limit", "0 (no limit)", "how fast an arm's joint may be", "1"},
    {"limits", "brake", "number", "share of `joint_speed`", "0 (never)", "beyond it generated motions, and policies that say goals, are slowed down: an arm's actions shrink, to nothing at `joint_speed`, and generated targets wait (delta controllers)", "0.8"},
    {"limits", "rewind", "whole number", "", "0 (never)", "how often at most an attempt of `generate` that goes beyond a limit goes back about a second and comes again: more slowly, and with its hands drawn back from what they pressed", "8"},

    {"reward", "", "", "", "", "`reward:` in `task.yaml`, or the top of a reward file (`--reward FILE`), which replaces it; a list of terms alone will do. Success that held for `success_hold` and `lost` end an episode.", ""},
    {"reward", "discount", "number", "of a control step", "0.997", "what a reward a control step later counts", "0.99"},
    {"reward", "horizon", "whole number", "control steps", "0 (twice the longest source demo)", "the longest episode", "400"},
    {"reward", "end_at_limits", "true or false", "", "false", "what breaches `limits:` ends an episode", "true"},
    {"reward", "terms", "list of maps", "", "[{term: success}]", "whose sum it is, at most 32: section reward: term", "[{term: success}, {term: stage, weight: 0.2}]"},

    {"reward: term", "", "", "", "", "An entry of `terms:`. What a term takes: section reward: terms.", ""},
    {"reward: term", "term", "text", "", REQUIRED, "which: section reward: terms", "margin"},
    {"reward: term", "weight", "number", "", "1", "factor on its value", "0.1"},
    {"reward: term", "condition", "text", "", REQUIRED " where taken", "an entry of `conditions:`, success or lost", "lifted"},
    {"reward: term", "from", "point", "", REQUIRED " where taken", "one point, without `at`", "hammer"},
    {"reward: term", "to", "point", "", REQUIRED " where taken", "the other", "{eef: 1}"},
    {"reward: term", "scale", "number", "m or rad", "0 (as it is); margin: 0.1", "1 - tanh(value / scale) in place of the value: 1 where it is 0", "0.1"},
    {"reward: term", "arm", "whole number", "", "all", "of this arm alone", "0"},
    {"reward: term", "file", "text", "", REQUIRED " where taken", "of what was learned: below the folder of the reward file", "encoder.safetensors"},
    {"reward: term", "potential", "true or false", "", "false", "what it changes by in place of its value: discount * after - before, 0 after the end. Such terms leave the best policy as it is", "true"},

    {"reward: terms", "", "", "", "", "The terms, with the parameters that each takes in the column of types.", ""},
    LOOM_TERMS(TERM_ROW)

    {"reset", "", "", "", "", "`reset:` in `task.yaml`. Every other key is the name of a distribution (D0, D1, ...): a map from objects to where they begin, placed in that order.", ""},
    {"reset", "settle", "whole number", "control steps", "0", "the arms stand still for so long before an attempt is planned", "10"},
    {"reset", "rest", "number", "m", "0 (not looked at)", "a start at which an object moves further than this while it settles (a radian of turn counts as 0.1 m), or is faster than this a second at the end, is drawn again: it would fall off what it lies on", "0.05"},

    {"reset: object", "", "", "", "", "An object of a distribution. Objects that overlap, are nearer to each other than their gap, or are out of every arm's reach are drawn again.", ""},
    {"reset: object", "size", "map of names", "", "as the model has them", "range of each variable drawn, two expressions of those before it", "{r: [0.015, 0.02]}"},
    {"reset: object", "x", "list of 2 numbers", "m", REQUIRED " without `places`", "uniform range", "[-0.1, 0.1]"},
    {"reset: object", "y", "list of 2 numbers", "m", REQUIRED " without `places`", "uniform range", "[-0.5, -0.4]"},
    {"reset: object", "places", "list of maps", "", "x and y alone", "several boxes, one of which is drawn: section reset: place", "[{x: [0, 0.1], y: [0, 0.1]}]"},
    {"reset: object", "z", "expression", "m", REQUIRED, "height", "0.8 + r"},
    {"reset: object", "yaw", "list of 2 numbers", "rad", "[0, 0]", "uniform range of a turn about z, after the orientation", "[-pi, pi]"},
    {"reset: object", "orientations", "list of quaternions", "", "[[1, 0, 0, 0]]", "w-x-y-z, one of which is drawn", "[[1, 1, 0, 0], [1, -1, 0, 0]]"},
    {"reset: object", "radius", "expression", "m", "0", "of a circle around it, for the gap", "L/2"},
    {"reset: object", "gap", "number", "m", "0", "between its circle and those of objects placed before", "0.02"},
    {"reset: object", "frame", "text", "", "world", "an object placed before: x, y, z and yaw are in its frame, and neither gaps nor reach are looked at", "tray"},

    {"reset: object on a joint", "", "", "", "", "An object that slides or turns on another (a drawer, a lid).", ""},
    {"reset: object on a joint", "joint", "list of 2 numbers", "m or rad", REQUIRED, "uniform range of its joint", "[0, 0.01]"},

    {"reset: place", "", "", "", "", "An entry of `places:`.", ""},
    {"reset: place", "x", "list of 2 numbers", "m", REQUIRED, "uniform range", "[-0.1, 0.1]"},
    {"reset: place", "y", "list of 2 numbers", "m", REQUIRED, "uniform range", "[-0.1, 0.1]"},

    {"observe", "", "", "", "", "An entry of `observe:`: one of `pos`, `quat` and `joint`. Points take no `at` here.", ""},
    {"observe", "name", "text", "", REQUIRED, "for people; the `object` observation is all entries one after the other", "handle_xpos"},
    {"observe", "pos", "point", "m", "", "position (3), world frame", "hammer"},
    {"observe", "from", "point", "m", "world", "less the position of this", "{eef: 0}"},
    {"observe", "quat", "point", "", "", "orientation (4), x-y-z-w as robosuite has it", "hammer"},
    {"observe", "joint", "text", "m or rad", "", "position of a joint (1)", "drawer_slide"},

    {"arms", "", "", "", "", "An entry of `arms:`, one for each arm.", ""},
    {"arms", "subtasks", "list of maps", "", REQUIRED, "in the order they are done, 1 to 16: section subtask", "[{name: lift, reference: bar, until: end}]"},

    {"defaults", "", "", "", "", "`defaults:` in `task.yaml`: what holds for each subtask that does not say otherwise.", ""},
    {"defaults", "interpolate", "map", "", "see there", "section interpolate", "{speed: [0.25, 1]}"},
    {"defaults", "hold", "whole number", "control steps", "0", "as in a subtask", "5"},
    {"defaults", "wait", "whole number", "control steps", "0", "as in a subtask", "20"},
    {"defaults", "retries", "whole number", "", "0", "as in a subtask", "2"},
    {"defaults", "noise", "map", "", "none", "section noise", "{action: 0.02}"},
    {"defaults", "pace", "list of 2 numbers", "", "[1, 1]", "as in a subtask", "[0.8, 1.3]"},
    {"defaults", "select", "map", "", "see there", "section select", "{top_k: 3}"},

    {"subtask", "", "", "", "", "An entry of `subtasks:`: a piece of the source demos and how it is moved to where the object is now.", ""},
    {"subtask", "name", "text", "", REQUIRED, "of this arm's subtask", "grasp"},
    {"subtask", "reference", "text", "", "world", "object whose pose the piece is moved with", "hammer"},
    {"subtask", "carried", "text", "", "none", "object in this arm's hand: targets are corrected by how it is held", "hammer"},
    {"subtask", "transform", "object, planar or world", "", "object; world without `reference`", "moved with the object, with its position and yaw only, or as recorded", "planar"},
    {"subtask", "symmetric", "true or false", "", "false", "the nearest of the poses that the object's and the hand's symmetries make equal", "true"},
    {"subtask", "track", "true or false", "", "false", "the object is followed until the gripper closes", "true"},
    {"subtask", "centered", "true or false", "", "false", "the reference object comes to lie between the fingers as the source's hand had it once they had closed: the first finger to touch does not push it", "true"},
    {"subtask", "standoff", "number", "m", "0", "the hand is drawn back so far along its z axis: it closes that much before the source's, not pressed against what it grasps", "0.005"},
    {"subtask", "clearance", "number", "m", "0, not looked at", "the hand stays so far from tables, walls and whatever else is fixed, and hand and wrist from other arms: targets nearer to them are moved away, and what it takes hold of farther off for that it moves as much farther off", "0.002"},
    {"subtask", "keypoints", "map of lists of names", "", "none", "keypoints of the reference object and of what is carried: where the shape is another than the source's, the motion keeps its relation to these, not to the object's frame", "{hammer: [tail]}"},
    {"subtask", "midway", "true or false", "", "false", "moved along the line between the shoulders of this arm and of the one it is coordinated with, so that at the segment's end neither reaches farther than the other", "true"},
    {"subtask", "between", "list of 2 names", "", "none", "keypoints of the reference object between which the hand takes hold: where the source's would do so beyond one of them, the motion is moved along the line between them. Of what is carried, where there is no reference: the motion is that of a hand that holds it so", "[tail, neck]"},
    {"subtask", "scale", "map", "", "none", "stretched with the object's size: section scale", "{axis: [0, 0, 1], by: L}"},
    {"subtask", "until", "end, auto, {signal: NAME} or condition", "", "end", "what ends it in a source demo: the demo's end, the arm's next grasp or release, a recorded subtask_term_signal, or the first row where a condition holds", "lifted"},
    {"subtask", "extra", "whole number", "rows", "0", "kept after that", "5"},
    {"subtask", "offset", "list of 2 whole numbers", "control steps", "[0, 0]", "range of a random shift of the end", "[-5, 5]"},
    {"subtask", "expect", "condition", "", "none", "must hold when it has run, else the attempt is lost", "lifted"},
    {"subtask", "wait", "whole number", "control steps", "0", "time for `expect` to come true", "20"},
    {"subtask", "retries", "whole number", "", "0",
     "where `expect` does not come true a hand that grasps in this subtask opens, goes back a little and grasps "
     "again, so many times; what it missed by stays in the demo", "2"},
    {"subtask", "during", "condition", "", "none", "must hold while it runs, else the attempt is lost", "in_hand"},
    {"subtask", "slack", "whole number", "control steps", "10", "in a row that `during` may fail", "10"},
    {"subtask", "interpolate", "map", "", "that of `defaults`", "how its first pose is reached: section interpolate", "{steps: 0}"},
    {"subtask", "hold", "whole number", "control steps", "that of `defaults`", "at its first pose before it goes on", "15"},
    {"subtask", "noise", "map", "", "that of `defaults`", "section noise", "{action: 0.02}"},
    {"subtask", "pace", "list of 2 numbers", "rows a control step", "that of `defaults`", "range of how fast the source's rows are run through, one draw for each segment; targets are interpolated", "[0.8, 1.3]"},
    {"subtask", "select", "map", "", "that of `defaults`", "from which source demo: section select", "{strategy: nearest}"},
    {"subtask", "mix", "true or false", "", "false", "with balanced selection: from here on another source demo than before, with its coordinated subtask and all after, but for one whose reference its own hand holds", "true"},

    {"scale", "", "", "", "", "`scale:` of a subtask.", ""},
    {"scale", "axis", "list of 3 numbers", "", REQUIRED, "in the frame of the reference (or carried) object", "[0, 0, 1]"},
    {"scale", "by", "text", "", REQUIRED, "variable of that object: positions along the axis grow with it", "L"},

    {"interpolate", "", "", "", "", "`interpolate:` of a subtask or of `defaults:`.", ""},
    {"interpolate", "steps", "whole number", "control steps", "5", "from the last pose to the first one, at least", "5"},
    {"interpolate", "speed", "list of 2 numbers", "m/s, rad/s", "[0, 0] (no limit)", "as many steps as it takes to be no faster", "[0.25, 1]"},
    {"interpolate", "from", "pose or target", "", "pose", "begins where the arm is, or where it was sent", "target"},
    {"interpolate", "smooth", "true or false", "", "false", "minimum jerk in place of constant speed", "true"},

    {"noise", "", "", "", "", "`noise:` of a subtask or of `defaults:`; standard deviations.", ""},
    {"noise", "position", "number", "m", "0", "of the whole piece, one draw", "0.005"},
    {"noise", "rotation", "number", "rad", "0", "of the whole piece, one draw", "0.02"},
    {"noise", "action", "number", "action units", "0", "of each action, never of the gripper's", "0.02"},
    {"noise", "on_interpolation", "true or false", "", "false", "`action` also on the way to the first pose", "true"},
    {"noise", "drift", "number", "", "0", "how far the arm is off its way, as a share of what it goes and turns in half a second; less within 10 cm or 1 rad of where its hand does something or the segment ends", "0.1"},

    {"select", "", "", "", "", "`select:` of a subtask or of `defaults:`: which source demo is used.", ""},
    {"select", "strategy", "random, nearest, weighted, robot_distance, balanced or ordered", "", "nearest", "any, by the objects' poses and sizes, by past success, by the way of the arm, so that kept demos come from all sources alike, or the first and, at a start where it failed, the next", "nearest"},
    {"select", "share", "episode, arm or subtask", "", "episode", "who uses the same demo: all, the subtasks of an arm, nobody", "episode"},
    {"select", "top_k", "whole number", "", "3", "one of so many best is drawn", "3"},
    {"select", "position", "number", "1/m", "1", "weight of a distance", "1"},
    {"select", "rotation", "number", "1/rad", "0.3", "weight of an angle", "0.3"},
    {"select", "size", "number", "", "1", "weight of a relative difference of sizes", "1"},
    {"select", "success", "number", "", "0", "weight of a source's past success", "3"},

    {"coordination", "", "", "", "", "An entry of `coordination:`: `coordinated` or `sequential`, with two subtasks `[[ARM, NAME], [ARM, NAME]]`.", ""},
    {"coordination", "coordinated", "two subtasks", "", "", "of different arms: same source demo, start and end together", "[[0, lift], [1, lift]]"},
    {"coordination", "scheme", "transform, translate or replay", "", "transform", "coordinated: both arms move with the object of the first, or with where it went, or each as its subtask says", "transform"},
    {"coordination", "sequential", "two subtasks", "", "", "the second begins when the first has ended", "[[0, give], [1, take]]"},
    {"coordination", "lead", "whole number", "control steps", "0", "sequential: and so long after that", "2"},

    {"expert", "", "", "", "", "A step of an arm's script in `expert:`: wait for another arm, go somewhere, work the gripper, stay.", ""},
    {"expert", "name", "text", "", "", "to be waited for", "closed"},
    {"expert", "after", "[ARM, STEP]", "", "at once", "not before that arm has done that step", "[1, closed]"},
    {"expert", "to", "point", "", "stay", "frame of the goal, as it is when the step begins; no `at`", "bar"},
    {"expert", "follow", "true or false", "", "false", "as it is on the way", "true"},
    {"expert", "upright", "true or false", "", "false", "only the yaw of that frame counts", "true"},
    {"expert", "pos", "list of 3 numbers", "m", "[0, 0, 0]", "goal in that frame", "[0, 0, 0.1]"},
    {"expert", "rpy", "list of 3 numbers", "rad", "[0, 0, 0]", "its orientation: roll, pitch, yaw", "[pi, 0, 0]"},
    {"expert", "turns", "whole number", "", "1", "goals equal under a full turn over this about z; the nearest is taken", "2"},
    {"expert", "carry", "text", "", "none", "object brought there in place of the end effector", "bar"},
    {"expert", "speed", "number", "m/s", "0.25", "how fast", "0.1"},
    {"expert", "spin", "number", "rad/s", "1.5", "how fast it turns", "1"},
    {"expert", "grip", "open or close", "", "as it is", "then the gripper", "close"},
    {"expert", "hand", "list of numbers", "", "`grip` for all", "or each entry of a hand's action", "[1, 1, 1, 1, 1, 0]"},
    {"expert", "stay", "whole number", "control steps", "0", "then wait", "12"},
    {"expert", "until", "condition", "", "at once", "and wait for this", "in_hand"},
    {"expert", "jitter", "number", "m", "0", "standard deviation of the goal from demo to demo", "0.005"},

    {"randomize: set", "", "", "", "", "An entry of `randomize:` in `task.yaml`, or a file of its own: `--disturb NAME` or `--disturb FILE` of `demoloom rollout` and `demoloom generate`. A term is a number, a range `[LOW, HIGH]`, a map or a list of maps. Each episode draws values from the ranges, one for each object, body, joint, arm, light or camera; they are a function of its seed and number alone, and are stored with its demo.", ""},
#define TERM(kind, key, unit, targets, least, most, bits, about, example) \
    {"randomize: set", key, "range or maps", unit, "none", about, example},
    LOOM_DISTURB_TERMS(TERM)
#undef TERM

    {"randomize: term", "", "", "", "", "A term of a set that says more than its range.", ""},
    {"randomize: term", "range", "number or list of 2 numbers", "the term's", REQUIRED, "what its values are drawn from", "[0.5, 2]"},
    {"randomize: term", "of", "text", "", REQUIRED " where there is one only, else all", "which object, body, joint, arm, key, light or camera", "bar"},
    {"randomize: term", "scale", "uniform or log", "", "uniform", "values or their logarithms are uniform", "log"},
    {"randomize: term", "at", "number or list of 2 numbers", "s", "at the start; " REQUIRED " of push and slip", "when it begins, after the episode's start", "[0.5, 3]"},
    {"randomize: term", "for", "number or list of 2 numbers", "s", "to the end; 0.1 of push and slip", "how long it lasts", "[0.1, 0.2]"},
    {"randomize: term", "direction", "list of 3 numbers", "", "horizontal, drawn", "of a push, world frame", "[0, 0, -1]"},
    {"randomize: term", "limits", "list of 2 numbers", "the term's", "it stays", "how far `demoloom rollout --widen` may widen the range", "[0.1, 10]"},

    {"robot", "", "", "", "", "The top of `scenes/robots/TYPE.yaml`, an arm with its gripper or hand. `{i}` in names is the robot's number in the task, from 0.", ""},
    {"robot", "robot", "text", "", REQUIRED, "its name", "panda"},
    {"robot", "robosuite", "text", "", "", "robosuite's name for it, as its datasets have it in env_args", "Panda"},
    {"robot", "prefix", "text", "", REQUIRED, "of its observations", "robot{i}"},
    {"robot", "arm", "map", "", REQUIRED, "section robot: arm", "{joints: [j1], actuators: [m1], torque_limit: [80], init_qpos: [0]}"},
    {"robot", "torso", "map", "", "none", "joints between base and arm that the robot's other arms share: section robot: torso", "{joints: [waist], actuators: [waist], torque_limit: [200], init_qpos: [0]}"},
    {"robot", "eef_site", "text", "", REQUIRED, "site of the end effector", "gripper{i}_grip_site"},
    {"robot", "eef_body", "text", "", "the site's", "body whose orientation is observed as eef_quat", "robot{i}_right_hand"},
    {"robot", "gripper", "map", "", "none", "section robot: gripper", "{speed: 0.01}"},
    {"robot", "base_body", "text", "", "", "its axes are an action's where the controller's `input_ref_frame` is base; fixed to the world, but for robosuite 1.5's controllers", "robot{i}_base"},
    {"robot", "body", "list of maps", "", "none", "torso, head and base, as robosuite 1.5's composite controllers drive them in recordings: section robot: body", "[{part: base, joints: [x], actuators: [x]}]"},
    {"robot", "apart", "list of lists of texts", "", "none", "pairs of its bodies that no joint positions bring together, 0.1 rad beyond limits included: contacts between them are not looked for", "[[link0, link2]]"},
    {"robot", "asset", "text", "", "", "asset root of `parts`", "robosuite"},
    {"robot", "parts", "list of maps", "", "none", "the MJCF it is made of, for scenes that `place` it: section robot: part", "[{file: robot.xml, prefix: robot{i}_}]"},

    {"robot of several arms", "", "", "", "", "The top of a file whose arms are files of their own.", ""},
    {"robot of several arms", "robot", "text", "", "", "its name", "gr1"},
    {"robot of several arms", "arms", "list of texts", "", REQUIRED, "files of its arms", "[gr1_right, gr1_left]"},

#define JOINTS(section) \
    {section, "joints", "list of texts", "", REQUIRED, "from the base on, at most 16", "[j1, j2]"}, \
    {section, "actuators", "list of texts", "", REQUIRED, "a motor or a position servo a joint (the latter not with OSC_POSE); one without a name goes by its joint's", "[m1, m2]"}, \
    {section, "torque_limit", "list of numbers", "N m", REQUIRED, "one a joint, as all lists here; the model lets its actuator give that at least", "[80, 80]"}, \
    {section, "velocity_limit", "list of numbers", "rad/s", "not known", "kept by WHOLE_BODY_IK, else checked", "[2.1, 2.1]"}, \
    {section, "acceleration_limit", "list of numbers", "rad/s^2", "not known", "kept by cleaned source demos", "[15, 7.5]"}, \
    {section, "init_qpos", "list of numbers", "rad", REQUIRED, "canonical joints", "[0, pi/16]"}, \
    {section, "init_noise", "number", "rad", "0", "standard deviation at reset", "0.02"}, \
    {section, "low", "list of numbers", "rad", "the MJCF's", "lower limits; with `high`", "[-2, -2]"}, \
    {section, "high", "list of numbers", "rad", "the MJCF's", "upper limits", "[2, 2]"}, \
    {section, "armature", "list of numbers", "kg m^2", "the MJCF's", "with `damping` and `frictionloss`", "[5, 2.5]"}, \
    {section, "damping", "list of numbers", "N m s/rad", "the MJCF's", "of each joint", "[0.1, 0.1]"}, \
    {section, "frictionloss", "list of numbers", "N m", "the MJCF's", "of each joint", "[0.1, 0.1]"},

    {"robot: arm", "", "", "", "", "`arm:` of a robot.", ""},
    JOINTS("robot: arm")
    {"robot: arm", "reach", "number", "m", "not known", "from the second joint; resets put nothing further away", "0.855"},

    {"robot: torso", "", "", "", "", "`torso:` of a robot.", ""},
    JOINTS("robot: torso")

    {"robot: body", "", "", "", "", "An entry of `body:` of a robot. In recordings of robosuite 1.5 an action has entries for it; robots that have any are replayed, not driven by plans.", ""},
    {"robot: body", "part", "torso, head or base", "", REQUIRED, "which part of `body_parts` drives it", "torso"},
    {"robot: body", "joints", "list of texts", "", REQUIRED, "at most 8", "[height]"},
    {"robot: body", "actuators", "list of texts", "", REQUIRED, "of a base velocity servos, else motors of gear 1, with a ctrlrange", "[height]"},
    {"robot: body", "init_qpos", "list of numbers", "m or rad", "[0, 0, ...]", "where robosuite's reset has it: the first step sees it there", "[0.2]"},

    {"robot: gripper", "", "", "", "", "`gripper:` of a robot: a gripper (one action entry) or a hand.", ""},
    {"robot: gripper", "joints", "list of texts", "", REQUIRED, "at most 16", "[finger1, finger2]"},
    {"robot: gripper", "actuators", "list of texts", "", REQUIRED, "a position actuator a joint; one without a name goes by its joint's", "[finger1, finger2]"},
    {"robot: gripper", "init_qpos", "list of numbers", "m or rad", REQUIRED, "open", "[0.02, -0.02]"},
    {"robot: gripper", "closing_sign", "list of numbers", "", REQUIRED, "which way each actuator closes", "[-1, 1]"},
    {"robot: gripper", "speed", "number", "1 a physics step", REQUIRED, "of the command, whose range is -1 to 1", "0.01"},
    {"robot: gripper", "at_once", "true or false", "", "false", "the command moves by `speed` once a control step, at its start (robosuite 1.5), not each physics step (1.4)", "true"},
    {"robot: gripper", "entries", "list of whole numbers", "", "[0, 0, ...]", "action entry that drives each joint, 0 to 7: joints may share one", "[0, 0, 1, 1]"},
    {"robot: gripper", "absolute", "true or false", "", "false", "entries say where joints go (-1 open, 1 closed), else which way", "true"},
    {"robot: gripper", "fingers", "list of lists of texts", "", "none", "geoms of each side, at most 8 sides: something is grasped when all touch it", "[[pad1], [pad2]]"},
    {"robot: gripper", "grasp", "map", "", "the eef frame, all entries one side; required where hands differ of those with several entries", "how it holds things, for demos of other hands: section robot: grasp", "{pos: [0, 0, 0.02]}"},
    {"robot: gripper", "mirror", "list of 3 numbers", "", "not mirrored", "normal of the plane of the eef frame in which the hand, or the left one of a right one, is its mirror image", "[0, 1, 0]"},
    {"robot: gripper", "symmetry_turns", "whole number", "", "1", "hand poses equal under a full turn over this about its z", "2"},

    {"robot: grasp", "", "", "", "", "`grasp:` of a gripper: the frame that what it holds lies in, z the way the hand goes to it, x from the first side to the last, as that of a plain gripper is; and what closes which side.", ""},
    {"robot: grasp", "pos", "list of 3 numbers", "m", "[0, 0, 0]", "in the eef frame", "[0, 0, 0.02]"},
    {"robot: grasp", "yaw", "number", "rad", "0", "turn about z", "pi/2"},
    {"robot: grasp", "rpy", "list of 3 numbers", "rad", "[0, 0, 0]", "roll, pitch, yaw, in place of `yaw`", "[0, 0, pi]"},
    {"robot: grasp", "sides", "list of lists of whole numbers", "", "all entries close one side", "action entries that close each side; the others oppose the thumb, and are 1 where the demo's hand has none", "[[0, 1, 2, 3], [4]]"},

    {"robot: part", "", "", "", "", "An entry of `parts:`.", ""},
    {"robot: part", "file", "text", "", REQUIRED, "MJCF, from the asset root", "robosuite/models/assets/robots/panda/robot.xml"},
    {"robot: part", "prefix", "text", "", REQUIRED, "put before its names", "robot{i}_"},
    {"robot: part", "to", "text", "", "the robot's place", "body it is attached to", "robot{i}_right_hand"},
    {"robot: part", "pos", "list of 3 numbers", "m", "[0, 0, 0]", "there", "[0, 0, 0.1]"},
    {"robot: part", "yaw", "number", "rad", "0", "turn about z", "pi"},
    {"robot: part", "rpy", "list of 3 numbers", "rad", "[0, 0, 0]", "roll, pitch, yaw, in place of `yaw`", "[0, 0, pi]"},
    {"robot: part", "weld", "true or false", "", "false", "without its free joint", "true"},
    {"robot: part", "mass", "true or false", "", "true", "false: its bodies, fixed to the world, weigh nothing", "false"},
    {"robot: part", "geoms", "true or false", "", "true", "false: its bodies without geoms, for the mass alone", "false"},
    {"robot: part", "without", "list of texts", "", "none", "bodies, joints and geoms left out, as the file names them", "[left_leg]"},

    {"gym task", "", "", "", "", "The top of a plain control task's file, for `demoloom finetune --scratch`: an MJCF whose actuators are driven directly.", ""},
    {"gym task", "task", "text", "", REQUIRED, "name of the task", "hopper"},
    {"gym task", "about", "text", "", "", "one sentence for people", "One leg hops forward."},
    {"gym task", "gym", "map", "", REQUIRED, "all of it: section gym", "{model: hopper.xml}"},

    {"gym", "", "", "", "", "`gym:` of a plain control task, whose formulas are Gymnasium's.", ""},
    {"gym", "asset", "text", "", "the task's folder", "asset root that the model is in", "gymnasium"},
    {"gym", "model", "text", "", REQUIRED, "MJCF there", "hopper.xml"},
    {"gym", "frame_skip", "whole number", "physics steps", "1", "of a control step", "4"},
    {"gym", "max_steps", "whole number", "control steps", "1000", "then the episode is truncated", "1000"},
    {"gym", "observe", "list of maps", "", REQUIRED, "the observation: section gym: observe", "[{of: qpos, from: 1}]"},
    {"gym", "healthy", "list of maps", "", "always", "the episode ends when this is not so: section gym: healthy", "[{of: qpos, from: 1, count: 1, above: 0.7}]"},
    {"gym", "reward", "list of maps", "", REQUIRED, "its terms are added: section gym: reward", "[{term: healthy}]"},
    {"gym", "reset", "list of maps", "", "none", "what is added to the model's initial state: section gym: reset", "[{of: qpos, noise: uniform, scale: 0.1}]"},

#define QUANTITY(section) \
    {section, "of", "qpos, qvel, qfrc_constraint, body or site", "", "qpos", "which numbers; positions of a body or site", "qvel"}, \
    {section, "name", "text", "", "", "of the body or site", "tip"}, \
    {section, "from", "whole number", "", "0", "first entry", "1"}, \
    {section, "count", "whole number", "", "to the end", "entries", "1"}, \
    {section, "function", "none, sin or cos", "", "none", "of each entry", "sin"}, \
    {section, "clip", "number", "", "not", "entries are clipped to plus and minus this", "10"},

    {"gym: observe", "", "", "", "", "An entry of `observe:`.", ""},
    QUANTITY("gym: observe")

    {"gym: healthy", "", "", "", "", "An entry of `healthy:`: all entries lie between the bounds.", ""},
    QUANTITY("gym: healthy")
    {"gym: healthy", "above", "number", "", "no bound", "lower bound", "0.7"},
    {"gym: healthy", "below", "number", "", "no bound", "upper bound", "2"},

    {"gym: reward", "", "", "", "", "An entry of `reward:`. healthy: 1 while that is so. velocity: of entries of qpos. action: sum of its squares. square: sum of squares of entries - target. distance: from a body or site to another. learned: what a file says of what was seen before the action and of the action, as `demoloom gail --discriminator airl` writes it; only in files of `finetune --scratch --reward`.", ""},
    {"gym: reward", "term", "healthy, velocity, action, square, distance or learned", "", REQUIRED, "which", "velocity"},
    {"gym: reward", "weight", "number", "", "1", "factor on it", "-0.1"},
    QUANTITY("gym: reward")
    {"gym: reward", "target", "number", "", "0", "of a square", "2"},
    {"gym: reward", "to", "text", "", "", "the other body or site of a distance", "goal"},
    {"gym: reward", "shaped", "true or false", "", "false", "with the shaping that was learned beside it, which leaves the best policy as it is", "true"},
    {"gym: reward", "file", "text", "", REQUIRED " with learned", "of what was learned, below the folder of the reward's file", "reward.safetensors"},

    {"gym: reset", "", "", "", "", "An entry of `reset:`.", ""},
    {"gym: reset", "of", "qpos or qvel", "", "qpos", "which", "qvel"},
    {"gym: reset", "from", "whole number", "", "0", "first entry", "7"},
    {"gym: reset", "count", "whole number", "", "to the end", "entries", "2"},
    {"gym: reset", "noise", "uniform, normal or box", "", "uniform", "in plus and minus `scale`, of that deviation, or between `low` and `high`", "normal"},
    {"gym: reset", "scale", "number", "", REQUIRED " without box", "how much", "0.1"},
    {"gym: reset", "low", "list of numbers", "", REQUIRED " with box", "of each entry", "[-0.3, -0.2]"},
    {"gym: reset", "high", "list of numbers", "", REQUIRED " with box", "of each entry", "[0, 0.2]"},
    {"gym: reset", "away", "number", "", "0", "a box is drawn anew while it is not further from the origin", "0.17"},
};
// clang-format on

const int loom_task_reference_count = (int)(sizeof loom_task_reference / sizeof *loom_task_reference);

int loom_task_only(const loomYaml* y, loomNode map, const char* section, loomError* err) {
  const char* known[MOST_KEYS + 1];
  int n = 0;

  for (int i = 0; i < loom_task_reference_count && n < MOST_KEYS; i++) {
    const loomReferenceKey* k = &loom_task_reference[i];
    if (k->key[0] && !strcmp(k->section, section)) known[n++] = k->key;
  }

  known[n] = NULL;
  return loom_yaml_only(y, map, known, err);
}

static void print_key(FILE* out, const loomReferenceKey* k) {
  fprintf(out, "| `%s` | %s | %s | %s | %s | `%s` |\n", k->key, k->type, k->unit, k->fallback, k->about,
          k->example);
}

void loom_task_reference_print(FILE* out) {
  for (int i = 0; i < loom_task_reference_count; i++) {
    const loomReferenceKey* k = &loom_task_reference[i];
    if (k->key[0]) {
      print_key(out, k);
      continue;
    }

    // A section begins: its heading, where it stands, and the head of its table.
    fprintf(out, "%s### %s\n\n%s\n\n", i ? "\n" : "", k->section, k->about);
    fprintf(out, "| key | type | unit | default | what | example |\n|---|---|---|---|---|---|\n");
  }
}
