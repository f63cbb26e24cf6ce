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
"""Time for a run of tests: code that no longer ends is caught, too."""
UNENDING = "it no longer ends"
NO_TESTS = 5
"""What pytest returns where all tests are deselected."""
SEEN_BY = {
    "lib/authoring": "tests/authoring/test_rules.py tests/authoring/test_markers.py tests/authoring/test_build.py"
    " tests/authoring/test_mutants.py tests/authoring/test_broken_units.py tests/authoring/test_own_units.py"
    " tests/authoring/test_bundle.py",
    "lib/checking": "tests/checking tests/units/softmax_classifier tests/certificate",
    "lib/explorer": "tests/explorer tests/units",
    "lib/units/hidden_layer": "tests/units/hidden_layer tests/certificate",
    "lib/units/optimizers": "tests/units/optimizers tests/certificate",
    "lib/units/softmax_classifier": "tests/units/softmax_classifier tests/certificate",
    "lib/units": "tests/authoring/test_own_units.py tests/grading/pipeline/test_units.py",
    "lib/reference": "tests/reference",
    "lib/predictions": "tests/predictions tests/grading/pages",
    "lib/grading/judge": "tests/grading/judge tests/grading/pipeline tests/certificate",
    "lib/grading/gradebook": "tests/grading/gradebook tests/grading/pipeline tests/grading/pages/test_lms_export.py"
    " tests/grading/commands/test_watch.py",
    "lib/grading/submissions": "tests/grading/submissions tests/grading/pipeline tests/grading/test_canvas_term.py"
    " tests/grading/test_lms_term.py",
    "lib/grading/pipeline": "tests/grading/pipeline tests/grading/commands/test_grade.py"
    " tests/grading/execution/test_class.py",
    "lib/grading/kernel": "tests/grading/kernel tests/grading/execution/test_notebook.py tests/grading/sandbox",
    "lib/grading/execution": "tests/grading/execution tests/grading/pipeline",
    "lib/grading/sandbox": "tests/grading/sandbox tests/grading/execution/test_notebook.py",
    "lib/grading/pages": "tests/grading/pages tests/grading/test_canvas_term.py",
    "lib/grading/commands": "tests/grading/commands tests/grading/submissions/test_collect.py"
    " tests/grading/pages/test_lms_export.py tests/grading/pages/test_class_feedback.py"
    " tests/grading/pages/test_report.py tests/grading/test_canvas_term.py tests/authoring/test_build.py",
    "lib/grading": "tests/grading/test_files.py tests/grading/test_safe_names.py tests/grading/test_wall.py"
    " tests/grading/execution/test_machine_faults.py tests/grading/pipeline tests/grading/commands"
    " tests/authoring/test_build.py",
    "lib": "tests/test_blanks.py tests/test_data.py tests/test_pasted_characters.py tests/test_mistakes.py"
    " tests/test_unit.py tests/checking tests/authoring/test_broken_units.py tests/grading/pipeline/test_units.py",
}
"""The tests that can see a folder's code, quick ones first; of several folders the innermost counts."""
COMPARISONS = {ast.Eq: ast.NotEq, ast.Lt: ast.LtE, ast.Gt: ast.GtE, ast.LtE: ast.Lt, ast.GtE: ast.Gt, ast.In: ast.NotIn}
COMPARISONS |= {ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.NotIn: ast.In}
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.BitOr: ast.BitAnd}


def changed(node: ast.AST) -> ast.AST | None:
    """Return what a node becomes in a mutant; None for one that stays."""
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
    """Yield all places in a file's functions that can be changed, but for annotations and docstrings."""
    for function in ast.walk(ast.parse(file.read_text())):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                for node in ast.walk(statement):
                    if isinstance(node, ast.expr | ast.stmt) and changed(node) is not None:
                        yield file, node


def mutate(text: str, node: ast.AST) -> str:
    """Return a file's text with one place changed."""
    lines = text.encode().splitlines(keepends=True)
    assert isinstance(node, ast.expr | ast.stmt) and node.end_lineno and node.end_col_offset is not None
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    new = changed(node)
    assert new is not None
    written = ast.unparse(ast.fix_missing_locations(new)).replace("\n", f"\n{' ' * node.col_offset}")
    return (before + (f"({written})" if isinstance(node, ast.expr) else written).encode() + after).decode()


def write_files(folder: Path) -> Path:
    """Copy the tree, and make an environment in which it is what is imported; return its Python."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    venv.create(folder / ".venv", symlinks=True)
    [site] = (folder / ".venv").glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(f"{folder}\n{sysconfig.get_path('purelib')}\n")
    for place in ("share", "etc"):  # what Jupyter finds next to its Python
        (folder / ".venv" / place).symlink_to(Path(sys.prefix, place))
    for script in Path(sys.prefix, "bin").iterdir():
        if script.is_file() and (text := script.read_bytes()).startswith(b"#!") and script.name[0] != ".":
            (copied := folder / ".venv" / "bin" / script.name).write_bytes(
                text.replace(sys.prefix.encode(), str(folder / ".venv").encode())
            )
            copied.chmod(0o755)
    return folder / ".venv" / "bin" / "python"


def tests_for(file: Path) -> list[str]:
    """Return the tests that can see a file: those of its name, and then all others."""
    named = sorted(ROOT.glob(f"tests/**/test_{file.stem}.py"))
    folders = [parent.as_posix() for parent in file.parents]
    others = next(SEEN_BY[folder] for folder in folders if folder in SEEN_BY).split()
    return list(dict.fromkeys([*(each.relative_to(ROOT).as_posix() for each in named), *others]))


def find_failing(python: Path, tree: Path, name: Path, mutant: str, broken: list[str]) -> str:
    """Return a test that fails with a mutant of a file and passes without it, or "".

    Tests that fail without it, too, as those that need a browser may, are added to `broken`, and left out.
    """
    file, right = tree / name, (tree / name).read_text()
    for tests in tests_for(name):
        while True:
            file.write_text(mutant)
            found = failing(python, tree, [tests, *(f"--deselect={each}" for each in broken)])
            file.write_text(right)
            if not found:
                break
            if found == [UNENDING] or not (own := failing(python, tree, found)):
                return found[0]
            broken += own
    return ""


def failing(python: Path, tree: Path, tests: list[str]) -> list[str]:
    """Run tests until one fails; return those that do."""
    # In JupyterLab a person looks: what is seen there takes minutes, and other tests see it, too.
    command = [python, "-m", "pytest", "-q", "-x", "-n", "0", "--timeout=200", "--ignore-glob=*in_lab.py", *tests]
    try:
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return [UNENDING]
    named = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return named or ([] if done.returncode in (0, NO_TESTS) else tests[:1])


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
    missed, broken = 0, list[str]()
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary, "tree")
        python = write_files(tree)
        for number, (file, node) in enumerate(drawn, 1):
            name = file.relative_to(ROOT)
            test = find_failing(python, tree, name, mutate((tree / name).read_text(), node), broken)
            missed += not test
            was, now = ast.unparse(node).splitlines()[0], ast.unparse(changed(node)).splitlines()[0]
            place = f"{name}:{node.lineno}"
            print(f"{number:3} {'caught' if test else 'MISSED'} {place}  {was}  ->  {now}  {test}", flush=True)
    total = f"{len(drawn) - missed} of {len(drawn)} are caught, of {len(places)} places in {len(files)} files"
    print(total, *broken, sep="\n  fails without a change, too: ")


if __name__ == "__main__":
    main()
