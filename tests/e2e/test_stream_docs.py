"""The SQL of the documentation runs as it stands there, says what stands behind it, and what is said to be refused is refused with those words.

Blocks of these pages begin with ```sql and a word: `run` (statements, after the definitions of the blocks before; a block ```result behind it is what is
printed, a block ```automaton the automaton of its pattern) or `refused` (one script a line, its message behind --). `tests/e2e/test_stream_docs.py` as a
program writes the results anew.
"""
import re
import subprocess

import pytest

from conftest import PROGRAM, ROOT

PAGES = [ROOT / "docs" / name for name in ("sql.md", "streams.md", "patterns.md")]
BLOCK = re.compile(r"^```sql (\w+)\n(.*?)^```\n(?:```result\n(.*?)^```\n)?(?:\n```automaton\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
DEFINITION = re.compile(r"(CREATE|DROP) ", re.IGNORECASE)


def statements(text):
    """Statements end at a semicolon at the end of a line; a statement set has some inside."""
    parts, current = [], ""
    for line in text.splitlines(keepends=True):
        current += line
        if line.rstrip().endswith(";") and ("STATEMENT SET" not in current or line.strip() == "END;"):
            parts.append(current)
            current = ""
    assert not current.strip(), f"no semicolon at the end of: {current}"
    return parts


def blocks():
    """(name, page, block, the definitions before it) for every block of the pages."""
    for page in PAGES:
        text, before = page.read_text(), ""
        for found in BLOCK.finditer(text):
            line = text[:found.start()].count("\n") + 1
            yield pytest.param(found, before, id=f"{page.name}:{line}")
            if found[1] == "run":
                before += "".join(part for part in statements(found[2]) if DEFINITION.match(part.lstrip()))


def run_script(place, text, command="run"):
    """In a directory that has examples/ and docs/, so that nothing is written into the tree."""
    for name in ("examples", "docs", "jobs"):
        if not (place / name).exists():
            (place / name).symlink_to(ROOT / name)
    options = ("--quiet",) if command == "run" else ()
    return subprocess.run([PROGRAM, command, "-", *options], input=text, capture_output=True, text=True, timeout=120, cwd=place)


def printed(place, found, before):
    done = run_script(place, before + found[2])
    assert done.returncode == 0, done.stderr
    return re.sub(r"[ \t]+$", "", done.stdout, flags=re.MULTILINE).strip("\n") + "\n"


def automaton(place, found, before):
    """The lines below the Match of the plan, as far left as they go."""
    done = run_script(place, before + found[2], "explain")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.strip().startswith("pattern:"))
    depth = len(lines[begin]) - len(lines[begin].lstrip())
    end = next(i for i in range(begin + 1, len(lines)) if not lines[i].startswith(" " * depth) or lines[i].lstrip().startswith("+-"))
    return "".join(line[depth:] + "\n" for line in lines[begin:end])


@pytest.mark.parametrize("found,before", [one for one in blocks() if one.values[0][1] == "run"])
def test_the_example_runs_and_prints_what_stands_behind_it(tmp_path, found, before):
    out = printed(tmp_path, found, before)
    if found[3] is not None:
        assert out == found[3]
    if found[4] is not None:
        assert automaton(tmp_path, found, before) == found[4]


def refusals():
    for one in blocks():
        found, before = one.values
        if found[1] == "refused":
            for line in found[2].splitlines():
                script, message = line.split("  -- ")
                yield pytest.param(before + script, message, id=message)


@pytest.mark.parametrize("script,message", refusals())
def test_what_is_said_to_be_refused_is_refused_with_these_words(tmp_path, script, message):
    done = run_script(tmp_path, script)
    assert done.returncode == 1, done.stdout
    first = done.stderr.splitlines()[0]
    assert re.match(r"-:\d+(:\d+)?: error: ", first) and message in first
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.sql")), ids=lambda path: path.name)
def test_scripts_of_examples_run(tmp_path, path):
    done = run_script(tmp_path, path.read_text())
    assert done.returncode == 0, done.stderr
    assert "(0 rows)" not in done.stdout and "row" in done.stdout


def test_no_block_is_of_an_unknown_kind():
    for page in PAGES:
        for kind in re.findall(r"^```sql ?(\w*)$", page.read_text(), re.MULTILINE):
            assert kind in ("run", "refused", "shown"), f"{page.name}: ```sql {kind}"


def write_results(place):
    for page in PAGES:
        text = page.read_text()
        pieces, at, before = [], 0, ""
        for found in BLOCK.finditer(text):
            if found[1] != "run":
                continue
            if found[3] is not None:
                pieces += [text[at:found.start(3)], printed(place, found, before)]
                at = found.end(3)
            if found[4] is not None:
                pieces += [text[at:found.start(4)], automaton(place, found, before)]
                at = found.end(4)
            before += "".join(part for part in statements(found[2]) if DEFINITION.match(part.lstrip()))
        page.write_text("".join(pieces) + text[at:])


if __name__ == "__main__":
    import pathlib
    import tempfile
    with tempfile.TemporaryDirectory() as scratch:
        write_results(pathlib.Path(scratch))
