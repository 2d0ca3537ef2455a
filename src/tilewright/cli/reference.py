"""docs/reference/cli.md, made from the parser: ``python -m tilewright.cli.reference`` prints it."""

from tilewright.cli.parser import COMMANDS, EXIT_CODES, build_parser

_INTRODUCTION = """\
# Command line

This page is generated: `python -m tilewright.cli.reference > docs/reference/cli.md`. A test checks
that it is up to date.

Results go to stdout, everything else to stderr. With `--json` a command prints one JSON object on
one line of stdout. A command that takes more than two seconds says on stderr what it is doing.
Colours appear on terminals only, and not where `NO_COLOR` is set. `TILEWRIGHT_DEBUG=1` is the same
as `--debug`.

A target may bring options of its own: `tilewright targets` lists them, and `tilewright compile
--target NAME --help` shows them.
"""

_PYTHON = """\
## The same from Python

```python
import tilewright

report = tilewright.run_model("model.tflite", inputs={"x": array})
report.outputs["y"]  # numpy arrays
report.json()  # what --json prints
report.show(console)  # what a person reads, on a rich.console.Console
```

| command | function |
|---|---|
| `tilewright inspect` | `inspect_model(model, target, options)`; of a language model \
`inspect_checkpoint(model)` |
| `tilewright compile` | `compile_to(model, folder, target, options, is_project=False, \
save_plan=None)` |
| `tilewright run` | `run_model(model, target, options, inputs=None, settings=RunSettings())` |
| `tilewright generate` | `generate(model, target, settings=GenerateSettings(), options, \
tokenizer=None, context=None)` |
| `tilewright evaluate` | `evaluate_network(model, data, target, options, judged=Judged())`; of a \
language model `evaluate_model(model, texts, bits=8, budget=None)`, with `Texts` |
| `tilewright verify` | `verify_model(model, target, options, inputs=3, sanitizes=False)` |
| `tilewright check` | `check_model(model, target, options)` |
| `tilewright explore` | `explore_model(model, memory, sizes, target, options)` |
| `tilewright compare` | `compare_plans(before, after)` |
| `tilewright explain` | `explain_model(model, target, options, rule=None, node=None)` |
| `tilewright place` | `place_pieces(problem, output, capacity)` |
| `tilewright model` | `write_model(network, output, sequence=None, layers=None, seed=0)` |
| `tilewright sim` | `simulate(program, machine="siracusa", timing=None, max_cycles=None)` |
| `tilewright conformance` | `run_conformance(target, words=(), kinds=KINDS)` |
| `tilewright fuzz` | `fuzz_networks(cases, seed=0, target=None, settings=FuzzSettings())`; of \
damaged files `fuzz_files(models, cases, seed=0, folder="fuzz-findings")` |
| `tilewright targets` | `list_targets()`; `load_target(name)` |
| `tilewright doctor` | `doctor()` |

`target` is a name or a `Target`, `options` an `Options` (contract, input_shapes, allow_float,
prune, memory, name, effort, plan, pins: a `PinWishes` of engines, single_buffer, whole, near).
`compile_model` writes nothing and keeps every artefact between model and C.
What a user can cause is raised as a `TilewrightError`; its `exit_code` is what the command line
would have returned.
"""

_MACHINE_INTERFACE = """\
## The JSON object of `tilewright run`

```json
{"model": "model.tflite", "target": "host", "contract": "tflite", "runs": 2,
 "runs_identical": true, "macs": {"source": 7489664, "compiled": 3733073},
 "memory": {"ram": {"used": 36864, "size": null, "parts": {"arena": 36864, "stack": 272}}},
 "count": {"unit": "none", "total": null, "planned": 299247,
           "layers": [{"name": "conv2d_0", "op": "QConv2d", "engine": "cpu", "count": null,
                       "planned": 108789, "macs": 497664}]},
 "plan": {"cycles": 299247}}
```

- `runs`: how often the whole input was run, in one process: `--repeat`. Runs alternate between
  tensors in the arena and tensors of the caller's
- `runs_identical`: every run gave the same bytes; else the exit code is 1
- `macs`: multiply-accumulates of one inference: as the file has them, and as compiled
- `memory`: bytes by memory of the target; `size` is null where nothing limits it; `used` is the
  sum of `parts` without the host's `stack`, which is the process's own and takes nothing of the
  memory's size; parts that do not exist or were not measured are left out
- `arena`: activations, with input and output
- `scratch`: what kernels' working memory adds to the arena beyond that
- `io`: inputs and outputs, on targets that keep them outside of the arena
- `stack`: of one inference, measured: it runs once on a painted stack, less what an empty call
  takes. Linux only, not under `--sanitize`. On a board: from the call of `tw_NAME_run` on
- `weights`, `tables`: constants of layers that multiply, and of those that look up
- `code`: functions of the network and its kernels and the read-only data that belongs to them, as
  the symbol table of the linked program states them. ELF systems only, not under `--sanitize`
- `startup`: on a board, what the firmware of `compile --project` takes of flash besides: vector
  table, reset code, library functions, `main`. `code` and sizes are those of that firmware
- `count`: `unit` is `"none"`, `total` and every `count` null, unless `--count` is given. On the
  host it is `"instructions"`: one inference after two warm ones under valgrind's callgrind; a
  layer's count includes its kernel. Emulated boards always count: executed instructions of the
  first inference of the last run, or of the third. `planned` is what the target's cost tables say:
  instructions, too, on the host and on Cortex-M
- `plan`: `cycles` of one inference as planned, on the target's own numbers
- `energy_uj`, `energy_model`: where the target has a model of energy (Siracusa, Snitch with ITA):
  an estimate for one inference, and what it is a sum of; never a measurement
- `unlike_the_chip`: sentences that name in what figures of this run lean on something that the
  simulated machine is known to do unlike silicon (Siracusa)
- `speed`: where the target has a clock (Snitch with ITA): `clock_hz`, `inferences_per_second`,
  `gop_per_second`, `engine` and `in_use`, the part of its multiply-accumulates that was used
- `engine`: what computes the layer; several engines that share its tiles are joined by `+`
- `profile`: only with `--profile`; `layers` with `kernel`, `per_mac` and, on emulated boards, the
  count of each C `function`; `kernels` over all layers; `functions` by machine instruction

Arrays of `--input` match the network's inputs by name, or by order where names differ. A leading
extra dimension is a batch of inferences, and so is the first dimension where the network's own is
1: `[1000, 49, 10, 1]` and `[1000, 1, 49, 10, 1]` are a thousand inputs of shape `[1, 49, 10, 1]`.
Outputs then have the batch dimension in front. They carry the graph's output names, their stored
(quantised) type and shape.
"""


def reference_text() -> str:
    """The whole page, as Markdown."""
    line = build_parser()
    parts = [_INTRODUCTION, f"```text\n{EXIT_CODES}\n```\n"]
    for command in COMMANDS:
        help_text = line.commands[command.name].format_help().rstrip()
        parts.append(f"## tilewright {command.name}\n\n```text\n{help_text}\n```\n")
    return "\n".join([*parts, _MACHINE_INTERFACE, _PYTHON])


if __name__ == "__main__":
    print(reference_text(), end="")
