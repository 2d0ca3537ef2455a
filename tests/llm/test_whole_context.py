"""A context that is full to the last token: the same bits however a text is cut into parts."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tilewright.llm.build import text_graph
from tilewright.llm.score import evaluated
from tilewright.pipeline import Options, load_target
from tilewright.run.compiler import BASE_FLAGS, build, find_compiler
from tilewright.talking import compile_talker, read_model

MODEL = Path(__file__).parents[2] / "examples/stories/stories260K.gguf"
CONTEXT, TEXTS = 512, 2

MAIN = r"""
#include "stories260k.h"
#include <stdio.h>
#include <string.h>

enum { TEXTS = 2, CONTEXT = 512, VOCABULARY = 512, CHUNK = TW_STORIES260K_PROMPT_TOKENS_SIZE };
static _Alignas(TW_STORIES260K_ARENA_ALIGN) uint8_t arena[TW_STORIES260K_ARENA_BYTES];
static int32_t tokens[TEXTS][CONTEXT];
static int16_t wanted[TEXTS][CONTEXT][VOCABULARY];

// The next part of a text, of `rows` tokens; 0, or what the entry returned. 0 rows: decode.
static int read_part(const int32_t *text, int32_t end, int32_t rows, const int16_t **logits) {
  if (rows == 0) {
    const tw_stories260k_decode_inputs inputs = {.tokens = text};
    const tw_stories260k_decode_outputs outputs = tw_stories260k_decode_outputs_in(arena);
    *logits = outputs.logits;
    return tw_stories260k_decode(arena, &inputs, &outputs, end);
  }
  int32_t given[CHUNK] = {0};
  memcpy(given, text, (size_t)rows * sizeof *given);
  const tw_stories260k_prompt_inputs inputs = {.tokens = given};
  const tw_stories260k_prompt_outputs outputs = tw_stories260k_prompt_outputs_in(arena);
  *logits = outputs.logits;
  return tw_stories260k_prompt(arena, &inputs, &outputs, end, rows);
}

// Reads a whole text; parts of `size` tokens, 0: one by one, CHUNK + 1: of every size in turn.
static int read_text(int which, int32_t size) {
  int32_t step = 0;
  for (int32_t end = 0; end < CONTEXT;) {
    int32_t rows = size <= CHUNK ? size : step++ % (CHUNK + 1);
    rows = rows < CONTEXT - end ? rows : CONTEXT - end;
    const int32_t *const part = tokens[which] + end;
    end += rows == 0 ? 1 : rows;
    const int16_t *logits;
    if (read_part(part, end, rows, &logits) != 0) {
      return 1;
    }
    if (memcmp(logits, wanted[which][end - 1], sizeof wanted[0][0]) != 0) {
      printf("text %d in parts of %d: token %d differs\n", which, (int)size, (int)end);
      return 1;
    }
  }
  return 0;
}

int main(void) {
  if (fread(tokens, 1, sizeof tokens, stdin) != sizeof tokens ||
      fread(wanted, 1, sizeof wanted, stdin) != sizeof wanted) {
    return 2;
  }
  for (int32_t size = 0; size <= CHUNK + 1; size++) {
    for (int which = 0; which < TEXTS; which++) {
      if (tw_stories260k_reset(arena) != 0 || read_text(which, size) != 0) {
        return 1;
      }
    }
  }
  printf("%d sizes\n", CHUNK + 2);
  return 0;
}
"""


@pytest.mark.slow
def test_512_tokens_in_parts_of_every_size_have_the_logits_of_the_definition(tmp_path):
    llama, words = read_model(MODEL, None, CONTEXT)
    talker = compile_talker(llama, words, load_target("host"), Options(effort="quick"))
    texts = np.random.default_rng(12).integers(3, 512, (TEXTS, CONTEXT)).astype(np.int32)
    texts[:, 0] = words.begin
    graph = text_graph(talker.integers, CONTEXT)
    wanted = np.stack([evaluated(graph, text) for text in texts])
    assert wanted.shape == (TEXTS, CONTEXT, 512)
    talker.made.bundle.write_to(tmp_path)
    (tmp_path / "main.c").write_text(MAIN)
    sources = [tmp_path / name for name in (*talker.made.bundle.sources, "main.c")]
    build(find_compiler(), BASE_FLAGS, tmp_path, sources, tmp_path / "read")
    raw = texts.tobytes() + wanted.astype(np.int16).tobytes()
    done = subprocess.run(
        [tmp_path / "read"], input=raw, capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout.decode()
    assert done.stdout.decode() == "18 sizes\n"
