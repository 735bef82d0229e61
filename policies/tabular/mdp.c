#include "policies/tabular/mdp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void loom_mdp_destroy(loomMdp* m) {
  if (!m) return;
  loom_names_destroy(&m->state_name);
  loom_names_destroy(&m->action_name);
  loom_names_destroy(&m->feature_name);
  loom_heap_destroy(&m->heap);
  *m = (loomMdp){0};
}

// ---- names

static const char* name_of(const loomNames* names, int i, char number[16]) {
  if (i < names->n) return names->name[i];
  snprintf(number, 16, "%d", i);
  return number;
}

const char* loom_mdp_state(const loomMdp* m, int state, char number[16]) {
  return name_of(&m->state_name, state, number);
}
const char* loom_mdp_action(const loomMdp* m, int action, char number[16]) {
  return name_of(&m->action_name, action, number);
}
const char* loom_mdp_feature(const loomMdp* m, int feature, char number[16]) {
  return name_of(&m->feature_name, feature, number);
}

// ---- features

int loom_mdp_use_indicators(loomMdp* m, bool rows, loomError* err) {
  size_t n = (size_t)m->states * (size_t)m->actions;
  m->feature_row = loom_heap_take(&m->heap, n + 1, sizeof *m->feature_row);
  m->feature = loom_heap_take(&m->heap, n, sizeof *m->feature);
  m->value = loom_heap_take(&m->heap, n, sizeof *m->value);
  loom_names_destroy(&m->feature_name);
  if (!m->feature_row || !m->feature || !m->value) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  // Names say which state it is, and which action where that counts.
  char s_number[16], a_number[16], name[256];
  int count = 0;
  m->features = 0;
  for (int s = 0; s < m->states; s++) {
    for (int a = 0; a < m->actions; a++) {
      int row = s * m->actions + a;
      bool fresh = m->open[row] && (rows || !a || m->feature_row[s * m->actions] == count);
      if (fresh) {
        const char* state = loom_mdp_state(m, s, s_number);
        snprintf(name, sizeof name, "%.120s", state);
        if (rows && !m->terminal[s])
          snprintf(name, sizeof name, "%.120s %.120s", state, loom_mdp_action(m, a, a_number));
        if (loom_names_add(&m->feature_name, name)) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
        m->features++;
      }

      if (m->open[row]) {
        m->feature[count] = m->features - 1;
        m->value[count++] = 1;
      }
      m->feature_row[row + 1] = count;
    }
  }
  return 0;
}

void loom_mdp_reward(double* out, const loomMdp* m, const double* weights) {
  for (int i = 0; i < m->states * m->actions; i++) {
    double sum = 0;
    for (int k = m->feature_row[i]; k < m->feature_row[i + 1]; k++)
      sum += m->value[k] * weights[m->feature[k]];
    out[i] = sum;
  }
}

void loom_mdp_expectation(double* out, const loomMdp* m, const double* d) {
  memset(out, 0, (size_t)m->features * sizeof *out);
  for (int i = 0; i < m->states * m->actions; i++)
    for (int k = m->feature_row[i]; k < m->feature_row[i + 1]; k++) out[m->feature[k]] += d[i] * m->value[k];
}

// ---- can it be planned in

// Whether some state has the ones marked in `mark` after it: marks spread until nothing changes.
static void spread_marks(bool* mark, const loomMdp* m, bool forward) {
  for (bool changed = true; changed;) {
    changed = false;
    for (int s = 0; s < m->states; s++) {
      for (int k = m->row[s * m->actions]; k < m->row[(s + 1) * m->actions]; k++) {
        int from = forward ? s : m->next[k], to = forward ? m->next[k] : s;
        if (m->p[k] <= 0 || !mark[from] || mark[to]) continue;
        mark[to] = changed = true;
      }
    }
  }
}

static int check_ends(const loomMdp* m, loomError* err) {
  bool* mark = calloc(2 * (size_t)m->states, sizeof *mark);
  if (!mark) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  // What can be reached, and what an end can be reached from.
  bool *met = mark, *ends = mark + m->states;
  for (int s = 0; s < m->states; s++) {
    met[s] = m->start[s] > 0;
    ends[s] = m->terminal[s];
  }
  spread_marks(met, m, true);
  spread_marks(ends, m, false);

  int stuck = -1;
  for (int s = m->states - 1; s >= 0; s--)
    if (met[s] && !ends[s]) stuck = s;
  free(mark);

  char number[16];
  return stuck < 0 ? 0
                   : loom_error_set(err, LOOM_ERR_FORMAT,
                                    "state %s: no terminal state can be reached from it, and with discount 1 "
                                    "nothing else ends; give a horizon or a discount below 1",
                                    loom_mdp_state(m, stuck, number));
}

