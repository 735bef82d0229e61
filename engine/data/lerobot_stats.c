#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/lerobot_internal.h"

enum { MIN, MAX, MEAN, STD, QUANTILE };

const char* const lerobot_measures[LEROBOT_MEASURES] = {"min", "max", "mean", "std", "q01",
                                                        "q10", "q50", "q90",  "q99"};
static const double quantiles[LEROBOT_QUANTILES] = {0.01, 0.1, 0.5, 0.9, 0.99};

int lerobot_stats_create(lerobotStats* out, int64_t width, loomError* err) {
  *out = (lerobotStats){.width = width,
                        .number = calloc((size_t)(LEROBOT_MEASURES * width) + 1, sizeof(double))};
  return out->number ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for statistics");
}

void lerobot_stats_destroy(lerobotStats* stats) {
  free(stats->number);
  *stats = (lerobotStats){0};
}

static double number_at(const void* data, loomType type, int64_t i) {
  return loom_parquet_number(&(loomParquetValues){.type = type, .data = data}, i);
}

static int ascending(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

// Between the two nearest of the sorted numbers, as numpy does by default.
static double quantile(const double* sorted, int64_t n, double share) {
  double at = share * (double)(n - 1);
  int64_t below = (int64_t)at, above = below + 1 < n ? below + 1 : below;
  return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

int lerobot_stats_rows(lerobotStats* out, const void* data, loomType type, int64_t rows, loomError* err) {
  int64_t w = out->width;
  double* column = malloc((size_t)(rows + 1) * sizeof *column);
  if (!column) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for statistics");

  out->count = (double)rows;
  for (int64_t k = 0; k < w && rows > 0; k++) {
    double sum = 0, square = 0;
    for (int64_t i = 0; i < rows; i++) sum += column[i] = number_at(data, type, i * w + k);
    double mean = sum / (double)rows;
    for (int64_t i = 0; i < rows; i++) square += (column[i] - mean) * (column[i] - mean);

    qsort(column, (size_t)rows, sizeof *column, ascending);
    out->number[MIN * w + k] = column[0];
    out->number[MAX * w + k] = column[rows - 1];
    out->number[MEAN * w + k] = mean;
    out->number[STD * w + k] = sqrt(square / (double)rows);
    for (int q = 0; q < LEROBOT_QUANTILES; q++)
      out->number[(QUANTILE + q) * w + k] = quantile(column, rows, quantiles[q]);
  }
  free(column);
  return 0;
}

// The byte that `at` others, of n, are not greater than.
static double byte_at(const int64_t seen[256], double at) {
  int64_t below = 0;
  for (int v = 0; v < 256; v++) {
    below += seen[v];
    if ((double)below > at) return v;
  }
  return 255;
}

void lerobot_stats_bytes(lerobotStats* out, int64_t seen[3][256], int64_t frames) {
  out->count = (double)frames;
  for (int k = 0; k < 3; k++) {
    double n = 0, sum = 0, square = 0;
    int low = 255, high = 0;
    for (int v = 0; v < 256; v++) {
      n += (double)seen[k][v];
      sum += (double)seen[k][v] * v;
      if (seen[k][v]) high = v;
      if (seen[k][v] && v < low) low = v;
    }
    if (n <= 0) continue;

    double mean = sum / n;
    for (int v = 0; v < 256; v++) square += (double)seen[k][v] * (v - mean) * (v - mean);
    double* number = out->number + k;
    number[MIN * 3] = low / 255.0;
    number[MAX * 3] = high / 255.0;
    number[MEAN * 3] = mean / 255;
    number[STD * 3] = sqrt(square / n) / 255;
    for (int q = 0; q < LEROBOT_QUANTILES; q++)
      number[(QUANTILE + q) * 3] = byte_at(seen[k], quantiles[q] * (n - 1)) / 255;
  }
}

void lerobot_stats_merge(lerobotStats* all, const lerobotStats* one) {
  int64_t w = all->width;
  double n = all->count + one->count;
  if (!(one->count > 0)) return;

  double share = one->count / n;
  for (int64_t k = 0; k < w; k++) {
    double *a = all->number + k, apart;
    const double* b = one->number + k;
    a[MIN * w] = all->count > 0 ? fmin(a[MIN * w], b[MIN * w]) : b[MIN * w];
    a[MAX * w] = all->count > 0 ? fmax(a[MAX * w], b[MAX * w]) : b[MAX * w];

    // Two variances about two means (T. Chan, G. Golub, R. LeVeque, 1979).
    apart = b[MEAN * w] - a[MEAN * w];
    double within = (1 - share) * a[STD * w] * a[STD * w] + share * b[STD * w] * b[STD * w];
    a[STD * w] = sqrt(within + share * (1 - share) * apart * apart);
    a[MEAN * w] += share * apart;
    for (int q = QUANTILE; q < LEROBOT_MEASURES; q++) a[q * w] += share * (b[q * w] - a[q * w]);
  }
  all->count = n;
}

// JSON has no infinity, and cJSON writes null for it.
static cJSON* measure_json(const double* number, int64_t width, bool video) {
  cJSON* list = cJSON_CreateArray();
  for (int64_t k = 0; k < width; k++) {
    cJSON* value = cJSON_CreateNumber(number[k]);
    for (int d = 0; video && d < 2; d++) {
      cJSON* outer = cJSON_CreateArray();
      cJSON_AddItemToArray(outer, value);
      value = outer;
    }
    cJSON_AddItemToArray(list, value);
  }

  return list;
}

cJSON* lerobot_stats_json(const lerobotFeatures* features, const lerobotStats* stats) {
  cJSON* root = cJSON_CreateObject();
  for (int i = 0; i < features->n; i++) {
    const lerobotFeature* f = &features->feature[i];
    cJSON* one = cJSON_AddObjectToObject(root, f->name);
    for (int m = 0; m < LEROBOT_MEASURES; m++)
      cJSON_AddItemToObject(
          one, lerobot_measures[m],
          measure_json(stats[i].number + m * stats[i].width, stats[i].width, f->kind == LEROBOT_VIDEO));
    cJSON_AddItemToObject(one, "count", cJSON_CreateDoubleArray(&stats[i].count, 1));
  }

  return root;
}
