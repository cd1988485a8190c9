import type { Json, ResultRecord } from '../../../core/plugin-api.js'

/** Paths that a result says it created or modified; an entry is a path or an object with `path`. */
export function touchedFiles ({ result }: ResultRecord): string[] {
  return [result['files_modified'], result['files_created']].flatMap(entries => Array.isArray(entries) ? entries.flatMap(pathIn) : [])
}

function pathIn (entry: Json): string[] {
  const path = typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? entry['path'] : entry
  return typeof path === 'string' ? [path.replace(/^\.\//, '')] : []
}
