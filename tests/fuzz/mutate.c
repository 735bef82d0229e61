#include "tests/fuzz/mutate.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MUTATIONS = 6 };

typedef struct Draw {
  uint64_t input, counter;
} Draw;

// splitmix64's finalizer over (input, counter).
static uint64_t draw(Draw* at, uint64_t below) {
  uint64_t z = at->input * 0x9E3779B97F4A7C15u + at->counter++ * 0xD1B54A32D192ED03u;

  // Its two multiply-and-shift rounds.
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return below ? (z ^ (z >> 31)) % below : 0;
}

void reserve(Input* input, size_t size) {
  if (input->data && size <= input->capacity) return;

  // Room for more.
  uint8_t* data = realloc(input->data, size);
  if (!data) {
    fprintf(stderr, "out of memory\n");
    exit(1);
  }

  input->data = data;
  input->capacity = size;
}

/// Put size bytes at input[at], in place of the removed ones there. The bytes may not lie in the input
/// itself.
static void splice(Input* input, size_t at, size_t removed, const void* bytes, size_t size) {
  reserve(input, input->size - removed + size + 1);
  memmove(input->data + at + size, input->data + at + removed, input->size - at - removed);
  if (size) memcpy(input->data + at, bytes, size);
  input->size += size - removed;
}

static void mutate_bytes(Input* input, Draw* at) {
  static const uint8_t edges[] = {0,   1,   0x7F, 0x80, 0xFF, '\n', ':',  '-',
                                  '[', '{', '"',  '&',  '*',  '%',  '\t', ' '};

  // Up to eight bytes, each with one bit turned over or made a byte at the edge of something.
  size_t run = 1 + draw(at, 8);
  for (size_t i = 0; i < run && input->size; i++) {
    uint8_t* byte = input->data + draw(at, input->size);
    if (draw(at, 2))
      *byte = (uint8_t)(*byte ^ 1u << draw(at, 8));
    else
      *byte = edges[draw(at, sizeof edges)];
  }
}

/// A number written in digits becomes another one, the kind of change that parsers let through to the code
/// behind them.
static void mutate_number(Input* input, Draw* at) {
  static const char* const numbers[] = {
      "0",    "-1",   "1e308", "-1e-308", "nan",  "inf", "2147483648",
      "1e99", "0.5",  "65536", "99999",   "null", "pi",  "-9223372036854775809",
      "x",    "true", "[]",    "{}",      "''",   "1/0"};

  // The next number from a random place on, dots and all.
  size_t start = draw(at, input->size);
  while (start < input->size && !isdigit(input->data[start])) start++;
  size_t end = start;
  while (end < input->size && (isdigit(input->data[end]) || input->data[end] == '.')) end++;

  // In place of the digits.
  const char* number = numbers[draw(at, sizeof numbers / sizeof *numbers)];
  splice(input, start, end - start, number, strlen(number));
}

/// A stretch of the input, or of another seed, is removed, repeated or put elsewhere.
static void mutate_stretch(Input* input, const Input* other, Draw* at) {
  uint64_t what = draw(at, 4);

  // Mostly short ones.
  const Input* from = what == 3 ? other : input;
  size_t start = draw(at, from->size), size = draw(at, from->size - start + 1);
  if (draw(at, 4)) size %= 64;

  // Removed.
  if (what == 0) {
    splice(input, start, size, NULL, 0);
    return;
  }

  // Copied first, since it may overlap with where it goes.
  uint8_t* copy = malloc(size + 1);
  if (!copy) return;
  memcpy(copy, from->data + start, size);

  // Over what is there, or between.
  size_t into = what == 1 ? start : draw(at, input->size);
  size_t over = draw(at, 2) ? 0 : draw(at, input->size - into + 1);
  splice(input, into, over < size ? over : size, copy, size);
  free(copy);
}

/// A piece of the input over and over: long tokens, deep nesting, many entries.
static void mutate_long(Input* input, Draw* at) {
  size_t start = draw(at, input->size), size = 1 + draw(at, 8);
  if (size > input->size - start) size = input->size - start;

  // Some powers of two, around the sizes of buffers.
  size_t times = ((size_t)1 << draw(at, 15)) + draw(at, 3);
  uint8_t* copy = malloc(size * times);
  if (!copy) return;
  for (size_t i = 0; i < times; i++) memcpy(copy + i * size, input->data + start, size);

  splice(input, start, 0, copy, size * times);
  free(copy);
}

static void mutate(Input* input, const Input* other, Draw* at) {
  for (uint64_t n = 1 + draw(at, MAX_MUTATIONS); n && input->size; n--) {
    // Of nine: one cuts the end off, two change a number, three a stretch, two bytes, one makes something
    // long.
    switch (draw(at, 9)) {
      case 0:
        input->size = draw(at, input->size);
        break;
      case 1:
      case 2:
        mutate_number(input, at);
        break;
      case 3:
      case 4:
      case 5:
        mutate_stretch(input, other, at);
        break;
      case 6:
        mutate_long(input, at);
        break;
      default:
        mutate_bytes(input, at);
    }

    // No growth without bounds.
    if (input->size > MAX_SEED_BYTES) input->size = MAX_SEED_BYTES;
  }
}

void make_mutant(Input* out, const Corpus* corpus, uint64_t seed, uint64_t number) {
  // All that happens to a mutant is drawn from its number and the run's seed.
  Draw at = {number + seed * 0xA24BAED4963EE407u, 0};
  const Input* base = &corpus->seeds[draw(&at, (uint64_t)corpus->count)];
  const Input* other = &corpus->seeds[draw(&at, (uint64_t)corpus->count)];

  // A copy of a seed, then changed.
  reserve(out, base->size + 1);
  memcpy(out->data, base->data, base->size);
  out->size = base->size;

  mutate(out, other, &at);
}
