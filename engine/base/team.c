#include "engine/base/team.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/version.h"

enum { LEADER = 0, CODE = 256, LEADING_DONE = CODE - 1, LEADING_FAILED = CODE - 2, PAGE = 4096 };

// Of what several processes look at: in one order for all of them.
#define LOAD(at) __atomic_load_n(at, __ATOMIC_SEQ_CST)
#define STORE(at, value) __atomic_store_n(at, value, __ATOMIC_SEQ_CST)
#define FETCH_ADD(at, n) __atomic_fetch_add(at, n, __ATOMIC_SEQ_CST)
#define FETCH_SUB(at, n) __atomic_fetch_sub(at, n, __ATOMIC_SEQ_CST)
#define EXCHANGE(at, expected, value) \
  __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

// What an item's word says of it in its lower bits, beside the number of its job: 0 = nobody has it, a
// member's number + 1, LEADING_DONE, LEADING_FAILED. A word of another job is never taken for this one's.
typedef uint64_t teamWord;

typedef struct teamMember {
  pthread_mutex_t alive;  // locked for as long as it is
  int used;
} teamMember;

// That there is something to look at.
typedef struct teamBell {
  uint32_t rung, waiting;
} teamBell;

// At the begin of the memory.
typedef struct teamHead {
  char version[32];           // of the program that made it
  uint64_t name;              // as in the file that tells of it
  size_t words, bytes, size;  // of the items' words, of what callers share, and of all
  int open;                   // others may come in
  int closed;                 // 0, or loomTeamEnd + 1
  loomError why;

  // The job in hand; nothing of it changes before all of its items are done.
  uint64_t job;  // counted from 1
  loomTeamJob what;
  teamBell job_bell, item_bell;  // for those who follow, and for the one that leads
  int members;                   // of the processes' numbers, the highest + 1
  teamMember member[LOOM_TEAM_MEMBERS];
} teamHead;

struct loomTeam {
  teamHead* head;
  teamWord* words;
  size_t size;  // from the head on
  void* rest;   // whoever leads has it apart
  size_t rest_size;
  int file;        // of the memory; -1: nobody else's
  int me;          // number
  uint64_t job;    // in hand
  int n, first;    // its items, and the first to look at
  bool leads;      // items that others could not do are its
  int cursor;      // items that were looked at
  uint64_t since;  // jobs since the dead were looked for
  char place[LOOM_PATH_MAX];
};

static size_t whole_pages(size_t bytes) {
  return (bytes + PAGE - 1) / PAGE * PAGE;
}

static int no_memory(loomError* err, size_t bytes) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory of %zu bytes to share with other processes (%s)",
                        bytes, strerror(errno));
}

// ---- the place

// Which run of which kernel: process numbers mean nothing elsewhere.
static void read_machine(char out[64]) {
  FILE* file = fopen("/proc/sys/kernel/random/boot_id", "r");
  if (!file || fscanf(file, "%63s", out) != 1) snprintf(out, 64, "unknown");
  if (file) fclose(file);
}

static int write_place(const loomTeam* team, loomError* err) {
  char text[160], machine[64];
  read_machine(machine);
  snprintf(text, sizeof text, "%s %ld %d %016llx\n", machine, (long)getpid(), team->file,
           (unsigned long long)team->head->name);
  return loom_file_write_text(team->place, text, err);
}

// The memory's descriptor, or -1: the file tells of none that can be reached.
static int open_place(uint64_t* name, const char* place) {
  char line[160] = "", machine[64], path[64];
  FILE* file = fopen(place, "r");
  bool read = file && fgets(line, sizeof line, file);
  if (file) fclose(file);

  // The machine, then three numbers.
  read_machine(machine);
  size_t n = strlen(machine);
  if (!read || strncmp(line, machine, n) != 0 || line[n] != ' ') return -1;
  char *at = line + n, *end;
  long pid = strtol(at, &end, 10), fd = strtol(end, &at, 10);
  *name = strtoull(at, &end, 16);
  if (end == at || *end != '\n' || pid < 1 || fd < 0) return -1;

  snprintf(path, sizeof path, "/proc/%ld/fd/%ld", pid, fd);
  return open(path, O_RDWR | O_CLOEXEC);
}

// ---- who is alive

static int create_mutexes(teamHead* head) {
  pthread_mutexattr_t robust;
  if (pthread_mutexattr_init(&robust)) return ENOMEM;

  int why = pthread_mutexattr_setpshared(&robust, PTHREAD_PROCESS_SHARED);
  if (!why) why = pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
  for (int i = 0; !why && i < LOOM_TEAM_MEMBERS; i++)
    why = pthread_mutex_init(&head->member[i].alive, &robust);
  pthread_mutexattr_destroy(&robust);
  return why;
}

