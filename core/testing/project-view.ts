import type { Commit, ProjectFile, ProjectView, UncommittedChange } from '../contracts/context-strategy.js'
import { TEST_TIME } from './clock.js'

const LANGUAGES: Readonly<Record<string, string>> = {
  ts: 'typescript', js: 'javascript', py: 'python', go: 'go', sql: 'sql', css: 'css', md: 'markdown', json: 'json', yml: 'yaml', yaml: 'yaml', tf: 'terraform', sh: 'shell'
}

const HOUR_MS = 3_600_000

export interface ProjectViewOptions {
  id?: string
  /** Text by path; `undefined` for a file that is listed and cannot be read: binary, too large, gone meanwhile. */
  files?: Readonly<Record<string, string | undefined>>
  commits?: readonly Commit[]
  changes?: readonly UncommittedChange[]
  /** When the first file, by path, was modified, in ms since the epoch; each further one an hour earlier. */
  modified?: number
}

/** A project that exists in memory only. Each call of it returns copies. */
export function createProjectView ({ id = 'sample', files = {}, commits = [], changes = [], modified = TEST_TIME }: ProjectViewOptions = {}): ProjectView {
  const paths = Object.keys(files).sort()
  const listed = paths.map((path, index): ProjectFile => ({
    path,
    size: Buffer.byteLength(files[path] ?? 'binary'),
    modified: modified - index * HOUR_MS,
    language: LANGUAGES[path.slice(path.lastIndexOf('.') + 1)]
  }))
  return {
    id,
    files: listed,
    read: async (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
    symbols: async (path) => (files[path] === undefined ? undefined : { definitions: [], references: [], imports: [], by: 'text' }),
    async search (title, description, limit) {
      const words = [...new Set(`${title} ${description}`.toLowerCase().match(/[a-z]{3,}/g))]
      const found = paths.map((path) => ({ path, score: words.filter((word) => `${path} ${files[path] ?? ''}`.toLowerCase().includes(word)).length }))
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score)
      return found.slice(0, limit).map(({ path, score }) => ({ path, score: score / found[0]!.score }))
    },
    commits: async (limit) => structuredClone(commits.slice(0, limit)),
    changes: async () => structuredClone([...changes])
  }
}
