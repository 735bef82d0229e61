#include "policies/learn/toy_gan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/run_folder.h"
#include "policies/learn/learner.h"
#include "policies/report/curves.h"
#include "policies/report/event_log.h"

// ---- settings

#define ROW(label, type, member, ...) LOOM_FIELD_AS(label, loomToyConfig, type, member, __VA_ARGS__)
static const loomFieldDef field_rows[] = {
    ROW("toy", CHOICE, toy, .choices = loom_toy_names,
        .about = "8 modes on a circle (deviation 0.01, radius 1), or 25 in a grid (deviation 0.05, 2 apart)"),
    ROW("discriminator", CHOICE, discriminator, .choices = loom_discriminator_kind_names,
        .about = "by cross-entropy; a Wasserstein critic; or a linear one"),
    ROW("pack", INT, pack, .low = 1, .high = LOOM_PACK_MOST, .about = "samples that it sees side by side"),
    ROW("reward", CHOICE, reward, .choices = loom_reward_form_names,
        .about = "what the generator climbs; logd of bce, wgan of the others unless given"),
    ROW("steps", INT, steps, .low = 1, .high = 1 << 30, .about = "of the generator"),
    ROW("critic-steps", INT, critic_steps, .low = 1, .high = 1 << 20,
        .about = "of the discriminator before each of the generator's; 2 of bce, 5 of wgan unless given"),
    ROW("batch", INT, batch, .low = 1, .high = 1 << 16, .unit = "packs", .about = "of each class in a step"),
    ROW("samples", INT, samples, .low = LOOM_PACK_MOST, .high = 1 << 26,
        .about = "of the modes, drawn once, to learn from"),
    ROW("latent", INT, latent, .low = 1, .high = 4096,
        .about = "normal numbers that the generator makes a sample of"),
    ROW("generator", SIZES, generator, .low = 1, .high = 65536, .about = "units of its hidden layers"),
    ROW("hidden", SIZES, hidden, .low = 1, .high = 65536,
        .about = "units of the discriminator's; linear has none"),
    ROW("rate", REAL, rate, .least = 1e-12, .most = 10, .about = "of learning, the generator's"),
    ROW("critic-rate", REAL, critic_rate, .least = 1e-12, .most = 10, .about = "the discriminator's"),
    ROW("beta1", REAL, beta1, .least = 0, .most = 0.9999, .about = "of Adam, of both"),
    ROW("beta2", REAL, beta2, .least = 1e-3, .most = 0.999999,
        .about = "likewise; 0.9 of wgan, else 0.999 unless given"),
    ROW("penalty", REAL, penalty, .least = 0, .most = 1e9,
        .about = "weight of the gradient penalty; 1 of wgan without --spectral, else 0 unless given"),
    ROW("spectral", BOOL, spectral,
        .about = "the discriminator's weights are divided by their spectral norms"),
    ROW("every", INT, every, .low = 1, .high = 1 << 30, .unit = "steps",
        .about = "from one look at the modes (and checkpoint) to the next"),
    ROW("looked", INT, looked, .low = 1, .high = 1 << 24, .unit = "samples", .about = "of a look"),
    ROW("seed", INT, seed, .high = INT32_MAX, .about = "of weights and samples"),
};
const loomFields loom_toy_fields = LOOM_FIELDS(field_rows);

loomToyConfig loom_default_toy_config(void) {
  return (loomToyConfig){.pack = 1,
                         .reward = -1,
                         .steps = 6000,
                         .critic_steps = 0,
                         .batch = 64,
                         .samples = 100000,
                         .latent = 2,
                         .generator = {2, {64, 64}},
                         .hidden = {2, {128, 128}},
                         .rate = 5e-4,
                         .critic_rate = 1e-3,
                         .beta1 = 0.5,
                         .penalty = -1,
                         .every = 500,
                         .looked = 2500,
                         .seed = 1};
}

// What is left open.
static loomToyConfig settle(const loomToyConfig* config) {
  loomToyConfig c = *config;
  bool bce = c.discriminator == LOOM_DISCRIMINATOR_BCE, linear = c.discriminator == LOOM_DISCRIMINATOR_LINEAR;

  if (c.reward < 0) c.reward = bce ? LOOM_REWARD_LOGD : LOOM_REWARD_WGAN;
  if (c.critic_steps < 1) c.critic_steps = linear ? 1 : bce ? 2 : 5;
  if (c.penalty < 0) c.penalty = bce || linear || c.spectral ? 0 : 1;
  if (!(c.beta2 > 0)) c.beta2 = bce || linear ? 0.999 : 0.9;
  if (linear) c.hidden.n = 0;
  return c;
}

// ---- a run

