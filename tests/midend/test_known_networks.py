"""MLPerf Tiny on the host's kernels: the arena of activations is the known least."""

from dataclasses import replace
from pathlib import Path

import pytest

from judged import check_plan
from tilewright.frontend.lower import lower
from tilewright.frontend.rewrites.rules import optimise, simplify
from tilewright.ir.graph import Graph
from tilewright.ir.op import Op
from tilewright.ir.plan import Plan
from tilewright.ir.target import Signature, Target
from tilewright.midend.assign import assign
from tilewright.midend.plan_memory import plan_memory
from tilewright.midend.usage import activation_bytes
from tilewright.pipeline import import_graph
from tilewright.targets.host.target import HOST
from work import counted

MODELS = Path(__file__).parents[3] / "shared" / "models" / "mlperf_tiny"

pytestmark = pytest.mark.skipif(not MODELS.is_dir(), reason="needs ../shared/models/mlperf_tiny")


def compiled_graph(name: str) -> Graph:
    source = import_graph(MODELS / name)
    return optimise(lower(simplify(source).graph, source.contract), prune=False).graph


def planned(graph: Graph, target: Target) -> Plan:
    plan = plan_memory(graph, assign(graph, target), target)
    check_plan(plan, graph, target)
    return plan


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("ic01_resnet8_int8.tflite", 33_296),
        ("kws01_int8.tflite", 8_384),
        ("vww96_int8.tflite", 36_864),
        ("ad01_int8.tflite", 768),
        ("resnet8_qdq.onnx", 33_296),
        ("kws_qdq.onnx", 8_384),
        # 92 more than from NHWC: the input stays [N,C,H,W], whose planes are read side by side.
        ("vww_qdq.onnx", 36_956),
        ("ad_qdq.onnx", 768),
    ],
)
def test_activations_need_the_known_least(name: str, most: int):
    graph = compiled_graph(name)
    with counted() as work:
        plan = planned(graph, HOST)
    assert work.calls < 400_000  # keyword spotting, the most: 154,216
    assert activation_bytes(plan, "ram") <= most


def one_item(op: Op, signature: Signature) -> int:
    del op, signature
    return 1


def test_keyword_spotting_would_need_9536_bytes_if_layers_ran_forward_only():
    engine = HOST.engines[0]
    kernels = tuple(replace(kernel, items=one_item) for kernel in engine.kernels)
    forward_only = replace(HOST, engines=(replace(engine, kernels=kernels),))
    graph = compiled_graph("kws01_int8.tflite")
    assert activation_bytes(planned(graph, forward_only), "ram") == 9_536
    assert activation_bytes(planned(graph, HOST), "ram") == 8_384
