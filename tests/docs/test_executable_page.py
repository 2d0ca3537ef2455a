"""The runner of executable pages fails where a page is wrong."""

from pathlib import Path

import pytest

from executable_page import Runner, agrees, renewed, run_page


def page(folder: Path, *parts: str) -> Path:
    path = folder / "page.md"
    path.write_text("\n".join(parts) + "\n")
    return path


def test_a_right_page_passes(tmp_path: Path):
    shown = ["```c one.c", "int one;", "```", "```sh", "cat one.c", "```", "```text", "int one;"]
    run_page(page(tmp_path, *shown, "```"), Runner(tmp_path), update=False)


def test_another_output_fails_and_update_writes_it_down(tmp_path: Path):
    path = page(tmp_path, "```sh", "echo new", "```", "```text", "old", "```")
    with pytest.raises(AssertionError, match="shows another output"):
        run_page(path, Runner(tmp_path), update=False)
    run_page(path, Runner(tmp_path), update=True)
    run_page(path, Runner(tmp_path), update=False)
    assert "```text\nnew\n```" in path.read_text()


def test_a_failing_command_fails(tmp_path: Path):
    path = page(tmp_path, "```sh", "false", "true", "```")
    with pytest.raises(AssertionError, match="false"):
        run_page(path, Runner(tmp_path), update=False)


def test_a_page_without_commands_fails(tmp_path: Path):
    with pytest.raises(AssertionError, match="no command"):
        run_page(page(tmp_path, "prose"), Runner(tmp_path), update=False)


def test_a_diff_is_applied(tmp_path: Path):
    (tmp_path / "one.c").write_text("int one;\nint two;\n")
    diff = ["--- a/one.c", "+++ b/one.c", "@@ -1,2 +1,2 @@", "-int one;", "+int won;", " int two;"]
    path = page(tmp_path, "```diff", *diff, "```", "```sh", "grep -q won one.c", "```")
    run_page(path, Runner(tmp_path), update=False)


def test_dots_stand_for_anything_but_not_for_something_else():
    assert agrees("took ... s\nend\n", "took 0.8 s\nend")
    assert not agrees("took ... s\nend\n", "took 0.8 s\nand\n")


def test_an_update_keeps_dots_where_they_still_fit():
    assert renewed("took ... s\nold\n", "took 0.8 s\nnew\n") == "took ... s\nnew\n"
