"""tw_backward of runtime/tilewright.h: every item once, pieces in descending order."""

import shutil
import subprocess
from pathlib import Path

import pytest

import tilewright

RUNTIME = Path(tilewright.__file__).parent / "runtime"

PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
#include "tilewright.h"

static void print_span(const void *args, tw_work work) {
  (void)args;
  printf("%d-%d ", work.start, work.stop);
}

int main(int count, char **words) {
  if (count != 3) {
    return 1;
  }
  tw_backward(print_span, 0, atoi(words[1]), atoi(words[2]), 0);
  return 0;
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_backward_covers_every_item_once_last_piece_first(tmp_path: Path):
    source, program = tmp_path / "main.c", tmp_path / "main"
    source.write_text(PROGRAM)
    flags = ("-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsanitize=undefined")
    subprocess.run(["cc", *flags, f"-I{RUNTIME}", source, "-o", program], check=True)
    for items, piece, spans in (
        (10, 4, "8-10 4-8 0-4 "),
        (8, 4, "4-8 0-4 "),
        (3, 4, "0-3 "),
        (3, 1, "2-3 1-2 0-1 "),
        (2147483647, 1073741824, "1073741824-2147483647 0-1073741824 "),
    ):
        words = [program, str(items), str(piece)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        assert done.stdout == spans
