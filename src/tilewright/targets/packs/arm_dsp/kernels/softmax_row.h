/// What a softmax needs to know of a row.
#pragma once

#include "dsp_words.h"
#include "tw_arithmetic.h"

/// The largest of `count` > 0 bytes.
static inline int32_t softmax_largest(const int8_t *x, int32_t count) {
  const int8_t *const end = x + count;
  int32_t largest = INT8_MIN;
  do {
    largest = tw_max(largest, *x++);
  } while (x != end);
  return largest;
}

/// The sum of exponentials, each divided by 2**bits, ties up; none is negative.
/// from  the table's entry for 0
static inline int32_t softmax_sum(const int8_t *x, int32_t count, const int32_t *from,
                                  int32_t bits) {
  const uint32_t half = ((uint32_t)1 << bits) >> 1;
  const int8_t *const end = x + count;
  uint32_t sum = 0;
  do {
    sum += ((uint32_t)*(from - *x++) + half) >> bits;
  } while (x != end);
  return (int32_t)sum;
}
