/** Lines around a change, as git shows them by default. */
const CONTEXT = 3
// What is longer is cut, but not within a letter.
const MAX_FUNCTION_BYTES = 80
const MAX_BYTES = 256 * 1024

/**
 * The hunk by which git tells of a change in one place. `undefined` where it may tell otherwise: of changes in several places, of lines
 * that could as well be taken for moved up or down, and of files that do not end with a line end.
 */
export function hunkOf (before: Buffer, now: Buffer): Buffer | undefined {
  if (![before, now].every((bytes) => bytes.length > 0 && bytes.length <= MAX_BYTES && bytes.at(-1) === 0x0A && !bytes.includes(0))) return undefined
  const [old, fresh] = [linesOf(before), linesOf(now)]
  const least = Math.min(old.length, fresh.length)
  let start = 0
  while (start < least && old[start]! === fresh[start]!) start++
  let end = 0
  while (end < least - start && old[old.length - 1 - end]! === fresh[fresh.length - 1 - end]!) end++
  const [removed, added] = [old.slice(start, old.length - end), fresh.slice(start, fresh.length - end)]
  if (removed.length + added.length === 0 || canSlide(old, start, removed.length) || canSlide(fresh, start, added.length)) return undefined
  const gone = new Set(removed)
  if (added.some((line) => gone.has(line))) return undefined

  const first = Math.max(0, start - CONTEXT)
  const behind = old.slice(old.length - end, old.length - end + CONTEXT)
  const around = start - first + behind.length
  const title = titleAbove(old, first)
  if (title.length > MAX_FUNCTION_BYTES) return undefined
  const lines = [
    `@@ -${range(first, around + removed.length)} +${range(first, around + added.length)} @@${title === '' ? '' : ` ${title}`}\n`,
    ...old.slice(first, start).map((line) => ` ${line}`),
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
    ...behind.map((line) => ` ${line}`)
  ]
  return Buffer.from(lines.join(''), 'latin1')
}

/** One character for each byte, with the line ends. */
function linesOf (bytes: Buffer): string[] {
  const text = bytes.toString('latin1')
  const lines: string[] = []
  let start = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', start)) {
    lines.push(text.slice(start, at + 1))
    start = at + 1
  }
  if (start < text.length) lines.push(text.slice(start))
  return lines
}

/** Whether a group of lines could stand one line further up or down and say the same. */
function canSlide (lines: readonly string[], start: number, length: number): boolean {
  return length > 0 && (lines[start - 1] === lines[start + length - 1] || lines[start] === lines[start + length])
}

function range (first: number, count: number): string {
  return count === 1 ? String(first + 1) : `${count === 0 ? first : first + 1},${count}`
}

/** The nearest line above that looks like the head of a function to git: one that begins with a letter, `_` or `$`. */
function titleAbove (lines: readonly string[], first: number): string {
  for (let at = first - 1; at >= 0; at--) {
    if (/^[A-Za-z_$]/.test(lines[at]!)) return lines[at]!.replace(/[ \t\n\r\v\f]+$/, '')
  }
  return ''
}
