#include "engine/base/fields.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/expr.h"

static void* place_of(void* s, const loomFieldDef* f) {
  return (char*)s + f->offset;
}

static const void* value_of(const void* s, const loomFieldDef* f) {
  return (const char*)s + f->offset;
}

// How many entries a list has.
static int count_of(const void* s, const loomFieldDef* f) {
  return *(const int*)((const char*)s + f->count);
}

static int room_of(const loomFieldDef* f) {
  return (int)(f->room / f->size);
}

static const char* entry_of(const void* s, const loomFieldDef* f, int i) {
  const char* at = (const char*)value_of(s, f) + (size_t)i * f->size;
  return f->type == LOOM_FIELD_STRINGS ? *(const char* const*)at : at;
}

static bool applies(const loomFieldDef* f, unsigned now) {
  return !f->when || (f->when & now);
}

// ---- numbers: the one place where a text becomes one, and where its range is checked

// A plain number, or else an expression without variables; finite.
static bool number_from(double* out, const char* text) {
  char* end;
  double value = strtod(text, &end);
  if (end == text || *end) return *text && !loom_expr_eval(out, text, NULL, NULL, 0, NULL);

  // "inf" and "nan" are no settings.
  if (!isfinite(value)) return false;
  *out = value;
  return true;
}

// Through 64 bits where it is a plain number, since a double holds whole numbers up to 2^53 only.
static bool whole_from(int64_t* out, const loomFieldDef* f, const char* text) {
  const double exact = 9007199254740992;
  char* end;
  errno = 0;

  int64_t value = strtoll(text, &end, 10);
  if (errno) return false;

  // No plain number: "2e3" or "64 / 2", as long as a double tells it from its neighbors.
  if (end == text || *end) {
    double real;
    if (!number_from(&real, text) || real != floor(real) || fabs(real) > exact) return false;
    value = (int64_t)real;
  }

  if (value < f->low || value > f->high) return false;
  *out = value;
  return true;
}

static bool real_from(double* out, const loomFieldDef* f, const char* text) {
  double value;
  if (!number_from(&value, text) || !(value >= f->least && value <= f->most)) return false;

  *out = value;
  return true;
}

static bool choice_from(int* out, const loomFieldDef* f, const char* text) {
  for (int i = 0; f->choices[i]; i++) {
    if (strcmp(text, f->choices[i]) != 0) continue;
    *out = i;
    return true;
  }

  return false;
}

// "64,128,256".
static bool sizes_from(loomSizes* out, const loomFieldDef* f, const char* text) {
  loomSizes sizes = {0};

  for (const char* at = text; *at;) {
    char one[32];
    int64_t value;
    size_t n = strcspn(at, ",");

    // Up to the comma; what is longer than any number is none.
    snprintf(one, sizeof one, "%.*s", (int)(n < sizeof one ? n : sizeof one - 1), at);
    if (sizes.n == LOOM_SIZES || n >= sizeof one || !whole_from(&value, f, one)) return false;

    sizes.size[sizes.n++] = (int)value;
    at += n + (at[n] == ',');
  }
  *out = sizes;
  return true;
}

static bool text_from(char* out, size_t room, const char* text) {
  if (strlen(text) >= room) return false;
  strcpy(out, text);
  return true;
}

// ---- one field

static void list_choices(char* out, size_t room, const char* const* choices) {
  size_t used = 0;
  for (int i = 0; choices[i] && used < room; i++)
    used += (size_t)snprintf(out + used, room - used, "%s%s", i ? ", " : "", choices[i]);
}

