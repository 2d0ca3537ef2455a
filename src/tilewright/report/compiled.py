"""What `tilewright compile` says when it is done: layers, memory, where the C is."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group

from tilewright.backend.bundle import Bundle
from tilewright.ir.plan import Proof
from tilewright.ir.program import Program
from tilewright.report.memory import MemoryUse
from tilewright.report.text import Json, count_text, facts, size_text, table

DIGEST_FIGURES = 16


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer of the compiled network; bytes of its constants."""

    name: str
    op: str
    engine: str
    kernel: str
    shape: str
    macs: int
    constants: int


@dataclass(frozen=True, slots=True)
class CompileReport:
    """One bundle, written or not."""

    model: str
    target: str
    contract: str
    name: str
    layers: tuple[LayerRow, ...]
    memories: tuple[MemoryUse, ...]
    digest: str
    files: tuple[str, ...]
    folder: Path | None
    proof: Proof | None = None
    """Of the plan's speed; None where a stored plan has none."""
    is_replayed: bool = False
    """Whether the plan was read from a file: what it says about its speed was not looked at again,
    and may have been said of smaller memories."""

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "model": self.model,
            "target": self.target,
            "contract": self.contract,
            "name": self.name,
            "folder": str(self.folder) if self.folder else None,
            "digest": self.digest,
            "files": list(self.files),
            "memory": {memory.name: memory.json() for memory in self.memories},
            "plan": proof_json(self.proof, is_replayed=self.is_replayed),
            "layers": [
                {
                    "name": row.name,
                    "op": row.op,
                    "engine": row.engine,
                    "kernel": row.kernel,
                    "shape": row.shape,
                    "macs": row.macs,
                    "constants": row.constants,
                }
                for row in self.layers
            ],
        }

    def show(self, console: Console) -> None:
        """The layers, then what matters in seven lines."""
        console.print(layer_table(self.layers))
        macs = sum(row.macs for row in self.layers)
        rows = [
            ("Network", f"{self.name}: {len(self.layers)} layers, {count_text(macs)} MACs"),
            ("Contract", self.contract),
        ]
        if self.proof is not None:
            rows.append(("Planned", proof_text(self.proof, is_replayed=self.is_replayed)))
        for memory in self.memories:
            parts = ", ".join(f"{part} {size_text(size)}" for part, size in memory.parts.items())
            rows.append((memory.name, parts or "nothing"))
        if self.folder is not None:
            rows.append(("Written", f"{self.folder}/ ({len(self.files)} files)"))
            rows.append(("Include", f"{self.name}.h, then call tw_{self.name}_run"))
        rows.append(("Digest", self.digest[:DIGEST_FIGURES]))
        console.print(facts(rows))


def proof_text(proof: Proof, *, is_replayed: bool = False) -> str:
    """How fast a plan is on the target's own numbers, and how sure it is that none is faster."""
    cycles = f"{proof.cycles:,} cycles"
    if is_replayed:
        return f"{cycles}, as the stored plan says"
    if proof.is_optimal:
        return f"{cycles}, optimal"
    return f"{cycles}, {proof.status}: at least {proof.bound:,} needed"


def proof_json(proof: Proof | None, *, is_replayed: bool = False) -> Json:
    """The machine form; nothing is proven of a plan that was read."""
    if proof is None:
        return None
    if is_replayed:
        return {"cycles": proof.cycles, "bound": None, "is_optimal": None}
    return {"cycles": proof.cycles, "bound": proof.bound, "is_optimal": proof.is_optimal}


def layer_rows(program: Program) -> tuple[LayerRow, ...]:
    """One row per action."""
    return tuple(
        LayerRow(
            call.node.name,
            type(call.node.op).__name__,
            call.engine.name,
            call.kernel.symbol,
            str(call.output.value.type),
            call.node.op.macs(*call.signature.inputs),
            sum(
                array.nbytes
                for o in call.inputs
                if (array := program.constant(o.value.name)) is not None
            ),
        )
        for call in program.calls
    )


def layer_table(layers: tuple[LayerRow, ...]) -> Group:
    """Index, layer, operator, kernel, output, multiply-accumulates, bytes of constants; before the
    kernel its engine, where there are several."""
    has_engines = len({row.engine for row in layers}) > 1
    rows = [
        (
            str(i), row.name, row.op, *((row.engine,) if has_engines else ()), row.kernel,
            row.shape, f"{row.macs:,}", f"{row.constants:,}",
        )
        for i, row in enumerate(layers)
    ]  # fmt: skip
    engine = ("Engine",) if has_engines else ()
    columns = (">#", "Layer", "<Operator", *engine, "Kernel", "<Output", ">MACs", ">Const B")
    return table("Layers", columns, rows)


def compile_report(
    model: str, target: str, contract: str, program: Program, bundle: Bundle
) -> CompileReport:
    """A report without memories and folder; ``dataclasses.replace`` adds them."""
    return CompileReport(
        model, target, contract, program.name, layer_rows(program), (), bundle.digest(),
        tuple(bundle.files), None,
    )  # fmt: skip
