#include "policies/tabular/mdp_file.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"

enum { LARGEST = 1 << 20, BYTES = 1 << 28, FEATURES = 1 << 12 };

typedef struct mdpReader {
  const char* path;
  int line;
  char* rest;  // of the line
  loomMdpDraft draft;
  bool started;

  // Steps of demos, each trajectory ending in one of action -1.
  int steps, state_room, action_room, demos, begin_room;
  int *state, *action, *begin;
} mdpReader;

#define WRONG(r, ...) \
  loom_error_prefix(err, loom_error_set(err, LOOM_ERR_FORMAT, __VA_ARGS__), "%s:%d", (r)->path, (r)->line)

// The next word; NULL at the end of the line.
static char* next_word(mdpReader* r) {
  r->rest += strspn(r->rest, " \t\r");
  if (!*r->rest) return NULL;
  char* word = r->rest;
  r->rest += strcspn(r->rest, " \t\r");
  if (*r->rest) *r->rest++ = 0;
  return word;
}

static int read_number(double* out, mdpReader* r, const char* word, loomError* err) {
  char* end;
  if (!word) return WRONG(r, "a number is missing at the end");
  *out = strtod(word, &end);
  if (end == word || *end || !isfinite(*out)) return WRONG(r, "'%s' is no number", word);
  return 0;
}

// A state or an action; -1 is all of them, where that may be.
static int read_index(int* out, mdpReader* r, const char* word, bool action, bool all, loomError* err) {
  const loomMdp* m = &r->draft.mdp;
  const loomNames* names = action ? &m->action_name : &m->state_name;
  const char* what = action ? "action" : "state";
  int n = action ? m->actions : m->states;
  if (!word) return WRONG(r, "%s is missing at the end", action ? "an action" : "a state");
  *out = -1;
  if (all && !strcmp(word, "*")) return 0;

  for (int i = 0; i < names->n && *out < 0; i++)
    if (!strcmp(names->name[i], word)) *out = i;
  if (*out >= 0) return 0;

  // Numbers where there are no names.
  char* end;
  long number = strtol(word, &end, 10);
  if (names->n || end == word || *end) return WRONG(r, "there is no %s '%s'", what, word);
  if (number < 0 || number >= n) return WRONG(r, "%s %ld: there are 0 to %d", what, number, n - 1);
  *out = (int)number;
  return 0;
}

// ---- one thing each

static int read_names(mdpReader* r, bool action, loomError* err) {
  loomMdp* m = &r->draft.mdp;
  loomNames* names = action ? &m->action_name : &m->state_name;
  int* n = action ? &m->actions : &m->states;
  const char* what = action ? "actions" : "states";
  if (*n) return WRONG(r, "%s are told twice", what);
  if (action && !m->states) return WRONG(r, "`states` come first");

  // One number says how many; anything else is their names.
  char *word = next_word(r), *second = next_word(r), *end = NULL;
  if (!word) return WRONG(r, "how many %s, or what are they called?", what);
  long count = strtol(word, &end, 10);
  if (!second && !*end) {
    if (count < 1 || count > LARGEST) return WRONG(r, "%ld %s: 1 to %d of them", count, what, LARGEST);
    *n = (int)count;
  }
  for (; !*n && word; word = second, second = second ? next_word(r) : NULL) {
    if (!strcmp(word, "*") || loom_names_has(names, word))
      return WRONG(r, "the name '%s' stands twice", word);
    if (loom_names_add(names, word)) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  }
  if (!*n) *n = names->n;

  if ((long long)m->states * (m->actions ? m->actions : 1) > LARGEST)
    return WRONG(r, "%d states of %d actions are more than %d pairs", m->states, m->actions, LARGEST);
  return action ? loom_draft_begin(&r->draft, err) : 0;
}

static int read_start(mdpReader* r, loomError* err) {
  loomMdp* m = &r->draft.mdp;
  char* word = next_word(r);
  double p;
  int s;
  if (word && !strcmp(word, "uniform")) return 0;

  int code = read_index(&s, r, word, false, false, err);
  if (!code) code = read_number(&p, r, next_word(r), err);
  if (!code && !(p >= 0 && p <= 1)) return WRONG(r, "%g is no probability", p);
  if (!code) m->start[s] += p;
  r->started = true;
  return code;
}