void loom_field_wanted(char out[LOOM_FIELD_WANTED], const loomFieldDef* f) {
  char choices[LOOM_FIELD_WANTED - 8] = "";
  const char* many = f->type == LOOM_FIELD_SIZES ? "whole numbers" : "a whole number";

  switch (f->type) {
    case LOOM_FIELD_BOOL:
      snprintf(out, LOOM_FIELD_WANTED, "true or false");
      break;
    case LOOM_FIELD_INT:
    case LOOM_FIELD_INT64:
    case LOOM_FIELD_SIZES:
      snprintf(out, LOOM_FIELD_WANTED, "%s from %lld to %lld", many, (long long)f->low, (long long)f->high);
      break;
    case LOOM_FIELD_REAL:
      snprintf(out, LOOM_FIELD_WANTED, "a number from %g to %g", f->least, f->most);
      break;
    case LOOM_FIELD_CHOICE:
      list_choices(choices, sizeof choices, f->choices);
      snprintf(out, LOOM_FIELD_WANTED, "one of %s", choices);
      break;
    case LOOM_FIELD_TEXT:
      snprintf(out, LOOM_FIELD_WANTED, "a text of at most %zu characters", f->room - 1);
      break;
    case LOOM_FIELD_STRING:
      snprintf(out, LOOM_FIELD_WANTED, "a text");
      break;
    case LOOM_FIELD_STRINGS:
      snprintf(out, LOOM_FIELD_WANTED, "at most %d %s", room_of(f), f->unit ? f->unit : "texts");
      break;
    case LOOM_FIELD_NAMES:
      snprintf(out, LOOM_FIELD_WANTED, "at most %d texts of at most %zu characters", room_of(f), f->size - 1);
      break;
    case LOOM_FIELD_MAPS:
      snprintf(out, LOOM_FIELD_WANTED, "a list of 1 to %d %s", room_of(f), f->name);
      break;
  }
}

bool loom_field_set(void* s, const loomFieldDef* f, const char* text) {
  void* at = place_of(s, f);
  int64_t whole;

  switch (f->type) {
    case LOOM_FIELD_BOOL:
      if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) return false;
      *(bool*)at = *text == 't';
      return true;
    case LOOM_FIELD_INT:
      if (!whole_from(&whole, f, text)) return false;
      *(int*)at = (int)whole;
      return true;
    case LOOM_FIELD_INT64:
      return whole_from(at, f, text);
    case LOOM_FIELD_REAL:
      return real_from(at, f, text);
    case LOOM_FIELD_CHOICE:
      return choice_from(at, f, text);
    case LOOM_FIELD_TEXT:
      return text_from(at, f->room, text);
    case LOOM_FIELD_STRING:
      *(const char**)at = text;
      return true;
    case LOOM_FIELD_SIZES:
      return sizes_from(at, f, text);
    case LOOM_FIELD_STRINGS: {
      int* n = (int*)((char*)s + f->count);
      if (*n == room_of(f)) return false;

      ((const char**)at)[(*n)++] = text;
      return true;
    }
    case LOOM_FIELD_NAMES: {
      int* n = (int*)((char*)s + f->count);
      if (*n == room_of(f) || !text_from((char*)at + (size_t)*n * f->size, f->size, text)) return false;

      ++*n;
      return true;
    }
    case LOOM_FIELD_MAPS:
      break;
  }
  return false;
}

bool loom_field_given(const void* s, const loomFieldDef* f) {
  const void* at = value_of(s, f);

  switch (f->type) {
    case LOOM_FIELD_BOOL:
      return true;
    case LOOM_FIELD_INT:
      return *(const int*)at >= f->low && *(const int*)at <= f->high;
    case LOOM_FIELD_INT64:
      return *(const int64_t*)at >= f->low && *(const int64_t*)at <= f->high;
    case LOOM_FIELD_REAL:
      return *(const double*)at >= f->least && *(const double*)at <= f->most;
    case LOOM_FIELD_CHOICE:
      return *(const int*)at >= 0;
    case LOOM_FIELD_TEXT:
      return *(const char*)at != '\0';
    case LOOM_FIELD_STRING:
      return *(const char* const*)at != NULL;
    case LOOM_FIELD_SIZES:
      return ((const loomSizes*)at)->n > 0;
    case LOOM_FIELD_STRINGS:
    case LOOM_FIELD_NAMES:
    case LOOM_FIELD_MAPS:
      return count_of(s, f) > 0;
  }
  return false;
}

const loomFieldDef* loom_fields_find(const loomFields* fields, const char* name) {
  for (int i = 0; i < fields->n; i++)
    if (!strcmp(fields->field[i].name, name)) return &fields->field[i];
  return NULL;
}

