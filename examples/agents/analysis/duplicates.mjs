// Finds blocks of code that stand in two places, by comparing windows of lines without their indentation.

const WINDOW = 8
const LEAST_CHARACTERS = 200

/** Each block as `{ path, line, lines, other: { path, line } }`, the longest first. `files` are `{ path, content }`. */
export function duplicateBlocks (files) {
  const sources = files.map(({ path, content }) => ({ path, lines: meaningfulLines(content) }))
  const firstSeen = new Map()
  const blocks = []
  for (const source of sources) {
    for (let at = 0; at + WINDOW <= source.lines.length; at++) {
      const text = source.lines.slice(at, at + WINDOW).map((line) => line.text).join('\n')
      if (text.length < LEAST_CHARACTERS) continue
      const first = firstSeen.get(text)
      if (!first) {
        firstSeen.set(text, { source, at })
      } else if (first.source !== source || first.at + WINDOW <= at) {
        const length = commonLength(first, { source, at })
        const line = source.lines[at].number
        const lines = source.lines[at + length - 1].number - line + 1
        blocks.push({ path: source.path, line, lines, other: { path: first.source.path, line: first.source.lines[first.at].number } })
        at += length - 1
      }
    }
  }
  return blocks.sort((a, b) => b.lines - a.lines)
}

function commonLength (first, second) {
  // Within one file the two places must not grow into each other.
  const limit = first.source === second.source ? second.at - first.at : Infinity
  const textAt = (place, offset) => place.source.lines[place.at + offset]?.text
  let length = WINDOW
  while (length < limit && textAt(first, length) !== undefined && textAt(first, length) === textAt(second, length)) length++
  return length
}

/** Lines that carry code: no blank ones, comments, imports or lone brackets, which repeat everywhere. */
function meaningfulLines (content) {
  return content.split('\n')
    .map((text, index) => ({ text: text.trim().slice(0, 200), number: index + 1 }))
    .filter(({ text }) => /\w/.test(text) && !/^(\/\/|\/?\*|#|import\b|from\b|use\b|(const|let|var)\b.*require\()/.test(text))
}
