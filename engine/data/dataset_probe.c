// A trial reading in a child process. HDF5 1.10 itself crashes or loops for ever on some damaged files (a
// global heap whose sizes are wrong is enough), and no check of ours can come before its own parsing. So a
// child reads first what we would read; where it dies, that demo is marked as damaged and the rest stays
// usable.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/confine.h"
#include "engine/data/dataset_internal.h"

enum { MAX_CHILDREN = 8, CHILD_MB = 768, SHARED_BYTES = sizeof(int) * (MAX_CHILDREN + 1) };

/// One child reads the demos from, from + step, from + 2 step, ...
typedef struct probe {
  const char* path;
  int64_t file_size;
  int from, step;
  loomTrialReading* read;
  volatile int *at,
      *unconfined;  // shared: what the child is reading; that the system lets it do more than read
  pid_t child;
  bool done, cut_short;
} probe;

// Somewhat more memory than the parent has: it reads part by part, but a chunk is read whole. A second and
// one more for each megabyte: HDF5 can also loop for ever.
static void prepare_child(const probe* p) {
  loom_limit_child(1 + (double)(p->file_size / (1 << 20)), CHILD_MB, false);
  if (!loom_confine()) *p->unconfined = 1;
}

static void read_file(const probe* p) {
  prepare_child(p);
  *p->at = LOOM_TRIAL_OPENS;
  p->read(p->path, p->cut_short, p->from, p->step, p->at);

  // Without what a program does at its end: the parent's files and buffers are not the child's.
  _exit(0);
}

// Called by H5Piterate, hence with HDF5's lock held by this very thread: the child inherits it unlocked for
// itself, whatever other threads were doing with HDF5. It leaves by _exit, so no file that the parent has
// open is touched.
static herr_t fork_inside(hid_t plist, const char* name, void* user) {
  (void)plist;
  (void)name;
  probe* p = user;
  p->child = fork();
  if (p->child == 0) read_file(p);
  return 1;
}

static atomic_llong forks;

int64_t loom_h5_probe_forks(void) {
  return atomic_load(&forks);
}

static void start(probe* p) {
  atomic_fetch_add(&forks, 1);
  hid_t plist = H5Pcreate(H5P_FILE_ACCESS);

  int from = 0;
  p->child = -1;
  H5Piterate(plist, &from, fork_inside, p);
  H5Pclose(plist);
}

enum { DIED, GOT_THROUGH, STILL_READS };

// `block`: wait for its end. A child that could not be made got through.
static int fate(const probe* p, bool block) {
  int status = 0;
  pid_t which;
  if (p->child < 0) return GOT_THROUGH;

  while ((which = waitpid(p->child, &status, block ? 0 : WNOHANG)) < 0)
    if (errno != EINTR) return GOT_THROUGH;
  if (!which) return STILL_READS;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? GOT_THROUGH : DIED;
}

static int compare_int(const void* a, const void* b) {
  return *(const int*)a - *(const int*)b;
}

struct loomProbe {
  probe child[MAX_CHILDREN];
  int n, running;
  volatile int* at;
  char* path;
  int ndamaged;
  int damaged[LOOM_DAMAGED_MAX];
  int status;  // LOOM_ERR_FORMAT: the file is beyond use
  pthread_mutex_t lock;
};

static atomic_bool unconfined, told;

bool loom_h5_probe_unconfined(void) {
  return atomic_load(&unconfined) && !atomic_exchange(&told, true);
}

// What became of a child. One that died goes on behind the demo it died of.
static void follow(loomProbe* probes, probe* p, bool block) {
  int f = p->done ? GOT_THROUGH : fate(p, block);
  if (p->done || f == STILL_READS) return;

  // It goes on behind the demo, unless there are too many of them or none.
  if (f == DIED && !probes->status && *p->at >= 0 && probes->ndamaged < LOOM_DAMAGED_MAX) {
    probes->damaged[probes->ndamaged++] = *p->at;
    p->from = *p->at + p->step;
    *p->at = LOOM_TRIAL_OPENS;
    start(p);
    return;
  }

  if (f == DIED) probes->status = LOOM_ERR_FORMAT;
  if (*p->unconfined) atomic_store(&unconfined, true);
  p->done = true;
  probes->running--;
}

static int beyond_use(const loomProbe* probes, loomError* err) {
  if (!probes->status) return LOOM_OK;
  return loom_error_set(err, probes->status,
                        "%s: so damaged that HDF5 itself fails on it; fetch or copy it again", probes->path);
}