// ---- from YAML

int loom_fields_error(const loomYaml* y, loomNode map, const char* key, loomError* err, const char* format,
                      ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);

  loomNode node = loom_yaml_get(y, map, key);
  return loom_yaml_error(y, node ? node : map, key, err, "%s", text);
}

static int refuse_value(const loomYaml* y, loomNode node, const loomFieldDef* f, loomError* err) {
  char wanted[LOOM_FIELD_WANTED];
  const char* text = loom_yaml_text(y, node);

  loom_field_wanted(wanted, f);
  if (!text) return loom_yaml_error(y, node, f->name, err, "expected %s", wanted);
  return loom_yaml_error(y, node, f->name, err, "expected %s, found '%.60s'", wanted, text);
}

// A list's node; more entries than there is room for are an error of their own.
static int check_list(int* n, const loomYaml* y, loomNode node, const loomFieldDef* f, int room,
                      loomError* err) {
  if (!loom_yaml_is_list(y, node)) return refuse_value(y, node, f, err);
  *n = loom_yaml_count(y, node);
  if (*n > room) return loom_yaml_error(y, node, f->name, err, "at most %d entries, found %d", room, *n);
  return LOOM_OK;
}

static int read_sizes(loomSizes* out, const loomFieldDef* f, const loomYaml* y, loomNode node,
                      loomError* err) {
  loomSizes sizes = *out;
  int code = check_list(&sizes.n, y, node, f, LOOM_SIZES, err);

  for (int i = 0; !code && i < sizes.n; i++) {
    int64_t value = 0;
    loomNode entry = loom_yaml_item(y, node, i);
    const char* text = loom_yaml_text(y, entry);
    if (!text || !whole_from(&value, f, text)) code = refuse_value(y, entry, f, err);
    sizes.size[i] = (int)value;
  }

  if (!code) *out = sizes;
  return code;
}

static int read_list(void* s, const loomFieldDef* f, const loomYaml* y, loomNode node, loomError* err) {
  int n, *count = (int*)((char*)s + f->count);
  int code = check_list(&n, y, node, f, room_of(f), err);
  if (code) return code;

  // The list replaces what was there, entry by entry.
  *count = 0;
  memset(place_of(s, f), 0, f->room);
  for (int i = 0; !code && i < n; i++) {
    loomNode entry = loom_yaml_item(y, node, i);
    if (f->type == LOOM_FIELD_MAPS) {
      code = loom_fields_read((char*)place_of(s, f) + (size_t)i * f->size, f->items, y, entry, ~0U, "", err);
      ++*count;
    } else {
      const char* text = loom_yaml_text(y, entry);
      if (!text || !loom_field_set(s, f, text)) code = refuse_value(y, entry, f, err);
    }
  }
  return code;
}

static int read_field(void* s, const loomFieldDef* f, const loomYaml* y, loomNode node, loomError* err) {
  if (f->type == LOOM_FIELD_SIZES) return read_sizes(place_of(s, f), f, y, node, err);
  if (f->type >= LOOM_FIELD_NAMES) return read_list(s, f, y, node, err);

  const char* text = loom_yaml_text(y, node);
  return text && loom_field_set(s, f, text) ? LOOM_OK : refuse_value(y, node, f, err);
}

int loom_fields_read(void* s, const loomFields* fields, const loomYaml* y, loomNode map, unsigned now,
                     const char* what, loomError* err) {
  enum { MOST = 64 };
  const char* known[MOST + 1] = {NULL};
  if (!map) return LOOM_OK;

  // A key that no field has is an error, rather than a setting that does nothing.
  for (int i = 0; i < fields->n && i < MOST; i++) known[i] = fields->field[i].name;
  int code = loom_yaml_only(y, map, known, err);

  for (int i = 0; !code && i < fields->n; i++) {
    const loomFieldDef* f = &fields->field[i];
    loomNode node = loom_yaml_get(y, map, f->name);
    if (!node) continue;
    code = applies(f, now) ? read_field(s, f, y, node, err)
                           : loom_yaml_error(y, node, f->name, err, "means nothing for %s", what);
  }
  return code;
}

