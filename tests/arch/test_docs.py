"""Documentation does not drift: links and the paths that it names lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md"),
    ]
)  # fmt: skip
LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)\)")
CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
QUOTED_PATH = re.compile(r"`((?:src|tests|docs|examples|benchmarks|scripts)/[\w./-]+)`")


def anchors(page: Path) -> set[str]:
    """Fragment identifiers of the headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", CODE_BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    text = CODE_BLOCK.sub("", page.read_text())
    broken: list[str] = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        if not linked.exists() or (fragment and fragment not in anchors(linked)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_paths_in_the_text_exist(page: Path):
    text = CODE_BLOCK.sub("", page.read_text())
    assert [p for p in QUOTED_PATH.findall(text) if not (ROOT / p).exists()] == []


def test_every_decision_is_listed():
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    files = [p.name for p in folder.glob("0*.md")]
    assert len(files) >= 6
    assert [name for name in files if f"({name})" not in index] == []


def test_the_readme_opens_with_the_two_commands():
    text = (ROOT / "README.md").read_text()
    first_block = CODE_BLOCK.search(text)
    assert first_block is not None
    assert "./try" in first_block[0]
    assert "./check" in first_block[0]
    for command in ("try", "check"):
        assert (ROOT / command).stat().st_mode & 0o111
