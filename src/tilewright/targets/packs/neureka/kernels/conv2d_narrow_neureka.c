#include "neureka_start.h"

enum { PITCH = 16 };

static inline void fill_rows(const neureka_narrow_args *a, uint32_t *words) {
  const uint32_t fill = (uint32_t)a->fill;
  for (int32_t row = 0; row < a->copy_rows; ++row) {
    words[0] = fill;
    words[1] = fill;
    words[2] = fill;
    words[3] = fill;
    words += PITCH / 4;
  }
}

/// Four bytes at any address: the core takes two accesses where they lie across words, and
/// compilers that do not know that would take eight.
static inline uint32_t load_four(const uint8_t *from) {
  uint32_t four;
  __asm__("lw %0, 0(%1)" : "=r"(four) : "r"(from), "m"(*(const char (*)[4])from));
  return four;
}

static inline void store_four(uint8_t *to, uint32_t four) {
  __asm__ volatile("sw %1, 0(%2)" : "=m"(*(char (*)[4])to) : "r"(four), "r"(to));
}

/// Where rows of the input go.
typedef struct {
  const uint8_t *from;
  uint8_t *to;
  int32_t rows, bytes, x_row;
} narrow_rows;

/// 8 to 16 bytes a row: four words, which overlap as far as they are more than that.
static inline void copy_long(narrow_rows r) {
  const int32_t last = r.bytes - 4;
  for (int32_t row = 0; row < r.rows; ++row) {
    const uint8_t *const from_last = r.from + last;
    uint8_t *const to_last = r.to + last;
    const uint32_t a = load_four(r.from), b = load_four(r.from + 4);
    const uint32_t c = load_four(from_last - 4), d = load_four(from_last);
    store_four(r.to, a);
    store_four(r.to + 4, b);
    store_four(to_last - 4, c);
    store_four(to_last, d);
    r.from += r.x_row;
    r.to += PITCH;
  }
}

static inline void copy_short(narrow_rows r) {
  for (int32_t row = 0; row < r.rows; ++row) {
    for (int32_t i = 0; i < r.bytes; ++i) {
      r.to[i] = r.from[i];
    }
    r.from += r.x_row;
    r.to += PITCH;
  }
}

static void copy_padded(const neureka_narrow_args *a, void *copy) {
  const narrow_rows rows = {
      .from = a->x,
      .to = (uint8_t *)copy + a->first_row * PITCH + a->first_byte,
      .rows = a->rows,
      .bytes = a->bytes,
      .x_row = a->x_row,
  };
  fill_rows(a, copy);
  if (a->bytes >= 8) {
    copy_long(rows);
  } else {
    copy_short(rows);
  }
}

void conv2d_narrow_neureka(const void *args, tw_work work) {
  const neureka_narrow_args *a = args;
  copy_padded(a, work.scratch);
  const neureka_args job = {
      .x = work.scratch,
      .w = a->w,
      .bias = a->bias,
      .y = a->y,
      .before = a->before,
      .scales = a->scales,
      .in_pixel = a->in_pixel,
      .in_row = a->in_row,
      .out_pixel = a->out_pixel,
      .out_row = a->out_row,
      .weight_row = a->weight_row,
      .last_channels = a->last_channels,
      .last_out = a->last_out,
      .last_in = a->last_in,
      .channel_tiles = a->channel_tiles,
      .pixel_tiles = a->pixel_tiles,
      .padding = a->padding,
      .weight_offset = a->weight_offset,
      .config = a->config,
  };
  neureka_start(&job);
}
