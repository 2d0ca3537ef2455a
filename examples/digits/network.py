"""A small convolutional network in plain numpy: forward, backward, and Adam.

Activations are [N,H,W,C] float32. The network, for 8x8 images of one channel::

    x -> stem 3x3, 16 -> relu --+-> depthwise 3x3 -> relu -> pointwise 1x1, 16 --+-> add -> relu
                                +------------------------------------------------+
      -> down 3x3, 32, every second pixel -> relu -> mean of all pixels -> dense, 10
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Parameters = dict[str, Floats]

KERNELS = {"stem": (3, 3, 1, 16), "pointwise": (1, 1, 16, 16), "down": (3, 3, 16, 32)}
"""Dense convolutions as [KH,KW,C,O]."""


def initial_parameters(rng: np.random.Generator) -> Parameters:
    """He-normal weights, zero biases."""
    shapes = {**KERNELS, "depthwise": (3, 3, 16), "dense": (32, 10)}
    parameters: Parameters = {}
    for name, shape in shapes.items():
        inputs = np.prod(shape[:2]) if name == "depthwise" else np.prod(shape[:-1])
        weights = rng.normal(0.0, np.sqrt(2.0 / inputs), shape)
        parameters[f"{name}.weight"] = weights.astype(np.float32)
        parameters[f"{name}.bias"] = np.zeros(shape[-1], np.float32)
    return parameters


def patches(x: Floats, kernel: int, stride: int) -> Floats:
    """Padded windows of x[N,H,W,C]: [N,OH,OW,KH,KW,C]."""
    pad = kernel // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    return windows[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)


def scatter(grad: Floats, height: int, width: int, stride: int) -> Floats:
    """Adds gradients of windows [N,OH,OW,KH,KW,C] back to x[N,H,W,C]: the transpose of patches."""
    n, oh, ow, kernel, _, c = grad.shape
    pad = kernel // 2
    out = np.zeros((n, height + 2 * pad, width + 2 * pad, c), np.float32)
    for i in range(kernel):
        for j in range(kernel):
            rows = slice(i, i + stride * oh, stride)
            cols = slice(j, j + stride * ow, stride)
            out[:, rows, cols] += grad[:, :, :, i, j]
    return out[:, pad : pad + height, pad : pad + width]


@dataclass(slots=True)
class Trace:
    """What the forward pass leaves behind for the backward pass."""

    windows: dict[str, Floats] = field(default_factory=dict)
    active: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    gradients: Parameters = field(default_factory=dict)


def convolve(p: Parameters, t: Trace, name: str, x: Floats, stride: int = 1) -> Floats:
    """A dense convolution with padding that keeps the size (before the stride)."""
    w = p[f"{name}.weight"]
    t.windows[name] = windows = patches(x, w.shape[0], stride)
    return np.tensordot(windows, w, axes=3) + p[f"{name}.bias"]


def convolve_back(p: Parameters, t: Trace, name: str, grad: Floats, stride: int = 1) -> Floats:
    """Gradient with respect to the input; the parameters' gradients go into the trace."""
    w, windows = p[f"{name}.weight"], t.windows[name]
    t.gradients[f"{name}.weight"] = np.tensordot(windows, grad, axes=((0, 1, 2), (0, 1, 2)))
    t.gradients[f"{name}.bias"] = grad.sum(axis=(0, 1, 2))
    size = grad.shape[1] * stride
    return scatter(np.tensordot(grad, w, axes=(3, 3)), size, size, stride)


def depthwise(p: Parameters, t: Trace, x: Floats) -> Floats:
    """A 3x3 convolution of each channel by itself."""
    t.windows["depthwise"] = windows = patches(x, 3, 1)
    return np.einsum("nhwijc,ijc->nhwc", windows, p["depthwise.weight"]) + p["depthwise.bias"]


