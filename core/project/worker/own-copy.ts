/** Of a string cut from another, the engine keeps the other alive from this length on. */
const CUT_LENGTH = 13

/** The same string in memory of its own, for what is kept longer than the text that it was found in. */
export function ownCopy (text: string): string {
  return text.length < CUT_LENGTH ? text : Buffer.from(text, 'utf16le').toString('utf16le')
}