static int read_terminal(mdpReader* r, loomError* err) {
  int code = 0, n = 0, s;
  for (char* word = next_word(r); (word || !n) && !code; word = next_word(r), n++) {
    code = read_index(&s, r, word, false, false, err);
    if (!code) r->draft.mdp.terminal[s] = true;
  }
  return code;
}

// An entry for each state and action that is meant; of moves, -1 is no action.
static int add_all(mdpReader* r, loomMdpList* list, loomMdpEntry e, bool move, loomError* err) {
  const loomMdp* m = &r->draft.mdp;
  int code = 0, any_state = e.state < 0, any_action = move && e.action < 0;

  for (int s = any_state ? 0 : e.state; s < (any_state ? m->states : e.state + 1); s++) {
    if (any_state && m->terminal[s] && (move || e.action >= 0 || e.next >= 0)) continue;
    e.state = s;
    for (int a = any_action ? 0 : e.action; a < (any_action ? m->actions : e.action + 1) && !code; a++) {
      loomMdpEntry one = e;
      one.action = a;
      code = loom_draft_add(&r->draft, list, one, err);
    }
  }
  return code;
}

static int read_move(mdpReader* r, loomError* err) {
  loomMdpEntry e = {.feature = -1};
  int code = read_index(&e.state, r, next_word(r), false, true, err);
  if (!code) code = read_index(&e.action, r, next_word(r), true, true, err);
  if (!code) code = read_index(&e.next, r, next_word(r), false, false, err);
  if (!code) code = read_number(&e.value, r, next_word(r), err);
  if (!code && !(e.value >= 0 && e.value <= 1)) return WRONG(r, "%g is no probability", e.value);
  return code ? code : add_all(r, &r->draft.transition, e, true, err);
}

// STATE [ACTION [NEXT]] VALUE: as many words as there are say which.
static int read_entry(mdpReader* r, loomMdpList* list, int feature, loomError* err) {
  loomMdpEntry e = {.action = -1, .next = -1, .feature = feature};
  char* word[4] = {0};
  int n = 0;
  while (n < 4 && (word[n] = next_word(r))) n++;
  if (n < 2) return WRONG(r, "a state and a number are the least");

  int code = read_index(&e.state, r, word[0], false, true, err);
  if (!code && n > 2) code = read_index(&e.action, r, word[1], true, true, err);
  if (!code && n > 3) code = read_index(&e.next, r, word[2], false, true, err);
  if (!code) code = read_number(&e.value, r, word[n - 1], err);
  return code ? code : add_all(r, list, e, false, err);
}

static int read_feature(mdpReader* r, loomError* err) {
  loomMdp* m = &r->draft.mdp;
  char* name = next_word(r);
  int k = 0;
  if (!name) return WRONG(r, "a feature has a name");

  while (k < m->features && strcmp(m->feature_name.name[k], name)) k++;
  if (k == FEATURES) return WRONG(r, "more than %d features", FEATURES);
  if (k == m->features && loom_names_add(&m->feature_name, name))
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  m->features = m->feature_name.n;
  return read_entry(r, &r->draft.feature, k, err);
}

static int add_int(mdpReader* r, int** list, int n, int* room, int value, loomError* err) {
  int* grown = loom_heap_grow(&r->draft.mdp.heap, *list, n, room, sizeof *grown);
  if (!grown) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  *list = grown;
  grown[n] = value;
  return 0;
}

static int read_demo(mdpReader* r, loomError* err) {
  char* word = next_word(r);
  if (!word) return WRONG(r, "a demo has states and actions");
  int code = add_int(r, &r->begin, r->demos++, &r->begin_room, r->steps, err);

  while (word && !code) {
    int s = 0, a = -1;
    code = read_index(&s, r, word, false, false, err);
    word = next_word(r);
    if (!code && word) code = read_index(&a, r, word, true, false, err);

    // Behind an action comes where it led to.
    if (!code && word) {
      word = next_word(r);
      if (!word) return WRONG(r, "a demo ends with a state");
    }
    if (!code) code = add_int(r, &r->state, r->steps, &r->state_room, s, err);
    if (!code) code = add_int(r, &r->action, r->steps, &r->action_room, a, err);
    r->steps++;
  }
  return code;
}

