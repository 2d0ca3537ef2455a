#include "head_rows_xpulp.h"

#include "scaled_row_xpulp.h"

/// Pairs of x turned by those of `turn`: half of them; the largest magnitude comes back. A pair of
/// either is one load. p.mulsN takes the lower halves, p.mulhhsN the upper ones.
static inline int32_t turn_head(const int16_t *x, const int16_t *turn, int32_t pairs,
                                int32_t *wide) {
  int32_t peak = 0, v, t, a, b;
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 32\n\t"                 // lp.setup: 16 instructions
                   ".insn i 0x0b, 2, %[v], %[x], 4\n\t"                // p.lw v, 4(x!)
                   ".insn i 0x0b, 2, %[t], %[turn], 4\n\t"             // p.lw t, 4(turn!)
                   ".insn r 0x5b, 0, 0x40, %[a], %[v], %[t]\n\t"       // p.mulsN by 0
                   ".insn r 0x5b, 0, 0x60, %[b], %[v], %[t]\n\t"       // p.mulhhsN by 0
                   "sub %[a], %[a], %[b]\n\t"                          //
                   "srli %[b], %[t], 16\n\t"                           //
                   ".insn r 0x57, 0, 0x68, %[t], %[t], %[b]\n\t"       // pv.pack.h: sine, cosine
                   ".insn r 0x57, 0, 0x4c, %[b], %[v], %[t]\n\t"       // pv.dotsp.h
                   ".insn r 0x5b, 6, 0x20, %[a], x0, %[half]\n\t"      // p.addRN: rounded
                   ".insn r 0x5b, 6, 0x20, %[b], x0, %[half]\n\t"      //
                   ".insn s 0x2b, 2, %[a], 4(%[wide])\n\t"             // p.sw a, 4(wide!)
                   ".insn s 0x2b, 2, %[b], 4(%[wide])\n\t"             //
                   ".insn r 0x33, 0, 0x02, %[a], %[a], x0\n\t"         // p.abs
                   ".insn r 0x33, 0, 0x02, %[b], %[b], x0\n\t"         //
                   ".insn r 0x33, 6, 0x02, %[peak], %[peak], %[a]\n\t" // p.max
                   ".insn r 0x33, 6, 0x02, %[peak], %[peak], %[b]\n\t" //
                   ".option pop"
                   : [x] "+r"(x), [turn] "+r"(turn), [wide] "+r"(wide), [peak] "+r"(peak),
                     [v] "=&r"(v), [t] "=&r"(t), [a] "=&r"(a), [b] "=&r"(b)
                   : [n] "r"(pairs), [half] "r"(16)
                   : "memory");
  return peak;
}

/// wide[size] without `centre`; the largest magnitude comes back.
static inline int32_t less_centre(int32_t *wide, const int16_t *centre, int32_t size) {
  int32_t peak = 0;
  for (int32_t i = 0; i < size; i++) {
    wide[i] = xp_within_15_bits(wide[i] - centre[i]);
    peak = p_max(peak, xp_abs(wide[i]));
  }
  return peak;
}

void head_rows_xpulp(const void *args, tw_work work) {
  const head_rows_xpulp_args *const a = args;
  const int32_t size = a->head_dim, vectors = a->heads * size;
  int32_t *const wide = work.scratch;
  int32_t row = work.start / a->heads, head = work.start - row * a->heads;
  for (int32_t item = work.start; item < work.stop; item++) {
    const int16_t *const x = a->x + row * a->width + a->column + head * size;
    int32_t peak = a->turns ? turn_head(x, a->turns + (a->first + row) * size, size >> 1, wide)
                            : xp_widen(x, size, wide);
    if (a->centre) {
      peak = less_centre(wide, a->centre + head * size, size);
    }
    int8_t *const y = a->y + row * (vectors + a->heads * TW_HEAD_FACTOR_BYTES);
    const xp_row_scale by = xp_row_scale_of(peak);
    xp_scale_part(wide, size, &by, y + head * size);
    const int16_t factor = (int16_t)by.factor;
    memcpy(y + vectors + head * TW_HEAD_FACTOR_BYTES, &factor, sizeof factor);
    if (++head == a->heads) {
      head = 0;
      row++;
    }
  }
}
