#include "head_rows_xpulp.h"

#include "scaled_row_xpulp.h"

/// What all kernels here have in common; `turns` and `centre` may be null.
typedef struct {
  const int16_t *x, *turns, *centre;
  int8_t *y;
  int32_t width, column, heads, size;
} head_call;

/// One head's numbers, whose largest magnitude is `peak`, go to where they belong.
static inline void store_head(const head_call *c, const int32_t *wide, int32_t peak, int32_t row,
                              int32_t head) {
  int8_t *const y = c->y + row * c->heads * (c->size + TW_HEAD_FACTOR_BYTES);
  const xp_scale by = xp_scale_of(peak);
  xp_scale_part(wide, c->size, &by, y + head * c->size);
  const int16_t factor = (int16_t)by.factor;
  memcpy(y + c->heads * c->size + head * TW_HEAD_FACTOR_BYTES, &factor, sizeof factor);
}

/// Pairs of x turned by those of `turn`: half of them; without `centre` where there is one.
static inline int32_t turn_head(const int16_t *x, const int16_t *turn, const int16_t *centre,
                                int32_t size, int32_t *wide) {
  int32_t peak = 0;
  for (int32_t i = 0; i < size; i += 2) {
    const int32_t pair = xp_load((const int8_t *)(turn + i));
    const int32_t cosine = (int16_t)pair, sine = pair >> 16;
    int32_t a = p_addrn(p_mac(0, x[i], cosine) - p_mac(0, x[i + 1], sine), 0, 16);
    int32_t b = p_addrn(p_mac(p_mac(0, x[i], sine), x[i + 1], cosine), 0, 16);
    if (centre) {
      a = xp_within_15_bits(a - centre[i]);
      b = xp_within_15_bits(b - centre[i + 1]);
    }
    wide[i] = a;
    wide[i + 1] = b;
    peak = p_max(peak, p_max(xp_abs(a), xp_abs(b)));
  }
  return peak;
}

static inline int32_t widen_head(const int16_t *x, int32_t size, int32_t *wide) {
  int32_t peak = 0;
  for (int32_t i = 0; i < size; i++) {
    wide[i] = x[i];
    peak = p_max(peak, xp_abs(x[i]));
  }
  return peak;
}

static inline void do_heads(const head_call *c, tw_work work) {
  int32_t *const wide = work.scratch;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int32_t row = item / c->heads, head = item - row * c->heads;
    const int16_t *const x = c->x + row * c->width + c->column + head * c->size;
    const int16_t *const turn = c->turns ? c->turns + row * c->size : 0;
    const int16_t *const centre = c->centre ? c->centre + head * c->size : 0;
    const int32_t peak =
        turn ? turn_head(x, turn, centre, c->size, wide) : widen_head(x, c->size, wide);
    store_head(c, wide, peak, row, head);
  }
}

void head_rows_xpulp(const void *args, tw_work work) {
  const head_rows_xpulp_args *const a = args;
  const head_call call = {.x = a->x,
                          .y = a->y,
                          .width = a->width,
                          .column = a->column,
                          .heads = a->heads,
                          .size = a->head_dim};
  do_heads(&call, work);
}

void turned_head_rows_xpulp(const void *args, tw_work work) {
  const turned_head_rows_xpulp_args *const a = args;
  const head_call call = {.x = a->x,
                          .turns = a->turns + a->first * a->head_dim,
                          .y = a->y,
                          .width = a->width,
                          .column = a->column,
                          .heads = a->heads,
                          .size = a->head_dim};
  do_heads(&call, work);
}

void centred_head_rows_xpulp(const void *args, tw_work work) {
  const centred_head_rows_xpulp_args *const a = args;
  const head_call call = {.x = a->x,
                          .turns = a->turns + a->first * a->head_dim,
                          .centre = a->centre,
                          .y = a->y,
                          .width = a->width,
                          .column = a->column,
                          .heads = a->heads,
                          .size = a->head_dim};
  do_heads(&call, work);
}
