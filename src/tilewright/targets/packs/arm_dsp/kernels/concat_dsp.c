/// Joins inputs by whole words wherever they lie: LDR and STR take any address.
#include "concat_dsp.h"

#include <string.h>

#include "dsp_words.h"

static inline void concat_dsp_word(uint8_t *to, uint32_t word) { memcpy(to, &word, sizeof word); }

/// From the last bytes to the first, for what is moved by less than its length.
DSP_TILE static void concat_dsp_back(uint8_t *to, const uint8_t *from, int32_t bytes) {
  for (; bytes % 4 > 0; bytes--) {
    to[bytes - 1] = from[bytes - 1];
  }
  for (const int8_t *x = (const int8_t *)from; bytes > 0; bytes -= 4) {
    concat_dsp_word(to + bytes - 4, dsp_load(x + bytes - 4));
  }
}

/// Four words are read before one is written.
static inline void concat_dsp_copy(uint8_t *to, const uint8_t *from, int32_t bytes) {
  if ((uintptr_t)to - (uintptr_t)from < (uintptr_t)bytes) {
    concat_dsp_back(to, from, bytes);
    return;
  }
  const int8_t *x = (const int8_t *)from;
  for (; bytes >= 16; bytes -= 16, x += 16, to += 16) {
    const uint32_t words[4] = {dsp_load(x), dsp_load(x + 4), dsp_load(x + 8), dsp_load(x + 12)};
    concat_dsp_word(to, words[0]);
    concat_dsp_word(to + 4, words[1]);
    concat_dsp_word(to + 8, words[2]);
    concat_dsp_word(to + 12, words[3]);
  }
  for (; bytes >= 4; bytes -= 4, x += 4, to += 4) {
    concat_dsp_word(to, dsp_load(x));
  }
  for (; bytes > 0; bytes--) {
    *to++ = (uint8_t)*x++;
  }
}

void concat2_dsp(const void *args, tw_work work) {
  const concat2_dsp_args *const a = args;
  const void *const x[2] = {a->x0, a->x1};
  const int32_t bytes[2] = {a->bytes0, a->bytes1};
  concat_rows((concat_inputs){x, bytes, 2}, a->y, work, concat_dsp_copy);
}

void concat3_dsp(const void *args, tw_work work) {
  const concat3_dsp_args *const a = args;
  const void *const x[3] = {a->x0, a->x1, a->x2};
  const int32_t bytes[3] = {a->bytes0, a->bytes1, a->bytes2};
  concat_rows((concat_inputs){x, bytes, 3}, a->y, work, concat_dsp_copy);
}

void concat4_dsp(const void *args, tw_work work) {
  const concat4_dsp_args *const a = args;
  const void *const x[4] = {a->x0, a->x1, a->x2, a->x3};
  const int32_t bytes[4] = {a->bytes0, a->bytes1, a->bytes2, a->bytes3};
  concat_rows((concat_inputs){x, bytes, 4}, a->y, work, concat_dsp_copy);
}
