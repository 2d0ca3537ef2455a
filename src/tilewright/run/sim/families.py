"""What instructions are made of on each family of cores: the C around a row's meaning.

A row of the instruction tables says what an instruction means and names a timing class. A family
says which rows its cores can have, what the functions in a meaning are called there, and what
stands before and after the meaning for each timing class.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of pipeline.

    macro       what a C file defines to get the executor
    extensions  whose rows it executes
    intrinsics  functions that a meaning calls, and the C call with the context that they need
    tails       timing class to what comes before and after the meaning
    settles     whether results may be under way: every row then has a second entry behind the look
    offloads    timing classes that go to the floating-point subsystem instead
    """

    macro: str
    extensions: tuple[str, ...]
    intrinsics: dict[str, str]
    tails: dict[str, tuple[str, str]]
    settles: bool = False
    offloads: tuple[str, ...] = field(default=())


_SHARED = "if (cycle > sim->horizon) goto park;"  # others see what the instruction does
_NEXT = (
    "if (after) goto loop_back; cycle += 1 + stall; stall = 0; count++; ip += ip->size; "
    "goto *labels[ip->entry];"
)
_TAKE_FPU = f"if (core->fpu >= 0) {{ {_SHARED} stall += tw_take_fpu(sim, core, cycle); }}"
_FLOAT = (_TAKE_FPU, _NEXT)
_LOAD = (
    _SHARED + " int32_t latency = 0; core->load_register = ip->rd;",
    "after_latency = latency; goto after_load;",
)
_STORE = (
    _SHARED + " int32_t latency = 0;",
    "stall += latency; if (sim->needs_attention) goto step; " + _NEXT,
)

PULP = Family(
    macro="TW_EXECUTOR_PULP",
    extensions=("i", "m", "a", "f", "c", "xpulp"),
    intrinsics={
        "load": "tw_load(sim, core, cycle, &latency, ",
        "store": "tw_store(sim, core, cycle, &latency, ",
        "modify": "modify(sim, core, cycle, ",
        "load_reserved": "load_reserved(sim, core, cycle, &latency, ",
        "store_conditional": "store_conditional(sim, core, cycle, &latency, ",
        "csr_swap": "csr_swap(sim, core, cycle, ip, ",
        "csr_set": "csr_set(sim, core, cycle, ip, ",
        "csr_clear": "csr_clear(sim, core, cycle, ip, ",
        "loop_start": "set_loop_start(core, ip->rd, ",
        "loop_end": "set_loop_end(sim, core, ip->rd, ",
        "loop_count": "set_loop_count(core, ip->rd, ",
    },
    tails={
        "alu": ("", _NEXT),
        "fence": ("", _NEXT),
        "hwloop": ("", _NEXT),
        "csr": ("core->instructions += count; count = 0;", "goto step;"),
        "system": (_SHARED + " core->pc = ip->pc; core->cycle = cycle;", "goto step;"),
        "branch": (
            "",
            "if (taken) { target = pc + (uint32_t)ip->imm; goto take_branch; } " + _NEXT,
        ),
        "jump": ("", "goto take_jump;"),
        "load": _LOAD,
        "amo": _LOAD,
        "elw": (
            _SHARED
            + " int32_t latency = 0; core->sleep_stall = stall + core->timing[TW_T_ELW];"
            + " core->wake_register = ip->rd;",
            "if (core->state == TW_RUNNING) {"
            " core->wake_register = TW_SINK; core->sleep_stall = 0; }"
            " stall += core->timing[TW_T_ELW]; after_latency = latency; goto after_load;",
        ),
        "fload": (
            _SHARED + " int32_t latency = 0;",
            "after_latency = latency; goto after_float_load;",
        ),
        "store": _STORE,
        "fstore": _STORE,
        "mul": ("", "goto after_mul;"),
        "mulh": ("", "stall += core->timing[TW_T_MULH]; " + _NEXT),
        "sdiv": ("", "stall += tw_divider(core, rs2, true); " + _NEXT),
        "udiv": ("", "stall += tw_divider(core, rs2, false); " + _NEXT),
        "fp": _FLOAT,
        "fpmove": _FLOAT,
        "fpcompare": _FLOAT,
        "fpconvert": _FLOAT,
        "fdiv": (_SHARED + " stall += tw_take_divider(sim, core, cycle);", _NEXT),
    },
)
"""RI5CY: in order, operands looked at only after loads and multiplications, hardware loops."""

