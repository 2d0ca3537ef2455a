#include "tw_tokenizer.h"

#include <string.h>

static tw_piece piece_of(const tw_tokenizer *tokenizer, uint16_t token) {
  const uint32_t start = tokenizer->start[token];
  return (tw_piece){tokenizer->text + start, tokenizer->start[token + 1] - start};
}

// No library is needed for a few bytes.
static int is_equal(const uint8_t *a, const uint8_t *b, uint32_t size) {
  for (uint32_t i = 0; i < size; i++) {
    if (a[i] != b[i]) {
      return 0;
    }
  }
  return 1;
}

// FNV-1a, a step for every byte.
static uint32_t hashed(uint32_t hash, tw_piece piece) {
  for (uint32_t i = 0; i < piece.size; i++) {
    hash = (hash ^ piece.bytes[i]) * UINT32_C(16777619);
  }
  return hash;
}

// The token whose piece is head and then tail, or TW_NEVER.
static uint16_t token_of(const tw_tokenizer *tokenizer, tw_piece head, tw_piece tail) {
  const uint32_t hash = hashed(hashed(UINT32_C(2166136261), head), tail);
  const uint32_t bucket = (uint32_t)((uint64_t)hash * tokenizer->buckets >> 32);
  const uint32_t end = tokenizer->bucket[bucket + 1];
  for (uint32_t i = tokenizer->bucket[bucket]; i < end; i++) {
    const uint16_t token = tokenizer->listed[i];
    const tw_piece piece = piece_of(tokenizer, token);
    if (piece.size == head.size + tail.size && is_equal(piece.bytes, head.bytes, head.size) &&
        is_equal(piece.bytes + head.size, tail.bytes, tail.size)) {
      return token;
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

// A text that is being read.
typedef struct {
  const uint8_t *text;
  uint32_t left;
  int needs_prefix;
  int is_trimmed;
} text_rest;

static int begins_with_mark(const uint8_t *text, uint32_t size) {
  return size >= 3 && is_equal(text, SPACE_MARK, 3);
}

static void skip_spaces(text_rest *rest) {
  while (rest->left > 0 && rest->text[0] == ' ') {
    rest->text++;
    rest->left--;
  }
}

// A text without the spaces at its ends, if they go; of what follows, each unit is read once.
static text_rest begun(const tw_tokenizer *tokenizer, const uint8_t *text, uint32_t size) {
  text_rest rest = {text, size, 0, tokenizer->is_trimmed};
  if (rest.is_trimmed) {
    skip_spaces(&rest);
    int is_space = 1;
    while (rest.left > 0 && is_space) {
      const uint32_t tail = rest.left < 3 ? rest.left : 3;
      const uint8_t *const end = rest.text + rest.left;
      const int is_mark = begins_with_mark(end - tail, tail);
      is_space = is_mark || end[-1] == ' ';
      rest.left -= is_mark ? 3U : (uint32_t)is_space;
    }
  }
  const int has_one =
      rest.left > 0 && (rest.text[0] == ' ' || begins_with_mark(rest.text, rest.left));
  rest.needs_prefix =
      tokenizer->is_prefixed && rest.left > 0 && (tokenizer->is_doubled || !has_one);
  return rest;
}

// The unit at the beginning of a text, with a space for what means one; it is then read.
static tw_piece next_unit(text_rest *rest) {
  if (rest->needs_prefix) {
    rest->needs_prefix = 0;
    return (tw_piece){SPACE, 1};
  }
  const tw_piece unit = {rest->text, unit_bytes(rest->text, rest->left)};
  rest->text += unit.size;
  rest->left -= unit.size;
  if (rest->is_trimmed && unit.bytes[0] == ' ') {
    skip_spaces(rest);
  }
  return begins_with_mark(unit.bytes, unit.size) ? (tw_piece){SPACE, 1} : unit;
}

// Tokens of one unit each, or of one byte each where the unit is no piece: up to a space behind
// something else where a text is merged word by word, otherwise of all of it.
static int32_t split(const tw_tokenizer *tokenizer, text_rest *rest, uint16_t *tokens,
                     uint32_t capacity) {
  uint32_t count = 0;
  int is_inside = 0;
  while (rest->needs_prefix || rest->left > 0) {
    const text_rest before = *rest;
    const tw_piece unit = next_unit(rest);
    const int is_space = unit.size == 1 && unit.bytes[0] == ' ';
    if (is_space && is_inside && tokenizer->is_by_words) {
      *rest = before;
      break;
    }
    is_inside = !is_space;
    const uint16_t token = token_of(tokenizer, unit, (tw_piece){unit.bytes, 0});
    const uint32_t needed = token == TW_NEVER ? unit.size : 1;
    if (needed > capacity - count) {
      return TW_NO_ROOM;
    }
    for (uint32_t i = 0; i < needed; i++) {
      tokens[count++] = token == TW_NEVER ? tokenizer->byte_token[unit.bytes[i]] : token;
    }
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
  text_rest rest = begun(tokenizer, text, size);
  uint32_t made = 1;
  tokens[0] = tokenizer->begin;
  while (rest.needs_prefix || rest.left > 0) {
    const int32_t count = split(tokenizer, &rest, tokens + made, capacity - made);
    if (count < 0) {
      return TW_NO_ROOM;
    }
    made += merge(tokenizer, tokens + made, pairs, (uint32_t)count);
  }
  return (int32_t)made;
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
