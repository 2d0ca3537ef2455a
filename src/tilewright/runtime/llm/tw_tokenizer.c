#include "tw_tokenizer.h"

#include <string.h>

static tw_piece piece_of(const tw_tokenizer *tokenizer, uint16_t token) {
  const uint32_t start = tokenizer->start[token];
  return (tw_piece){tokenizer->text + start, tokenizer->start[token + 1] - start};
}

// Negative where the first of two equally long strings comes before: no library is needed for it.
static int32_t compared_bytes(const uint8_t *a, const uint8_t *b, uint32_t size) {
  for (uint32_t i = 0; i < size; i++) {
    if (a[i] != b[i]) {
      return (int32_t)a[i] - (int32_t)b[i];
    }
  }
  return 0;
}

// Of two strings, the second in two parts: negative where the first comes before.
static int32_t compared(tw_piece piece, tw_piece head, tw_piece tail) {
  const uint32_t first = piece.size < head.size ? piece.size : head.size;
  int32_t order = compared_bytes(piece.bytes, head.bytes, first);
  if (order || piece.size < head.size) {
    return order ? order : -1;
  }
  const uint32_t rest = piece.size - first;
  const uint32_t second = rest < tail.size ? rest : tail.size;
  order = compared_bytes(piece.bytes + first, tail.bytes, second);
  return order ? order : (int32_t)rest - (int32_t)tail.size;
}

// The token whose piece is head and then tail, or TW_NEVER.
static uint16_t token_of(const tw_tokenizer *tokenizer, tw_piece head, tw_piece tail) {
  uint32_t low = 0;
  uint32_t high = tokenizer->mergeable;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    const uint16_t token = tokenizer->sorted[middle];
    const int32_t order = compared(piece_of(tokenizer, token), head, tail);
    if (order == 0) {
      return token;
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return TW_NEVER;
}

static uint16_t pair_of(const tw_tokenizer *tokenizer, uint16_t a, uint16_t b) {
  if (tokenizer->rank[a] == TW_NEVER || tokenizer->rank[b] == TW_NEVER) {
    return TW_NEVER;
  }
  return token_of(tokenizer, piece_of(tokenizer, a), piece_of(tokenizer, b));
}

// Bytes of the UTF-8 unit at text: one where its continuation is not there.
static uint32_t unit_bytes(const uint8_t *text, uint32_t left) {
  const uint8_t first = text[0];
  uint32_t size = first < 0xC0 || first >= 0xF8 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (size > left) {
    return 1;
  }
  for (uint32_t i = 1; i < size; i++) {
    if ((text[i] & 0xC0) != 0x80) {
      return 1;
    }
  }
  return size;
}

// SentencePiece's own sign for a space means one in a text, too.
static const uint8_t SPACE_MARK[3] = {0xE2, 0x96, 0x81};
static const uint8_t SPACE[1] = {' '};

// Tokens of one unit each, or of one byte each where the unit is no piece.
static int32_t split(const tw_tokenizer *tokenizer, const uint8_t *text, uint32_t size,
                     uint16_t *tokens, uint32_t capacity) {
  uint32_t count = 0;
  int needs_prefix = tokenizer->is_prefixed && size > 0;
  for (uint32_t at = 0; at < size || needs_prefix;) {
    uint32_t bytes = needs_prefix ? 0 : unit_bytes(text + at, size - at);
    const int is_space =
        needs_prefix || (bytes == 3 && compared_bytes(text + at, SPACE_MARK, 3) == 0);
    const tw_piece unit = is_space ? (tw_piece){SPACE, 1} : (tw_piece){text + at, bytes};
    const uint16_t token = token_of(tokenizer, unit, (tw_piece){unit.bytes, 0});
    const uint32_t needed = token == TW_NEVER ? unit.size : 1;
    if (needed > capacity - count) {
      return TW_NO_ROOM;
    }
    for (uint32_t i = 0; i < needed; i++) {
      tokens[count++] = token == TW_NEVER ? tokenizer->byte_token[unit.bytes[i]] : token;
    }
    needs_prefix = 0;
    at += bytes;
  }
  return (int32_t)count;
}

// Replaces the pair of the smallest rank, leftmost first, until no pair is a piece. Two look-ups
// per replaced pair: pairs[i] is what tokens i and i + 1 make.
static uint32_t merge(const tw_tokenizer *tokenizer, uint16_t *tokens, uint16_t *pairs,
                      uint32_t count) {
  for (uint32_t i = 0; i + 1 < count; i++) {
    pairs[i] = pair_of(tokenizer, tokens[i], tokens[i + 1]);
  }
  while (count > 1) {
    uint32_t best = 0;
    uint16_t smallest = TW_NEVER;
    for (uint32_t i = 0; i + 1 < count; i++) {
      const uint16_t rank = pairs[i] == TW_NEVER ? TW_NEVER : tokenizer->rank[pairs[i]];
      if (rank < smallest) {
        smallest = rank;
        best = i;
      }
    }
    if (smallest == TW_NEVER) {
      break;
    }
    tokens[best] = pairs[best];
    const uint32_t moved = (count - best - 2) * (uint32_t)sizeof(uint16_t);
    memmove(tokens + best + 1, tokens + best + 2, moved);
    memmove(pairs + best, pairs + best + 1, moved);
    count--;
    if (best + 1 < count) {
      pairs[best] = pair_of(tokenizer, tokens[best], tokens[best + 1]);
    }
    if (best > 0) {
      pairs[best - 1] = pair_of(tokenizer, tokens[best - 1], tokens[best]);
    }
  }
  return count;
}

int32_t tw_encode(const tw_tokenizer *tokenizer, const uint8_t *text, uint32_t size,
                  uint16_t *tokens, uint16_t *pairs, uint32_t capacity) {
  if (capacity == 0) {
    return TW_NO_ROOM;
  }
  const int32_t count = split(tokenizer, text, size, tokens + 1, capacity - 1);
  if (count < 0) {
    return TW_NO_ROOM;
  }
  tokens[0] = tokenizer->begin;
  return 1 + (int32_t)merge(tokenizer, tokens + 1, pairs, (uint32_t)count);
}

tw_piece tw_decode(const tw_tokenizer *tokenizer, uint16_t previous, uint16_t token) {
  if (token >= tokenizer->tokens) {
    return (tw_piece){SPACE, 0};
  }
  tw_piece piece = piece_of(tokenizer, token);
  if (tokenizer->is_prefixed && previous == tokenizer->begin && piece.size > 0 &&
      piece.bytes[0] == ' ') {
    piece.bytes++;
    piece.size--;
  }
  return piece;
}
