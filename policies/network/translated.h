// A reward from demos seen in another context: a state is worth how near it is to what demos look like at the
// same time once they are translated to its context (Liu et al., ICRA 2018, section V), and its file.
// Internal.
#ifndef LOOM_POLICIES_NETWORK_TRANSLATED_H
#define LOOM_POLICIES_NETWORK_TRANSLATED_H

#include "engine/observe/observer.h"
#include "policies/network/translator.h"
#include "policies/nn/safetensors.h"

enum { LOOM_TRANSLATED_SOURCES = 8 };

typedef struct loomTranslated {
  loomTranslator net;  // of as many rows as there are sources
  loomName key;        // of its pictures
  int sources;
  int rows[LOOM_TRANSLATED_SOURCES];
  unsigned char* frame[LOOM_TRANSLATED_SOURCES];  // (rows x height x width x 3) of each demo
  bool plain;                                     // the ablation: demos as they are, untranslated
  double image;                                   // weight of pictures beside features
  // Squared distances of features and of pictures by which they are divided: those of standing still.
  double unit[2];
  // What is the same from step to step (loom_translated_begin).
  loomReal* z;           // (all rows x features) of the demos
  unsigned char* first;  // (height x width x 3) the context that was looked at
  bool looked;
  loomReal* mean;  // (height x width x 3) work space
} loomTranslated;

void loom_translated_destroy(loomTranslated* t);

/// Once the network and the demos are there: what the demos look like to it. LOOM_ERR_MEMORY.
int loom_translated_begin(loomTranslated* t, loomError* err);

/// Minus (|z - z'|^2 / unit[0] + image |I - I'|^2 / unit[1]) / (1 + image): z and I of the picture `now`, z'
/// and I' the means over the sources' step-th rows (the last ones', beyond) translated to the context whose
/// first picture is `first`. Pictures are height x width x 3. distance (2, may be NULL): both,
/// undivided; that of pictures is 0 where they weigh nothing.
double loom_translated_worth(double distance[2], loomTranslated* t, const unsigned char* first,
                             const unsigned char* now, int step);

/// In safetensors, atomic: weights (model.*), the demos (translate.*); metadata `keys`, and `sense` unless it
/// is NULL.
int loom_translated_save(const char* path, const loomTranslated* t, const char* sense, loomError* err);
bool loom_translated_is(const loomSafetensors* file);
/// From a file that has been read. LOOM_ERR_FORMAT as of loom_watcher_read.
int loom_translated_read(loomTranslated* out, const loomSafetensors* file, const char* label, loomError* err);

#endif
