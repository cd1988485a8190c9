import { LRUCache } from 'lru-cache'

const MOST_CHARACTERS = 1024 * 1024
/** What an entry takes beside its texts. */
const ENTRY_CHARACTERS = 100

/**
 * Remembers what a function says of texts: one answer says what the last one said but for a few words, and to ask another thread takes
 * longer than to look them up. `sizeOf` is how many characters an answer takes.
 */
export function createRemembered<Answer extends object | number> (ask: (texts: string[]) => Promise<Answer[]>, sizeOf: (answer: Answer) => number): (texts: string[]) => Promise<Answer[]> {
  const known = new LRUCache<string, { answer: Answer }>({ maxSize: MOST_CHARACTERS, sizeCalculation: ({ answer }, text) => text.length + sizeOf(answer) + ENTRY_CHARACTERS })
  return async (texts) => {
    const found = new Map<string, Answer>()
    const missing = new Set<string>()
    for (const text of texts) {
      const held = known.get(text)
      if (held === undefined) missing.add(text)
      else found.set(text, held.answer)
    }
    if (missing.size > 0) {
      const asked = [...missing]
      const answers = await ask(asked)
      asked.forEach((text, index) => {
        found.set(text, answers[index]!)
        known.set(text, { answer: answers[index]! })
      })
    }
    return texts.map((text) => found.get(text)!)
  }
}
