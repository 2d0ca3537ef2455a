/// Joining and reordering by words, for XpulpV2; arguments and meanings are those of concat.h,
/// mapped_s8.h and transpose.h.
#pragma once

#include "concat.h"
#include "mapped_s8.h"
#include "transpose.h"

/// Work items are rows.
void concat2_xpulp(const void *args, tw_work work);
void mapped_concat_xpulp(const void *args, tw_work work);
/// Bytes whose rows, in x as in y, are runs of whole words.
void transpose_words_xpulp(const void *args, tw_work work);
