#include "policies/objective/advantage.h"

void loom_gae(loomReal* advantage, loomReal* returns, const loomTried* tried, double discount, double lambda,
              bool bootstrap) {
  int n = tried->n;

  // Each environment by itself, from its last row back.
  for (int i = 0; i < n; i++) {
    double later = 0;
    for (int t = tried->steps - 1; t >= 0; t--) {
      int at = t * n + i;
      bool ended = tried->terminated[at] || tried->truncated[at];
      bool nothing = tried->terminated[at] || (ended && !bootstrap);
      double value = (double)tried->value[at], next = nothing ? 0 : (double)tried->value[at + n];

      // What is learned from one episode says nothing about the one before.
      double delta = (double)tried->reward[at] + discount * next - value;
      later = tried->fresh[at] ? 0 : delta + (ended ? 0 : discount * lambda * later);
      advantage[at] = (loomReal)later;
      returns[at] = (loomReal)(later + value);
    }
  }
}

loomNStep loom_n_step(const loomReal* reward, const bool* terminated, const bool* truncated, int available,
                      int n, double discount) {
  loomNStep out = {.discount = 1};

  for (int k = 0; k < n && k < available; k++) {
    out.reward += out.discount * (double)reward[k];
    out.discount *= discount;
    out.steps++;

    if (terminated[k]) out.discount = 0;
    if (terminated[k] || truncated[k]) break;
  }
  return out;
}
