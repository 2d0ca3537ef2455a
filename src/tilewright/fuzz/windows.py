"""Drawn windows: convolutions and pools over one or two spatial dimensions."""

from dataclasses import dataclass

import numpy as np

from tilewright.fuzz.drawing import LARGEST, Attribute, Drawing, Tensor
from tilewright.ir.types import Shape


@dataclass(frozen=True, slots=True)
class _Window:
    """Attributes of a window, per spatial dimension; pads: all starts, then all ends."""

    kernel: Shape
    strides: Shape
    dilations: Shape
    pads: Shape

    def over(self, spatial: Shape, *, ceil: bool = False) -> Shape:
        """Spatial sizes of the output; 0 or less where the window does not fit.

        ceil  the last window may be incomplete, but starts within the input: of others, the
              standard's versions say different things
        """
        half = len(spatial)
        found: list[int] = []
        for i, size in enumerate(spatial):
            pads = self.pads[i] + self.pads[half + i]
            room = size + pads - (self.kernel[i] - 1) * self.dilations[i] - 1
            steps = -(-room // self.strides[i]) if ceil else room // self.strides[i]
            is_known = room >= 0 and not (ceil and steps * self.strides[i] >= size + self.pads[i])
            found.append(steps + 1 if is_known else 0)
        return tuple(found)


def _is_image(tensor: Tensor) -> bool:
    return tensor.rank in (3, 4) and tensor.shape[0] <= 2 and tensor.size <= LARGEST


def _image(draw: Drawing) -> Tensor:
    found = draw.pick(_is_image) if draw.chance(0.9) else None
    if found is not None:
        return found
    spatial = [draw.random.randint(1, 9) for _ in range(draw.random.choice((1, 2, 2, 2)))]
    return draw.input((1, draw.random.randint(1, 8), *spatial))


def _window(draw: Drawing, spatial: Shape, *, dilates: bool) -> _Window:
    random = draw.random
    kernel = tuple(random.randint(1, min(4, size + 1)) for size in spatial)
    pads = tuple(random.randint(0, max(0, k - 1)) if draw.chance(0.5) else 0 for k in kernel * 2)
    dilations = tuple(random.choice((1, 1, 1, 2)) if dilates else 1 for _ in kernel)
    strides = tuple(random.choice((1, 1, 2, 3)) for _ in kernel)
    return _Window(kernel, strides, dilations, pads)


def conv(draw: Drawing) -> Tensor | None:
    """Conv of any groups, dilations and pads, with or without a bias."""
    x = _image(draw)
    window = _window(draw, x.shape[2:], dilates=True)
    spatial = window.over(x.shape[2:])
    channels = x.shape[1]
    groups = draw.random.choice([g for g in (1, 1, 2, 3, channels) if channels % g == 0])
    made = groups * draw.random.randint(1, 4) if groups > 1 else draw.random.randint(1, 12)
    shape = (x.shape[0], made, *spatial)
    if min(spatial) < 1 or np.prod(shape) > LARGEST:
        return None
    terms = channels // groups * int(np.prod(window.kernel))
    spread = 1 / np.sqrt(terms)
    inputs = [draw.real(x), draw.weights((made, channels // groups, *window.kernel), spread, 0)]
    if draw.chance(0.6):
        inputs.append(draw.bias(made, x.spread / 2))
    name = draw.node(
        "Conv", inputs, strides=window.strides, pads=window.pads, dilations=window.dilations,
        group=groups,
    )  # fmt: skip
    return draw.result(name, shape, x.spread)


def conv_transpose(draw: Drawing) -> Tensor | None:
    """ConvTranspose with strides, pads and output padding."""
    x = _image(draw)
    window = _window(draw, x.shape[2:], dilates=False)
    half = len(window.kernel)
    more = tuple(draw.random.randrange(stride) for stride in window.strides)
    spatial = tuple(
        (size - 1) * s - window.pads[i] - window.pads[half + i] + k + m
        for i, (size, s, k, m) in enumerate(
            zip(x.shape[2:], window.strides, window.kernel, more, strict=True)
        )
    )
    made = draw.random.randint(1, 5)
    shape = (x.shape[0], made, *spatial)
    if min(spatial) < 1 or np.prod(shape) > LARGEST:
        return None
    spread = 1 / np.sqrt(x.shape[1] * int(np.prod(window.kernel)))
    weights = draw.weights((x.shape[1], made, *window.kernel), spread, 1)
    name = draw.node(
        "ConvTranspose", [draw.real(x), weights], strides=window.strides, pads=window.pads,
        output_padding=more,
    )  # fmt: skip
    return draw.result(name, shape, x.spread)


def pool(draw: Drawing) -> Tensor | None:
    """MaxPool or AveragePool, padding counted or not, rounded up or down."""
    x = _image(draw)
    kind = draw.random.choice(("MaxPool", "AveragePool"))
    window = _window(draw, x.shape[2:], dilates=kind == "MaxPool")
    ceil = draw.chance(0.3)
    spatial = window.over(x.shape[2:], ceil=ceil)
    fits = all(k <= size for k, size in zip(window.kernel, x.shape[2:], strict=True))
    if min(spatial) < 1 or not fits:
        return None
    extra: dict[str, Attribute] = {"ceil_mode": int(ceil)}
    if kind == "MaxPool":
        extra["dilations"] = window.dilations
    else:
        extra["count_include_pad"] = draw.random.randint(0, 1)
    name = draw.node(
        kind, [draw.real(x)], kernel_shape=window.kernel, strides=window.strides, pads=window.pads,
        **extra,
    )  # fmt: skip
    shape = (*x.shape[:2], *spatial)
    return draw.result(name, shape, x.spread, x.stored if draw.chance(0.6) else None)


def global_pool(draw: Drawing) -> Tensor | None:
    """GlobalAveragePool or GlobalMaxPool."""
    x = _image(draw)
    name = draw.node(draw.random.choice(("GlobalAveragePool", "GlobalMaxPool")), [draw.real(x)])
    return draw.result(name, (*x.shape[:2], *(1,) * (x.rank - 2)), x.spread)


def batch_norm(draw: Drawing) -> Tensor | None:
    """BatchNormalization with constant statistics, none of them close to 0."""
    x = draw.pick(lambda tensor: tensor.rank >= 2)
    if x is None:
        return None
    count = x.shape[1]
    numbers = [
        draw.rng.uniform(0.5, 2, count), draw.rng.normal(0, 1, count),
        draw.rng.normal(0, x.spread / 2, count), x.spread**2 * draw.rng.uniform(0.5, 2, count),
    ]  # fmt: skip
    names = [draw.constant(a.astype(np.float32), "norm") for a in numbers]
    return draw.result(draw.node("BatchNormalization", [draw.real(x), *names]), x.shape, 1.5)


def space(draw: Drawing) -> Tensor | None:
    """DepthToSpace or SpaceToDepth."""
    x = draw.pick(lambda t: t.rank == 4)
    if x is None:
        return None
    n, c, h, w = x.shape
    name = x.name if draw.chance(0.5) else draw.real(x)
    if c % 4 == 0:
        mode = draw.random.choice(("DCR", "CRD"))
        made, shape = (
            draw.node("DepthToSpace", [name], blocksize=2, mode=mode),
            (n, c // 4, h * 2, w * 2),
        )
    elif h % 2 == 0 and w % 2 == 0:
        made, shape = draw.node("SpaceToDepth", [name], blocksize=2), (n, c * 4, h // 2, w // 2)
    else:
        return None
    if name == x.name:
        return draw.kept(Tensor(made, shape, x.spread, x.stored))
    return draw.result(made, shape, x.spread, x.stored)


def resize(draw: Drawing) -> Tensor | None:
    """Resize by whole numbers, nearest or linear."""
    x = draw.pick(lambda t: t.rank == 4 and t.size <= LARGEST // 6)
    if x is None:
        return None
    factors = (1, 1, draw.random.randint(1, 3), draw.random.randint(1, 2))
    scales = draw.constant(np.array(factors, np.float32), "factors")
    mode = draw.random.choice(("nearest", "linear"))
    coordinates = draw.random.choice(("asymmetric", "half_pixel", "align_corners"))
    rounding = {"nearest_mode": draw.random.choice(("floor", "round_prefer_floor", "ceil"))}
    name = draw.node(
        "Resize", [draw.real(x), "", scales], mode=mode,
        coordinate_transformation_mode=coordinates, **(rounding if mode == "nearest" else {}),
    )  # fmt: skip
    shape = tuple(size * factor for size, factor in zip(x.shape, factors, strict=True))
    return draw.result(name, shape, x.spread, x.stored if draw.chance(0.7) else None)
