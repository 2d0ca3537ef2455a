"""Inclusive costs from callgrind's text format."""

from tilewright.run.callgrind import inclusive_costs

PROFILE = """\
version: 1
positions: line
events: Ir
fl=(1) net.c
fn=(1) tw_net_run
10 5
+1 2
calls=1 20
cfn=(2) net_layer_00_conv.constprop.0
11 1000
cfn=(3) net_layer_01_dense
calls=1 30
12 70

fn=(2)
20 10
cfn=(4) net_conv2d_s8
calls=1 40
* 990

fn=(4)
40 990

fn=(3)
30 70
totals: 1077
"""


def test_a_functions_cost_is_its_own_and_that_of_its_calls() -> None:
    costs = inclusive_costs(PROFILE)
    assert costs["tw_net_run"] == 5 + 2 + 1000 + 70
    assert costs["net_layer_00_conv"] == 1000
    assert costs["net_layer_01_dense"] == 70
    assert costs["net_conv2d_s8"] == 990


def test_a_call_line_itself_costs_nothing() -> None:
    assert inclusive_costs("fn=(1) f\ncalls=7 3\n1 4\n")["f"] == 4
