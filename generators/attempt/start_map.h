// Where starts are wanted: a map over the reset space, made of starts at which something, a policy say, did
// well or failed. Starts are drawn from the reset distribution as ever, and those where it fails more are
// kept more often. Plain data: who let a policy loose to make it is not known here.
#ifndef LOOM_GENERATORS_ATTEMPT_START_MAP_H
#define LOOM_GENERATORS_ATTEMPT_START_MAP_H

#include "engine/base/api.h"
#include "engine/sim/episode.h"

LOOM_C_BEGIN

/// Draws of the reset that a start gets until one is kept; the last is kept in any case.
enum { LOOM_START_CANDIDATES = 32, LOOM_START_POSE = 4 };

/// Read-only once made: workers share it.
typedef struct loomStartMap {
  int n;          // starts that it is made of
  int dims;       // numbers of a start
  double* at;     // (n x dims)
  double* width;  // (dims) of the kernel, in units of each; 0 = all starts have the same
  bool* joined;   // (dims) one coordinate with the number before: the cosine of a yaw with its sine
  bool* failed;   // (n)
  int failures;
  double most;  // the highest rate at any of these starts
  uint64_t digest;
} loomStartMap;

/// Room for n starts of the task, none of which is known yet. LOOM_ERR_MEMORY.
int loom_start_map_create(loomStartMap** out, const loomTask* task, int n, loomError* err);
void loom_start_map_destroy(loomStartMap* map);
/// Start i is the episode's, which has just been reset.
void loom_start_map_put(loomStartMap* map, int i, const loomEpisode* episode, bool failed);
/// Once all are put.
void loom_start_map_finish(loomStartMap* map);

/// Numbers of a start (dims): of each object x, y, sine and cosine of the yaw (LOOM_START_POSE numbers), then
/// its sizes.
void loom_start_point(double* out, const loomEpisode* episode);
/// The failure rate at a start: that of all, times how much higher or lower it is by each coordinate alone,
/// and at most 1. By a coordinate it is that of the starts around, weighted by a Gaussian kernel (Nadaraya
/// and Watson, 1964, its width after Scott, 1992), and of a few more that fail as all do. What only
/// coordinates together tell is not seen: a hundred episodes do not say it.
double loom_start_map_rate(const loomStartMap* map, const double* point);
/// The same by the numbers first .. first + n - 1 of it alone.
double loom_start_map_rate_by(const loomStartMap* map, const double* point, int first, int n);
/// Reset an episode to start `number` of a seed: candidates are drawn until one is kept, by its rate as a
/// share of the highest. A tenth of those where nothing fails is kept too. The errors of loom_episode_reset.
int loom_start_map_reset(loomEpisode* episode, const loomStartMap* map, int reset, uint64_t seed,
                         uint64_t number, loomError* err);

LOOM_C_END

#endif
