import type { LineIndex } from '../lines.js'
import type { Definition } from '../symbols.js'

const HEADING = /^ {0,3}(#{1,6})\s+(\S.*)$/
const UNDERLINE = /^ {0,3}(=+|-{2,})\s*$/
const FENCE = /^ {0,3}(`{3,}|~{3,})/
const READ_LENGTH = 300

/** Headings, each with what stands under it; code in fences holds none. */
export function markdownSections (text: string, lines: LineIndex): Definition[] {
  const sections: Definition[] = []
  const open: { index: number, level: number }[] = []
  let fence: string | undefined
  let previous = ''
  const add = (name: string, level: number, line: number, head: number) => {
    while (open.length > 0 && open.at(-1)!.level >= level) sections[open.pop()!.index]!.end = line - 1
    open.push({ index: sections.length, level })
    sections.push({ name, kind: 'section', start: line, line, head, end: lines.count - 1, parent: open.at(-2)?.index ?? -1 })
  }
  for (let line = 0; line < lines.count; line++) {
    const start = lines.startOf(line)
    const content = text.slice(start, Math.min(lines.endOf(line), start + READ_LENGTH)).trimEnd()
    const [, mark] = FENCE.exec(content) ?? []
    if (fence !== undefined) {
      if (mark?.startsWith(fence) === true) fence = undefined
    } else if (mark !== undefined) {
      fence = mark
    } else {
      const [, level, title] = HEADING.exec(content) ?? []
      const [, underline] = UNDERLINE.exec(content) ?? []
      if (title !== undefined) add(title.replace(/ +#+$/, ''), level!.length, line, line)
      // Under a list or a table it is a rule.
      else if (underline !== undefined && /^\w/.test(previous)) add(previous.trim(), underline.startsWith('=') ? 1 : 2, line - 1, line)
    }
    previous = fence === undefined && !HEADING.test(content) && !UNDERLINE.test(content) ? content : ''
  }
  return sections
}
