import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'

// Coarsest clock that file systems stamp changes with.
export const TICK_MS = 12

/** Whether a file may still be written without a trace: within one tick of the clock its times stay the same. */
export function isFresh ({ ctimeMs }: Pick<Stats, 'ctimeMs'>): boolean {
  return ctimeMs > Date.now() - TICK_MS
}

/** Changes whenever the file does, once the tick of its last change is over. */
export function stampOf ({ size, mtimeMs, ctimeMs, ino }: Pick<Stats, 'size' | 'mtimeMs' | 'ctimeMs' | 'ino'>): string {
  return `${size} ${mtimeMs} ${ctimeMs} ${ino}`
}

const nonce = randomBytes(6).toString('base64url')
let count = 0

/** What makes a stamp one that no other will be equal to, in this process or a later one. */
export function uniqueMark (): string {
  return ` ${nonce}${count++}`
}
