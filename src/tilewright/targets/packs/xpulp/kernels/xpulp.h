/// Instructions of XpulpV2 that stock compilers do not know, one function each; names as in the
/// RI5CY user manual. Encodings: docs/reference/instructions.md.
///
/// Programs have no __global_pointer$, so that linkers do not use gp and it is free like tp: asm
/// blocks that need more registers than the compiler has may use both.
#pragma once

#include <stdint.h>

typedef int32_t __attribute__((may_alias)) xp_word;

/// sum of four products of signed bytes, added to acc
static inline int32_t pv_sdotsp_b(int32_t acc, int32_t a, int32_t b) {
  __asm__(".insn r 0x57, 1, 0x5c, %0, %1, %2" : "+r"(acc) : "r"(a), "r"(b));
  return acc;
}

/// (x + y + half of 2**bits) / 2**bits, rounded down; 0 <= bits <= 31
static inline int32_t p_addrn(int32_t x, int32_t y, int32_t bits) {
  __asm__(".insn r 0x5b, 6, 0x20, %0, %1, %2" : "+r"(x) : "r"(y), "r"(bits));
  return x;
}

static inline int32_t p_min(int32_t a, int32_t b) {
  int32_t out;
  __asm__(".insn r 0x33, 4, 0x02, %0, %1, %2" : "=r"(out) : "r"(a), "r"(b));
  return out;
}

static inline int32_t p_max(int32_t a, int32_t b) {
  int32_t out;
  __asm__(".insn r 0x33, 6, 0x02, %0, %1, %2" : "=r"(out) : "r"(a), "r"(b));
  return out;
}

/// x within [0, high]
static inline int32_t p_clipu(int32_t x, int32_t high) {
  int32_t out;
  __asm__(".insn r 0x33, 6, 0x0a, %0, %1, %2" : "=r"(out) : "r"(x), "r"(high));
  return out;
}

/// x within [-high - 1, high]
static inline int32_t p_clip(int32_t x, int32_t high) {
  int32_t out;
  __asm__(".insn r 0x33, 5, 0x0a, %0, %1, %2" : "=r"(out) : "r"(x), "r"(high));
  return out;
}

/// acc + a * b
static inline int32_t p_mac(int32_t acc, int32_t a, int32_t b) {
  __asm__(".insn r 0x33, 0, 0x21, %0, %1, %2" : "+r"(acc) : "r"(a), "r"(b));
  return acc;
}

/// four bytes in one word, the first one lowest
static inline int32_t xp_pack(int32_t a, int32_t b, int32_t c, int32_t d) {
  int32_t out;
  // pv.packlo.b leaves the upper half as it was, pv.packhi.b the lower one.
  __asm__(".insn r 0x57, 1, 0x70, %0, %2, %1\n\t"
          ".insn r 0x57, 1, 0x6c, %0, %4, %3"
          : "=&r"(out)
          : "r"(a), "r"(b), "r"(c), "r"(d));
  return out;
}

/// four sums of bytes, each modulo 256
static inline int32_t pv_add_b(int32_t a, int32_t b) {
  int32_t out;
  __asm__(".insn r 0x57, 1, 0x00, %0, %1, %2" : "=r"(out) : "r"(a), "r"(b));
  return out;
}

/// the larger of each two signed bytes
static inline int32_t pv_max_b(int32_t a, int32_t b) {
  int32_t out;
  __asm__(".insn r 0x57, 1, 0x18, %0, %1, %2" : "=r"(out) : "r"(a), "r"(b));
  return out;
}

/// the smaller of each two signed bytes
static inline int32_t pv_min_b(int32_t a, int32_t b) {
  int32_t out;
  __asm__(".insn r 0x57, 1, 0x10, %0, %1, %2" : "=r"(out) : "r"(a), "r"(b));
  return out;
}

/// four differences of bytes, each modulo 256
static inline int32_t pv_sub_b(int32_t a, int32_t b) {
  int32_t out;
  __asm__(".insn r 0x57, 1, 0x04, %0, %1, %2" : "=r"(out) : "r"(a), "r"(b));
  return out;
}

