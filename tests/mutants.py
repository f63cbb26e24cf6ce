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
    "lib/authoring": "authoring/test_rules authoring/test_markers authoring/test_build authoring/test_mutants"
    " authoring/test_broken_units authoring/test_own_units authoring/test_bundle",
    "lib/checking": "checking units/softmax_classifier certificate",
    "lib/explorer": "explorer units",
    "lib/units/hidden_layer": "units/hidden_layer certificate",
    "lib/units/optimizers": "units/optimizers certificate",
    "lib/units/softmax_classifier": "units/softmax_classifier certificate",
    "lib/units": "authoring/test_own_units grading/pipeline/test_units",
    "lib/reference": "reference",
    "lib/grading/judge": "grading/judge grading/pipeline certificate",
    "lib/grading/gradebook": "grading/gradebook grading/pipeline grading/pages/test_lms_export",
    "lib/grading/submissions": "grading/submissions grading/pipeline",
    "lib/grading/lms": "grading/lms grading/pages/test_lms_export",
    "lib/grading/pipeline": "grading/pipeline grading/commands/test_grade grading/execution/test_class",
    "lib/grading/kernel": "grading/kernel grading/execution/test_notebook grading/sandbox",
    "lib/grading/execution": "grading/execution grading/pipeline",
    "lib/grading/sandbox": "grading/sandbox grading/execution/test_notebook",
    "lib/grading/pages": "grading/pages grading/lms/test_canvas_term",
    "lib/grading/commands": "grading/commands"
    " grading/pages/test_class_feedback grading/pages/test_report grading/lms/test_canvas_term authoring/test_build",
    "lib/grading": "grading/test_files grading/test_safe_names grading/test_wall grading/execution/test_machine_faults"
    " grading/pipeline grading/commands authoring/test_build",
    "lib": "test_blanks test_data test_pasted_characters test_mistakes test_unit checking authoring/test_broken_units"
    " grading/pipeline/test_units",
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
    others = [f"tests/{each}.py" if "test_" in each else f"tests/{each}" for each in others]
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
