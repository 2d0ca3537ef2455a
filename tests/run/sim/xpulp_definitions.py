"""XpulpV2 in plain Python: what each ALU instruction means, from the RI5CY user manual.

a, b: rs1, rs2; d: rd before; i: the small immediate at bits 24:20 (six bits for .sci);
k: the one at bits 29:25. All 32-bit unsigned; the result too.
"""

MASK = 0xFFFFFFFF


def signed(v: int, width: int = 32) -> int:
    v &= (1 << width) - 1
    return v - (1 << width) if v >> (width - 1) else v


def lanes(v: int, width: int, is_signed: bool) -> list[int]:
    parts = [v >> at & (1 << width) - 1 for at in range(0, 32, width)]
    return [signed(p, width) for p in parts] if is_signed else parts


def join(parts: list[int], width: int) -> int:
    return sum((p & (1 << width) - 1) << (width * at) for at, p in enumerate(parts))


def arithmetic_shift(v: int, by: int) -> int:
    return signed(v) >> by


def clip(v: int, low: int, high: int) -> int:
    return high if v > high else low if v < low else v


def leading_bits(v: int) -> int:
    if v == 0:
        return 0
    sign = v >> 31
    count = 0
    while count < 31 and v >> (30 - count) & 1 == sign:
        count += 1
    return count


SCALAR = {
    "p.abs": lambda a, b, d, i, k: abs(signed(a)),
    "p.avgu": lambda a, b, d, i, k: (a + b & MASK) >> 1,
    "p.slet": lambda a, b, d, i, k: signed(a) <= signed(b),
    "p.sletu": lambda a, b, d, i, k: a <= b,
    "p.min": lambda a, b, d, i, k: min(signed(a), signed(b)),
    "p.minu": lambda a, b, d, i, k: min(a, b),
    "p.max": lambda a, b, d, i, k: max(signed(a), signed(b)),
    "p.maxu": lambda a, b, d, i, k: max(a, b),
    "p.ror": lambda a, b, d, i, k: (a << 32 | a) >> (b & 31),
    "p.ff1": lambda a, b, d, i, k: (a & -a).bit_length() - 1 if a else 32,
    "p.fl1": lambda a, b, d, i, k: a.bit_length() - 1 if a else 32,
    "p.clb": lambda a, b, d, i, k: leading_bits(a),
    "p.cnt": lambda a, b, d, i, k: a.bit_count(),
    "p.exths": lambda a, b, d, i, k: signed(a, 16),
    "p.exthz": lambda a, b, d, i, k: a & 0xFFFF,
    "p.extbs": lambda a, b, d, i, k: signed(a, 8),
    "p.extbz": lambda a, b, d, i, k: a & 0xFF,
    "p.clipi": lambda a, b, d, i, k: clip(signed(a), -(2 ** max(i - 1, 0)), 2 ** max(i - 1, 0) - 1),
    "p.clipui": lambda a, b, d, i, k: clip(signed(a), 0, 2 ** max(i - 1, 0) - 1),
    "p.clip": lambda a, b, d, i, k: clip(signed(a), signed(-signed(b) - 1), signed(b)),
    "p.clipu": lambda a, b, d, i, k: clip(signed(a), 0, signed(b)),
    "p.mac": lambda a, b, d, i, k: d + a * b,
    "p.msu": lambda a, b, d, i, k: d - a * b,
}


def bit_field(name: str, a: int, d: int, width: int, shift: int) -> int:
    mask = (2 ** (width + 1) - 1) << shift & MASK
    match name:
        case "extract":
            return signed((a & mask) >> shift, min(width + 1, 32 - shift))
        case "extractu":
            return (a & mask) >> shift
        case "insert":
            return d & ~mask | a << shift & mask
        case "bclr":
            return a & ~mask
        case _:
            return a | mask


def scalar(name: str, a: int, b: int, d: int, i: int, k: int) -> int:
    if name in SCALAR:
        return SCALAR[name](a, b, d, i, k)
    stem = name.removeprefix("p.")
    for field in ("extractu", "extract", "insert", "bclr", "bset"):
        if stem == field:
            return bit_field(field, a, d, b >> 5 & 31, b & 31)
        if stem == field + "i":
            return bit_field(field, a, d, k, i)
    return normalised(stem, a, b, d, k)


