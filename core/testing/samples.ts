import type { JsonObject } from '../contracts/common.js'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** An identifier of the form that `createIds` makes, but the same in every run. */
export function sampleId (prefix: string, time: number, number: number): string {
  let text = ''
  for (let rest = time, index = 0; index < 10; index++) {
    text = ALPHABET[rest % 32]! + text
    rest = Math.floor(rest / 32)
  }
  return prefix + text + String(number).padStart(16, '0')
}

/** What has to come back exactly as it was given. A fresh copy at each call. */
export function awkwardJson (): JsonObject {
  return {
    unicode: 'Grüße, 世界 🌍 — é ≠ e\u0301',
    control: 'line\nline\r\n\ttab \u0000 \u2028 "quoted" \\ back',
    markup: '<script>alert(1)</script> & \'; DROP TABLE results; --',
    empty: { text: '', list: [], object: {}, nothing: null },
    numbers: [0, -1, 0.1, 1e21, 5e-324, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
    truth: [true, false, null],
    nested: { a: [{ b: { c: [[['deep']]] } }] },
    constructor: 'a member like any other',
    'dotted.name': 1,
    '': 'nameless',
    date: '2026-01-01T00:00:00.000Z',
    digits: '00123'
  }
}

/** Valid identifiers that trip what keeps them as members of an object or as parts of a joined key. */
export const AWKWARD_NAMES = ['constructor', 'toString', 'hasOwnProperty', 'a', 'A', 'a.b', 'a-b', 'a_b', 'a..b', 'a.json', '0', `x${'y'.repeat(127)}`] as const
