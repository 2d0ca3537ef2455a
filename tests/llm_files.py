"""Drawn language models, and writers of every file format that readers are tested with."""

import json
import struct
from pathlib import Path

import numpy as np

from tilewright.llm.model import Llama, LlamaLayer, LlamaShape
from tilewright.llm.tokenizer import COMMON_SPACES, Spaces

SHARED = Path(__file__).parents[2] / "shared/models/tinystories"

GGUF_NAMES = {
    "attention_norm": "attn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v",
    "o": "attn_output", "mlp_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up",
    "down": "ffn_down",
}  # fmt: skip
HF_NAMES = {
    "attention_norm": "input_layernorm", "q": "self_attn.q_proj", "k": "self_attn.k_proj",
    "v": "self_attn.v_proj", "o": "self_attn.o_proj", "mlp_norm": "post_attention_layernorm",
    "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
}  # fmt: skip
MATRICES = ("q", "k", "v", "o", "gate", "down", "up")


def drawn_shape(rng: np.random.Generator, *, tied: bool) -> LlamaShape:
    """Small, with heads that share keys, and an MLP width that is no multiple of the width."""
    kv_heads, group = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    head_dim = 2 * int(rng.integers(1, 5))
    return LlamaShape(
        kv_heads * group * head_dim, int(rng.integers(5, 40)), int(rng.integers(1, 4)),
        kv_heads * group, kv_heads, head_dim, int(rng.integers(3, 30)),
        int(rng.integers(1, 40)), 10000.0, 1e-5, is_tied=tied,
    )  # fmt: skip


def drawn_llama(rng: np.random.Generator, shape: LlamaShape) -> Llama:
    """Weights that bfloat16 and float16 hold exactly: multiples of 1/64."""

    def drawn(*size: int):
        return (rng.integers(-60, 61, size) / 64).astype(np.float32)

    layers = tuple(
        LlamaLayer(
            drawn(shape.dim), drawn(shape.q_dim, shape.dim), drawn(shape.kv_dim, shape.dim),
            drawn(shape.kv_dim, shape.dim), drawn(shape.dim, shape.q_dim), drawn(shape.dim),
            drawn(shape.hidden_dim, shape.dim), drawn(shape.hidden_dim, shape.dim),
            drawn(shape.dim, shape.hidden_dim),
        )
        for _ in range(shape.layers)
    )  # fmt: skip
    embedding = drawn(shape.vocabulary, shape.dim)
    head = embedding if shape.is_tied else drawn(shape.vocabulary, shape.dim)
    return Llama("drawn", shape, embedding, layers, drawn(shape.dim), head)


def all_of(llama: Llama, kind: str) -> bytes:
    return b"".join(getattr(layer, kind).tobytes() for layer in llama.layers)


def seven(shape: LlamaShape, vocabulary: int) -> bytes:
    return struct.pack("<7i", shape.dim, shape.hidden_dim, shape.layers, shape.heads,
                       shape.kv_heads, vocabulary, shape.context)  # fmt: skip


def llama2c_v0(llama: Llama) -> bytes:
    shape = llama.shape
    body = llama.embedding.tobytes() + all_of(llama, "attention_norm")
    body += b"".join(all_of(llama, kind) for kind in ("q", "k", "v", "o", "mlp_norm"))
    body += b"".join(all_of(llama, kind) for kind in ("gate", "down", "up"))
    body += llama.final_norm.tobytes() + bytes(4 * shape.context * shape.head_dim)
    vocabulary = shape.vocabulary if shape.is_tied else -shape.vocabulary
    return seven(shape, vocabulary) + body + (b"" if shape.is_tied else llama.head.tobytes())


def llama2c_header(llama: Llama, version: int, tail: bytes) -> bytes:
    head = struct.pack("<Ii", 0x616B3432, version) + seven(llama.shape, llama.shape.vocabulary)
    head += bytes([llama.shape.is_tied]) + tail
    norms = all_of(llama, "attention_norm") + all_of(llama, "mlp_norm")
    return head + bytes(256 - len(head)) + norms + llama.final_norm.tobytes()


def llama2c_v1(llama: Llama) -> bytes:
    body = llama.embedding.tobytes() + b"".join(all_of(llama, kind) for kind in MATRICES)
    head = b"" if llama.shape.is_tied else llama.head.tobytes()
    return llama2c_header(llama, 1, b"") + body + head


