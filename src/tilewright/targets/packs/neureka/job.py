"""One job of N-EUREKA, and the register image that starts it.

Source: the published description of N-EUREKA's registers; docs/reference/simulator.md has the map.
An output tile has 6 x 6 pixels; it is computed from tiles of 28 input channels (3x3 windows) or 32
(1x1), for 32 output channels at a time (28 where every channel is on its own).
"""

from dataclasses import dataclass
from enum import Enum, IntEnum

TILE = 6
"""Rows and columns of a full output tile."""

MOST_PAD = 2
"""Rows or columns of padding on one side."""

MOST_TILES = 0xFFFF
"""The counters of tiles have 16 bits."""


class Mode(IntEnum):
    """What a job computes; the values are those of its configuration register."""

    WINDOW = 0
    DEPTHWISE = 1
    POINT = 2


class Out(Enum):
    """What a job writes: int8, uint8 (negative results become 0), or int32 sums."""

    S8 = "s8"
    U8 = "u8"
    SUMS = "s32"


@dataclass(frozen=True, slots=True)
class Rescale:
    """How sums become bytes: y = clip((sum * scale[o] + bias[o]) >> shift[o]).

    scale_bits  8, 16 or 32: of each entry of the table of unsigned scales
    shift       of all channels, 0..31; None: a table with a byte per channel
    has_bias    whether there is a table of int32 biases
    """

    scale_bits: int = 32
    shift: int | None = None
    has_bias: bool = True


@dataclass(frozen=True, slots=True)
class Job:
    """Sizes in elements, strides in bytes.

    inputs, outputs   channels; the same number where every channel is on its own
    rows, columns     of the output
    in_pixel, in_row  bytes from one input pixel, row to the next; 0: as a dense image has them
    pads              top, left, bottom, right, each 0..2: pixels that read ``pad_value``
    weight_bits       2..8: weights are ``weight_offset`` + 0 .. 2**weight_bits - 1
    rescale           None: int32 sums come out (``out`` is SUMS), else bytes
    adds              sums are added to those that the output holds already
    prefetches        whether the next input is fetched while this one is multiplied
    """

    mode: Mode
    inputs: int
    outputs: int
    rows: int
    columns: int
    in_pixel: int = 0
    in_row: int = 0
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    pad_value: int = 0
    weight_bits: int = 8
    weight_offset: int = -128
    out: Out = Out.S8
    rescale: Rescale | None = Rescale()
    adds: bool = False
    is_signed: bool = True
    prefetches: bool = True

    @property
    def kernel(self) -> int:
        """Rows and columns of the window."""
        return 1 if self.mode is Mode.POINT else 3

    @property
    def sub_in(self) -> int:
        """Input channels of a full tile."""
        return 32 if self.mode is Mode.POINT else 28

    @property
    def sub_out(self) -> int:
        """Output channels of a full tile."""
        return 28 if self.mode is Mode.DEPTHWISE else 32

    @property
    def in_tiles(self) -> int:
        """Tiles of input channels that an output tile is a sum over."""
        return 1 if self.mode is Mode.DEPTHWISE else tiles(self.inputs, self.sub_in)

    @property
    def out_tiles(self) -> int:
        """Tiles of output channels."""
        return tiles(self.outputs, self.sub_out)

    @property
    def in_columns(self) -> int:
        """Columns of the dense input image."""
        return self.columns + self.kernel - 1 - self.pads[1] - self.pads[3]

    @property
    def in_rows(self) -> int:
        """Rows of the input image."""
        return self.rows + self.kernel - 1 - self.pads[0] - self.pads[2]

    @property
    def pixel_stride(self) -> int:
        """Bytes from one input pixel to the next."""
        return self.in_pixel or self.inputs

    @property
    def row_stride(self) -> int:
        """Bytes from one input row to the next."""
        return self.in_row or self.in_columns * self.pixel_stride

    @property
    def out_pixel(self) -> int:
        """Bytes of an output pixel."""
        return self.outputs * (4 if self.out is Out.SUMS else 1)

    @property
    def before(self) -> int:
        """Bytes from where the input pointer has to point to the first pixel: above padding."""
        return self.pads[0] * self.row_stride + self.pads[1] * self.pixel_stride


