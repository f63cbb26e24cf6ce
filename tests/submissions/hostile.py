"""What students hand in who try to win points without the answers, to stop the class, or to run code elsewhere."""

import json

import nbformat

from tests.submissions import EVERYTHING, NOTHING, before, but, earns, replaced, right


@earns(but("train"))
def kernel_dies(notebook, folder):
    """All but the last check ran when the kernel ended itself."""
    return before(right(notebook), "check-train", "import os; os._exit(1)")


@earns(but("softmax-backward", "dense-backward", "train"))
def kernel_crashes(notebook, folder):
    """`Softmax.backward` reads where no memory is."""
    crash = "import ctypes; ctypes.string_at(0)\n        a = self.output"
    return replaced(right(notebook), "softmax", "a = self.output", crash)


@earns(but("train"))
def interrupt_ignored(notebook, folder):
    """A cell never ends, and doesn't let itself be interrupted."""
    endless = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    return before(right(notebook), "check-train", endless)


@earns(but("dense-backward"))
def stop_ignored(notebook, folder):
    """`Dense.backward` never ends, and goes on whatever is thrown at it."""
    endless = "\n        ".join(
        [
            "import time",
            "while True:",
            "    try: time.sleep(0.01)",
            "    except BaseException: pass",
            "weights_gradient",
        ]
    )
    return replaced(right(notebook), "dense", "weights_gradient = np", f"{endless} = np")


@earns(EVERYTHING)
def hundred_megabytes_of_lines(notebook, folder):
    """A million lines of a hundred characters."""
    return before(right(notebook), "loss", "for _ in range(1_000_000): print('x' * 99)")


@earns(EVERYTHING)
def hundred_megabytes_in_a_line(notebook, folder):
    """A single line."""
    return before(right(notebook), "loss", "print('x' * 100_000_000)")


@earns(EVERYTHING)
def displays_without_end(notebook, folder):
    """Displays, and updates of displays, until somebody stops it."""
    code = (
        "shown = display('x' * 10_000, display_id='it')\nwhile True:\n    display('x')\n    shown.update('y' * 100_000)"
    )
    return before(right(notebook), "loss", code)


@earns(EVERYTHING)
def talks_in_the_background(notebook, folder):
    """A thread that goes on printing, clearing and displaying while the checks run."""
    lines = ["from IPython.display import clear_output, display", "import sys, threading, time", "def talk():"]
    lines += ["    while True: print('x', flush=True); display(1); clear_output(); time.sleep(0.001)"]
    return before(right(notebook), "loss", "\n".join([*lines, "threading.Thread(target=talk, daemon=True).start()"]))


@earns(NOTHING)
def score_given(notebook, folder):
    """Nothing written; each check is a function that returns full points, twice over or as nan."""
    scores = "{'cce': 2, 'cce_gradient': float('nan'), 'train': 1e9}"
    return before(
        notebook,
        "check-cce",
        f"check = type('', (), {{'__getattr__': lambda s, n: lambda *a: {scores}.get(n, 3.0)}})()",
    )


FORGER = """
from lib.answers import MIME
class Forger:
    def __getattr__(self, name):
        return lambda *subjects: display({MIME: payload(name, subjects), 'text/plain': '4.0'}, raw=True)
real, check = check, Forger()
"""


@earns(NOTHING)
def answers_made_up(notebook, folder):
    """The checks' own answers to right code, with every number in them made up."""
    payload = """
from lib.answers import answer, laid_challenge
def made_up(value):
    if isinstance(value, dict):
        return {key: [0.5 for _ in item] if key == 'values' else made_up(item) for key, item in value.items()}
    return value
def payload(name, subjects):
    part = getattr(real, name)
    return {'part': part.id, 'statements': made_up(answer(part, laid_challenge(part.id), subjects))}
"""
    return before(right(notebook), "check-cce", FORGER + payload)


@earns(NOTHING)
def answers_of_every_type(notebook, folder):
    """Nothing written; each check shows something else that JSON can say and an answer can't be."""
    payload = """
import itertools
kinds = itertools.cycle([
    {'shape': [1], 'values': [10**400]},
    {'shape': [-1], 'values': [1.0]},
    {'shape': [2**63, 0], 'values': []},
    {'shape': [True], 'values': [True]},
    {'shape': [[1]], 'values': [[[1.0]]]},
    {'shape': [1], 'values': ['nan'], 'trouble': {'blank': 1}, 'says': ['b'], 'line': 7},
    [[], {}, None, '3.0'],
])
def payload(name, subjects):
    part, kind = getattr(real, name), next(kinds)
    given = {statement.name: {'': kind} for statement in part.statements}
    return {'part': part.id, 'statements': {**given, '': kind, 'x': [kind]}}
"""
    return before(notebook, "check-cce", FORGER + payload)


