"""The course's own cells are read and run as they stand, whatever a student's code has made of the shell before."""

import pytest

from tests.grading.kernel.clients import kernel

pytestmark = pytest.mark.usefixtures("lockable_here")
BEFORE = "shell = get_ipython()\n"
COROUTINE = "async def nothing(*args, **named):\n    return False\n"
HOOKS = {
    "lines": "shell.input_transformers_cleanup.append(lambda lines: ['pass'])",
    "lines, at the end": "shell.input_transformers_post.append(lambda lines: ['pass'])",
    "lines, in a list of one's own": "shell.input_transformer_manager.line_transforms = [lambda lines: ['pass']]",
    "a method of the reader": "shell.input_transformer_manager.transform_cell = lambda cell: 'pass'",
    "another reader": """
reader = type(shell.input_transformer_manager)()
reader.transform_cell = lambda cell: 'pass'
shell.input_transformer_manager = reader
""",
    "the tree": """
import ast
class Nothing(ast.NodeTransformer):
    def visit(self, node):
        return ast.Module([], [])
shell.ast_transformers.append(Nothing())
""",
    "before each cell": f"""
{COROUTINE}
shell.events.register('pre_run_cell', lambda info: setattr(shell, 'run_code', nothing))
""",
    "a method of the shell": f"{COROUTINE}shell.run_code = nothing",
    "a method of its class": f"{COROUTINE}type(shell).run_code = nothing",
    "another class": f"{COROUTINE}shell.__class__ = type('Shell', (type(shell),), {{'run_code': nothing}})",
    "the code of a method": f"""
{COROUTINE}
type(shell).run_code.__code__ = nothing.__code__
type(shell).run_code.__kwdefaults__ = None
""",
    "what a method calls": "import IPython.core.interactiveshell as module; module.exec = lambda *args: None",
    "a method of a class above": f"{COROUTINE}type(shell).__mro__[2].run_code = nothing",
    "the kernel": """
async def reply(*args, **named):
    return {'status': 'ok'}
shell.kernel.do_execute = reply
""",
    "Python's compile": "import builtins; real = compile; builtins.compile = lambda code, *rest: real('pass', *rest)",
    "the compiler": "shell.compile = lambda node, name, mode: compile('pass', name, mode)\n"
    "import contextlib; shell.compile.extra_flags = lambda flags: contextlib.nullcontext()",
    "a trace": """
import sys
def tracer(frame, event, arg):
    if frame.f_code.co_name == 'run_ast_nodes':
        frame.f_locals['nodelist'].clear()
sys.settrace(tracer)
""",
    "how a result is shown": """
shell.display_formatter.formatters['text/plain'].for_type(int, lambda number, printer, cycle: printer.text('9'))
""",
    "that a result is shown": "shell.displayhook.quiet = lambda: True",
    "what is sent": """
send = shell.kernel.session.send
def drop(stream, message, *rest, **named):
    return message if 'result' in str(message) else send(stream, message, *rest, **named)
shell.kernel.session.send = drop
""",
    "which results are shown": "shell.ast_node_interactivity = 'none'",
}
"""Code by which a student has later cells read, run or shown otherwise; each is of the kind that it is called by."""
TEST = "print('ran')\n2"


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_changes_a_students_cells_and_none_of_the_courses(name):
    with kernel() as student:
        student.run(BEFORE + HOOKS[name])
        assert student.run(TEST) != "ran\n2"
        assert student.run(TEST, is_course_cell=True) == "ran\n2"
        # A test calls what a student wrote, which may do the same there.
        student.run(f"def answer():\n    {(BEFORE + HOOKS[name]).strip().replace(chr(10), chr(10) + '    ')}")
        student.run("answer()", is_course_cell=True)
        assert student.run(TEST, is_course_cell=True) == "ran\n2"


BLANKS = "%load_ext lib.blanks"
OPEN = "x = ?"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        # What the course's cells add before the first of a student's is there in all cells.
        ([(BLANKS, True), ("1", False), (OPEN, True), (OPEN, False)], ["", "1", "OpenBlank", "OpenBlank"]),
        # What they add later is there in a student's; what a student adds stays in those.
        ([("1", False), (BLANKS, True), (OPEN, False)], ["1", "", "OpenBlank"]),
        ([("1", False), (BLANKS, False), ("1", True), (OPEN, False)], ["1", "", "1", "OpenBlank"]),
        # Counting goes on.
        ([("1", False), ("2", True), ("In[1], In[2], Out[2], _", False)], ["1", "2", "('1', '2', 2, 2)"]),
    ],
)
def test_what_a_course_adds_to_the_shell_stays(cells, said):
    with kernel() as student:
        found = [student.run(code, is_course_cell=own) for code, own in cells]
    assert [each.partition(":")[0] for each in found] == said


def test_a_students_file_that_a_course_imports_adds_nothing():
    """The first cell is the course's, and a student has handed in a file under the name of what it imports."""
    with kernel({"helper.py": f"from IPython import get_ipython\n{BEFORE}{HOOKS['lines']}"}) as student:
        student.run("import helper", is_course_cell=True)
        assert student.run(TEST) == ""
        assert student.run(TEST, is_course_cell=True) == "ran\n2"
