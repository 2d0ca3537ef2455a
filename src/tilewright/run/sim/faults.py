"""Why a run stopped, in words that a person can act on."""

from enum import IntEnum

from tilewright.run.sim.simulator import LOSSES, Outcome, Simulator

_LAST_INSTRUCTIONS = 8
_ASLEEP = 2
_OFF = 0

_ITA_STEPS = ("idle", "Q", "K", "V", "QK", "AV", "OW", "F1", "F2", "MatMul")
_EVENTS = {8: "DMA", 12: "N-EUREKA", 16: "barrier", 17: "mutex", 18: "dispatch"}


class Fault(IntEnum):
    """What went wrong; the numbers are tw_fault of core/sim.h."""

    NONE = 0
    ILLEGAL = 1
    UNMAPPED = 2
    MISALIGNED = 3
    STACK = 4
    DMA_RANGE = 5
    NPU_RANGE = 6
    UNINITIALISED = 7
    OWNED_BY_DMA = 8
    ECALL = 9
    FETCH = 10
    DEVICE = 11
    STREAM = 12
    STREAM_FULL = 13
    REPEATED = 14
    REPEATED_LENGTH = 15
    ITA = 16
    ITA_FULL = 17


_WHAT = {
    Fault.ILLEGAL: "illegal instruction (or a break that is no semihosting call)",
    Fault.UNMAPPED: "{size}-byte access to 0x{address:08x}: nothing is mapped there",
    Fault.MISALIGNED: "misaligned {size}-byte access to 0x{address:08x}",
    Fault.STACK: "stack overflow: {size}-byte access to 0x{address:08x} at the end of the stack",
    Fault.DMA_RANGE: "the DMA is to move {size} bytes at 0x{address:08x}: no memory holds them",
    Fault.STREAM: "stream ft{address} has no element left, or runs in the other direction",
    Fault.STREAM_FULL: "configures a stream while a start waits that nothing will ever use up",
    Fault.REPEATED: "a repetition (FREP) holds an instruction that writes an integer register, "
    "repeats or switches streams",
    Fault.REPEATED_LENGTH: "repeats {address} instructions: the sequencer holds {size}",
    Fault.ITA: "ITA's job in step {step} with inner tile {size}: its output flag is not "
    "that of this place; the streams would wait for each other for ever",
    Fault.ITA_FULL: "ITA is given a job while all its {size} contexts are taken",
    Fault.NPU_RANGE: "the accelerator touches {size} bytes at 0x{address:08x}: "
    "no memory holds them",
    Fault.UNINITIALISED: "reads {size} bytes at 0x{address:08x} that nothing has written",
    Fault.OWNED_BY_DMA: "touches {size} bytes at 0x{address:08x} of a DMA transfer in flight",
    Fault.ECALL: "environment call {address} is not known",
    Fault.FETCH: "jump to 0x{address:08x}: no memory to run from, or an odd address",
    Fault.DEVICE: "a device does not do what register or value 0x{address:x} asks for",
}

_TRY = {
    Fault.ILLEGAL: "compare the -march of the build with the core's extensions",
    Fault.UNMAPPED: "print the pointer; compare it with the machine's memory map",
    Fault.STACK: "give the core a larger stack (linker script), or put large arrays elsewhere",
    Fault.DMA_RANGE: "check addresses, length and stride of the command",
    Fault.NPU_RANGE: "check pointers, strides and subtile counts of the job",
    Fault.UNINITIALISED: "initialise the buffer, or wait for the transfer that fills it",
    Fault.OWNED_BY_DMA: "wait for the transfer before touching its buffer",
    Fault.STREAM: "compare the stream's counts and repeats with the uses of the register",
    Fault.STREAM_FULL: "use up the stream at work before a third start",
    Fault.REPEATED: "take the instruction out of the loop",
    Fault.REPEATED_LENGTH: "repeat fewer instructions, or loop around two repetitions",
    Fault.ITA: "output_disable is 0 for the last inner tile only; check TILES, the layer and the "
    "order of jobs",
    Fault.ITA_FULL: "read ACQUIRE or STATUS before the job's registers are written",
    Fault.FETCH: "a function pointer or a return address was overwritten",
}


_WAYS_OUT = {
    False: "let every core of a barrier's mask arrive; look for a DMA or N-EUREKA wait without a "
    "command",
    True: "let every core read the barrier's CSR; end the program by a store to tohost; look for a "
    "wfi whose interrupt nobody sets or enables",
}