@earns(NOTHING)
def everything_patched(notebook, folder):
    """Nothing written; comparisons, records, displays and builtins changed so as to agree with anything."""
    code = """
import builtins, IPython, lib.answers, lib.guard, lib.parts, lib.statements
np.allclose = np.isclose = np.array_equal = lambda *a, **k: True
lib.answers.record = lib.answers.encoded = lambda outcome: {'shape': [], 'values': [1.0]}
lib.statements.numbers = lib.answers.numbers = lambda value, *a, **k: np.ones(())
lib.guard.guarded = lib.answers.guarded = lambda action, *a: np.ones(())
lib.parts.Part.__call__ = lambda self, *subjects: 4.0
lib.answers.Answer._repr_mimebundle_ = lambda self, **k: {'text/plain': '4.0'}
get_ipython().display_formatter.format = lambda *a, **k: ({'text/plain': '4.0'}, {})
builtins.isinstance = lambda *a: True
"""
    return before(notebook, "check-cce", code)


@earns(NOTHING)
def agrees_with_anything(notebook, folder):
    """Every function returns an object that says it is equal, and gives other numbers each time it is asked."""
    code = """
class Agreeable(float):
    __eq__ = __ne__ = __le__ = __ge__ = __lt__ = __gt__ = __contains__ = lambda self, other: True
    __hash__ = None
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = lambda self, other: self
    __getattr__ = __call__ = __getitem__ = lambda self, *a, **k: self
    __array__ = lambda self, *a, **k: np.random.rand()
    __array_priority__ = 1e9
    __array_ufunc__ = lambda self, *a, **k: self
    forward = backward = lambda self, *a, **k: self
    output = input = weights = property(lambda self: self)
cce = cce_gradient = train = Softmax = Dense = Agreeable()
"""
    for id in ("check-cce", "check-softmax-forward", "check-dense-backward", "check-train"):
        before(notebook, id, code)
    return notebook


@earns(but("cce", "cce-gradient"))
def nan_and_none(notebook, folder):
    """The loss is nan, and its gradient nothing at all."""
    replaced(right(notebook), "loss", "return(-np.sum", "return(np.nan * -np.sum")
    return replaced(notebook, "loss", "return(-y / yhat)", "return(None)")


@earns(but("cce", "cce-gradient"))
def too_much(notebook, folder):
    """The loss is a hundred million numbers, and its gradient a number of a thousand digits."""
    replaced(right(notebook), "loss", "return(-np.sum", "return(np.zeros(10**8)) or (-np.sum")
    return replaced(notebook, "loss", "return(-y / yhat)", "return(10**1000)")


@earns(but("dense-backward", "train"))
def challenge_deleted(notebook, folder):
    """The challenge is read, and gone before the last checks."""
    code = "import lib.answers; print(lib.answers.CHALLENGE.read_text()); lib.answers.CHALLENGE.unlink()"
    return before(right(notebook), "check-dense-backward", code)


@earns(but("dense-backward", "train"))
def challenge_rewritten(notebook, folder):
    """The challenge is made an easier one: all numbers are 0."""
    code = """
import json, re, lib.answers
easy = re.sub(r'-?\\d+\\.\\d+(e-?\\d+)?', '0.0', lib.answers.CHALLENGE.read_text())
lib.answers.CHALLENGE.write_text(easy)
"""
    return before(right(notebook), "check-dense-backward", code)


@earns(but("cce"))
def earlier_answer_updated(notebook, folder):
    """A wrong loss; a later cell has the right one, and puts its answer in the place of the wrong one's."""
    code = "real, check = check, type('', (), {'cce': lambda f: display(real.cce(f), display_id='a') and None})"
    before(replaced(right(notebook), "loss", "return(-np.sum", "return(-2 * np.sum"), "check-cce", code)
    later = "check = real\ndef cce(y, yhat): return(-np.sum(y * np.log(yhat)) / y.shape[1])\n"
    return before(notebook, "check-cce-gradient", later + "update_display(check.cce(cce), display_id='a')")


