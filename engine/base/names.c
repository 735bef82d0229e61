#include "engine/base/names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void loom_names_destroy(loomNames* names) {
  if (!names) return;
  for (int i = 0; i < names->n; i++) free(names->name[i]);
  free(names->name);
  *names = (loomNames){0};
}

int loom_names_add(loomNames* names, const char* name) {
  // The capacity is the next power of two, so it needs no field of its own.
  if ((names->n & (names->n - 1)) == 0) {
    size_t capacity = names->n ? 2 * (size_t)names->n : 1;
    char** grown = realloc(names->name, capacity * sizeof *grown);
    if (!grown) return LOOM_ERR_MEMORY;
    names->name = grown;
  }

  char* copy = strdup(name);
  if (!copy) return LOOM_ERR_MEMORY;
  names->name[names->n++] = copy;
  return LOOM_OK;
}

bool loom_names_has(const loomNames* names, const char* name) {
  for (int i = 0; i < names->n; i++)
    if (!strcmp(names->name[i], name)) return true;
  return false;
}

// ---- natural order

// Two runs of digits as numbers of any length; both pointers go behind their run.
static int compare_digits(const char** a, const char** b) {
  while (**a == '0') ++*a;
  while (**b == '0') ++*b;

  // Without leading zeros the longer number is the larger one.
  size_t na = strspn(*a, "0123456789"), nb = strspn(*b, "0123456789");
  int order = na != nb ? (na < nb ? -1 : 1) : strncmp(*a, *b, na);
  *a += na;
  *b += nb;
  return order;
}

int loom_natural_compare(const char* a, const char* b) {
  const char *p = a, *q = b;
  while (*p && *q) {
    if (isdigit((unsigned char)*p) && isdigit((unsigned char)*q)) {
      int order = compare_digits(&p, &q);
      if (order) return order < 0 ? -1 : 1;
    } else if (*p != *q) {
      return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
    } else {
      p++;
      q++;
    }
  }

  // One is the beginning of the other: the shorter first.
  if (*p || *q) return *p ? 1 : -1;

  // demo_1 and demo_01 are equal as numbers, yet two names.
  int order = strcmp(a, b);
  return (order > 0) - (order < 0);
}

static int compare_names(const void* a, const void* b) {
  return loom_natural_compare(*(char* const*)a, *(char* const*)b);
}

void loom_names_sort(loomNames* names) {
  if (names->n) qsort(names->name, (size_t)names->n, sizeof *names->name, compare_names);
}
