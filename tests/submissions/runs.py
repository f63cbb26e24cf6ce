"""What dies, hangs, talks without end or wrecks its folder while it runs, on purpose or not."""

from textwrap import dedent

import nbformat

from tests.submissions import EVERYTHING, before, but, earns, replaced, right


def after_all(notebook, code):
    """Add a cell of the student's own behind all others."""
    notebook.cells.append(nbformat.v4.new_code_cell(dedent(code)))
    return notebook


@earns(but("train"))
def training_never_ends(notebook, folder):
    """Only the training loop is wrong: it never ends."""
    return replaced(right(notebook), "train", "for epoch in range(nepochs):", "while True:")


@earns(EVERYTHING)
def cell_never_ends(notebook, folder):
    """Right, but for a cell of the student's own that never ends."""
    return before(right(notebook), "softmax", "while True: pass")


@earns(EVERYTHING)
def definitions_never_end(notebook, folder):
    """Right, but for cells of the student's own that end in an error above what never ends, or fails very often."""
    before(right(notebook), "softmax", "1 / 0\na = [0 for _ in iter(int, 1)]\nb = [0 for _ in iter(int, 1)]")
    return before(notebook, "softmax", "\n".join(["1 / 0", *(f"a{each} = missing" for each in range(3000))]))


@earns(but("train"))
def kernel_dies(notebook, folder):
    """All but the last checks ran when the kernel ended itself."""
    return before(right(notebook), "check-train", "import os; os._exit(1)")


@earns(but("softmax-backward", "dense-backward", "train"))
def kernel_crashes(notebook, folder):
    """`Softmax.backward` reads where no memory is."""
    return replaced(right(notebook), "softmax", "a = self.output", "import ctypes; a = ctypes.string_at(0)")


@earns(but("train"))
def interrupt_ignored(notebook, folder):
    """A cell never ends, and doesn't let itself be interrupted."""
    endless = """
        import time
        while True:
            try: time.sleep(9)
            except BaseException: pass
        """
    return before(right(notebook), "check-train", endless)


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
    code = """
        shown = display('x' * 10_000, display_id='it')
        while True:
            display('x')
            shown.update('y' * 100_000)
        """
    return before(right(notebook), "loss", code)


@earns(EVERYTHING)
def talks_in_the_background(notebook, folder):
    """A thread that goes on printing, clearing and displaying while the checks run."""
    code = """
        from IPython.display import clear_output, display
        import threading, time
        def talk():
            while True:
                print('x', flush=True); display(1); clear_output(); time.sleep(0.001)
        threading.Thread(target=talk, daemon=True).start()
        """
    return before(right(notebook), "loss", code)


KERNEL = """
kernel = get_ipython().kernel
parent = kernel.get_parent()
def send(kind, content):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=parent)
"""


@earns(EVERYTHING)
def outputs_caught(notebook, folder):
    """Right; a widget is told to catch what the checks put out, and others are opened wrongly."""
    code = """
import ipywidgets
caught = ipywidgets.Output()
def catch(*info):
    caught.msg_id = kernel.get_parent()['header']['msg_id']
get_ipython().events.register('pre_run_cell', catch)
widget = {'_model_module': '@jupyter-widgets/output', '_model_name': 'OutputModel'}
for data in ({}, [], {'state': 7}, {'state': widget}):
    for kind in ('comm_open', 'comm_msg', 'comm_close'):
        send(kind, {'comm_id': caught.comm.comm_id, 'target_name': 'jupyter.widget', 'data': data})
"""
    return before(right(notebook), "loss", KERNEL + code)


@earns(EVERYTHING)
def messages_malformed(notebook, folder):
    """Right; the kernel sends messages that no kernel sends."""
    code = """
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
"""
    return before(right(notebook), "loss", KERNEL + code)


@earns(EVERYTHING)
def line_garbled(notebook, folder):
    """Right; on the line to its grader the kernel writes what no kernel writes, and leaves a message unfinished."""
    code = """
line = get_ipython().kernel.session.line
for words in (b'{', b'7', b'[' * 100_000, bytes(range(11, 256)), b'{"msg_type": 7, "content": {}}', b'x' * 5_000_000):
    line.sendall(words + b'\\n')
line.sendall(b'{"msg_type": "stream", "content": {"name": "stdout", "te')
"""
    return before(right(notebook), "loss", code)


@earns(EVERYTHING)
def replies_made_up(notebook, folder):
    """Right; the last cell replies in the kernel's place, without end."""
    code = """
line = get_ipython().kernel.session.line
while True:
    line.sendall(b'{"msg_type": "execute_reply", "content": {"status": "ok"}}\\n')
"""
    return after_all(right(notebook), code)


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


@earns(EVERYTHING)
def folder_changed(notebook, folder):
    """Right; the first cell of all goes to another folder."""
    return before(right(notebook), "setup", "import os; os.chdir('/')")


@earns(EVERYTHING)
def folder_gone(notebook, folder):
    """Right; the last cell puts a link to everything in the place of its own folder."""
    code = """
        import os, shutil
        home = os.getcwd()
        shutil.rmtree(home), os.symlink('/', home)
        """
    return after_all(right(notebook), code)


@earns(EVERYTHING)
def modules_named(notebook, folder):
    """Right; the last cell says which modules the kernel has loaded."""
    return after_all(right(notebook), "import sys; print('loaded:', *sorted(sys.modules))")