def llama2c_v2(llama: Llama) -> bytes:
    """Groups of one value: any float32 multiple of 1/64 below one is exact as 64ths."""

    def grouped(matrix):
        integers = np.rint(matrix * 64).astype(np.int8)
        return integers.tobytes() + np.full(matrix.size, 1 / 64, np.float32).tobytes()

    body = grouped(llama.embedding)
    for kind in MATRICES:
        body += b"".join(grouped(getattr(layer, kind)) for layer in llama.layers)
    head = b"" if llama.shape.is_tied else grouped(llama.head)
    return llama2c_header(llama, 2, struct.pack("<i", 1)) + body + head


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def gguf_keys(llama: Llama) -> list[bytes]:
    shape = llama.shape
    whole = {
        "context_length": shape.context, "embedding_length": shape.dim,
        "block_count": shape.layers, "feed_forward_length": shape.hidden_dim,
        "attention.head_count": shape.heads, "attention.head_count_kv": shape.kv_heads,
        "attention.key_length": shape.head_dim, "rope.dimension_count": shape.head_dim,
    }  # fmt: skip
    return [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        *(text(f"llama.{key}") + struct.pack("<II", 4, value) for key, value in whole.items()),
        text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", 6, shape.norm_eps),
    ]


def gguf_tokenizer_keys(
    pieces: list[tuple[bytes, float, int]], bos: int = 1, spaces: Spaces = COMMON_SPACES
) -> list[bytes]:
    count = struct.pack("<Q", len(pieces))

    def array(key: str, kind: int, items: list[bytes]) -> bytes:
        return text(f"tokenizer.ggml.{key}") + struct.pack("<II", 9, kind) + count + b"".join(items)

    def flag(key: str, value: bool) -> bytes:
        return text(f"tokenizer.ggml.{key}") + struct.pack("<IB", 7, value)

    return [
        text("tokenizer.ggml.model") + struct.pack("<I", 8) + text("llama"),
        array("tokens", 8, [text(piece) for piece, _, _ in pieces]),
        array("scores", 6, [struct.pack("<f", score) for _, score, _ in pieces]),
        array("token_type", 5, [struct.pack("<i", kind) for _, _, kind in pieces]),
        text("tokenizer.ggml.bos_token_id") + struct.pack("<II", 4, bos),
        flag("add_space_prefix", spaces.is_prefixed),
        flag("remove_extra_whitespaces", spaces.is_trimmed),
    ]


def gguf(llama: Llama, kind: int = 0, more_keys: list[bytes] | None = None) -> bytes:
    """``kind``: 0 float32, 1 float16, 30 bfloat16; norms are float32 as everywhere."""
    tensors = {"token_embd": llama.embedding, "output_norm": llama.final_norm}
    for index, layer in enumerate(llama.layers):
        tensors |= {f"blk.{index}.{n}": getattr(layer, k) for k, n in GGUF_NAMES.items()}
    if not llama.shape.is_tied:
        tensors["output"] = llama.head
    keys = gguf_keys(llama) + (more_keys or [])
    infos, data = b"", b""
    for name, array in tensors.items():
        stored = kind if array.ndim == 2 else 0
        infos += text(f"{name}.weight") + struct.pack("<I", array.ndim)
        infos += struct.pack(f"<{array.ndim}Q", *reversed(array.shape))
        infos += struct.pack("<IQ", stored, len(data))
        raw = as_type(array, {0: "F32", 1: "F16", 30: "BF16"}[stored])
        data += raw + bytes(-len(raw) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(keys) + infos
    return head + bytes(-len(head) % 32) + data


def as_type(array, dtype: str) -> bytes:
    if dtype == "BF16":
        return (array.view(np.uint32) >> 16).astype("<u2").tobytes()
    return array.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def halves(matrix, heads: int):
    """Rows for a rotation of halves from rows for a rotation of neighbours."""
    rows, columns = matrix.shape
    pairs = matrix.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns).copy()


def hugging_face_config(shape: LlamaShape) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": shape.dim,
        "intermediate_size": shape.hidden_dim, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim, "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.context, "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rope_theta, "tie_word_embeddings": shape.is_tied, "hidden_act": "silu",
    }  # fmt: skip


