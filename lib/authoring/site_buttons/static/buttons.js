// A notebook in the browser: it is saved at each change and open in one tab at a time, and buttons above it download it,
// start over, and put a file back in. JupyterLab loads this file as a container of webpack's module federation, which is
// defined at the end.
"use strict";

const SAVE_AFTER = 400; // milliseconds without a change
const KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"; // its settings have the address of Python
const ROOM = 20e6; // bytes that should be free: a notebook with its pictures takes less than one million

const nameOf = path => path.split("/").pop();

/** Return the notebook of the site, without the student's work. */
async function original(path, baseUrl) {
  const answer = await fetch(`${baseUrl}files/${path.split("/").map(encodeURIComponent).join("/")}`, { cache: "no-cache" });
  if (!answer.ok) throw Error(`The site doesn't have ${path}. Reload the page, and try again.`);
  return answer.json();
}

const gradeIds = notebook => notebook.cells.map(cell => cell.metadata?.nbgrader?.grade_id).filter(Boolean);

/**
 * Read a file that a student has chosen. Throws an error with a message if it isn't a copy of this notebook.
 *
 * The file may come from someone else, and JupyterLite runs scripts in the outputs of cells that the file marks as
 * trusted, and of widgets whose state it contains. So both are removed; cells are trusted again when the student runs them.
 */
async function readNotebook(file, current) {
  let notebook;
  try {
    notebook = JSON.parse(await file.text());
    const known = gradeIds(current);
    if (known.length && !gradeIds(notebook).some(id => known.includes(id))) throw Error();
    for (const { metadata } of notebook.cells) delete metadata?.trusted;
    delete notebook.metadata?.widgets;
  } catch {
    throw Error(`${file.name} isn't a copy of this notebook. Choose the .ipynb file that you downloaded from here.`);
  }
  return notebook;
}

function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/x-ipynb+json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

class Buttons {
  constructor({ context, sessionContext, contentHeader }, contents, libraries, baseUrl) {
    Object.assign(this, { context, contents, libraries, baseUrl, session: sessionContext, header: contentHeader });
    Object.assign(this, { replaced: false, saved: Promise.resolve() });
    this.node = document.createElement("div");
    this.node.className = "zl-work";
    this.node.setAttribute("role", "group");
    this.node.setAttribute("aria-label", "My work");
    this.button("Download my work to hand in", () => this.download());
    this.button("Put a file back in", () => this.chooseFile());
    this.button("Start over", () => this.startOver());
    this.button("Stop", () => this.stop());
    this.running = document.createElement("span"); // without a role, because screen readers would read it each second
    this.words = document.createElement("span");
    this.words.setAttribute("role", "status");
    this.alarm = document.createElement("span");
    this.alarm.setAttribute("role", "alert");
    this.node.append(this.running, this.words, this.alarm);
    this.keep();
    this.count();
    this.findPython();
  }

  button(text, action) {
    const button = document.createElement("button");
    button.className = "jp-mod-styled";
    button.textContent = text;
    const { Dialog, showErrorMessage } = this.libraries.apputils;
    const close = [Dialog.okButton({ label: "Close" })];
    button.onclick = () => action().catch(error => showErrorMessage("That didn't work", error.message, close));
    this.node.append(button);
  }

  /** Save soon after each change, and warn if that fails or may fail. */
  keep() {
    let later;
    this.context.model.contentChanged.connect(() => {
      clearTimeout(later);
      later = setTimeout(() => this.save(), SAVE_AFTER);
    });
    document.addEventListener("visibilitychange", () => document.hidden && this.save());
    this.context.saveState.connect((_, state) => {
      if (state === "failed") this.say("Not saved: this browser has no space left. Download your work now.", true);
      if (state === "completed") this.warnIfFull("Saved in this browser");
    });
    navigator.storage?.persist?.();
    this.warnIfFull("");
  }

  /** Warn if little space is left in this browser; otherwise show another message. */
  async warnIfFull(otherwise) {
    const { quota, usage } = (await navigator.storage?.estimate?.()) ?? { quota: Infinity, usage: 0 };
    const isLow = quota - usage < ROOM;
    this.say(isLow ? "This browser has hardly any space left. Download your work often." : otherwise, isLow);
  }

  /** Show how long Python has been running, after the first second. */
  count() {
    let since, clock;
    const show = () => { this.running.textContent = `Running for ${Math.round((Date.now() - since) / 1000)} s`; };
    this.session.statusChanged.connect((_, status) => {
      if (status === "busy" && clock) return;
      clearInterval(clock);
      this.running.textContent = "";
      since = Date.now();
      clock = status === "busy" ? setInterval(show, 1000) : undefined;
    });
  }

  /** Warn if Python can't be downloaded: otherwise the page would look as if it were still loading. */
  async findPython() {
    const settings = JSON.parse(this.libraries.coreutils.PageConfig.getOption("litePluginSettings"));
    const url = new URL(settings[KERNEL].pyodideUrl, new URL(this.baseUrl, location));
    const answer = await fetch(url, { cache: "force-cache" }).catch(() => ({ ok: false }));
    if (answer.ok) return;
    this.alarm.className = "zl-warns";
    this.alarm.textContent = `Python can't be fetched from ${url.host}. Check your network, and reload this page. `
      + "If that doesn't help, tell your instructor.";
    this.node.classList.add("zl-alarmed");
    this.header.fit(); // its height was computed for the buttons alone
  }

  /** Save after the current save: JupyterLab would mistake one of two simultaneous saves for someone else's change. */
  save() {
    const isChanged = () => this.context.isReady && this.context.model.dirty && !this.replaced;
    this.saved = this.saved.then(() => isChanged() && this.context.save()).catch(() => {}); // `saveState` has reported it
    return this.saved;
  }

