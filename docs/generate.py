"""Writes the generated sections of docs/architecture.md: one layer of the digits network, dumped.

A section lies between ``<!-- begin generated: NAME -->`` and ``<!-- end generated -->``. With
``--check`` nothing is written, and the exit code is 1 where a section is out of date.
"""

import re
import sys
from pathlib import Path

from tilewright.ir.dump import dump_graph, dump_plan, dump_program
from tilewright.ir.plan import Plan
from tilewright.pipeline import Compilation, Options, compile_model, load_target

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/architecture.md"
MODEL = ROOT / "examples/digits/digits_int8.onnx"
LAYER = "down"
SECTION = re.compile(
    r"(<!-- begin generated: (\w+) -->\n).*?(<!-- end generated -->)", re.MULTILINE | re.DOTALL
)


def entry(dump: str, start: str) -> str:
    """The entry of a dump whose first line starts with ``start``, with its indented lines."""
    lines = dump.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(start))
    indent = len(lines[at]) - len(lines[at].lstrip())
    stop = next(
        (i for i in range(at + 1, len(lines)) if not lines[i].startswith(" " * (indent + 1))),
        len(lines),
    )
    return "\n".join(line[indent:] for line in lines[at:stop])


def plan_of_layer(plan: Plan) -> str:
    """The dump's lines about the layer's step."""
    step = next(i for i, s in enumerate(plan.steps) if s.node.name == LAYER)
    alive = {b.name for b in plan.buffers if b.lifetime.start <= step < b.lifetime.stop}
    wanted = (f"step {step}:", f"share step {step}:", *(f"buffer {name}:" for name in alive))
    lines = [line.strip() for line in dump_plan(plan).splitlines()]
    return "\n".join(line for line in lines if line.startswith(wanted))


def c_of_layer(compiled: Compilation) -> str:
    """The layer's function with the comment above it."""
    text = compiled.bundle.files[f"{compiled.bundle.name}.c"]
    functions = re.findall(r"^// Layer .*?^}$", text, re.MULTILINE | re.DOTALL)
    return next(f for f in functions if re.match(rf"// Layer \d+: {LAYER}$", f, re.MULTILINE))


def sections() -> dict[str, str]:
    """Section name → fenced text."""
    compiled = compile_model(MODEL, load_target("host"), Options(name="digits"))
    start = f"  {LAYER}: "
    texts = {
        "source": entry(dump_graph(compiled.source), start),
        "simplified": "\n".join(
            f"{note.rule}: {note.node}, {note.text}" for note in compiled.simplified.applied
        ),
        "lowered": entry(dump_graph(compiled.graph), start),
        "plan": plan_of_layer(compiled.plan),
        "program": next(
            entry(dump_program(compiled.program), line)
            for line in dump_program(compiled.program).splitlines()
            if line.endswith(f" for {LAYER}")
        ),
    }
    fenced = {name: f"```\n{text}\n```\n" for name, text in texts.items()}
    return fenced | {"c": f"```c\n{c_of_layer(compiled)}\n```\n"}


def regenerated(page: str) -> str:
    """The page with every generated section replaced."""
    texts = sections()
    assert set(texts) == {name for _, name, _ in SECTION.findall(page)}
    return SECTION.sub(lambda m: f"{m[1]}{texts[m[2]]}{m[3]}", page)


def main() -> None:
    """Write, or check."""
    page = PAGE.read_text()
    new = regenerated(page)
    if "--check" in sys.argv and new != page:
        sys.exit(f"{PAGE.name} is out of date: run .venv/bin/python docs/generate.py")
    PAGE.write_text(new)


if __name__ == "__main__":
    main()
