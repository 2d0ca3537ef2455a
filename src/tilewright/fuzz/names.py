"""Names that a file may have, and that a careless printer, writer or console would be hurt by."""

from random import Random

HOSTILE = (
    "{}",
    "{} {}",
    "{}.{}",
    "{}_{}",
    "{}/{}:0",
    "../../{}",
    "/{}",
    "C:\\{}",
    '"; system("{}"); //',
    "*/ int {}; /*",
    "{}\n#error {}",
    "{}\\",
    "??/{}",
    "%s%n{}",
    "{{{}}}",
    "[red]{}[/red]",
    "$({})",
    "`{}`",
    "\u202e{}",
    "\u00e9{}\u4e2d",
    "int",
    "main",
    "inputs",
    "arena",
    "base",
    "NULL",
    "_{}",
    "0{}",
    "X" * 300,
    "{};DROP",
    "\t",
    "'{}'",
    "\x7f{}",
)
"""Words of C, its comments and strings, paths, markup, formats, and what is the same once made an
identifier; {} stands for an honest name."""


def drawn_name(random: Random, hint: str) -> str:
    """A name that means nothing good."""
    return random.choice(HOSTILE).format(hint, random.randrange(3))
