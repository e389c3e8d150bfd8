// The steps of a cell: a line each, with a bar while it runs and its duration when it is done.
import "./widgets.css";
import { element } from "./bar.js";
import { Link } from "./link.js";
import { followTheme } from "./theme.js";

const SIGNS = { running: "…", done: "✓", failed: "✗" };
const SPOKEN = { running: "under way", done: "done", failed: "failed" };

class View {
  constructor(model, el) {
    this._root = element("div", "labkit-steps", "", { role: "group", "aria-label": "Progress" });
    el.append(this._root);
    this._rows = [];
    this._unfollow = followTheme((dark) => (this._root.dataset.theme = dark ? "dark" : "light"));
    this._ticking = setInterval(() => this._tick(), 100);
    this._link = new Link(model, el, {
      question: () => ({ kind: "open" }),
      hear: (content) => content.kind === "steps" && this._take(content),
      gone: () => this._gone(),
    });
    this._link.open();
  }

  close() {
    clearInterval(this._ticking);
    this._link.close();
    this._unfollow();
  }

  _take({ rows, left_out }) {
    const now = performance.now();
    this._show(rows.map((row) => ({ ...row, since: now })));
    if (left_out) this._root.append(element("div", "labkit-step", `and ${left_out} more steps`));
  }

  _gone() {
    const ended = (row) => ({ ...row, seconds: this._seconds(row), state: "failed", detail: "the kernel has ended" });
    this._show(this._rows.map((row) => (row.state === "running" ? ended(row) : row)));
  }

  _show(rows) {
    this._rows = rows;
    this._root.replaceChildren(...rows.map((row) => this._line(row)));
  }

  _line(row) {
    const node = element("div", "labkit-step");
    node.dataset.state = row.state;
    node.style.paddingInlineStart = `${row.depth * 1.5}em`;
    const sign = element("span", "labkit-sign", SIGNS[row.state], { role: "img", "aria-label": SPOKEN[row.state] });
    row.clock = element("span", "labkit-clock", "", row.state === "running" ? { "aria-hidden": "true" } : {});
    node.append(sign, element("span", "labkit-what", row.title));
    if (row.state === "running" && row.fraction !== null) {
      const bar = element("progress", "labkit-progress", "", { max: "1", "aria-label": row.title });
      bar.value = row.fraction;
      node.append(bar);
    }
    node.append(row.clock, element("span", "labkit-detail", row.detail));
    this._time(row);
    return node;
  }

  _tick() {
    for (const row of this._rows) if (row.state === "running") this._time(row);
  }

  _time(row) {
    const seconds = this._seconds(row);
    row.clock.textContent = `${seconds.toFixed(seconds < 10 && row.state !== "running" ? 2 : 1)} s`;
  }

  _seconds(row) {
    return row.seconds + (row.state === "running" ? (performance.now() - row.since) / 1000 : 0);
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