// What a checkpoint has besides weights.
typedef struct progress {
  double step, won, won_rounds;
  loomDiscriminatorLook critic;
} progress;
enum { PROGRESS = sizeof(progress) / sizeof(double) };

typedef struct toyRun {
  const loomToyDef* def;
  loomToyConfig config;
  loomModes modes;
  loomDiscriminator d;
  loomParams params;  // the generator's
  loomMlp generator;
  loomAdamDef adam;
  loomReal *real, *latent;           // (samples x 2), (rows x latent)
  loomReal* looked;                  // (looked x 2)
  loomReal *dmade, *reward, *slope;  // (rows x 2), (batch) both
  loomArena arena;
  loomWinWatch watch;
  loomRunFolder folder;
  loomEventLog* log;
  progress p;
  loomToyState state;
} toyRun;

static void lay_out(toyRun* r) {
  const loomToyConfig* c = &r->config;
  size_t rows = (size_t)c->batch * (size_t)c->pack, most = rows;
  if ((size_t)c->looked > most) most = (size_t)c->looked;

  loom_mlp_layout(&r->generator, &r->arena, (int)most);
  r->real = loom_arena_real(&r->arena, 2 * (size_t)c->samples);
  r->latent = loom_arena_real(&r->arena, most * (size_t)c->latent);
  r->looked = loom_arena_real(&r->arena, 2 * (size_t)c->looked);
  r->dmade = loom_arena_real(&r->arena, 2 * rows);
  r->reward = loom_arena_real(&r->arena, (size_t)c->batch);
  r->slope = loom_arena_real(&r->arena, (size_t)c->batch);
}

static int create_networks(toyRun* r, loomError* err) {
  const loomToyConfig* c = &r->config;
  loomMlpDef mlp = {.layers = c->generator.n + 1, .activation = LOOM_ACTIVATION_RELU};
  loomDiscriminatorDef def = {.kind = c->discriminator,
                              .features = 2,
                              .pack = c->pack,
                              .hidden = c->hidden,
                              .activation = LOOM_ACTIVATION_RELU,
                              .penalty = c->penalty,
                              .spectral = c->spectral,
                              .rate = c->critic_rate,
                              .adam = r->adam};
  if (c->generator.n >= LOOM_MLP_LAYERS)
    return loom_error_set(err, LOOM_ERR_USAGE, "generator: at most %d hidden layers", LOOM_MLP_LAYERS - 1);

  mlp.sizes[0] = c->latent;
  for (int i = 0; i < c->generator.n; i++) mlp.sizes[i + 1] = c->generator.size[i];
  mlp.sizes[mlp.layers] = 2;
  loom_mlp_declare(&r->generator, &r->params, &mlp, "model.generator.");
  int code = loom_params_create(&r->params, err);
  return code ? code : loom_discriminator_create(&r->d, &def, (uint64_t)c->seed, c->batch, err);
}

static int create_run(toyRun* r, loomError* err) {
  const loomToyConfig* c = &r->config;
  r->modes = loom_toy_modes((loomToy)c->toy);
  r->adam = loom_default_adam_def();
  r->adam.beta1 = c->beta1;
  r->adam.beta2 = c->beta2;
  int code = create_networks(r, err);
  if (code) return code;

  // Measured, then for good.
  lay_out(r);
  size_t bytes = r->arena.used;
  code = loom_arena_create(&r->arena, bytes, err);
  if (code) {
    r->arena.base = NULL;
    return code;
  }
  lay_out(r);

  loomRandom weights = loom_random((uint64_t)c->seed, 0, LOOM_PURPOSE_WEIGHTS);
  loomRandom samples = loom_random((uint64_t)c->seed, 0, LOOM_PURPOSE_WORLD);
  loom_mlp_init(&r->generator, &r->params, &weights);
  loom_modes_draw(r->real, &r->modes, c->samples, &samples);
  return LOOM_OK;
}

// ---- learning

// n samples (n x 2) of the stream's latent numbers.
static const loomReal* make(toyRun* r, int n, loomRandom* random) {
  size_t count = (size_t)n * (size_t)r->config.latent;

  for (size_t i = 0; i < count; i++) r->latent[i] = (loomReal)loom_random_normal(random);
  return loom_mlp_forward(&r->generator, &r->params, r->latent, n);
}

// A discriminator's step, of samples that are all made anew.
static void learn_to_tell(toyRun* r, loomRandom* latent, loomRandom* pack) {
  const loomToyConfig* c = &r->config;
  const loomDiscriminatorRows real = {r->real, NULL, c->samples};
  int rows = c->batch * c->pack;

  loom_discriminator_pack(r->d.expert, &r->d, &real, c->batch, pack);
  memcpy(r->d.policy, make(r, rows, latent), 2 * (size_t)rows * sizeof(loomReal));
  r->state.critic = loom_discriminator_step(&r->d, pack);
}

