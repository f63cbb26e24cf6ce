"""Every command in README and docs is run: by the term (`tests/term.py`), here at its end, or by a test that is marked.

The mark `gives` names the commands, and the test is held to it when it runs (`tests/conftest.py`).
"""

import ast
import codecs
import re
import shutil
from functools import cache
from pathlib import Path
from textwrap import dedent

import mistune
import pytest

from tests.browser import jupyter_lab
from tests.course import ASSIGNMENT
from tests.people import NOTEBOOK

pytest_plugins = ["tests.term"]
pytestmark = pytest.mark.xdist_group("a term")

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = {"zerolayer", "zerolayer-student", "nbgrader", "jupyter", "python", "python3", "pip", "pytest", "ruff"}
PROGRAMS |= {"mypy", "lint-imports", "uv", "uvx", "git", "dask", "conda", "mamba", "docker", "sudo", "apt", "sysctl"}
"""A line that begins with one of these is a command."""

IMPORT = "nbgrader db student import roster.csv"
AFTERWARDS = [
    f"zerolayer report {ASSIGNMENT} --student ada",
    "jupyter --paths",
    IMPORT,
    f"nbgrader db assignment remove {ASSIGNMENT} --force --db=sqlite:///copy.db",
    "nbgrader db student remove emil --force --db=sqlite:///copy.db",
]
"""What the instructor gives when the term is over."""
SERVERS = {
    "jupyter lab": (f"notebooks/{ASSIGNMENT}/{NOTEBOOK}", "/lab?"),
    "zerolayer lab": (f"{ASSIGNMENT}/{NOTEBOOK}", f"/lab/tree/{ASSIGNMENT}/{NOTEBOOK}?"),
}
"""What runs until it is stopped, a notebook that it has to show, and where the link that it prints leads."""


def bare(command):
    """Give a command without the words that are others in a test: the assignment, and a placeholder."""
    return " ".join(word for word in command.split() if word != ASSIGNMENT and "SCHEDULER" not in word)


@cache
def marked():
    """Return the commands that tests are marked with."""
    commands = []
    for test in ROOT.glob("tests/**/test_*.py"):
        names = {"ASSIGNMENT": ASSIGNMENT}
        for node in ast.walk(ast.parse(test.read_text())):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                names |= {ast.unparse(name): node.value.value for name in node.targets}
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.gives":
                commands += eval(f"[{', '.join(map(ast.unparse, node.args))}]", names)
    return commands


def parsed(markdown):
    """Give a document's blocks of code, each with its language, and its code within lines."""
    blocks, inline = [], []

    def walk(tokens):
        for token in tokens:
            if token["type"] == "block_code":
                blocks.append(((token.get("attrs") or {}).get("info", ""), token["raw"]))
            elif token["type"] == "codespan":
                inline.append(token["raw"])
            walk(token.get("children", ()))

    walk(mistune.create_markdown(renderer=None, plugins=["table"])(markdown))
    return blocks, inline


def typed(line):
    """Give the commands of a line, less what makes no difference: comments, and the folder that a program lies in."""
    parts = re.sub(r"(^|\s)#.*", "", line).split("&&")
    return [part.strip().removeprefix(".venv/bin/") for part in parts if part.strip()]


def is_command(line):
    return line.split()[0] in PROGRAMS


def not_run(markdown, run):
    """Give each command in a document that isn't among those that are `run`, and each block that is nothing known.

    Code within a line that is a program's name and a command's stands for the command; alone, a name is but a name.
    """
    run = set(map(bare, run))
    blocks, inline = parsed(markdown)
    for language, block in blocks:
        lines = [command for line in block.splitlines() for command in typed(line)]
        if any(map(is_command, lines)):
            yield from (line for line in lines if bare(line) not in run)
        elif language in ("", "python") and not is_python(block):
            yield block
    for [line] in filter(lambda lines: len(lines) == 1, map(typed, inline)):
        if is_command(line) and " " in line and not any(f"{each} ".startswith(f"{bare(line)} ") for each in run):
            yield line


def is_python(block):
    try:
        ast.parse(dedent(block))
    except SyntaxError:
        return False
    return True


