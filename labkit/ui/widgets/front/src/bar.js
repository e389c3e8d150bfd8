// The line above a terminal or on a card: what the guest is called, what it does, and buttons.

/** An element with a class, a text and attributes. */
export function element(tag, className, text = "", attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** How a guest is whose kernel has ended: what can still be said of it. */
export const KERNEL_ENDED = { phase: "stopped", words: "the notebook's kernel has ended: run this cell again" };

export class Bar {
  constructor() {
    this.node = element("div", "labkit-bar");
    this._dot = element("span", "labkit-dot", "", { "aria-hidden": "true" });
    this._name = element("strong", "labkit-name");
    this._words = element("span", "labkit-state", "", { role: "status" });
    this._space = element("span", "labkit-space");
    this.node.append(this._dot, this._name, this._words, this._space);
    this.say({ phase: "waiting", words: "waiting for the notebook's kernel" });
  }

  button(text, label, act) {
    const node = element("button", "labkit-button", text, { type: "button", title: label, "aria-label": label });
    node.addEventListener("click", act);
    this.node.append(node);
    return node;
  }

  name(text) {
    this._name.textContent = text;
  }

  /** Shows a status; a screen reader speaks it when it changes. */
  say({ phase, words }) {
    this.node.dataset.phase = phase;
    if (this._words.textContent !== words) this._words.textContent = words;
  }
}