@earns(EVERYTHING)
def outputs_caught(notebook, folder):
    """Right; a widget is told to catch what the checks put out, and others are opened wrongly."""
    code = """
import ipywidgets
caught = ipywidgets.Output()
kernel = get_ipython().kernel
def catch(*a): caught.msg_id = kernel.get_parent()['header']['msg_id']
get_ipython().events.register('pre_run_cell', catch)
for data in ({}, [], {'state': 7}, {'state': {'_model_module': '@jupyter-widgets/output', '_model_name': 'OutputModel'}}):
    for kind in ('comm_open', 'comm_msg', 'comm_close'):
        content = {'comm_id': caught.comm.comm_id, 'target_name': 'jupyter.widget', 'data': data}
        kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())
"""
    return before(right(notebook), "loss", code)


@earns(EVERYTHING)
def messages_malformed(notebook, folder):
    """Right; the kernel sends messages that no kernel sends."""
    code = """
kernel = get_ipython().kernel
def deep(levels): return 7 if not levels else [deep(levels - 1)]
MIME = 'application/vnd.zerolayer.answer+json'
def send(kind, content): kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())
for content in ({}, {'text': 7, 'name': 7}, {'data': 7}, {'data': {}}, {'data': {'text/plain': deep(20), MIME: deep(300)}},
                {'data': {MIME: {'part': 'check-cce', 'statements': deep(200)}}, 'metadata': {}, 'transient': {'display_id': []}},
                {'ename': deep(100), 'evalue': {}, 'traceback': 7}, {'execution_count': '<script>', 'code': ''}, [], 7, None):
    for kind in ('stream', 'display_data', 'execute_result', 'update_display_data', 'error', 'execute_input', 'clear_output',
                 'comm_open', 'status', '', 'x' * 1000):
        send(kind, content)
send('display_data', {'data': {'text/plain': '\\ud83d'}, 'metadata': {}})
raw = kernel.session.serialize(kernel.session.msg('stream', {'name': 'stdout', 'text': 'x'}, parent=kernel.get_parent()))
kernel.iopub_socket.send_multipart([b'stream', *raw[:-1], b'{' * 100_000])
kernel.iopub_socket.send_multipart([b'stream', *raw[:2], b'0' * 64, *raw[3:]])
kernel.iopub_socket.send_multipart([b'nothing that a message is'])
frames = [kernel.session.pack(part) for part in (kernel.session.msg_header('stream'), kernel.get_parent()['header'], {})]
frames.append(b'{"name": "stdout", "text": ' + b'[' * 50_000 + b']' * 50_000 + b'}')
kernel.iopub_socket.send_multipart([b'stream', b'<IDS|MSG>', kernel.session.sign(frames), *frames])
"""
    return before(right(notebook), "loss", code)


@earns(EVERYTHING)
def folder_wrecked(notebook, folder):
    """Right; a cell fills the folder with what hangs or breaks whoever walks it, and takes what is there away."""
    code = """
import os, shutil, sys
home = os.getcwd()
shutil.rmtree('figures', ignore_errors=True)
os.mkfifo('pipe'), os.symlink('/dev/zero', 'zero'), os.symlink('nowhere', 'gone'), os.symlink('..', 'up')
os.makedirs('verdict.json/inner'), os.makedirs('verdict.json.part'), os.makedirs('softmax_classifier.ipynb')
open('timestamp.txt', 'w').write('2001-01-01 00:00:00 UTC')
for _ in range(1500):
    os.mkdir('d'), os.chdir('d')
os.chdir(home), os.mkdir('locked'), os.mkdir('locked/in'), os.chmod('locked/in', 0), os.chmod('locked', 0)
"""
    late = "import lib.answers, os; os.unlink(lib.answers.CHALLENGE); os.makedirs(lib.answers.CHALLENGE / 'inner')"
    before(right(notebook), "loss", code)
    notebook.cells.append(nbformat.v4.new_code_cell(late))
    return notebook


@earns(EVERYTHING)
def folder_gone(notebook, folder):
    """Right; the last cell puts a link to the whole course in the place of its own folder."""
    code = (
        "import os, shutil, lib.answers\nhome = lib.answers.CHALLENGE.parent\nshutil.rmtree(home); home.symlink_to('/')"
    )
    right(notebook).cells.append(nbformat.v4.new_code_cell(code))
    return notebook


@earns(EVERYTHING)
def modules_named(notebook, folder):
    """Right; the last cell says which modules the kernel has loaded."""
    right(notebook).cells.append(nbformat.v4.new_code_cell("import sys; print('loaded:', *sorted(sys.modules))"))
    return notebook


