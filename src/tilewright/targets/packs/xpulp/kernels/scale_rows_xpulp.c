#include "scale_rows_xpulp.h"

#include "scaled_row_xpulp.h"
#include "square_root.h"

enum { CURVE_MIDDLE = 128 };

/// How a call's rows are shared: whole rows for each core, or a part of every row.
typedef struct {
  int32_t row, stop; // rows that this core has to do with
  int32_t meets;     // whether they are the others' as well
  xp_part part;      // of each of them
} share;

static inline share share_of(int32_t rows, int32_t length, tw_work work) {
  if (rows >= XP_SHARES) {
    return (share){rows * work.start >> 3, rows * work.stop >> 3, 0, {0, length}};
  }
  return (share){0, rows, 1, xp_part_of(length, work)};
}

/// Bytes of a row's part from its wide numbers, and the factor behind the row; `peak` is the
/// part's.
static inline void store_part(const share *s, int32_t peak, int32_t length, tw_work work,
                              int8_t *y) {
  const xp_row_scale by = xp_row_scale_of(s->meets ? xp_largest(peak, work.core) : peak);
  xp_scale_part(work.scratch, s->part.stop - s->part.start, &by, y + s->part.start);
  if (s->part.stop == length) {
    memcpy(y + length, &by.factor, sizeof by.factor);
  }
  if (s->meets) {
    xp_meet(); // before the next row's numbers are told
  }
}

void scale_rows_xpulp(const void *args, tw_work work) {
  const scale_rows_xpulp_args *const a = args;
  const share s = share_of(a->rows, a->length, work);
  for (int32_t row = s.row; row < s.stop; row++) {
    const int16_t *const x = a->x + row * a->length + s.part.start;
    const int32_t peak = xp_widen(x, s.part.stop - s.part.start, work.scratch);
    store_part(&s, peak, a->length, work, a->y + row * (a->length + TW_ROW_FACTOR_BYTES));
  }
}

/// In two words, pair by pair: squares of a pair stay within a word.
static inline uint64_t sum_of_squares(const int16_t *x, int32_t n) {
  uint32_t low = 0, high = 0, square;
  if (n & 1) {
    low = (uint32_t)(x[n - 1] * x[n - 1]);
  }
  if (n > 1) {
    __asm__ volatile(".option push\n\t.option norvc\n\t"
                     ".insn i 0x7b, 4, x0, %[n], 10\n\t"           // lp.setup: 5 instructions
                     ".insn i 0x0b, 2, %[s], %[x], 4\n\t"          // p.lw s, 4(x!)
                     ".insn r 0x57, 0, 0x4c, %[s], %[s], %[s]\n\t" // pv.dotsp.h
                     "add %[low], %[low], %[s]\n\t"                //
                     "sltu %[s], %[low], %[s]\n\t"                 //
                     "add %[high], %[high], %[s]\n\t.option pop"
                     : [x] "+r"(x), [low] "+r"(low), [high] "+r"(high), [s] "=&r"(square)
                     : [n] "r"(n >> 1)
                     : "memory");
  }
  return (uint64_t)high << 32 | low;
}

/// What a row is multiplied with, and how far it is shifted then; total is in [1, 2**53).
typedef struct {
  int32_t reciprocal, shift;
} unit_scale;

static inline unit_scale unit_scale_of(uint64_t total) {
  const uint32_t high = (uint32_t)(total >> 32);
  const int32_t bits = high ? 32 + xp_bit_length(high) : xp_bit_length((uint32_t)total);
  const int32_t exponent = bits - 32 + (bits & 1); // even: total / 2**exponent is in [2**30, 2**32)
  const uint32_t square = (uint32_t)(exponent < 0 ? total << -exponent : total >> exponent);
  const int32_t reciprocal = ((int32_t)1 << 30) / (int32_t)square_root_32(square);
  return (unit_scale){reciprocal, exponent < 0 ? 15 - -exponent / 2 : 15 + exponent / 2};
}

