#include "engine/base/keeper.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct loomKeeper {
  char folder[LOOM_PATH_MAX];
  double beat;
  int n;
  loomLease* lease;  // (n) of workers; zeroed: none

  pthread_t thread;
  pthread_mutex_t lock;  // of the leases
  int over;              // an event's descriptor
};

// A lease that was lost is not told: what is written under it is the same whoever writes it.
static void* beat(void* user) {
  loomKeeper* k = user;
  struct pollfd over = {.fd = k->over, .events = POLLIN};

  do {
    pthread_mutex_lock(&k->lock);
    for (int i = 0; i < k->n; i++)
      if (k->lease[i].path[0]) loom_lease_beat(&k->lease[i]);
    pthread_mutex_unlock(&k->lock);
  } while (poll(&over, 1, (int)(250 * k->beat)) < 1);
  return NULL;
}

// Signals are for the program's own threads.
static int start_thread(loomKeeper* k) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int why = pthread_create(&k->thread, NULL, beat, k);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return why;
}

int loom_keeper_create(loomKeeper** out, const char* folder, double seconds, int n, loomError* err) {
  *out = NULL;
  loomKeeper* k = calloc(1, sizeof *k);
  if (k) k->lease = calloc((size_t)n, sizeof *k->lease);
  if (!k || !k->lease) {
    free(k);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for leases");
  }

  strncpy(k->folder, folder, sizeof k->folder - 1);
  k->beat = seconds;
  k->n = n;
  pthread_mutex_init(&k->lock, NULL);
  k->over = eventfd(0, EFD_CLOEXEC);

  int why = k->over < 0 ? errno : start_thread(k);
  if (!why) {
    *out = k;
    return LOOM_OK;
  }
  if (k->over >= 0) close(k->over);
  free(k->lease);
  free(k);
  return loom_error_set(err, LOOM_ERR_MEMORY, "no thread can be started (%s)", strerror(why));
}

void loom_keeper_destroy(loomKeeper* k) {
  if (!k) return;

  eventfd_write(k->over, 1);
  pthread_join(k->thread, NULL);

  for (int i = 0; i < k->n; i++) loom_lease_release(&k->lease[i]);
  close(k->over);
  pthread_mutex_destroy(&k->lock);
  free(k->lease);
  free(k);
}

int loom_keeper_take(loomKeeper* k, loomLeaseTaken* taken, int worker, const char* name, loomError* err) {
  loomLease lease;
  loomLeaseDef def = {.folder = k->folder, .name = name, .beat = k->beat};
  int code = loom_lease_take(&lease, taken, &def, err);
  if (code || *taken == LOOM_LEASE_NOT) return code;

  pthread_mutex_lock(&k->lock);
  k->lease[worker] = lease;
  pthread_mutex_unlock(&k->lock);
  return LOOM_OK;
}

bool loom_keeper_seems_taken(const loomKeeper* k, const char* name) {
  return loom_lease_seems_taken(&(loomLeaseDef){.folder = k->folder, .name = name, .beat = k->beat});
}

void loom_keeper_give(loomKeeper* k, int worker, bool done) {
  pthread_mutex_lock(&k->lock);
  loomLease lease = k->lease[worker];
  k->lease[worker] = (loomLease){0};
  pthread_mutex_unlock(&k->lock);

  if (done)
    loom_lease_end(&lease);
  else
    loom_lease_release(&lease);
}
