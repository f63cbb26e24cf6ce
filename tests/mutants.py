"""How much the tests see: `lib` is changed at random, one place at a time, and the tests that can see it are run.

Not part of the suite. Each mutant that survives is printed, to be read: it changes nothing that matters, or a row is
missing. The working tree is copied into an environment of its own, which has the libraries of this one.

    python tests/mutants.py --count 25 --seed 1
    python tests/mutants.py --count 5 lib/grading/submissions
"""

import argparse
import ast
import copy
import random
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 900
"""Time for one mutant: code that no longer ends is caught, too."""
SEEN_BY = {
    "lib/authoring": "tests/authoring/test_rules.py tests/authoring/test_markers.py tests/authoring/test_build.py"
    " tests/authoring/test_broken_units.py",
    "lib/checking": "tests/checking tests/certificate",
    "lib/explorer": "tests/explorer tests/units",
    "lib/units": "tests/certificate tests/units",
    "lib/reference": "tests/reference",
    "lib/predictions": "tests/predictions",
    "lib/grading/judge": "tests/grading/judge tests/certificate tests/grading/pipeline",
    "lib/grading/gradebook": "tests/grading/gradebook tests/grading/pipeline tests/grading/pages/test_lms_export.py"
    " tests/grading/commands/test_watch.py",
    "lib/grading/submissions": "tests/grading/submissions tests/grading/pipeline tests/grading/test_canvas_term.py",
    "lib/grading/pipeline": "tests/grading/pipeline tests/grading/execution/test_class.py",
    "lib/grading/kernel": "tests/grading/kernel tests/grading/execution/test_notebook.py",
    "lib/grading/execution": "tests/grading/execution",
    "lib/grading/sandbox": "tests/grading/sandbox",
    "lib/grading/pages": "tests/grading/pages tests/grading/test_canvas_term.py",
    "lib/grading/commands": "tests/grading/commands tests/grading/test_canvas_term.py tests/authoring/test_build.py"
    " tests/grading/pages/test_class_feedback.py",
    "lib/grading": "tests/grading/test_files.py tests/grading/test_safe_names.py tests/grading/test_wall.py"
    " tests/grading/pipeline tests/grading/execution/test_machine_faults.py tests/grading/commands"
    " tests/authoring/test_build.py",
    "lib": "tests/test_blanks.py tests/test_data.py tests/test_pasted_characters.py"
    " tests/test_mistakes.py tests/test_unit.py"
    " tests/checking",
}
"""The tests that can see a folder's code; of several folders the innermost counts."""
COMPARISONS = {ast.Eq: ast.NotEq, ast.Lt: ast.LtE, ast.Gt: ast.GtE, ast.LtE: ast.Lt, ast.GtE: ast.Gt, ast.In: ast.NotIn}
COMPARISONS |= {ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.NotIn: ast.In}
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.BitOr: ast.BitAnd}


def changed(node: ast.AST) -> ast.AST | None:
    """Give what a node becomes in a mutant; None for one that stays."""
    new = copy.deepcopy(node)
    match new:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            new.ops = [COMPARISONS[type(op)]()]
        case ast.BoolOp(op=op):
            new.op = ast.And() if isinstance(op, ast.Or) else ast.Or()
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return operand
        case ast.BinOp(op=op) if type(op) in ARITHMETIC:
            new.op = ARITHMETIC[type(op)]()
        case ast.Constant(value=value) if type(value) is int:
            new.value = value + 1
        case ast.Constant(value=value) if type(value) is bool:
            new.value = not value
        case ast.IfExp(body=body, orelse=orelse):
            new.body, new.orelse = orelse, body
        case ast.Expr(value=ast.Call()) | ast.Assign() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            return ast.Pass()
        case ast.Return(value=value) if not isinstance(value, ast.Constant):
            new.value = ast.Constant(None)
        case ast.If():
            new.test = ast.UnaryOp(ast.Not(), new.test)
        case _:
            return None
    return new


def sites(file: Path) -> Iterator[tuple[Path, ast.AST]]:
    """Give all places in a file's functions that can be changed, but for annotations and docstrings."""
    for function in ast.walk(ast.parse(file.read_text())):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                for node in ast.walk(statement):
                    if isinstance(node, ast.expr | ast.stmt) and changed(node) is not None:
                        yield file, node


