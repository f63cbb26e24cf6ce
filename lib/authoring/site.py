"""The browser edition: a folder of plain files, which a student opens as a link and starts, with nothing to install.

The folder has the student notebooks, JupyterLite, which runs them in the browser, and the same wheel as in the student
bundle. Any web server for files can serve it. JupyterLite's own builder writes the folder. Its kernel is Pyodide,
which gets the packages that a notebook imports before the first cell is run, so that the notebook is the same file as
elsewhere.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import distribution, version
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from traitlets import Unicode

from lib.authoring.build import Rebuild
from lib.authoring.bundle import PAGES, zip_files
from lib.authoring.wheel import Files, read_files, student_wheel
from lib.grading.commands.command import all_assignments, requested_names
from lib.grading.files import put_in_place, temporary_sibling_folder, write_files
from lib.grading.pages.server_extension import OWN_PICTURES
from lib.grading.progress import say
from lib.unit import Unit

APPS = ("notebooks", "tree", "edit")
"""A notebook by itself, the list of files, and an editor for text: JupyterLab's other windows don't fit on a tablet."""
EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "anywidget", "@jupyterlite/pyodide-kernel-extension")
"""The installed extensions that JupyterLab loads."""
BUTTONS = Path(__file__).with_name("site_buttons")
"""An extension of this package: it saves a notebook in the browser, downloads it, and puts a file back in."""
HIDDEN = ["@jupyter-notebook/notebook-extension:checkpoints"]
"""The display of the time of the last save, which for an unchanged notebook would be the day of the build."""
SETTINGS = {
    # All cells are in the page from the start: touch screens scroll without jumps, and the browser finds text. With
    # "defer" they come one by one, and the browser computes the layout anew for each, which takes twice the time. A
    # line of code that is longer than the screen goes on in the next row.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none", "codeCellConfig": {"lineWrap": True}},
    # Our extension saves, at each change, and allows a notebook in one tab only: nothing else changes the file.
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False, "lastModifiedCheckMargin": 10**12},
}
"""Settings that differ from JupyterLab's defaults."""
LABEXTENSIONS = Path(sys.prefix, "share", "jupyter", "labextensions")
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"

LIBRARIES = ("ipywidgets", "jupyterlab-widgets", "anywidget", "psygnal", "comm", "typing-extensions")
"""Distributions that Pyodide lacks: the site contains the versions that are installed here."""
PACKAGES = ("micropip", "ssl", "sqlite3", "jedi", "ipython", "numpy")
"""Pyodide's own packages that it loads at the start: those that its kernel needs, otherwise one by one, and those that
`lib` imports. matplotlib is loaded when a cell imports it."""
PYODIDE = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/pyodide.js"
"""Where browsers fetch Pyodide: the release that this kernel can start. Its default is an older one."""
KERNEL_START = "/lib/python3.12/site-packages/lib/lab_settings/kernel_start.py"
"""What IPython runs as a kernel starts, in the folder into which Pyodide unpacks the students' wheel."""
POLICY = f'<meta http-equiv="Content-Security-Policy" content="{OWN_PICTURES}">'
"""A notebook by someone else can't report to a server where it is opened."""
FROM_WORKER = "../../../../pypi"
"""The folder of wheels, relative to the kernel's script in the folder of its extension."""
LEFT_OUT = {"RECORD", "WHEEL", "INSTALLER", "REQUESTED", "direct_url.json"}
"""Files that an installer has written, or that describe the original wheel."""
PURE = {"", ".py", ".js", ".css", ".json", ".txt", ".md"}
"""Suffixes of files that are the same on all machines."""


class SiteApp(Rebuild):
    """`zerolayer build` for some assignments, and all that a browser needs to run them."""

    name = "zerolayer-site"
    argument = "[UNIT…]"
    description = "Build the student notebooks, and a folder with which they run in a browser by themselves."
    examples = """
        zerolayer site
        zerolayer site UNIT
        python -m http.server --directory dist/site
    """
    folder = Unicode("dist/site", help="Where the site is written, in the course folder.").tag(config=True)

    def start(self) -> None:
        """Build, and write the site as a whole, in place of an earlier one. Exit with 1 if that fails."""
        if find_spec("jupyterlite_core") is None:
            self.fail('What builds the site is not installed. Run: pip install "zerolayer[site]"')
        assignments = requested_names(self) or all_assignments(self)
        self.extra_args: list[str] = []
        releases = []
        for assignment in assignments:
            self.coursedir.assignment_id = assignment
            super().start()
            releases.append((self.trial.key.unit, self.released))
        target = Path(self.coursedir.root, self.folder)
        try:
            write_site(releases, target)
        except subprocess.CalledProcessError as error:
            self.fail("JupyterLite can't be built: %s", (error.stderr or error.stdout)[-2000:])
        say(f"{target} is ready for a web server. To look at it: python -m http.server --directory {target}")


