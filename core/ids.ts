import { randomFillSync } from 'node:crypto'
import type { Clock } from './contracts/common.js'

// Crockford base 32: sorts in ASCII order and leaves out letters that read like digits.
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TIME_LENGTH = 10
const RANDOM_LENGTH = 16

// Beyond it ten characters do not hold the time; below zero there is no ULID.
const LATEST = 2 ** 48 - 1

function encodeTime (time: number): string {
  let text = ''
  for (let rest = Math.floor(Math.min(Math.max(time, 0), LATEST)) || 0, index = 0; index < TIME_LENGTH; index++) {
    text = ALPHABET[rest % 32]! + text
    rest = Math.floor(rest / 32)
  }
  return text
}

// Drawn from the system for many identifiers at once, each of which takes as many bytes as a UUID has; each byte is used once.
const chance = new Uint8Array(RANDOM_LENGTH * 256)
let used = chance.length

/** Where the next bytes of chance lie. */
function draw (): number {
  if (used === chance.length) {
    randomFillSync(chance)
    used = 0
  }
  used += RANDOM_LENGTH
  return used - RANDOM_LENGTH
}

function randomPart (): string {
  let text = ''
  for (let from = draw(), index = 0; index < RANDOM_LENGTH; index++) text += ALPHABET[chance[from + index]! % 32]
  return text
}

const DIGITS = Buffer.from('0123456789abcdef')
const uuid = Buffer.from('00000000-0000-0000-0000-000000000000')

/**
 * A UUID of chance (RFC 9562, version 4). As one string: what Node's own joins of twenty pieces V8 keeps as those pieces, and a wait holds its
 * request's identifier for minutes.
 */
export function randomId (): string {
  const from = draw()
  for (let index = 0, at = 0; index < RANDOM_LENGTH; index++) {
    const byte = chance[from + index]!
    if (index === 4 || index === 6 || index === 8 || index === 10) at++
    uuid[at++] = DIGITS[index === 6 ? 4 : index === 8 ? 8 | (byte >> 4 & 3) : byte >> 4]!
    uuid[at++] = DIGITS[byte & 15]!
  }
  return uuid.toString('latin1')
}

/** The next string of the same length in ASCII order of the alphabet; carries like a number. */
function increment (text: string): string {
  for (let index = text.length - 1; index >= 0; index--) {
    const digit = ALPHABET.indexOf(text[index]!)
    if (digit < ALPHABET.length - 1) {
      return text.slice(0, index) + ALPHABET[digit + 1] + '0'.repeat(text.length - index - 1)
    }
  }
  throw new RangeError('Identifiers are exhausted')
}

/**
 * Makes identifiers of the ULID form (26 characters: 48 bits of time, 80 of chance) behind a prefix.
 * Strictly increasing even when the clock stands still or goes back, and beyond `after` when it is given.
 */
export function createIds (prefix: string, clock: Clock, after?: string): () => string {
  let last = after?.slice(prefix.length) ?? ''
  let lastTime: number | undefined
  let time = ''
  return () => {
    const now = clock()
    // Many are made within a millisecond.
    if (now !== lastTime) time = encodeTime(lastTime = now)
    last = time > last.slice(0, TIME_LENGTH) ? time + randomPart() : increment(last)
    return prefix + last
  }
}

/** The time, in ms since the epoch, that an identifier of `createIds` carries. */
export function timeOfId (id: string): number {
  const time = id.slice(id.lastIndexOf('_') + 1).slice(0, TIME_LENGTH)
  let value = 0
  for (const character of time) value = value * 32 + ALPHABET.indexOf(character)
  return value
}