// A generator's step: up the reward of its packs.
static double learn_to_make(toyRun* r, loomRandom* latent) {
  const loomToyConfig* c = &r->config;
  const loomReal* made = make(r, c->batch * c->pack, latent);
  const loomReal* value = loom_discriminator_value(&r->d, made, c->batch);
  loom_adversarial_reward(r->reward, r->slope, value, c->batch, (loomRewardForm)c->reward);

  for (int i = 0; i < c->batch; i++) r->slope[i] *= -1 / (loomReal)c->batch;
  loom_discriminator_back(r->dmade, &r->d, r->slope, c->batch);
  loom_params_zero_gradient(&r->params);
  loom_mlp_backward(NULL, &r->generator, &r->params, r->dmade, r->latent, c->batch * c->pack);
  return loom_adam_step(&r->params, &r->adam, c->rate, (uint64_t)r->p.step + 1);
}

static int learn(toyRun* r, loomError* err) {
  // What is drawn depends on the step alone, so that a resumed run draws the same.
  uint64_t seed = (uint64_t)r->config.seed, step = (uint64_t)r->p.step + 1;
  loomRandom latent = loom_random(seed, step, LOOM_PURPOSE_LATENT);
  loomRandom pack = loom_random(seed, step, LOOM_PURPOSE_PACK);
  for (int i = 0; i < r->config.critic_steps; i++) learn_to_tell(r, &latent, &pack);
  double gradient = learn_to_make(r, &latent);

  r->p.step++;
  if (loom_win_watch(&r->watch, &r->state.critic) && !(r->p.won > 0)) r->p.won = r->p.step;
  if (isfinite(gradient) && isfinite(r->state.critic.gradient)) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_FORMAT, "step %.0f: gradients are no finite numbers; take lower rates",
                        r->p.step);
}

// ---- files

static const char* const files[] = {"last.safetensors", "config.yaml",           "scalars.csv", "curves.png",
                                    "samples.png",      "events.out.tfevents.*", NULL};

// All that it goes on from.
static int list_tensors(loomSafeTensor* out, toyRun* r) {
  const loomParams* p = &r->params;
  int n = loom_learner_params(out, p);

  out[n++] = loom_learner_numbers("train.generator.first", LOOM_SAFE_F32, p->first, p->total);
  out[n++] = loom_learner_numbers("train.generator.second", LOOM_SAFE_F32, p->second, p->total);
  out[n++] = loom_learner_numbers("train.progress", LOOM_SAFE_F64, &r->p, PROGRESS);
  return n + loom_learner_discriminator(out + n, &r->d);
}

static char* settings_text(const toyRun* r, loomError* err) {
  char* text = NULL;
  size_t size;
  FILE* out = open_memstream(&text, &size);
  if (out) {
    fprintf(out, "gail:\n");
    loom_fields_write(out, &r->config, &loom_toy_fields, 0);
    if (fclose(out) == 0) return text;
  }
  free(text);
  loom_error_set(err, LOOM_ERR_MEMORY, "no memory for settings");
  return NULL;
}

loomScatter loom_toy_scatter(char title[LOOM_TOY_TITLE], const loomToyConfig* config, const loomModes* modes,
                             const loomReal* samples, const loomToyState* state) {
  snprintf(title, LOOM_TOY_TITLE, "%s, pack %d, seed %d: %d of %d",
           loom_discriminator_kind_names[config->discriminator], config->pack, config->seed,
           state->modes.recovered, modes->n);

  return (loomScatter){.n = config->looked,
                       .at = samples,
                       .marks = modes->n,
                       .mark = modes->center[0],
                       .radius = 3 * modes->deviation,
                       .extent = modes->extent,
                       .title = title};
}

static int save(toyRun* r, loomError* err) {
  char path[LOOM_RUN_FILE_MAX], title[LOOM_TOY_TITLE];
  loomSafeTensor tensor[LOOM_LEARNER_TENSORS];
  if (!r->def->folder) return LOOM_OK;

  // What it goes on from, and the samples of the last look.
  r->p.won_rounds = r->watch.rounds;
  r->p.critic = r->state.critic;
  loom_run_folder_path(path, &r->folder, "last.safetensors");
  int code = loom_safetensors_write(path, tensor, list_tensors(tensor, r), NULL, 0, err);
  loomScatter samples = loom_toy_scatter(title, &r->config, &r->modes, r->looked, &r->state);
  loom_run_folder_path(path, &r->folder, "samples.png");
  if (!code) code = loom_scatter_draw(path, &samples, 1, err);
  return code ? code : loom_curves_draw(r->def->folder, err);
}

