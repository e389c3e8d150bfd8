// A guest's console: xterm.js, a line that says how the guest is, and what is typed.
//
// The kernel keeps the console; a view asks for it from a place on (`open`), gets pieces that carry their place, and
// says how far it is (`ack`), so that no more is under way than it can show. A view that missed something asks again:
// after a reload of the page everything is as it was.
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import "./widgets.css";
import { Bar, element, KERNEL_ENDED } from "./bar.js";
import { LineEditor } from "./line.js";
import { Link } from "./link.js";
import { followTheme } from "./theme.js";

const ACK_BYTES = 64 * 1024;
const ANSWER_MS = 3000; // a kernel that has not answered by then is busy or gone
const SCROLLBACK = 5000;

const LIGHT = {
  background: "#ffffff", foreground: "#1f2328", cursor: "#1f2328", cursorAccent: "#ffffff",
  selectionBackground: "#b6d7ff",
  black: "#1f2328", red: "#b3261e", green: "#116329", yellow: "#7d4e00", blue: "#0550ae", magenta: "#8250df",
  cyan: "#1b6b72", white: "#57606a", brightBlack: "#57606a", brightRed: "#a40e26", brightGreen: "#1a7f37",
  brightYellow: "#633c01", brightBlue: "#0969da", brightMagenta: "#8250df", brightCyan: "#1b7c83", brightWhite: "#424a53",
};
const DARK = {
  background: "#0d1117", foreground: "#e6edf3", cursor: "#e6edf3", cursorAccent: "#0d1117",
  selectionBackground: "#2f5d94",
  black: "#8b949e", red: "#ff8f87", green: "#56d364", yellow: "#e3b341", blue: "#79c0ff", magenta: "#d2a8ff",
  cyan: "#56d4dd", white: "#c9d1d9", brightBlack: "#8b949e", brightRed: "#ffa198", brightGreen: "#7ee787",
  brightYellow: "#f2cc60", brightBlue: "#a5d6ff", brightMagenta: "#e2c5ff", brightCyan: "#76e3ea", brightWhite: "#ffffff",
};

class View {
  constructor(model, el) {
    this._model = model;
    this._place = 0; // of the next byte to show
    this._acked = 0;
    this._timer = 0;
    this._ended = false;
    this._typed = []; // lines typed before this view was opened: [place, text]
    this._cut = 0; // bytes that came too fast
    this._byKey = model.get("by_key");
    this._build(el);
    this._link = new Link(model, el, {
      question: () => ({ kind: "open", place: this._place }),
      hear: (content, buffers) => this._take(content, buffers),
      gone: () => this._gone(),
    });
    this._unfollow = followTheme((dark) => {
      this._root.dataset.theme = dark ? "dark" : "light";
      this._term.options.theme = dark ? DARK : LIGHT;
    });
    this._observer = new ResizeObserver(() => this._fit());
    this._observer.observe(this._screen);
    this._open();
  }

  close() {
    this._link.close();
    clearTimeout(this._timer);
    this._observer.disconnect();
    this._unfollow();
    this._term.dispose();
  }

  // Building

  _build(el) {
    const title = this._model.get("title");
    // JupyterLab's own shortcuts would take keys away from the guest.
    this._root = element("div", "labkit-terminal", "", { "data-lm-suppress-shortcuts": "true" });
    this._bar = new Bar();
    this._bar.name(title);
    this._bar.button("Copy", "Copy the selection, or all that the console shows", () => this._copy());
    this._stop = this._bar.button("Stop", `Stop ${title}, as by pulling its plug`, () => this._link.tell({ kind: "stop" }));
    this._stop.disabled = true;
    this._screen = element("div", "labkit-screen", "", {
      role: "group",
      "aria-label": `Console of ${title}. Escape leaves it.`,
    });
    this._screen.style.height = `calc(${this._model.get("rows")} * 1.2 * 13px + 12px)`;
    this._hint = element("div", "labkit-hint");
    this._root.append(this._bar.node, this._screen, this._hint);
    el.append(this._root);

    this._term = new Terminal({
      allowProposedApi: false,
      convertEol: true,
      cursorBlink: false,
      cursorInactiveStyle: "outline",
      fontFamily: getComputedStyle(document.body).getPropertyValue("--jp-code-font-family") || "monospace",
      fontSize: 13,
      lineHeight: 1.2,
      minimumContrastRatio: 4.5,
      screenReaderMode: true,
      scrollback: SCROLLBACK,
    });
    this._fitting = new FitAddon();
    this._term.loadAddon(this._fitting);
    this._term.open(this._screen);
    this._term.textarea.setAttribute("aria-label", `Type to ${title}. Escape leaves.`);
    this._editor = new LineEditor(this._term, (text) => this._input(text));
    this._term.onData((data) => {
      if (this._ended) return;
      if (this._byKey) this._input(data.replaceAll("\r", "\n"));
      else this._editor.type(data);
    });
    this._hearInsertions();
    this._term.attachCustomKeyEventHandler((event) => this._key(event));
    this._silence();
    this._say({ phase: "waiting", words: "waiting for the notebook's kernel" });
    this._fit();
  }

  // What is put in without a key being pressed, by an emoji chooser or dictation; xterm.js leaves it out when it
  // serves screen readers.
  _hearInsertions() {
    const input = this._term.textarea;
    let pressed = false;
    input.addEventListener("keydown", () => (pressed = true), true);
    input.addEventListener("keyup", () => (pressed = false), true);
    input.addEventListener("input", (event) => {
      if (event.inputType === "insertText" && event.data && !pressed && !event.isComposing) this._term.input(event.data);
    });
  }

