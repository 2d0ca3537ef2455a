"""A bundle with entries ``prompt`` and ``decode`` becomes one that talks: text in, text out.

NAME_generate.h and .c call the entries; the vocabulary stands in NAME_tokenizer.c, tokenizer and
sampler are the runtime's own files.
"""

from collections.abc import Iterable, Sequence
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
    chunk       tokens that ``prompt`` takes at once; 1: there is no such entry, ``decode`` reads it
    vocabulary  logits
    octaves     of the sampler: what a logit of 1 means
    drafts      candidates that ``verify`` takes behind a token; 0: there is no such entry
    has_arenas  whether the network's memory is a struct of several blocks
    cores       that share the choice of a token
    near        the arena's member whose memory is free between two runs, close to the cores and
                large enough for the logits, where there is one
    has_near_pieces  whether the tokenizer's tables, and two numbers of 16 bits for each token of
                the context, fit there as well
    """

    context: int
    chunk: int
    vocabulary: int
    octaves: int
    drafts: int
    has_arenas: bool
    cores: int = 1
    near: str = ""
    has_near_pieces: bool = False


def with_generate(
    bundle: Bundle, talker: GenerateShape, tokenizer: Tokenizer, own: Sequence[Path] = ()
) -> Bundle:
    """The bundle with tw_NAME_generate, and all that it needs. ``own``: files that the target has
    instead of the runtime's of the same name."""
    name = bundle.name
    pieces = {path.name: path for path in (*sorted(PIECES.glob("*.[ch]")), *own)}
    files = {
        f"{name}_generate.h": _filled(_HEADER, name, talker),
        f"{name}_generate.c": _filled(_source(talker), name, talker),
        f"{name}_tokenizer.c": print_tokenizer(name, tokenizer),
        **{piece: path.read_text(encoding="utf-8") for piece, path in pieces.items()},
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
        "OCTAVES": talker.octaves, "DRAFTS": talker.drafts,
        "FIRST": "prompt_" if talker.chunk > 1 else "",
        "DECODE": "decode_" if talker.chunk > 1 else "",
        "RUN": "decode" if talker.chunk > 1 else "run",
        "CORES": talker.cores,
        "SHARED": _SHARED if talker.cores > 1 else "",
        "SAMPLE": "tw_sample_shared" if talker.cores > 1 else "tw_sample",
        "SHARE": ", share_logits" if talker.cores > 1 else "",
        "BROUGHT": _BROUGHT if talker.near else "",
        "ENCODED": _ENCODED_NEAR if talker.near and talker.has_near_pieces else _ENCODED,
        "LOGITS": "brought(arena, next.logits)" if talker.near else "next.logits",
        "NEAR": talker.near,
    }  # fmt: skip
    for word in ("SHARED", "BROUGHT", "ENCODED", *words):
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

