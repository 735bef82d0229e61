// Leases: one holder, beats, whose expired or gone ones are taken, and who notices.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/keeper.h"
#include "engine/base/lease.h"

static char folder[64];

static int make_folder(void** state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/loom_lease.XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void** state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static loomLeaseTaken take(loomLease* out, const char* name, double beat) {
  loomLeaseDef def = {.folder = folder, .name = name, .beat = beat};
  loomLeaseTaken taken;
  loomError err = {0, ""};

  assert_int_equal(loom_lease_take(out, &taken, &def, &err), 0);
  assert_int_equal(taken != LOOM_LEASE_NOT, out->path[0] != '\0');
  return taken;
}

// The file's time, so many seconds before now, as if its holder had not beaten since.
static void age(const loomLease* lease, double seconds) {
  struct stat st;
  struct timespec to[2];
  assert_int_equal(futimens(lease->file, NULL), 0);
  assert_int_equal(fstat(lease->file, &st), 0);

  to[0] = to[1] = (struct timespec){st.st_mtim.tv_sec - (time_t)seconds, st.st_mtim.tv_nsec};
  assert_int_equal(futimens(lease->file, to), 0);
}

static void one_holds_it(void** state) {
  (void)state;
  loomLease a, b, other;

  assert_int_equal(take(&a, "cell", 8), LOOM_LEASE_NEW);
  assert_int_equal(take(&b, "cell", 8), LOOM_LEASE_NOT);
  assert_int_equal(take(&other, "cell-2", 8), LOOM_LEASE_NEW);
  assert_true(loom_lease_beat(&a) && loom_lease_is_held(&a));

  // Let go, it is anybody's.
  loom_lease_release(&a);
  assert_int_equal(take(&b, "cell", 8), LOOM_LEASE_NEW);
  assert_true(loom_lease_beat(&b) && loom_lease_beat(&other));
  loom_lease_release(&b);
  loom_lease_release(&other);
  loom_lease_release(&(loomLease){0});
}

static void one_that_does_not_beat_loses_it(void** state) {
  (void)state;
  loomLease a, b, c;

  // In the holder's beats, whatever others have.
  take(&a, "slow", 100);
  age(&a, 120);
  assert_int_equal(take(&b, "slow", 1), LOOM_LEASE_NOT);
  age(&a, 130);
  assert_int_equal(take(&b, "slow", 1), LOOM_LEASE_EXPIRED);

  // It notices, and what it does then takes nothing from whoever has it now.
  assert_true(loom_lease_is_held(&b));
  assert_false(loom_lease_is_held(&a));
  assert_false(loom_lease_beat(&a));
  loom_lease_release(&a);
  assert_int_equal(take(&c, "slow", 1000), LOOM_LEASE_NOT);

  // A beat keeps it.
  age(&b, 2);
  assert_true(loom_lease_beat(&b));
  assert_int_equal(take(&c, "slow", 1000), LOOM_LEASE_NOT);
  loom_lease_release(&b);
}

// One whose successor has been created already, but has not removed its file yet.
static void a_successor_is_enough(void** state) {
  (void)state;
  loomLease a;

  take(&a, "next", 8);
  assert_int_equal(close(open(a.next, O_WRONLY | O_CREAT | O_EXCL, 0666)), 0);
  assert_false(loom_lease_is_held(&a));
  loom_lease_release(&a);
}

// A holder killed on this machine is known by its lock; so is one whose child goes on.
static void the_dead_are_known_at_once(void** state) {
  (void)state;
  loomLease mine, left;
  int ready[2], end[2];
  char byte;
  assert_int_equal(pipe(ready) || pipe(end), 0);

  // The child takes it, and a grandchild has it too.
  pid_t child = fork();
  if (!child) {
    take(&left, "dead", 1000);
    if (!fork()) {
      close(end[1]);
      _exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
    }
    _exit(write(ready[1], "", 1) == 1 ? 0 : 1);
  }
  assert_int_equal(read(ready[0], &byte, 1), 1);
  assert_int_equal(waitpid(child, NULL, 0), child);
  assert_int_equal(take(&mine, "dead", 1000), LOOM_LEASE_NOT);

  // Once that is gone too.
  close(end[1]);
  while (take(&mine, "dead", 1000) == LOOM_LEASE_NOT) usleep(1000);
  assert_true(loom_lease_is_held(&mine));
  loom_lease_release(&mine);
  close(end[0]);
  close(ready[0]);
  close(ready[1]);
}

// Many at once: never two.
static void racers(void** state) {
  (void)state;
  enum { RACERS = 8, ROUNDS = 25 };

  for (int round = 0; round < ROUNDS; round++) {
    loomLease before;
    char name[16];
    int go[2], winners = 0;
    snprintf(name, sizeof name, "race%d", round);
    assert_int_equal(pipe(go), 0);

    // Half of the rounds over one that has expired.
    if (round % 2) {
      take(&before, name, 1);
      age(&before, 100);
    }
    for (int i = 0; i < RACERS; i++) {
      if (fork()) continue;
      char byte;
      loomLease lease;
      close(go[1]);
      if (read(go[0], &byte, 1)) _exit(2);
      _exit(take(&lease, name, 1000) == LOOM_LEASE_NOT ? 0 : 1);
    }

    // A racer that has ended is gone, and its lease could be had again: that is a second winner, but not of
    // the same lease. So they are counted by generations: as many as there were winners.
    close(go[0]);
    close(go[1]);
    for (int i = 0; i < RACERS; i++) {
      int status;
      assert_true(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) < 2);
      winners += WEXITSTATUS(status);
    }
    char path[128];
    snprintf(path, sizeof path, "%s/%s.%d", folder, name, winners + round % 2);
    assert_true(winners >= 1 && !access(path, F_OK));
    snprintf(path, sizeof path, "%s/%s.%d", folder, name, winners + round % 2 + 1);
    assert_true(access(path, F_OK) != 0);
    if (round % 2) close(before.file);
  }
}

