"""From a checkpoint to firmware that talks: read, quantise, compile, generate.

read_checkpoint ─ quantised_llama ─ built_network ─ compile_network ─ with_generate ─▶ Talker
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import identifier
from tilewright.backend.print_generate import GenerateShape, with_generate
from tilewright.errors import CapacityError, OptionError, ToolError
from tilewright.ir.program import Program
from tilewright.ir.target import Role, Target
from tilewright.ir.toolchain import Toolchain
from tilewright.llm.budget import Weights
from tilewright.llm.build import CHUNK, built_network
from tilewright.llm.calibrate import measured_on_itself
from tilewright.llm.formats.checkpoint import read_checkpoint
from tilewright.llm.formats.tokenizer_files import find_tokenizer, read_tokenizer
from tilewright.llm.integers import IntegerLlama
from tilewright.llm.model import Llama, LlamaShape
from tilewright.llm.print_tokenizer import table_bytes
from tilewright.llm.quantise import quantised_llama
from tilewright.llm.sampler import Sampling
from tilewright.llm.tokenizer import Tokenizer
from tilewright.networks import NetworkCompilation, compile_network
from tilewright.ops.llm.linear import SumRows
from tilewright.ops.llm.rows import HEAD_FACTOR_BYTES
from tilewright.pipeline import Options
from tilewright.run.talk import TalkRequest, TalkResult

SOME_OUTPUTS, MANY_OUTPUTS = 192, 40_000
"""Of a matrix: from there on, two calls cost less than one; rows of 16 bits fill a near memory."""

DEFAULT_CONTEXT = 512
"""Tokens, where neither the user nor the checkpoint wants fewer."""


SHORT_CHUNK = 16

LOGIT_BYTES = 2

ROUNDED_BYTES, TOKEN_BYTES = 24, 4
"""Lost between tables that begin with a word; of a token and of the pair that it begins."""


class Talk(Protocol):
    """What ``Toolchain.talk`` is."""

    def __call__(
        self,
        bundle: Bundle,
        programs: Sequence[Program],
        toolchain: Toolchain,
        request: TalkRequest,
        /,
    ) -> TalkResult:
        """Build in a folder of its own and generate. Raises ToolError, MismatchError, OptionError
        where the prompt does not fit."""
        ...


@dataclass(frozen=True, slots=True)
class Talker:
    """A compiled language model. ``bundle`` has tw_NAME_generate; ``made`` is without it."""

    integers: IntegerLlama
    tokenizer: Tokenizer
    made: NetworkCompilation
    bundle: Bundle

    @property
    def target(self) -> Target:
        """The machine that it is compiled for."""
        return self.made.target

    def sampling(self, temperature: float, top_p: float = 0.0, top_k: int = 0) -> Sampling:
        """How tokens are chosen from this model's logits."""
        return Sampling.of(self.integers.logit_scale, temperature, top_p, top_k)

    def say(self, request: TalkRequest) -> TalkResult:
        """Generate on the target. Raises ToolError where nothing runs its programs."""
        toolchain = self.target.toolchain
        if toolchain.talk is None:
            raise ToolError(
                f"{self.target.name}: nothing here runs firmware that talks for this target; "
                "compile works, generate needs a target whose toolchain does"
            )
        programs = [entry.program for entry in self.made.entries.values()]
        result = toolchain.talk(self.bundle, programs, toolchain, request)
        assert isinstance(result, TalkResult), f"{toolchain.kind} returns no TalkResult"
        return result


def read_model(
    checkpoint: Path, tokenizer: Path | None, context: int | None
) -> tuple[Llama, Tokenizer]:
    """A model with as much context as is wanted, and its tokenizer.

    Raises CompileError where a file is damaged, or the two do not fit each other.
    """
    llama = read_checkpoint(checkpoint)
    found = find_tokenizer(checkpoint) if tokenizer is None else read_tokenizer(tokenizer)
    found.check_fits(str(tokenizer or checkpoint), llama.shape.vocabulary)
    most = llama.shape.context
    if context is not None and not 2 <= context <= most:
        raise OptionError(f"--context {context}: the model was made for 2 to {most} tokens")
    wanted = context or min(most, DEFAULT_CONTEXT)
    return replace(llama, shape=replace(llama.shape, context=wanted)), found


