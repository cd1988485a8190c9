import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { readPage } from './tables.js'

export interface Snippet {
  page: string
  /** Line of the page on which it begins. */
  line: number
  language: string
  text: string
}

/** Every Markdown page that belongs to the documentation, relative to the package. */
export function listPages (): string[] {
  const inFolder = (folder: string): string[] => readdirSync(join(PACKAGE_ROOT, folder)).filter((name) => name.endsWith('.md')).map((name) => join(folder, name))
  const examples = readdirSync(join(PACKAGE_ROOT, 'examples')).map((name) => join('examples', name, 'README.md')).filter((page) => existsSync(join(PACKAGE_ROOT, page)))
  return [...inFolder('.'), ...inFolder('docs'), ...examples]
}

/** Fenced blocks of a page. */
export function snippetsOf (page: string): Snippet[] {
  const snippets: Snippet[] = []
  let open: { line: number, language: string, lines: string[] } | undefined
  readPage(page).split('\n').forEach((line, index) => {
    if (open === undefined && line.startsWith('```')) {
      open = { line: index + 1, language: line.slice(3), lines: [] }
    } else if (open !== undefined && line === '```') {
      snippets.push({ page, line: open.line, language: open.language, text: `${open.lines.join('\n')}\n` })
      open = undefined
    } else {
      open?.lines.push(line)
    }
  })
  return snippets
}

export function snippets (language: string): Snippet[] {
  return listPages().flatMap(snippetsOf).filter((snippet) => snippet.language === language)
}

/** The only block of a page that is in this language and contains this text. */
export function findSnippet (page: string, language: string, text: string): Snippet {
  const found = snippetsOf(page).filter((snippet) => snippet.language === language && snippet.text.includes(text))
  if (found.length !== 1) throw new Error(`${page} has ${found.length} ${language} blocks with '${text}'`)
  return found[0]!
}

/** The page without its fenced blocks. */
export function proseOf (page: string): string {
  return readPage(page).replace(/^```[\s\S]*?^```$/gm, '')
}

/** What stands between backticks in the prose of a page. */
export function inlineCodeOf (page: string): string[] {
  return [...proseOf(page).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!)
}