// What is done leaves nothing; a look tells what is somebody's.
static void one_that_has_ended(void** state) {
  (void)state;
  loomLeaseDef def = {.folder = folder, .name = "ended", .beat = 8};
  loomLease a, b;
  assert_false(loom_lease_seems_taken(&def));
  assert_int_equal(take(&a, "ended", 8), LOOM_LEASE_NEW);
  assert_true(loom_lease_seems_taken(&def));

  loom_lease_end(&a);
  assert_false(loom_lease_seems_taken(&def));
  assert_int_equal(take(&b, "ended", 8), LOOM_LEASE_NEW);
  loom_lease_end(&b);
  loom_lease_end(&b);

  // One that was lost is not taken from whoever has it now.
  take(&a, "lost", 8);
  age(&a, 11);
  assert_int_equal(take(&b, "lost", 8), LOOM_LEASE_EXPIRED);
  loom_lease_end(&a);
  assert_true(loom_lease_is_held(&b));
  loom_lease_end(&b);
}

// Two workers' leases are kept for as long as they have them, far beyond a beat.
static void they_are_kept(void** state) {
  (void)state;
  loomKeeper *mine, *others;
  loomLeaseTaken taken;
  loomError err = {0, ""};
  assert_int_equal(loom_keeper_create(&mine, folder, 0.1, 2, &err), 0);
  assert_int_equal(loom_keeper_create(&others, folder, 0.1, 1, &err), 0);
  assert_int_equal(loom_keeper_take(mine, &taken, 0, "kept", &err) || taken != LOOM_LEASE_NEW, 0);
  assert_int_equal(loom_keeper_take(mine, &taken, 1, "kept-2", &err) || taken != LOOM_LEASE_NEW, 0);

  // On a slow machine a beat may come late, once: then it is whoever looks who has it.
  int lost = 0;
  for (int i = 0; i < 5; i++) {
    usleep(100000);
    assert_int_equal(loom_keeper_take(others, &taken, 0, "kept", &err), 0);
    lost += taken != LOOM_LEASE_NOT;
    if (lost) break;
  }
  assert_true(lost || loom_keeper_seems_taken(mine, "kept"));

  // Given back, or done.
  if (!lost) loom_keeper_give(mine, 0, false);
  if (!lost)
    assert_int_equal(loom_keeper_take(others, &taken, 0, "kept", &err) || taken != LOOM_LEASE_NEW, 0);
  loom_keeper_give(mine, 1, true);
  assert_false(loom_keeper_seems_taken(others, "kept-2"));
  loom_keeper_destroy(others);
  assert_int_equal(loom_keeper_take(mine, &taken, 1, "kept", &err), 0);
  loom_keeper_destroy(mine);
  loom_keeper_destroy(NULL);
}

static void a_folder_that_cannot_be(void** state) {
  (void)state;
  loomLease lease;
  loomLeaseTaken taken;
  loomError err = {0, ""};

  loomLeaseDef def = {.folder = "/dev/null/leases", .name = "x", .beat = 1};
  assert_int_equal(loom_lease_take(&lease, &taken, &def, &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "/dev/null"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_holds_it),
                                     cmocka_unit_test(one_that_does_not_beat_loses_it),
                                     cmocka_unit_test(a_successor_is_enough),
                                     cmocka_unit_test(the_dead_are_known_at_once),
                                     cmocka_unit_test(racers),
                                     cmocka_unit_test(one_that_has_ended),
                                     cmocka_unit_test(they_are_kept),
                                     cmocka_unit_test(a_folder_that_cannot_be)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