def normalised(stem: str, a: int, b: int, d: int, k: int) -> int:
    """16-bit products and 32-bit sums, shifted right, with or without rounding."""
    is_sum = stem.startswith(("add", "sub"))
    if is_sum:
        by_register = not stem.endswith("i")
        left, right = (d, a) if by_register else (a, b)
        value = left + right if stem.startswith("add") else left - right
        shift = b & 31 if by_register else k
        rounds = "R" in stem
        is_unsigned = stem[3] == "u"
    else:
        high = "hh" in stem
        x, y = (a >> 16, b >> 16) if high else (a, b)
        is_unsigned = "u" in stem[3:].removeprefix("hh")[:1]
        product = (x & 0xFFFF) * (y & 0xFFFF) if is_unsigned else signed(x, 16) * signed(y, 16)
        value = product + (d if stem.startswith("mac") else 0)
        shift = k if "N" in stem else 0
        rounds = stem.endswith("NR")
    value += 1 << (shift - 1) if rounds and shift > 0 else 0
    return (value & MASK) >> shift if is_unsigned else arithmetic_shift(value, shift)


LANE = {
    "add": lambda x, y, w: x + y,
    "sub": lambda x, y, w: x - y,
    "avg": lambda x, y, w: signed(x + y, w) >> 1,
    "avgu": lambda x, y, w: (x + y) % (1 << w) >> 1,
    "min": lambda x, y, w: min(x, y),
    "max": lambda x, y, w: max(x, y),
    "srl": lambda x, y, w: x >> (y % w),
    "sra": lambda x, y, w: x >> (y % w),
    "sll": lambda x, y, w: x << (y % w),
    "or": lambda x, y, w: x | y,
    "xor": lambda x, y, w: x ^ y,
    "and": lambda x, y, w: x & y,
    "cmpeq": lambda x, y, w: -(x == y),
    "cmpne": lambda x, y, w: -(x != y),
    "cmpgt": lambda x, y, w: -(x > y),
    "cmpge": lambda x, y, w: -(x >= y),
    "cmplt": lambda x, y, w: -(x < y),
    "cmple": lambda x, y, w: -(x <= y),
}
UNSIGNED = ("avgu", "minu", "maxu", "srl", "sll", "cmpgtu", "cmpgeu", "cmpltu", "cmpleu")


def shuffle(stem: str, a: int, b: int, d: int, i: int, parts: list[str]) -> int:
    width = 16 if "h" in parts[1:] else 8
    source = lanes(a, width, False)
    old = lanes(d, width, False)
    count = 32 // width
    step = (count - 1).bit_length()
    if stem.startswith("shufflei"):
        picks = [i >> 0 & 3, i >> 2 & 3, i >> 4 & 3, int(stem[-1])]
        return join([source[p] for p in picks], 8)
    if "sci" in parts:
        return join([source[i >> at & 1] for at in range(2)], 16)
    control = lanes(b, width, False)
    if stem == "shuffle2":
        chosen = [source if c >> step & 1 else old for c in control]
    else:
        chosen = [source] * count
    return join([t[c % count] for t, c in zip(chosen, control, strict=True)], width)


def one_operand(stem: str, a: int, d: int, i: int, width: int) -> int:
    if stem == "abs":
        return join([abs(x) for x in lanes(a, width, True)], width)
    lane = i % (32 // width)
    if stem == "insert":
        old = lanes(d, width, False)
        old[lane] = a
        return join(old, width)
    return lanes(a, width, stem == "extract")[lane]


def vector(name: str, a: int, b: int, d: int, i: int) -> int:
    parts = name.split(".")[1:]
    stem = parts[0]
    width = 16 if "h" in parts[1:] else 8
    if stem in ("pack", "packhi", "packlo"):
        halves = (a << 16 | b & 0xFFFF, (a << 24) | (b & 255) << 16 | d & 0xFFFF,
                  d & 0xFFFF0000 | (a & 255) << 8 | b & 255)  # fmt: skip
        return halves[("pack", "packhi", "packlo").index(stem)]
    if stem.startswith("shuffle"):
        return shuffle(stem, a, b, d, i, parts)
    if stem in ("abs", "extract", "extractu", "insert"):
        return one_operand(stem, a, d, i, width)
    if "sc" in parts:
        b = join([b] * (32 // width), width)
    if "sci" in parts:
        is_zero_extended = stem in UNSIGNED or stem in ("dotup", "sdotup")
        b = join([i if is_zero_extended else signed(i, 6)] * (32 // width), width)
    if "dot" in stem:
        kind = stem.removeprefix("s")
        x = lanes(a, width, kind == "dotsp")
        y = lanes(b, width, kind != "dotup")
        return sum(p * q for p, q in zip(x, y, strict=True)) + (d if stem.startswith("s") else 0)
    is_signed = stem not in UNSIGNED
    operation = LANE[stem] if stem in LANE else LANE[stem.removesuffix("u")]
    pairs = zip(lanes(a, width, is_signed), lanes(b, width, is_signed), strict=True)
    return join([operation(x, y, width) for x, y in pairs], width)


def define(name: str, a: int, b: int, d: int, i: int, k: int) -> int:
    result = vector(name, a, b, d, i) if name.startswith("pv.") else scalar(name, a, b, d, i, k)
    return int(result) & MASK
