"""The project itself: what its files promise about set-up, style and commands, and that they can't drift apart."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lib.authoring.wheel import open_half
from lib.grading.commands.app import APPS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
STUDENT = ROOT / "lib" / "authoring" / "student_pyproject.toml"
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)


def run(*command, cwd=ROOT):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def needed(name, extras, found):
    """Note what a distribution needs that is installed here, and all that these need, each with its requirements."""
    for requirement in map(Requirement, distribution(name).requires or ()):
        wanted = requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
        noted = found.setdefault(canonicalize_name(requirement.name), []) if wanted else [requirement]
        if requirement not in noted:
            noted.append(requirement)
            needed(requirement.name, {"", *requirement.extras}, found)
    return found


def test_every_dependency_and_what_it_brings_along_is_pinned_within_what_is_asked_for():
    pins = {canonicalize_name(name): version for name, version in PINS.items()}
    found = needed("zerolayer", {"", *PROJECT["optional-dependencies"]}, {})
    assert len(found) > 100
    for name in found.keys() - {"pip", "setuptools", "wheel"}:  # pip's `freeze` leaves these out
        assert not [each for each in found[name] if pins[name] not in each.specifier], name


DEPTRY = (sys.executable, "-m", "deptry")
DECLARED = "No dependency issues found"


def test_every_package_that_is_imported_is_declared_and_the_other_way_round():
    ours = run(*DEPTRY, "lib", "--no-ansi")
    assert DECLARED in ours.stderr, ours.stderr
    # Tests may import what only they need, and don't import all that the package does.
    tests = run(*DEPTRY, "lib", "tests", "benchmarks", "--no-ansi", "--ignore", "DEP002,DEP004")
    assert DECLARED in tests.stderr, tests.stderr


def test_the_students_project_asks_for_what_the_open_half_imports(tmp_path):
    for name, content in open_half().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    settings = "\n[tool.deptry]\nknown_first_party = ['lib']\n[tool.deptry.package_module_name_map]\n"
    modules = "tensorflow = ['tensorflow']\ntensorflow-cpu = ['tensorflow']\n"
    (tmp_path / "pyproject.toml").write_text(STUDENT.read_text() + settings + modules)
    checked = run(
        *DEPTRY, "lib", "--no-ansi", "--per-rule-ignores", "DEP002=tensorflow|tensorflow-cpu|ipywidgets", cwd=tmp_path
    )
    assert DECLARED in checked.stderr, checked.stderr


def test_the_students_project_repeats_the_courses_and_drifts_from_it_nowhere():
    student = tomllib.loads(STUDENT.read_text())["project"]
    assert student["license"] == PROJECT["license"]
    assert student["requires-python"] == PROJECT["requires-python"]
    for requirement in [*student["dependencies"], *student["optional-dependencies"]["tensorflow"]]:
        # In a browser there is no server, and the students' project says so.
        assert requirement.removesuffix("; sys_platform != 'emscripten'") in PROJECT["dependencies"]


def test_the_conda_environment_repeats_nothing_and_so_cannot_drift():
    python, pip, from_pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert pip == "pip"
    assert from_pip == {"pip": ["-c constraints.txt", "-e ."]}
    version = python.removeprefix("python=")
    assert version + ".0" in Requirement("python" + PROJECT["requires-python"]).specifier


def test_no_file_names_a_package_registry_or_this_machine():
    registries = ("pypi" + ".org", "files.python" + "hosted", "registry.npm" + "js", "deb.debian" + ".org")
    listed = run("git", "ls-files", "-co", "--exclude-standard").stdout.splitlines()
    for path in filter(Path.is_file, map(ROOT.joinpath, listed)):
        text = path.read_bytes().decode(errors="ignore")
        assert not [word for word in (*registries, f"{ROOT}{os.sep}") if word in text], path
        assert path.name != "uv.lock"


def test_what_students_hand_in_and_earn_is_not_committed_by_accident():
    folders = ("submitted", "autograded", "feedback", "reports", "downloaded", "my_work", "submitted/.best")
    # nbgrader copies the gradebook under a name with the time before it changes its layout.
    files = ["judge_secret", "gradebook.db", "gradebook.db.2026-01-31", "extensions.json"]
    files += ["grades.csv", "canvas-filled.csv", "submissions.zip"]
    documents = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    named = re.findall(r"(?:--into |--feedback |student import )([\w.]+)", documents)
    assert {"canvas.csv", "worksheet.csv", "feedback.zip", "roster.csv"} <= set(named)
    names = [*(f"{folder}/ada/file" for folder in folders), *files, *named]
    ignored = run("git", "check-ignore", "--no-index", *names).stdout.splitlines()
    assert ignored == names


def test_each_command_in_the_documents_has_the_name_and_the_options_that_there_are():
    text = "\n".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    given = re.findall(r"(?:^    |`)(?:\.venv/bin/)?zerolayer ([a-z]+)([^`\n#&|]*)", text, re.MULTILINE)
    assert len(given) > 25
    for name, words in given:
        options = {*APPS[name].aliases, *APPS[name].flags}
        assert not [each for each in re.findall(r"--([\w-]+)", words) if each not in options], (name, words)


def test_links_and_pictures_in_the_documents_exist():
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