def explain(sim: Simulator, outcome: Outcome) -> str:
    """Several lines: what happened, where, on which path; empty after a normal exit."""
    match outcome:
        case Outcome.FAULTED:
            return _explain_fault(sim)
        case Outcome.DEADLOCKED:
            return _explain_deadlock(sim)
        case Outcome.LIMIT:
            lines = ["--max-cycles reached; the cores are at"]
            return "\n".join([*lines, *_where_all_are(sim)])
        case _:
            return ""


def _explain_fault(sim: Simulator) -> str:
    fault = Fault(sim.value(2))
    core, address, size = sim.value(3), sim.value(4), sim.value(5)
    step = _ITA_STEPS[address] if fault is Fault.ITA else ""
    what = _WHAT[fault].format(address=address, size=size, step=step)
    advice = [f"  try      {_TRY[fault]}"] if fault in _TRY else []
    if core < 0:
        lines = [f"{sim.machine.name}: {what}", "  the cores are at"]
        return "\n".join([*lines, *_where_all_are(sim), *advice])
    pc = sim.pc(core)
    lines = [
        f"core {core} at 0x{pc:08x} ({sim.image.function_at(pc)}): {what}",
        f"  cycle    {sim.core_value(core, 2)}",
        "  the last instructions, the faulting one at the end",
        *(f"    {line}" for line in last_instructions(sim, core)),
    ]
    return "\n".join([*lines, *advice])


def _explain_deadlock(sim: Simulator) -> str:
    return "\n".join([
        "deadlock: every core sleeps and no event is due",
        *_where_all_are(sim),
        f"  try      {_WAYS_OUT[sim.machine.snitch is not None]}",
    ])  # fmt: skip


def _where_all_are(sim: Simulator) -> list[str]:
    lines: list[str] = []
    for core in range(len(sim.machine.cores)):
        state = sim.core_value(core, 5)
        if state == _OFF:
            continue
        pc = sim.pc(core)
        doing = "runs"
        if state == _ASLEEP:
            doing = f"asleep, waits for {_awaited(sim, core)}"
        lines.append(f"  core {core:2d} at 0x{pc:08x} {sim.image.function_at(pc)}: {doing}")
    return lines


def _awaited(sim: Simulator, core: int) -> str:
    why = LOSSES[sim.core_value(core, 9)]
    if sim.machine.cores[core].is_snitch:
        arrived = f"the barrier, where {sim.core_value(core, 11)} of {len(sim.machine.cores)} are"
        return {"barrier": arrived, "dma": "room in the DMA's queue"}.get(why, "an interrupt")
    mask = sim.core_value(core, 8)
    names = [_EVENTS.get(bit, f"event {bit}") for bit in range(32) if mask >> bit & 1]
    awaited = " or ".join(names) if names else "nothing: its event mask is empty"
    return awaited if why != "barrier" or "barrier" in names else f"a barrier, but {awaited}"


def last_instructions(sim: Simulator, core: int, count: int = _LAST_INSTRUCTIONS) -> list[str]:
    """Address, function and text of what the core did last, the current instruction at the end.

    Rebuilt from the core's record of jump targets: between two of them it ran straight on.
    """
    starts = [sim.core_value(core, 6, i) for i in range(16)]
    addresses: list[int] = []
    stop = sim.pc(core)
    for start in (s for s in starts if s >= 0):
        addresses = [*_straight(sim, core, start, stop, count), *addresses]
        if len(addresses) >= count:
            break
        stop = -1  # the run before ended in a jump
    addresses = addresses or [sim.pc(core)]
    return [
        f"0x{a:08x}  {sim.disassemble(core, a):<36} {sim.image.function_at(a)}"
        for a in addresses[-count:]
    ]


def _straight(sim: Simulator, core: int, start: int, stop: int, count: int) -> list[int]:
    """Addresses from ``start`` to ``stop``, or to the next jump where stop is negative."""
    addresses: list[int] = []
    at = start
    while len(addresses) < 64 * count:
        addresses.append(at)
        text = sim.disassemble(core, at)
        is_jump = text.split()[0].removeprefix("c.").startswith(("j", "b", "p.b"))
        if at == stop or (stop < 0 and is_jump) or text.startswith((".", "(")):
            break
        size = 2 if text.startswith("c.") else 4
        at += size
    return addresses