def safetensors(llama: Llama, dtype: str = "F32") -> bytes:
    tensors = {"model.embed_tokens": llama.embedding, "model.norm": llama.final_norm}
    for index, layer in enumerate(llama.layers):
        found = {kind: getattr(layer, kind) for kind in HF_NAMES}
        found["q"] = halves(layer.q, llama.shape.heads)
        found["k"] = halves(layer.k, llama.shape.kv_heads)
        tensors |= {f"model.layers.{index}.{HF_NAMES[k]}": found[k] for k in HF_NAMES}
    if not llama.shape.is_tied:
        tensors["lm_head"] = llama.head
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in tensors.items():
        raw = as_type(array, dtype)
        header[f"{name}.weight"] = {
            "dtype": dtype, "shape": array.shape, "data_offsets": [len(data), len(data) + len(raw)],
        }  # fmt: skip
        data += raw
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    return struct.pack("<Q", len(words)) + words + data


def hugging_face(llama: Llama, folder: Path, dtype: str = "F32") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(hugging_face_config(llama.shape)))
    (folder / "model.safetensors").write_bytes(safetensors(llama, dtype))
    return folder


def byte_vocabulary(learned: list[str]) -> list[tuple[bytes, float, int]]:
    """(piece, score, kind) as SentencePiece numbers them: three specials, 256 bytes, pieces in the
    order in which they are merged, and last every single character of them."""
    letters = sorted(set("".join(learned)))
    found = [(b"<unk>", 0.0, 2), (b"<s>", 0.0, 3), (b"</s>", 0.0, 3)]
    found += [(b"<0x%02X>" % byte, 0.0, 6) for byte in range(256)]
    for rank, piece in enumerate([*learned, *letters]):
        found.append((piece.replace(" ", "▁").encode(), -float(rank), 1))
    return found


def tokenizer_bin(pieces: list[tuple[bytes, float, int]]) -> bytes:
    """As llama2.c stores them: spaces as spaces."""
    raw = [piece.replace("▁".encode(), b" ") for piece, _, _ in pieces]
    body = b"".join(
        struct.pack("<fi", score, len(piece)) + piece
        for piece, (_, score, _) in zip(raw, pieces, strict=True)
    )
    return struct.pack("<I", max(map(len, raw))) + body


def varint(number: int) -> bytes:
    more, low = number >> 7, number & 127
    return bytes([low]) if not more else bytes([low | 128]) + varint(more)


def message(number: int, raw: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def count(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def sentencepiece_model(
    pieces: list[tuple[bytes, float, int]], spaces: Spaces = COMMON_SPACES
) -> bytes:
    """A tokenizer.model of byte pairs with byte fallback, whose letters stay as they are. Flags are
    left out that are as a reader takes them to be."""
    body = b""
    for piece, score, kind in pieces:
        field = message(1, piece) + varint(2 << 3 | 5) + struct.pack("<f", score) + count(3, kind)
        body += message(1, field)
    trained = count(3, 2) + count(35, 1) + count(40, 0) + count(41, 1) + count(42, 2)
    normalised = message(1, b"identity")
    normalised += b"" if spaces.is_prefixed else count(3, 0)
    normalised += b"" if spaces.is_trimmed else count(4, 0)
    return body + message(2, trained) + message(3, normalised)


def tokenizer_json(pieces: list[tuple[bytes, float, int]]) -> bytes:
    """In Llama 2's style: every split of a piece into two pieces is a merge, in order of rank."""
    names = [piece.decode() for piece, _, _ in pieces]
    known = set(names)
    merges = [
        f"{name[:cut]} {name[cut:]}"
        for name, (_, _, kind) in zip(names, pieces, strict=True)
        if kind == 1
        for cut in range(1, len(name))
        if name[:cut] in known and name[cut:] in known
    ]
    root = {
        "added_tokens": [{"id": n, "content": names[n], "special": True} for n in range(3)],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": "▁"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            ],
        },
        "model": {
            "type": "BPE", "byte_fallback": True, "merges": merges,
            "vocab": {name: number for number, name in enumerate(names)},
        },
    }  # fmt: skip
    return json.dumps(root).encode()


def stored_pieces(path: Path) -> list[tuple[bytes, float, int]]:
    """The pieces of a tokenizer.bin, with the kinds that its numbers mean."""
    raw, at, found = path.read_bytes(), 4, []
    while at < len(raw):
        score, length = struct.unpack_from("<fi", raw, at)
        piece = raw[at + 8 : at + 8 + length]
        at += 8 + length
        number = len(found)
        kind = 2 if number == 0 else 3 if number < 3 else 6 if number < 259 else 1
        name = piece.strip() if number < 3 else piece.replace(b" ", "▁".encode())
        found.append((name, score, kind))
    return found
