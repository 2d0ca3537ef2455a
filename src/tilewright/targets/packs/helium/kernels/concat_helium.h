/// Two, three or four inputs one after another along an axis; the meaning is Concat in
/// src/tilewright/ops/layout.py. A row is everything from that axis on, and a work item.
#pragma once

#include "concat_core.h"

typedef struct {
  const void *x0, *x1; // [rows][bytesI]
  void *y;             // [rows][the sum of these]
  int32_t bytes0, bytes1;
} concat2_helium_args;
void concat2_helium(const void *args, tw_work work);

typedef struct {
  const void *x0, *x1, *x2; // [rows][bytesI]
  void *y;                  // [rows][the sum of these]
  int32_t bytes0, bytes1, bytes2;
} concat3_helium_args;
void concat3_helium(const void *args, tw_work work);

typedef struct {
  const void *x0, *x1, *x2, *x3; // [rows][bytesI]
  void *y;                       // [rows][the sum of these]
  int32_t bytes0, bytes1, bytes2, bytes3;
} concat4_helium_args;
void concat4_helium(const void *args, tw_work work);
