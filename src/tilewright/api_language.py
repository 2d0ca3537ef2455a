"""Language models as functions: same results as the command line's, as data."""

from dataclasses import dataclass
from pathlib import Path

from tilewright.ir.target import Target
from tilewright.llm.print_tokenizer import table_bytes
from tilewright.llm.sampler import seeded
from tilewright.pipeline import Options, load_target
from tilewright.report.generated import GenerateReport
from tilewright.run.talk import TalkRequest
from tilewright.talking import compile_talker, read_model

Model = Path | str


@dataclass(frozen=True, slots=True)
class GenerateSettings:
    """What to say and how.

    tokens       at most so many after the prompt
    temperature  0: always the most likely token
    top_p        the fewest most likely tokens whose probabilities exceed it stay; 0: all
    top_k        so many most likely tokens stay; 0: all
    seed         equal seeds make equal texts, on every target
    bits         of the weights, 2 to 8, each in a byte of its own; embedding and head have 8
    """

    prompt: str = ""
    tokens: int = 64
    temperature: float = 1.0
    top_p: float = 0.0
    top_k: int = 0
    seed: int = 0
    bits: int = 8


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
    talker = compile_talker(llama, words, loaded, options, settings.bits)
    how = talker.sampling(settings.temperature, settings.top_p, settings.top_k)
    prompt = settings.prompt.encode("utf-8", "surrogateescape")
    said = talker.say(TalkRequest(prompt, settings.tokens, how, seeded(settings.seed)))
    before = words.encode(prompt)
    text = words.decode([*before[1:], *said.tokens]).decode(errors="replace")
    return GenerateReport(
        loaded.name, text, said.tokens, len(before), said.unit, said.ticks, talker.made.arena,
        talker.made.constants, table_bytes(words),
    )  # fmt: skip