def compile_talker(
    llama: Llama,
    tokenizer: Tokenizer,
    target: Target,
    options: Options = Options(),
    weights: Weights = Weights(),
    drafts: int = 0,
) -> Talker:
    """Firmware, calibrated on text that the model makes up.

    drafts  candidates, looked up in the text so far, that are checked in one call; 0: none
    Raises CompileError where it does not fit the target, or weights do not fit their budget.
    """
    seen = measured_on_itself(llama)
    integers = quantised_llama(llama, seen, weights.widths(llama, seen))
    integers = replace(integers, name=identifier(options.name or llama.name))
    roomy = _roomy(target, integers)
    chunk, made = _compiled(integers, roomy, options, drafts)
    shape = llama.shape
    near = _free_near(made, LOGIT_BYTES * shape.vocabulary)
    pieces = table_bytes(tokenizer) + ROUNDED_BYTES + TOKEN_BYTES * shape.context
    talks = GenerateShape(
        shape.context, chunk, shape.vocabulary, Sampling.of(integers.logit_scale, 1.0).octaves,
        drafts, len(made.arena) > 1, _sharing_cores(made.target),
        near, has_near_pieces=bool(_free_near(made, pieces)),
    )  # fmt: skip
    bundle = with_generate(made.bundle, talks, tokenizer, made.target.toolchain.sampling)
    return Talker(integers, tokenizer, made, bundle)


def _compiled(
    llama: IntegerLlama, target: Target, options: Options, drafts: int
) -> tuple[int, NetworkCompilation]:
    """(tokens of a prompt at once, the network).

    Engines may want weights in one layout for several tokens and in another one for a single token;
    where both do not fit, a prompt is read token by token. Raises CompileError.
    """
    chunk = min(_chunk(target), llama.shape.context)
    sums_from = _sums_from(target)
    try:
        network = built_network(llama, chunk, drafts, sums_from)
        return chunk, compile_network(network, target, options)
    except CapacityError:
        if sums_from is None or drafts or chunk == 1:
            raise
        try:
            network = built_network(llama, 1, drafts, sums_from)
            return 1, compile_network(network, target, options)
        except CapacityError:
            pass
        raise


def _sums_from(target: Target) -> int | None:
    """From how many outputs on a matrix has its sums apart: where an engine beside the cores makes
    sums, two calls cost less than one that waits for its weights. One call of both at once costs
    less still, but reads and writes whole rows near the cores."""
    beside = (engine for engine in target.engines if engine.is_asynchronous)
    if not any(kernel.op is SumRows for engine in beside for kernel in engine.kernels):
        return None
    return MANY_OUTPUTS if any("+" in engine.name for engine in target.engines) else SOME_OUTPUTS


def _sharing_cores(target: Target) -> int:
    """Of the engine whose calls several cores share at the same time; 1 where there is none."""
    return max(engine.cores for engine in target.engines) if target.parallel else 1


def _free_near(made: NetworkCompilation, wanted: int) -> str:
    """The arena's member of a near memory to which a DMA leads, where it is large enough and
    nothing in it outlasts a run; "" where there is none."""
    near = made.target.near
    programs = [entry.program for entry in made.entries.values()]
    kept = [operand for p in programs for operand in (*p.inputs, *p.outputs)]
    kept += [state.operand for p in programs for state in p.states]
    is_free = all(operand.place.memory != near for operand in kept)
    is_fed = len(made.arena) > 1 and bool(made.target.dmas)
    return identifier(near) if is_fed and is_free and made.arena[near] >= wanted else ""


def _chunk(target: Target) -> int:
    """Tokens of a prompt at once. What works on many pixels, or on many cores, gains from more; one
    core reads all weights for every token anyway, and needs less memory for fewer."""
    is_alone = len(target.engines) == 1 and target.engines[0].cores == 1
    return SHORT_CHUNK if is_alone else CHUNK


def cache_bytes_per_token(shape: LlamaShape) -> int:
    """Of keys and values of one token in all layers: bytes, and a factor per head."""
    return 2 * shape.layers * shape.kv_heads * (shape.head_dim + HEAD_FACTOR_BYTES)


def _roomy(target: Target, llama: IntegerLlama) -> Target:
    """The target, or the first of its alternatives that has a memory for the cache.

    Raises CapacityError naming the largest memory where none has.
    """
    wanted = llama.shape.context * cache_bytes_per_token(llama.shape)
    largest = 0
    for candidate in (target, *target.alternatives):
        sizes = [memory.size for memory in candidate.memories if memory.name in _working(candidate)]
        if any(size is None or size > wanted for size in sizes):
            return candidate
        largest = max([largest, *(size for size in sizes if size is not None)])
    raise CapacityError(
        f"{target.name}: keys and values of {llama.shape.context} tokens take {wanted:,} B, the "
        f"largest working memory has {largest:,} B; give a smaller --context"
    )


def _working(target: Target) -> set[str]:
    """Memories that hold what changes at run time."""
    return {memory.name for memory in target.memories if Role.ACTIVATION in memory.holds}
