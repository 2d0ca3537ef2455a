#include "quick_loops.h"

#include "lut_s8_dsp.h"

#include "dsp_words.h"

void lut_s8_dsp(const void *args, tw_work work) {
  const lut_s8_dsp_args *const a = args;
  const int8_t *x = a->x + work.start, *const table = a->table;
  int8_t *y = a->y + work.start;
  int8_t *const stop = a->y + work.stop;
  int8_t *const last = stop - (work.stop - work.start) % 4;
  for (; y != last; x += 4, y += 4) {
    const uint32_t at = dsp_load(x) ^ 0x80808080; // x + 128 is x with the other sign bit
    y[0] = table[at & 0xFF];
    y[1] = table[at >> 8 & 0xFF];
    y[2] = table[at >> 16 & 0xFF];
    y[3] = table[at >> 24];
  }
  for (; y != stop; x++, y++) {
    *y = table[*x + 128];
  }
}
