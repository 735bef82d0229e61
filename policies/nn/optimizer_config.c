#include "policies/nn/optimizer_config.h"

static const char* const kinds[] = {"adam", "adamw", NULL};
static const char* const schedules[] = {"constant", "cosine", "step", NULL};

// The least number that is not 0 to an optimizer, and the most steps a schedule counts.
static const double tiny = 1e-12;
enum { MANY = 1000000000 };

#define ROW(kind, member, ...) LOOM_FIELD(loomOptimizerConfig, kind, member, __VA_ARGS__)

static const loomFieldDef rows[] = {
    ROW(CHOICE, kind, .choices = kinds,
        .about = "weight decay through the gradient, or of the weights (AdamW)"),
    ROW(REAL, rate, .least = tiny, .most = 10, .about = "learning rate, after the warm-up"),
    ROW(REAL, beta1, .most = 1 - tiny, .about = "decay of the gradients' mean"),
    ROW(REAL, beta2, .most = 1 - tiny, .about = "decay of the gradients' squares"),
    ROW(REAL, epsilon, .least = tiny, .most = 1, .about = "added to the squares' root"),
    ROW(REAL, weight_decay, .most = 10, .about = "pull of the weights to 0"),
    ROW(REAL, clip, .most = MANY, .about = "length to which longer gradients are shortened; 0 = never"),
    ROW(CHOICE, schedule, .choices = schedules, .about = "of the learning rate"),
    ROW(INT, warmup, .high = MANY, .unit = "steps", .about = "linear rise from 0"),
    ROW(REAL, floor, .most = 1, .about = "cosine: share of the rate at the end"),
    ROW(INT, period, .low = 1, .high = MANY, .unit = "steps", .about = "step: from one decay to the next"),
    ROW(REAL, decay, .least = tiny, .most = 1, .about = "step: factor on the rate"),
    ROW(REAL, ema, .most = 1 - tiny, .about = "largest decay of the averaged weights; 0 = no average"),
    ROW(REAL, ema_power, .least = tiny, .most = 1,
        .about = "how fast that decay rises: 1 - (1 + step)^-power"),
};
const loomFields loom_optimizer_fields = LOOM_FIELDS(rows);

loomOptimizerConfig loom_default_optimizer_config(void) {
  // The moments' decays and epsilon are those of Adam's paper (Kingma and Ba, 2015).
  loomOptimizerConfig c = {.rate = 1e-4, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};

  // What schedules and averages take once they are asked for.
  c.period = 10000;
  c.decay = 0.1;
  c.ema_power = 0.75;

  return c;
}

loomAdamDef loom_optimizer_config_adam(const loomOptimizerConfig* c) {
  return (loomAdamDef){.beta1 = c->beta1,
                       .beta2 = c->beta2,
                       .epsilon = c->epsilon,
                       .weight_decay = c->weight_decay,
                       .decoupled = c->kind == LOOM_OPTIMIZER_ADAMW,
                       .clip_norm = c->clip};
}

loomScheduleDef loom_optimizer_config_schedule(const loomOptimizerConfig* c, int64_t steps) {
  return (loomScheduleDef){.kind = (loomScheduleKind)c->schedule,
                           .rate = c->rate,
                           .warmup = (uint64_t)c->warmup,
                           .steps = (uint64_t)steps,
                           .floor = c->floor,
                           .period = (uint64_t)c->period,
                           .decay = c->decay};
}
