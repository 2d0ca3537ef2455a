"""N-EUREKA in plain Python: one job's registers and data, and what it must put out."""

import random
from dataclasses import dataclass

INPUT, OUTPUT, SCALE, SHIFT, BIAS, WEIGHTS = 0, 60_000, 120_000, 122_000, 124_000, 126_000
MODES = {"3x3": 0, "dw": 1, "1x1": 2}


@dataclass(frozen=True)
class Job:
    """pad: top, right, bottom, left."""

    mode: str
    ki: int
    ko: int
    height: int
    width: int
    weight_bits: int
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    pad_value: int = 0
    signed: bool = False
    relu: bool = True
    prefetch: bool = False
    per_channel_shift: bool = False
    raw: bool = False
    streamin: bool = False
    wmem: bool = True
    scale_bits: int = 8

    @property
    def kernel(self) -> int:
        return 1 if self.mode == "1x1" else 3

    @property
    def sub_in(self) -> int:
        return 32 if self.mode == "1x1" else 28

    @property
    def sub_out(self) -> int:
        return 28 if self.mode == "dw" else 32

    @property
    def in_height(self) -> int:
        return self.height + self.kernel - 1 - self.pad[0] - self.pad[2]

    @property
    def in_width(self) -> int:
        return self.width + self.kernel - 1 - self.pad[1] - self.pad[3]

    @property
    def out_bytes(self) -> int:
        return 4 if self.raw else 1


def random_weights(job: Job) -> list[list[list[int]]]:
    """[output][input][tap]; one input channel for depthwise."""
    rng = random.Random(repr(job))
    inputs = 1 if job.mode == "dw" else job.ki
    taps = job.kernel**2
    return [
        [[rng.getrandbits(job.weight_bits) for _ in range(taps)] for _ in range(inputs)]
        for _ in range(job.ko)
    ]


def row_of_bits(bits: dict[int, int]) -> bytes:
    return sum(bit << at for at, bit in bits.items()).to_bytes(32, "little")


def packed(job: Job) -> bytes:
    weights = random_weights(job)
    if job.mode == "dw":
        groups = [[weights[c][0] for c in range(at, min(at + 28, job.ko))]
                  for at in range(0, job.ko, 28)]  # fmt: skip
    else:
        groups = [channels[at : at + job.sub_in] for channels in weights
                  for at in range(0, job.ki, job.sub_in)]  # fmt: skip
    rows = []
    for group in groups:
        if job.mode == "1x1":
            rows.append(row_of_bits({c // 4 * 32 + b * 4 + c % 4: w[0] >> b & 1
                                     for c, w in enumerate(group) for b in range(8)}))  # fmt: skip
            continue
        for b in range(job.weight_bits):
            bits = {tap * 28 + c: w[tap] >> b & 1 for c, w in enumerate(group) for tap in range(9)}
            rows.append(row_of_bits(bits))
    return b"".join(rows)


