// The child that reads strangers' files on trial can read, and nothing else: each thing that code in a file
// would want to do is tried by one, and must be the child's end. Limits on time and memory bite. No HDF5
// plugin is loaded.
#include "tests/engine/data/dataset_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "engine/data/dataset_internal.h"

// ---- what a child tries: true where it is let

static bool reads(const char* path) {
  char byte;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  bool read_it = file >= 0 && pread(file, &byte, 1, 0) == 1 && !close(file);

  // Memory, too, and the time.
  void* memory = malloc(64 << 20);
  read_it = read_it && memory && time(NULL);
  free(memory);
  return read_it;
}

static bool makes_a_socket(const char* path) {
  (void)path;
  return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool makes_a_local_socket(const char* path) {
  int pair[2];
  (void)path;
  return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || !socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

// Then it ends well.
static bool runs_a_program(const char* path) {
  char* argv[] = {"true", NULL};
  (void)path;
  execv("/bin/true", argv);
  return false;
}

static bool makes_a_process(const char* path) {
  (void)path;
  pid_t child = fork();
  if (!child) _exit(0);
  return child > 0;
}

static bool writes_over(const char* path) {
  return open(path, O_WRONLY | O_CLOEXEC) >= 0;
}

static bool reads_and_writes(const char* path) {
  return open(path, O_RDWR | O_CLOEXEC) >= 0;
}

static bool creates(const char* path) {
  char name[600];
  snprintf(name, sizeof name, "%s.new", path);
  return open(name, O_RDONLY | O_CREAT | O_CLOEXEC, 0666) >= 0;
}

static bool empties(const char* path) {
  return !truncate(path, 0);
}

static bool removes(const char* path) {
  return !unlink(path);
}

static bool renames(const char* path) {
  char name[600];
  snprintf(name, sizeof name, "%s.moved", path);
  return !rename(path, name);
}

static bool makes_a_link(const char* path) {
  char name[600];
  snprintf(name, sizeof name, "%s.link", path);
  return !link(path, name) || !symlink(path, name);
}

static bool changes_permissions(const char* path) {
  return !chmod(path, 0777);
}

static bool signals_its_parent(const char* path) {
  (void)path;
  return !kill(getppid(), 0);
}

static bool maps_code(const char* path) {
  (void)path;
  return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static int inherited;  // open for writing in the parent

static bool writes_to_what_was_open(const char* path) {
  (void)path;
  return write(inherited, "x", 1) == 1;
}

static bool writes_a_file(const char* path) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  return file >= 0 && write(file, "x", 1) == 1;
}

static bool computes_for_ever(const char* path) {
  for (volatile unsigned i = 0; path; i++) continue;
  return true;
}

#ifndef __SANITIZE_ADDRESS__
static bool takes_much_memory(const char* path) {
  (void)path;
  char* memory = malloc((size_t)2 << 30);
  if (memory) memset(memory, 1, (size_t)2 << 30);
  return memory != NULL;
}
#endif

// ---- children

static bool (*tries)(const char* path);

static void try_it(const char* path, bool cut_short, int from, int step, volatile int* at) {
  (void)cut_short, (void)from, (void)step, (void)at;
  if (!tries(path)) _exit(1);
}

// Whether a child got through it.
static bool is_let(bool (*what)(const char* path), const char* path) {
  int damaged[LOOM_DAMAGED_MAX], n = 0;
  tries = what;
  return !loom_h5_probe(damaged, &n, path, 1, false, try_it, NULL);
}

static const struct {
  const char* what;
  bool (*tries)(const char* path);
  bool by_filter;  // not by a limit
} table[] = {
    {"makes a socket", makes_a_socket, true},
    {"makes a local socket", makes_a_local_socket, true},
    {"runs a program", runs_a_program, true},
    {"makes a process", makes_a_process, true},
    {"writes over a file", writes_over, true},
    {"reads and writes a file", reads_and_writes, true},
    {"creates a file", creates, true},
    {"empties a file", empties, true},
    {"removes a file", removes, true},
    {"renames a file", renames, true},
    {"makes a link", makes_a_link, true},
    {"changes permissions", changes_permissions, true},
    {"signals its parent", signals_its_parent, true},
    {"maps code", maps_code, true},
    {"writes to what was open", writes_to_what_was_open, false},
    {"computes for ever", computes_for_ever, false},
#ifndef __SANITIZE_ADDRESS__
    {"takes much memory", takes_much_memory, false},
#endif
};

static int count_files(void) {
  char command[400];
  snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
  FILE* told = popen(command, "r");
  int n = -1;
  assert_int_equal(fscanf(told, "%d", &n), 1);

  pclose(told);
  return n;
}

static void a_child_reads_and_nothing_else(void** state) {
  (void)state;
  const char* path = in_folder("file");
  inherited = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  assert_int_equal(write(inherited, "whole", 5), 5);

  // Where the system refuses the filter only the limits are left.
  assert_true(is_let(reads, path));
  bool filtered = !loom_h5_probe_unconfined();
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (table[i].by_filter && !filtered) continue;
    if (is_let(table[i].tries, path)) fail_msg("a child that %s is let", table[i].what);
  }

  // The file is as it was, and alone.
  struct stat s;
  assert_int_equal(stat(path, &s), 0);
  assert_int_equal(s.st_size, 5);
  assert_int_equal(s.st_mode & 0777, 0600);
  assert_int_equal(count_files(), 1);
  close(inherited);
  unlink(path);
}

// A container whose own filter lets nobody add another: it is told, once, and the limits hold.
static void refused_filters_are_told(void** state) {
  (void)state;
  const char* path = in_folder("file");
  FILE* file = fopen(path, "w");
  assert_true(file && fputs("whole", file) >= 0 && !fclose(file));
  int status = -1;
  if (seccomp_api_get() < 2) skip();  // there are none at all, as under valgrind

  pid_t child = fork();
  if (!child) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(seccomp), 0);
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP));
    if (seccomp_load(filter)) _exit(77);
    bool goes_on = is_let(reads, path) && loom_h5_probe_unconfined() && !loom_h5_probe_unconfined();
    bool limited = !is_let(writes_a_file, path) && !is_let(writes_to_what_was_open, path);
    _exit(goes_on && limited ? 0 : 1);
  }

  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) skip();
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  unlink(path);
}

