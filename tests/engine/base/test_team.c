// Teams: jobs that several processes do on one memory, who dies of an item, who fails, who leads no more.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/team.h"

enum { ITEMS = 40, JOBS = 50 };

// Jobs: what is done of an item.
enum { SQUARE, DIE_OF_ONE, FAIL };

typedef struct shared {
  int joined, taken;  // followers, and items that they have in hand or had
  int64_t value[ITEMS];
  int by[ITEMS];  // process
} shared;

static char folder[64], place[96];
static shared* memory;
static bool follows;

static int make_folder(void** state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/loom_team.XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(place, sizeof place, "%s/team", folder);
  return 0;
}

static int remove_folder(void** state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static void work(void* user, loomTeam* team, const loomTeamJob* job) {
  (void)user;

  // Whoever follows gets at one first, where that matters.
  while (!follows && job->kind != SQUARE && !__atomic_load_n(&memory->taken, __ATOMIC_SEQ_CST))
    loom_sleep(1e-3);

  for (int i; (i = loom_team_claim(team)) >= 0;) {
    if (follows) __atomic_fetch_add(&memory->taken, 1, __ATOMIC_SEQ_CST);
    if (follows && job->kind == DIE_OF_ONE) raise(SIGKILL);
    memory->value[i] = job->argument * i * i;
    memory->by[i] = (int)getpid();
    loom_team_done(team, i, !(follows && job->kind == FAIL));
  }
}

static loomTeam* lead(void) {
  loomTeam* team;
  void* at;
  loomError err = {0, ""};
  assert_int_equal(loom_team_begin(&team, place, &err), 0);
  assert_int_equal(loom_team_share(&at, team, sizeof(shared), ITEMS, &err), 0);
  memory = at;
  return team;
}

// A child that follows: its exit status is how that ended, 50 where there is nobody to follow.
static pid_t follow(const volatile sig_atomic_t* stop) {
  pid_t child = fork();
  if (child) return child;

  loomTeam* team;
  void* at;
  size_t bytes;
  loomError err = {0, ""};
  follows = true;
  if (loom_team_join(&team, &at, &bytes, place, stop, &err) || !team) _exit(50);
  memory = at;
  if (bytes != sizeof(shared)) _exit(51);
  __atomic_fetch_add(&memory->joined, 1, __ATOMIC_SEQ_CST);

  loomTeamEnd end = loom_team_serve(team, work, NULL, stop, &err);
  if (end == LOOM_TEAM_FAILED && strcmp(err.message, "no luck") != 0) _exit(52);
  loom_team_leave(team);
  _exit((int)end);
}

static void wait_for(int* number, int least) {
  while (__atomic_load_n(number, __ATOMIC_SEQ_CST) < least) loom_sleep(1e-3);
}

static int status_of(pid_t child) {
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void check_values(int64_t factor) {
  for (int i = 0; i < ITEMS; i++) assert_int_equal(memory->value[i], factor * i * i);
}

static void one_alone(void** state) {
  (void)state;
  loomTeam* team;
  void* at;
  assert_int_equal(loom_team_begin(&team, NULL, NULL), 0);
  assert_int_equal(loom_team_share(&at, team, sizeof(shared), ITEMS, NULL), 0);
  memory = at;

  for (int j = 0; j < JOBS; j++) {
    loomTeamJob job = {SQUARE, ITEMS, j, true};
    assert_true(loom_team_run(team, &job, work, NULL));
    check_values(j);
  }
  loom_team_end(team, LOOM_TEAM_OVER, NULL);
  loom_team_end(NULL, LOOM_TEAM_OVER, NULL);
}

static void several(void** state) {
  (void)state;
  loomTeam* team = lead();
  pid_t a = follow(NULL), b = follow(NULL);
  loom_team_admit(team);
  wait_for(&memory->joined, 2);

  for (int j = 0; j < JOBS; j++) {
    loomTeamJob job = {SQUARE, ITEMS, j, true};
    assert_true(loom_team_run(team, &job, work, NULL));
    check_values(j);
  }

  // One more, of which others get at least an item; what they say could not be done is done all the same.
  __atomic_store_n(&memory->taken, 0, __ATOMIC_SEQ_CST);
  loomTeamJob job = {FAIL, ITEMS, 7, false};
  assert_true(loom_team_run(team, &job, work, NULL));
  check_values(7);
  assert_true(__atomic_load_n(&memory->taken, __ATOMIC_SEQ_CST) > 0);
  for (int i = 0; i < ITEMS; i++) assert_int_equal(memory->by[i], getpid());

  loom_team_end(team, LOOM_TEAM_OVER, NULL);
  assert_int_equal(status_of(a), LOOM_TEAM_OVER);
  assert_int_equal(status_of(b), LOOM_TEAM_OVER);
  assert_int_equal(access(place, F_OK), -1);
}

static void who_dies_of_an_item(void** state) {
  (void)state;
  loomTeam* team = lead();
  loom_team_admit(team);

  for (int once = 0; once < 2; once++) {
    __atomic_store_n(&memory->taken, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&memory->joined, 0, __ATOMIC_SEQ_CST);
    pid_t a = follow(NULL);
    wait_for(&memory->joined, 1);

    // Another does it, unless it may be done once only.
    loomTeamJob job = {DIE_OF_ONE, ITEMS, 3 + once, once};
    assert_int_equal(loom_team_run(team, &job, work, NULL), !once);
    if (!once) check_values(3);
    assert_int_equal(status_of(a), 128 + SIGKILL);
  }

  loomError why = {LOOM_ERR_IO, "no luck"};
  pid_t a = follow(NULL);
  wait_for(&memory->joined, 1);
  __atomic_store_n(&memory->joined, 0, __ATOMIC_SEQ_CST);
  loom_team_end(team, LOOM_TEAM_FAILED, &why);
  int status = status_of(a);
  assert_true(status == LOOM_TEAM_FAILED || status == 50);
}

static void an_error_is_everybodys(void** state) {
  (void)state;
  loomTeam* team = lead();
  pid_t a = follow(NULL);
  loom_team_admit(team);
  wait_for(&memory->joined, 1);

  loomError why = {LOOM_ERR_IO, "no luck"};
  loom_team_end(team, LOOM_TEAM_FAILED, &why);
  assert_int_equal(status_of(a), LOOM_TEAM_FAILED);
}

static void who_is_stopped(void** state) {
  (void)state;
  static const volatile sig_atomic_t stop = 1;
  loomTeam* team = lead();
  loom_team_admit(team);
  assert_int_equal(status_of(follow(&stop)), LOOM_TEAM_STOPPED);
  loom_team_end(team, LOOM_TEAM_OVER, NULL);
}

static void who_led_is_killed(void** state) {
  (void)state;
  pid_t leader = fork();
  if (!leader) {
    loomTeam* team = lead();
    loom_team_admit(team);
    for (;;) pause();
  }
  while (access(place, F_OK)) loom_sleep(1e-3);

  // Whoever waits to be let in, and whoever is in.
  pid_t a = follow(NULL);
  loom_sleep(0.05);
  assert_int_equal(kill(leader, SIGKILL), 0);
  assert_int_equal(status_of(leader), 128 + SIGKILL);
  int status = status_of(a);
  assert_true(status == LOOM_TEAM_AGAIN || status == 50);

  // What is left leads nowhere, and is no hindrance.
  assert_int_equal(access(place, F_OK), 0);
  assert_int_equal(status_of(follow(NULL)), 50);
  several(NULL);
}

static void what_tells_of_no_team(void** state) {
  (void)state;
  static const char* const text[] = {"", "what", "other-machine 1 3 00000000000000ff\n",
                                     "00000000-0000-0000-0000-000000000000 1 1 1\n"};
  for (int i = 0; i < 4; i++) {
    assert_int_equal(loom_file_write_text(place, text[i], NULL), 0);
    assert_int_equal(status_of(follow(NULL)), 50);
  }

  // A file of ours that is no such memory, said to be one.
  char machine[64], line[128];
  FILE* file = fopen("/proc/sys/kernel/random/boot_id", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%63s", machine), 1);
  FILE* other = tmpfile();
  assert_non_null(other);
  assert_int_equal(ftruncate(fileno(other), 1 << 20), 0);
  snprintf(line, sizeof line, "%s %ld %d 00000000000000ff\n", machine, (long)getpid(), fileno(other));
  assert_int_equal(loom_file_write_text(place, line, NULL), 0);
  assert_int_equal(status_of(follow(NULL)), 50);
  fclose(other);
  fclose(file);
  unlink(place);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_alone),
      cmocka_unit_test(several),
      cmocka_unit_test(who_dies_of_an_item),
      cmocka_unit_test(an_error_is_everybodys),
      cmocka_unit_test(who_is_stopped),
      cmocka_unit_test(who_led_is_killed),
      cmocka_unit_test(what_tells_of_no_team),
  };
  return cmocka_run_group_tests_name("engine/base/team", tests, make_folder, remove_folder);
}
