// The line that is being typed: shown at once, sent when Enter is pressed, as a terminal of Unix does it.
// A serial console has nobody else to do that: what is typed would stay unseen, and could not be mended.

const KEPT_LINES = 100;
const graphemes = new Intl.Segmenter();

export class LineEditor {
  /** `term`: the terminal; `send(text)`: passes a whole line on. */
  constructor(term, send) {
    this._term = term;
    this._send = send;
    this._line = "";
    this._history = [];
    this._recalled = 0;
  }

  get line() {
    return this._line;
  }

  /** Takes what the terminal heard from keyboard or clipboard. */
  type(data) {
    for (const [piece] of data.matchAll(/\x1b\[[0-9;?]*[ -/]*[@-~]|\x1bO.|\x1b.?|\r\n?|[^\x1b\r]/gsu)) this._take(piece);
  }

  /** Shows what came from the guest, before the line that is being typed; calls `done` when it is on screen. */
  print(data, done) {
    if (!this._line) {
      this._term.write(data, done);
      return;
    }
    this._erase();
    this._term.write(data);
    this._term.write(this._line, done);
  }

  _take(piece) {
    switch (piece) {
      case "\r":
      case "\r\n":
      case "\n":
        return this._enter();
      case "\x7f":
      case "\b":
        return this._replace([...graphemes.segment(this._line)].slice(0, -1).map((part) => part.segment).join(""));
      case "\x15": // Ctrl+U
      case "\x03": // Ctrl+C
        return this._replace("");
      case "\x1b[A":
      case "\x1bOA":
        return this._recall(-1);
      case "\x1b[B":
      case "\x1bOB":
        return this._recall(1);
    }
    if (piece < " " && piece !== "\t") return undefined;
    if (piece.startsWith("\x1b")) return undefined;
    this._line += piece;
    this._term.write(piece);
    return undefined;
  }

  _enter() {
    const line = this._line;
    this._line = "";
    this._term.write("\r\n");
    if (line && this._history.at(-1) !== line) this._history.push(line);
    if (this._history.length > KEPT_LINES) this._history.shift();
    this._recalled = this._history.length;
    this._send(line + "\n");
  }

  _recall(step) {
    const to = this._recalled + step;
    if (to < 0 || to > this._history.length) return;
    this._recalled = to;
    this._replace(this._history[to] ?? "");
  }

  _replace(line) {
    this._erase();
    this._line = line;
    this._term.write(line);
  }

  // The line may have been broken at the right edge: go back to where it began, and clear from there on.
  _erase() {
    const line = this._line;
    if (!line) return;
    const back = [...graphemes.segment(line)].reduce((sum, part) => sum + width(part.segment), 0);
    // Reverse wrap-around makes a backspace at the left edge go to the line before.
    this._term.write(`\x1b[?45h${"\b".repeat(back)}\x1b[?45l\x1b[J`);
  }
}

// Cells that a character takes: two for East Asian wide ones and pictographs.
function width(text) {
  const wide = /\p{Extended_Pictographic}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
  return wide.test(text) ? 2 : 1;
}
