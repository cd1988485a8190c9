import { readdirSync } from 'node:fs'
import { languageOf } from '../../core/project/languages.js'
import { PROFILES_DIRECTORY } from '../../core/package-root.js'
import { isSource } from '../context/files.js'

/** Agent types for the languages that have one of their own. */
const BY_LANGUAGE = new Map(Object.entries({
  javascript: 'javascript-pro', typescript: 'typescript-pro', python: 'python-pro', go: 'golang-pro', rust: 'rust-pro'
}))
const ANY_LANGUAGE = 'fullstack-developer'

/** The agent type for the language in which most of the source is written. */
export function agentFor (files: readonly { path: string, size: number }[]): string {
  const sizes = new Map<string, number>()
  for (const { path, size } of files) {
    const language = languageOf(path)
    if (language !== undefined && isSource(path)) sizes.set(language, (sizes.get(language) ?? 0) + size)
  }
  const main = [...sizes].sort(([, a], [, b]) => b - a)[0]?.[0]
  return BY_LANGUAGE.get(main ?? '') ?? ANY_LANGUAGE
}

/** All agent types that are shipped. */
export function allAgents (): string[] {
  return readdirSync(PROFILES_DIRECTORY).filter((name) => name.endsWith('.json') && name !== 'profile.schema.json').map((name) => name.slice(0, -'.json'.length)).sort()
}
