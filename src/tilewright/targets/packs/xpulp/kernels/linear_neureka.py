"""Bindings of linear_rows_neureka.c: linear layers by N-EUREKA and the cluster at once."""

from dataclasses import dataclass, replace
from functools import partial

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, WholeAxis
from tilewright.ops.llm.linear import LinearRows
from tilewright.targets.packs.neureka.cycles import AROUND, BETWEEN, job_cycles
from tilewright.targets.packs.neureka.encoding import encode_points, encode_windows
from tilewright.targets.packs.neureka.job import TILE, Job, Mode, Out, last_of, registers
from tilewright.targets.packs.neureka.kernels.shared import Packed, stored_weights
from tilewright.targets.packs.neureka.kernels.sum_rows import ALIGN, TAPS, ninths
from tilewright.targets.packs.portable.kernels.language import LINEAR_ROWS, LINEAR_ROWS_ADD
from tilewright.targets.packs.xpulp.kernels.language import FINISH_CYCLES, LINEAR_PARTS
from tilewright.targets.packs.xpulp.kernels.shared import CORES, HERE, round_up

CHANNELS = 32
"""Outputs that the engine makes at once."""

BUFFERS, WORD_BYTES = 3, 4

START, PER_PART = 350, 60
"""Cycles until the first job runs, and in which the cores meet. Other jobs are written while one
runs."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How the engine reads rows.

    is_vector  a row is an image of three by three pixels, not a pixel
    is_one     there is one row
    most       outputs of a part, at most
    """

    symbol: str
    is_vector: bool
    is_one: bool
    most: int

    def part(self, outputs: int) -> int:
        """Outputs at a time: few, so that little is left to finish behind the last sums, but not so
        few that the engine waits for its next job."""
        wanted = round_up(-(-outputs // PARTS), CHANNELS)
        return min(max(wanted, FEW), self.most)


PARTS, FEW = 4, 192
"""Of a layer, at least, where it is large; outputs of each."""


def _job(signature: Signature, outputs: int, rows: int, columns: int, *, is_vector: bool) -> Job:
    x, w = signature.inputs[:2]
    if is_vector:
        return Job(
            mode=Mode.WINDOW, inputs=-(-w.shape[1] // TAPS), outputs=outputs, rows=1, columns=1,
            out=Out.SUMS, rescale=None,
        )  # fmt: skip
    return Job(
        mode=Mode.POINT, inputs=w.shape[1], outputs=outputs, rows=rows, columns=columns,
        in_pixel=x.shape[1], out=Out.SUMS, rescale=None,
    )  # fmt: skip


def _fields(portable: Kernel, form: _Form, op: Op, signature: Signature) -> Fields:
    assert isinstance(op, LinearRows)
    job = _job(signature, CHANNELS, 1, 1, is_vector=form.is_vector)
    words = registers(job)
    return {
        **portable.fields(op, signature),
        "part": form.part(signature.output.shape[1]),
        "pixel": job.pixel_stride,
        "last_inputs": last_of(job.inputs, job.sub_in),
        "input_tiles": job.in_tiles,
        **{name: words[name] for name in ("weight_row", "weight_offset", "config")},
    }


def _cycles(form: _Form, op: Op, signature: Signature) -> int:
    """Whichever takes longer, engine or cores, and the last part's end."""
    del op
    rows, outputs = signature.output.shape
    part = min(form.part(outputs), outputs)
    lines, left = divmod(rows, TILE)
    shapes = [(lines, TILE)] * bool(lines) + [(1, left)] * bool(left)
    jobs = [_job(signature, outputs, *shape, is_vector=form.is_vector) for shape in shapes]
    sums = sum(job_cycles(job) - AROUND + BETWEEN for job in jobs)
    finish = FINISH_CYCLES * rows * outputs // CORES
    behind = FINISH_CYCLES * rows * part // CORES
    return CORES * (max(sums + behind, finish) + START + PER_PART * -(-outputs // part))


def _kernel(portable: Kernel, form: _Form) -> Kernel:
    """As ``portable``, which is LinearRows with or without a residual."""

    def refuse(op: Op, signature: Signature) -> str | None:
        x, w = signature.inputs[:2]
        if form.is_one and x.shape[0] > 1:
            return f"multiplies {x.shape[0]} vectors, this kernel one"
        if w.shape[1] % ALIGN:
            return f"reads rows of words, not of {w.shape[1]} bytes"
        return portable.refuse(op, signature)

    def scratch(op: Op, signature: Signature) -> int:
        del op
        rows, outputs = signature.output.shape
        return round_up(BUFFERS * WORD_BYTES * rows * form.part(outputs), 16 * CORES) // CORES

    def pack(op: Op, constants: Packed) -> Packed:
        del op
        x, w, *others = constants
        assert w is not None, "weights are constants"
        stored = stored_weights(w)
        made = encode_windows(ninths(stored), 8) if form.is_vector else encode_points(stored, 8)
        return x, made, *others

    return replace(
        portable, symbol=form.symbol, struct="linear_neureka_args",
        header=HERE / "linear_rows_neureka.h", source=HERE / "linear_rows_neureka.c",
        refuse=refuse, fields=partial(_fields, portable, form), items=_eight,
        scratch_bytes=scratch, cycles=partial(_cycles, form), pack=pack,
        includes=LINEAR_PARTS, tables=frozenset({2}), limits=(WholeAxis(1),), code_bytes=1000,
    )  # fmt: skip


def _eight(op: Op, signature: Signature) -> int:
    """Every core has one."""
    del op, signature
    return CORES


FORMS = (
    _Form("linear_vector_neureka", is_vector=True, is_one=True, most=512),
    _Form("linear_rows_neureka", is_vector=False, is_one=True, most=512),
    _Form("linear_rows_neureka", is_vector=False, is_one=False, most=64),
)

LINEAR_NEUREKA = tuple(
    _kernel(portable, form) for form in FORMS for portable in (LINEAR_ROWS, LINEAR_ROWS_ADD)
)
"""On all eight cores, which stop working where the engine is missing."""
