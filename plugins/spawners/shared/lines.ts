/** Longest line that is kept whole, in bytes. The events of the CLIs are far shorter; what 119 agents may hold at once stays bounded. */
export const MAX_LINE_BYTES = 1024 * 1024

const LINE_FEED = 0x0a

export interface LineSplitter {
  push (chunk: Buffer): void
  /** Gives the last line, which no line feed has ended. */
  end (): void
  /** Forgets the line that has begun. */
  reset (): void
}

/**
 * Makes lines of UTF-8 of chunks that are cut anywhere. Of a line longer than `maxBytes` only its beginning is given, with `cut`;
 * no more than that is ever held. Bytes that are no UTF-8 become U+FFFD. A line ends with a line feed, which is not part of it.
 */
export function createLineSplitter (onLine: (line: string, cut: boolean) => void, maxBytes = MAX_LINE_BYTES): LineSplitter {
  let pieces: Buffer[] = []
  let held = 0
  let cut = false
  const keep = (piece: Buffer): void => {
    const room = maxBytes - held
    if (piece.length > room) cut = true
    if (room === 0 || piece.length === 0) return
    // A copy: the chunk is the reader's, who fills it again.
    pieces.push(Buffer.from(piece.subarray(0, room)))
    held += Math.min(piece.length, room)
  }
  const reset = (): void => {
    pieces = []
    held = 0
    cut = false
  }
  const give = (): void => {
    const [line, wasCut] = [Buffer.concat(pieces).toString('utf8'), cut]
    reset()
    onLine(line, wasCut)
  }
  return {
    push (chunk) {
      let start = 0
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
        keep(chunk.subarray(start, end))
        give()
        start = end + 1
      }
      keep(chunk.subarray(start))
    },
    end () {
      if (held > 0) give()
    },
    reset
  }
}
