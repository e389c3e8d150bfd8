// What JupyterLab loads at its start: a container in the form that webpack's module federation defines. JupyterLab
// hands its own modules in by `init` and asks for the plugins by `get`. Written by hand, it needs no webpack.
import { ocamlCells } from "./cells.js";
import { lostOutputs } from "./lost.js";

const NAME = "unikernel-lab";
let shared;

async function moduleOfJupyterLab(name) {
  const [newest] = Object.values(shared[name]).reverse();
  return (await newest.get())();
}

const container = {
  init(scope) {
    shared = scope;
  },
  async get() {
    const names = ["@jupyterlab/notebook", "@jupyterlab/codemirror", "@codemirror/language", "@codemirror/state"];
    const [notebook, codemirror, language, state] = await Promise.all(names.map(moduleOfJupyterLab));
    const plugins = [
      {
        id: `${NAME}:ocaml-cells`,
        description: "Colours cells that begin with %%ocaml or %%unikernel as OCaml.",
        autoStart: true,
        requires: [notebook.INotebookTracker, codemirror.IEditorLanguageRegistry],
        activate: (_app, tracker, languages) => ocamlCells(tracker, languages, language, state),
      },
      {
        id: `${NAME}:lost-outputs`,
        description: "Says in plain words which outputs went with their kernel.",
        autoStart: true,
        requires: [notebook.INotebookTracker],
        activate: (_app, tracker) => lostOutputs(tracker),
      },
    ];
    return () => plugins;
  },
};

(window._JUPYTERLAB ??= {})[NAME] = container;
