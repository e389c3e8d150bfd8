// Outputs that lived in a kernel which has ended: a page that is loaded later has only their place. The manager of
// widgets writes an error there; the student, who did nothing wrong, is told what to do instead.
import { KERNEL_GONE } from "../link.js";

const ERROR = /^Error displaying widget/;

export function lostOutputs(tracker) {
  tracker.widgetAdded.connect((_tracker, panel) => {
    const observer = new MutationObserver((changes) => {
      for (const { target } of changes)
        if (target.classList?.contains("jupyter-widgets") && !target.childElementCount && ERROR.test(target.textContent))
          explain(panel.content, target);
    });
    observer.observe(panel.content.node, { childList: true, subtree: true });
    panel.disposed.connect(() => observer.disconnect());
    panel.sessionContext.kernelChanged.connect((_session, { oldValue }) => {
      if (oldValue) document.dispatchEvent(new CustomEvent(KERNEL_GONE, { detail: panel.node }));
    });
  });
}

function explain(notebook, node) {
  const area = notebook.widgets.find((cell) => cell.node.contains(node))?.outputArea;
  const index = area?.widgets.findIndex((output) => output.node.contains(node)) ?? -1;
  if (index < 0) return;
  const text = area.model.get(index).data["text/plain"];
  if (text === undefined) {
    node.replaceChildren(); // what says nothing of itself, progress, is not missed
    area.widgets[index].hide();
    return;
  }
  const [, named] = String(text).match(/^<([^;>]+)/) ?? []; // <terminal of hello; …>
  const note = document.createElement("div");
  note.textContent =
    `${named ? `The ${named}` : "What was shown here"} went with the notebook's kernel. ` +
    "Run this cell again to have it back.";
  note.setAttribute("role", "note");
  note.style.cssText = "padding:2px 0;color:var(--jp-content-font-color1,inherit);font-style:italic";
  node.replaceChildren(note);
}
