import fc from 'fast-check'

const CHARACTERS = 0x110000
/** The halves of characters, which are none alone. */
const SURROGATES = { first: 0xd800, count: 0x800 }

/** What `unit: 'binary'` of fast-check gives, without the table of a million characters that it makes for each process: half a second. */
export const anyCharacter = fc.nat(CHARACTERS - SURROGATES.count - 1).map(
  (index) => String.fromCodePoint(index < SURROGATES.first ? index : index + SURROGATES.count),
  // So that it starts with what breaks programs, as `__proto__`, as often.
  (text) => {
    const [character, ...more] = [...String(text)]
    const code = character?.codePointAt(0)
    if (code === undefined || more.length > 0) throw new Error('That is no character.')
    return code < SURROGATES.first ? code : code - SURROGATES.count
  }
)
