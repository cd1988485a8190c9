/** The text of a file in UTF-8 or, where its mark says so, UTF-16, without the mark; `undefined` where it holds none. */
export function decodeText (bytes: Buffer): string | undefined {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8'
  if (encoding === 'utf-8' && bytes.subarray(0, 8000).includes(0)) return undefined
  return new TextDecoder(encoding).decode(bytes)
}

const REDACTED = '[REDACTED]'

/** Whether a content is a text in which some values may have been replaced. */
export function isRedactionOf (content: string, text: string): boolean {
  const [first, ...others] = content.split(REDACTED) as [string, ...string[]]
  const last = others.pop()
  if (last === undefined) return content === text
  if (!text.startsWith(first)) return false
  let end = first.length
  for (const part of others) {
    const at = text.indexOf(part, end)
    if (at < 0) return false
    end = at + part.length
  }
  return text.endsWith(last) && text.length - last.length >= end
}
