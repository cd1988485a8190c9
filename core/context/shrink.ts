import { languageOf } from '../project/languages.js'

export type Truncation = 'none' | 'sampled' | 'outline' | 'stripped' | 'summary'

export interface Shrunk {
  truncation: Exclude<Truncation, 'none'>
  content: string
}

const HASH_COMMENTS = new Set(['python', 'ruby', 'shell', 'yaml', 'toml', 'r', 'perl', 'makefile', 'dockerfile', 'elixir', 'terraform', 'powershell'])
const SLASH_COMMENTS = new Set(['typescript', 'javascript', 'go', 'rust', 'java', 'kotlin', 'c', 'cpp', 'csharp', 'swift', 'dart', 'scala', 'php', 'groovy', 'css', 'vue', 'svelte', 'protobuf', 'apex', 'objective-c'])

// Heads of declarations in the languages above; bodies follow by indentation or braces and are left out.
const SIGNATURE = /^\s*(export\b|import\b|from\b.*\bimport\b|package\b|use\b|pub\b|public\b|private\b|protected\b|internal\b|static\b|abstract\b|final\b|async\b|def\b|class\b|interface\b|trait\b|impl\b|struct\b|enum\b|union\b|type\b|func\b|fun\b|fn\b|function\b|module\b|namespace\b|mod\b|const\b|let\b|var\b|val\b|macro_rules!|#include\b|#define\b|@\w+|CREATE\b|ALTER\b|message\b|service\b|rpc\b|resource\b|variable\b|output\b)/
const DECLARING_INDENT = 8
const SAMPLE_LINES = 30
const LINE_LIMIT = 400

/** Smaller versions of a file, in order of loss. Only those that are really smaller are given. */
export function shrink (path: string, content: string): Shrunk[] {
  const language = languageOf(path)
  const versions: Shrunk[] = []
  if (language === 'markdown' || language === 'restructuredtext' || language === 'text') {
    versions.push({ truncation: 'summary', content: summarize(content) })
  } else {
    versions.push({ truncation: 'stripped', content: stripComments(content, language) })
    versions.push({ truncation: 'outline', content: outline(content) })
  }
  versions.push({ truncation: 'sampled', content: sample(content) })
  let smallest = content.length
  return versions.filter((version) => {
    const isSmaller = version.content.length < smallest * 0.95 && version.content.trim() !== ''
    if (isSmaller) smallest = version.content.length
    return isSmaller
  })
}

/** Takes out lines that are wholly comment or blank. Comments behind code stay: telling them from strings needs a parser. */
function stripComments (content: string, language: string | undefined): string {
  const hash = language !== undefined && HASH_COMMENTS.has(language)
  const slash = language !== undefined && SLASH_COMMENTS.has(language)
  if (!hash && !slash) return content
  const kept: string[] = []
  let inBlock = false
  for (const line of content.split('\n')) {
    const text = line.trim()
    if (inBlock) {
      inBlock = !text.includes('*/')
      continue
    }
    if (text === '' || (hash && text.startsWith('#') && !text.startsWith('#!')) || (slash && text.startsWith('//'))) continue
    if (slash && text.startsWith('/*')) {
      const end = text.indexOf('*/')
      if (end < 0) inBlock = true
      if (end < 0 || end === text.length - 2) continue
    }
    kept.push(line.trimEnd())
  }
  return kept.join('\n')
}

function outline (content: string): string {
  const kept: string[] = []
  let skipped = false
  for (const line of content.split('\n')) {
    const indent = line.length - line.trimStart().length
    if (indent <= DECLARING_INDENT && SIGNATURE.test(line)) {
      if (skipped) kept.push('…')
      kept.push(line.slice(0, LINE_LIMIT).trimEnd())
      skipped = false
    } else if (line.trim() !== '') {
      skipped = true
    }
  }
  if (skipped && kept.length > 0) kept.push('…')
  return kept.join('\n')
}

function summarize (content: string): string {
  const lines = content.split('\n')
  const kept: string[] = []
  let paragraph = false
  for (const line of lines) {
    if (/^#{1,6}\s/.test(line) || /^[=~-]{3,}\s*$/.test(line)) {
      kept.push(line.slice(0, LINE_LIMIT))
      paragraph = true
    } else if (paragraph && line.trim() !== '') {
      kept.push(line.slice(0, LINE_LIMIT))
      paragraph = false
    }
  }
  return kept.join('\n')
}

function sample (content: string): string {
  const lines = content.split('\n').map((line) => (line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line))
  if (lines.length <= 2 * SAMPLE_LINES) return lines.join('\n')
  const left = lines.length - 2 * SAMPLE_LINES
  return [...lines.slice(0, SAMPLE_LINES), `… ${left} lines left out …`, ...lines.slice(-SAMPLE_LINES)].join('\n')
}
