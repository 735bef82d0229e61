// Whole files in, and files that appear whole or not at all: written beside their place, then renamed to it.
// Internal.
#ifndef LOOM_ENGINE_BASE_FILE_H
#define LOOM_ENGINE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "engine/base/error.h"

bool loom_is_file(const char* path);  // a regular file
bool loom_is_folder(const char* path);
bool loom_same_file(const char* a, const char* b);  // two paths that lead to one file

/// All of a file, or of a pipe, malloc'ed; a NUL stands behind its last byte. *n (nullable) is its size
/// without that. LOOM_ERR_IO: absent, no permission, neither a file nor a pipe, failing disk;
/// LOOM_ERR_FORMAT: more than `most` bytes; LOOM_ERR_MEMORY. *out is NULL after an error.
int loom_read_text(char** out, size_t* n, const char* path, size_t most, loomError* err);
/// The same of a file that is open, for whoever opens files in a way of their own; messages call it `path`.
int loom_read_stream(char** out, size_t* n, FILE* file, size_t most, const char* path, loomError* err);

/// Where a file of this path goes: behind a link, to where that leads. malloc'ed. LOOM_ERR_IO when a link
/// leads nowhere.
int loom_file_place(char** out, const char* path, loomError* err);
/// May a file be put there? LOOM_ERR_IO when there is something else than a regular file, or one that is
/// write-protected; LOOM_ERR_USAGE when another program has it open for writing (HDF5 locks such files).
int loom_file_check_place(const char* path, loomError* err);

/// A file on its way to its place. What is there already stays until loom_file_commit.
typedef struct loomFile {
  char* path;          // its place
  char* temporary;     // PATH.tmp, where it is until then, locked; for libraries that open files by name
  FILE* stream;        // open on it for writing, empty
  int lock;            // the same, open until it is in its place
  int before;          // what is in its place, kept from being written to by others; -1: nothing
  struct stat status;  // of that
} loomFile;

/// Bytes of the name that a file will have: all of name, or what stands before the .tmp of one on its way.
size_t loom_file_final_length(const char* name);

/// Begin a file; what a killed run left of it is removed. LOOM_ERR_IO when it cannot be created, and as
/// loom_file_check_place; LOOM_ERR_USAGE when another run is writing it. It gets the permissions of what is
/// in its place. Then end it by one of the three below, once.
int loom_file_begin(loomFile* out, const char* path, loomError* err);
/// Flush and sync it to the disk, put it in its place and sync the folder: after LOOM_OK it survives a crash.
/// On an error (a full disk, the stream's own) it is removed, and what was in its place stays; so too when
/// another program has changed that meanwhile, or has it open for writing: LOOM_ERR_USAGE.
int loom_file_commit(loomFile* file, loomError* err);
/// Remove what was written after a write that failed with errno `why` (0: unknown), and say so: LOOM_ERR_IO.
int loom_file_fail(loomFile* file, int why, loomError* err);
/// Remove what was written. Takes an ended or zeroed one.
void loom_file_abort(loomFile* file);

/// Sync the folder of a file that was just created: then a crash does not lose the file's name.
int loom_file_sync_folder(const char* path, loomError* err);

/// Rename a file within its folder, and sync that.
int loom_file_move(const char* from, const char* to, loomError* err);

/// Make a folder unless it is there, and with `parents` what leads to it.
int loom_make_folder(const char* path, bool parents, loomError* err);

/// Has the disk of that path, which need not be there, room for so many bytes? LOOM_ERR_IO with both.
int loom_check_room(const char* path, double bytes, loomError* err);
/// Has it room for `more` further files as large as `like`, or nearly so? 0 also where there is no such file.
int loom_check_room_like(const char* path, const char* like, int64_t more, loomError* err);

/// May that folder be made, or written to where it is there, and is there room for so many bytes? Nothing is
/// made. LOOM_ERR_IO names what is in the way, or how much room there is.
int loom_folder_check_place(const char* path, double bytes, loomError* err);

/// The n bytes as a whole file.
int loom_file_write(const char* path, const void* bytes, size_t n, loomError* err);
/// Text, to its NUL, as a whole file.
int loom_file_write_text(const char* path, const char* text, loomError* err);

#endif
