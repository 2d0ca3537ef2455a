from rewriting import Net
from tilewright.frontend.rewrites.explain import explain_rules
from tilewright.frontend.rewrites.rules import LOWERED_RULES, SOURCE_RULES, optimise, simplify
from tilewright.ir.types import DType
from tilewright.ops.elementwise import Clip
from tilewright.ops.layout import Reshape
from tilewright.ops.softmax import Softmax


def test_each_rule_tells_where_it_applied_and_where_not() -> None:
    net = Net()
    x = net.do("soft", Softmax(), net.input("x", 2, 3))
    y = net.do("b", Clip(0, 1), net.do("a", Clip(0), x))
    simplified = simplify(net.graph(y))
    other = Net()
    moved = other.graph(other.do("y", Reshape((3, 2)), other.input("x", 2, 3, dtype=DType.S8)))
    stories = explain_rules(simplified, optimise(moved, prune=True))
    assert len(stories) == len(SOURCE_RULES) + len(LOWERED_RULES) + 1
    told = {
        (s.phase, s.name): ([n.node for n in s.applied], [n.text for n in s.refused])
        for s in stories
        if s.applied or s.refused
    }
    assert told == {
        ("source", "fuse-clip"): (["b"], ["soft (Softmax) has no bounds of its own"]),
        ("integer", "copy-to-output"): (["y"], []),
    }
    assert stories[-1].name == "prune-channels"
