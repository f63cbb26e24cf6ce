"""The student bundle: what is in it, what isn't, and that a student can work with it and hand the result in.

One student unzips it and opens it with the README's own command, on a machine that has Python and nothing else.
"""

import ast
import io
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import nbformat
import pytest
from packaging.metadata import Metadata
from packaging.utils import parse_wheel_filename

import lib
from lib.authoring.bundle import zip_files
from lib.authoring.markers import student_source
from lib.grading.commands.demo import CHECKOUT, copy_course
from tests.authoring.own_unit import refused, succeeds
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import Course
from tests.missing import missing
from tests.submissions import FILE, POINTS

LIB = Path(lib.__file__).parent
SOLUTION = nbformat.read(CHECKOUT / "solutions" / ASSIGNMENT / FILE, as_version=4)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = Course(tmp_path_factory.mktemp("bundling"))
    copy_course(course.root)
    succeeds(course.zerolayer("bundle", ASSIGNMENT, UNPROVED))
    return course


@pytest.fixture(scope="module")
def bundle(course):
    with ZipFile(course.root / "dist" / f"{ASSIGNMENT}.zip") as archive:
        return {name.removeprefix(f"{ASSIGNMENT}/"): archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheel(bundle):
    [name] = [name for name in bundle if name.endswith(".whl")]
    with ZipFile(io.BytesIO(bundle[name])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_unzips_it_gives_each_file_a_mode_with_which_people_can_read_it():
    with ZipFile(io.BytesIO(zip_files({"a.txt": b""}))) as archive:
        [entry] = archive.infolist()
    from_unix = 3  # the mode of an entry from elsewhere isn't looked at
    assert (entry.create_system, stat.filemode(entry.external_attr >> 16)) == (from_unix, "-rw-r--r--")


class Student:
    """A folder with the unzipped bundle, and the commands that a student gives there."""

    def __init__(self, folder, home):
        self.folder = folder
        own = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JUPYTER", "IPYTHON"))
        }
        places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        pins = str(CHECKOUT / "constraints.txt")
        # Nothing that this environment came from is fetched again, and what is never run isn't compiled: pip takes the
        # value for what `compile` is to be, not for the option's name.
        pip = {"PIP_CACHE_DIR": str(Path.home() / ".cache" / "pip"), "PIP_NO_COMPILE": "0"}
        self.environment = {**pip, **own, "PATH": places, "HOME": str(home), "PIP_CONSTRAINT": pins}
        self.environment["PYTHONNOUSERSITE"] = "1"

    def run(self, *command, **how):
        how = {"cwd": self.folder, "env": self.environment, "capture_output": True, "text": True} | how
        return subprocess.run(command, check=False, **how)

    def python(self, code):
        done = self.run(".venv/bin/python", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def installed(self):
        """Every file that came into the environment under the package's or the distribution's name."""
        [site] = self.folder.glob(".venv/lib/python*/site-packages")
        paths = [path for pattern in ("lib/**/*", "zerolayer*/**/*") for path in site.glob(pattern)]
        return {path.relative_to(site).as_posix(): path.read_bytes() for path in paths if path.is_file()}


@pytest.fixture(scope="module")
def student(course, bundle, tmp_path_factory):
    """A student who gave the README's command for pip, and asked only for a version."""
    folder = tmp_path_factory.mktemp("student")
    shutil.unpack_archive(course.root / "dist" / f"{ASSIGNMENT}.zip", folder)
    student = Student(folder / ASSIGNMENT, tmp_path_factory.mktemp("home"))
    [command] = [line for line in commands(bundle) if line.startswith("python3 -m venv")]
    done = student.run("sh", "-c", f"{command} --version")
    if re.search("Could not find a version|Connection|resolution", done.stdout + done.stderr):
        missing(f"package registry ({done.stderr[-500:]})", "pip needs one: look at the network and `pip config list`.")
    assert done.returncode == 0, done.stdout + done.stderr
    return student


def commands(bundle):
    readme = bundle["README.md"].decode()
    return [line.strip() for line in readme.splitlines() if line.startswith("    ")]


# What is in it


def test_it_holds_what_was_released_a_wheel_a_page_and_nothing_else(course, bundle):
    figures = {f"figures/{path.name}" for path in (CHECKOUT / "solutions" / ASSIGNMENT / "figures").iterdir()}
    [wheel] = [name for name in bundle if name.endswith(".whl")]
    assert set(bundle) == {FILE, "README.md", wheel} | figures
    assert len(figures) >= 2
    assert bundle[FILE] == course.released().read_bytes() == (CHECKOUT / "notebooks" / ASSIGNMENT / FILE).read_bytes()


def test_every_command_on_the_page_names_what_is_there(bundle, wheel):
    [name] = [name for name in bundle if name.endswith(".whl")]
    page = bundle["README.md"].decode()
    assert not re.search(r"\$|{{|{%", page)
    assert [line for line in commands(bundle) if line.startswith("uv run ") and line.endswith(FILE)]
    assert all(name in line for line in commands(bundle) if "install" in line or "uv run" in line)
    script = wheel[f"{info(wheel)}/entry_points.txt"].decode().splitlines()[1].partition(" = ")[0]
    assert page.count(f"{script} {FILE}") == 4
    assert len(page.splitlines()) < 60


def info(wheel):
    [folder] = {name.partition("/")[0] for name in wheel if ".dist-info/" in name}
    return folder


def test_the_wheel_is_pure_python_and_needs_little_and_no_tensorflow(bundle, wheel):
    [name] = [name for name in bundle if name.endswith(".whl")]
    distribution, version, build, tags = parse_wheel_filename(name)
    assert (distribution, build, [str(tag) for tag in tags]) == ("zerolayer-student", (), ["py3-none-any"])
    assert info(wheel) == f"zerolayer_student-{version}.dist-info"
    assert not [name for name in wheel if name.endswith((".so", ".pyd", ".dll", ".dylib", ".pyc"))]
    assert b"BSD 3-Clause" in wheel[f"{info(wheel)}/licenses/LICENSE"]
    metadata = Metadata.from_email(wheel[f"{info(wheel)}/METADATA"], validate=True)
    extra = [each for each in metadata.requires_dist if "extra" in str(each.marker)]
    plain = [each for each in metadata.requires_dist if each not in extra]
    libraries = "anywidget ipython ipywidgets jupyter-server jupyterlab matplotlib numpy traitlets"
    assert sorted(each.name for each in plain) == libraries.split()
    in_browser = {each.name for each in plain if each.marker and "emscripten" in str(each.marker)}
    assert in_browser == {"jupyterlab", "jupyter-server"}
    assert metadata.provides_extra == ["tensorflow"]
    for system, machine in (("Linux", "x86_64"), ("Linux", "aarch64"), ("Windows", "AMD64"), ("Darwin", "arm64")):
        there = {"platform_system": system, "platform_machine": machine, "extra": "tensorflow"}
        asked = [each.name for each in extra if each.marker.evaluate(there)]
        assert asked == ["tensorflow-cpu" if machine == "x86_64" else "tensorflow"]
        assert not [each for each in extra if each.marker.evaluate(there | {"extra": ""})]


# On every system


WITHOUT_POSIX = """
import os, signal, sys
import IPython.core.interactiveshell, anywidget, jupyter_server.services.kernels.connection.channels, matplotlib.pyplot
sys.modules.update(dict.fromkeys(("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty")))
for name in ("fork", "getuid", "geteuid", "killpg", "setsid", "uname"):
    delattr(os, name)
for name in ("SIGALRM", "SIGHUP", "SIGUSR1", "ITIMER_REAL", "setitimer"):
    delattr(signal, name)
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
    assert sys.modules["lib"].__file__.startswith(os.getcwd())
"""
"""Python without what only Linux and its like have, once libraries are there, which may use it. It imports modules."""


def test_modules_find_each_other_in_the_wheel_and_need_no_posix_to_be_imported(wheel, tmp_path):
    for name, content in wheel.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    files = [name for name in wheel if name.endswith(".py") and not name.endswith("__main__.py")]
    names = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in files}
    assert {"lib.units.softmax_classifier.loss", "lib.explorer.widget", "lib.blanks"} <= names
    command = [sys.executable, "-c", WITHOUT_POSIX, *sorted(names)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# What isn't in it


def squeezed(content):
    """The bytes without spaces, comment signs, line breaks and backslashes, and with one style of quotes."""
    return re.sub(rb"\\n|[\s#\\]", b"", content).replace(b'"', b"'")


def computes(code):
    """True if reading this line gives something away: it computes, and is no commonplace."""
    try:
        tree = ast.parse(code.strip())
    except SyntaxError:
        return False
    kinds = (ast.Call, ast.BinOp, ast.UnaryOp)
    return len(code.replace(" ", "")) > 20 and any(isinstance(node, kinds) for node in ast.walk(tree))


GIVEN = {
    "self.input = np.vstack([input, np.ones((1, input.shape[1]))])",
    "softmax.forward(dense.output)",
    "grad = softmax.backward(grad)",
}
"""What the reference has in common with what the notebook gives on purpose."""


def answers():
    """What blanks hide, the solutions' own lines, the written answers, and the reference, line by line."""
    for cell in SOLUTION.cells:
        if cell.cell_type == "markdown" and "### BEGIN SOLUTION" in cell.source:
            yield from (line for line in cell.source.splitlines() if len(line) > 40)
        elif cell.cell_type == "code" and "#?" in cell.source:
            shown, hidden = student_source(cell.source, "")
            own = {line.partition("#?")[0] for line in cell.source.splitlines()} - set(shown.splitlines())
            yield from filter(computes, own | {secret.expression for secret in hidden})
    for path in (LIB / "reference").glob("*.py"):
        for line in path.read_text().splitlines():
            sentence = len(line) > 40 and line.endswith(".")
            if sentence or (computes(line.partition("  #")[0]) and line.strip() not in GIVEN):
                yield line


def unpacked(files):
    """All files, also those in zips within them."""
    for name, content in files.items():
        yield name, content
        if is_zipfile(io.BytesIO(content)):
            with ZipFile(io.BytesIO(content)) as archive:
                yield from unpacked({f"{name}/{each}": archive.read(each) for each in archive.namelist()})


def refuse_answers(files):
    """Assert that no file, of those in zips too, shows an answer, or leads to the closed half or to this checkout."""
    telling = {squeezed(answer.encode()) for answer in answers()}
    known = [CHECKOUT / "solutions" / ASSIGNMENT / FILE, *(LIB / "reference").glob("*.py")]
    given = squeezed(b"".join(path.read_bytes() for path in known))
    assert len(telling) > 60
    assert all(answer in given for answer in telling)  # where they are, they are found
    for name, content in files.items():
        text = squeezed(content)
        assert not [answer for answer in telling if answer in text], name
        assert not re.search(rb"(from|import) lib\.(reference|grading)", content), name
        assert f"{CHECKOUT}/".encode() not in content, name


def test_no_answer_and_no_closed_zone_is_in_it(course):
    files = dict(unpacked({"bundle": (course.root / "dist" / f"{ASSIGNMENT}.zip").read_bytes()}))
    refuse_answers(files)
    for name in files:
        assert not {"grading", "reference", "judge", "mistakes"} & set(re.split(r"[/.]", name))


@pytest.mark.slow
def test_what_is_installed_is_what_the_wheel_holds(student, wheel):
    by_pip = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}
    found = {name for name in student.installed() if "__pycache__" not in name and Path(name).name not in by_pip}
    settings = {name for name in wheel if ".data/data/etc/" in name}  # for any server and kernel in this environment
    assert found == {name for name in wheel if not name.endswith("RECORD")} - settings
    assert len(settings) == 5
    for name in settings:
        assert (student.folder / ".venv" / name.partition(".data/data/")[2]).read_bytes() == wheel[name]
    assert student.run(".venv/bin/python", "-m", "pip", "check").returncode == 0
    here = "import importlib.util as u, lib; print(u.find_spec('tensorflow'), u.find_spec('nbgrader'), lib.__file__)"
    tensorflow, nbgrader, file = student.python(here).split()
    assert (tensorflow, nbgrader) == ("None", "None")
    assert Path(file).is_relative_to(student.folder / ".venv"), "there is no checkout at the student's"


BEFORE_SET_UP = """import nbformat
from nbclient import NotebookClient
cells = [nbformat.v4.new_code_cell(source) for source in ("np.zeros(3)", "%load_ext lib.blanks", "x = ?")]
for cell in NotebookClient(nbformat.v4.new_notebook(cells=cells), allow_errors=True).execute().cells:
    print(cell.outputs)"""


@pytest.mark.slow
def test_before_set_up_a_missing_name_says_which_section_to_run(student):
    """In any kernel of the students' environment, such as one of JupyterHub."""
    missing, loaded, blank = student.python(BEFORE_SET_UP).splitlines()
    assert "np comes from “1. Setup”. Run the cells of that section first." in missing
    assert loaded == "[]", "set-up prints nothing, though blanks have worked from the start"
    assert "A blank on line 1 is still open" in blank


# What comes back


def earns_all(course, file):
    """Grade a file that a student has handed in: it ran as it should, and earns all points of every part."""
    folder = course.root / "submitted" / "ada" / ASSIGNMENT
    folder.mkdir(parents=True)
    shutil.copy(file, folder)
    succeeds(course.zerolayer("grade", ASSIGNMENT))
    verdict = course.verdict("ada")
    assert {part.id: part.points for part in verdict.parts} == {f"check-{part}": POINTS[part] for part in POINTS}
    assert not verdict.remarks


# What people type


def test_without_an_assignment_it_asks_for_one(course):
    assert "An assignment id must be specified" in refused(course, "bundle")
    known = f"There is no assignment softmax. There are: {ASSIGNMENT}, optimizers, hidden_layer."
    assert known in refused(course, "bundle", "softmax")
    assert not (course.root / "dist" / "softmax.zip").exists()