def content_of(job: Job) -> bytearray:
    rng = random.Random(repr(job) + "data")
    content = bytearray(200_000)
    size = job.in_height * job.in_width * job.ki
    content[INPUT + 4096 : INPUT + 4096 + size] = rng.randbytes(size)
    step = job.scale_bits // 8
    for c in range(job.ko):
        scale = rng.randint(1, 5)
        content[SCALE + c * step : SCALE + (c + 1) * step] = scale.to_bytes(step, "little")
        content[SHIFT + c] = rng.randint(4, 9)
        bias = rng.randint(-30_000, 30_000)
        content[BIAS + 4 * c : BIAS + 4 * c + 4] = bias.to_bytes(4, "little", signed=True)
    if job.streamin:
        before = job.height * job.width * job.ko * 4
        content[OUTPUT : OUTPUT + before] = b"".join(
            rng.randint(-1000, 1000).to_bytes(4, "little", signed=True) for _ in range(before // 4)
        )
    return content


def last(total: int, tile: int) -> int:
    return total % tile or tile


def tiles(total: int, tile: int) -> int:
    return -(-total // tile)


def registers(job: Job) -> tuple[list[int], bytes, bytes, int]:
    """The 24 registers, L1, the weight memory, where the output is in L1."""
    content, weights = content_of(job), packed(job)
    if not job.wmem:
        content[WEIGHTS : WEIGHTS + len(weights)] = weights
    top, right, bottom, left = job.pad
    n_in = 1 if job.mode == "dw" else tiles(job.ki, job.sub_in)
    pixel, row = job.ki, job.in_width * job.ki
    rem_rows, rem_columns = last(job.height, 6), last(job.width, 6)
    extra = job.kernel - 1
    config = (
        (job.weight_bits - 1) | (not job.raw) << 4 | MODES[job.mode] << 5 | job.wmem << 9
        | job.prefetch << 10 | (2 if job.scale_bits == 32 else 0) << 12 | job.streamin << 14
        | 7 << 16 | (2 if job.raw else 0) << 21 | (not job.relu) << 23
        | job.per_channel_shift << 24 | 1 << 25 | job.signed << 26
    )  # fmt: skip
    out_pixel = job.ko * job.out_bytes
    strides = {"1x1": 32 * n_in, "3x3": 32 * job.weight_bits * n_in, "dw": 0}
    values = [
        0 if job.wmem else 0x1000_0000 + WEIGHTS,
        0x1000_0000 + INPUT + 4096 - (top * job.in_width + left) * pixel,
        0x1000_0000 + OUTPUT, 0x1000_0000 + SCALE, 0x1000_0000 + SHIFT, 0x1000_0000 + BIAS,
        pixel, row, 0, 32, out_pixel, out_pixel * job.width, 32, strides[job.mode], 0,
        last(job.ko, job.sub_out) << 16 | last(job.ki, job.sub_in),
        rem_rows << 16 | rem_columns,
        (rem_rows + extra - bottom) << 16 | (rem_columns + extra - right),
        tiles(job.ko, job.sub_out) << 16 | n_in, tiles(job.height, 6) << 16 | tiles(job.width, 6),
        top << 28 | right << 24 | bottom << 20 | left << 16 | job.pad_value,
        -(1 << (job.weight_bits - 1)) & 0xFFFFFFFF, 0, config,
    ]  # fmt: skip
    return values, bytes(content), weights, OUTPUT


def pixel_value(job: Job, content: bytes, y: int, x: int, c: int) -> int:
    inside = 0 <= y < job.in_height and 0 <= x < job.in_width
    value = content[INPUT + 4096 + (y * job.in_width + x) * job.ki + c] if inside else job.pad_value
    return value - 256 if job.signed and value > 127 else value


def expected_output(job: Job, content: bytes, weights: bytes) -> bytes:
    """The output tensor's bytes, computed pixel by pixel."""
    del weights  # the logical ones are made again
    logical = random_weights(job)
    offset = -(1 << (job.weight_bits - 1))
    step = job.scale_bits // 8
    out = bytearray()
    for y in range(job.height):
        for x in range(job.width):
            for o in range(job.ko):
                acc = 0
                for tap in range(job.kernel**2):
                    iy = y + tap // job.kernel - job.pad[0]
                    ix = x + tap % job.kernel - job.pad[3]
                    for c in [o] if job.mode == "dw" else range(job.ki):
                        w = logical[o][0 if job.mode == "dw" else c][tap] + offset
                        acc += pixel_value(job, content, iy, ix, c) * w
                if job.streamin:
                    at = OUTPUT + 4 * ((y * job.width + x) * job.ko + o)
                    acc += int.from_bytes(content[at : at + 4], "little", signed=True)
                if job.raw:
                    out += (acc & 0xFFFFFFFF).to_bytes(4, "little")
                    continue
                scale = int.from_bytes(content[SCALE + o * step : SCALE + (o + 1) * step], "little")
                bias = int.from_bytes(
                    content[BIAS + 4 * o : BIAS + 4 * o + 4], "little", signed=True
                )
                total = acc * scale + bias & 0xFFFFFFFF
                total -= 1 << 32 if total >> 31 else 0
                total >>= content[SHIFT + o] if job.per_channel_shift else 7
                low, high = (0, 255) if job.relu else (-128, 127)
                out.append(min(max(total, low), high) & 255)
    return bytes(out)
