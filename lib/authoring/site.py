"""The browser edition: a folder of plain files, which a student opens as a link and starts, with nothing to install.

The folder has the student notebooks, JupyterLite, which runs them in the browser, and the same wheel as in the student
bundle. Any web server that hands out files can serve it.
"""

import subprocess
from collections.abc import Sequence
from importlib.metadata import distribution, version
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from traitlets import Unicode

from lib.authoring.build import Rebuild
from lib.authoring.jupyterlite import build_site
from lib.authoring.pyodide import take_pyodide
from lib.authoring.wheel import Files, read_files, student_wheel
from lib.grading.commands.command import all_assignments, given_names
from lib.grading.errors import ConfigError
from lib.grading.files import folder_beside, lay_out, put_in_place
from lib.grading.grade.unit_preprocessor import UnitPreprocessor
from lib.grading.progress import say
from lib.unit import Unit

PAGE = Path(__file__).with_name("site_page.html.j2")


class SiteApp(Rebuild):
    """`zerolayer build` for some assignments, and all that a browser needs to run them."""

    name = "zerolayer-site"
    argument = "[UNIT…]"
    description = "Build the student notebooks, and lay out a folder with which they run in a browser by themselves."
    examples = """
        zerolayer site
        zerolayer site UNIT --offline=pyodide-0.27.7.tar.bz2
        python -m http.server --directory dist/site
    """
    aliases = {**Rebuild.aliases, "offline": "SiteApp.offline"}
    folder = Unicode("dist/site", help="Where the site is written, in the course folder.").tag(config=True)
    offline = Unicode(
        help="A folder or an archive with the files of Pyodide, which become part of the site. Without it browsers"
        " fetch Pyodide from its own distribution."
    ).tag(config=True)

    def start(self) -> None:
        """Build and lay out; exits with 1 where either fails. A site that is there is replaced as a whole."""
        if find_spec("jupyterlite_core") is None:
            self.fail('What builds the site is not installed. Give: pip install "zerolayer[site]"')
        assignments = given_names(self) or all_assignments(self)
        try:
            pyodide = take_pyodide(Path(self.offline)) if self.offline else {}
        except (ConfigError, OSError) as error:
            self.fail("%s", error)
        self.extra_args: list[str] = []
        releases = []
        for assignment in assignments:
            self.coursedir.assignment_id = assignment
            super().start()
            key = UnitPreprocessor(parent=self).unit_of(assignment)
            unit = key.unit if key else Unit(assignment, assignment.replace("_", " ").capitalize(), ())
            releases.append((unit, self.released))
        target = Path(self.coursedir.root, self.folder)
        try:
            write_site(releases, pyodide, target)
        except subprocess.CalledProcessError as error:
            self.fail("JupyterLite can't be built: %s", (error.stderr or error.stdout)[-2000:])
        say(f"{target} is ready for a web server. To look at it: python -m http.server --directory {target}")


def write_site(releases: Sequence[tuple[Unit, Path]], pyodide: Files, target: Path) -> None:
    """Lay out the site with these units and their released folders; what was in its place before is gone afterwards."""
    contents = {f"{unit.name}/{name}": data for unit, folder in releases for name, data in read_files(folder).items()}
    page = start_page([unit for unit, _ in releases], contents, offline=bool(pyodide))
    with folder_beside(target) as beside:
        built = beside / "site"
        build_site(contents, student_wheel(distribution("zerolayer")), pyodide, built)
        # Browsers ask for this one before a page of JupyterLite's has named its own.
        icon = Path(built, "static", "favicons", "favicon.ico").read_bytes()
        lay_out({"index.html": page.encode(), "favicon.ico": icon}, built)
        put_in_place(built, target)


def start_page(units: Sequence[Unit], contents: Files, *, offline: bool) -> str:
    """Write the page that the link leads to: which notebook to open, where work is kept, how to hand it in."""
    files = [name for name in sorted(contents) if name.endswith(".ipynb")]
    notebooks = [(unit.title, name) for unit in units for name in files if name.startswith(f"{unit.name}/")]
    page = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True, autoescape=True)
    text = PAGE.read_text(encoding="utf-8")
    extras = sorted({extra.title for unit in units for extra in unit.extras})
    named = {"notebooks": notebooks, "extras": extras, "offline": offline, "version": version("zerolayer")}
    return page.from_string(text).render(named)