// The one that leads is gone: it let go of its mutex, or died with it.
static bool leader_is_gone(loomTeam* team) {
  pthread_mutex_t* alive = &team->head->member[LEADER].alive;
  int why = pthread_mutex_trylock(alive);
  if (!why || why == EOWNERDEAD) pthread_mutex_unlock(alive);
  return why != EBUSY;
}

// For the leader alone: its place is free again.
static bool bury(loomTeam* team, int i) {
  teamMember* m = &team->head->member[i];
  int why = pthread_mutex_trylock(&m->alive);
  if (why == EOWNERDEAD) {
    pthread_mutex_consistent(&m->alive);
    STORE(&m->used, 0);
  }
  if (!why || why == EOWNERDEAD) pthread_mutex_unlock(&m->alive);
  return why == EOWNERDEAD;
}

static void count_members(loomTeam* team) {
  int members = 1;
  for (int i = 1; i < LOOM_TEAM_MEMBERS; i++)
    if (LOAD(&team->head->member[i].used)) members = i + 1;
  STORE(&team->head->members, members);
}

// ---- waiting

// What is waited for takes microseconds between the jobs of a step, and minutes while the one that leads has
// other things to do. So a thread looks again and again for a while, and then sleeps until it is woken (a
// futex: who is woken goes before those that kept the processor busy; who only offers it to others may get it
// back late), or it is time to look who is alive.
typedef struct patience {
  int turns;
  bool slept;
} patience;

