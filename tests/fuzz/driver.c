// Runs a fuzz target on a fixed number of inputs, the same ones on every machine: seeds from a corpus,
// mutated with a counter-based generator, so that input i can be made again on its own.
//   fuzz_NAME COUNT CORPUS...   every seed as it is, then COUNT mutants
//   fuzz_NAME FILE              that one input
// The input that a sanitizer stops at is left in fuzz_NAME.crash beside the program.
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

enum { MAX_SEEDS = 256, MAX_SEED_BYTES = 8 << 20, MAX_MUTATIONS = 6 };

typedef struct Input {
  uint8_t* data;
  size_t size, capacity;
} Input;

typedef struct Corpus {
  Input seeds[MAX_SEEDS];
  int count;
} Corpus;

typedef struct Draw {
  uint64_t input, counter;
} Draw;

// What one input may take; its memory is limited by the sanitizer's hard_rss_limit_mb.
enum { CPU_SECONDS = 10 };

static const Input* running;
static const char* program;

static void keep_crash(void) {
  char path[4096];
  snprintf(path, sizeof path, "%s.crash", program);
  FILE* file = fopen(path, "wb");
  if (!file || !running) return;

  // For a person to run again.
  fwrite(running->data, 1, running->size, file);
  fclose(file);
  fprintf(stderr, "the input is in %s\n", path);
}

static void too_long(int number) {
  (void)number;

  // Not safe in a handler, but the program ends here.
  fprintf(stderr, "more than %d CPU seconds for one input\n", CPU_SECONDS);
  keep_crash();
  _exit(1);
}

// splitmix64's finalizer over (input, counter).
static uint64_t draw(Draw* at, uint64_t below) {
  uint64_t z = at->input * 0x9E3779B97F4A7C15u + at->counter++ * 0xD1B54A32D192ED03u;

  // Its two multiply-and-shift rounds.
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return below ? (z ^ (z >> 31)) % below : 0;
}

static void reserve(Input* input, size_t size) {
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
    // Of nine: one cuts the end off, two change a number, three a stretch, two bytes, one makes something long.
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

static int read_file(Input* input, const char* path) {
  FILE* file = fopen(path, "rb");
  if (!file) return -1;

  // All of it, or as much as a seed may have.
  reserve(input, MAX_SEED_BYTES);
  input->size = fread(input->data, 1, MAX_SEED_BYTES, file);
  int bad = ferror(file);
  fclose(file);
  return bad ? -1 : 0;
}

/// A copy of exactly the input's size, so that a read past its end is seen.
static void run(const Input* input) {
  Input exact = {malloc(input->size ? input->size : 1), input->size, input->size};

  if (!exact.data) exit(1);
  if (input->size) memcpy(exact.data, input->data, input->size);

  // Known to keep_crash meanwhile.
  running = &exact;
  struct itimerval limit = {.it_value = {CPU_SECONDS, 0}}, none = {0};
  setitimer(ITIMER_PROF, &limit, NULL);
  LLVMFuzzerTestOneInput(exact.data, exact.size);
  setitimer(ITIMER_PROF, &none, NULL);
  running = NULL;
  free(exact.data);
}

static int visible(const struct dirent* entry) {
  return entry->d_name[0] != '.';
}

static void add_seed(Corpus* corpus, const char* path) {
  Input input = {0};

  if (corpus->count == MAX_SEEDS || read_file(&input, path)) {
    fprintf(stderr, "%s: cannot be read as a seed\n", path);
    exit(1);
  }

  // No more memory than it needs, with many seeds at hand.
  uint8_t* data = realloc(input.data, input.size + 1);
  if (data) input.data = data;
  input.capacity = input.size;
  corpus->seeds[corpus->count++] = input;
}

// Sorted by name: the order in which the disk lists them is not the same everywhere.
static void read_corpus(Corpus* corpus, const char* folder) {
  struct dirent** names = NULL;

  // No such corpus is an empty one.
  int count = scandir(folder, &names, visible, alphasort);
  if (count < 0 && errno == ENOENT) return;
  for (int i = 0; i < count; i++) {
    char path[4096];

    // Regular files only.
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
    if (!stat(path, &status) && S_ISREG(status.st_mode)) add_seed(corpus, path);
    free(names[i]);
  }
  free(names);
}

static void run_mutants(const Corpus* corpus, uint64_t count) {
  Input input = {0};
  for (uint64_t i = 0; i < count; i++) {
    // All that happens to input i is drawn from i.
    Draw at = {i, 0};
    const Input* seed = &corpus->seeds[draw(&at, (uint64_t)corpus->count)];
    const Input* other = &corpus->seeds[draw(&at, (uint64_t)corpus->count)];

    // A copy of the seed, then changed.
    reserve(&input, seed->size + 1);
    memcpy(input.data, seed->data, seed->size);
    input.size = seed->size;

    mutate(&input, other, &at);
    run(&input);
  }
  free(input.data);
}

int main(int argc, char** argv) {
  static Corpus corpus;
  char* rest = "";
  uint64_t count = argc > 1 ? strtoull(argv[1], &rest, 10) : 0;
  program = argv[0];

  // Neither a count nor one file.
  if (argc < 2 || (*rest && argc > 2)) {
    fprintf(stderr, "usage: %s COUNT [CORPUS...] | FILE\n", argv[0]);
    return 2;
  }

  signal(SIGPROF, too_long);

  // Only sanitizers have it.
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(keep_crash);

  // One file: that input alone.
  if (*rest) {
    add_seed(&corpus, argv[1]);
    run(&corpus.seeds[0]);
    free(corpus.seeds[0].data);
    return 0;
  }

  // Every seed as it is.
  for (int i = 2; i < argc; i++) read_corpus(&corpus, argv[i]);
  for (int i = 0; i < corpus.count; i++) run(&corpus.seeds[i]);

  // Without seeds nothing would be tested.
  if (!corpus.count) {
    fprintf(stderr, "%s: no seed to start from in the corpus\n", argv[0]);
    return 1;
  }

  // Then the mutants.
  run_mutants(&corpus, count);
  printf("%d seeds and %llu mutants run\n1 passed, 0 failed\n", corpus.count, (unsigned long long)count);

  for (int i = 0; i < corpus.count; i++) free(corpus.seeds[i].data);
  return 0;
}
