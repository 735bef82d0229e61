#include "policies/network/network_config.h"

#include <string.h>

#include "policies/nn/pointnet.h"

const char* const loom_policy_kind_names[] = {"bc_l2",          "bc_gaussian", "bc_gmm",        "bc_rnn_gmm",
                                              "bc_transformer", "diffusion",   "diffusion_mlp", NULL};
static const char* const predictions[] = {"noise", "sample", "offset", NULL};

// Which kinds a field is for.
enum {
  UNET = 1 << LOOM_KIND_DIFFUSION,
  DIFFUSION = UNET | 1 << LOOM_KIND_DIFFUSION_MLP,
  TRANSFORMER = 1 << LOOM_KIND_BC_TRANSFORMER,
  RNN = 1 << LOOM_KIND_BC_RNN_GMM,
  MIXTURE = 1 << LOOM_KIND_BC_GMM | RNN | TRANSFORMER,
  GAUSSIAN = 1 << LOOM_KIND_BC_GAUSSIAN,
  LIKELIHOOD = MIXTURE | GAUSSIAN,
  LAYERED = ((1 << LOOM_KINDS) - 1) & ~TRANSFORMER,
};

#define POLICY(kind, member, ...) LOOM_FIELD(loomNetworkConfig, kind, member, __VA_ARGS__)
#define ENCODER(kind, member, ...) LOOM_FIELD(loomEncoderConfig, kind, member, __VA_ARGS__)

static const loomFieldDef policy_rows[] = {
    POLICY(CHOICE, kind, .choices = loom_policy_kind_names, .about = "kind of policy"),
    POLICY(SIZES, layers, .low = 1, .high = 65536, .when = LAYERED,
           .about = "units of hidden layers; a U-Net's channels, level by level"),
    POLICY(INT, modes, .low = 1, .high = 32, .when = MIXTURE, .about = "Gaussians of the mixture"),
    POLICY(REAL, min_std, .most = 10, .when = LIKELIHOOD, .about = "least deviation of a Gaussian"),
    POLICY(REAL, fixed_std, .most = 10, .when = GAUSSIAN, .about = "its deviation; 0 = learned"),
    POLICY(REAL, evaluation_std, .most = 10, .when = LIKELIHOOD,
           .about = "deviation while acting; 0 = as learned"),
    POLICY(INT, hidden, .low = 1, .high = 65536, .when = RNN, .about = "units of an LSTM layer"),
    POLICY(INT, rnn_layers, .low = 1, .high = 8, .when = RNN, .about = "LSTM layers"),
    POLICY(INT, width, .low = 1, .high = 65536, .when = TRANSFORMER, .about = "units of the transformer"),
    POLICY(INT, blocks, .low = 1, .high = 64, .when = TRANSFORMER, .about = "blocks of the transformer"),
    POLICY(INT, heads, .low = 1, .high = 64, .when = TRANSFORMER,
           .about = "attention heads; divide the width"),
    POLICY(REAL, dropout, .most = 0.95, .when = TRANSFORMER, .about = "share of units left out in training"),
    POLICY(INT, observed, .low = 1, .high = 1000, .when = DIFFUSION, .unit = "rows",
           .about = "of observations seen"),
    POLICY(INT, predicted, .low = 1, .high = 1000, .when = DIFFUSION, .unit = "rows",
           .about = "of actions in a chunk, from the first row seen on"),
    POLICY(INT, executed, .low = 1, .high = 1000, .when = DIFFUSION, .unit = "rows",
           .about = "of these that are done before the next decision"),
    POLICY(INT, noise_steps, .low = 1, .high = 1000, .when = DIFFUSION, .about = "of noise in training"),
    POLICY(INT, denoise_steps, .low = 1, .high = 1000, .when = DIFFUSION, .about = "of a decision"),
    POLICY(CHOICE, predicts, .choices = predictions, .when = DIFFUSION,
           .about = "what the network is asked for: the noise, the actions without it, or how far these are "
                    "from the hands, in deviations of each row"),
    POLICY(REAL, temperature, .most = 10, .when = DIFFUSION,
           .about = "deviation of the noise that a decision begins with: 1 as in training; 0 none, and the "
                    "same is done each time"),
    POLICY(REAL, obs_within, .most = 1000, .when = DIFFUSION,
           .about =
               "while acting, observations are held so near the middle of their range in the data, whose "
               "ends are at 1 (clouds and pictures apart); 0 = as they are"),
    POLICY(REAL, action_within, .most = 1000, .when = DIFFUSION,
           .about = "the same of actions, after each denoising step"),
    POLICY(INT, kernel, .low = 1, .high = 63, .when = UNET, .unit = "rows", .about = "of a convolution; odd"),
    POLICY(INT, groups, .low = 1, .high = 1024, .when = UNET, .about = "of group normalization"),
    POLICY(INT, step_width, .low = 4, .high = 65536, .when = DIFFUSION,
           .about = "numbers that say the denoising step; even"),
};
static const loomFieldDef encoder_rows[] = {
    ENCODER(SIZES, channels, .low = 1, .high = 4096, .about = "images: of the stem and of each block"),
    ENCODER(INT, keypoints, .low = 1, .high = 4096, .about = "images: of the spatial softmax"),
    ENCODER(SIZES, points, .low = 1, .high = 4096, .about = "clouds: layers that every point goes through"),
    ENCODER(INT, features, .low = 1, .high = 65536, .about = "numbers that each image or cloud becomes"),
    ENCODER(REAL, crop, .least = 0.1, .most = 1, .about = "images: share of height and width that is seen"),
};
const loomFields loom_network_fields = LOOM_FIELDS(policy_rows);
const loomFields loom_encoder_fields = LOOM_FIELDS(encoder_rows);

