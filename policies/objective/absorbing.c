#include "policies/objective/absorbing.h"

#include <string.h>

void loom_absorbing_widen(loomReal* out, const loomReal* row, int n, int features) {
  for (int i = 0; i < n; i++, out += features + 1, row += features) {
    memcpy(out, row, (size_t)features * sizeof *out);
    out[features] = 0;
  }
}

void loom_absorbing_row(loomReal* out, int features) {
  memset(out, 0, (size_t)features * sizeof *out);
  out[features] = 1;
}

double loom_absorbing_worth(double tail, double discount) {
  return discount / (1 - discount) * tail;
}

void loom_absorbing_tail(loomReal* reward, const bool* terminated, int n, double tail, double discount) {
  loomReal after = (loomReal)loom_absorbing_worth(tail, discount);

  for (int i = 0; i < n; i++)
    if (terminated[i]) reward[i] += after;
}
