// Runs a fuzz target on inputs that are the same on every machine: seeds from a corpus, mutated with a
// counter-based generator, so that mutant i can be made again on its own.
//   fuzz_NAME COUNT CORPUS                      every seed as it is, then COUNT mutants
//   fuzz_NAME FILE...                           those inputs
//   fuzz_NAME --range SEED FROM TO STATE CORPUS mutants FROM .. TO - 1 of a run's seed; STATE says how far
//   fuzz_NAME --write SEED NUMBER FILE CORPUS   write that mutant
// The input that a sanitizer stops at is left in fuzz_NAME.crash beside the program.
//
// An input may take 10 CPU seconds and LOOM_FUZZ_MB (1024) of memory, children included (their memory in
// plain builds only); the program's own, with all that a sanitizer keeps of earlier inputs, counts as the
// input's. STATE is one line: the mutant in flight, the most CPU seconds that one took, the most memory (MB).
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
/// A target's own: how many inputs it did all that it can with. None of the seeds: then nothing would be
/// tested.
int fuzz_done(void) __attribute__((weak));
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
const char* __asan_default_options(void);
const char* __ubsan_default_options(void);

enum { CPU_SECONDS = 10, WALL_SECONDS = 900, STATE_BYTES = 39 };

static const Input* running;
static const char* program;
static pid_t self;
static double longest;  // CPU seconds of one input
static long most_mb = 1024, peak_mb;

// ---- limits

// Whoever runs it may say otherwise in ASAN_OPTIONS. Freed blocks are kept for a while, but fewer than usual:
// they count as memory. One block may be as large as the child that tries files has memory in plain builds
// (engine/data/dataset_probe.c): HDF5 makes room for as much as a damaged string says it is long.
const char* __asan_default_options(void) {
  return "allocator_may_return_null=1:detect_stack_use_after_return=1:handle_abort=1:quarantine_size_mb=64:"
         "hard_rss_limit_mb=1024:max_allocation_size_mb=768";
}

const char* __ubsan_default_options(void) {
  return "print_stacktrace=1";
}

static void keep_crash(void) {
  char path[4096];
  if (getpid() != self) return;  // a child that dies of a file instead of us
  snprintf(path, sizeof path, "%s.crash", program);
  FILE* file = running ? fopen(path, "wb") : NULL;
  if (!file) return;

  // For a person to run again.
  fwrite(running->data, 1, running->size, file);
  fclose(file);
  fprintf(stderr, "the input is in %s\n", path);
}

static void give_up(void) {
  keep_crash();
  _exit(1);
}

static void too_long(int number) {
  // Not safe in a handler, but the program ends here.
  fprintf(stderr, "more than %d %s seconds for one input\n", number == SIGALRM ? WALL_SECONDS : CPU_SECONDS,
          number == SIGALRM ? "wall" : "CPU");
  give_up();
}

static double cpu_seconds(void) {
  double seconds = 0;

  // Children count once they have been waited for.
  for (int i = 0; i < 2; i++) {
    struct rusage used;
    getrusage(i ? RUSAGE_CHILDREN : RUSAGE_SELF, &used);
    seconds += (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);

    // The children's memory is limited only where no sanitizer reserves terabytes
    // (engine/data/dataset_probe.c).
#ifdef __SANITIZE_ADDRESS__
    if (i) continue;
#endif
    if (used.ru_maxrss / 1024 > peak_mb) peak_mb = used.ru_maxrss / 1024;
  }

  return seconds;
}

static void set_limits(bool on) {
  struct itimerval cpu = {.it_value = {on ? CPU_SECONDS : 0, 0}},
                   wall = {.it_value = {on ? WALL_SECONDS : 0, 0}};

  // The second one for what waits for ever.
  setitimer(ITIMER_PROF, &cpu, NULL);
  setitimer(ITIMER_REAL, &wall, NULL);
}

/// A copy of exactly the input's size, so that a read past its end is seen.
static void run(const Input* input) {
  Input exact = {malloc(input->size ? input->size : 1), input->size, input->size};
  if (!exact.data) exit(1);
  if (input->size) memcpy(exact.data, input->data, input->size);

  // Known to keep_crash meanwhile.
  running = &exact;
  double before = cpu_seconds();
  set_limits(true);
  LLVMFuzzerTestOneInput(exact.data, exact.size);
  set_limits(false);

  double seconds = cpu_seconds() - before;
  if (seconds > longest) longest = seconds;
  if (seconds > CPU_SECONDS) too_long(SIGPROF);

  if (peak_mb > most_mb) {
    fprintf(stderr, "%ld MB of memory, more than %ld\n", peak_mb, most_mb);
    give_up();
  }
  running = NULL;
  free(exact.data);
}

// ---- seeds

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

