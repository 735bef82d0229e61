// Memory that grows block by block: zeroed, aligned, in its place until all of it is given back.
#include "engine/base/heap.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void pieces_are_zeroed_aligned_and_apart(void** state) {
  (void)state;
  enum { pieces = 500 };
  loomHeap heap = {0};
  unsigned char* piece[pieces];

  // Of all sizes, some larger than a block; each is filled, and stays as it was filled.
  for (int i = 0; i < pieces; i++) {
    size_t n = (size_t)(i * 37 % 300) + (i % 100 ? 0 : 100000);
    piece[i] = loom_heap_take(&heap, n, 1);
    assert_non_null(piece[i]);
    assert_int_equal((uintptr_t)piece[i] % alignof(max_align_t), 0);
    for (size_t k = 0; k < n; k++) assert_int_equal(piece[i][k], 0);
    memset(piece[i], i % 251 + 1, n);
  }

  for (int i = 0; i < pieces; i++) {
    size_t n = (size_t)(i * 37 % 300) + (i % 100 ? 0 : 100000);
    for (size_t k = 0; k < n; k++) assert_int_equal(piece[i][k], i % 251 + 1);
  }

  loom_heap_destroy(&heap);
  assert_null(heap.last);
  loom_heap_destroy(&heap);
}

static void arrays_grow(void** state) {
  (void)state;
  loomHeap heap = {0};
  int *list = NULL, room = 0;

  for (int i = 0; i < 10000; i++) {
    list = loom_heap_grow(&heap, list, i, &room, sizeof *list);
    assert_non_null(list);
    assert_true(room > i);
    list[i] = i;
  }
  for (int i = 0; i < 10000; i++) assert_int_equal(list[i], i);

  // What was left behind on the way is at most as much again.
  assert_true(heap.total < 5 * 10000 * sizeof *list);
  loom_heap_destroy(&heap);
}

static void too_much_is_refused(void** state) {
  (void)state;
  loomHeap heap = {.most = 1 << 16};

  // More than the limit at once, and products that overflow.
  assert_non_null(loom_heap_take(&heap, 1 << 14, 1));
  assert_null(loom_heap_take(&heap, 1 << 16, 1));
  assert_null(loom_heap_take(&heap, SIZE_MAX, 1));
  assert_null(loom_heap_take(&heap, SIZE_MAX / 2, 16));

  assert_non_null(loom_heap_take(&heap, 0, 8));

  // What there is stays good after a refusal.
  int room = 1, *list = loom_heap_take(&heap, 1, sizeof *list);
  assert_non_null(list);
  *list = 7;
  assert_null(loom_heap_grow(&heap, list, 1 << 20, &room, sizeof *list));
  assert_int_equal(*list, 7);
  assert_true(heap.total <= heap.most);
  loom_heap_destroy(&heap);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
                                     cmocka_unit_test(arrays_grow), cmocka_unit_test(too_much_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
