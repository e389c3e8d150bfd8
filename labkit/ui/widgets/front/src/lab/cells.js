// Cells whose magic makes them OCaml: coloured, indented and commented as OCaml, from the moment their first line says so.
import { oCaml } from "@codemirror/legacy-modes/mode/mllike";

const OCAML = "text/x-ocaml-cell";
const PLAIN = "text/plain";

/** What a cell is written in by its magic; undefined where that is the kernel's language. */
export function mimeTypeOf(source) {
  const [, magic, file] = source.match(/^\s*%%(ocaml|unikernel)(?!\S)(?:[ \t]+(\S+))?/) ?? [];
  if (magic === "ocaml") return OCAML;
  if (magic !== "unikernel") return undefined;
  const [, ending] = file?.match(/\/.*?(?:\.(\w+))?$/) ?? [undefined, "ml"];
  return ["ml", "mli"].includes(ending) ? OCAML : PLAIN;
}

export function ocamlCells(tracker, languages, { LanguageSupport, StreamLanguage, indentUnit }, { Prec }) {
  languages.addLanguage({
    name: "ocaml-cell",
    displayName: "OCaml in a cell",
    mime: OCAML,
    load: async () =>
      new LanguageSupport(StreamLanguage.define(afterMagic(oCaml)), [Prec.high(indentUnit.of("  "))]),
  });
  const known = new WeakSet();

  function follow(notebook, cell) {
    if (cell.type !== "code" || known.has(cell)) return;
    known.add(cell);
    const look = () => {
      const wanted = mimeTypeOf(cell.sharedModel.getSource());
      if (wanted) cell.mimeType = wanted;
      else if ([OCAML, PLAIN].includes(cell.mimeType)) cell.mimeType = notebook.codeMimetype;
    };
    cell.contentChanged.connect(look);
    cell.mimeTypeChanged.connect(look); // JupyterLab sets that of all cells when it knows the kernel
    look();
  }

  function followAll(notebook) {
    const cells = notebook.model?.cells;
    if (!cells) return;
    const look = () => [...cells].forEach((cell) => follow(notebook, cell));
    cells.changed.connect(look);
    look();
  }

  tracker.widgetAdded.connect((_tracker, { content }) => {
    content.modelChanged.connect(followAll);
    followAll(content);
  });
}

/** A language whose first line may be a magic. */
function afterMagic(mode) {
  return {
    ...mode,
    name: "ocaml-cell",
    startState: (...given) => ({ ...mode.startState(...given), begun: false }),
    token(stream, state) {
      if (!state.begun) {
        state.begun = true;
        if (stream.match(/^\s*%%/)) {
          stream.skipToEnd();
          return "variableName.definition"; // "meta" is hard to read in the dark theme
        }
      }
      return mode.token(stream, state);
    },
  };
}
