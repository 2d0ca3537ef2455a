#include "tw_sim.h"

enum { ROOM = 160, SYS_WRITE0 = 4 };

int tw_semihost(int operation, const void *argument);

typedef struct {
  char text[ROOM];
  int used, total;
} line;

static void flush(line *l) {
  l->text[l->used] = '\0';
  tw_semihost(SYS_WRITE0, l->text);
  l->total += l->used;
  l->used = 0;
}

static void put(line *l, char c) {
  if (l->used == ROOM - 1) {
    flush(l);
  }
  l->text[l->used++] = c;
}

typedef struct {
  int width;
  int is_left;
  char fill;
} layout;

static void put_text(line *l, const char *text, int size, layout how) {
  for (int i = size; !how.is_left && i < how.width; i++) {
    put(l, how.fill);
  }
  for (int i = 0; i < size; i++) {
    put(l, text[i]);
  }
  for (int i = size; how.is_left && i < how.width; i++) {
    put(l, ' ');
  }
}

static void put_number(line *l, uint32_t value, uint32_t base, int is_negative, layout how) {
  char digits[12];
  int at = 12;
  do {
    digits[--at] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  if (is_negative && how.fill == '0') {
    put(l, '-');
    how.width--;
  } else if (is_negative) {
    digits[--at] = '-';
  }
  put_text(l, digits + at, 12 - at, how);
}

static int length(const char *text) {
  int size = 0;
  while (text[size] != '\0') {
    size++;
  }
  return size;
}

static void put_argument(line *l, char kind, va_list *arguments, layout how) {
  switch (kind) {
  case 'd': {
    const int value = va_arg(*arguments, int);
    put_number(l, value < 0 ? 0u - (uint32_t)value : (uint32_t)value, 10, value < 0, how);
    break;
  }
  case 'u':
    put_number(l, va_arg(*arguments, uint32_t), 10, 0, how);
    break;
  case 'x':
    put_number(l, va_arg(*arguments, uint32_t), 16, 0, how);
    break;
  case 's': {
    const char *text = va_arg(*arguments, const char *);
    put_text(l, text, length(text), how);
    break;
  }
  case 'c': {
    const char letter = (char)va_arg(*arguments, int);
    put_text(l, &letter, 1, how);
    break;
  }
  default:
    put(l, kind);
  }
}

int printf(const char *format, ...) {
  line l; // the text needs no initial value
  l.used = l.total = 0;
  va_list arguments;
  va_start(arguments, format);
  for (const char *f = format; *f != '\0'; f++) {
    layout how = {0, 0, ' '};
    if (*f != '%') {
      put(&l, *f);
      continue;
    }
    for (f++; *f == '-' || *f == '0'; f++) {
      how.is_left |= *f == '-';
      how.fill = *f == '0' ? '0' : how.fill;
    }
    for (; *f >= '0' && *f <= '9'; f++) {
      how.width = 10 * how.width + (*f - '0');
    }
    f += *f == 'l'; // long is int here
    put_argument(&l, *f, &arguments, how);
  }
  va_end(arguments);
  flush(&l);
  return l.total;
}
