/// Inputs one after another along an axis: each output row is a chunk of every input in turn.
///
/// A row is everything from the joined axis on; xI[rows][bytesI], y[rows][bytes0 + bytes1 + ..].
/// One struct and one symbol per number of inputs. Work items are rows.
#pragma once

#include "tilewright.h"

typedef struct {
  const void *x0;
  const void *x1;
  void *y;
  int32_t bytes0, bytes1;
} concat2_args;
void concat2(const void *args, tw_work work);

typedef struct {
  const void *x0;
  const void *x1;
  const void *x2;
  void *y;
  int32_t bytes0, bytes1, bytes2;
} concat3_args;
void concat3(const void *args, tw_work work);

typedef struct {
  const void *x0;
  const void *x1;
  const void *x2;
  const void *x3;
  void *y;
  int32_t bytes0, bytes1, bytes2, bytes3;
} concat4_args;
void concat4(const void *args, tw_work work);

typedef struct {
  const void *x0;
  const void *x1;
  const void *x2;
  const void *x3;
  const void *x4;
  void *y;
  int32_t bytes0, bytes1, bytes2, bytes3, bytes4;
} concat5_args;
void concat5(const void *args, tw_work work);

typedef struct {
  const void *x0;
  const void *x1;
  const void *x2;
  const void *x3;
  const void *x4;
  const void *x5;
  void *y;
  int32_t bytes0, bytes1, bytes2, bytes3, bytes4, bytes5;
} concat6_args;
void concat6(const void *args, tw_work work);

typedef struct {
  const void *x0;
  const void *x1;
  const void *x2;
  const void *x3;
  const void *x4;
  const void *x5;
  const void *x6;
  void *y;
  int32_t bytes0, bytes1, bytes2, bytes3, bytes4, bytes5, bytes6;
} concat7_args;
void concat7(const void *args, tw_work work);

typedef struct {
  const void *x0;
  const void *x1;
  const void *x2;
  const void *x3;
  const void *x4;
  const void *x5;
  const void *x6;
  const void *x7;
  void *y;
  int32_t bytes0, bytes1, bytes2, bytes3, bytes4, bytes5, bytes6, bytes7;
} concat8_args;
void concat8(const void *args, tw_work work);
