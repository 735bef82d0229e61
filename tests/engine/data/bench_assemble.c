// What it takes to put very many demos together: one shard, over and over.
//   bench_assemble SHARD.hdf5 DEMOS OUT.hdf5    put together, as generate does it
//   bench_assemble FILE.hdf5                    open it
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/data/dataset.h"

static double cpu(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static long peak(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return use.ru_maxrss / 1024;
}

static int fail(const loomError* err) {
  fprintf(stderr, "%s\n", err->message);
  return 1;
}

static int assemble(const char* shard, int n, const char* out, loomError* err) {
  loomSource* source = calloc((size_t)n, sizeof *source);
  struct stat st;
  if (!source) return 1;
  for (int i = 0; i < n; i++) source[i].path = shard;

  // As `generate` does it.
  loomAssembleDef def = loom_default_assemble_def();
  def.trusted = true;
  double start = cpu(), begun = loom_clock();
  int code = loom_dataset_assemble(out, source, n, &def, err);
  free(source);
  if (code) return fail(err);

  double seconds = cpu() - start, wall = loom_clock() - begun;
  stat(out, &st);
  printf("%d demos: %.2f s of CPU time (%.0f us a demo), %.1f s, %.1f MB, peak memory %ld MB\n", n, seconds,
         1e6 * seconds / n, wall, (double)st.st_size / 1e6, peak());
  return 0;
}

// Whoever opens it reads its list of demos.
static int open_it(const char* path, loomError* err) {
  loomDataset* ds = NULL;
  double start = cpu();
  if (loom_dataset_open(&ds, path, err)) return fail(err);

  printf("opened, %d demos: %.2f s of CPU time, peak memory %ld MB\n", loom_dataset_demo_count(ds),
         cpu() - start, peak());
  loom_dataset_close(ds);
  return 0;
}

int main(int argc, char** argv) {
  int n = argc == 4 ? (int)strtol(argv[2], NULL, 10) : 0;
  loomError err = {0, ""};

  if (argc == 2) return open_it(argv[1], &err);
  if (n < 1) return fprintf(stderr, "usage: bench_assemble SHARD.hdf5 DEMOS OUT.hdf5 | FILE.hdf5\n"), 2;
  return assemble(argv[1], n, argv[3], &err);
}
