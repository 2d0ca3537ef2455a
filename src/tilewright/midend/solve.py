"""The one typed door to CP-SAT: every constraint that may conflict is posted with its reason.

One worker, a fixed seed and a limit in deterministic time, so that every machine finds the same
solution. OR-tools takes half a second to import; it is imported when a model is made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    Variable = cp_model.IntVar
    Expression = cp_model.LinearExprT
    Condition = cp_model.BoundedLinearExpression | bool
    Literal = cp_model.LiteralT
    Linear = cp_model.LinearExpr

Progress = Callable[[int, int], None]
"""Called with objective and bound whenever a better solution is found."""


@dataclass(frozen=True, slots=True)
class Solved:
    """The best solution found: values in the order of ``Model.solve``'s wish, and what is proven.

    bound  no solution has a smaller objective
    objective  of this one
    """

    values: tuple[int, ...]
    bound: int
    objective: int = 0


@dataclass(frozen=True, slots=True)
class Conflict:
    """Infeasible: these reasons cannot all hold."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """The effort was spent before a solution or a proof that there is none."""


class Model:
    """A CP-SAT model under construction."""

    def __init__(self) -> None:
        from ortools.sat.python import cp_model

        self._cp = cp_model
        self._model = cp_model.CpModel()
        self._reasons: dict[str, Variable] = {}

    def variable(self, low: int, high: int, hint: int | None = None) -> "Variable":
        """An integer in [low, high]; the search looks at ``hint`` first."""
        variable = self._model.new_int_var(low, high, "")
        if hint is not None:
            self._model.add_hint(variable, hint)
        return variable

    def literal(self, hint: bool | None = None) -> "Variable":
        """A variable that is true or false."""
        literal = self._model.new_bool_var("")
        if hint is not None:
            self._model.add_hint(literal, hint)
        return literal

    def total(self, terms: Sequence[tuple["Literal", int]]) -> "Linear":
        """The sum of literals or variables, each times a number."""
        worth = [(literal, factor) for literal, factor in terms if factor]
        literals, factors = [t for t, _ in worth], [f for _, f in worth]
        return self._cp.LinearExpr.weighted_sum(literals, factors) + self._model.new_constant(0)

    def keep(self, condition: "Condition", *given: "Literal") -> None:
        """What holds by definition, wherever all of ``given`` are true."""
        self._model.add(condition).only_enforce_if(*given)

    def keep_any(self, literals: Sequence["Literal"]) -> None:
        """At least one is true, by definition."""
        self._model.add_bool_or(*literals)

    def keep_one(self, literals: Sequence["Literal"]) -> None:
        """Exactly one is true, by definition."""
        self._model.add_exactly_one(*literals)

    def need(self, condition: "Condition", because: str) -> None:
        """A hard constraint. ``because`` comes back where no solution exists."""
        self._model.add(condition).only_enforce_if(self._reason(because))

    def need_one_of(
        self, choices: Sequence[Sequence["Condition"]], because: str
    ) -> list["Variable"]:
        """All conditions of at least one choice; for each choice, a 0-1 variable that says whether
        it was taken."""
        taken = [self._model.new_bool_var("") for _ in choices]
        for conditions, literal in zip(choices, taken, strict=True):
            for condition in conditions:
                self._model.add(condition).only_enforce_if(literal)
        self._model.add_bool_or(*taken, ~self._reason(because))
        return taken

    def need_apart(self, boxes: Sequence[tuple["Variable", int, int, int]]) -> None:
        """Boxes (offset, size, start, stop) with given times do not touch in the plane."""
        times = [self._model.new_fixed_size_interval_var(b, e - b, "") for _, _, b, e in boxes]
        places = [self._model.new_fixed_size_interval_var(o, s, "") for o, s, _, _ in boxes]
        self._model.add_no_overlap_2d(times, places)

    def minimise(self, objective: "Expression") -> None:
        """What the solution should make small."""
        self._model.minimize(objective)

    def solve(
        self, wish: Sequence["Variable"], effort: float, *, is_linear: bool = False,
        progress: Progress | None = None, explains: bool = True,
    ) -> Solved | Conflict | Unknown:  # fmt: skip
        """The best solution within ``effort``, in the solver's deterministic time.

        is_linear  whether linear relaxations help; they say little about "before" and "after"
        explains   whether a conflict has its reasons, which takes as long again
        """
        model = self._model.clone()
        for reason in self._reasons.values():
            model.add(reason == 1)
        solver = self._solver(effort)
        if is_linear:
            solver.parameters.linearization_level = 2
            # It would use up the effort of large models before the search begins.
            solver.parameters.cp_model_probing_level = 0
        status = solver.solve(model, None if progress is None else self._told(progress))
        if status in (self._cp.OPTIMAL, self._cp.FEASIBLE):
            values = tuple(solver.value(variable) for variable in wish)
            bound = ceil(solver.best_objective_bound - 1e-6)
            return Solved(values, bound, round(solver.objective_value))
        if status == self._cp.INFEASIBLE:
            return self.conflict(effort) if explains else Conflict(())
        return Unknown()

    def conflict(self, effort: float, allowed: Sequence[str] | None = None) -> Conflict | Unknown:
        """The reasons that cannot all hold, of those allowed (None: of all); without objective.

        Unknown where they can, and where the effort was spent.
        """
        model = self._model.clone()
        model.clear_objective()
        reasons = {t: v for t, v in self._reasons.items() if allowed is None or t in allowed}
        model.add_assumptions(list(reasons.values()))
        solver = self._solver(effort)
        if solver.solve(model) != self._cp.INFEASIBLE:
            return Unknown()
        guilty = set(solver.sufficient_assumptions_for_infeasibility())
        return Conflict(tuple(text for text, v in reasons.items() if v.index in guilty))

    def _solver(self, effort: float) -> "cp_model.CpSolver":
        solver = self._cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        solver.parameters.max_deterministic_time = effort
        solver.parameters.linearization_level = 0
        return solver

    def _told(self, progress: Progress) -> "cp_model.CpSolverSolutionCallback":
        """What OR-tools calls for every solution."""

        class Told(self._cp.CpSolverSolutionCallback):
            def on_solution_callback(self) -> None:
                progress(round(self.objective_value), ceil(self.best_objective_bound - 1e-6))

        return Told()

    def _reason(self, because: str) -> "Variable":
        """The literal that stands for a reason."""
        if because not in self._reasons:
            self._reasons[because] = self.literal(hint=True)
        return self._reasons[because]
