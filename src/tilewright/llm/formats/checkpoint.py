"""The one door for language models: which format a path is, and its reader."""

from pathlib import Path

from tilewright.errors import ModelError
from tilewright.llm.formats.file_bytes import FileBytes
from tilewright.llm.formats.gguf_file import is_gguf
from tilewright.llm.formats.gguf_llama import read_gguf
from tilewright.llm.formats.hugging_face import read_hugging_face
from tilewright.llm.formats.llama2c import is_llama2c, read_llama2c
from tilewright.llm.model import Llama


def is_checkpoint(path: Path) -> bool:
    """Whether the path claims to be a language model, by its name or its first bytes."""
    return path.is_dir() or path.suffix in (".bin", ".gguf", ".safetensors") or is_gguf(path)


def read_checkpoint(path: Path) -> Llama:
    """The model in a llama2.c or GGUF file, or in a Hugging Face folder.

    Raises ModelError or UnsupportedError in words for anything else.
    """
    if path.is_dir():
        return read_hugging_face(path)
    if path.suffix == ".safetensors":
        return read_hugging_face(path.parent)
    file = FileBytes(path)
    if is_gguf(path):
        return read_gguf(path)
    if is_llama2c(file) or path.suffix == ".bin":
        return read_llama2c(path)
    raise ModelError(
        f"{path}: {file.size} bytes that are neither GGUF (they would begin with GGUF) nor a "
        "llama2.c checkpoint; a Hugging Face model is given as its folder"
    )