// ---- kinds

const char* loom_policy_kind_name(loomPolicyKind kind) {
  return loom_policy_kind_names[kind];
}

bool loom_policy_denoises(int kind) {
  return kind == LOOM_KIND_DIFFUSION || kind == LOOM_KIND_DIFFUSION_MLP;
}

int loom_policy_kind_read(loomPolicyKind* out, const loomYaml* y, loomNode map, loomError* err) {
  static const loomFieldDef row =
      LOOM_FIELD(loomNetworkConfig, CHOICE, kind, .choices = loom_policy_kind_names);
  loomNode node = loom_yaml_get(y, map, row.name);
  const char* text = loom_yaml_text(y, node);

  if (!node)
    return loom_yaml_error(y, map ? map : loom_yaml_root(y), "policy", err,
                           "needs a kind, one of bc_gmm, bc_l2, ...");

  loomNetworkConfig config;
  if (!text || !loom_field_set(&config, &row, text)) {
    char wanted[LOOM_FIELD_WANTED];
    loom_field_wanted(wanted, &row);
    return loom_yaml_error(y, node, row.name, err, "expected %s", wanted);
  }

  *out = (loomPolicyKind)config.kind;
  return LOOM_OK;
}

// ---- defaults

loomNetworkConfig loom_default_network_config(loomPolicyKind kind) {
  loomNetworkConfig c = {.kind = (int)kind,
                         .layers = {2, {1024, 1024}},
                         .modes = 5,
                         .min_std = kind == LOOM_KIND_BC_GAUSSIAN ? 0.01 : 1e-4,
                         .evaluation_std = 1e-4,
                         .hidden = 400,
                         .rnn_layers = 2,
                         .width = 256,
                         .blocks = 4,
                         .heads = 8,
                         .dropout = 0.1,
                         .observed = 2,
                         .predicted = 16,
                         .executed = 8,
                         .noise_steps = 100,
                         .denoise_steps = 10,
                         .temperature = 1,
                         .kernel = 5,
                         .groups = 8,
                         .step_width = 256};

  // Measured on the handover: with robomimic's least deviation of 1e-4 the likelihood of generated demos,
  // which have no noise, is won by ever narrower Gaussians: 7 % of 30 episodes after 5,000 steps, 73 of 100
  // with these but for the warm-up.
  if (kind == LOOM_KIND_BC_GMM || kind == LOOM_KIND_BC_RNN_GMM) c.min_std = 0.03;
  if (kind == LOOM_KIND_BC_RNN_GMM) c.layers.n = 0;
  if (kind == LOOM_KIND_BC_GMM) c.layers = (loomSizes){3, {512, 512, 512}};

  // The convolutions' levels, or hidden layers of the MLP that does with less.
  if (loom_policy_denoises((int)kind)) {
    bool unet = kind == LOOM_KIND_DIFFUSION;
    c.layers = unet ? (loomSizes){3, {64, 128, 256}} : (loomSizes){3, {1024, 1024, 1024}};
    c.predicts = LOOM_PREDICT_SAMPLE;

    // Off its data a network says anything: fingers told hundreds of times their range, hands thrown about.
    // Measured on the drawer, 300 demos, 60 starts: 19 succeed without, 24 with the second, 39 with both.
    c.obs_within = 1.2;
    c.action_within = 1;
    if (!unet) c.step_width = 64;  // measured on the handover: minutes on one core
  }

  return c;
}

