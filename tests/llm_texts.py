"""Drawn texts and vocabularies for tokenizers."""

import random

import llm_files

WORDS = 'Once upon a time there was little girl named Lily . , ! "  \n\t é über 日本 <s> <0x41> ▁'


def drawn_text(rng: random.Random) -> str:
    """Words of the stories, letters, any Unicode, or nothing."""
    size = rng.randrange(0, 60)
    match rng.randrange(4):
        case 0:
            ranges = [(32, 127), (32, 33), (0x80, 0x3000), (0x1F300, 0x1F700)]
            return "".join(chr(rng.randrange(*rng.choice(ranges))) for _ in range(size))
        case 1:
            return " ".join(rng.choice(WORDS.split(" ")) for _ in range(size // 2))
        case 2:
            return "".join(rng.choice("aeiou hst  nr") for _ in range(size))
        case _:
            return "".join(chr(rng.randrange(0, 0x250)) for _ in range(size))


def drawn_vocabulary(rng: random.Random) -> list[tuple[bytes, float, int]]:
    """Pieces made by merging drawn pairs of earlier ones, as training does."""
    pieces = list(" aeinorst.é日")
    learned: list[str] = []
    for _ in range(rng.randrange(1, 80)):
        made = rng.choice(pieces) + rng.choice(pieces)
        if made not in pieces and len(made) < 12:
            learned.append(made)
            pieces.append(made)
    return llm_files.byte_vocabulary(learned or ["ab"])


def drawn_bytes(rng: random.Random) -> bytes:
    """Mostly texts, some with bytes that are no UTF-8."""
    raw = bytearray(drawn_text(rng).encode())
    for _ in range(rng.choice([0, 0, 0, 3])):
        raw.insert(rng.randrange(len(raw) + 1), rng.randrange(256))
    return bytes(raw)