def depthwise_back(p: Parameters, t: Trace, grad: Floats) -> Floats:
    """As convolve_back."""
    windows, w = t.windows["depthwise"], p["depthwise.weight"]
    t.gradients["depthwise.weight"] = np.einsum("nhwijc,nhwc->ijc", windows, grad)
    t.gradients["depthwise.bias"] = grad.sum(axis=(0, 1, 2))
    return scatter(grad[:, :, :, None, None] * w, grad.shape[1], grad.shape[2], 1)


def relu(t: Trace, name: str, x: Floats) -> Floats:
    """max(x, 0)."""
    t.active[name] = x > 0
    return np.maximum(x, 0)


def logits(p: Parameters, t: Trace, x: Floats) -> Floats:
    """Scores [N,10] of images x[N,8,8,1]."""
    stem = relu(t, "stem", convolve(p, t, "stem", x))
    branch = relu(t, "depthwise", depthwise(p, t, stem))
    joined = relu(t, "add", stem + convolve(p, t, "pointwise", branch))
    down = relu(t, "down", convolve(p, t, "down", joined, stride=2))
    t.windows["dense"] = features = down.mean(axis=(1, 2))
    return features @ p["dense.weight"] + p["dense.bias"]


def backward(p: Parameters, t: Trace, grad: Floats) -> None:
    """Fills ``t.gradients`` from the gradient of the loss with respect to the logits."""
    t.gradients["dense.weight"] = t.windows["dense"].T @ grad
    t.gradients["dense.bias"] = grad.sum(axis=0)
    pixels = t.active["down"].shape[1] * t.active["down"].shape[2]
    grad = (grad @ p["dense.weight"].T)[:, None, None] / pixels * t.active["down"]
    grad = convolve_back(p, t, "down", grad, stride=2) * t.active["add"]
    branch = convolve_back(p, t, "pointwise", grad) * t.active["depthwise"]
    stem = (grad + depthwise_back(p, t, branch)) * t.active["stem"]
    convolve_back(p, t, "stem", stem)


def probabilities(scores: Floats) -> Floats:
    """Softmax of each row."""
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def predictions(p: Parameters, images: Floats) -> NDArray[np.int64]:
    """The most likely digit of each image."""
    return logits(p, Trace(), images).argmax(axis=1)


def shifted_batches(
    images: Floats, labels: NDArray[np.int64], rng: np.random.Generator, size: int = 32
) -> Iterator[tuple[Floats, NDArray[np.int64]]]:
    """One epoch in random order; every batch is moved by up to one pixel each way."""
    for chosen in np.array_split(rng.permutation(len(images)), len(images) // size):
        dy, dx = rng.integers(0, 3, 2)
        padded = np.pad(images[chosen], ((0, 0), (1, 1), (1, 1), (0, 0)))
        yield padded[:, dy : dy + 8, dx : dx + 8], labels[chosen]


def train(images: Floats, labels: NDArray[np.int64], seed: int, epochs: int) -> Parameters:
    """Adam on cross entropy with a learning rate that falls along a half cosine."""
    rng = np.random.default_rng(seed)
    p = initial_parameters(rng)
    mean = {name: np.zeros_like(value) for name, value in p.items()}
    square = {name: np.zeros_like(value) for name, value in p.items()}
    step = 0
    for epoch in range(epochs):
        rate = 4e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        for x, y in shifted_batches(images, labels, rng):
            step += 1
            t = Trace()
            error = probabilities(logits(p, t, x))
            error[np.arange(len(y)), y] -= 1
            backward(p, t, error / np.float32(len(y)))
            for name, grad in t.gradients.items():
                mean[name] = 0.9 * mean[name] + 0.1 * grad
                square[name] = 0.99 * square[name] + 0.01 * grad**2
                unbiased = mean[name] / (1 - 0.9**step)
                spread = np.sqrt(square[name] / (1 - 0.99**step)) + 1e-8
                p[name] = (p[name] - rate * unbiased / spread).astype(np.float32)
    return p