static loomProbe* make_children(const char* path, int64_t file_size, bool cut_short, loomTrialReading* read) {
  loomProbe* probes = calloc(1, sizeof *probes);
  if (!probes) return NULL;

  // What a child is at must be seen from outside, also when it has died.
  probes->at = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  probes->path = strdup(path);

  if (probes->at == MAP_FAILED || !probes->path) {
    free(probes->path);
    if (probes->at != MAP_FAILED) munmap((void*)probes->at, SHARED_BYTES);
    free(probes);
    return NULL;
  }

  pthread_mutex_init(&probes->lock, NULL);
  long cores = sysconf(_SC_NPROCESSORS_ONLN);

  // A child costs some milliseconds to make, as much as reading a megabyte or two.
  int64_t n = 1 + file_size / (4 << 20);
  if (n > cores) n = cores;
  if (n > MAX_CHILDREN) n = MAX_CHILDREN;
  if (n < 1) n = 1;

  probes->n = probes->running = (int)n;
  for (int i = 0; i < n; i++) {
    probes->at[i] = LOOM_TRIAL_OPENS;
    probes->child[i] = (probe){.path = probes->path,
                               .file_size = file_size,
                               .cut_short = cut_short,
                               .read = read,
                               .from = i,
                               .step = (int)n,
                               .at = &probes->at[i],
                               .unconfined = &probes->at[MAX_CHILDREN]};
  }

  for (int i = 0; i < n; i++) start(&probes->child[i]);
  return probes;
}

bool loom_h5_probe_clean(loomProbe* probes) {
  pthread_mutex_lock(&probes->lock);
  for (int i = 0; i < probes->n; i++) follow(probes, &probes->child[i], false);
  bool clean = !probes->running && !probes->status && !probes->ndamaged;
  pthread_mutex_unlock(&probes->lock);
  return clean;
}

void loom_h5_probe_end(loomProbe* probes) {
  if (!probes) return;
  for (int i = 0; i < probes->n; i++) {
    probe* p = &probes->child[i];
    if (p->done || p->child < 0) continue;
    kill(p->child, SIGKILL);
    while (waitpid(p->child, NULL, 0) < 0 && errno == EINTR) continue;
  }

  pthread_mutex_destroy(&probes->lock);
  munmap((void*)probes->at, SHARED_BYTES);
  free(probes->path);
  free(probes);
}

int loom_h5_probe(int damaged[LOOM_DAMAGED_MAX], int* ndamaged, const char* path, int64_t file_size,
                  bool cut_short, loomTrialReading* read, loomError* err) {
  *ndamaged = 0;
  loomProbe* probes = make_children(path, file_size, cut_short, read);
  if (!probes) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);

  while (probes->running) {
    for (int i = 0; i < probes->n; i++) follow(probes, &probes->child[i], true);
  }

  // In the order of their numbers, whichever child met them first.
  *ndamaged = probes->ndamaged;
  memcpy(damaged, probes->damaged, sizeof probes->damaged);
  qsort(damaged, (size_t)*ndamaged, sizeof *damaged, compare_int);

  int status = beyond_use(probes, err);
  loom_h5_probe_end(probes);
  return status;
}

// ---- while the file is in use already

static const struct timespec a_moment = {0, 500000};

int loom_h5_probe_begin(loomProbe** out, const char* path, int64_t file_size, loomTrialReading* read,
                        loomError* err) {
  loomProbe* probes = *out = make_children(path, file_size, false, read);
  if (!probes) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  for (int i = 0; i < probes->n; i++) {
    probe* p = &probes->child[i];
    while (!p->done && *p->at < 0) {
      nanosleep(&a_moment, NULL);
      follow(probes, p, false);
    }
  }

  // What they read ahead may wait for whoever looks at the list.
  for (int i = 0; i < probes->n; i++)
    if (!probes->child[i].done) setpriority(PRIO_PROCESS, (id_t)probes->child[i].child, 10);

  int status = beyond_use(probes, err);
  if (status) {
    loom_h5_probe_end(probes);
    *out = NULL;
  }
  return status;
}

static bool is_passed(loomProbe* probes, int demo) {
  probe* p = &probes->child[demo % probes->n];
  if (p->done || *p->at > demo) return true;

  follow(probes, p, false);
  return p->done || *p->at > demo || p->from > demo;
}

bool loom_h5_probe_passed(loomProbe* probes, int demo) {
  pthread_mutex_lock(&probes->lock);
  bool passed = is_passed(probes, demo);
  pthread_mutex_unlock(&probes->lock);
  return passed;
}

bool loom_h5_probe_damaged(loomProbe* probes, int demo) {
  while (!loom_h5_probe_passed(probes, demo)) nanosleep(&a_moment, NULL);

  pthread_mutex_lock(&probes->lock);
  bool damaged = probes->status != LOOM_OK;
  for (int i = 0; i < probes->ndamaged; i++) damaged = damaged || probes->damaged[i] == demo;
  pthread_mutex_unlock(&probes->lock);
  return damaged;
}