static int load(toyRun* r, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loomSafetensors file;
  loomSafeTensor tensor[LOOM_LEARNER_TENSORS];
  int n = list_tensors(tensor, r);
  loom_run_folder_path(path, &r->folder, "last.safetensors");
  int code = loom_safetensors_read(&file, path, err);
  if (code) return code;

  for (int i = 0; !code && i < n; i++) code = loom_learner_read(&tensor[i], &file, path, err);
  loom_safetensors_destroy(&file);
  if (code) return code;

  // What follows from it.
  r->watch.rounds = (int)r->p.won_rounds;
  r->state.critic = r->p.critic;
  loom_discriminator_refresh(&r->d);
  return LOOM_OK;
}

static int open_folder(toyRun* r, loomError* err) {
  const loomToyDef* def = r->def;
  loomRunFolderDef folder = {.path = def->folder,
                             .parents = true,
                             .mode = loom_folder_mode(def->overwrite, def->resume),
                             .mark = "last.safetensors",
                             .own = files,
                             .alternative = "learn in another folder"};
  if (!def->folder) return LOOM_OK;
  int code = loom_run_folder_open(&r->folder, &folder, err);
  if (code) return code;

  char* text = settings_text(r, err);
  code = text ? loom_run_folder_settings(&r->folder, "config.yaml", text, err) : LOOM_ERR_MEMORY;
  free(text);
  if (!code && r->folder.resumed) code = load(r, err);
  return code ? code : loom_event_log_open(&r->log, def->folder, err);
}

// ---- looks

static int log_look(toyRun* r, loomError* err) {
  const loomDiscriminatorLook* c = &r->state.critic;
  const loomModeLook* m = &r->state.modes;
  const loomScalar all[] = {{"train/loss", c->loss},
                            {"discriminator/expert_accuracy", c->expert_accuracy},
                            {"discriminator/policy_accuracy", c->policy_accuracy},
                            {"discriminator/entropy", c->entropy},
                            {"discriminator/wasserstein", c->wasserstein},
                            {"discriminator/penalty", c->penalty},
                            {"modes/recovered", m->recovered},
                            {"modes/quality", m->quality},
                            {"modes/reverse_kl", m->reverse_kl}};
  int code = LOOM_OK;
  for (size_t i = 0; r->log && !code && i < sizeof all / sizeof *all; i++)
    code = loom_event_log_scalar(r->log, all[i].tag, r->state.step, all[i].value, err);
  return code || !r->log ? code : loom_event_log_flush(r->log, err);
}

// The same latent numbers at every look.
static void look_at_modes(toyRun* r) {
  loomRandom random = loom_random((uint64_t)r->config.seed, 0, LOOM_PURPOSE_TEST);
  int n = r->config.looked;
  memcpy(r->looked, make(r, n, &random), 2 * (size_t)n * sizeof(loomReal));
  loom_modes_look(&r->state.modes, &r->modes, r->looked, n);
  r->state.step = (int)r->p.step;
  r->state.won = (int)r->p.won;
}

static int run_steps(toyRun* r, loomError* err) {
  const loomToyConfig* c = &r->config;
  int code = LOOM_OK;
  look_at_modes(r);

  while (!code && (int)r->p.step < c->steps) {
    bool stop = r->def->stop && *r->def->stop;
    if (!stop) code = learn(r, err);
    if (code) return code;
    bool due = (int)r->p.step % c->every == 0 || (int)r->p.step == c->steps;
    if (!due && !stop) continue;

    look_at_modes(r);
    if (!stop) code = log_look(r, err);
    if (!stop && r->def->progress) r->def->progress(r->def->user, &r->state);
    if (!code) code = save(r, err);
    if (!code && stop)
      return loom_error_set(err, LOOM_ERR_INTERRUPTED, "stopped after step %d", r->state.step);
  }
  return code;
}

static void close_run(toyRun* r) {
  loom_discriminator_destroy(&r->d);
  loom_params_destroy(&r->params);
  loom_arena_destroy(&r->arena);
  loom_run_folder_close(&r->folder);
  free(r);
}

int loom_toy_gan(loomToyState* out, const loomToyDef* def, loomError* err) {
  toyRun* r = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");
  r->def = def;
  r->config = settle(def->config);
  r->state.steps = r->config.steps;

  int code = create_run(r, err);
  if (!code) code = open_folder(r, err);
  if (!code) code = run_steps(r, err);
  *out = r->state;
  if (!code && def->samples)
    memcpy(def->samples, r->looked, 2 * (size_t)r->config.looked * sizeof *def->samples);

  // An event log that could not be written to its end is an error only where nothing worse happened.
  loomError unlogged = {0, ""};
  if (loom_event_log_close(r->log, &unlogged) && !code) {
    code = unlogged.code;
    if (err) *err = unlogged;
  }
  close_run(r);
  return code;
}
