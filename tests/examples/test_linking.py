"""Two networks in one program: nothing that they define may clash."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tilewright.pipeline import Options, compile_model, load_target

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples/digits"

MAIN = """
#include "exact.h"
#include "real.h"
#include <stdio.h>

static _Alignas(TW_EXACT_ARENA_ALIGN) unsigned char exact_arena[TW_EXACT_ARENA_BYTES];
static _Alignas(TW_REAL_ARENA_ALIGN) unsigned char real_arena[TW_REAL_ARENA_BYTES];

int main(void) {
  int8_t *const exact_image = tw_exact_image_in(exact_arena);
  const tw_exact_inputs exact_in = {.image = exact_image};
  const tw_exact_outputs exact_out = tw_exact_outputs_in(exact_arena);
  float *const real_image = tw_real_image_in(real_arena);
  const tw_real_inputs real_in = {.image = real_image};
  const tw_real_outputs real_out = tw_real_outputs_in(real_arena);
  for (int i = 0; i < 64; i++) {
    const int stored = getchar();
    exact_image[i] = (int8_t)(stored - 128);
    real_image[i] = (float)stored / 255.0f;
  }
  if (tw_exact_run(exact_arena, &exact_in, &exact_out) != 0) {
    return 1;
  }
  if (tw_real_run(real_arena, &real_in, &real_out) != 0) {
    return 2;
  }
  for (int i = 0; i < 10; i++) {
    const float exact = tw_exact_probabilities_to_float(exact_out.probabilities[i]);
    printf("%f %f\\n", (double)exact, (double)real_out.probabilities[i]);
  }
  return 0;
}
"""


def test_a_quantised_and_a_float_network_share_a_program_and_agree(tmp_path: Path):
    sources = [tmp_path / "main.c"]
    sources[0].write_text(MAIN)
    for name, model in (("exact", "digits_int8.onnx"), ("real", "digits_float.onnx")):
        bundle = compile_model(DIGITS / model, load_target("host"), Options(name=name)).bundle
        bundle.write_to(tmp_path / name)
        sources += [tmp_path / name / source for source in bundle.sources]
    subprocess.run(
        ["gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all", "-Iexact", "-Ireal", *sources, "-lm", "-o", "both"],
        cwd=tmp_path, check=True,
    )  # fmt: skip
    image = np.load(DIGITS / "digits_test.npz")["image"][0]
    stored = (image.astype(np.int16) + 128).astype(np.uint8).tobytes()
    done = subprocess.run([tmp_path / "both"], input=stored, capture_output=True, check=True)
    exact, real = np.loadtxt(done.stdout.decode().splitlines(), unpack=True)
    assert exact.argmax() == real.argmax()
    assert exact == pytest.approx(real, abs=0.1)