/// each signed byte by 2**bits, rounded down
static inline int32_t pv_sra_b(int32_t a, int32_t bits) {
  int32_t out;
  __asm__(".insn r 0x57, 5, 0x24, %0, %1, %2" : "=r"(out) : "r"(a), "r"(bits));
  return out;
}

/// bytes of `old` (0 to 3) and `a` (4 to 7), chosen by the bytes of `by`
static inline int32_t pv_shuffle2_b(int32_t old, int32_t a, int32_t by) {
  __asm__(".insn r 0x57, 1, 0x64, %0, %1, %2" : "+r"(old) : "r"(a), "r"(by));
  return old;
}

/// halves of `old` (0 and 1) and `a` (2 and 3), chosen by the halves of `by`
static inline int32_t pv_shuffle2_h(int32_t old, int32_t a, int32_t by) {
  __asm__(".insn r 0x57, 0, 0x64, %0, %1, %2" : "+r"(old) : "r"(a), "r"(by));
  return old;
}

/// lower halves, the one of `low` below
static inline int32_t pv_pack_h(int32_t high, int32_t low) {
  int32_t out;
  __asm__(".insn r 0x57, 0, 0x68, %0, %1, %2" : "=r"(out) : "r"(high), "r"(low));
  return out;
}

/// p.lw rd, step(at!): four bytes at any address, which then moves on
static inline int32_t p_lw_post(const int8_t **at, int32_t step) {
  int32_t out;
  __asm__ volatile(".insn r 0x0b, 7, 0x10, %0, %1, %2"
                   : "=&r"(out), "+r"(*at)
                   : "r"(step)
                   : "memory");
  return out;
}

/// p.sw four, step(at!)
static inline void p_sw_post(int8_t **at, int32_t step, int32_t four) {
  __asm__ volatile(".insn r 0x2b, 6, 0x00, %1, %0, %2"
                   : "+r"(*at)
                   : "r"(step), "r"(four)
                   : "memory");
}

/// Fills pairs of words; `to` is aligned.
static inline void xp_fill_pairs(int8_t *to, int32_t four, int32_t pairs) {
  __asm__ volatile(".option push\n\t.option norvc\n\t"
                   ".insn i 0x7b, 4, x0, %[n], 4\n\t"       // lp.setup: 2 instructions
                   ".insn s 0x2b, 2, %[four], 4(%[to])\n\t" // p.sw
                   ".insn s 0x2b, 2, %[four], 4(%[to])\n\t" //
                   ".option pop"
                   : [to] "+r"(to)
                   : [n] "r"(pairs), [four] "r"(four)
                   : "memory");
}

/// Four bytes at any address; two accesses where they lie across words.
static inline int32_t xp_load(const int8_t *from) {
  int32_t out;
  __asm__("lw %0, 0(%1)" : "=r"(out) : "r"(from), "m"(*(const char (*)[4])from));
  return out;
}

static inline void xp_store(int8_t *to, int32_t four) {
  __asm__ volatile("sw %1, 0(%2)" : "=m"(*(char (*)[4])to) : "r"(four), "r"(to));
}

/// Upper half of the product of two words.
static inline int32_t xp_mulh(int32_t a, int32_t b) { return (int32_t)(((int64_t)a * b) >> 32); }

/// Copies words; both ends are aligned.
static inline void xp_copy_words(int8_t *to, const int8_t *from, int32_t words) {
  int32_t a, b;
  const int32_t pairs = words >> 1;
  if (pairs > 0) {
    __asm__ volatile(".option push\n\t.option norvc\n\t"
                     ".insn i 0x7b, 4, x0, %[n], 8\n\t"      // lp.setup: 4 instructions
                     ".insn i 0x0b, 2, %[a], %[from], 4\n\t" // p.lw
                     ".insn i 0x0b, 2, %[b], %[from], 4\n\t" //
                     ".insn s 0x2b, 2, %[a], 4(%[to])\n\t"   // p.sw
                     ".insn s 0x2b, 2, %[b], 4(%[to])\n\t"   //
                     ".option pop"
                     : [to] "+r"(to), [from] "+r"(from), [a] "=&r"(a), [b] "=&r"(b)
                     : [n] "r"(pairs)
                     : "memory");
  }
  if ((words & 1) != 0) {
    xp_store(to, xp_load(from));
  }
}
