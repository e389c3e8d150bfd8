// Asks the kernel until it answers. A page's first message may be queued behind a cell that runs: JupyterLab opens
// the way around it (a subshell) at that very moment. What is asked a second time takes it.

const FIRST_MS = 500;
const MOST_MS = 5000;

export class Knock {
  /** `ask(number)`: sends the question; the kernel drops those with a lower number than it has seen. */
  constructor(ask) {
    this._ask = ask;
    this._number = 0;
    this._timer = 0;
  }

  start(wait = FIRST_MS) {
    this.stop();
    this._timer = setTimeout(() => this.start(Math.min(2 * wait, MOST_MS)), wait);
    this._ask(++this._number); // last: it may find that there is nobody, and stop
  }

  stop() {
    clearTimeout(this._timer);
  }
}
