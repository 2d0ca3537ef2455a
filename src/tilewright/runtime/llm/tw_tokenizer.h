// Text to tokens and back, as SentencePiece's byte-pair vocabularies mean it. No heap.
//
// tilewright/llm/tokenizer.py is the definition; this does the same.
#ifndef TW_TOKENIZER_H
#define TW_TOKENIZER_H

#include <stdint.h>

enum {
  TW_NEVER = 0xFFFF, // rank of a token that no merge makes
  TW_NO_ROOM = -1    // what tw_encode returns when the tokens do not fit
};

// A vocabulary of at most 65534 tokens.
typedef struct {
  const uint8_t *text;        // the pieces, one after the other, in the order of their numbers
  const uint32_t *start;      // [tokens + 1] where each piece begins in text
  const uint16_t *listed;     // [mergeable] tokens that a merge makes, by their pieces' bucket
  const uint16_t *bucket;     // [buckets + 1] where each bucket begins in listed
  const uint16_t *rank;       // [tokens] the pair that makes the smallest is replaced first
  const uint16_t *byte_token; // [256] the token that stands for a byte where no piece does
  uint16_t tokens;
  uint16_t buckets;
  uint16_t begin;
  uint16_t end;
  uint8_t is_trimmed;  // 1: spaces at both ends go, and of several in a row one stays
  uint8_t is_prefixed; // 1: then a space is put before a text that is not empty
  uint8_t is_doubled;  // 1: also where the text begins with one
  uint8_t is_by_words; // 1: no token that a merge makes has a space behind anything else
} tw_tokenizer;

// The bytes that a token prints, which no zero byte ends.
typedef struct {
  const uint8_t *bytes;
  uint32_t size;
} tw_piece;

// Tokens of text[size], UTF-8, after the token "begin". Both arrays have room for capacity tokens,
// and size + 2 is always enough: words are merged one by one (all of the text at once where it is
// not by words), so that what fits in the end needs room for a word more at most. pairs is working
// memory. Returns how many tokens there are, or TW_NO_ROOM.
int32_t tw_encode(const tw_tokenizer *tokenizer, const uint8_t *text, uint32_t size,
                  uint16_t *tokens, uint16_t *pairs, uint32_t capacity);

// What token adds to the text after previous.
tw_piece tw_decode(const tw_tokenizer *tokenizer, uint16_t previous, uint16_t token);

#endif