int loom_mdp_check(const loomMdp* m, loomError* err) {
  if (!(m->gamma > 0 && m->gamma <= 1))
    return loom_error_set(err, LOOM_ERR_USAGE, "discount %g: it lies above 0 and at most at 1", m->gamma);
  if (m->horizon || m->gamma < 1) return 0;

  // Undiscounted and without a horizon: something else must end it.
  bool any = false;
  for (int s = 0; s < m->states; s++) any |= m->terminal[s];
  if (!any)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "discount 1 with neither a horizon nor a terminal state: sums have no end; give "
                          "--horizon, or a discount below 1");
  return check_ends(m, err);
}

// ---- drafts

int loom_draft_begin(loomMdpDraft* d, loomError* err) {
  loomMdp* m = &d->mdp;
  m->start = loom_heap_take(&m->heap, (size_t)m->states, sizeof *m->start);
  m->terminal = loom_heap_take(&m->heap, (size_t)m->states, sizeof *m->terminal);
  return m->start && m->terminal ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
}

int loom_draft_add(loomMdpDraft* d, loomMdpList* list, loomMdpEntry entry, loomError* err) {
  loomMdpEntry* grown = loom_heap_grow(&d->heap, list->entry, list->n, &list->room, sizeof *grown);
  if (!grown) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  list->entry = grown;
  list->entry[list->n++] = entry;
  return 0;
}

void loom_draft_destroy(loomMdpDraft* d) {
  if (!d) return;
  loom_mdp_destroy(&d->mdp);
  loom_heap_destroy(&d->heap);
  *d = (loomMdpDraft){0};
}

static int by_row(const void* a, const void* b) {
  const loomMdpEntry *x = a, *y = b;
  if (x->state != y->state) return x->state < y->state ? -1 : 1;
  if (x->action != y->action) return x->action < y->action ? -1 : 1;
  if (x->next != y->next) return x->next < y->next ? -1 : 1;
  return x->feature != y->feature ? (x->feature < y->feature ? -1 : 1) : 0;
}

// Sorted, and what stands twice added up: sums are then the same in whatever order they were given.
static void sort_list(loomMdpList* list) {
  if (list->n) qsort(list->entry, (size_t)list->n, sizeof *list->entry, by_row);

  int n = 0;
  for (int i = 0; i < list->n; i++) {
    loomMdpEntry* e = &list->entry[i];
    if (n && !by_row(&list->entry[n - 1], e))
      list->entry[n - 1].value += e->value;
    else
      list->entry[n++] = *e;
  }
  list->n = n;
}

static int end_transitions(loomMdpDraft* d, loomError* err) {
  loomMdp* m = &d->mdp;
  loomMdpList* list = &d->transition;
  int rows = m->states * m->actions;
  char s[16], a[16];
  sort_list(list);

  m->open = loom_heap_take(&m->heap, (size_t)rows, sizeof *m->open);
  m->row = loom_heap_take(&m->heap, (size_t)rows + 1, sizeof *m->row);
  m->next = loom_heap_take(&m->heap, (size_t)list->n, sizeof *m->next);
  m->p = loom_heap_take(&m->heap, (size_t)list->n, sizeof *m->p);
  if (!m->open || !m->row || !m->next || !m->p) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  // Row after row, each a distribution.
  for (int row = 0, i = 0; row < rows; row++) {
    int state = row / m->actions, action = row % m->actions, first = i;
    const char *state_name = loom_mdp_state(m, state, s), *action_name = loom_mdp_action(m, action, a);
    double sum = 0;
    for (; i < list->n && list->entry[i].state == state && list->entry[i].action == action; i++) {
      const loomMdpEntry* e = &list->entry[i];
      if (!(e->value >= 0 && e->value <= 1 + 1e-6))
        return loom_error_set(err, LOOM_ERR_FORMAT,
                              "state %s, action %s: %g is no probability, in a transition", state_name,
                              action_name, e->value);
      m->next[i] = e->next;
      m->p[i] = e->value;
      sum += e->value;
    }

    m->row[row + 1] = i;
    m->open[row] = m->terminal[state] ? !action : i > first;
    if (i > first && m->terminal[state])
      return loom_error_set(err, LOOM_ERR_FORMAT, "state %s is terminal: nothing follows it", state_name);
    if (i > first && !(fabs(sum - 1) <= 1e-6))
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "state %s, action %s: its transitions sum to %.9g, not to 1", state_name,
                            action_name, sum);
    for (int k = first; k < i; k++) m->p[k] /= sum;
  }

  // A state where nothing can be done is either terminal or a mistake.
  for (int state = 0; state < m->states; state++) {
    bool any = false;
    for (int action = 0; action < m->actions; action++) any |= m->open[state * m->actions + action];
    if (!any)
      return loom_error_set(err, LOOM_ERR_FORMAT, "state %s has no transitions and is not terminal",
                            loom_mdp_state(m, state, s));
  }
  return 0;
}