SCRIPTS = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<iframe src='javascript:alert(1)'></iframe>"]
SCRIPTS += ["<svg onload=alert(1)><script>alert(1)</script></svg>", "<meta http-equiv=refresh content='0;url=//evil'>"]
SCRIPTS += ["<a href='javascript:alert(1)'>a</a>", "<a href='data:text/html,<script>alert(1)</script>'>a</a>"]
SCRIPTS += ["<div style='position:fixed;inset:0;z-index:9'>over it all</div>", "<div class='navbar-fixed-top'>x</div>"]
SCRIPTS += [
    "<input id=check-cce>",
    "<form action=//evil><button>a</button></form>",
    "<base href=//evil>",
    "<link href=x>",
]
SCRIPTS += [
    "<object data=x></object><embed src=x>",
    "<style>*{display:none}</style>",
    "<math href='javascript:alert(1)'>x",
]
MARKDOWN = """**bold** and *leaning*

* one
* two

| a | b |
|---|--:|
| 1 | 2 |

$\\hat{y} < 1$ and [a link](https://example.org) and `code`
"""
LINKS = [
    f"[a]({scheme}alert(1))"
    for scheme in ("javascript:", "JaVaScRiPt:", "java&Tab;script:", "\x01javascript:", "vbscript:")
]
LINKS += [
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "<javascript:alert(1)>",
    "![a](javascript:alert(1))",
    "![a](data:text/html,x)",
]
LINKS += [
    "```mermaid\n<img src=x onerror=alert(1)>\n```",
    "# check-cce\n",
    "$<img src=x onerror=alert(1)>$",
    '```x"onclick=y\nz\n```',
]
LINKS += [
    "![a](attachment:lost.png)",
    "![]()",
    "![a](../../../judge_secret)",
    "![a](verdict.json)",
    "![a\"onerror=x](x 'y\"onerror=z')",
]


@earns(EVERYTHING)
def active_pages(notebook, folder):
    """Right; Markdown, outputs, tracebacks and metadata with everything that a browser might run."""
    texts = [MARKDOWN, *SCRIPTS, *LINKS]
    for found in right(notebook).cells:
        if found.metadata.get("nbgrader", {}).get("grade_id", "").startswith("explain-"):
            found.source = "\n\n".join(texts)
    notebook.cells += [nbformat.v4.new_markdown_cell(text) for text in texts]
    notebook.cells += [nbformat.v4.new_raw_cell(text) for text in SCRIPTS]
    notebook.cells[-1].metadata["raw_mimetype"] = "text/html"
    code = f"""
from IPython.display import HTML, Javascript, Latex, Markdown, SVG
for text in {json.dumps(SCRIPTS)}:
    print(text), display(HTML(text), Markdown(text), Latex(text), Javascript('alert(1)'))
    display({{'text/html': text, 'image/png': '">' + text, 'application/javascript': 'alert(1)', 'image/svg+xml': text}}, raw=True,
            metadata={{'text/html': {{'isolated': True}}, 'image/png': {{'width': '1 onload=alert(1)', 'alt': text}}}})
display({{'image/png': 'iVBORw0KGgo='}}, raw=True, metadata={{'image/png': {{'width': '1 onload=alert(1)'}}}})
display(HTML("<table><tr><td>a table</td></tr></table>"))
kernel = get_ipython().kernel
for kind in ('execute_input', 'execute_result'):
    content = {{'execution_count': '<script>alert(1)</script>', 'code': '', 'data': {{'text/plain': 'x'}}, 'metadata': {{}}}}
    kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())
kernel.session.send(kernel.iopub_socket, 'stream', {{'name': '"><script>alert(1)</script>', 'text': 'x'}}, parent=kernel.get_parent())
raise ValueError({json.dumps(SCRIPTS)})
"""
    notebook.cells.append(nbformat.v4.new_code_cell(code))
    return notebook


@earns(EVERYTHING)
def pages_without_end(notebook, folder):
    """Right; outputs and Markdown that take whoever cleans or renders them a very long time."""
    code = "from IPython.display import HTML\nfor _ in range(9): display(HTML('<div>' * 19_000))"
    right(notebook).cells.append(nbformat.v4.new_code_cell(code))
    for text in (
        "[" * 200_000,
        "\\begin{a}" * 20_000,
        ">" * 10_000,
        "*a **b " * 20_000,
        "$" * 99_999,
        "- " * 9_000 + "x",
    ):
        notebook.cells.append(nbformat.v4.new_markdown_cell(text))
    return notebook