_ORDERED = "if (cycle > bound) goto yield;"  # others see what the instruction does
_GO_ON = "cycle++; count++; ip += ip->size; goto *labels[ip->entry];"
_LOOK = "if (sim->needs_attention) goto step; "
_RESULT = _LOOK + "tw_push_result(s, ip->rd, s->at); " + _GO_ON
_DIVIDED = "tw_push_result(s, ip->rd, s->at); " + _GO_ON
_ACCESS = "if (s->fp.memory_ops != 0 && tw_fp_may_touch(s, x[ip->rs1] + (uint32_t)ip->imm)) "
_MULTIPLY = (_ORDERED, "cycle = tw_multiply(sim, core, cycle, ip->rd); " + _GO_ON)

SNITCH = Family(
    macro="TW_EXECUTOR_SNITCH",
    extensions=("i", "m", "a", "f", "d", "c", "xssr", "xfrep", "xdma"),
    intrinsics={
        "load": "tw_snitch_load(sim, core, &cycle, ",
        "store": "tw_snitch_store(sim, core, &cycle, ",
        "modify": "tw_snitch_modify(sim, core, cycle, ",
        "load_reserved": "tw_snitch_reserve(sim, core, &cycle, ",
        "store_conditional": "tw_snitch_conditional(sim, core, &cycle, ",
        "csr_swap": "tw_snitch_csr(sim, core, &cycle, TW_CSR_SWAP, ",
        "csr_set": "tw_snitch_csr(sim, core, &cycle, TW_CSR_SET, ",
        "csr_clear": "tw_snitch_csr(sim, core, &cycle, TW_CSR_CLEAR, ",
        "ssr_read": "tw_ssr_read(sim, core, ",
        "ssr_write": "tw_ssr_write(sim, core, cycle, ",
        "dma_set": "tw_xdma_set(sim, core, ",
        "dma_copy": "tw_xdma_copy(sim, core, cycle, ",
        "dma_status": "tw_xdma_status(sim, core, cycle, ",
        "tw_wait_for_interrupt": "tw_snitch_wait(",
    },
    tails={
        "alu": ("", _GO_ON),
        "fence": ("", "cycle = tw_snitch_fence(core, cycle); " + _GO_ON),
        "csr": (
            "if (tw_snitch_csr_waits(sim, core, (uint32_t)ip->imm)) goto wait_fp; "
            + _ORDERED
            + " core->instructions += count; count = 0; core->cycle = cycle;",
            "goto step;",
        ),
        "system": (_ORDERED + " core->pc = ip->pc; core->cycle = cycle;", "goto step;"),
        "branch": ("", "if (taken) { target = pc + (uint32_t)ip->imm; goto land; } " + _GO_ON),
        "jump": ("", "cycle += tw_snitch_jump(sim, core); goto land;"),
        "load": (_ACCESS + "goto wait_fp; " + _ORDERED, _RESULT),
        "amo": (_ACCESS + "goto wait_fp; " + _ORDERED, _RESULT),
        "store": (_ACCESS + "goto wait_fp; " + _ORDERED, _LOOK + _GO_ON),
        "mul": _MULTIPLY,
        "mulh": _MULTIPLY,
        "sdiv": (_ORDERED, "cycle = tw_divide(sim, core, cycle, rs1, rs2, true); " + _DIVIDED),
        "udiv": (_ORDERED, "cycle = tw_divide(sim, core, cycle, rs1, rs2, false); " + _DIVIDED),
        "ssr": (
            "if (tw_ssr_is_full(core)) goto wait_fp; " + _ORDERED,
            _LOOK + _GO_ON,
        ),
        "dma": (
            _ORDERED + " s->at = cycle; core->load_register = ip->rd; core->cycle = cycle;",
            _LOOK + "if (ip->rd < 32) tw_push_result(s, ip->rd, s->at); " + _GO_ON,
        ),
    },
    settles=True,
    offloads=("fp", "fpmove", "fpcompare", "fpconvert", "fdiv", "fload", "fstore", "frep"),
)
"""Snitch: results come back later, floating point runs beside in a subsystem of its own."""

FAMILIES = (PULP, SNITCH)

FP_INTRINSICS = {
    "load": "tw_fp_load(sim, core, cycle, o, ",
    "load64": "tw_fp_load64(sim, core, cycle, o, ",
    "store": "tw_fp_store(sim, core, cycle, o, ",
    "store64": "tw_fp_store64(sim, core, cycle, o, ",
}
"""Functions in meanings that the floating-point subsystem executes."""
