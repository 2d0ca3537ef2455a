"""A bundle with entries ``prompt`` and ``decode`` becomes one that talks: text in, text out.

NAME_generate.h and .c call the entries; the vocabulary stands in NAME_tokenizer.c, tokenizer and
sampler are the runtime's own files.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import tilewright
from tilewright.backend.bundle import Bundle
from tilewright.llm.print_tokenizer import print_tokenizer
from tilewright.llm.tokenizer import Tokenizer

PIECES = Path(tilewright.__file__).parent / "runtime/llm"


@dataclass(frozen=True, slots=True)
class GenerateShape:
    """What the entries of a bundle are like.

    context     tokens that the cache has room for
    chunk       tokens that ``prompt`` takes at once
    vocabulary  logits
    octaves     of the sampler: what a logit of 1 means
    has_arenas  whether the network's memory is a struct of several blocks
    cores       that share the choice of a token
    """

    context: int
    chunk: int
    vocabulary: int
    octaves: int
    has_arenas: bool
    cores: int = 1


def with_generate(bundle: Bundle, talker: GenerateShape, tokenizer: Tokenizer) -> Bundle:
    """The bundle with tw_NAME_generate, and all that it needs."""
    name = bundle.name
    files = {
        f"{name}_generate.h": _filled(_HEADER, name, talker),
        f"{name}_generate.c": _filled(_SOURCE, name, talker),
        f"{name}_tokenizer.c": print_tokenizer(name, tokenizer),
        **{path.name: path.read_text(encoding="utf-8") for path in sorted(PIECES.glob("*.[ch]"))},
    }
    return replace(
        bundle, files={**bundle.files, **files}, sources=(*bundle.sources, *_sources(files))
    )


def _sources(files: Iterable[str]) -> Iterable[str]:
    return (name for name in files if name.endswith(".c"))


def _filled(text: str, name: str, talker: GenerateShape) -> str:
    words = {
        "NAME": name.upper(), "name": name,
        "ARENA": f"const tw_{name}_arenas *arena" if talker.has_arenas else "void *arena",
        "CONTEXT": talker.context, "CHUNK": talker.chunk, "VOCABULARY": talker.vocabulary,
        "OCTAVES": talker.octaves, "CORES": talker.cores,
        "SHARED": _SHARED if talker.cores > 1 else "",
        "SAMPLE": "tw_sample_shared" if talker.cores > 1 else "tw_sample",
        "SHARE": ", share_logits" if talker.cores > 1 else "",
    }  # fmt: skip
    for word in ("SHARED", *words):
        text = text.replace(f"@{word}@", str(words[word]))
    return text


_HEADER = """\
/// Text in, text out, token by token. No heap.
#pragma once

#include "@name@.h"
#include "tw_sampler.h"
#include "tw_tokenizer.h"

enum {
  TW_@NAME@_CONTEXT = @CONTEXT@,       // tokens of prompt and answer together
  TW_@NAME@_VOCABULARY = @VOCABULARY@, // tokens that there are
  TW_@NAME@_OCTAVES = @OCTAVES@,       // tw_sampler.octaves: what a logit of 1 means
  TW_@NAME@_PROMPT_TOO_LONG = -100     // the prompt has more tokens than the context
};

/// Working memory for the prompt's tokens; the caller owns it.
typedef struct {
  uint16_t tokens[TW_@NAME@_CONTEXT];
  uint16_t pairs[TW_@NAME@_CONTEXT];
} tw_@name@_prompt_memory;

/// What to say, and to whom.
///   prompt   [prompt_bytes] UTF-8
///   tokens   at most so many are made after the prompt
///   sampler  how they are chosen; its state goes on
///   said     called with every token and the bytes that it adds to the text; 0 ends the text
typedef struct {
  const uint8_t *prompt;
  uint32_t prompt_bytes;
  uint32_t tokens;
  tw_sampler *sampler;
  int (*said)(void *user, uint16_t token, tw_piece piece);
  void *user;
} tw_@name@_request;

