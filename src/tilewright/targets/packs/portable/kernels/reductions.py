"""The C side's view of a reduction: kept and reduced dimensions in turn, see mean_f32.h."""

from dataclasses import asdict, dataclass

from tilewright.ir.types import Shape


@dataclass(frozen=True, slots=True)
class MeanShape:
    """x[kept0][reduced0][kept1][reduced1][kept2], reduced to y[kept0][kept1][kept2]."""

    kept0: int
    reduced0: int
    kept1: int
    reduced1: int
    kept2: int

    def fields(self) -> dict[str, int]:
        """The members of the argument struct; kept0 shows in the number of work items."""
        fields = asdict(self)
        del fields["kept0"]
        return fields


def mean_shape(shape: Shape, axes: tuple[int, ...]) -> MeanShape | None:
    """The five extents; None where more than two groups of dimensions are reduced."""
    extents = [1]
    for d, extent in enumerate(shape):
        if extent == 1:
            continue
        # Even places are kept, odd ones reduced.
        if (d in axes) == (len(extents) % 2 == 0):
            extents[-1] *= extent
        else:
            extents.append(extent)
    if len(extents) > 5:
        return None
    if len(extents) % 2 == 0:
        extents.append(1)
    # One group of reduced dimensions is the inner one, so that its rows are as long as they can be.
    filled = [extents[0]] + [1] * (5 - len(extents)) + extents[1:]
    return MeanShape(*filled)


def one_group(shape: Shape, axes: tuple[int, ...]) -> tuple[int, int] | None:
    """(count, inner) of x[outer][count][inner]; None where dimensions between reduced ones stay."""
    whole = mean_shape(shape, axes)
    if whole is None or whole.reduced0 * whole.kept1 > 1:
        return None
    return whole.reduced1, whole.kept2
