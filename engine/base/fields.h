// A table of fields says once what a struct's members are: their names, what they may be, their units and a
// line of help. From it the struct is read from YAML, set from a command line, checked, written as YAML or
// JSON and explained.
//
//   static const loomFieldDef fields[] = {
//       LOOM_FIELD(settings, INT, epochs, .low = 1, .high = 1000, .about = "passes over the data"),
//       LOOM_FIELD(settings, REAL, rate, .least = 1e-12, .most = 10, .about = "learning rate"),
//   };
#ifndef LOOM_ENGINE_BASE_FIELDS_H
#define LOOM_ENGINE_BASE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/api.h"
#include "engine/base/yaml.h"

LOOM_C_BEGIN

struct cJSON;

enum { LOOM_SIZES = 8 };

/// A list of whole numbers, such as the widths of layers.
typedef struct loomSizes {
  int n;
  int size[LOOM_SIZES];
} loomSizes;

typedef enum loomFieldType {
  LOOM_FIELD_BOOL,    // bool
  LOOM_FIELD_INT,     // int, from low to high
  LOOM_FIELD_INT64,   // int64_t, from low to high
  LOOM_FIELD_REAL,    // double, from least to most
  LOOM_FIELD_CHOICE,  // int: which of `choices`
  LOOM_FIELD_TEXT,    // char[room], the final 0 included
  LOOM_FIELD_STRING,  // const char*, which is kept as it is given; NULL = none
  LOOM_FIELD_SIZES,   // loomSizes, entries from low to high; "64,128" on a command line
  LOOM_FIELD_STRINGS,  // such pointers in an array of room bytes, how many in an int at `count`; `unit` says of what
  LOOM_FIELD_NAMES,  // texts of `size` bytes in an array of room bytes, how many in an int at `count`
  LOOM_FIELD_MAPS,  // structs likewise, each with fields of its own (`items`); numbers that are 0 are not written
} loomFieldType;

typedef struct loomFields loomFields;

typedef struct loomFieldDef {
  const char* name;
  loomFieldType type;
  size_t offset;               // in the struct that the table is of
  size_t room;                 // bytes there
  int64_t low, high;           // of whole numbers
  double least, most;          // of real numbers
  const char* const* choices;  // NULL-terminated
  size_t size, count;          // of lists: bytes of an entry, offset of how many there are
  const loomFields* items;
  unsigned when;     // bits of what a field is for (`now` below); 0 = always
  const char* unit;  // "s"; NULL = none
  const char* about;
} loomFieldDef;

/// A table.
struct loomFields {
  const loomFieldDef* field;
  int n;
};

/// A row for a member of struct type S, under another name than the member's, or under its own.
#define LOOM_FIELD_AS(label, S, kind, member, ...)                             \
  {                                                                            \
    .name = (label), .type = LOOM_FIELD_##kind, .offset = offsetof(S, member), \
    .room = sizeof((S*)0)->member, __VA_ARGS__                                 \
  }
#define LOOM_FIELD(S, kind, member, ...) LOOM_FIELD_AS(#member, S, kind, member, __VA_ARGS__)
#define LOOM_FIELDS(rows) \
  { .field = (rows), .n = (int)(sizeof(rows) / sizeof *(rows)) }

// ---- one field

enum { LOOM_FIELD_WANTED = 256 };
/// What a text for the field has to be: "a whole number from 1 to 8".
void loom_field_wanted(char out[LOOM_FIELD_WANTED], const loomFieldDef* field);
/// Set the field of s from a text, wherever that came from; NAMES take one more entry. Numbers may be
/// expressions ("2/3"). False, and nothing is changed, where the text is not what is wanted.
bool loom_field_set(void* s, const loomFieldDef* field, const char* text);
/// Whether it has a value: a number in its range, one of its choices, a text that is not empty, a list with
/// entries. What commands and files leave out is marked by a value that is none.
bool loom_field_given(const void* s, const loomFieldDef* field);
/// The value as YAML writes it.
void loom_field_print(FILE* out, const void* s, const loomFieldDef* field);

// ---- all fields of a struct

/// The field of that name, or NULL.
const loomFieldDef* loom_fields_find(const loomFields* fields, const char* name);
/// From a YAML map (0: none). Absent keys leave their fields as they are. LOOM_ERR_FORMAT "FILE:LINE: key
/// 'KEY': ..." names a key that is unknown (and the nearest one there is), that is not what its field wants,
/// or whose `when` has no bit of `now`: it "means nothing for WHAT".
int loom_fields_read(void* s, const loomFields* fields, const loomYaml* y, loomNode map, unsigned now,
                     const char* what, loomError* err);
/// As lines of YAML, "  KEY: VALUE", those that are for `now`. Read again they are the same.
void loom_fields_write(FILE* out, const void* s, const loomFields* fields, unsigned now);
/// Into a JSON object, those that are for `now`; numbers that are not finite are left out. MAPS are not
/// written.
void loom_fields_json(struct cJSON* out, const void* s, const loomFields* fields, unsigned now);

/// An error at the line of a key, or of its map where the key is left to its default.
int loom_fields_error(const loomYaml* y, loomNode map, const char* key, loomError* err, const char* format,
                      ...) LOOM_PRINTF(5, 6);

// ---- help

/// `lead` ("  -n, --episodes N"), then what the field is, its choices, unit and, where s (NULL: none) has a
/// value, its default; long lines go on below.
void loom_field_help(FILE* out, const char* lead, const loomFieldDef* field, const void* s);
/// A text in lines of at most 100 characters, all but the first indented by so many.
void loom_print_wrapped(FILE* out, const char* text, int indent);

LOOM_C_END

#endif