// ---- code that a file names

enum { FOREIGN_FILTER = 32015 };

// Does nothing; what it is called must be known to write the file.
static size_t pass_through(unsigned flags, size_t nvalue, const unsigned value[], size_t n, size_t* size,
                           void** buf) {
  (void)flags, (void)nvalue, (void)value, (void)size, (void)buf;
  return n;
}

static void write_filtered(const char* path) {
  static const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, FOREIGN_FILTER, 1,    1,
                                      "foreign",        NULL,           NULL, pass_through};
  const hsize_t shape[2] = {4, 2};
  double value[8] = {0};
  assert_true(H5Zregister(&filter) >= 0);

  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t data = H5Gcreate2(file, "data", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t demo = H5Gcreate2(data, "demo_0", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, shape, NULL);
  H5Pset_chunk(plist, 2, shape);
  H5Pset_filter(plist, FOREIGN_FILTER, 0, 0, NULL);

  hid_t dset = H5Dcreate2(demo, "actions", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  assert_true(H5Dwrite(dset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) >= 0);
  H5Dclose(dset);
  H5Sclose(space);
  H5Pclose(plist);
  H5Gclose(demo);
  H5Gclose(data);
  H5Fclose(file);

  assert_true(H5Zunregister(FOREIGN_FILTER) >= 0);
}

static bool is_there(const char* path) {
  return !access(path, F_OK);
}

// A library that makes a file when it is loaded.
static bool make_plugin(const char* source, const char* plugin, const char* mark) {
  char command[2000];
  FILE* file = fopen(source, "w");
  assert_non_null(file);
  fprintf(file,
          "#include <fcntl.h>\n__attribute__((constructor)) static void load(void) { open(\"%s\", O_CREAT, "
          "0600); }\n",
          mark);
  fclose(file);

  snprintf(command, sizeof command, "cc -shared -fPIC -o '%s' '%s' 2>/dev/null", plugin, source);
  return system(command) == 0;
}

// HDF5 would look for the filter there.
static bool hdf5_loads_it(const char* mark) {
  pid_t child = fork();
  if (!child) {
    H5PLset_loading_state(H5PL_ALL_PLUGIN);
    H5Zfilter_avail(FOREIGN_FILTER);
    _exit(0);
  }

  waitpid(child, NULL, 0);
  bool loaded = is_there(mark);
  unlink(mark);
  return loaded;
}

static void no_plugin_is_loaded(void** state) {
  (void)state;
  const char *path = in_folder("filtered.hdf5"), *mark = in_folder("loaded");
  write_filtered(path);
  if (!make_plugin(in_folder("plugin.c"), in_folder("libplugin.so"), mark)) skip();
  assert_true(hdf5_loads_it(mark));

  // Opened, read, described and copied.
  loomError err = {0, ""};
  loomDataset* ds = NULL;
  loomDemo demo;
  if (!loom_dataset_open(&ds, path, &err)) {
    assert_true(loom_demo_load(&demo, ds, 0, &err) < 0);
    loom_dataset_close(ds);
  }
  assert_non_null(strstr(err.message, "zstd"));

  const loomSource source = {path, NULL};
  loom_dataset_assemble(in_folder("copy.hdf5"), &source, 1, NULL, &err);
  assert_false(is_there(mark));
}

// Texts of variable length say themselves how long they are: 3 GB in a file of 10 KB.
static void a_text_that_claims_gigabytes_is_damage(void** state) {
  (void)state;
#ifdef __SANITIZE_ADDRESS__
  skip();  // there the child has no limit on memory
#endif
  loomError err = {0, ""};
  loomDataset* ds = NULL;
  int code = loom_dataset_open(&ds, "tests/fuzz/corpus/hdf5/long_text.hdf5", &err);
  assert_int_equal(code, LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "demo_0"));
}

int main(void) {
  char plugins[300];
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_child_reads_and_nothing_else),
      cmocka_unit_test(refused_filters_are_told),
      cmocka_unit_test(no_plugin_is_loaded),
      cmocka_unit_test(a_text_that_claims_gigabytes_is_damage),
  };

  // HDF5 asks for it once, before all else.
  make_folder(NULL);
  snprintf(plugins, sizeof plugins, "%s", folder);
  setenv("HDF5_PLUGIN_PATH", plugins, 1);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);

  remove_folder(NULL);
  return failed;
}
