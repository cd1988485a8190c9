// What a Markdown document links to and how it is divided.

const INLINE_LINK = /\]\(\s*(?:<([^>\n]*)>|((?:[^()\s\\]|\\.|\([^()\s]*\))*))(?:\s+(?:"[^"]*"|'[^']*'|\([^)]*\)))?\s*\)/g
const DEFINITION = /^ {0,3}\[[^\]^][^\]]*\]:\s+<?([^\s>]+)>?/
const LONGEST_LINE = 10_000 // bounds what a pattern may cost
const HTML_LINK = /<(?:a|img|source)\b[^>]*?\b(?:href|src)\s*=\s*["']([^"']+)["']/gi

/** Each link as `{ target, line }`; what stands in code is no link. */
export function linksIn (content) {
  return textLines(content).flatMap(({ text, line }) => {
    const prose = text.replace(/(`+)(?!`).*?[^`]\1(?!`)/g, ' ')
    const targets = [...prose.matchAll(INLINE_LINK)].map((match) => match[1] ?? match[2])
    targets.push(DEFINITION.exec(prose)?.[1], ...[...prose.matchAll(HTML_LINK)].map((match) => match[1]))
    return targets.filter(Boolean).map((target) => ({ target, line }))
  })
}

/** The text of every heading, underlined and HTML ones included. */
export function headingsIn (content) {
  const lines = textLines(content)
  return lines.flatMap(({ text }, index) => {
    const marked = /^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(text)?.[1] ?? /<h[1-6][^>]*>(.*?)<\/h[1-6]>/i.exec(text)?.[1]
    if (marked !== undefined) return [marked]
    return /^ {0,3}(=+|-+)\s*$/.test(lines[index + 1]?.text ?? '') && text.trim() !== '' ? [text.trim()] : []
  })
}

/** HTML comments may span lines: `inComment` says whether one is open. */
function withoutComments (text, inComment) {
  const kept = []
  for (let at = 0; at < text.length;) {
    const end = text.indexOf(inComment ? '-->' : '<!--', at)
    if (!inComment) kept.push(text.slice(at, end < 0 ? undefined : end))
    if (end < 0) break
    at = end + (inComment ? 3 : 4)
    inComment = !inComment
  }
  return { text: kept.join(''), inComment }
}

/** Lines outside of code fences and HTML comments, with their numbers. */
function textLines (content) {
  const lines = []
  let fence
  let inComment = false
  content.split(/\r?\n/).forEach((whole, index) => {
    let text = whole.slice(0, LONGEST_LINE)
    if (fence === undefined) ({ text, inComment } = withoutComments(text, inComment))
    const mark = /^\s*(?:>\s*)?(`{3,}|~{3,})(.*)$/.exec(text)
    if (fence === undefined && mark && !(mark[1][0] === '`' && mark[2].includes('`'))) fence = mark[1]
    else if (fence === undefined) lines.push({ text, line: index + 1 })
    else if (mark && mark[1].startsWith(fence) && mark[2].trim() === '') fence = undefined
  })
  return lines
}
