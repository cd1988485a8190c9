import { readFileSync } from 'node:fs'

/** Whether a file holds JSON, and all of it. */
export function isJson (path: string): boolean {
  try {
    JSON.parse(readFileSync(path, 'utf8'))
    return true
  } catch {
    return false
  }
}
