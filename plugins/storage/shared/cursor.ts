import { apiError } from '../../../core/plugin-api.js'
import { isIdentifier } from './identifiers.js'

/** A position in the results of one project: the next page begins below this id, whether it is still stored or not. */
export function writeCursor (project: string, id: string): string {
  return Buffer.from(`${project}/${id}`).toString('base64url')
}

export function readCursor (project: string, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString()
  const id = text.slice(project.length + 1)
  // Decoding is lenient; only what encodes to the same text again was made here.
  if (isIdentifier(id) && writeCursor(project, id) === cursor) return id
  const message = 'is not a cursor of this list; begin without one'
  throw apiError('VAL_001', `cursor: ${message}.`, { details: { issues: [{ path: 'cursor', message }] } })
}
