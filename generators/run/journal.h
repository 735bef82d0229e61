// A run in progress on disk, OUT.parts (engine/base/run_folder.h): run.json (what is being made),
// journal.bin (engine/base/record_log.h: an entry an attempt, in order), and a shard a demo. What the
// journal lists survives kill -9; a torn last entry is ignored and its attempt run again. Entries of another
// version are refused. Internal.
#ifndef LOOM_GENERATORS_RUN_JOURNAL_H
#define LOOM_GENERATORS_RUN_JOURNAL_H

#include "engine/base/columns.h"
#include "generators/run/generate.h"

typedef struct loomJournal loomJournal;

/// Create OUT.parts, or take it up again when def->resume. *complete is set, and no journal made, when OUT is
/// already there and def->resume. LOOM_ERR_USAGE when there is something in the way and neither resume nor
/// overwrite was asked, or when the run in OUT.parts was another one (other seed, task, sources).
int loom_journal_open(loomJournal** out, const loomScene* scene, const loomSourceSet* sources,
                      const loomGenerateDef* def, bool* complete, loomError* err);
/// What of that can be told before scene and sources are loaded: LOOM_ERR_USAGE when there is something in
/// the way, or when the run that left it was another one (other task, seed, options). Nothing is made.
int loom_journal_check(const loomTask* task, const loomGenerateDef* def, loomError* err);
/// Whoever is the last in a shared folder whose run is done removes it. Takes NULL.
void loom_journal_close(loomJournal* journal);

/// The columns of a loomAttemptResult.
const loomColumns* loom_journal_columns(void);
/// OUT.parts.
const char* loom_journal_folder(const loomJournal* journal);
/// Whether another process of a shared run has assembled already.
bool loom_journal_is_over(const loomJournal* journal);

/// Close it; a run that was not begun after all leaves nothing.
void loom_journal_discard(loomJournal* journal);

/// Path of the shard of an attempt.
void loom_journal_shard(char path[LOOM_PATH_MAX], const loomJournal* journal, uint64_t attempt, bool success);
/// Append and fsync n results: from now on these attempts are acknowledged.
int loom_journal_append(loomJournal* journal, const loomAttemptResult* results, int n, loomError* err);
/// All results so far; *out is malloc'ed.
int loom_journal_read(loomAttemptResult** out, int64_t* n, const loomJournal* journal, loomError* err);
/// Assemble OUT (and the failed attempts' file) from the shards, then remove OUT.parts unless it is shared or
/// the run was interrupted; what an interrupted run was to replace stays: report->kept_old.
int loom_journal_finish(loomJournal* journal, loomGenerateReport* report, const loomSourceSet* sources,
                        loomError* err);

#endif
