// Settings of learning by watching.
#include "policies/learn/watch.h"

const char* const loom_watch_methods[] = {"objects", "tcc", "tcn", "translate", NULL};
static const char* const ablations[] = {"nothing", "feature", "image", "translation", "goal", NULL};
static const char* const pairs[] = {"same", "any", NULL};

static const char* const contrasts[] = {"moments", "triplets", NULL};

#define ROW(label, type, member, ...) LOOM_FIELD_AS(label, loomWatchConfig, type, member, __VA_ARGS__)
static const loomFieldDef field_rows[] = {
    ROW("method", CHOICE, method, .choices = loom_watch_methods,
        .about = "objects: their poses, by cycles from demo to demo; tcc: the same of pictures; tcn: "
                 "pictures of one moment from two cameras are near each other, those of others far; "
                 "translate: pictures of one context become those of another"),
    ROW("keys", NAMES, key, .size = sizeof(loomName), .count = offsetof(loomWatchConfig, keys),
        .about = "what is watched; unless given all objects in the world and from each other "
                 "(hammer@world, lid@pod), or all pictures; of films the camera that the reward is to look "
                 "through"),
    ROW("demos", INT, demos, .high = INT32_MAX, .about = "the first ones of the file; 0 = all"),
    ROW("held-out", INT, held_out, .low = 2, .high = INT32_MAX,
        .about = "the last ones of these, which only measure; a fifth, two at least, unless given"),
    ROW("still", REAL, still, .least = 0, .most = 10, .unit = "m",
        .about =
            "of poses: rows are left out in which nothing has moved so far, nor turned so many rad, since "
            "the last that was kept; 0 = none"),
    ROW("steps", INT, steps, .low = 1, .high = 1 << 30, .about = "of learning"),
    ROW("batch", INT, batch, .low = 2, .high = 64, .unit = "demos",
        .about = "of a step, each against each; of tcn each by two cameras, 2 unless given; of triplets and "
                 "translate pairs of pictures, 32 and 16; else 4"),
    ROW("frames", INT, frames, .low = 2, .high = 512, .unit = "rows", .about = "of each of them"),
    ROW("hidden", SIZES, hidden, .low = 1, .high = 65536, .about = "units of the perceptron's hidden layers"),
    ROW("out", INT, out, .low = 1, .high = 256, .about = "numbers of an embedding"),
    ROW("temperature", REAL, temperature, .least = 1e-6, .most = 1e6, .about = "of nearest neighbors"),
    ROW("variance", REAL, variance, .least = 0, .most = 1e6,
        .about = "weight of the logarithm of the times' variance"),
    ROW("distance", REAL, distance, .least = 0, .most = 1e6,
        .about = "weight of the squared difference of a row's distance to where its demo ends from the time "
                 "that is left (HOLD-R: Alakuijala et al., 2023); 0 = none"),
    ROW("contrast", CHOICE, contrast, .choices = contrasts,
        .about =
            "tcn: what a moment is told apart from. moments: all others of its demo, by when it was seen; "
            "triplets: one other (Sermanet et al., 2018)"),
    ROW("margin", REAL, margin, .least = 0, .most = 1e6,
        .about = "triplets: by which others are further away"),
    ROW("apart", REAL, apart, .least = 0, .most = 0.9,
        .about = "triplets: share of a demo that others are away from the moment, at least"),
    ROW("side", INT, side, .low = 16, .high = 1024, .unit = "pixels",
        .about = "films and folders of pictures: height and width that they are scaled to"),
    ROW("features", INT, features, .low = 1, .high = 4096, .about = "pictures: numbers that each becomes"),
    ROW("channels", SIZES, channels, .low = 1, .high = 4096,
        .about = "pictures: of the encoder's stem and of each of its blocks"),
    ROW("crop", REAL, crop, .least = 0.1, .most = 1,
        .about = "pictures: share of height and width that is seen, anywhere while it learns"),
    ROW("tint", REAL, tint, .least = 0, .most = 1,
        .about = "tcc, tcn: red, green and blue of a demo are multiplied while it learns, each by a factor "
                 "of up to "
                 "so much more or less than 1"),
    ROW("alignment", REAL, alignment, .least = 0, .most = 1e9,
        .about = "translate: weight of the features' squared error in the loss"),
    ROW("image", REAL, image, .least = 0, .most = 1e6,
        .about = "translate: weight of pictures beside features in the reward"),
    ROW("ablate", CHOICE, ablate, .choices = ablations,
        .about = "translate: what loss and reward are left without, to see what it is good for; translation: "
                 "the reward compares with the demos as they are; goal: with pictures of how they end"),
    ROW("pairs", CHOICE, pairs, .choices = pairs,
        .about =
            "translate: which demos are pairs, row by row. same: those of the same states; any: any two, "
            "of the same pace, so that where things begin and are to go is part of a context, as its "
            "first picture shows it"),
    ROW("sources", INT, sources, .low = 1, .high = 8,
        .about = "translate: demos that the reward compares with, the fewer the faster"),
    ROW("rate", REAL, rate, .least = 1e-12, .most = 10, .about = "of learning"),
    ROW("shuffled", BOOL, shuffled,
        .about = "the control: rows are learned from in a random order, which must come out worse"),
    ROW("every", INT, every, .low = 1, .high = 1 << 30, .unit = "steps",
        .about = "from one checkpoint to the next"),
    ROW("seed", INT, seed, .high = INT32_MAX, .about = "of weights, and of what is watched together"),
};
const loomFields loom_watch_fields = LOOM_FIELDS(field_rows);

loomWatchConfig loom_default_watch_config(void) {
  static const loomSizes channels = {4, {16, 16, 32, 32}}, hidden = {2, {128, 128}};

  // What is left out is for the method and the demos to say.
  loomWatchConfig config = {.steps = 1000,
                            .frames = 40,
                            .hidden = hidden,
                            .out = 32,
                            .still = 0.002,
                            .temperature = 0.1,
                            .variance = 0.001,
                            .distance = 0.01,
                            .margin = 0.5,
                            .apart = 0.2,
                            .side = 48,
                            .features = 32,
                            .crop = 0.9,
                            .rate = 1e-3,
                            .alignment = 1,
                            .image = 1,
                            .sources = 8,
                            .channels = channels,
                            .every = 100,
                            .seed = 1};

  return config;
}
