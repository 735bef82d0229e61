// A trial reading in a child process. HDF5 1.10 itself crashes or loops for ever on some damaged files (a
// global heap whose sizes are wrong is enough), and no check of ours can come before its own parsing. So a
// child reads first what we would read; where it dies, that demo is marked as damaged and the rest stays
// usable.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/dataset_internal.h"

// Larger files have their numbers left unread: it would double the work, and it is headers that crash HDF5.
static const int64_t full_read_bytes = (int64_t)64 << 20;

enum { AT_OPEN = -2, AT_DATA = -1, ROWS_AT_ONCE = 4096, MAX_CHILDREN = 8 };

/// One child reads the demos from, from + step, from + 2 step, ...
typedef struct probe {
  const char* path;
  int64_t file_size;
  int from, step;
  volatile int* at;  // shared: what the child is reading
  pid_t child;
  bool done, cut_short;
} probe;

static void read_attrs(const loomDataset* ds, const char* object) {
  loomNames names;
  if (loom_dataset_attr_names(&names, ds, object, NULL)) return;
  for (int i = 0; i < names.n; i++) {
    char* text = NULL;
    double number;
    if (loom_dataset_attr_string(&text, ds, object, names.name[i], NULL))
      loom_dataset_attr_double(&number, ds, object, names.name[i], NULL);
    free(text);
  }
  loom_names_destroy(&names);
}

typedef struct reading {
  const loomDataset* ds;
  const char* object;
} reading;

static int read_array(void* user, const char* name, const loomArray* array, int unreadable,
                      const loomError* why) {
  (void)why;
  const reading* r = user;
  if (unreadable || (r->ds->file_size > full_read_bytes && array->type != LOOM_TYPE_STR)) return 0;
  int64_t rows = array->rank ? array->shape[0] : 1;
  for (int64_t row = 0; row < rows; row += ROWS_AT_ONCE) {
    loomArray part;
    int64_t end = row + ROWS_AT_ONCE < rows ? row + ROWS_AT_ONCE : rows;
    if (!loom_dataset_rows(&part, r->ds, r->object, name, row, end, NULL)) loom_array_destroy(&part);
  }
  return 0;
}

static void read_masks(const loomDataset* ds) {
  loomNames masks, demos;
  if (loom_dataset_masks(&masks, ds, NULL)) return;
  for (int i = 0; i < masks.n; i++)
    if (!loom_dataset_mask(&demos, ds, masks.name[i], NULL)) loom_names_destroy(&demos);
  loom_names_destroy(&masks);
}

static void prepare_child(const probe* p) {
  static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU};
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) signal(deadly[i], SIG_DFL);
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null >= 0) dup2(null, STDERR_FILENO);  // whatever a dying libc says is not the user's concern
  rlim_t seconds = 1 + (rlim_t)(p->file_size / (1 << 20));
  struct rlimit none = {0, 0}, limit = {seconds, seconds + 1};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_CPU, &limit);
}

static void read_all(const probe* p) {
  prepare_child(p);
  loomDataset* ds = NULL;
  *p->at = AT_OPEN;
  if (loom_h5_open_file(&ds, p->path, true, p->cut_short, NULL)) _exit(0);
  *p->at = AT_DATA;
  if (p->from == 0) {
    read_attrs(ds, "data");
    read_masks(ds);
  }
  for (int i = p->from; i < loom_dataset_demo_count(ds); i += p->step) {
    *p->at = i;
    reading r = {ds, loom_dataset_demo_path(ds, i)};
    read_attrs(ds, r.object);
    loom_dataset_visit(ds, r.object, read_array, &r, NULL);
  }
  *p->at = AT_DATA;
  loom_dataset_close(ds);
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
  if (p->child == 0) read_all(p);
  return 1;
}

static void start(probe* p) {
  hid_t plist = H5Pcreate(H5P_FILE_ACCESS);
  int from = 0;
  p->child = -1;
  H5Piterate(plist, &from, fork_inside, p);
  H5Pclose(plist);
}

// 1 when the child got through (or could not be made), 0 when it died.
static int survives(const probe* p) {
  int status = 0;
  if (p->child < 0) return 1;
  while (waitpid(p->child, &status, 0) < 0)
    if (errno != EINTR) return 1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int compare_int(const void* a, const void* b) {
  return *(const int*)a - *(const int*)b;
}

// Read with all children until each has got through; one that died goes on behind the demo it died of.
static int read_with(probe* p, int n, int damaged[LOOM_DAMAGED_MAX], int* ndamaged, loomError* err) {
  int status = LOOM_OK, running = n;
  for (int i = 0; i < n; i++) start(&p[i]);
  while (running) {
    for (int i = 0; i < n; i++) {
      if (p[i].done) continue;
      if (survives(&p[i]) || status) {
        p[i].done = true;
        running--;
      } else if (*p[i].at < 0 || *ndamaged == LOOM_DAMAGED_MAX) {
        status =
            loom_error_set(err, LOOM_ERR_FORMAT,
                           "%s: so damaged that HDF5 itself fails on it; fetch or copy it again", p[i].path);
        p[i].done = true;
        running--;
      } else {
        damaged[(*ndamaged)++] = *p[i].at;
        p[i].from = *p[i].at + p[i].step;
        start(&p[i]);
      }
    }
  }
  qsort(damaged, (size_t)*ndamaged, sizeof *damaged, compare_int);
  return status;
}

int loom_h5_probe(int damaged[LOOM_DAMAGED_MAX], int* ndamaged, const char* path, int64_t file_size,
                  bool cut_short, loomError* err) {
  *ndamaged = 0;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  // A child costs some milliseconds to make, as much as reading a megabyte or two.
  int64_t n = 1 + file_size / (4 << 20);
  if (n > cores) n = cores;
  if (n > MAX_CHILDREN) n = MAX_CHILDREN;
  if (n < 1) n = 1;
  volatile int* at =
      mmap(NULL, sizeof(int) * MAX_CHILDREN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  probe p[MAX_CHILDREN] = {{0}};
  for (int i = 0; i < n; i++) {
    at[i] = AT_OPEN;
    p[i] = (probe){.path = path,
                   .file_size = file_size,
                   .cut_short = cut_short,
                   .from = i,
                   .step = (int)n,
                   .at = &at[i]};
  }
  int status = read_with(p, (int)n, damaged, ndamaged, err);
  munmap((void*)at, sizeof(int) * MAX_CHILDREN);
  return status;
}