def tiles(count: int, size: int) -> int:
    """How many tiles of ``size`` it takes."""
    return -(-count // size)


def last_of(count: int, size: int) -> int:
    """The size of the last of them: a full one where they divide evenly."""
    return count % size or size


def registers(job: Job) -> dict[str, int]:
    """The words of a job that are no addresses, by name, in ascending order of their registers.

    The configuration says that weights lie in L1; whoever starts the job adds IN_WEIGHT_MEMORY
    where they do not. Raises ValueError for a job that the registers cannot hold.
    """
    _must_fit(job)
    rem_rows, rem_columns = last_of(job.rows, TILE), last_of(job.columns, TILE)
    top, left, bottom, right = job.pads
    return {
        "in_pixel": job.pixel_stride, "in_row": job.row_stride,
        "out_pixel": job.out_pixel, "out_row": job.out_pixel * job.columns,
        "weight_row": weight_bytes(job),
        "last_channels": last_of(job.outputs, job.sub_out) << 16 | last_of(job.inputs, job.sub_in),
        "last_out": rem_rows << 16 | rem_columns,
        "last_in": (rem_rows + job.kernel - 1 - bottom) << 16
        | (rem_columns + job.kernel - 1 - right),
        "channel_tiles": job.out_tiles << 16 | job.in_tiles,
        "pixel_tiles": tiles(job.rows, TILE) << 16 | tiles(job.columns, TILE),
        "padding": _signed(
            top << 28 | right << 24 | bottom << 20 | left << 16 | job.pad_value & 0xFF
        ),
        "weight_offset": job.weight_offset, "config": configuration(job),
    }  # fmt: skip


IN_WEIGHT_MEMORY = 1 << 9
"""Of the configuration: weights lie in the weight memory."""


def configuration(job: Job) -> int:
    """Register 23."""
    scale = job.rescale or Rescale(8, 0, has_bias=False)
    return (
        (job.weight_bits - 1)
        | (job.rescale is not None) << 4
        | job.mode << 5
        | job.prefetches << 10
        | {8: 0, 16: 1, 32: 2}[scale.scale_bits] << 12
        | job.adds << 14
        | (scale.shift or 0) << 16
        | (2 if job.out is Out.SUMS else 0) << 21
        | (job.out is Out.S8) << 23
        | (scale.shift is None) << 24
        | scale.has_bias << 25
        | job.is_signed << 26
    )


def weight_bytes(job: Job) -> int:
    """Bytes from the weights of one output channel to those of the next."""
    if job.mode is Mode.DEPTHWISE:
        return 0
    rows = 1 if job.mode is Mode.POINT else job.weight_bits
    return 32 * rows * job.in_tiles


def _must_fit(job: Job) -> None:
    if not all(0 <= pad <= MOST_PAD for pad in job.pads):
        raise ValueError(f"padding {job.pads}: a side has at most {MOST_PAD}")
    if (job.rescale is None) != (job.out is Out.SUMS):
        raise ValueError(f"{job.out.value} comes out of a job that rescales, s32 of one that not")
    for size, pad in ((job.rows, job.pads[2]), (job.columns, job.pads[3])):
        if pad > 1 and last_of(size, TILE) < pad:
            raise ValueError(f"padding {job.pads}: only the last tile has some, and here not all")
    counts = (job.in_tiles, job.out_tiles, tiles(job.rows, TILE), tiles(job.columns, TILE))
    if max(counts) > MOST_TILES:
        raise ValueError(f"{max(counts)} tiles, at most {MOST_TILES}")


def _signed(word: int) -> int:
    """A word of 32 bits as C's int32_t has it."""
    return word - (1 << 32) if word >> 31 else word
