// Scalars of a training run, for TensorBoard and as CSV. A folder gets one new event file a run (TFRecord
// framing, tensorflow/core/lib/io/record_writer.h; Event and Summary messages,
// tensorboard/compat/proto/event.proto and summary.proto: only the fields scalars need) and one scalars.csv
// that runs append to. Internal.
#ifndef LOOM_POLICIES_REPORT_EVENT_LOG_H
#define LOOM_POLICIES_REPORT_EVENT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

typedef struct loomEventLog loomEventLog;

/// Make the folder if need be and open a new events.out.tfevents.SECONDS.demoloom.N in it; scalars.csv (step,
/// tag, value, seconds since 1970) is appended to. LOOM_ERR_IO.
int loom_event_log_open(loomEventLog** out, const char* folder, loomError* err);
/// One value of one curve. Buffered; not thread-safe. Not a number and infinity are kept: both formats have
/// them.
int loom_event_log_scalar(loomEventLog* log, const char* tag, int64_t step, double value, loomError* err);
/// What was logged so far is with the operating system: TensorBoard sees it.
int loom_event_log_flush(loomEventLog* log, loomError* err);
/// Flush and free (NULL is fine). An error says what could not be written.
int loom_event_log_close(loomEventLog* log, loomError* err);

/// CRC-32C (Castagnoli) of n bytes, as iSCSI has it (RFC 3720, B.4).
uint32_t loom_crc32c(const void* bytes, size_t n);

#endif
