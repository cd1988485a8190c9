// Words that occur in every task and tell no file from another.
const STOP_WORDS = new Set(('a an the and or of to in on for with is are be by from at as it its this that these those not no when if then than into do does ' +
  'should must can will would add fix make use using update change implement create remove support new all any we you i our your').split(' '))

const MAX_TERMS = 48

/** The words of a text, identifiers taken apart (`parseURLQuery`, `parse_url_query` → parse, url, query), lower case. */
export function splitWords (text: string): string[] {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length > 1)
}

/** Cuts the commonest English endings, so that `waiting` finds `wait`. */
export function stem (word: string): string {
  if (word.length < 5) return word
  return word.replace(/(ations?|ings?|ies|ers?|ed|es|s)$/, (ending) => (word.length - ending.length >= 3 ? '' : ending))
}

/** The distinct stems that a task is about, in order of first appearance. */
export function termsOf (text: string): string[] {
  const terms = new Set<string>()
  for (const word of splitWords(text)) {
    if (!STOP_WORDS.has(word)) terms.add(stem(word))
    if (terms.size >= MAX_TERMS) break
  }
  return [...terms]
}