// ---- to YAML

static void put_text(FILE* out, const char* text) {
  fputc('"', out);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      fprintf(out, "\\%c", *text);
    else if ((unsigned char)*text < ' ')
      fprintf(out, "\\x%02x", (unsigned)(unsigned char)*text);
    else
      fputc(*text, out);
  }
  fputc('"', out);
}

static bool is_zero(const void* s, const loomFieldDef* f) {
  const void* at = value_of(s, f);
  if (f->type == LOOM_FIELD_INT) return *(const int*)at == 0;
  if (f->type == LOOM_FIELD_INT64) return *(const int64_t*)at == 0;
  return f->type == LOOM_FIELD_REAL && *(const double*)at == 0;
}

// Each struct a line, "    - {KEY: VALUE, ...}".
static void put_maps(FILE* out, const void* s, const loomFieldDef* f) {
  for (int i = 0; i < count_of(s, f); i++) {
    const void* entry = entry_of(s, f, i);

    fputs("\n    - {", out);
    for (int k = 0, n = 0; k < f->items->n; k++) {
      const loomFieldDef* item = &f->items->field[k];
      if (is_zero(entry, item)) continue;
      fprintf(out, "%s%s: ", n++ ? ", " : "", item->name);
      loom_field_print(out, entry, item);
    }
    fputc('}', out);
  }
}

void loom_field_print(FILE* out, const void* s, const loomFieldDef* f) {
  const void* at = value_of(s, f);

  switch (f->type) {
    case LOOM_FIELD_BOOL:
      fputs(*(const bool*)at ? "true" : "false", out);
      break;
    case LOOM_FIELD_INT:
      fprintf(out, "%d", *(const int*)at);
      break;
    case LOOM_FIELD_INT64:
      fprintf(out, "%lld", (long long)*(const int64_t*)at);
      break;
    case LOOM_FIELD_REAL:
      fprintf(out, "%.17g", *(const double*)at);
      break;
    case LOOM_FIELD_CHOICE:
      fputs(f->choices[*(const int*)at], out);
      break;
    case LOOM_FIELD_TEXT:
      put_text(out, at);
      break;
    case LOOM_FIELD_STRING:
      put_text(out, *(const char* const*)at ? *(const char* const*)at : "");
      break;
    case LOOM_FIELD_SIZES:
    case LOOM_FIELD_STRINGS:
    case LOOM_FIELD_NAMES: {
      const loomSizes* sizes = f->type == LOOM_FIELD_SIZES ? at : NULL;
      fputc('[', out);
      for (int i = 0; i < (sizes ? sizes->n : count_of(s, f)); i++) {
        if (i) fputs(", ", out);
        if (sizes)
          fprintf(out, "%d", sizes->size[i]);
        else
          put_text(out, entry_of(s, f, i));
      }
      fputc(']', out);
      break;
    }
    case LOOM_FIELD_MAPS:
      put_maps(out, s, f);
      break;
  }
}

void loom_fields_write(FILE* out, const void* s, const loomFields* fields, unsigned now) {
  for (int i = 0; i < fields->n; i++) {
    const loomFieldDef* f = &fields->field[i];
    if (!applies(f, now)) continue;

    // Structs begin lines of their own.
    fprintf(out, f->type == LOOM_FIELD_MAPS ? "  %s:" : "  %s: ", f->name);
    loom_field_print(out, s, f);
    fputc('\n', out);
  }
}

// ---- to JSON

static void add_number(cJSON* out, const char* name, double value) {
  if (isfinite(value)) cJSON_AddNumberToObject(out, name, value);
}

static void add_list(cJSON* out, const void* s, const loomFieldDef* f) {
  cJSON* list = cJSON_AddArrayToObject(out, f->name);
  const loomSizes* sizes = f->type == LOOM_FIELD_SIZES ? value_of(s, f) : NULL;

  for (int i = 0; i < (sizes ? sizes->n : count_of(s, f)); i++)
    cJSON_AddItemToArray(list,
                         sizes ? cJSON_CreateNumber(sizes->size[i]) : cJSON_CreateString(entry_of(s, f, i)));
}