def run_by_ci():
    """Give the commands that `.ci/run` takes from README and runs; an extra more or less installs the same project."""
    script = (ROOT / ".ci" / "run").read_text()
    [pattern] = re.findall(r"command=\$\(grep -m 1 '(.+)' README.md\)", script)
    assert [line for line in script.splitlines() if line.startswith("bash")] == [
        'bash -c "${command% && *}"',
        'bash -c "${command##* && }"',  # together all of it
    ]
    line = next(line for line in (ROOT / "README.md").read_text().splitlines() if re.search(pattern, line))
    return {each for command in typed(line) for each in (command, command.replace('".[test]"', "."))}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_command_in_a_document_is_run(told, document):
    these = {f"pytest {test.relative_to(ROOT).as_posix()}" for test in ROOT.glob("tests/**/test_*.py")}
    run = {*told.commands, *AFTERWARDS, *SERVERS, *marked(), *run_by_ci(), *these}
    missed = list(not_run(document.read_text(), run))
    assert not missed, f"Give them in tests/term.py or here, or mark the test that gives them: {missed}"


@pytest.mark.parametrize(
    ("document", "missed"),
    [
        ("So:\n\n    nbgrader collect x\n    nbgrader export  # to a file\n", ["nbgrader export"]),
        ("```\n# Once\n.venv/bin/nbgrader collect x && zerolayer dance\n```", ["zerolayer dance"]),
        ("`nbgrader collect`, `nbgrader coll`, `nbgrader` and `lib`", ["nbgrader coll"]),
        ("| step |\n|---|\n| `zerolayer dance` |\n", ["zerolayer dance"]),
        ("So:\n\n    make install\n\nand\n\n    c.Some.option = 1\n", ["make install"]),
    ],
)
def test_a_command_that_no_test_runs_is_found(document, missed):
    assert list(not_run(document, {"nbgrader collect x"})) == missed


def test_what_is_said_to_be_in_the_documents_is_there():
    said = [block for document in DOCUMENTS for blocks, _ in [parsed(document.read_text())] for _, block in blocks]
    lines = [line for block in said for each in block.splitlines() for line in typed(each)]
    lines += [line for document in DOCUMENTS for line in parsed(document.read_text())[1]]
    commands = [bare(line) for line in lines if is_command(line)]
    given = map(bare, (*AFTERWARDS, *SERVERS, *marked()))
    lost = [each for each in given if not any(f"{each} ".startswith(f"{command} ") for command in commands)]
    assert not lost


@pytest.fixture(scope="module")
def ended(told):
    """A term that is over, with a copy of its gradebook and a roster as Excel saves it."""
    shutil.copy(told.course / "gradebook.db", told.course / "copy.db")
    (told.course / "roster.csv").write_text("row,id,first_name,last_name\r\n1,jana,Jana,Müller\r\n", "utf-8-sig")
    return told


@pytest.mark.parametrize("command", AFTERWARDS)
def test_commands_for_afterwards_work(ended, command):
    assert ended.instructor.runs(command)


def test_a_roster_of_excels_is_read_if_its_first_column_is_not_nbgraders(ended):
    """Excel's CSV UTF-8 begins with a byte order mark, which nbgrader reads as part of the first column's name."""
    roster = ended.course / "roster.csv"
    assert roster.read_bytes().startswith(codecs.BOM_UTF8)
    ended.instructor.runs(IMPORT)
    assert "jana (Müller, Jana) -- None, None" in ended.instructor.runs("nbgrader db student list")
    roster.write_text("id,last_name\r\njana,Muller\r\n", "utf-8-sig")
    with pytest.raises(AssertionError, match="must contain a column for 'id'"):  # else the advice isn't needed any more
        ended.instructor.runs(IMPORT)


@pytest.mark.parametrize("command", SERVERS)
def test_servers_start_and_show_the_notebook(told, command):
    notebook, opened = SERVERS[command]
    with jupyter_lab(told.course, told.instructor.environment, command.split()) as lab:
        assert lab.ask(f"api/contents/{notebook}?content=0")
        assert f"{lab.url}{opened}token=" in lab.log.read_text()
