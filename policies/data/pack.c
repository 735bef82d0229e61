#include "policies/data/pack.h"

#include <stdbool.h>
#include <stddef.h>

static bool is_among(const int* pack, int taken, int row, const int* episode) {
  for (int i = 0; i < taken; i++)
    if (episode ? episode[pack[i]] == episode[row] : pack[i] == row) return true;
  return false;
}

void loom_pack_fill(int* pack, int first, int size, const int* episode, int n, loomRandom* random) {
  enum { TRIES = 64 };

  // Drawn again until it is another episode's.
  for (int i = first; i < size; i++) {
    for (int k = 0; k < TRIES; k++) {
      pack[i] = loom_random_index(random, n);
      if (!is_among(pack, i, pack[i], episode)) break;
    }
  }
}
