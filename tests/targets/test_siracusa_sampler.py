"""Siracusa's own loops of the sampler choose the tokens that its definition chooses."""

from pathlib import Path

import numpy as np

from llm.test_c_pieces import PIECES, drawn_case
from siracusa_bench import needs_compiler
from tilewright.llm.sampler import Sampling, sample
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.program import build_program
from tilewright.run.sim.simulator import Outcome, Simulator
from tilewright.targets.siracusa.target import FLAGS, SIRACUSA

Case = tuple[np.ndarray, Sampling, int]

MAIN = """\
#include "tw_sampler.h"
#include "tw_sim.h"

%s
int main(void) {
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tw_sampler sampler = cases[i].sampler;
    for (int draws = 0; draws < 2; draws++) {
      printf("%%u ", tw_sample(&sampler, cases[i].logits + cases[i].skipped, cases[i].count));
    }
    printf("\\n");
  }
  return 0;
}
"""


def printed(cases: list[Case]) -> str:
    """Cases as C; every other one begins in the middle of a word."""
    lines, rows = [], []
    for i, (logits, how, state) in enumerate(cases):
        values = [*([7] * (i % 2)), *logits.tolist()]
        lines.append(
            f"static _Alignas(4) const int16_t of{i}[] = {{{', '.join(map(str, values))}}};"
        )
        sampler = f"{{{state}ull, {how.octaves}u, {how.temperature}, {how.top_p}, {how.top_k}}}"
        rows.append(f"{{{sampler}, of{i}, {i % 2}, {len(logits)}}},")
    kind = "struct { tw_sampler sampler; const int16_t *logits; uint32_t skipped, count; }"
    return "\n".join([*lines, f"static const {kind} cases[] = {{", *rows, "};", ""])


@needs_compiler
def test_drawn_choices_are_those_of_the_definition(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    cases = [drawn_case(rng) for _ in range(150)]
    cases += [(logits, Sampling(how.octaves, how.temperature), s) for logits, how, s in cases]
    for piece in (*PIECES.glob("tw_sampler*"), *SIRACUSA.toolchain.sampling):
        (tmp_path / piece.name).write_text(piece.read_text())
    (tmp_path / "string.h").write_text('#include "tw_sim.h"\n')
    (tmp_path / "main.c").write_text(MAIN % printed(cases))
    sources = [tmp_path / "main.c", tmp_path / "tw_sampler.c"]
    build_program(sources, tmp_path / "main.elf", [*FLAGS, f"-I{tmp_path}"])
    sim = Simulator(find_machine("siracusa"))
    sim.load(tmp_path / "main.elf")
    assert sim.run(max_cycles=100_000_000) is Outcome.EXITED
    for (logits, how, state), line in zip(cases, sim.printed.splitlines(), strict=True):
        first, then = sample(logits, how, state)
        assert line.split() == [str(first), str(sample(logits, how, then)[0])]