def mutate(text: str, node: ast.AST) -> str:
    """Write a file with one place changed."""
    lines = text.encode().splitlines(keepends=True)
    assert isinstance(node, ast.expr | ast.stmt) and node.end_lineno and node.end_col_offset is not None
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    new = changed(node)
    assert new is not None
    written = ast.unparse(ast.fix_missing_locations(new)).replace("\n", f"\n{' ' * node.col_offset}")
    return (before + (f"({written})" if isinstance(node, ast.expr) else written).encode() + after).decode()


def write_files(folder: Path) -> Path:
    """Copy the tree, and make an environment in which it is what is imported; give its Python."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    venv.create(folder / ".venv", symlinks=True)
    [site] = (folder / ".venv").glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(f"{folder}\n{sysconfig.get_path('purelib')}\n")
    for place in ("share", "etc"):  # what Jupyter finds beside its Python
        (folder / ".venv" / place).symlink_to(Path(sys.prefix, place))
    for script in Path(sys.prefix, "bin").iterdir():
        if script.is_file() and (text := script.read_bytes()).startswith(b"#!") and script.name[0] != ".":
            (copied := folder / ".venv" / "bin" / script.name).write_bytes(
                text.replace(sys.prefix.encode(), str(folder / ".venv").encode())
            )
            copied.chmod(0o755)
    return folder / ".venv" / "bin" / "python"


def tests_for(file: Path) -> list[list[str]]:
    """Name the tests that can see a file: its own, if it has some, and then all others."""
    own = Path("tests", *file.parent.parts[1:], f"test_{file.stem.rstrip('_')}.py")
    folders = [parent.as_posix() for parent in file.parents]
    others = next(SEEN_BY[folder] for folder in folders if folder in SEEN_BY).split()
    return [[own.as_posix()], [*others, f"--deselect={own}"]] if (ROOT / own).is_file() else [others]


def find_failing(python: Path, folder: Path, sets: list[list[str]], broken: list[str]) -> list[str]:
    """Run sets of tests one after the other, without those that are broken, until one fails; name those that do."""
    left_out = [f"--deselect={each}" for each in broken]
    return next((found for tests in sets if (found := failing(python, folder, [*tests, *left_out]))), [])


def failing(python: Path, folder: Path, tests: list[str]) -> list[str]:
    """Run tests until one fails; name those that do."""
    # In JupyterLab a person looks: what is seen there takes minutes, and other tests see it, too.
    command = [python, "-m", "pytest", "-q", "-x", "-n", "0", "--ignore-glob=*in_lab.py", *tests]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return ["it no longer ends"]
    named = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return named or ([] if done.returncode == 0 else tests)


def main() -> None:
    """Draw mutants, run the tests, and print what survives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="lib", help="where to change code")
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chosen = ROOT / asked.folder
    files = [chosen] if chosen.is_file() else sorted(chosen.rglob("*.py"))
    places = [site for file in files if "new_unit" not in file.parts for site in sites(file)]
    drawn = random.Random(asked.seed).sample(places, min(asked.count, len(places)))
    caught, broken = 0, list[str]()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "tree")
        python = write_files(folder)
        for number, (file, node) in enumerate(drawn, 1):
            name, text = file.relative_to(ROOT), file.read_text()
            while True:
                (folder / name).write_text(mutate(text, node))
                found = find_failing(python, folder, tests_for(name), broken)
                (folder / name).write_text(text)
                if not found or found == ["it no longer ends"] or not (own := failing(python, folder, found)):
                    break
                broken += own  # without a change, too, as what needs a browser may where none is
            caught += bool(found)
            was, now = ast.unparse(node).splitlines()[0], ast.unparse(changed(node)).splitlines()[0]
            print(f"{number:3} {'caught ' if found else 'MISSED '} {name}:{node.lineno}  {was}  ->  {now}", flush=True)
    print(f"{caught} of {len(drawn)} are caught, of {len(places)} places in {len(files)} files")


if __name__ == "__main__":
    main()