static void look_again(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static void wait_for_bell(patience* p, teamBell* bell, uint32_t heard) {
  enum { TURNS = 2000 };
  static const struct timespec look_for_dead = {0, 20 * 1000 * 1000};

  p->slept = ++p->turns > TURNS;
  if (p->slept)
    syscall(SYS_futex, &bell->rung, FUTEX_WAIT, heard, &look_for_dead, NULL, 0);
  else
    look_again();
}

// Whoever waits says so before he looks for the last time, so that nobody rings for nobody.
static void ring(teamBell* bell) {
  if (!LOAD(&bell->waiting)) return;
  FETCH_ADD(&bell->rung, 1);
  syscall(SYS_futex, &bell->rung, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

// ---- items

int loom_team_claim(loomTeam* team) {
  uint64_t free = team->job * CODE, mine = free + (uint64_t)team->me + 1;

  for (;;) {
    int at = FETCH_ADD(&team->cursor, 1);
    if (at >= team->n) return -1;

    int item = (team->first + at) % team->n;
    uint64_t seen = free;
    if (EXCHANGE(&team->words[item], &seen, mine)) return item;
    if (!team->leads || seen != free + LEADING_FAILED) continue;
    if (EXCHANGE(&team->words[item], &seen, mine)) return item;
  }
}

void loom_team_done(loomTeam* team, int item, bool done) {
  // What the leader could not do it knows itself.
  uint64_t code = done || team->leads ? LEADING_DONE : LEADING_FAILED;
  STORE(&team->words[item], team->job * CODE + code);
  if (!team->leads) ring(&team->head->item_bell);
}

void loom_team_member(int* member, int* members, const loomTeam* team) {
  *member = team->me;
  *members = LOAD(&team->head->members);
  if (*members <= team->me) *members = team->me + 1;
}

static void begin_job(loomTeam* team, uint64_t job, const loomTeamJob* what) {
  int members = LOAD(&team->head->members);
  team->job = job;
  team->n = what->n;
  team->first = team->me < members ? (int)((int64_t)what->n * team->me / members) : 0;
  STORE(&team->cursor, 0);
}

// ---- whoever leads

static void free_team(loomTeam* team) {
  if (team->head) munmap(team->head, team->size);
  if (team->rest) munmap(team->rest, team->rest_size);
  if (team->file >= 0) close(team->file);
  free(team);
}

static int map_memory(loomTeam* team, size_t size, loomError* err) {
  int flags = team->file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void* at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, team->file, 0);
  if (at == MAP_FAILED) return no_memory(err, size);
  team->head = at;
  team->size = size;
  team->words = (teamWord*)((char*)at + whole_pages(sizeof(teamHead)));
  return LOOM_OK;
}

int loom_team_begin(loomTeam** out, const char* place, loomError* err) {
  *out = NULL;
  loomTeam* team = calloc(1, sizeof *team);
  if (!team) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a team");

  *team = (loomTeam){.file = -1, .leads = true};
  snprintf(team->place, sizeof team->place, "%.*s", LOOM_PATH_MAX - 1, place ? place : "");
  int code = LOOM_OK;

  // The head alone: how much else is to be shared is known later.
  size_t size = whole_pages(sizeof(teamHead));
  if (place) {
    team->file = memfd_create("demoloom", MFD_CLOEXEC);
    if (team->file < 0 || ftruncate(team->file, (off_t)size)) code = no_memory(err, size);
  }
  if (!code) code = map_memory(team, size, err);
  if (!code && create_mutexes(team->head)) code = no_memory(err, size);
  if (code) {
    free_team(team);
    return code;
  }

  teamHead* head = team->head;
  snprintf(head->version, sizeof head->version, "%.31s", loom_version());
  double now = loom_clock_date();
  memcpy(&head->name, &now, sizeof now);
  head->name ^= (uint64_t)getpid() << 40;
  STORE(&head->member[LEADER].used, 1);
  STORE(&head->members, 1);
  pthread_mutex_lock(&head->member[LEADER].alive);

  code = place ? write_place(team, err) : LOOM_OK;
  if (code)
    loom_team_end(team, LOOM_TEAM_AGAIN, NULL);
  else
    *out = team;
  return code;
}

int loom_team_share(void** memory, loomTeam* team, size_t bytes, int items, loomError* err) {
  size_t words = whole_pages((size_t)items * sizeof(teamWord)), rest = words + whole_pages(bytes);
  size_t size = team->size + rest;

  // The mutex that is held must stay at its place, so this is mapped beside it.
  bool alone = team->file < 0;
  if (!alone && ftruncate(team->file, (off_t)size)) return no_memory(err, size);
  void* at = mmap(NULL, rest, PROT_READ | PROT_WRITE, alone ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED,
                  team->file, alone ? 0 : (off_t)team->size);
  if (at == MAP_FAILED) return no_memory(err, size);

  team->head->words = words;
  team->head->bytes = bytes;
  team->head->size = size;
  team->rest = team->words = at;
  team->rest_size = rest;
  *memory = (char*)at + words;
  return LOOM_OK;
}

void loom_team_admit(loomTeam* team) {
  STORE(&team->head->open, 1);
  ring(&team->head->job_bell);
}

// Whether all items are done; what the dead had in hand is free again, and what others could not do is the
// leader's.
static bool look_at_items(loomTeam* team, const loomTeamJob* job, bool look_for_dead, bool* again,
                          bool* broken) {
  bool all = true;
  for (int i = 0; i < job->n && (all || look_for_dead || *again); i++) {
    uint64_t seen = LOAD(&team->words[i]), code = seen % CODE;
    if (code == LEADING_DONE) continue;

    all = false;
    if (code == LEADING_FAILED || !code) *again = true;
    if (code == LEADING_FAILED || !code || !look_for_dead) continue;
    if (!bury(team, (int)code - 1)) continue;

    // All of its items, while its place is nobody's.
    for (int k = 0; k < job->n; k++) {
      uint64_t his = team->job * CODE + code;
      if (!EXCHANGE(&team->words[k], &his, team->job * CODE)) continue;
      *again = true;
      *broken = *broken || job->once;
    }
    count_members(team);
  }
  return all;
}

bool loom_team_run(loomTeam* team, const loomTeamJob* job, loomTeamWork* work, void* user) {
  enum { OFTEN = 1024 };
  teamHead* head = team->head;
  uint64_t number = team->job + 1;

  // Who went without anything in hand leaves a place.
  if (team->file >= 0 && team->since++ % OFTEN == 0)
    for (int i = 1; i < LOOM_TEAM_MEMBERS; i++)
      if (LOAD(&head->member[i].used)) bury(team, i);
  if (team->file >= 0) count_members(team);

  head->what = *job;
  for (int i = 0; i < job->n; i++) STORE(&team->words[i], number * CODE);
  begin_job(team, number, job);
  STORE(&head->job, number);
  ring(&head->job_bell);
  work(user, team, job);

  // Beside whoever follows: what he has in hand is waited for.
  patience p = {0, false};
  bool broken = false;
  STORE(&head->item_bell.waiting, 1);
  for (;;) {
    bool again = false;
    uint32_t heard = LOAD(&head->item_bell.rung);
    if (look_at_items(team, job, p.slept, &again, &broken) || broken) break;

    if (again) {
      STORE(&team->cursor, 0);
      work(user, team, job);
    } else {
      wait_for_bell(&p, &head->item_bell, heard);
    }
  }
  STORE(&head->item_bell.waiting, 0);
  return !broken;
}

void loom_team_end(loomTeam* team, loomTeamEnd how, const loomError* why) {
  if (!team) return;

  teamHead* head = team->head;
  if (why) head->why = *why;
  STORE(&head->closed, (int)how + 1);
  ring(&head->job_bell);
  if (*team->place) unlink(team->place);
  pthread_mutex_unlock(&head->member[LEADER].alive);

  free_team(team);
}

// ---- whoever follows

static bool is_stopped(const volatile sig_atomic_t* stop) {
  return stop && *stop;
}

// The head alone, until the rest is there.
static bool find_head(loomTeam* team, uint64_t name, const char* place) {
  team->file = open_place(&name, place);
  struct stat st;
  if (team->file < 0 || fstat(team->file, &st) || st.st_size < (off_t)sizeof(teamHead)) return false;
  if (map_memory(team, whole_pages(sizeof(teamHead)), NULL)) return false;

  // A process of that number may be another by now, and its descriptor any file.
  return team->head->name == name && !strcmp(team->head->version, loom_version()) && !leader_is_gone(team);
}

static bool take_seat(loomTeam* team) {
  for (int i = 1; i < LOOM_TEAM_MEMBERS; i++) {
    teamMember* m = &team->head->member[i];
    int none = 0;
    if (!EXCHANGE(&m->used, &none, 1)) continue;
    team->me = i;
    return !pthread_mutex_lock(&m->alive);
  }
  return false;
}

int loom_team_join(loomTeam** out, void** memory, size_t* bytes, const char* place,
                   const volatile sig_atomic_t* stop, loomError* err) {
  *out = NULL;
  loomTeam* team = calloc(1, sizeof *team);
  if (!team) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a team");
  *team = (loomTeam){.file = -1};

  bool found = find_head(team, 0, place);
  patience p = {0, false};
  while (found && !LOAD(&team->head->open)) {
    wait_for_bell(&p, &team->head->job_bell, LOAD(&team->head->job_bell.rung));
    found = !LOAD(&team->head->closed) && !leader_is_gone(team) && !is_stopped(stop);
  }

  // The whole of it. A mutex is only ever locked at the address where it is unlocked.
  size_t head_size = team->size, size = found ? team->head->size : 0;
  if (team->head) munmap(team->head, head_size);
  team->head = NULL;
  int code = found ? map_memory(team, size, err) : LOOM_OK;
  if (found && !code && !take_seat(team))
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: %d processes are at work there, as many as can be", place,
                          LOOM_TEAM_MEMBERS);
  if (code || !found) {
    free_team(team);
    return code;
  }

  *memory = (char*)team->words + team->head->words;
  *bytes = team->head->bytes;
  *out = team;
  return LOOM_OK;
}

loomTeamEnd loom_team_serve(loomTeam* team, loomTeamWork* work, void* user, const volatile sig_atomic_t* stop,
                            loomError* err) {
  teamHead* head = team->head;
  patience p = {0, false};
  loomTeamEnd end = LOOM_TEAM_AGAIN;

  FETCH_ADD(&head->job_bell.waiting, 1);
  for (;;) {
    uint32_t heard = LOAD(&head->job_bell.rung);
    int closed = LOAD(&head->closed);
    if (closed == LOOM_TEAM_FAILED + 1 && err) *err = head->why;
    end = closed ? (loomTeamEnd)(closed - 1) : LOOM_TEAM_STOPPED;
    if (closed || is_stopped(stop)) break;

    uint64_t job = LOAD(&head->job);
    if (job == team->job) {
      end = LOOM_TEAM_AGAIN;
      if (p.slept && leader_is_gone(team) && !LOAD(&head->closed)) break;
      wait_for_bell(&p, &head->job_bell, heard);
      continue;
    }

    // Where the next job is begun meanwhile, no item of this one can be claimed.
    loomTeamJob what = head->what;
    if (LOAD(&head->job) != job) continue;
    begin_job(team, job, &what);
    work(user, team, &what);
    p = (patience){0, false};
  }
  FETCH_SUB(&head->job_bell.waiting, 1);
  return end;
}

void loom_team_leave(loomTeam* team) {
  if (!team) return;
  teamMember* m = &team->head->member[team->me];
  STORE(&m->used, 0);
  pthread_mutex_unlock(&m->alive);
  free_team(team);
}
