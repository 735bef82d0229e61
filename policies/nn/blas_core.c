#include "policies/nn/blas_core.h"

#include <stddef.h>
#include <string.h>

const char* loom_blas_core(const char* chosen, bool avx2, bool avx512) {
  // Kernels for x86-64 that know nothing of AVX2, as OpenBLAS calls them.
  static const char* const narrow[] = {
      "Katmai",        "Coppermine", "Northwood", "Prescott",    "Banias",    "Atom",       "Core2",
      "Penryn",        "Dunnington", "Nehalem",   "Athlon",      "Opteron",   "Bobcat",     "Opteron_SSE3",
      "Opteron(SSE3)", "Barcelona",  "Nano",      "Sandybridge", "Bulldozer", "Piledriver", "Steamroller",
  };

  for (size_t i = 0; avx2 && i < sizeof narrow / sizeof *narrow; i++)
    if (!strcmp(chosen, narrow[i])) return avx512 ? "SkylakeX" : "Haswell";
  return NULL;
}