static int visible(const struct dirent* entry) {
  return entry->d_name[0] != '.';
}

// Sorted by name: the order in which the disk lists them is not the same everywhere.
static void read_corpus(Corpus* corpus, const char* folder) {
  struct dirent** names = NULL;
  int count = scandir(folder, &names, visible, alphasort);
  for (int i = 0; i < count; i++) {
    char path[4096];

    // Regular files only.
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
    if (!stat(path, &status) && S_ISREG(status.st_mode)) add_seed(corpus, path);
    free(names[i]);
  }
  free(names);

  // Without seeds nothing would be tested.
  if (corpus->count) return;
  fprintf(stderr, "%s: no seed to start from\n", folder);
  exit(1);
}

// ---- what it is called for

static int run_seeds_and_mutants(Corpus* corpus, uint64_t count) {
  for (int i = 0; i < corpus->count; i++) run(&corpus->seeds[i]);
  if (fuzz_done && !fuzz_done()) {
    fprintf(stderr, "no seed is accepted\n");
    return 1;
  }

  Input input = {0};
  for (uint64_t i = 0; i < count; i++) {
    make_mutant(&input, corpus, 0, i);
    run(&input);
  }
  free(input.data);

  printf("%d seeds and %llu mutants run, at most %.1f CPU s each, %ld MB\n1 passed, 0 failed\n",
         corpus->count, (unsigned long long)count, longest, peak_mb);
  return 0;
}

// Mapped, so that what it says is there however the program ends.
static char* map_state(const char* path) {
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  char* state = MAP_FAILED;

  if (file >= 0 && !ftruncate(file, STATE_BYTES))
    state = mmap(NULL, STATE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (state == MAP_FAILED) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(1);
  }

  close(file);
  return state;
}

static void tell(char* state, uint64_t next) {
  char line[STATE_BYTES + 64];
  snprintf(line, sizeof line, "%18llu %10.3f %8ld\n", (unsigned long long)next, longest, peak_mb);
  memcpy(state, line, STATE_BYTES);
}

static int run_range(const Corpus* corpus, uint64_t seed, uint64_t from, uint64_t to,
                     const char* state_path) {
  char* state = map_state(state_path);
  Input input = {0};

  for (uint64_t i = from; i < to; i++) {
    tell(state, i);
    make_mutant(&input, corpus, seed, i);
    run(&input);
  }

  // What leaks is told by the sanitizer when the program ends.
  tell(state, to);
  free(input.data);
  munmap(state, STATE_BYTES);
  return 0;
}

static int write_mutant(const Corpus* corpus, uint64_t seed, uint64_t number, const char* path) {
  Input input = {0};
  make_mutant(&input, corpus, seed, number);

  FILE* file = fopen(path, "wb");
  bool written = file && fwrite(input.data, 1, input.size, file) == input.size;
  written = file && !fclose(file) && written;

  free(input.data);
  if (!written) fprintf(stderr, "%s: %s\n", path, strerror(errno));
  return written ? 0 : 1;
}

int main(int argc, char** argv) {
  static Corpus corpus;
  char* rest = "";
  uint64_t number[3] = {0};
  program = argv[0];
  self = getpid();

  // What is asked for, by the first argument.
  bool range = argc == 7 && !strcmp(argv[1], "--range"), make = argc == 6 && !strcmp(argv[1], "--write");
  uint64_t count = argc > 1 ? strtoull(argv[1], &rest, 10) : 0;
  for (int i = 0; i < 3 && (range || make); i++) number[i] = strtoull(argv[2 + i], NULL, 10);
  if (argc < 2 || (*argv[1] == '-' && !range && !make) || (!*rest && argc != 3)) {
    fprintf(stderr,
            "usage: %s COUNT CORPUS | FILE... | --range SEED FROM TO STATE CORPUS | --write SEED NUMBER FILE "
            "CORPUS\n",
            argv[0]);
    return 2;
  }

  const char* limit = getenv("LOOM_FUZZ_MB");
  if (limit) most_mb = strtol(limit, NULL, 10);
  signal(SIGPROF, too_long);
  signal(SIGALRM, too_long);

  // Only sanitizers have it.
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(keep_crash);

  int status = 0;
  bool files = *rest && !range && !make;
  for (int i = 1; files && i < argc; i++) {
    add_seed(&corpus, argv[i]);
    run(&corpus.seeds[i - 1]);
  }

  if (!files) read_corpus(&corpus, argv[argc - 1]);
  if (range) status = run_range(&corpus, number[0], number[1], number[2], argv[5]);
  if (make) status = write_mutant(&corpus, number[0], number[1], argv[4]);
  if (!*rest) status = run_seeds_and_mutants(&corpus, count);

  for (int i = 0; i < corpus.count; i++) free(corpus.seeds[i].data);
  return status;
}
