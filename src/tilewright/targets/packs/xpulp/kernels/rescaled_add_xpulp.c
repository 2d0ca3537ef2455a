/// Two multiply-accumulates, one rounding shift and one clip per element; four make a word.
#include "rescaled_add_xpulp.h"

#include "xp_requantise.h"

/// What all elements share.
typedef struct {
  int32_t start, a_multiplier, b_multiplier, shift;
  xp_output out;
} rescaled_add_shared;

/// One element before y_zero is added.
static inline int32_t rescaled_add_one(const rescaled_add_shared *s, int32_t a, int32_t b,
                                       int32_t positive) {
  const int32_t sum = p_mac(p_mac(s->start, a, s->a_multiplier), b, s->b_multiplier);
  return xp_clip(p_addrn(sum, 0, s->shift), &s->out, positive);
}

/// What one lane of four takes: mv, p.mac twice, p.addrn, then `clip` to its own register.
#define RESCALED_ADD_LANE(a, b, clip)                                                              \
  "mv %[t], %[start]\n\t.insn r 0x33, 0, 0x21, %[t], " a ", %[am]\n\t"                             \
  ".insn r 0x33, 0, 0x21, %[t], " b ", %[bm]\n\t"                                                  \
  ".insn r 0x5b, 6, 0x20, %[t], x0, %[shift]\n\t" clip(a)
#define RESCALED_ADD_POSITIVE(a) ".insn r 0x33, 6, 0x0a, " a ", %[t], %[high]\n\t" // p.clipur
#define RESCALED_ADD_SIGNED(a) /* p.max, p.min */                                                  \
  ".insn r 0x33, 6, 0x02, %[t], %[t], %[low]\n\t.insn r 0x33, 4, 0x02, " a ", %[t], %[high]\n\t"
#define RESCALED_ADD_LB(to, at) ".insn i 0x0b, 0, " to ", " at ", 1\n\t" // p.lb to, 1(at!)

/// Fours of elements; `twice`: twice the instructions of the loop.
#define RESCALED_ADD_FOURS(twice, clip)                                                            \
  __asm__ volatile(                                                                                \
      ".option push\n\t.option norvc\n\t"                                                          \
      ".insn i 0x7b, 4, x0, %[n], " twice "\n\t" /* lp.setup */                                    \
      RESCALED_ADD_LB("%[x0]", "%[a]") RESCALED_ADD_LB("%[z0]", "%[b]") RESCALED_ADD_LB(           \
          "%[x1]", "%[a]") RESCALED_ADD_LB("%[z1]", "%[b]") RESCALED_ADD_LB("%[x2]", "%[a]")       \
          RESCALED_ADD_LB("%[z2]", "%[b]") RESCALED_ADD_LB("%[x3]", "%[a]")                        \
              RESCALED_ADD_LB("%[z3]", "%[b]") RESCALED_ADD_LANE("%[x0]", "%[z0]", clip)           \
                  RESCALED_ADD_LANE("%[x1]", "%[z1]", clip)                                        \
                      RESCALED_ADD_LANE("%[x2]", "%[z2]", clip) RESCALED_ADD_LANE(                 \
                          "%[x3]", "%[z3]",                                                        \
                          clip) ".insn r 0x57, 1, 0x70, %[t], %[x1], %[x0]\n\t" /* pv.packlo.b */  \
                                ".insn r 0x57, 1, 0x6c, %[t], %[x3], %[x2]\n\t" /* pv.packhi.b */  \
                                ".insn r 0x57, 1, 0x00, %[t], %[t], %[zeros]\n\t" /* pv.add.b */   \
                                ".insn s 0x2b, 2, %[t], 4(%[y])\n\t"              /* p.sw */       \
                                ".option pop"                                                      \
      : [a] "+r"(a), [b] "+r"(b), [y] "+r"(y), [x0] "=&r"(x0), [x1] "=&r"(x1), [x2] "=&r"(x2),     \
        [x3] "=&r"(x3), [z0] "=&r"(z0), [z1] "=&r"(z1), [z2] "=&r"(z2), [z3] "=&r"(z3),            \
        [t] "=&r"(t)                                                                               \
      : [n] "r"(count >> 2), [start] "r"(s->start), [am] "r"(s->a_multiplier),                     \
        [bm] "r"(s->b_multiplier), [shift] "r"(s->shift), [low] "r"(s->out.low),                   \
        [high] "r"(s->out.high), [zeros] "r"(s->out.zeros)                                         \
      : "memory")

static void rescaled_add_all(const rescaled_add_shared *s, const int8_t *a, const int8_t *b,
                             int8_t *y, int32_t count, int32_t positive) {
  int32_t x0, x1, x2, x3, z0, z1, z2, z3, t;
  if (count >= 4 && positive) {
    RESCALED_ADD_FOURS("64", RESCALED_ADD_POSITIVE);
  } else if (count >= 4) {
    RESCALED_ADD_FOURS("72", RESCALED_ADD_SIGNED);
  }
  for (count &= 3; count > 0; --count) {
    *y++ = (int8_t)(rescaled_add_one(s, *a++, *b++, positive) + s->out.zeros);
  }
}

void rescaled_add_xpulp(const void *args, tw_work work) {
  const rescaled_add_xpulp_args *const p = args;
  const rescaled_add_shared shared = {p->start, p->a_multiplier, p->b_multiplier, p->shift,
                                      xp_output_of(p->low, p->high, p->y_zero)};
  const int8_t *const a = p->a + work.start, *const b = p->b + work.start;
  int8_t *const y = p->y + work.start;
  const int32_t count = work.stop - work.start;
  rescaled_add_all(&shared, a, b, y, count, shared.out.is_positive && shared.out.low == 0);
}
