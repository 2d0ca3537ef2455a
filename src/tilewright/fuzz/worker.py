"""A process that compiles files that nobody trusts: a path in, one line of JSON out.

python -m tilewright.fuzz.worker BYTES
"""

import json
import resource
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

from tilewright.errors import TilewrightError
from tilewright.pipeline import Options, compile_model, load_target


def main() -> None:
    """Answer for every path on stdin, until it ends."""
    most = int(sys.argv[1])
    target = load_target("host")
    kept = sys.stdout
    sys.stdout = sys.stderr  # what a library prints is no answer
    _limit(most)
    for line in sys.stdin:
        answer = _compiled(Path(json.loads(line)), target)
        print(json.dumps({**answer, "peak": _peak()}), file=kept, flush=True)


def _compiled(path: Path, target: object) -> Mapping[str, str]:
    from tilewright.ir.target import Target

    assert isinstance(target, Target)
    try:
        compile_model(path, target, Options(effort="quick"))
    except TilewrightError as error:
        return {"end": "refused", "text": str(error)[:500]}
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({Path(where.filename).name}, {where.name})"
        return {"end": "crash", "text": text[:500]}
    return {"end": "compiled", "text": ""}


def _limit(most: int) -> None:
    """No more address space than now and so many bytes: what takes more gets a MemoryError."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + most
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _peak() -> int:
    """Most memory that the process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
