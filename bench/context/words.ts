/** The words of a text in lower case, identifiers taken apart: `parseURLQuery`, `parse_url_query` → parse, url, query. */
export function wordsOf (text: string): string[] {
  return text
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .match(/[\p{L}\p{N}]{2,}/gu) ?? []
}
