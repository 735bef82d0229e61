// Inputs for fuzz targets: seeds, and mutants of them that are drawn from a number. Internal to the tests.
#ifndef LOOM_TESTS_FUZZ_MUTATE_H
#define LOOM_TESTS_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

enum { MAX_SEEDS = 256, MAX_SEED_BYTES = 8 << 20 };

typedef struct Input {
  uint8_t* data;
  size_t size, capacity;
} Input;

typedef struct Corpus {
  Input seeds[MAX_SEEDS];
  int count;
} Corpus;

/// Room for size bytes; without memory the program ends.
void reserve(Input* input, size_t size);

/// Mutant number `number` of a run's seed, always the same one for the same corpus.
void make_mutant(Input* out, const Corpus* corpus, uint64_t seed, uint64_t number);

#endif