loomEncoderConfig loom_default_encoder_config(void) {
  return (loomEncoderConfig){.channels = {4, {32, 32, 64, 64}},
                             .keypoints = 32,
                             .points = {3, {64, 128, 256}},
                             .features = 64,
                             .crop = 0.9};
}

// ---- what no single key shows to be wrong

static int check_unet(const loomNetworkConfig* c, const loomYaml* y, loomNode map, loomError* err) {
  // Each level but the last halves the rows.
  int halved = 1 << (c->layers.n ? c->layers.n - 1 : 0);
  if (!c->layers.n) return loom_fields_error(y, map, "layers", err, "names no level of the U-Net");

  for (int i = 0; i < c->layers.n; i++)
    if (c->layers.size[i] % c->groups)
      return loom_fields_error(y, map, "layers", err, "%d channels are no multiple of %d groups",
                               c->layers.size[i], c->groups);

  if (c->predicted % halved)
    return loom_fields_error(
        y, map, "predicted", err,
        "%d rows cannot be halved %d times, from each of the %d levels to the next; take "
        "a multiple of %d or fewer `layers`",
        c->predicted, c->layers.n - 1, c->layers.n, halved);

  // Padded by half a kernel on both sides, rows stay as many as they are.
  if (c->kernel % 2 == 0)
    return loom_fields_error(y, map, "kernel", err, "expected an odd number, found %d", c->kernel);
  return LOOM_OK;
}

static int check_chunk(const loomNetworkConfig* c, const loomYaml* y, loomNode map, loomError* err) {
  // Half of the step's embedding are sines, half cosines.
  if (c->step_width % 2)
    return loom_fields_error(y, map, "step_width", err, "expected an even number, found %d", c->step_width);

  if (c->executed > c->predicted - c->observed + 1)
    return loom_fields_error(
        y, map, "executed", err,
        "%d actions cannot be executed of %d predicted, which begin with the first of %d rows observed",
        c->executed, c->predicted, c->observed);

  // Of the steps that were learned some are taken.
  if (c->denoise_steps > c->noise_steps)
    return loom_fields_error(y, map, "denoise_steps", err, "more than the %d noise_steps", c->noise_steps);
  return LOOM_OK;
}

int loom_network_config_check(const loomNetworkConfig* c, const loomYaml* y, loomNode map, loomError* err) {
  if (c->kind == LOOM_KIND_BC_TRANSFORMER && c->width % c->heads)
    return loom_fields_error(y, map, "width", err, "%d is no multiple of %d heads", c->width, c->heads);

  int code = c->kind == LOOM_KIND_DIFFUSION ? check_unet(c, y, map, err) : LOOM_OK;
  if (!code && loom_policy_denoises(c->kind)) code = check_chunk(c, y, map, err);
  return code;
}

int loom_encoder_config_check(const loomEncoderConfig* c, const loomYaml* y, loomNode map, loomError* err) {
  if (c->channels.n < 2)
    return loom_fields_error(y, map, "channels", err, "expected those of a stem and of 1 to 7 blocks");
  if (c->points.n < 1 || c->points.n > LOOM_POINTNET_LAYERS)
    return loom_fields_error(y, map, "points", err, "expected 1 to %d layers", LOOM_POINTNET_LAYERS);
  return LOOM_OK;
}
