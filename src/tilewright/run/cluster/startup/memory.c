/// memcpy, memmove and memset: by words where both ends lie alike.
#include <stdint.h>
#include <string.h>

typedef uint32_t __attribute__((may_alias)) word;

enum { WORD = sizeof(word) };

static int is_whole(const void *a, const void *b) {
  return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1)) == 0;
}

static void copy_forward(uint8_t *to, const uint8_t *from, size_t size) {
  if (is_whole(to, from)) {
    for (; size >= 4 * WORD; size -= 4 * WORD, to += 4 * WORD, from += 4 * WORD) {
      const word *const f = (const word *)(const void *)from; // all loads before the first use
      const word a = f[0], b = f[1], c = f[2], d = f[3];
      word *const t = (word *)(void *)to;
      t[0] = a;
      t[1] = b;
      t[2] = c;
      t[3] = d;
    }
    for (; size >= WORD; size -= WORD, to += WORD, from += WORD) {
      *(word *)(void *)to = *(const word *)(const void *)from;
    }
  }
  for (; size > 0; --size) {
    *to++ = *from++;
  }
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  copy_forward(to, from, size);
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  uint8_t *t = to;
  const uint8_t *f = from;
  if (t <= f || t >= f + size) {
    copy_forward(t, f, size);
    return to;
  }
  while (size > 0) {
    --size;
    t[size] = f[size];
  }
  return to;
}

void *memset(void *to, int value, size_t size) {
  uint8_t *t = to;
  const word filled = (uint8_t)value * UINT32_C(0x01010101);
  if (is_whole(to, to)) {
    for (; size >= WORD; size -= WORD, t += WORD) {
      *(word *)(void *)t = filled;
    }
  }
  for (; size > 0; --size) {
    *t++ = (uint8_t)value;
  }
  return to;
}
