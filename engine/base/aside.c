#include "engine/base/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/confine.h"

loomAsideDef loom_default_aside_def(void) {
  return (loomAsideDef){.what = "a file", .shelf_mb = 512, .memory_mb = 4096, .seconds = 600};
}

// What stands at the shelf's beginning.
typedef struct report {
  int done;        // the work came to its end, whatever that was
  int unconfined;  // the system lets it do more than read
  int code;
  loomError error;
  void* result;
} report;

size_t loom_shelf_round(size_t n) {
  return (n + 15) & ~(size_t)15;
}

void* loom_shelf_take(loomShelf* shelf, size_t n) {
  // Pages of a fresh mapping are zero.
  size_t at = loom_shelf_round(shelf->used);
  if (n > shelf->room || at > shelf->room - n) return NULL;
  shelf->used = at + n;
  return shelf->bytes + at;
}

// ---- in the child

static void limit_child(const loomAsideDef* def) {
  // The parent tells it to stop, and it ends with it; a terminal's Ctrl-C is for the parent.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  loom_limit_child(def->seconds, def->memory_mb, def->writes);
}

// Libraries say what they think of a file: nobody has asked.
static void silence(void) {
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null < 0) return;
  dup2(null, STDOUT_FILENO);
  dup2(null, STDERR_FILENO);
}

static void run_child(const loomAsideDef* def, loomShelf* shelf, report* told) {
  limit_child(def);
  silence();
  told->code = def->prepare ? def->prepare(def->user, &told->error) : 0;
  if (!told->code && def->confined) told->unconfined = !loom_confine();
  if (!told->code) told->code = def->work(def->user, shelf, &told->result, &told->error);
  told->done = 1;

  // Without what a program does at its end: the parent's files and buffers are not the child's.
  _exit(0);
}

// ---- in the parent

static int end_child(const loomAsideDef* def, pid_t child, loomError* err) {
  kill(child, SIGKILL);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
  }

  return loom_error_set(err, LOOM_ERR_INTERRUPTED, "%s: interrupted; nothing was written", def->what);
}

// Its wait status; an error where it was told to stop.
static int follow_child(int* status, const loomAsideDef* def, pid_t child, loomError* err) {
  double begun = loom_clock(), nap = 0.0005;
  for (;;) {
    pid_t which = waitpid(child, status, WNOHANG);
    if (which == child) return 0;
    if (which < 0 && errno != EINTR)
      return loom_error_set(err, LOOM_ERR_IO, "%s: its process is lost (%s)", def->what, strerror(errno));

    // Short naps for short work.
    if (def->wait && def->wait(def->wait_user, loom_clock() - begun)) return end_child(def, child, err);
    loom_sleep(nap);
    nap = nap < 0.1 ? 1.5 * nap : 0.1;
  }
}

static int tell_death(const loomAsideDef* def, int status, loomError* err) {
  int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (number == SIGXCPU || number == SIGKILL)
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: takes more than %.0f s or more memory than it may; is it damaged? Else make it "
        "simpler first",
        def->what, def->seconds);

  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: what reads it crashed (%s): it is damaged; export it again", def->what,
                        number ? strsignal(number) : "it gave up");
}

static atomic_bool unconfined;

bool loom_aside_unconfined(void) {
  return atomic_exchange(&unconfined, false);
}

int loom_aside_run(loomAside* out, const loomAsideDef* def, loomError* err) {
  *out = (loomAside){.size = loom_shelf_round((size_t)(def->shelf_mb * 1048576) + sizeof(report))};
  void* mapped =
      mmap(NULL, out->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED)
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory for a process that reads it", def->what);
  out->mapped = mapped;

  loomShelf shelf = {out->mapped, sizeof(report), out->size};
  report* told = (report*)(void*)out->mapped;
  pid_t child = fork();
  if (child == 0) run_child(def, &shelf, told);

  int status = 0;
  int code = child < 0 ? loom_error_set(err, LOOM_ERR_MEMORY, "%s: no process can be made to read it (%s)",
                                        def->what, strerror(errno))
                       : follow_child(&status, def, child, err);
  if (told->unconfined) atomic_store(&unconfined, true);
  if (!code && !told->done) code = tell_death(def, status, err);
  if (!code && told->code)
    code = loom_error_set(err, told->code, "%.*s", (int)sizeof told->error.message - 1, told->error.message);

  out->result = told->result;
  if (code) loom_aside_destroy(out);
  return code;
}

void loom_aside_destroy(loomAside* aside) {
  if (!aside || !aside->mapped) return;
  munmap(aside->mapped, aside->size);
  *aside = (loomAside){0};
}