/// Working memory for the text's tokens; the caller owns it.
typedef struct {
  uint16_t tokens[TW_@NAME@_CONTEXT];
  uint16_t pairs[TW_@NAME@_CONTEXT];
  uint32_t calls; // of the network, after the prompt: fewer than tokens where drafts were right
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

_BROUGHT = """\
#include "tw_dma.h"

/// Logits where all cores read them at once: between two runs, nothing else lies there.
static const int16_t *brought(@ARENA@, const int16_t *logits) {
  tw_channel channel = {0};
  tw_load(&channel, arena->@NEAR@, logits, &(tw_box){.run = 2 * TW_@NAME@_VOCABULARY});
  tw_wait(&channel);
  return arena->@NEAR@;
}

"""

_SOURCE = """\
#include "@name@_generate.h"

@SHARED@@BROUGHT@enum { DRAFTS = @DRAFTS@ };

/// Logits of the next token and, behind them, of one after each candidate that `tokens` has.
typedef struct {
  const int16_t *logits;
  const uint16_t *tokens;
  int32_t count;
} draft;

/// Runs one token at position end - 1; 0, or what the entry returned.
static int read_token(@ARENA@, uint16_t token, int32_t end) {
  const tw_@name@_@DECODE@outputs outputs = tw_@name@_@DECODE@outputs_in(arena);
  int32_t *const given = tw_@name@_@DECODE@tokens_in(arena);
  *given = token;
  const tw_@name@_@DECODE@inputs inputs = {.tokens = given};
  return tw_@name@_@RUN@(arena, &inputs, &outputs, end);
}

"""

_ENCODED = """\
/// Tokens of the prompt, in memory->tokens; how many, or TW_NO_ROOM.
static int32_t encoded(@ARENA@, tw_@name@_prompt_memory *memory,
                       const tw_@name@_request *request) {
  (void)arena;
  return tw_encode(&@name@_tokenizer, request->prompt, request->prompt_bytes, memory->tokens,
                   memory->pairs, TW_@NAME@_CONTEXT);
}

"""

_ENCODED_NEAR = """\
/// A table where a look-up takes a cycle, and the place behind it.
static const void *carried(const void *table, uint32_t bytes, uint8_t **place) {
  tw_channel channel = {0};
  uint8_t *const to = *place;
  tw_load(&channel, to, table, &(tw_box){.run = (int32_t)bytes});
  tw_wait(&channel);
  *place = to + ((bytes + 3) & ~UINT32_C(3));
  return to;
}

/// Tokens of the prompt, in memory->tokens; how many, or TW_NO_ROOM. Before the first run, nothing
/// else lies where the tables go.
static int32_t encoded(@ARENA@, tw_@name@_prompt_memory *memory,
                       const tw_@name@_request *request) {
  tw_tokenizer near = @name@_tokenizer;
  uint8_t *place = arena->@NEAR@;
  const uint32_t bytes = near.start[near.tokens], listed = near.bucket[near.buckets];
  near.text = carried(near.text, bytes, &place);
  near.start = carried(near.start, 4 * (near.tokens + UINT32_C(1)), &place);
  near.listed = carried(near.listed, 2 * listed, &place);
  near.bucket = carried(near.bucket, 2 * (near.buckets + UINT32_C(1)), &place);
  near.rank = carried(near.rank, UINT32_C(2) * near.tokens, &place);
  near.byte_token = carried(near.byte_token, 512, &place);
  uint16_t *const tokens = (uint16_t *)(void *)place;
  const int32_t count = tw_encode(&near, request->prompt, request->prompt_bytes, tokens,
                                  tokens + TW_@NAME@_CONTEXT, TW_@NAME@_CONTEXT);
  for (int32_t i = 0; i < count; i++) {
    memory->tokens[i] = tokens[i];
  }
  return count;
}

"""

_IN_CHUNKS = """\
enum { CHUNK = @CHUNK@ };

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

"""

_ONE_BY_ONE = """\
/// Runs all tokens of the prompt; 0, or what the entry returned.
static int read_prompt(@ARENA@, const uint16_t *tokens, int32_t count) {
  int status = 0; // no reset: of keys and values only those that this text wrote are read
  for (int32_t end = 1; end <= count && status == 0; end++) {
    status = read_token(arena, tokens[end - 1], end);
  }
  return status;
}

"""

_PLAIN = """\
/// Runs the last token of the text; 0, or what the entry returned.
static int go_on(@ARENA@, const uint16_t *text, int32_t end, draft *next) {
  *next = (draft){0};
  const int status = read_token(arena, text[end - 1], end);
  next->logits = tw_@name@_@DECODE@outputs_in(arena).logits;
  return status;
}

"""

_DRAFTING = """\
/// Runs the last token of the text and candidates behind it; 0, or what the entry returned.
static int read_candidates(@ARENA@, const uint16_t *text, int32_t end, const draft *next) {
  const tw_@name@_verify_outputs outputs = tw_@name@_verify_outputs_in(arena);
  int32_t *const given = tw_@name@_verify_tokens_in(arena);
  for (int32_t i = 0; i <= DRAFTS; i++) {
    given[i] = i == 0 ? text[end - 1] : i <= next->count ? next->tokens[i - 1] : 0;
  }
  const tw_@name@_verify_inputs inputs = {.tokens = given};
  return tw_@name@_verify(arena, &inputs, &outputs, end + next->count, next->count + 1);
}

/// What followed the text's last two tokens when they last stood next to each other.
static draft looked_up(const uint16_t *text, int32_t end) {
  for (int32_t i = end - 2; i > 0; i--) {
    if (text[i] == text[end - 1] && text[i - 1] == text[end - 2]) {
      const int32_t known = end - i - 1;
      const int32_t room = TW_@NAME@_CONTEXT - end;
      const int32_t most = room < DRAFTS ? room : DRAFTS;
      return (draft){.tokens = text + i + 1, .count = known < most ? known : most};
    }
  }
  return (draft){0};
}

/// Runs the last token of the text, with what may follow; 0, or what an entry returned.
static int go_on(@ARENA@, const uint16_t *text, int32_t end, draft *next) {
  *next = looked_up(text, end);
  int status;
  if (next->count > 0) {
    status = read_candidates(arena, text, end, next);
    next->logits = tw_@name@_verify_outputs_in(arena).logits;
  } else {
    status = read_token(arena, text[end - 1], end);
    next->logits = tw_@name@_@DECODE@outputs_in(arena).logits;
  }
  return status;
}

"""

_LOOP = """\
int32_t tw_@name@_generate(@ARENA@, tw_@name@_prompt_memory *memory,
                           const tw_@name@_request *request) {
  const tw_tokenizer *const tokenizer = &@name@_tokenizer;
  uint16_t *const text = memory->tokens;
  int32_t end = encoded(arena, memory, request);
  if (end < 0) {
    return TW_@NAME@_PROMPT_TOO_LONG;
  }
  int status = read_prompt(arena, text, end);
  draft next = {.logits = tw_@name@_@FIRST@outputs_in(arena).logits};
  uint32_t made = 0;
  memory->calls = 0;
  while (status == 0 && made < request->tokens) {
    const int16_t *const logits = @LOGITS@;
    const uint16_t token =
        (uint16_t)@SAMPLE@(request->sampler, logits, TW_@NAME@_VOCABULARY@SHARE@);
    if (token == tokenizer->begin || token == tokenizer->end) {
      break;
    }
    made++;
    const tw_piece piece = tw_decode(tokenizer, text[end - 1], token);
    const int goes_on = request->said(request->user, token, piece);
    if (!goes_on || made == request->tokens || end == TW_@NAME@_CONTEXT) {
      break;
    }
    text[end++] = token;
    if (next.count > 0 && *next.tokens == token) {
      // It was right, so the logits behind it are, too.
      next.tokens++;
      next.count--;
      next.logits += TW_@NAME@_VOCABULARY;
    } else {
      status = go_on(arena, text, end, &next);
      memory->calls++;
    }
  }
  return status == 0 ? (int32_t)made : -status;
}
"""


def _source(talker: GenerateShape) -> str:
    reading = _IN_CHUNKS if talker.chunk > 1 else _ONE_BY_ONE
    return _SOURCE + "@ENCODED@" + reading + (_DRAFTING if talker.drafts else _PLAIN) + _LOOP
