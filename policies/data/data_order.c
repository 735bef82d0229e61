// Which sample comes when. Everything follows from (seed, file, pass, block), so that any step can be asked
// for: what is kept between calls only saves the work of finding it again.
#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"
#include "policies/data/data_internal.h"

enum { BLOCK_BITS = 24 };

// A stream for the order of a pass's demos (part 0) or of the samples of one of its blocks (1 + block).
static loomRandom stream(const loomData* data, int file, int64_t pass, int64_t part) {
  uint64_t number = (uint64_t)pass * LOOM_DATA_FILES + (uint64_t)file;
  return loom_random(data->def.seed, (number << BLOCK_BITS) + (uint64_t)part, LOOM_PURPOSE_SHUFFLE);
}

static int64_t index_below(loomRandom* random, int64_t n) {
  int64_t i = (int64_t)(loom_random_uniform(random) * (double)n);
  return i < n ? i : n - 1;
}

// ---- one file

static void shuffle_demos(loomData* data, dataFile* f, int64_t pass) {
  loomRandom random = stream(data, (int)(f - data->file), pass, 0);

  for (int i = 0; i < f->demos; i++) f->order[i] = f->first + i;

  // Fisher and Yates.
  for (int i = f->demos - 1; i > 0; i--) {
    int j = (int)index_below(&random, i + 1), swapped = f->order[i];
    f->order[i] = f->order[j];
    f->order[j] = swapped;
  }

  f->pass = pass;
  f->begin = f->end = 0;
}

// The samples of demos order[from] .. order[to - 1], shuffled.
static int shuffle_block(loomData* data, dataFile* f, int64_t block, int from, int to, loomError* err) {
  size_t n = (size_t)(f->end - f->begin);

  if (n > f->room) {
    dataSample* more = realloc(f->sample, n * sizeof *more);
    if (!more) {
      f->pass = -1;
      return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for the order of %zu samples", n);
    }
    f->sample = more;
    f->room = n;
  }

  int64_t at = 0;
  for (int i = from; i < to; i++) {
    const dataDemo* d = &data->demo[f->order[i]];
    for (int k = 0; k < d->samples; k++) f->sample[at++] = (dataSample){f->order[i], d->first + k};
  }

  loomRandom random = stream(data, (int)(f - data->file), f->pass, 1 + block);
  for (int64_t i = (int64_t)n - 1; i > 0; i--) {
    int64_t j = index_below(&random, i + 1);
    dataSample swapped = f->sample[i];
    f->sample[i] = f->sample[j];
    f->sample[j] = swapped;
  }

  return 0;
}

// Make the block that holds sample `at` of the pass the current one.
static int find_block(loomData* data, dataFile* f, int64_t at, loomError* err) {
  int from = 0, to = 0;

  f->begin = f->end = 0;
  for (int64_t block = 0;; block++) {
    int64_t bytes = 0;
    // As many demos as the budget allows, one at least.
    for (from = to; to < f->demos; to++) {
      const dataDemo* d = &data->demo[f->order[to]];
      if (to > from && bytes + d->bytes > f->budget) break;
      bytes += d->bytes;
      f->end += d->samples;
    }

    if (at < f->end) return shuffle_block(data, f, block, from, to, err);
    f->begin = f->end;
  }
}

static int file_sample(dataSample* out, loomData* data, dataFile* f, int64_t position, loomError* err) {
  int64_t pass = position / f->samples, at = position % f->samples;

  int code = 0;

  if (pass != f->pass) shuffle_demos(data, f, pass);
  if (at < f->begin || at >= f->end) code = find_block(data, f, at, err);

  if (!code) *out = f->sample[at - f->begin];
  return code;
}

// ---- all files

// Samples of an epoch by file: each file's share, rounded so that they add up.
static void share_out(loomData* data) {
  double total = 0, share[LOOM_DATA_FILES];
  int64_t given = 0;
  for (int i = 0; i < data->file_count; i++) {
    share[i] = data->file[i].weight;
    total += share[i];
  }

  for (int i = 0; i < data->file_count; i++) {
    share[i] = total > 0 ? share[i] / total : (double)data->file[i].samples / (double)data->info.samples;
    data->file[i].quota = (int64_t)(share[i] * (double)data->epoch);
    given += data->file[i].quota;
  }

  // What rounding down left over goes to whoever lacks most.
  for (; given < data->epoch; given++) {
    int neediest = 0;
    double most = -1;
    for (int i = 0; i < data->file_count; i++) {
      double missing = share[i] * (double)data->epoch - (double)data->file[i].quota;
      if (share[i] > 0 && missing > most) {
        most = missing;
        neediest = i;
      }
    }
    data->file[neediest].quota++;
  }
}

