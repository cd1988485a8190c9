import { PROGRAMMING_LANGUAGES } from '../../../languages.js'
import type { LineIndex } from '../lines.js'

const MOST_REFERENCES = 2000
const MOST_IMPORTS = 2000
const READ_LENGTH = 300

// Called, a member, or written like a type. The length is bounded, as a line of data may be one word of a megabyte.
const REFERENCE = /(?<![\p{L}\d_$])(?:(?<=\.|::|->)([\p{L}_$][\p{L}\d_$]{0,99})|([\p{L}_$][\p{L}\d_$]{0,99})(?=\s?\()|(\p{Lu}[\p{L}\d_$]{0,99}))(?![\p{L}\d_$])/gu
const TABLE = /\b(?:from|join|into|update|references|table|view|call|execute)\s+(?:only\s+|if\s+(?:not\s+)?exists\s+)?["`[]?([\p{L}_][\p{L}\d_$.]{0,99})/giu
const KEYWORDS = new Set(['if', 'for', 'while', 'switch', 'catch', 'return', 'function', 'elif', 'elseif', 'match', 'case', 'when', 'unless', 'until', 'with', 'and', 'or', 'not', 'in'])

/** Identifiers that look used. Only in programs: elsewhere they are words. */
export function referencesOf (language: string | undefined, text: string): Set<string> {
  const references = new Set<string>()
  if (language === undefined || !PROGRAMMING_LANGUAGES.has(language)) return references
  for (const match of text.matchAll(language === 'sql' ? TABLE : REFERENCE)) {
    const name = match[1] ?? match[2] ?? match[3]!
    if (KEYWORDS.has(name)) continue
    references.add(language === 'sql' ? name.slice(name.lastIndexOf('.') + 1) : name)
    if (references.size >= MOST_REFERENCES) break
  }
  return references
}

const QUOTED = /^\s*(?:import|export|from|include|#\s*include|#\s*import|@import|require|require_relative|source|library|require_once|use_module|part|\\i)\b.*?["'<]([^"'<>]{1,200})["'>]/
const CALLED = /\b(?:require|import|source|library|include|load)\s*(?:\(\s*["']?|["'])([\w./@:-]{1,200})["')]/
const BARE = /^\s*(?:import(?:\s+qualified|\s+static)?|from|use|using|alias|require|source|\.|Import-Module)\s+([\p{L}_./\\:@][\p{L}\d_./\\:@*-]{0,199})/u

export function importsOf (language: string | undefined, text: string, lines: LineIndex): string[] {
  const imports = new Set<string>()
  if (language === undefined || !(PROGRAMMING_LANGUAGES.has(language) || language === 'protobuf' || language === 'css')) return []
  for (let line = 0; line < lines.count && imports.size < MOST_IMPORTS; line++) {
    const start = lines.startOf(line)
    const content = text.slice(start, Math.min(lines.endOf(line), start + READ_LENGTH))
    const path = (QUOTED.exec(content) ?? CALLED.exec(content) ?? BARE.exec(content))?.[1]
    if (path !== undefined) imports.add(path)
  }
  return [...imports]
}
