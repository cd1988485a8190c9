/** Values by `section.subsection.key`; `null` for a key without one, which means true. The last one counts. */
export type GitConfig = ReadonlyMap<string, readonly (string | null)[]>

/** Reads a configuration file of git; `undefined` where git would refuse it. Includes are not followed. */
export function parseGitConfig (content: string): GitConfig | undefined {
  const text = content.replace(/^\uFEFF/, '').replace(/\r\n/g, '\n')
  const values = new Map<string, (string | null)[]>()
  const blank = /[\s\0]*/y
  const comment = /[#;][^\n]*/y
  const heading = /\[([A-Za-z0-9.-]*)(?:[ \t]+"((?:[^"\\\n]|\\[^\n])*)")?\]/y
  const name = /([A-Za-z][A-Za-z0-9-]*)[ \t]*(=?)/y
  let section: string | undefined
  let position = 0
  const read = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    if (match !== null) position += match[0].length
    return match
  }
  for (;;) {
    read(blank)
    if (position >= text.length) return values
    if (read(comment) !== null) continue
    const opened = read(heading)
    if (opened !== null) {
      section = opened[1]!.toLowerCase() + (opened[2] === undefined ? '' : `.${opened[2].replace(/\\(.)/g, '$1')}`)
      continue
    }
    const key = read(name)
    if (key === null || section === undefined) return undefined
    const value = key[2] === '' ? null : readValue(text, position)
    if (value === undefined) return undefined
    if (value === null && position < text.length && text[position] !== '\n') return undefined
    if (value !== null) position = value.end
    const id = `${section}.${key[1]!.toLowerCase()}`
    values.set(id, [...values.get(id) ?? [], value === null ? null : value.text])
  }
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', b: '\b', '\\': '\\', '"': '"' }

function readValue (text: string, start: number): { text: string, end: number } | undefined {
  let value = ''
  let kept = 0
  let isQuoted = false
  let position = start
  for (; position < text.length && text[position] !== '\n'; position++) {
    const character = text[position]!
    if (!isQuoted && (character === '#' || character === ';')) {
      while (position < text.length && text[position] !== '\n') position++
      break
    }
    if (!isQuoted && /\s/.test(character)) {
      if (value !== '') value += character
      continue
    }
    if (character === '\\') {
      const escaped = text[++position]
      if (escaped === '\n') continue
      const meant = ESCAPES[escaped ?? '']
      if (meant === undefined) return undefined
      value += meant
    } else if (character === '"') isQuoted = !isQuoted
    else value += character
    kept = value.length
  }
  return isQuoted ? undefined : { text: value.slice(0, kept), end: position }
}

/** The value that counts, as git reads a boolean; `undefined` where there is none and for what is no boolean. */
export function booleanOf (config: GitConfig, key: string): boolean | undefined {
  const values = config.get(key)
  if (values === undefined) return undefined
  const value = values.at(-1)!
  if (value === null) return true
  if (/^(?:true|yes|on|-?0*[1-9]\d*)$/i.test(value)) return true
  return /^(?:false|no|off|0+|)$/i.test(value) ? false : undefined
}