static void add_field(cJSON* out, const void* s, const loomFieldDef* f) {
  const void* at = value_of(s, f);

  switch (f->type) {
    case LOOM_FIELD_BOOL:
      cJSON_AddBoolToObject(out, f->name, *(const bool*)at);
      break;
    case LOOM_FIELD_INT:
      add_number(out, f->name, *(const int*)at);
      break;
    case LOOM_FIELD_INT64:
      add_number(out, f->name, (double)*(const int64_t*)at);
      break;
    case LOOM_FIELD_REAL:
      add_number(out, f->name, *(const double*)at);
      break;
    case LOOM_FIELD_CHOICE:
      cJSON_AddStringToObject(out, f->name, f->choices[*(const int*)at]);
      break;
    case LOOM_FIELD_TEXT:
      cJSON_AddStringToObject(out, f->name, at);
      break;
    case LOOM_FIELD_STRING:
      if (*(const char* const*)at) cJSON_AddStringToObject(out, f->name, *(const char* const*)at);
      break;
    case LOOM_FIELD_SIZES:
    case LOOM_FIELD_STRINGS:
    case LOOM_FIELD_NAMES:
      add_list(out, s, f);
      break;
    case LOOM_FIELD_MAPS:
      break;
  }
}

void loom_fields_json(cJSON* out, const void* s, const loomFields* fields, unsigned now) {
  for (int i = 0; i < fields->n; i++)
    if (applies(&fields->field[i], now)) add_field(out, s, &fields->field[i]);
}

// ---- help

enum { HELP_WIDTH = 100, HELP_COLUMN = 23 };

void loom_print_wrapped(FILE* out, const char* text, int indent) {
  int column = indent;

  for (const char* at = text; *at;) {
    int n = (int)strcspn(at, " ");

    // One more word goes on the line only with the space before it.
    if (column > indent && column + 1 + n > HELP_WIDTH) {
      fprintf(out, "\n%*s", indent, "");
      column = indent;
    } else if (column > indent) {
      fputc(' ', out);
      column++;
    }

    fwrite(at, 1, (size_t)n, out);
    column += n;
    at += n;
    at += strspn(at, " ");
  }
  fputc('\n', out);
}

// ", default 3"; nothing where there is no value, and for switches, which are off.
static void put_default(FILE* out, const void* s, const loomFieldDef* f, bool first) {
  if (!s || f->type >= LOOM_FIELD_STRINGS || f->type == LOOM_FIELD_BOOL || !loom_field_given(s, f)) return;

  fputs(first ? "default " : ", default ", out);
  if (f->type == LOOM_FIELD_REAL)
    fprintf(out, "%g", *(const double*)value_of(s, f));
  else if (f->type == LOOM_FIELD_STRING)
    fputs(*(const char* const*)value_of(s, f), out);
  else
    loom_field_print(out, s, f);
}

void loom_field_help(FILE* out, const char* lead, const loomFieldDef* f, const void* s) {
  char choices[LOOM_FIELD_WANTED] = "", *text = NULL;
  size_t size = 0;
  FILE* line = open_memstream(&text, &size);
  if (!line) return;

  const char* about = f->about ? f->about : "";
  if (f->choices) list_choices(choices, sizeof choices, f->choices);

  // What it is, of what unit, what it may be, what it is unless one says otherwise.
  fputs(about, line);
  if (f->unit && f->type != LOOM_FIELD_STRINGS) fprintf(line, "%s(%s)", *about ? " " : "", f->unit);
  if (f->choices) fprintf(line, "%s(%s)", *about ? " " : "", choices);
  put_default(line, s, f, !*about && !f->choices && !f->unit);

  // A lead that leaves no room has a line to itself.
  if (!fclose(line)) {
    int n = fprintf(out, "%s", lead);
    if (n >= HELP_COLUMN) fprintf(out, "\n%*s", HELP_COLUMN, "");
    if (n < HELP_COLUMN) fprintf(out, "%*s", HELP_COLUMN - n, "");
    loom_print_wrapped(out, text, HELP_COLUMN);
  }
  free(text);
}
