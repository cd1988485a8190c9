import type { Range } from 'web-tree-sitter'
import type { LineIndex } from './lines.js'

/** How a text is read: by which grammars, the likeliest first, and which parts of it, if not all. */
export interface Dialects {
  grammars: string[]
  ranges: Range[]
}

const JSX = /<\/[\w.]*>|^(?![ \t]*\/\/\/).{0,300}\/>/m
const CPP = /^[ \t]*(?:class|namespace|template|using)\b|\b(?:public|private|protected)\s*:|\w::\w/m
const SCRIPT = /<script\b[^>]{0,1000}>/gi

/** A file's language does not tell all: TypeScript may hold JSX, and a header may be C++. */
export function dialectsOf (language: string, text: string, lines: LineIndex): Dialects {
  switch (language) {
    case 'typescript': return { grammars: JSX.test(text) ? ['tsx', 'typescript'] : ['typescript'], ranges: [] }
    // With types that a tool takes out, it is read as TypeScript.
    case 'javascript': return { grammars: ['javascript', 'tsx'], ranges: [] }
    case 'c': return { grammars: CPP.test(text) ? ['cpp', 'c'] : ['c'], ranges: [] }
    case 'vue': case 'svelte': {
      const ranges = scripts(text, lines)
      return { grammars: ranges.length > 0 ? ['typescript', 'tsx'] : [], ranges }
    }
    default: return { grammars: [language], ranges: [] }
  }
}

function scripts (text: string, lines: LineIndex): Range[] {
  const ranges: Range[] = []
  SCRIPT.lastIndex = 0
  for (let open = SCRIPT.exec(text); open !== null; open = SCRIPT.exec(text)) {
    const startIndex = open.index + open[0].length
    const endIndex = text.indexOf('</script', startIndex)
    if (endIndex < 0) break
    ranges.push({ startIndex, endIndex, startPosition: position(startIndex, lines), endPosition: position(endIndex, lines) })
    SCRIPT.lastIndex = endIndex
  }
  return ranges
}

function position (offset: number, lines: LineIndex): { row: number, column: number } {
  const row = lines.lineOf(offset)
  return { row, column: offset - lines.startOf(row) }
}
