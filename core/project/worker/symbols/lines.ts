/** Where the lines of a text begin. Lines end at `\n`, as they do for the parser. */
export class LineIndex {
  readonly count: number
  readonly #starts: Uint32Array
  readonly #text: string
  // Of the line that was asked for last: all that a text holds may stand in one line.
  #word = { line: -1, at: 0 }

  constructor (text: string) {
    const starts = [0]
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
    this.#starts = Uint32Array.from(starts)
    this.#text = text
    this.count = starts.length
  }

  startOf (line: number): number {
    return this.#starts[line]!
  }

  /** The offset behind the line's last character, its line break not counted. */
  endOf (line: number): number {
    return line + 1 < this.count ? this.#starts[line + 1]! - 1 : this.#text.length
  }

  lineOf (offset: number): number {
    let low = 0
    let high = this.count - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Whether there is only white space between two offsets. */
  isBlank (from: number, to: number): boolean {
    for (let at = from; at < to; at++) if (!isSpace(this.#text.charCodeAt(at))) return false
    return true
  }

  /** The offset of the first character in a line that is not white space. */
  firstWord (line: number): number {
    if (this.#word.line !== line) {
      let at = this.startOf(line)
      while (at < this.endOf(line) && isSpace(this.#text.charCodeAt(at))) at++
      this.#word = { line, at }
    }
    return this.#word.at
  }

  /** The line of the last character before `offset` that is not white space, at least `from`'s. */
  lineBefore (offset: number, from: number): number {
    let at = offset - 1
    while (at > from && isSpace(this.#text.charCodeAt(at))) at--
    return this.lineOf(Math.max(at, from))
  }
}

function isSpace (code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13) || code === 0xa0 || code === 0xfeff
}
