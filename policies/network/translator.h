// Translation of pictures from one context to another (Liu, Gupta, Abbeel, Levine, "Imitation from
// observation: learning to imitate behaviors from raw video via context translation", ICRA 2018): what a
// picture of the one and the first picture of the other say together is the picture of the other at that
// time. An encoder of pictures and one of contexts (4 convolutions of 5 x 5, stride 2, then a linear layer),
// a perceptron that makes features there of features here and the context, and a decoder (4 transposed
// convolutions) that sees the context's layers beside its own. Internal.
#ifndef LOOM_POLICIES_NETWORK_TRANSLATOR_H
#define LOOM_POLICIES_NETWORK_TRANSLATOR_H

#include "engine/base/api.h"
#include "engine/base/random.h"
#include "policies/nn/conv.h"
#include "policies/nn/mlp.h"

LOOM_C_BEGIN

enum { LOOM_TRANSLATOR_LEVELS = 4 };

typedef struct loomTranslatorDef {
  int channels, height, width;            // of a picture; sides are multiples of 16
  int size[LOOM_TRANSLATOR_LEVELS];       // channels after each convolution
  int features;                           // of a picture
  double image, reconstruction, feature;  // weights of the loss's terms
} loomTranslatorDef;

/// Pictures of 48 x 48 and layers as the paper has them: 32, 16, 16 and 8 channels, 100 features; weights of
/// 1. (The paper's 1e3 for features is of losses in other units; here it makes features vanish.)
loomTranslatorDef loom_default_translator_def(void);

/// An encoder's.
typedef struct loomTranslatorEye {
  loomConv conv[LOOM_TRANSLATOR_LEVELS];
  size_t weight[LOOM_TRANSLATOR_LEVELS], bias[LOOM_TRANSLATOR_LEVELS], full, full_bias;
  loomReal *sum[LOOM_TRANSLATOR_LEVELS], *out[LOOM_TRANSLATOR_LEVELS];  // before and after the activation
  loomReal *dout[LOOM_TRANSLATOR_LEVELS], *z;
} loomTranslatorEye;

typedef struct loomTranslator {
  loomTranslatorDef def;
  int rows;  // pairs at most
  loomParams params;
  loomTranslatorEye eye, context;
  loomMlp mlp;
  loomConv up[LOOM_TRANSLATOR_LEVELS];
  size_t up_weight[LOOM_TRANSLATOR_LEVELS], up_bias[LOOM_TRANSLATOR_LEVELS], open, open_bias;
  loomReal* seen;   // (2 x rows, picture) both pictures
  loomReal* first;  // (rows x picture) of contexts
  loomReal *both, *dboth, *code, *dcode, *dz;
  loomReal *down[LOOM_TRANSLATOR_LEVELS], *ddown[LOOM_TRANSLATOR_LEVELS];  // what a level's convolution sees
  loomReal *made[LOOM_TRANSLATOR_LEVELS], *dmade[LOOM_TRANSLATOR_LEVELS];  // and gives
  loomReal* scratch;
  loomArena arena;
} loomTranslator;

/// Free with loom_translator_destroy; weights are drawn by the seed. LOOM_ERR_USAGE: sizes that are none.
int loom_translator_create(loomTranslator* out, const loomTranslatorDef* def, uint64_t seed, int rows,
                           loomError* err);
void loom_translator_destroy(loomTranslator* t);
/// A picture (height x width x channels) as the network wants it, colors first, from 0 to 1.
void loom_translator_picture(loomReal* out, const unsigned char* picture, const loomTranslatorDef* def);
/// Numbers of a picture.
int loom_translator_dim(const loomTranslator* t);

/// Of seen (n there, n here: source pictures first, then what they are in the other context; pictures are
/// channels x height x width of 0 .. 1) and first (n): translate, and see the others themselves. After it
/// eye.z has features of both, code those of the translations and of the true pictures (2 x n), made[3] the
/// pictures of both (2 x n).
void loom_translator_forward(loomTranslator* t, int n);

/// The same in parts, for who translates to one context often, and what was seen once more than once. Of
/// seen (n), n <= 2 rows: features into eye.z.
void loom_translator_see(loomTranslator* t, int n);
/// The context, of first (1).
void loom_translator_look(loomTranslator* t);
/// Of features (n x features, n <= rows): those of the translations into code (n), and with `pictures` these
/// into made[0] (n).
void loom_translator_translate(loomTranslator* t, const loomReal* z, int n, bool pictures);

typedef struct loomTranslatorLoss {
  double sum;                    // weighted; all are means over pairs
  double image, reconstruction;  // squared error of a picture, of its numbers' sum
  double feature;                // of features, of their mean
} loomTranslatorLoss;
/// After forward: the loss, whose gradients are written over params.gradient.
loomTranslatorLoss loom_translator_back(loomTranslator* t, int n);

LOOM_C_END

#endif