// A block may have half of the file's part of the cache, so that the next one is loaded while this one lasts
// and nothing in use is thrown out.
static void set_budgets(loomData* data) {
  int64_t half = data->cache.limit / 2;

  for (int i = 0; i < data->file_count; i++) {
    dataFile* f = &data->file[i];
    f->budget = data->info.bytes <= data->cache.limit
                    ? INT64_MAX
                    : (int64_t)((double)half * (double)f->quota / (double)data->epoch);
  }
}

// The file of each sample of an epoch: always the one furthest behind its share.
static int deal_slots(loomData* data, loomError* err) {
  int64_t count[LOOM_DATA_FILES] = {0};

  data->slot = malloc((size_t)data->epoch);
  if (!data->slot) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for the order of the samples");

  for (int64_t s = 0; s < data->epoch; s++) {
    int next = -1;
    double most = 0;
    for (int i = 0; i < data->file_count; i++) {
      int64_t quota = data->file[i].quota;
      double behind = (double)(s + 1) * (double)quota / (double)data->epoch - (double)count[i];
      if (count[i] < quota && (next < 0 || behind > most)) {
        next = i;
        most = behind;
      }
    }

    count[next]++;
    data->slot[s] = (unsigned char)next;
  }
  return 0;
}

int loom_data_order_create(loomData* data, loomError* err) {
  int64_t batch = data->def.batch, samples = 0;

  data->info.batches = (data->info.samples + batch - 1) / batch;
  data->epoch = data->info.batches * batch;

  data->before = calloc((size_t)data->demo_count, sizeof *data->before);
  if (!data->before) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d demos", data->demo_count);

  for (int i = 0; i < data->demo_count; i++) {
    data->before[i] = samples;
    samples += data->demo[i].samples;
  }

  for (int i = 0; i < data->file_count; i++) {
    data->file[i].pass = -1;
    data->file[i].order = calloc((size_t)data->file[i].demos, sizeof(int));
    if (!data->file[i].order) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for the order of demos");
  }

  share_out(data);
  set_budgets(data);
  return data->file_count > 1 && data->def.shuffle ? deal_slots(data, err) : 0;
}

void loom_data_order_destroy(loomData* data) {
  for (int i = 0; i < data->file_count; i++) {
    free(data->file[i].order);
    free(data->file[i].sample);
  }
  free(data->slot);
  free(data->before);
}

// How many samples of each file the epoch has had before slot `to`.
static void count_slots(loomData* data, int64_t to) {
  // Steps are asked for in order but after a resume: then counting begins anew.
  if (to < data->cursor) {
    memset(data->count, 0, sizeof data->count);
    data->cursor = 0;
  }

  for (; data->cursor < to; data->cursor++) data->count[data->slot ? data->slot[data->cursor] : 0]++;
}

static int shuffled(dataSample* out, int* n, loomData* data, int64_t step, loomError* err) {
  int64_t batch = data->def.batch, epoch = step / data->info.batches;

  int64_t slot = (step % data->info.batches) * batch;
  int code = 0;

  for (*n = 0; !code && *n < batch; ++*n) {
    count_slots(data, slot + *n);
    int file = data->slot ? data->slot[slot + *n] : 0;
    dataFile* f = &data->file[file];
    code = file_sample(&out[*n], data, f, epoch * f->quota + data->count[file], err);
  }
  return code;
}

static void in_order(dataSample* out, int* n, const loomData* data, int64_t step) {
  int64_t at = (step % data->info.batches) * data->def.batch;
  int demo = 0;
  for (int high = data->demo_count - 1; demo < high;) {  // the last demo that begins at or before `at`
    int middle = high - (high - demo) / 2;
    if (data->before[middle] <= at)
      demo = middle;
    else
      high = middle - 1;
  }

  for (*n = 0; *n < data->def.batch && at < data->info.samples; ++*n, at++) {
    while (at - data->before[demo] >= data->demo[demo].samples) demo++;
    out[*n] = (dataSample){demo, data->demo[demo].first + (int)(at - data->before[demo])};
  }
}

int loom_data_order_batch(dataSample* out, int* n, loomData* data, int64_t step, loomError* err) {
  if (data->def.shuffle) return shuffled(out, n, data, step, err);
  in_order(out, n, data, step);
  return 0;
}
