// Entropy and KL divergence of a policy's outputs. Rows are few numbers and these terms are no likelihood's
// inner loop, so sums are plain loops in double.
#include "policies/objective/distribution_internal.h"

#define HALF_LOG_2PI_E 1.41893853320467274178

// ---- one row, read

// One entry of one mode: its mean and deviation, and their slopes by the numbers they are made from.
typedef struct entry {
  double mean, std, mean_slope, std_slope;
} entry;

typedef struct rowView {
  const loomMixtureDef* def;
  const loomReal* y;
  loomMixtureForm form;
  double weight[LOOM_MIXTURE_MODES];
} rowView;

static rowView view_row(const loomReal* y, const loomMixtureDef* def) {
  rowView row = {.def = def, .y = y, .form = loom_mixture_form(def)};
  loomReal weight[LOOM_MIXTURE_MODES];
  loom_mixture_weights(weight, y + 2 * def->modes * def->actions, def->modes);
  for (int k = 0; k < def->modes; k++) row.weight[k] = (double)weight[k];
  return row;
}

static entry view_entry(const rowView* row, int mode, int d) {
  int size = row->def->actions;
  loomReal mean = loom_mixture_entry_mean(row->y[mode * size + d], row->form);
  loomReal raw = row->y[(row->def->modes + mode) * size + d];

  return (entry){(double)mean, (double)loom_mixture_entry_std(raw, row->form),
                 (double)loom_mixture_mean_slope(mean, row->form),
                 (double)loom_mixture_std_slope(raw, row->form)};
}

// Slopes by an entry's mean and deviation, added to where its raw numbers lie in dy.
static void add_entry_slopes(loomReal* dy, const loomMixtureDef* def, int mode, int d, entry at, double dmean,
                             double dstd) {
  dy[mode * def->actions + d] += (loomReal)(dmean * at.mean_slope);
  dy[(def->modes + mode) * def->actions + d] += (loomReal)(dstd * at.std_slope);
}

// Slopes by weights become slopes by logits: dw_i / dl_k = w_i ((i = k) - w_k), the softmax's.
static void add_logit_slopes(loomReal* dy, const rowView* row, const double* dweight, double scale) {
  int modes = row->def->modes;
  loomReal* dlogit = dy + 2 * modes * row->def->actions;
  double mean = 0;
  if (modes == 1) return;

  for (int k = 0; k < modes; k++) mean += row->weight[k] * dweight[k];
  for (int k = 0; k < modes; k++) dlogit[k] += (loomReal)(scale * row->weight[k] * (dweight[k] - mean));
}

// A weight may have underflowed to 0.
static double log_weight(double weight) {
  return log(fmax(weight, 1e-300));
}

// ---- entropy

// Of a Gaussian: sum_d (log s_d + log(2 pi e) / 2).
static double mode_entropy(const rowView* row, int mode) {
  double sum = 0;
  for (int d = 0; d < row->def->actions; d++) sum += log(view_entry(row, mode, d).std) + HALF_LOG_2PI_E;
  return sum;
}

// Bhattacharyya distance of two Gaussians, with S = s_i^2 + s_j^2: sum_d ((m_i - m_j)^2 / (4 S) +
// log(S / (2 s_i s_j)) / 2) (Bhattacharyya, 1943).
static double mode_distance(const rowView* row, int i, int j) {
  double sum = 0;
  for (int d = 0; d < row->def->actions; d++) {
    entry a = view_entry(row, i, d), b = view_entry(row, j, d);
    double apart = a.mean - b.mean, both = a.std * a.std + b.std * b.std;
    sum += apart * apart / (4 * both) + log(both / (2 * a.std * b.std)) / 2;
  }
  return sum;
}

// What modes have in common: overlap (modes x modes) exp(-distance), and near (modes) sum_j w_j overlap_ij,
// 1 where they are all the same and w_i where they are far apart.
typedef struct overlaps {
  double pair[LOOM_MIXTURE_MODES][LOOM_MIXTURE_MODES], near[LOOM_MIXTURE_MODES];
} overlaps;

static void find_overlaps(overlaps* out, const rowView* row) {
  int modes = row->def->modes;

  for (int i = 0; i < modes; i++) {
    out->pair[i][i] = 1;
    for (int j = 0; j < i; j++) out->pair[i][j] = out->pair[j][i] = exp(-mode_distance(row, i, j));
  }

  for (int i = 0; i < modes; i++) {
    out->near[i] = 0;
    for (int j = 0; j < modes; j++) out->near[i] += row->weight[j] * out->pair[i][j];
  }
}

// Kolchinsky and Tracey (2017), eq. 10: sum_i w_i (H_i - log sum_j w_j exp(-distance_ij)).
void loom_mixture_entropy(loomReal* entropy, const loomReal* y, int n, const loomMixtureDef* def) {
  ptrdiff_t width = loom_mixture_width(def);

  for (int i = 0; i < n; i++) {
    rowView row = view_row(y + i * width, def);
    overlaps shared;
    double sum = 0;
    find_overlaps(&shared, &row);
    for (int k = 0; k < def->modes; k++)
      sum += row.weight[k] * (mode_entropy(&row, k) - log_weight(shared.near[k]));
    entropy[i] = (loomReal)sum;
  }
}

