"""The entry point: one command in, one exit code out; every error in words."""

import os
import sys
import traceback
from collections.abc import Sequence

from tilewright.cli.parser import build_parser
from tilewright.cli.target_options import add_target_options
from tilewright.cli.terminal import Progress, say_error
from tilewright.errors import TilewrightError

INTERNAL_ERROR = 70
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. See ``tilewright --help`` for exit codes."""
    # Before numpy is there: sums in floating point are the same on any number of cores, and small
    # matrices do not wait for threads.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    words = sys.argv[1:] if arguments is None else arguments
    line = build_parser()
    add_target_options(line, words)
    parsed, unknown = line.parser.parse_known_args(words)
    if unknown:
        line.commands[parsed.command].refuse(unknown)
    is_debugging = bool(parsed.debug or os.environ.get("TILEWRIGHT_DEBUG"))
    try:
        # The compiler is imported here so that --help and wrong options answer at once.
        from tilewright.cli.commands import run_command

        with Progress():
            finish = run_command(parsed)
        code = finish()
        sys.stdout.flush()
    except TilewrightError as error:
        say_error(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        say_error("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more when it exits: give it somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        if is_debugging:
            traceback.print_exc()
        say_error(f"{error.filename or 'file'}: {error.strerror or error}")
        return TilewrightError.exit_code
    except Exception as error:
        return _internal_error(error, is_debugging=is_debugging)
    return code


def _internal_error(error: Exception, *, is_debugging: bool) -> int:
    if is_debugging:
        traceback.print_exc()
    hint = "" if is_debugging else "; add --debug for the traceback"
    said = str(error) or "no message"
    say_error(
        f"{type(error).__name__}: {said}\n"
        f"this is a bug in tilewright; please report it with the model and this text{hint}"
    )
    return INTERNAL_ERROR
