// A guest at a glance: how it is, where it runs, and buttons to stop it and to see its log.
import "./widgets.css";
import { Bar, element, KERNEL_ENDED } from "./bar.js";
import { Link } from "./link.js";
import { followTheme } from "./theme.js";

class View {
  constructor(model, el) {
    const title = model.get("title");
    this._root = element("div", "labkit-card", "", { role: "group", "aria-label": `Guest ${title}` });
    this._bar = new Bar();
    this._bar.name(title);
    this._bar.button("Log", `What happened to ${title}, and its last words`, () => this._toggle());
    this._stop = this._bar.button("Stop", `Stop ${title}, as by pulling its plug`, () => this._link.tell({ kind: "stop" }));
    this._stop.disabled = true;
    this._logButton = this._bar.node.querySelector("button");
    this._logButton.setAttribute("aria-expanded", "false");
    this._facts = element("dl", "labkit-facts");
    this._log = element("pre", "labkit-log", "", { tabindex: "0", "aria-label": `Log of ${title}` });
    this._log.hidden = true;
    this._root.append(this._bar.node, this._facts, this._log);
    el.append(this._root);
    this._unfollow = followTheme((dark) => (this._root.dataset.theme = dark ? "dark" : "light"));
    this._ticking = setInterval(() => this._tick(), 1000);
    this._link = new Link(model, el, {
      question: () => ({ kind: "open", place: null }),
      hear: (content) => this._take(content),
      gone: () => this._gone(),
    });
    this._link.open();
  }

  close() {
    clearInterval(this._ticking);
    this._link.close();
    this._unfollow();
  }

  _take(content) {
    if (content.kind === "status") this._status(content);
    else if (content.kind === "log") this._log.textContent = content.text;
    else if (content.kind === "refused") this._bar.say({ ...this._shown, words: content.words });
  }

  _status(status) {
    this._shown = status;
    this._bar.say(status);
    const running = status.phase === "booting" || status.phase === "running";
    this._stop.disabled = !running;
    this._facts.replaceChildren();
    for (const [name, value] of status.facts)
      this._facts.append(element("dt", "", name), element("dd", "", value));
    this._uptime = element("dd", "");
    this._ran = element("dt", "", running ? "running for" : "ran for");
    this._facts.append(this._ran, this._uptime);
    this._since = running ? performance.now() : null;
    this._tick();
    if (!this._log.hidden) this._link.tell({ kind: "log" });
  }

  _gone() {
    clearInterval(this._ticking);
    this._stop.disabled = true;
    this._logButton.disabled = !this._log.textContent;
    if (this._shown && this._since === null) return; // it had ended before
    this._bar.say(KERNEL_ENDED);
    if (this._ran) this._ran.textContent = "ran for";
  }

  _tick() {
    if (!this._shown) return;
    const more = this._since === null ? 0 : (performance.now() - this._since) / 1000;
    this._uptime.textContent = spell(this._shown.seconds + more, this._since === null);
  }

  _toggle() {
    this._log.hidden = !this._log.hidden;
    this._logButton.setAttribute("aria-expanded", String(!this._log.hidden));
    if (!this._log.hidden) this._link.tell({ kind: "log" });
  }
}

function spell(seconds, exact) {
  if (seconds < 60) return exact ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
