// DAgger (Ross, Gordon and Bagnell, "A reduction of imitation learning and structured prediction to no-regret
// online learning", AISTATS 2011) and its robot-gated kin: SafeDAgger (Zhang and Cho, AAAI 2017) and gating
// by the disagreement of an ensemble (as the doubt of EnsembleDAgger: Menda, Driggs-Campbell and
// Kochenderfer, IROS 2019).
//
// Round 0: the expert shows some demos; BC on them is the first novice. Round i > 0: novice and expert drive
// episodes together (gate.h); rows at which the expert was asked, labeled with what it said, are added to
// all rounds' before, and a new novice is trained on the aggregate. Each novice is measured on the same
// starts, alone, with the expert watching: its success, and how far its actions are from the expert's along
// the way.
//
//   DAgger: at every step the expert acts with probability beta^i and is asked for its label (the paper's
//   pi_i = beta_i pi* + (1 - beta_i) pi^_i, drawn anew at each step; beta = 0: only in round 0).
//   SafeDAgger: the expert acts and is asked where a classifier says |a_novice - a_expert| > tau. One demo in
//   five is kept from the novice, and the classifier learns from these alone (the paper's D_safe; the paper
//   adds what the novice was trained on): where it was trained a novice looks safer than it is, and a
//   classifier that learns so hardly ever asks. One that is honest asks almost always at first, and less and
//   less: a curriculum by itself.
//   Ensemble: the expert acts and is asked where novices trained from different seeds disagree.
#ifndef LOOM_POLICIES_LEARN_DAGGER_H
#define LOOM_POLICIES_LEARN_DAGGER_H

#include "engine/base/api.h"
#include "policies/learn/bc.h"
#include "policies/learn/gate.h"

LOOM_C_BEGIN

/// Internal: other processes (policies/learn/dagger_together.h).
typedef struct loomDaggerTogether loomDaggerTogether;

typedef struct loomDaggerRound {
  int round;
  double beta;  // NAN where the gate is another
  // Collected in this round.
  int64_t episodes, successes;
  int64_t steps;         // all
  int64_t expert_steps;  // at which the expert acted
  int64_t queries;       // at which its answer was used: rows added
  int64_t off, caught;   // steps with |a_novice - a_expert| > tau, and those of them the expert took over;
                         // found by watching, no query
  double deviation;      // mean |a_novice - a_expert|, 0 in round 0
  // Measured on the starts that are the same for all.
  int evaluated, succeeded;
  int ends[LOOM_RUN_ENDS];  // how many ended so; in no table
  double rate, low, high;   // 95 % Wilson interval
  double within_rate;       // share that succeed within the task's limits
  double error;             // mean |a_novice - a_expert| over the states visited
  double seconds;
} loomDaggerRound;

/// An expert that succeeds less often than that is weak: a novice can hardly do better than it is told to.
#define LOOM_DAGGER_WEAK 0.8

/// What the run has come to. Free with loom_dagger_report_destroy.
typedef struct loomDaggerReport {
  int n, best;               // rounds finished; the one with most successes (the latest of equals)
  loomDaggerRound* round;    // (n)
  loomDaggerRound final;     // what was measured of the final novice; evaluated 0: there is none
  int evaluated, succeeded;  // the expert itself, on the same starts, before the first round
} loomDaggerReport;

typedef struct loomDaggerDef {
  const loomTrainConfig* config;  // each round's training, with rows of data.file in it from the start
  const loomScene* scene;
  const loomPolicyMaker* expert;
  const char* expert_name;  // told in the settings
  const char* env_args;     // of the datasets
  const char* folder;
  loomGateKind gate;  // MIXTURE, SAFETY or ENSEMBLE
  int rounds;         // after the first; default 20
  int demos;          // of the expert alone in round 0; default 10
  int episodes;       // of a round; default 20
  int reset;          // reset distribution
  int max_steps;      // of an episode; default 0: the task's
  uint64_t seed;
  double beta;               // default 0.9
  loomSafetyDef safety;      // tau is used by all gates, to count
  int members;               // ENSEMBLE; default 3
  double doubt;              // ENSEMBLE: largest disagreement at which the novice acts; default 0.2
  int final_steps;           // of training the final novice; default 8000, 0: none is
  int evaluations;           // episodes; default 50
  int expert_episodes;       // of these, for the expert; default 0: all
  int expert_successes;      // of the expert, at least; default 1, 0: it may be as bad as it is
  uint64_t evaluation_seed;  // default 1000
  int threads;               // of rollouts, 0 = as many as cores; nothing depends on it
  bool resume;               // go on with the folder's run
  bool overwrite;            // remove what an earlier run left there
  bool share;  // with other processes of the same settings in the same folder; resumes, never overwrites
  double heartbeat;                   // s, of those on other machines (loomLeaseDef); default 20
  loomDaggerTogether* together;       // loom_dagger's own
  const volatile sig_atomic_t* stop;  // may be NULL
  /// A round's dataset has been written, and nothing is learned from it yet: pictures and point clouds, which
  /// episodes are not recorded with, may be put into it. NULL: novices see none.
  int (*collected)(void* user, const char* path, loomError* err);
  /// The expert has been measured, or was in an earlier part of the run: before any round. May be NULL.
  void (*expert_measured)(void* user, int evaluated, int succeeded);
  /// What a round is doing ("collects", "trains", "is measured"), and how far that is; round -1: the expert
  /// is measured. May be NULL.
  void (*progress)(void* user, int round, const char* what, int64_t done, int64_t total);
  /// A round has been measured, here and not by another process; final: it is the last novice, of all rows.
  /// May be NULL.
  void (*finished)(void* user, const loomDaggerRound* round, bool final);
  void* user;
} loomDaggerDef;

loomDaggerDef loom_default_dagger_def(void);

/// In the folder: settings.yaml; round_I.hdf5, robomimic files: `actions` what the expert said, `executed`
/// what was done, `intervention` (1 where the expert did it), `deviation`; with gates that do not always ask,
/// a demo is a run of rows at which it was asked; round_I/ its training run; round_I.safetensors its novice;
/// final_I/ and final.safetensors, a novice of all rounds' rows up to I and those kept from the others, and
/// final_I.csv, a line as in rounds.csv; best.safetensors, the novice of most successes, of equals the
/// latest; safety_I.safetensors; errors_I.csv (step, episodes still running, mean deviation of these,
/// deviation accumulated up to that step, mean over all); rounds.csv and rounds.png. Finished rounds are
/// skipped by `resume`; everything depends on the settings alone, not on threads or on where it was stopped.
/// LOOM_ERR_INTERRUPTED after `stop`; LOOM_ERR_USAGE: a folder in use, made with other settings, or in which
/// what is read (a dataset, the expert) would be written; LOOM_ERR_UNSUPPORTED, before anything is learned:
/// an expert that succeeds in fewer than expert_successes of its episodes; LOOM_ERR_FORMAT: one whose actions
/// are no numbers.
int loom_dagger(loomDaggerReport* out, const loomDaggerDef* def, loomError* err);
/// May a run be begun, or gone on with, in def->folder? Of def it takes the folder, resume, overwrite, and
/// what is read (expert_name, config). For callers whose expert takes long to load. Errors: as of
/// loom_dagger.
int loom_dagger_check_folder(const loomDaggerDef* def, loomError* err);
void loom_dagger_report_destroy(loomDaggerReport* report);

LOOM_C_END

#endif
