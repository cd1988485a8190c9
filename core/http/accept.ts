interface Range {
  type: string
  subtype: string
  quality: number
}

/**
 * The media type that a client likes best of those on offer (RFC 9110, 12.5.1): by quality, then by how exactly it was named,
 * then by the order of the offer. Where none is acceptable it is the first: an answer in another form says more than none.
 */
export function preferred (accept: string | undefined, offer: readonly [string, ...string[]]): string {
  if (accept === undefined) return offer[0]
  const ranges = accept.split(',').flatMap(readRange)
  let best = { type: offer[0], quality: 0, exactness: 0 }
  for (const type of offer) {
    const found = mostExact(type, ranges)
    if (found.quality > best.quality || (found.quality > 0 && found.quality === best.quality && found.exactness > best.exactness)) best = { type, ...found }
  }
  return best.type
}

/** Parameters other than `q` are left out: none of the types here has any that matter. */
function readRange (text: string): Range[] {
  const [name, ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const [type, subtype] = name!.split('/')
  if (!type || !subtype) return []
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  if (quality !== undefined && !/^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(quality)) return []
  return [{ type, subtype, quality: quality === undefined ? 1 : Number(quality) }]
}

function mostExact (offered: string, ranges: readonly Range[]): { quality: number, exactness: number } {
  const [type, subtype] = offered.split('/')
  let best = { quality: 0, exactness: 0 }
  for (const range of ranges) {
    const fits = (range.type === type || range.type === '*') && (range.subtype === subtype || range.subtype === '*')
    const exactness = range.subtype !== '*' ? 3 : range.type !== '*' ? 2 : 1
    if (fits && exactness > best.exactness) best = { quality: range.quality, exactness }
  }
  return best
}