  // Programs can ask a terminal what it is; its answers would look like something typed.
  _silence() {
    const quiet = () => !this._byKey;
    for (const id of [{ final: "c" }, { prefix: ">", final: "c" }, { prefix: "=", final: "c" }, { final: "n" },
      { prefix: "?", final: "n" }, { intermediates: "$", final: "p" }, { prefix: "?", intermediates: "$", final: "p" }])
      this._term.parser.registerCsiHandler(id, quiet);
    for (const number of [4, 10, 11, 12])
      this._term.parser.registerOscHandler(number, (data) => quiet() && data.includes("?"));
    this._term.parser.registerDcsHandler({ intermediates: "$", final: "q" }, quiet);
  }

  _fit() {
    if (this._screen.clientWidth > 0 && this._screen.clientHeight > 0) this._fitting.fit();
  }

  // Keys

  /** False where the terminal shall not see the key. */
  _key(event) {
    const control = event.ctrlKey || event.metaKey;
    if (event.key === "Escape" || (event.ctrlKey && event.key === "]")) {
      if (event.type === "keydown") this._leave();
      event.preventDefault();
      return false;
    }
    if (event.key === "Tab" && !this._byKey) return false; // moves on, as everywhere in a page
    if (control && event.key.toLowerCase() === "c" && this._term.hasSelection()) {
      if (event.type === "keydown") this._copy();
      event.preventDefault();
      return false;
    }
    if (control && event.key.toLowerCase() === "v") return false; // the browser pastes
    return true;
  }

  _leave() {
    this._term.blur();
    const cell = this._root.closest(".jp-Cell");
    cell?.focus();
    if (!cell || document.activeElement !== cell) this._bar.node.querySelector("button")?.focus();
  }

  async _copy() {
    const selected = this._term.getSelection();
    let text = selected;
    if (!selected) {
      this._term.selectAll();
      text = this._term.getSelection();
      this._term.clearSelection();
    }
    text = text.replace(/\s+$/, "") + "\n";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = element("textarea", "", "", { "aria-hidden": "true" });
      area.value = text;
      this._root.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this._note(selected ? "Copied what was selected." : "Copied all that the console shows.");
  }

  // The kernel

  _expectAnswer() {
    clearTimeout(this._timer);
    this._timer = setTimeout(
      () => this._bar.say({ phase: "waiting", words: "the notebook's kernel does not answer: it is busy, or gone" }),
      ANSWER_MS,
    );
  }

  _open() {
    this._acked = this._place;
    this._expectAnswer();
    this._link.open();
  }

  _input(text) {
    this._expectAnswer();
    this._link.tell({ kind: "input", text, echoed: !this._byKey });
  }

  _gone() {
    clearTimeout(this._timer);
    this._stop.disabled = true;
    this._term.options.disableStdin = true;
    if (!this._ended) this._say(KERNEL_ENDED);
    this._ended = true;
    this._tellHow();
  }

  _take(content, buffers) {
    if (content.kind === "bytes") this._bytes(content, buffers[0]);
    else if (content.kind === "status") this._status(content);
    else if (content.kind === "typed") this._typed = content.lines;
    else if (content.kind === "refused") this._note(content.words);
    if (content.kind !== "bytes") clearTimeout(this._timer);
    if (this._shown) this._bar.say(this._shown);
  }

  _bytes({ at, cut }, buffer) {
    if (at - cut > this._place) return this._open(); // something was missed
    const data = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    const fresh = data.subarray(Math.max(0, this._place - at));
    if (!fresh.length) return undefined;
    if (at > this._place) {
      const bytes = (at - this._place).toLocaleString("en");
      this._cut += at - this._place;
      this._tellHow();
      this._editor.print(`\x1b[0m\r\n\x1b[2m[${bytes} bytes were cut here]\x1b[0m\r\n`);
    }
    const place = (this._place = at + data.length);
    this._retype(fresh, place - fresh.length);
    this._editor.print("", () => {
      if (place - this._acked < ACK_BYTES) return;
      this._acked = place;
      this._link.tell({ kind: "ack", place });
    });
    return undefined;
  }

  // Prints what came from the guest, with what was typed before this view was opened where it was typed.
  _retype(data, at) {
    let shown = 0;
    while (this._typed.length && this._typed[0][0] < at + data.length) {
      const [place, text] = this._typed.shift();
      if (place < at) continue;
      this._editor.print(data.subarray(shown, place - at));
      this._editor.print(text.replaceAll("\n", "\r\n"));
      shown = place - at;
    }
    this._editor.print(data.subarray(shown));
  }

  _status(status) {
    this._say(status);
    const ended = status.phase !== "booting" && status.phase !== "running";
    this._stop.disabled = ended;
    if (ended === this._ended) return;
    this._ended = ended;
    if (ended) this._term.options.disableStdin = true;
    this._tellHow();
  }

  _say(status) {
    this._shown = status;
    this._bar.say(status);
    this._tellHow();
  }

  _note(words) {
    this._hint.textContent = words;
    clearTimeout(this._noted);
    this._noted = setTimeout(() => this._tellHow(), 4000);
  }

  _tellHow() {
    const words = this._ended
      ? "It has ended; its console stays here."
      : `${this._byKey ? "Every key goes to the guest." : "Type a line; Enter sends it."} Esc leaves the terminal.`;
    const cut = this._cut ? ` ${this._cut.toLocaleString("en")} bytes came too fast and were cut.` : "";
    this._hint.textContent = words + cut;
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
