// A view's line to the kernel: messages with the view's name, a question until it is answered, and how it ends.
import { Knock } from "./knock.js";

/** Dispatched on the document where JupyterLab tells it: the kernel of the notebook in `detail`, a node, has gone. */
export const KERNEL_GONE = "unikernel-lab:kernel-gone";

export class Link {
  /**
   * `question()`: what opens the view; `hear(content, buffers)`: takes a message; `gone()`: called once, when the
   * kernel has ended and nothing will be answered any more.
   */
  constructor(model, el, { question, hear, gone }) {
    this._model = model;
    this._view = crypto.randomUUID?.() ?? String(Math.random());
    this._over = false;
    this._gone = gone;
    this._knock = new Knock((number) => this.tell({ ...question(), number }));
    this._listen = (content, buffers) => {
      if (content.view !== undefined && content.view !== this._view) return;
      if (content.kind === "opened" || content.kind === "steps") this._knock.stop();
      hear(content, buffers);
    };
    this._lost = () => this.open(); // what cannot be sent tells
    this._kernelGone = ({ detail }) => detail.contains(el) && this._end();
    model.on("msg:custom", this._listen);
    model.on("comm_live_update", this._lost); // after a restart
    document.addEventListener(KERNEL_GONE, this._kernelGone);
  }

  open() {
    if (!this._over) this._knock.start();
  }

  tell(content) {
    if (this._over) return;
    try {
      this._model.send({ ...content, view: this._view });
    } catch {
      this._end();
    }
  }

  close() {
    this._gone = () => {};
    this.tell({ kind: "close" });
    this._end();
    this._model.off("msg:custom", this._listen);
    this._model.off("comm_live_update", this._lost);
    document.removeEventListener(KERNEL_GONE, this._kernelGone);
  }

  _end() {
    if (this._over) return;
    this._over = true;
    this._knock.stop();
    this._gone();
  }
}