def write_site(releases: Sequence[tuple[Unit, Path]], target: Path) -> None:
    """Write the site with these units and their released folders, in place of an earlier one.

    Raises CalledProcessError with the output of JupyterLite's builder if it fails.
    """
    contents = {f"{unit.name}/{name}": data for unit, folder in releases for name, data in read_files(folder).items()}
    wheels = dict([student_wheel(distribution("zerolayer")), *map(library_wheel, LIBRARIES)])
    with temporary_sibling_folder(target) as sibling, TemporaryDirectory() as made:
        work = Path(made)
        built = sibling / "site"
        write_files(contents, work / "contents")
        write_files(wheels, work / "pypi")
        (work / "jupyter-lite.json").write_text(json.dumps(page_settings(wheels)))
        (work / "jupyter_lite_config.json").write_text(json.dumps(builder_settings(built)))
        command = [sys.executable, "-m", "jupyterlite_core", "build"]
        subprocess.run(command, cwd=work, check=True, capture_output=True, text=True)
        for each in built.rglob("index.html"):
            each.write_text(each.read_text().replace("<head>", f"<head>\n{POLICY}", 1))
        page = start_page([unit for unit, _ in releases], contents)
        # Browsers ask for this one before a page of JupyterLite has named its own.
        icon = Path(built, "static", "favicons", "favicon.ico").read_bytes()
        write_files({"index.html": page.encode(), "favicon.ico": icon}, built)
        put_in_place(built, target)


def start_page(units: Sequence[Unit], contents: Files) -> str:
    """Return the page that the link opens: the notebooks, where work is stored, and how to submit it."""
    files = [name for name in sorted(contents) if name.endswith(".ipynb")]
    notebooks = [(unit.title, name) for unit in units for name in files if name.startswith(f"{unit.name}/")]
    extras = sorted({extra.title for unit in units for extra in unit.extras})
    named = {"notebooks": notebooks, "extras": extras, "version": version("zerolayer")}
    return PAGES.get_template("site_page.html.j2").render(named)


def page_settings(wheels: Files) -> dict[str, object]:
    """Return what JupyterLite reads as the page opens: where Pyodide is, and with which packages it starts."""
    packages = [*PACKAGES, *(f"{FROM_WORKER}/{wheel}" for wheel in wheels)]
    options = {"packages": packages, "env": {"PYTHONSTARTUP": KERNEL_START}}
    kernel = {"pyodideUrl": PYODIDE, "loadPyodideOptions": options}
    page = {"appName": "zerolayer", "disabledExtensions": HIDDEN, "settingsOverrides": SETTINGS}
    data = {**page, "litePluginSettings": {KERNEL: kernel}}
    return {"jupyter-lite-schema-version": 0, "jupyter-config-data": data}


def builder_settings(target: Path) -> dict[str, object]:
    """Return what JupyterLite's builder reads from the folder that it works in."""
    settings = {
        "apps": APPS,
        "contents": ["contents"],
        "output_dir": str(target),
        "ignore_sys_prefix": ["federated_extensions"],
        "federated_extensions": [*(str(LABEXTENSIONS / name) for name in EXTENSIONS), str(BUTTONS)],
        "no_sourcemaps": True,
    }
    return {"LiteBuildConfig": settings}


def library_wheel(name: str) -> tuple[str, bytes]:
    """Pack an installed distribution as a wheel of pure Python: its file's name, and its bytes.

    What is compiled for this machine is left out; these libraries work without it, only slower.
    """
    found = distribution(name)
    wheel = f"{name.replace('-', '_')}-{found.version}"
    tags = b"Wheel-Version: 1.0\nGenerator: zerolayer\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {f"{wheel}.dist-info/WHEEL": tags}
    for file in map(PurePosixPath, found.files or ()):
        # Files outside the folder are for JupyterLab, which the site has already.
        if ".." not in file.parts and file.name not in LEFT_OUT and file.suffix in PURE:
            files[str(file)] = Path(str(found.locate_file(file))).read_bytes()
    return f"{wheel}-py3-none-any.whl", zip_files(files)
