"""Language models as functions: same results as the command line's, as data."""

from dataclasses import dataclass
from pathlib import Path

from tilewright.ir.target import Role, Target
from tilewright.llm.budget import Weights
from tilewright.llm.formats.checkpoint import read_checkpoint
from tilewright.llm.print_tokenizer import table_bytes
from tilewright.llm.sampler import seeded
from tilewright.llm.widths import constant_bytes, same_widths
from tilewright.pipeline import Options, load_target, target_names
from tilewright.report.checkpoint import CheckpointReport, FitRow
from tilewright.report.generated import Drafts, GenerateReport
from tilewright.run.talk import TalkRequest
from tilewright.talking import cache_bytes_per_token, compile_talker, read_model

Model = Path | str


@dataclass(frozen=True, slots=True)
class GenerateSettings:
    """What to say and how.

    tokens       at most so many after the prompt
    temperature  0: always the most likely token
    top_p        the fewest most likely tokens whose probabilities exceed it stay; 0: all
    top_k        so many most likely tokens stay; 0: all
    seed         equal seeds make equal texts, on every target
    bits         of the weights, 2 to 8, stored as 4, 6 or 8; embedding and head have 8
    drafts       candidates, looked up in the text so far, that are checked in one call
    budget       bytes that all constants may take: bits are chosen matrix by matrix
    folder       where the C is written before it runs; None: nowhere
    """

    prompt: str = ""
    tokens: int = 64
    temperature: float = 1.0
    top_p: float = 0.0
    top_k: int = 0
    seed: int = 0
    bits: int = 8
    budget: int | None = None
    drafts: int = 0
    folder: Model | None = None


def generate(
    model: Model,
    target: Target | str = "host",
    settings: GenerateSettings = GenerateSettings(),
    options: Options = Options(),
    *,
    tokenizer: Model | None = None,
    context: int | None = None,
) -> GenerateReport:
    """Compile a checkpoint for ``target``, run the firmware there, and say what it said.

    Raises CompileError where a file, an option or a size is at fault, ToolError where something is
    not installed.
    """
    loaded = load_target(target) if isinstance(target, str) else target
    given = None if tokenizer is None else Path(tokenizer)
    llama, words = read_model(Path(model), given, context)
    weights = Weights(settings.bits, settings.budget)
    talker = compile_talker(llama, words, loaded, options, weights, settings.drafts)
    if settings.folder is not None:
        talker.bundle.write_to(Path(settings.folder))
    how = talker.sampling(settings.temperature, settings.top_p, settings.top_k)
    prompt = settings.prompt.encode("utf-8", "surrogateescape")
    said = talker.say(TalkRequest(prompt, settings.tokens, how, seeded(settings.seed)))
    before = words.encode(prompt)
    text = words.decode([*before[1:], *said.tokens]).decode(errors="replace")
    return GenerateReport(
        loaded.name, text, said.tokens, len(before), said.unit, said.ticks, talker.made.arena,
        talker.made.constants, table_bytes(words), talker.integers.widths,
        Drafts(settings.drafts, said.calls), said.energy, talker.bundle.name,
        None if settings.folder is None else str(settings.folder),
    )  # fmt: skip


def inspect_checkpoint(model: Model) -> CheckpointReport:
    """Sizes of a language model, and what of it fits where. Raises CompileError."""
    llama = read_checkpoint(Path(model))
    shape = llama.shape
    kept = {name: getattr(shape, name) for name in _SHOWN}
    layer = sum(array.size for _, array in llama.layers[0].tensors() if array.ndim == 2)
    matrices = shape.layers * layer
    norms = (2 * shape.layers + 1) * shape.dim
    table = llama.embedding.size
    tables = table if shape.is_tied else 2 * table
    cache = cache_bytes_per_token(shape)
    sizes = {bits: constant_bytes(shape, same_widths(shape.layers, bits)) for bits in (8, 6, 4)}
    fits = tuple(_fit(load_target(name), sizes[8], cache) for name in target_names())
    return CheckpointReport(
        str(model), kept, matrices + norms + tables, sizes, cache, matrices + table,
        2 * shape.layers * shape.q_dim, fits,
    )  # fmt: skip


_SHOWN = (
    "dim", "hidden_dim", "layers", "heads", "kv_heads", "head_dim", "vocabulary", "context",
    "is_tied",
)  # fmt: skip


def _fit(target: Target, weights: int, cache: int) -> FitRow:
    """The machine, or that of its alternatives that has room for the most tokens."""
    best = FitRow(target.name, "", 0)
    for machine in (target, *target.alternatives):
        stores = [m for m in machine.memories if Role.WEIGHT in m.holds]
        works = [m for m in machine.memories if Role.ACTIVATION in m.holds]
        store = max(stores, key=lambda m: m.size or 2**62)
        work = max(works, key=lambda m: m.size or 2**62)
        taken = weights if store is work else 0
        fits = store.size is None or store.size >= weights
        if work.size is None:
            tokens = None if fits else 0
        else:
            tokens = max(work.size - taken, 0) // cache if fits else 0
        row = FitRow(target.name, f"{store.name}, {work.name}", tokens)
        if not best.memory or (best.context or 0) < (tokens or 2**62 * (tokens is None)):
            best = row
    return best
