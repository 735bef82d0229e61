// Internal. What may be disturbed, once: the parser, the episodes and the reference of scenes/README.md
// have it from this list. X(KIND, key, unit, targets, least, most, bits, about, example); append only,
// since a term's number is part of what a run's digest is made of.
#ifndef LOOM_ENGINE_TASK_DISTURB_TERMS_H
#define LOOM_ENGINE_TASK_DISTURB_TERMS_H

// clang-format off
#define LOOM_DISTURB_TERMS(X)                                                                                  \
  X(MASS, "mass", "factor", OBJECTS, 1e-6, 1e6, LOOM_DISTURB_EDITS,                                            \
    "on mass and inertia of each object; `of`: of one", "[0.5, 2]")                                            \
  X(FRICTION, "friction", "factor", BODIES, 0, 1e6, LOOM_DISTURB_EDITS,                                        \
    "on the friction of each body's geoms, and of each contact pair; `of`: of a body's geoms", "[0.7, 1.3]")   \
  X(SOLREF, "solref", "factor", BODIES, 1e-6, 1e6, LOOM_DISTURB_EDITS,                                         \
    "on the time constant of contacts, likewise", "[0.9, 1.1]")                                                \
  X(DAMPING, "damping", "factor", JOINTS, 0, 1e6, LOOM_DISTURB_EDITS,                                          \
    "on the damping of each degree of freedom; `of`: of a joint's", "[0.5, 2]")                                \
  X(GAINS, "gains", "factor", ARMS, 1e-6, 1e6, LOOM_DISTURB_EDITS,                                             \
    "on the stiffness `kp` of each arm's controller, whose damping ratio stays; `of`: of one, by its number",  \
    "[0.8, 1.2]")                                                                                              \
  X(HEIGHT, "height", "m", BODY, -10, 10, LOOM_DISTURB_EDITS | LOOM_DISTURB_LOOKS,                             \
    "by which body `of`, fixed to the world, and all free objects are raised at the start",                    \
    "{of: table, range: [-0.02, 0.02]}")                                                                       \
  X(PLACE, "place", "m", OBJECTS, -10, 10, LOOM_DISTURB_MOVES | LOOM_DISTURB_PLANAR,                           \
    "along x and along y of each free object that no robot holds, those that touch as one; `of`: of one; "     \
    "with `at` they are nudged then", "[-0.01, 0.01]")                                                         \
  X(YAW, "yaw", "rad", OBJECTS, -7, 7, LOOM_DISTURB_MOVES,                                                     \
    "about the vertical, likewise", "[-0.1, 0.1]")                                                             \
  X(PUSH, "push", "N", BODY, 0, 1e6, LOOM_DISTURB_LASTS,                                                       \
    "force on body `of`, from `at` on for `for`; along `direction`, or a horizontal one that is drawn",        \
    "{of: bar, range: [1, 5], at: [0.5, 3]}")                                                                  \
  X(SLIP, "slip", "share", ARMS, 0, 1, LOOM_DISTURB_EDITS | LOOM_DISTURB_LASTS,                                \
    "of its strength that each gripper has left from `at` on for `for`; `of`: that of one arm",                \
    "{of: 0, range: [0, 0.5], at: [1, 3]}")                                                                    \
  X(OBSERVATION_NOISE, "observation_noise", "the key's", KEYS, 0, 1e6, 0,                                      \
    "standard deviation of the noise on each number that a policy sees, pictures and clouds apart; `of`: on "  \
    "those of a key", "{of: robot0_eef_pos, range: [0, 0.01]}")                                                \
  X(OBSERVATION_DELAY, "observation_delay", "control steps", NOTHING, 0, 64,                                   \
    LOOM_DISTURB_WHOLE | LOOM_DISTURB_PAST, "how late a policy sees these numbers", "[0, 3]")                  \
  X(OBSERVATION_DROPOUT, "observation_dropout", "probability", NOTHING, 0, 1, LOOM_DISTURB_PAST,               \
    "that a policy does not see those of a control step, but once more the last ones it saw", "[0, 0.2]")      \
  X(ACTION_NOISE, "action_noise", "action units", ARMS, 0, 1e6, 0,                                             \
    "standard deviation of the noise on each action, never on the gripper's; `of`: on those of one arm",       \
    "[0, 0.1]")                                                                                                \
  X(ACTION_DELAY, "action_delay", "control steps", NOTHING, 0, 64, LOOM_DISTURB_WHOLE,                         \
    "how late actions are done; before the first the arms stay where they are", "[0, 2]")                      \
  X(LIGHT, "light", "factor", LIGHTS, 0, 100, LOOM_DISTURB_LOOKS,                                              \
    "on the brightness of each light, and of `headlight`, which shines from where the camera is; `of`: of "    \
    "one", "[0.6, 1.4]")                                                                                       \
  X(LIGHT_POSITION, "light_position", "m", LIGHTS, -100, 100, LOOM_DISTURB_LOOKS | LOOM_DISTURB_SPATIAL,       \
    "along x, y and z by which each light is moved", "[-0.3, 0.3]")                                            \
  X(LIGHT_TURN, "light_turn", "rad", LIGHTS, -7, 7, LOOM_DISTURB_LOOKS | LOOM_DISTURB_SPATIAL,                 \
    "about x, y and z by which each light is turned", "[-0.2, 0.2]")                                           \
  X(COLOR, "color", "factor", PAINTED, 0, 100, LOOM_DISTURB_LOOKS | LOOM_DISTURB_SPATIAL,                      \
    "on red, green and blue of each body; `of`: of one, `world` for what is fixed to none", "[0.7, 1.2]")      \
  X(SHINE, "shine", "factor", NOTHING, 0, 100, LOOM_DISTURB_LOOKS,                                             \
    "on what all materials reflect of lights and of their surroundings", "[0, 2]")                             \
  X(CAMERA_POSITION, "camera_position", "m", CAMERAS, -10, 10, LOOM_DISTURB_LOOKS | LOOM_DISTURB_SPATIAL,      \
    "along x, y and z of the body that each camera is fixed to; `of`: of one", "[-0.02, 0.02]")                \
  X(CAMERA_TURN, "camera_turn", "rad", CAMERAS, -7, 7, LOOM_DISTURB_LOOKS | LOOM_DISTURB_SPATIAL,              \
    "about each camera's own x (right), y (up) and z (back)", "[-0.05, 0.05]")                                 \
  X(CAMERA_FOVY, "camera_fovy", "factor", CAMERAS, 0.01, 100, LOOM_DISTURB_LOOKS,                              \
    "on each camera's vertical field of view, which stays between 1 and 170 degrees", "[0.9, 1.1]")            \
  X(PICTURE_DELAY, "picture_delay", "control steps", NOTHING, 0, 64, LOOM_DISTURB_WHOLE | LOOM_DISTURB_PAST,   \
    "how late a policy sees pictures and clouds", "[0, 3]")                                                    \
  X(PICTURE_DROPOUT, "picture_dropout", "probability", NOTHING, 0, 1, LOOM_DISTURB_PAST,                       \
    "that a policy does not see those of a control step, but once more the last ones it saw", "[0, 0.2]")      \
  X(HIDE, "hide", "share", BODY, 0, 1, LOOM_DISTURB_LOOKS,                                                     \
    "body `of`, and all that hangs on it, is not seen where one half or more is drawn",                        \
    "{of: robot0_base, range: [0, 1]}")                                                                        \
  X(DISTRACTORS, "distractors", "things", NOTHING, 0, 32, LOOM_DISTURB_WHOLE | LOOM_DISTURB_LOOKS,             \
    "boxes, balls and cylinders of any color that are seen beside the objects' starts and touch nothing; "     \
    "not in point clouds", "[0, 5]")                                                                           \
  X(TEXTURE, "texture", "pattern", PAINTED, -1, 1, LOOM_DISTURB_LOOKS,                                         \
    "checks, stripes or clouds, another for each number, in place of the picture on each body that has one, "  \
    "wherever else that picture is; 0 and less: its own; `of`: on one", "[-1, 1]")                             \
  X(CLOUD_NOISE, "cloud_noise", "m", NOTHING, 0, 1, LOOM_DISTURB_AT_START,                                     \
    "standard deviation of the noise on each coordinate of a point cloud's points", "[0, 0.003]")              \
  X(CLOUD_DROPOUT, "cloud_dropout", "share", NOTHING, 0, 1, LOOM_DISTURB_AT_START,                             \
    "of a point cloud's rays that come back with nothing", "[0, 0.1]")                                         \
  X(CLOUD_UNAWARE, "cloud_unaware", "share", NOTHING, 0, 1, LOOM_DISTURB_AT_START,                             \
    "where one half or more is drawn, point clouds are put together as if cameras stood where the scene has "  \
    "them, and `camera_position` and `camera_turn` are errors of their calibration", "1")
// clang-format on

#endif