static int read_setting(mdpReader* r, const char* what, loomError* err) {
  loomMdp* m = &r->draft.mdp;
  double value;
  int code = read_number(&value, r, next_word(r), err);
  if (code) return code;

  if (!strcmp(what, "gamma")) {
    if (!(value > 0 && value <= 1)) return WRONG(r, "a discount lies above 0 and at most at 1");
    m->gamma = value;
    return 0;
  }
  if (!(value >= 1 && value <= LARGEST && value == floor(value)))
    return WRONG(r, "a horizon is a whole number from 1 to %d", LARGEST);
  m->horizon = (int)value;
  return 0;
}

// ---- the whole file

static int read_line(mdpReader* r, loomError* err) {
  const loomMdp* m = &r->draft.mdp;
  char* what = next_word(r);
  int code;
  if (!what) return 0;

  if (!strcmp(what, "states"))
    code = read_names(r, false, err);
  else if (!strcmp(what, "actions"))
    code = read_names(r, true, err);
  else if (!strcmp(what, "gamma") || !strcmp(what, "horizon"))
    code = read_setting(r, what, err);
  else if (!m->actions)
    return WRONG(r, "`states` and `actions` come before '%s'", what);
  else if (!strcmp(what, "start"))
    code = read_start(r, err);
  else if (!strcmp(what, "terminal"))
    code = read_terminal(r, err);
  else if (!strcmp(what, "move"))
    code = read_move(r, err);
  else if (!strcmp(what, "reward"))
    code = read_entry(r, &r->draft.reward, -1, err);
  else if (!strcmp(what, "feature"))
    code = read_feature(r, err);
  else if (!strcmp(what, "demo"))
    code = read_demo(r, err);
  else
    return WRONG(r,
                 "what is '%s'? Lines begin with states, actions, gamma, horizon, start, terminal, move, "
                 "reward, feature or demo",
                 what);

  char* more = code ? NULL : next_word(r);
  return more ? WRONG(r, "'%s' is one word too many", more) : code;
}

// Each step of a demo can happen.
static int check_demos(const loomMdp* m, const char* path, loomError* err) {
  for (int i = 0; i < m->demos.n; i++) {
    for (int t = m->demos.begin[i]; t + 1 < m->demos.begin[i + 1]; t++) {
      int s = m->demos.state[t], row = s * m->actions + m->demos.action[t], next = m->demos.state[t + 1];
      char from[16], action[16], to[16];
      double p = 0;
      for (int k = m->row[row]; k < m->row[row + 1]; k++)
        if (m->next[k] == next) p = m->p[k];
      if (p > 0) continue;
      return loom_error_set(
          err, LOOM_ERR_FORMAT,
          "%s: demo %d has probability 0: at its step %d, action %s never leads from state %s "
          "to %s",
          path, i + 1, t - m->demos.begin[i] + 1, loom_mdp_action(m, m->demos.action[t], action),
          loom_mdp_state(m, s, from), loom_mdp_state(m, next, to));
    }

    int first = m->demos.state[m->demos.begin[i]];
    char number[16];
    if (!(m->start[first] > 0))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: demo %d has probability 0: nothing starts in state %s",
                            path, i + 1, loom_mdp_state(m, first, number));
  }
  return 0;
}

static int end_file(loomMdp* out, mdpReader* r, loomError* err) {
  loomMdp* m = &r->draft.mdp;
  if (!m->actions) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no states, or no actions", r->path);
  for (int s = 0; s < m->states && !r->started; s++) m->start[s] = 1.0 / m->states;

  int code = add_int(r, &r->begin, r->demos, &r->begin_room, r->steps, err);
  if (code) return code;
  m->demos = (loomDemos){r->demos, r->begin, r->state, r->action};
  code = loom_draft_end(out, &r->draft, err);
  return code ? loom_error_prefix(err, code, "%s", r->path) : check_demos(out, r->path, err);
}

int loom_mdp_read(loomMdp* out, const char* path, loomError* err) {
  mdpReader r = {.path = path, .draft.mdp.gamma = 1};
  char* text = NULL;
  *out = (loomMdp){0};
  int code = loom_read_text(&text, NULL, path, BYTES, err);

  char* next = text;
  for (char* line = text; !code && line && *line; line = next) {
    next = line + strcspn(line, "\n");
    if (*next) *next++ = 0;
    line[strcspn(line, "#")] = 0;
    r.line++;
    r.rest = line;
    code = read_line(&r, err);
  }
  if (!code) code = end_file(out, &r, err);

  free(text);
  loom_draft_destroy(&r.draft);
  if (code) loom_mdp_destroy(out);
  return code;
}