// Through the distance of modes i and j, which both sums over one of them contain:
// dH / ddistance = w_i w_j overlap (1 / near_i + 1 / near_j).
static void add_pair_slopes(loomReal* dy, const rowView* row, const overlaps* shared, int i, int j,
                            double scale) {
  double ddistance = scale * row->weight[i] * row->weight[j] * shared->pair[i][j] *
                     (1 / fmax(shared->near[i], 1e-300) + 1 / fmax(shared->near[j], 1e-300));

  for (int d = 0; d < row->def->actions; d++) {
    entry a = view_entry(row, i, d), b = view_entry(row, j, d);
    double apart = a.mean - b.mean, both = a.std * a.std + b.std * b.std;
    double dmean = ddistance * apart / (2 * both);
    double bend = apart * apart / (2 * both * both);  // of the first term, by a deviation it is -bend * std
    add_entry_slopes(dy, row->def, i, d, a, dmean,
                     ddistance * (a.std / both - bend * a.std - 1 / (2 * a.std)));
    add_entry_slopes(dy, row->def, j, d, b, -dmean,
                     ddistance * (b.std / both - bend * b.std - 1 / (2 * b.std)));
  }
}

static void row_entropy_backward(loomReal* dy, double scale, const rowView* row) {
  int modes = row->def->modes;
  double dweight[LOOM_MIXTURE_MODES];
  overlaps shared;
  find_overlaps(&shared, row);

  for (int i = 0; i < modes; i++) {
    // A weight counts in its own term and in what all others have near them.
    dweight[i] = mode_entropy(row, i) - log_weight(shared.near[i]);
    for (int k = 0; k < modes; k++)
      dweight[i] -= row->weight[k] * shared.pair[k][i] / fmax(shared.near[k], 1e-300);

    for (int d = 0; d < row->def->actions; d++) {
      entry at = view_entry(row, i, d);
      add_entry_slopes(dy, row->def, i, d, at, 0, scale * row->weight[i] / at.std);
    }
    for (int j = 0; j < i; j++) add_pair_slopes(dy, row, &shared, i, j, scale);
  }
  add_logit_slopes(dy, row, dweight, scale);
}

void loom_mixture_entropy_backward(loomReal* dy, const loomReal* dentropy, const loomReal* y, int n,
                                   const loomMixtureDef* def) {
  ptrdiff_t width = loom_mixture_width(def);

  for (int i = 0; i < n; i++) {
    rowView row = view_row(y + i * width, def);
    row_entropy_backward(dy + i * width, (double)dentropy[i], &row);
  }
}

// ---- divergence

// KL of two Gaussians N(m, s^2) and N(o, t^2): sum_d (log(t / s) + (s^2 + (m - o)^2) / (2 t^2) - 1 / 2)
// (Kullback, "Information Theory and Statistics", 1959, chapter 9).
static double mode_kl(const rowView* p, const rowView* q, int mode) {
  double sum = 0;
  for (int d = 0; d < p->def->actions; d++) {
    entry a = view_entry(p, mode, d), b = view_entry(q, mode, d);
    double apart = a.mean - b.mean;
    sum += log(b.std / a.std) + (a.std * a.std + apart * apart) / (2 * b.std * b.std) - 0.5;
  }
  return sum;
}

// What a mode adds for a unit of its weight.
static double mode_cost(const rowView* p, const rowView* q, int mode) {
  return log_weight(p->weight[mode]) - log_weight(q->weight[mode]) + mode_kl(p, q, mode);
}

void loom_mixture_kl(loomReal* kl, const loomReal* p, const loomReal* q, int n, const loomMixtureDef* def) {
  ptrdiff_t width = loom_mixture_width(def);

  for (int i = 0; i < n; i++) {
    rowView first = view_row(p + i * width, def), second = view_row(q + i * width, def);
    double sum = 0;
    for (int k = 0; k < def->modes; k++) sum += first.weight[k] * mode_cost(&first, &second, k);
    kl[i] = (loomReal)sum;
  }
}

static void add_mode_kl_slopes(loomReal* dp, loomReal* dq, const rowView* p, const rowView* q, int mode,
                               double scale) {
  for (int d = 0; d < p->def->actions; d++) {
    entry a = view_entry(p, mode, d), b = view_entry(q, mode, d);
    double apart = a.mean - b.mean, variance = b.std * b.std;

    if (dp)
      add_entry_slopes(dp, p->def, mode, d, a, scale * apart / variance,
                       scale * (a.std / variance - 1 / a.std));
    if (dq)
      add_entry_slopes(dq, q->def, mode, d, b, -scale * apart / variance,
                       scale * (1 - (a.std * a.std + apart * apart) / variance) / b.std);
  }
}

void loom_mixture_kl_backward(loomReal* dp, loomReal* dq, const loomReal* dkl, const loomReal* p,
                              const loomReal* q, int n, const loomMixtureDef* def) {
  ptrdiff_t width = loom_mixture_width(def);

  for (int i = 0; i < n; i++) {
    rowView first = view_row(p + i * width, def), second = view_row(q + i * width, def);
    loomReal *to_p = dp ? dp + i * width : NULL, *to_q = dq ? dq + i * width : NULL;
    double by_p[LOOM_MIXTURE_MODES], by_q[LOOM_MIXTURE_MODES];

    for (int k = 0; k < def->modes; k++) {
      add_mode_kl_slopes(to_p, to_q, &first, &second, k, (double)dkl[i] * first.weight[k]);
      by_p[k] = mode_cost(&first, &second, k) + 1;
      by_q[k] = -first.weight[k] / fmax(second.weight[k], 1e-300);
    }

    if (to_p) add_logit_slopes(to_p, &first, by_p, (double)dkl[i]);
    if (to_q) add_logit_slopes(to_q, &second, by_q, (double)dkl[i]);
  }
}
