"""BoundedExecute by itself: a run as a whole has bounds too, and what a kernel writes past Jupyter is lost."""

import nbformat
import pytest

from lib.grading.run.settings import ADDED_CODE, SECONDS_OF_ADDED_CODE, SECONDS_OF_IMPORTS, BoundedExecute, run_state


def executed(tmp_path, *sources, **limits):
    """Run cells; give what each put out as text, and the remarks."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": ""}})
    resources = {"metadata": {"path": str(tmp_path)}}
    notebook, resources = BoundedExecute(**limits).preprocess(notebook, resources)
    texts = ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]
    return texts, run_state(resources).remarks


def test_a_notebook_of_many_slow_cells_is_not_run_to_its_end(tmp_path):
    slow = "import time; time.sleep(0.5); print('slept')"
    texts, remarks = executed(tmp_path, *[slow] * 20, budget=4)
    run = texts.count("slept\n")  # how many, depends on how soon the kernel is there
    assert texts == ["slept\n"] * run + [""] * (20 - run)
    assert run < 20
    assert remarks[-1] == "The notebook ran longer than 4 seconds; its last cells were not run."


@pytest.mark.parametrize(
    "code", ["import sklearn", "from helpers import f", "get_ipython().run_line_magic('run', 'a.py')"]
)
def test_what_students_have_added_has_more_time_where_it_imports_something(tmp_path, code):
    """An import that was stopped cost what needs it; one that couldn't be stopped cost all points."""
    step = BoundedExecute()
    step.preprocess(nbformat.v4.new_notebook(), {"metadata": {"path": str(tmp_path)}})
    seconds = [
        step._get_timeout(nbformat.v4.new_code_cell("", metadata={ADDED_CODE: added})) for added in (code, "x = 1")
    ]
    assert seconds == [SECONDS_OF_IMPORTS, SECONDS_OF_ADDED_CODE]


def test_a_kernel_that_floods_us_with_replies_is_ended(tmp_path):
    """Each reply that isn't the one waited for keeps nbclient from looking at its clock."""
    flood = """
from ipykernel.kernelapp import IPKernelApp
kernel, socket = get_ipython().kernel, IPKernelApp.instance().shell_socket
[ident] = kernel._get_shell_context_var(kernel._shell_parent_ident)
while True:
    socket.send_multipart([ident, *kernel.session.serialize(kernel.session.msg('execute_reply', {}))])
"""
    texts, remarks = executed(tmp_path, "print('before')", flood, "print('after')", budget=5, grace=1)
    assert texts == ["before\n", "", ""]
    assert "nothing after it could run" in remarks[-1]


def test_what_a_kernel_writes_on_the_terminal_is_lost(tmp_path, capfd):
    texts, remarks = executed(tmp_path, "import os; os.system('echo loud; echo louder >&2'); print('heard')")
    assert "heard\n" in texts[0]
    assert remarks == []
    assert "loud" not in "".join(capfd.readouterr())


def test_a_kernel_that_there_is_not_is_no_students_fault(tmp_path):
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "no-such-kernel", "display_name": ""}})
    with pytest.raises(Exception, match="no-such-kernel"):
        BoundedExecute().preprocess(notebook, {"metadata": {"path": str(tmp_path)}})
