"""Short names of tensors for people: by the node that makes or reads them.

Converters name tensors after everything that was merged into them, hundreds of characters long. A
node's name and its operand say the same.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import BufferName, Step

AS_IT_IS = "="


@dataclass(frozen=True, slots=True)
class Labels:
    """One label per tensor, no two alike: `conv_2`, `conv_2.bias`, or an input's own name."""

    label: Mapping[ValueName, str]
    value: Mapping[str, ValueName]

    @classmethod
    def of(cls, graph: Graph, steps: Sequence[Step]) -> Self:
        """Of a network that is computed in these steps."""
        wishes = {name: str(name) for name in graph.values}
        for step in reversed(steps):
            pointers = step.kernel.pointers if step.kernel else ()
            for name, pointer in zip(step.node.inputs, pointers, strict=False):
                if name in graph.constants:
                    wishes[name] = f"{step.node.name}.{pointer}"
        wishes |= {step.node.output: step.node.name for step in steps}
        wanted = Counter(wishes.values())
        # A label that is somebody else's own name would be taken for it.
        labels = {
            name: wish if wanted[wish] == 1 and (wish == name or wish not in graph.values) else name
            for name, wish in wishes.items()
        }
        return cls(labels, {label: name for name, label in labels.items()})

    def of_buffer(self, name: BufferName) -> str:
        """A buffer's name with its tensor's label; what follows the tensor's name stays.

        A name that would not lead back is kept, behind an equals sign.
        """
        owner = _owner(name, self.label)
        text = name if owner is None else self.label[ValueName(owner)] + name[len(owner) :]
        is_clear = not text.startswith(AS_IT_IS) and self.buffer(text) == name
        return text if is_clear else AS_IT_IS + name

    def buffer(self, text: str) -> BufferName:
        """The buffer that ``of_buffer`` names so."""
        if text.startswith(AS_IT_IS):
            return BufferName(text.removeprefix(AS_IT_IS))
        owner = _owner(text, self.value)
        return BufferName(text if owner is None else self.value[owner] + text[len(owner) :])


def _owner(text: str, known: Mapping[ValueName, object] | Mapping[str, object]) -> str | None:
    """The longest known name that the text begins with, up to its end or a colon."""
    stop = len(text)
    while stop > 0:
        if text[:stop] in known:
            return text[:stop]
        stop = text.rfind(":", 0, stop)
    return None
