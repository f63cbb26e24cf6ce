"""What dies, hangs, talks without end or wrecks its folder while it runs, on purpose or not."""

from textwrap import dedent

import nbformat

from tests.submissions import EVERYTHING, adding, before, but, earns, replaced, replacing, right, table

KERNEL = """
kernel = get_ipython().kernel
parent = kernel.get_parent()
def send(kind, content):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=parent)
"""


def after_all(notebook, code):
    """Add a cell of the student's own behind all others."""
    notebook.cells.append(nbformat.v4.new_code_cell(dedent(code)))
    return notebook


@earns(EVERYTHING)
def definitions_never_end(notebook, folder):
    """Right, but for cells of the student's own that end in an error above what never ends, or fails very often."""
    before(right(notebook), "softmax", "1 / 0\na = [0 for _ in iter(int, 1)]\nb = [0 for _ in iter(int, 1)]")
    return before(notebook, "softmax", "\n".join(["1 / 0", *(f"a{each} = missing" for each in range(3000))]))


@earns(but("dense-backward"))
def stop_ignored(notebook, folder):
    """`Dense.backward` never ends, and goes on whatever is thrown at it."""
    forever = """
        import time
        def forever():
            while True:
                try: time.sleep(0.01)
                except BaseException: pass
        """
    before(right(notebook), "dense", forever)
    return replaced(notebook, "dense", "weights_gradient = ", "weights_gradient = forever() or ")


@earns(EVERYTHING)
def folder_wrecked(notebook, folder):
    """Right; a cell fills the folder with what hangs or breaks whoever walks it, and takes what is there away."""
    code = """
        import os, shutil
        home = os.getcwd()
        shutil.rmtree('figures', ignore_errors=True)
        os.mkfifo('pipe'), os.symlink('/dev/zero', 'zero'), os.symlink('nowhere', 'gone'), os.symlink('..', 'up')
        os.makedirs('verdict.json/inner'), os.makedirs('verdict.json.part'), os.makedirs('softmax_classifier.ipynb')
        open('timestamp.txt', 'w').write('2001-01-01 00:00:00 UTC')
        for _ in range(1500):
            os.mkdir('d'), os.chdir('d')
        os.chdir(home), os.makedirs('locked/in'), os.chmod('locked/in', 0), os.chmod('locked', 0)
        """
    late = """
        import os
        os.unlink('challenge.json'), os.makedirs('challenge.json/inner')
        """
    (folder / "timestamp.txt").write_text("2026-03-02 12:00:00 UTC")
    return after_all(before(right(notebook), "loss", code), late)


def ending(code):
    """Make a submission: right, with a cell of the student's own behind all others."""
    return lambda notebook, folder: after_all(right(notebook), code)


GOOD = table(
    EVERYTHING,
    cell_never_ends=adding("softmax", "while True: pass"),
    hundred_megabytes_of_lines=adding("loss", "for _ in range(1_000_000): print('x' * 99)"),
    hundred_megabytes_in_a_line=adding("loss", "print('x' * 100_000_000)"),
    # Displays, and updates of displays, until somebody stops it.
    displays_without_end=adding(
        "loss",
        """
        shown = display('x' * 10_000, display_id='it')
        while True:
            display('x')
            shown.update('y' * 100_000)
        """,
    ),
    # A thread goes on printing, clearing and displaying while the checks run.
    talks_in_the_background=adding(
        "loss",
        """
        from IPython.display import clear_output, display
        import threading, time
        def talk():
            while True:
                print('x', flush=True); display(1); clear_output(); time.sleep(0.001)
        threading.Thread(target=talk, daemon=True).start()
        """,
    ),
    # A widget is told to catch what the checks put out, and others are opened wrongly.
    outputs_caught=adding(
        "loss",
        KERNEL
        + """
import ipywidgets
caught = ipywidgets.Output()
def catch(*info):
    caught.msg_id = kernel.get_parent()['header']['msg_id']
get_ipython().events.register('pre_run_cell', catch)
widget = {'_model_module': '@jupyter-widgets/output', '_model_name': 'OutputModel'}
for data in ({}, [], {'state': 7}, {'state': widget}):
    for kind in ('comm_open', 'comm_msg', 'comm_close'):
        send(kind, {'comm_id': caught.comm.comm_id, 'target_name': 'jupyter.widget', 'data': data})
""",
    ),
    # The kernel sends messages that no kernel sends.
    messages_malformed=adding(
        "loss",
        KERNEL
        + """
MIME = 'application/vnd.zerolayer.answer+json'
def deep(levels):
    return [deep(levels - 1)] if levels else 7
contents = [
    {}, [], 7, None,
    {'text': 7, 'name': 7},
    {'data': 7, 'metadata': 7},
    {'data': {'text/plain': deep(20), MIME: deep(300)}},
    {'data': {MIME: {'part': 'check-cce', 'shown': deep(200)}}, 'metadata': {}, 'transient': {'display_id': []}},
    {'ename': deep(100), 'evalue': {}, 'traceback': 7},
    {'execution_count': '<script>', 'code': ''},
    {'data': {'text/plain': '\\ud83d'}, 'metadata': {}},
]
kinds = ['stream', 'display_data', 'execute_result', 'update_display_data', 'error', 'execute_input', 'clear_output']
for kind in [*kinds, 'comm_open', 'status', '', 'x' * 1000]:
    for content in contents:
        send(kind, content)
""",
    ),
    # On the line to its grader the kernel writes what no kernel writes, and leaves a message unfinished.
    line_garbled=adding(
        "loss",
        """
line = get_ipython().kernel.session.line
for words in (b'{', b'7', b'[' * 100_000, bytes(range(11, 256)), b'{"msg_type": 7, "content": {}}', b'x' * 5_000_000):
    line.sendall(words + b'\\n')
line.sendall(b'{"msg_type": "stream", "content": {"name": "stdout", "te')
""",
    ),
    # The last cell replies in the kernel's place, without end.
    replies_made_up=ending("""
line = get_ipython().kernel.session.line
while True:
    line.sendall(b'{"msg_type": "execute_reply", "content": {"status": "ok"}}\\n')
"""),
    folder_changed=adding("setup", "import os; os.chdir('/')"),
    # The last cell puts a link to everything in the place of its own folder.
    folder_gone=ending("""
        import os, shutil
        home = os.getcwd()
        shutil.rmtree(home), os.symlink('/', home)
        """),
    modules_named=ending("import sys; print('loaded:', *sorted(sys.modules))"),
)
WEAKER = [
    *table(
        but("train"),
        training_never_ends=replacing("train", "for epoch in range(nepochs):", "while True:"),
        kernel_dies=adding("check-train", "import os; os._exit(1)"),
        # A cell never ends, and doesn't let itself be interrupted.
        interrupt_ignored=adding(
            "check-train",
            """
        import time
        while True:
            try: time.sleep(9)
            except BaseException: pass
        """,
        ),
    ),
    *table(
        but("softmax-backward", "dense-backward", "train"),
        # It reads where no memory is.
        kernel_crashes=replacing("softmax", "a = self.output", "import ctypes; a = ctypes.string_at(0)"),
    ),
]
