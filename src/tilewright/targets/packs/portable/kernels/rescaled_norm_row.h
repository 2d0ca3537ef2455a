/// What RescaledNorm needs to know of a row before it normalises it.
#pragma once

#include "square_root.h"

/// What all rows have in common; see rescaled_norm_s8.h.
typedef struct {
  int32_t length, is_centred, x_zero, epsilon_high, epsilon, fraction_bits, guard;
} rescaled_norm_constants;

/// (length * x - centre) * 2**lift * reciprocal / 2**32 is the row, normalised.
typedef struct {
  int32_t centre, lift, reciprocal;
} rescaled_norm_row;

/// From the sums of a row's elements and of their squares.
static inline rescaled_norm_row rescaled_norm_of(const rescaled_norm_constants *a, int32_t sum,
                                                 int32_t squares) {
  const int32_t length = a->length;
  const int64_t zero = a->x_zero;
  const int64_t from_zero = squares - 2 * zero * sum + zero * zero * length;
  const int64_t spread =
      a->is_centred ? (int64_t)length * squares - (int64_t)sum * sum : (int64_t)length * from_zero;
  const uint64_t one = (uint64_t)1 << a->fraction_bits;
  const uint64_t epsilon = ((uint64_t)(uint32_t)a->epsilon_high << 31) + (uint32_t)a->epsilon;
  uint64_t total = ((uint64_t)spread << a->fraction_bits) + epsilon;
  total = total < one ? one : total;
  int32_t lift = a->fraction_bits / 2 - a->guard;
  for (; total >> 60 == 0; total <<= 2) {
    lift++;
  }
  const uint64_t reciprocal = (((uint64_t)1 << 61) - 1) / square_root_62(total);
  const int32_t centre = a->is_centred ? sum : length * a->x_zero;
  return (rescaled_norm_row){centre, lift, (int32_t)reciprocal};
}
