// Processes of one machine that work on one memory, as threads do: one leads and says what is to be done, in
// jobs of numbered items; all that have joined take items until none is left. Whoever dies is noticed at once
// (robust mutexes: the system tells), and its items are done by others; where the one that leads dies, the
// others learn it. What an item makes depends on its number alone, so who makes it makes no difference.
//
//   leads:   loom_team_begin, loom_team_share, loom_team_run for each job, loom_team_end
//   follows: loom_team_join, loom_team_serve, loom_team_leave
//
// The memory is nobody's file: it goes with the last process that has it, whatever kills that. A file at a
// place that all see tells where it is; on another machine it cannot be reached. Internal.
#ifndef LOOM_ENGINE_BASE_TEAM_H
#define LOOM_ENGINE_BASE_TEAM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum { LOOM_TEAM_MEMBERS = 64 };  // processes at most, the one that leads included

typedef struct loomTeam loomTeam;

typedef struct loomTeamJob {
  int kind;  // which, for whoever works
  int n;     // items 0 .. n - 1
  int64_t argument;
  bool once;  // an item that somebody left half-way cannot be done again
} loomTeamJob;

/// What is done of a job: items are claimed until there are none, by any number of threads.
typedef void loomTeamWork(void* user, loomTeam* team, const loomTeamJob* job);

typedef enum loomTeamEnd {
  LOOM_TEAM_OVER,     // all is done
  LOOM_TEAM_FAILED,   // it ended in an error
  LOOM_TEAM_AGAIN,    // whoever led leads no more: somebody else may
  LOOM_TEAM_STOPPED,  // `stop` is set; only for whoever follows
} loomTeamEnd;

// ---- whoever leads

/// Lead, and say so in the file `place`; NULL: nobody else is to come. LOOM_ERR_IO, LOOM_ERR_MEMORY.
int loom_team_begin(loomTeam** out, const char* place, loomError* err);
/// Room for so many bytes, zeroed, and for jobs of so many items. Nobody comes in before loom_team_admit.
int loom_team_share(void** memory, loomTeam* team, size_t bytes, int items, loomError* err);
void loom_team_admit(loomTeam* team);
/// Do a job, together. False: who did an item of a job that is done once died of it; what the memory holds
/// makes no sense any more.
bool loom_team_run(loomTeam* team, const loomTeamJob* job, loomTeamWork* work, void* user);
/// Others learn how it ended (`why` where in an error), and the file goes. Takes NULL.
void loom_team_end(loomTeam* team, loomTeamEnd how, const loomError* why);

// ---- whoever follows

/// Join whoever leads there, once others are let in: memory, and how many bytes it has. NULL in *out: nobody
/// does, or he cannot be reached, or `stop` was set.
int loom_team_join(loomTeam** out, void** memory, size_t* bytes, const char* place,
                   const volatile sig_atomic_t* stop, loomError* err);
/// Work on what there is to do until it ends, with err where in an error. Items of which loom_team_done says
/// that they could not be done are done by the one that leads, who finds out why.
loomTeamEnd loom_team_serve(loomTeam* team, loomTeamWork* work, void* user, const volatile sig_atomic_t* stop,
                            loomError* err);
/// Takes NULL.
void loom_team_leave(loomTeam* team);

// ---- both, in a job

/// An item that is now this thread's to do, or -1.
int loom_team_claim(loomTeam* team);
void loom_team_done(loomTeam* team, int item, bool done);
/// Which of how many processes this one is: what it finds first are the items from n member / members on.
void loom_team_member(int* member, int* members, const loomTeam* team);

#endif
