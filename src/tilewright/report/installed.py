"""What `tilewright targets` and `tilewright doctor` say: what there is to compile for and with."""

from dataclasses import dataclass

from rich.console import Console

from tilewright.ir.target import Target
from tilewright.report.text import Json, paragraph, size_text, table
from tilewright.run.installed import Tool


@dataclass(frozen=True, slots=True)
class TargetsReport:
    """All installed targets.

    broken  why targets that packages promise cannot be used, a sentence each
    """

    targets: tuple[Target, ...]
    broken: tuple[str, ...] = ()

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "targets": [
                {
                    "name": target.name,
                    "summary": target.summary,
                    "options": [option.name for option in target.options],
                    "memories": {memory.name: memory.size for memory in target.memories},
                    "engines": [
                        {
                            "name": e.name,
                            "kind": e.kind,
                            "cores": e.cores,
                            "kernels": len(e.kernels),
                        }
                        for e in target.engines
                    ],
                }
                for target in self.targets
            ],
            **({"broken": list(self.broken)} if self.broken else {}),
        }

    def show(self, console: Console) -> None:
        """One row per target."""
        rows = [
            (
                target.name,
                target.summary,
                ", ".join(f"{m.name} {size_text(m.size)}" for m in target.memories),
                ", ".join(f"{e.name} ({len(e.kernels)} kernels)" for e in target.engines),
            )
            for target in self.targets
        ]
        console.print(table("Targets", ("Name", "What it is", "Memories", "Engines"), rows))
        options = {o.name: o for target in self.targets for o in target.options}
        for option in options.values():
            names = (t.name for t in self.targets if option.name in {o.name for o in t.options})
            said = f"--{option.name} {option.metavar}: {option.summary} ({', '.join(names)})"
            paragraph(console, said)
        for reason in self.broken:
            paragraph(console, reason, "yellow")


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """What is installed, what each missing thing would enable, and how to get it."""

    tools: tuple[Tool, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether all that every command needs is there."""
        return all(tool.found is not None for tool in self.tools if tool.is_required)

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "healthy": self.is_healthy,
            "tools": [
                {
                    "name": tool.name,
                    "found": tool.found,
                    "enables": tool.enables,
                    "how_to_get": tool.how_to_get,
                    "required": tool.is_required,
                }
                for tool in self.tools
            ],
        }

    def show(self, console: Console) -> None:
        """One row per tool, then what to do."""
        rows = [(tool.name, tool.found or "missing", tool.enables) for tool in self.tools]
        console.print(table("Installed", ("Tool", "Version", "What it enables"), rows))
        for tool in self.tools:
            if tool.found is None:
                style = "bold red" if tool.is_required else "yellow"
                paragraph(console, f"{tool.name} is missing: {tool.how_to_get}", style)
        if all(tool.found is not None for tool in self.tools):
            paragraph(console, "Everything is there.", "green")
