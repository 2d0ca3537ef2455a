"""What every checkpoint format is read into: a Llama in float32.

For each token: ``x = embedding[token]``; per layer ``x += o(attention(q, k, v of norm(x)))``, then
``x += down(silu(gate(norm(x))) * up(norm(x)))``; at the end ``logits = head(norm(x))``. Query head
i reads the keys and values of head ``i // (heads / kv_heads)``. There are no biases.

RoPE turns neighbours (2i, 2i + 1) of a head by ``position * theta**(-2i / head_dim)``. Whoever
reads a file that pairs halves (i, i + head_dim/2) reorders the rows of q and k.
"""

from dataclasses import dataclass, fields

from tilewright.errors import OptionError
from tilewright.ir.types import Array


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """Hyper-parameters. ``head_dim`` is even and need not be dim / heads; kv_heads divides heads.

    context   tokens that positions are made for
    is_tied   whether the head has the weights of the embedding
    """

    dim: int
    hidden_dim: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int
    rope_theta: float = 10000.0
    norm_eps: float = 1e-5
    is_tied: bool = True

    @property
    def q_dim(self) -> int:
        """Elements of all query heads together."""
        return self.heads * self.head_dim

    @property
    def kv_dim(self) -> int:
        """Elements of all keys of one token in one layer."""
        return self.kv_heads * self.head_dim


@dataclass(frozen=True, slots=True)
class LlamaLayer:
    """Weights of one layer, float32, matrices as [out, in].

    attention_norm[dim]; q[q_dim, dim]; k, v[kv_dim, dim]; o[dim, q_dim];
    mlp_norm[dim]; gate, up[hidden_dim, dim]; down[dim, hidden_dim]
    """

    attention_norm: Array
    q: Array
    k: Array
    v: Array
    o: Array
    mlp_norm: Array
    gate: Array
    up: Array
    down: Array

    def tensors(self) -> tuple[tuple[str, Array], ...]:
        """All by name, in order."""
        return tuple((of.name, getattr(self, of.name)) for of in fields(self))


@dataclass(frozen=True, slots=True)
class Llama:
    """A language model. ``embedding``[vocabulary, dim]; ``final_norm``[dim]; ``head``[vocabulary,
    dim], which is the embedding where they are tied. All float32."""

    name: str
    shape: LlamaShape
    embedding: Array
    layers: tuple[LlamaLayer, ...]
    final_norm: Array
    head: Array

    def check(self) -> None:
        """Raises OptionError naming the first tensor whose size is not what the shape says."""
        shape = self.shape
        wanted = {
            "attention_norm": (shape.dim,),
            "q": (shape.q_dim, shape.dim),
            "k": (shape.kv_dim, shape.dim),
            "v": (shape.kv_dim, shape.dim),
            "o": (shape.dim, shape.q_dim),
            "mlp_norm": (shape.dim,),
            "gate": (shape.hidden_dim, shape.dim),
            "up": (shape.hidden_dim, shape.dim),
            "down": (shape.dim, shape.hidden_dim),
        }
        if len(self.layers) != shape.layers:
            raise OptionError(
                f"{self.name}: {len(self.layers)} layers of weights, {shape.layers} by its shape"
            )
        table = (shape.vocabulary, shape.dim)
        found = [
            ("embedding", self.embedding, table),
            ("final_norm", self.final_norm, (shape.dim,)),
            ("head", self.head, table),
        ]
        for index, layer in enumerate(self.layers):
            found += [(f"layer {index} {name}", a, wanted[name]) for name, a in layer.tensors()]
        for name, array, size in found:
            if array.shape != size or array.dtype.name != "float32":
                raise OptionError(
                    f"{self.name}: {name} is {array.dtype.name}{list(array.shape)}; the "
                    f"hyper-parameters want float32{list(size)}"
                )