  say(text, warns = false) {
    this.words.textContent = text;
    this.words.classList.toggle("zl-warns", warns);
  }

  async download() {
    await this.save();
    download(nameOf(this.context.path), JSON.stringify(this.context.model.toJSON(), null, 1) + "\n");
    this.say(`Downloaded as ${nameOf(this.context.path)}`);
  }

  async startOver() {
    const empty = await original(this.context.path, this.baseUrl);
    const question = `All your work in ${nameOf(this.context.path)} will be deleted. Download it first if you may need it.`;
    if (await this.asks("Start over?", question, "Delete my work")) await this.replace(empty);
  }

  /** Stop the running cell by restarting Python. A browser can't interrupt it, and JupyterLab's own button does nothing. */
  async stop() {
    const question = "Python will restart. Your text and the outputs stay. Run the cells again, from the first one.";
    if (await this.asks("Stop the running cell?", question, "Stop")) await this.session.restartKernel();
  }

  async chooseFile() {
    const input = document.createElement("input");
    Object.assign(input, { type: "file", accept: ".ipynb" });
    const chosen = new Promise(choose => { input.onchange = () => choose(input.files[0]); });
    input.click();
    const file = await chosen;
    const notebook = await readNotebook(file, this.context.model.toJSON());
    const question = `The content of this notebook will be replaced by ${file.name}.`;
    if (await this.asks("Put this file back in?", question, "Replace")) await this.replace(notebook);
  }

  async asks(title, body, label) {
    const { Dialog, showDialog } = this.libraries.apputils;
    const buttons = [Dialog.cancelButton(), Dialog.warnButton({ label })];
    return (await showDialog({ title, body, buttons, defaultButton: 0 })).button.accept;
  }

  /** Replace the notebook, and reload the page, so that the page and the kernel forget the old one. */
  async replace(notebook) {
    this.replaced = true;
    await this.saved;
    await this.contents.save(this.context.path, { type: "notebook", format: "json", content: notebook });
    this.context.model.dirty = false; // otherwise the browser would ask for confirmation
    location.reload();
  }
}

/** Allow a notebook in one tab only: two tabs would overwrite each other's changes. */
function holdAlone(path, { Dialog, showDialog }) {
  navigator.locks?.request(`zerolayer ${path}`, { ifAvailable: true }, lock => {
    if (lock) return new Promise(() => {}); // until this page is closed
    const body = "Continue there, or close that tab and reload this one.";
    const buttons = [Dialog.okButton({ label: "Reload" })];
    return showDialog({ title: "This notebook is open in another tab", body, buttons }).then(() => location.reload());
  });
}

/**
 * Let a cell that is tagged `raises-exception` stop no other cell. JupyterLab then asks the kernel to go on after an error,
 * but JupyterLite drops all waiting cells for any reply that reports one. The error itself is shown before the reply.
 */
function goOnAfterExpectedErrors({ factories }) {
  const find = factories.get.bind(factories);
  const goesOn = create => async options => {
    const sendMessage = message => {
      const isExpected = message.header.msg_type === "execute_reply" && kernel.parent.content.stop_on_error === false;
      options.sendMessage(isExpected ? { ...message, content: { ...message.content, status: "ok" } } : message);
    };
    const kernel = await create({ ...options, sendMessage });
    return kernel;
  };
  factories.get = name => find(name) && goesOn(find(name));
}

const STYLE = `
.zl-work { box-sizing: border-box; display: flex; flex-wrap: wrap; gap: 4px 6px; align-items: center; min-height: 38px; padding: 4px 8px; }
.zl-work button { height: 28px; line-height: 28px; margin: 0; }
.zl-work.zl-alarmed { min-height: 80px; }
@media (max-width: 640px) { .zl-work { min-height: 102px; } .zl-work.zl-alarmed { min-height: 184px; } }
.zl-work button:first-child { color: white; background: #0060a0; }
.zl-work .zl-warns { padding: 2px 8px; color: #7a2e00; background: #fff4e6; font-weight: 600; }
`;

const plugin = libraries => ({
  id: "zerolayer-site:work",
  description: "Saves a notebook in the browser, and downloads it as a file.",
  autoStart: true,
  requires: [libraries.notebook.INotebookTracker, libraries.kernel.IKernelSpecs],
  activate: (app, tracker, kernels) => {
    goOnAfterExpectedErrors(kernels);
    document.head.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
    const baseUrl = libraries.coreutils.PageConfig.getBaseUrl();
    tracker.widgetAdded.connect((_, panel) => {
      const { node } = new Buttons(panel, app.serviceManager.contents, libraries, baseUrl);
      panel.contentHeader.insertWidget(0, new libraries.widgets.Widget({ node }));
      panel.context.ready.then(() => holdAlone(baseUrl + panel.context.path, libraries.apputils));
    });
  },
});

// ---- The container that JupyterLab loads

const SHARED = {
  apputils: "@jupyterlab/apputils",
  coreutils: "@jupyterlab/coreutils",
  kernel: "@jupyterlite/kernel",
  notebook: "@jupyterlab/notebook",
  widgets: "@lumino/widgets",
};

let scope = {};

async function shared(name) {
  const [version] = Object.keys(scope[name]); // there is only JupyterLab's own version
  return (await scope[name][version].get())();
}

window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB["zerolayer-site"] = {
  init: available => { scope = available; },
  get: async () => {
    const names = Object.keys(SHARED);
    const modules = await Promise.all(names.map(name => shared(SHARED[name])));
    const libraries = Object.fromEntries(names.map((name, index) => [name, modules[index]]));
    return () => ({ __esModule: true, default: plugin(libraries) });
  },
};
