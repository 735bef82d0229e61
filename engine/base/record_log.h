// A list of what is done: records of one struct in a file that only grows. What is in it survives kill -9 and
// power cuts; a last record that was cut off is ignored. Its first line names the struct and the digest of
// its members, so that records of another layout are refused, not misread. Internal.
#ifndef LOOM_ENGINE_BASE_RECORD_LOG_H
#define LOOM_ENGINE_BASE_RECORD_LOG_H

#include "engine/base/columns.h"
#include "engine/base/error.h"

typedef struct loomRecordLog loomRecordLog;

/// Open or create it; `columns` must outlive it. LOOM_ERR_FORMAT when what is there is of another layout, or
/// no such file at all; LOOM_ERR_IO.
int loom_record_log_open(loomRecordLog** out, const char* path, const loomColumns* columns, loomError* err);
/// Takes NULL.
void loom_record_log_close(loomRecordLog* log);

/// Append and fsync n records.
int loom_record_log_append(loomRecordLog* log, const void* records, int n, loomError* err);

/// More than any run makes: a log that says so is damaged.
enum { LOOM_RECORDS_MAX = 1 << 24 };

/// Is that record number i of the log at `path`? An error ends the reading.
typedef int loomRecordCheck(const void* record, int64_t i, const char* path, loomError* err);

/// All records so far, malloc'ed; `check` (may be NULL) sees each before much more is read. LOOM_ERR_FORMAT:
/// more than LOOM_RECORDS_MAX, of which none is read; LOOM_ERR_IO; LOOM_ERR_MEMORY; check's. *out is NULL
/// then.
int loom_record_log_read(void** out, int64_t* n, const loomRecordLog* log, loomRecordCheck* check,
                         loomError* err);

#endif