/// wide[n], the normalised x times the gain; the largest magnitude comes back.
static inline int32_t normalise(const int16_t *x, const int16_t *gain, int32_t n,
                                const unit_scale *by, int32_t *wide) {
  int32_t peak = 0, v, g, t;
  const int32_t high = INT16_MAX, least = -INT16_MAX;
  const int32_t half = by->shift > 0 ? (int32_t)(1u << (by->shift - 1)) : 0;
  if (n == 0) {
    return 0;
  }
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 22\n\t"     // lp.setup: 11 instructions
                   ".insn i 0x0b, 1, %[v], %[x], 2\n\t"    // p.lh v, 2(x!)
                   ".insn i 0x0b, 1, %[g], %[gain], 2\n\t" // p.lh g, 2(gain!)
                   "mv %[t], %[half]\n\t"                  //
                   ".insn r 0x33, 0, 0x21, %[t], %[v], %[reciprocal]\n\t" // p.mac: faster than mul
                   "sra %[t], %[t], %[shift]\n\t"                         //
                   ".insn r 0x33, 4, 0x02, %[t], %[t], %[high]\n\t"       // p.min
                   ".insn r 0x33, 6, 0x02, %[t], %[t], %[least]\n\t"      // p.max
                   ".insn r 0x5b, 0, 0x40, %[v], %[t], %[g]\n\t"          // p.muls
                   ".insn s 0x2b, 2, %[v], 4(%[wide])\n\t"                // p.sw v, 4(wide!)
                   ".insn r 0x33, 0, 0x02, %[v], %[v], x0\n\t"            // p.abs
                   ".insn r 0x33, 6, 0x02, %[peak], %[peak], %[v]\n\t"    // p.max
                   ".option pop"
                   : [x] "+r"(x), [gain] "+r"(gain), [wide] "+r"(wide), [peak] "+r"(peak),
                     [v] "=&r"(v), [g] "=&r"(g), [t] "=&r"(t)
                   : [n] "r"(n), [half] "r"(half), [reciprocal] "r"(by->reciprocal),
                     [shift] "r"(by->shift), [high] "r"(high), [least] "r"(least)
                   : "memory");
  return peak;
}

void norm_rows_xpulp(const void *args, tw_work work) {
  const norm_rows_xpulp_args *const a = args;
  const share s = share_of(a->rows, a->length, work);
  const uint64_t epsilon = ((uint64_t)(uint32_t)a->epsilon_high << 31) + (uint32_t)a->epsilon;
  const int16_t *const gain = a->gain + s.part.start;
  const int32_t count = s.part.stop - s.part.start;
  for (int32_t row = s.row; row < s.stop; row++) {
    const int16_t *const x = a->x + row * a->length + s.part.start;
    const uint64_t squares = sum_of_squares(x, count);
    const uint64_t total = s.meets ? xp_total(squares, work.core) : squares;
    const unit_scale by = unit_scale_of(total + epsilon);
    const int32_t peak = normalise(x, gain, count, &by, work.scratch);
    store_part(&s, peak, a->length, work, a->y + row * (a->length + TW_ROW_FACTOR_BYTES));
  }
}

/// wide[n], what the curve makes of each gate times what it lets through; the largest magnitude
/// comes back. `middle` is the curve at 0. Both ends of a piece are one load.
static inline int32_t let_through(const int16_t *gate, const int16_t *up, const int16_t *middle,
                                  int32_t n, int32_t *wide) {
  int32_t peak = 0, g, u, t, ends;
  const int32_t whole = 256, half = 128;
  if (n == 0) {
    return 0;
  }
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 30\n\t"     // lp.setup: 15 instructions
                   ".insn i 0x0b, 1, %[g], %[gate], 2\n\t" // p.lh g, 2(gate!)
                   ".insn i 0x0b, 1, %[u], %[up], 2\n\t"   // p.lh u, 2(up!)
                   "srai %[t], %[g], 8\n\t"                //
                   "slli %[t], %[t], 1\n\t"                //
                   ".insn r 0x03, 7, 0x10, %[ends], %[middle], %[t]\n\t" // p.lw ends, t(middle)
                   "andi %[g], %[g], 255\n\t"                            //
                   "sub %[t], %[whole], %[g]\n\t"                        //
                   ".insn r 0x57, 0, 0x68, %[g], %[g], %[t]\n\t"         // pv.pack.h g, g, t
                   "mv %[t], %[half]\n\t"                                //
                   ".insn r 0x57, 0, 0x5c, %[t], %[ends], %[g]\n\t"      // pv.sdotsp.h
                   "srai %[t], %[t], 8\n\t"                              //
                   ".insn r 0x5b, 0, 0x40, %[t], %[t], %[u]\n\t"         // p.muls: faster than mul
                   ".insn s 0x2b, 2, %[t], 4(%[wide])\n\t"               // p.sw t, 4(wide!)
                   ".insn r 0x33, 0, 0x02, %[t], %[t], x0\n\t"           // p.abs
                   ".insn r 0x33, 6, 0x02, %[peak], %[peak], %[t]\n\t"   // p.max
                   ".option pop"
                   : [gate] "+r"(gate), [up] "+r"(up), [wide] "+r"(wide), [peak] "+r"(peak),
                     [g] "=&r"(g), [u] "=&r"(u), [t] "=&r"(t), [ends] "=&r"(ends)
                   : [n] "r"(n), [middle] "r"(middle), [whole] "r"(whole), [half] "r"(half)
                   : "memory");
  return peak;
}

void gated_rows_xpulp(const void *args, tw_work work) {
  const gated_rows_xpulp_args *const a = args;
  const share s = share_of(a->rows, a->length, work);
  for (int32_t row = s.row; row < s.stop; row++) {
    const int16_t *const gate = a->x + row * 2 * a->length + s.part.start;
    const int32_t peak = let_through(gate, gate + a->length, a->curve + CURVE_MIDDLE,
                                     s.part.stop - s.part.start, work.scratch);
    store_part(&s, peak, a->length, work, a->y + row * (a->length + TW_ROW_FACTOR_BYTES));
  }
}
