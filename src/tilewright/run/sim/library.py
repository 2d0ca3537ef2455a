"""The C core's functions with their types; the only file that speaks ctypes."""

import ctypes
from functools import cache

from tilewright.run.sim.build_core import build_core

_I, _L, _U, _S = ctypes.c_int32, ctypes.c_int64, ctypes.c_uint32, ctypes.c_size_t
_P, _B = ctypes.c_void_p, ctypes.c_char_p

_FUNCTIONS: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "tw_new": (_P, (_L, _L)),
    "tw_delete": (None, (_P,)),
    "tw_add_memory": (_I, (_P, _U, _I, _I, _I)),
    "tw_set_snitch": (_I, (_P, _P)),
    "tw_set_ita": (_I, (_P, _I, _I)),
    "tw_set_host": (None, (_P, _U, _U)),
    "tw_double_register": (_L, (_P, _I, _I)),
    "tw_add_route": (_I, (_P, _I, _I, _U, _U, _I, _I, _I)),
    "tw_add_core": (_I, (_P, _P, _P)),
    "tw_set_shared_icache": (_I, (_P, _I, _I, _I)),
    "tw_begin_core": (None, (_P, _I, _U, _L)),
    "tw_copy": (_I, (_P, _I, _U, _P, _U, _I)),
    "tw_run_until": (_L, (_P, _L, _U, _I)),
    "tw_core_value": (_L, (_P, _I, _I, _I)),
    "tw_set_register": (None, (_P, _I, _I, _U)),
    "tw_sim_value": (_L, (_P, _I)),
    "tw_take_output": (_S, (_P, _P, _S)),
    "tw_open_trace": (_I, (_P, _B)),
    "tw_set_symbols": (_I, (_P, _I, _P)),
    "tw_start_profile": (_I, (_P, _I)),
    "tw_profile_value": (_L, (_P, _I, _I, _I)),
    "tw_start_recording": (None, (_P,)),
    "tw_interval_value": (_L, (_P, _L, _I)),
    "tw_enable_checks": (_I, (_P, _I, _I)),
    "tw_set_guard": (None, (_P, _I, _U, _U)),
    "tw_text_of": (None, (_P, _I, _U, _P, _S)),
    "tw_row_of": (_I, (_U, _U)),
    "tw_operand_of": (_I, (_U, _U, _I)),
}


@cache
def load_core() -> ctypes.CDLL:
    """The compiled core with typed functions. Raises ToolError where it cannot be built."""
    library = ctypes.CDLL(str(build_core()))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = list(arguments)
    return library