extern const tw_tokenizer @name@_tokenizer;

/// Says what follows the prompt until the model ends its text, `said` does, or there is no room for
/// more. Begins with a reset. Returns how many tokens were made; TW_@NAME@_PROMPT_TOO_LONG; or what
/// an entry returned, negative.
int32_t tw_@name@_generate(@ARENA@, tw_@name@_prompt_memory *memory,
                           const tw_@name@_request *request);
"""

_SHARED = """\
#include "tw_parallel.h"

/// A part of the sampler's work as a kernel call has it.
typedef struct {
  tw_sampler_part *part;
  void *args;
} logits_share;

static void do_logits(const void *args, tw_work work) {
  const logits_share *const share = args;
  share->part(share->args, work.start, work.stop);
}

static void share_logits(tw_sampler_part *part, void *args, int32_t items) {
  const logits_share share = {part, args};
  tw_parallel(do_logits, &share, items, (tw_team){.cores = @CORES@});
}

"""

_SOURCE = """\
#include "@name@_generate.h"

@SHARED@enum { CHUNK = @CHUNK@ };

/// Runs all tokens of the prompt; 0, or what an entry returned.
static int read_prompt(@ARENA@, const uint16_t *tokens, int32_t count) {
  int status = 0; // no reset: of keys and values only those that this text wrote are read
  const tw_@name@_prompt_outputs outputs = tw_@name@_prompt_outputs_in(arena);
  for (int32_t end = 0; end < count && status == 0;) {
    const int32_t rows = count - end < CHUNK ? count - end : CHUNK;
    int32_t *const given = tw_@name@_prompt_tokens_in(arena);
    for (int32_t i = 0; i < CHUNK; i++) {
      given[i] = i < rows ? tokens[end + i] : 0;
    }
    end += rows;
    const tw_@name@_prompt_inputs inputs = {.tokens = given};
    status = tw_@name@_prompt(arena, &inputs, &outputs, end, rows);
  }
  return status;
}

/// Runs one token at position end - 1; 0, or what the entry returned.
static int read_token(@ARENA@, uint16_t token, int32_t end) {
  const tw_@name@_decode_outputs outputs = tw_@name@_decode_outputs_in(arena);
  int32_t *const given = tw_@name@_decode_tokens_in(arena);
  *given = token;
  const tw_@name@_decode_inputs inputs = {.tokens = given};
  return tw_@name@_decode(arena, &inputs, &outputs, end);
}

int32_t tw_@name@_generate(@ARENA@, tw_@name@_prompt_memory *memory,
                           const tw_@name@_request *request) {
  const tw_tokenizer *const tokenizer = &@name@_tokenizer;
  int32_t end = tw_encode(tokenizer, request->prompt, request->prompt_bytes, memory->tokens,
                          memory->pairs, TW_@NAME@_CONTEXT);
  if (end < 0) {
    return TW_@NAME@_PROMPT_TOO_LONG;
  }
  int status = read_prompt(arena, memory->tokens, end);
  const int16_t *logits = tw_@name@_prompt_outputs_in(arena).logits;
  uint16_t previous = memory->tokens[end - 1];
  uint32_t made = 0;
  while (status == 0 && made < request->tokens) {
    const uint16_t token =
        (uint16_t)@SAMPLE@(request->sampler, logits, TW_@NAME@_VOCABULARY@SHARE@);
    if (token == tokenizer->begin || token == tokenizer->end) {
      break;
    }
    made++;
    const tw_piece piece = tw_decode(tokenizer, previous, token);
    const int goes_on = request->said(request->user, token, piece);
    if (!goes_on || made == request->tokens || end == TW_@NAME@_CONTEXT) {
      break;
    }
    status = read_token(arena, token, ++end);
    logits = tw_@name@_decode_outputs_in(arena).logits;
    previous = token;
  }
  return status == 0 ? (int32_t)made : -status;
}
"""