static int end_start(loomMdp* m, loomError* err) {
  double sum = 0;
  char s[16];
  for (int i = 0; i < m->states; i++) {
    if (!(m->start[i] >= 0))
      return loom_error_set(err, LOOM_ERR_FORMAT, "state %s: %g is no probability of starting there",
                            loom_mdp_state(m, i, s), m->start[i]);
    sum += m->start[i];
  }

  if (!(fabs(sum - 1) <= 1e-6))
    return loom_error_set(err, LOOM_ERR_FORMAT, "the probabilities of the start sum to %.9g, not to 1", sum);
  for (int i = 0; i < m->states; i++) m->start[i] /= sum;
  return 0;
}

// What part of an entry a row has: with what probability its next state is the entry's.
static double share_of(const loomMdp* m, int row, int next) {
  if (next < 0) return 1;
  for (int k = m->row[row]; k < m->row[row + 1]; k++)
    if (m->next[k] == next) return m->p[k];
  return 0;
}

// The rows that an entry is of: [first, end). A terminal state's is that of action 0.
static int rows_of(int* first, const loomMdp* m, const loomMdpEntry* e, const char* what, loomError* err) {
  char s[16];
  bool terminal = m->terminal[e->state];
  if (!isfinite(e->value))
    return loom_error_set(err, LOOM_ERR_FORMAT, "state %s: a %s of %g is no number",
                          loom_mdp_state(m, e->state, s), what, e->value);
  if (terminal && (e->action >= 0 || e->next >= 0))
    return loom_error_set(err, LOOM_ERR_FORMAT, "state %s is terminal: its %s is of no action",
                          loom_mdp_state(m, e->state, s), what);

  *first = e->state * m->actions + (e->action >= 0 ? e->action : 0);
  if (e->action >= 0 && !m->open[*first])
    return loom_error_set(err, LOOM_ERR_FORMAT, "state %s: a %s of an action that cannot be taken there",
                          loom_mdp_state(m, e->state, s), what);
  return e->action >= 0 || terminal ? *first + 1 : *first + m->actions;
}

static int end_reward(loomMdpDraft* d, loomError* err) {
  loomMdp* m = &d->mdp;
  if (!d->reward.n) return 0;
  m->reward = loom_heap_take(&m->heap, (size_t)m->states * (size_t)m->actions, sizeof *m->reward);
  if (!m->reward) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  sort_list(&d->reward);
  for (int i = 0; i < d->reward.n; i++) {
    const loomMdpEntry* e = &d->reward.entry[i];
    int first, end = rows_of(&first, m, e, "reward", err);
    if (end < 0) return end;
    for (int row = first; row < end; row++)
      if (m->open[row]) m->reward[row] += e->value * share_of(m, row, e->next);
  }
  return 0;
}

static int end_features(loomMdpDraft* d, loomError* err) {
  loomMdp* m = &d->mdp;
  loomMdpList all = {0};
  int rows = m->states * m->actions;

  // Each entry in the rows it is of.
  for (int i = 0; i < d->feature.n; i++) {
    loomMdpEntry e = d->feature.entry[i];
    int first, end = rows_of(&first, m, &e, "feature", err);
    if (end < 0) return end;
    for (int row = first; row < end; row++) {
      double share = m->open[row] ? share_of(m, row, e.next) : 0;
      if (share == 0) continue;
      int code = loom_draft_add(d, &all,
                                (loomMdpEntry){.state = row / m->actions,
                                               .action = row % m->actions,
                                               .next = -1,
                                               .feature = e.feature,
                                               .value = e.value * share},
                                err);
      if (code) return code;
    }
  }

  sort_list(&all);
  m->feature_row = loom_heap_take(&m->heap, (size_t)rows + 1, sizeof *m->feature_row);
  m->feature = loom_heap_take(&m->heap, (size_t)all.n, sizeof *m->feature);
  m->value = loom_heap_take(&m->heap, (size_t)all.n, sizeof *m->value);
  if (!m->feature_row || !m->feature || !m->value) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  for (int row = 0, i = 0; row < rows; row++) {
    for (; i < all.n && all.entry[i].state * m->actions + all.entry[i].action == row; i++) {
      m->feature[i] = all.entry[i].feature;
      m->value[i] = all.entry[i].value;
    }
    m->feature_row[row + 1] = i;
  }
  return 0;
}

int loom_draft_end(loomMdp* out, loomMdpDraft* d, loomError* err) {
  *out = (loomMdp){0};
  int code = end_transitions(d, err);
  if (!code) code = end_start(&d->mdp, err);
  if (!code) code = end_reward(d, err);
  if (!code) code = end_features(d, err);

  // The table moves out; what it was made of goes.
  if (!code) {
    *out = d->mdp;
    d->mdp = (loomMdp){0};
  }
  loom_draft_destroy(d);
  return code;
}
