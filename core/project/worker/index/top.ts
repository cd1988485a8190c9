/** Room beyond what is wanted, so that few are sorted often. */
const SPARE = 64
const BUCKETS = 4096

/** The numbers with the best of the scores above 0, best first, equals by name. To sort all of them would hold the event loop. */
export function topOf (scores: Float64Array, most: number, nameOf: (id: number) => string): number[] {
  const least = leastOf(scores, most)
  const byName = (one: number, other: number): number => (nameOf(one) < nameOf(other) ? -1 : 1)
  const above: number[] = []
  for (let id = 0; id < scores.length; id++) if (scores[id]! > least) above.push(id)
  above.sort((one, other) => scores[other]! - scores[one]! || byName(one, other))
  return least === 0 ? above : [...above, ...firstEquals(scores, least, most - above.length, byName)]
}

/** The score that so many have or exceed, and no fewer; 0 where all that are above it are no more. */
function leastOf (scores: Float64Array, most: number): number {
  let highest = 0
  for (let id = 0; id < scores.length; id++) highest = Math.max(highest, scores[id]!)
  const counts = new Uint32Array(BUCKETS + 1)
  let present = 0
  for (let id = 0; id < scores.length; id++) {
    const score = scores[id]!
    if (score <= 0) continue
    present++
    counts[Math.floor(score / highest * BUCKETS)]!++
  }
  if (present <= most) return 0
  let bucket = BUCKETS
  let wanted = most
  for (; counts[bucket]! < wanted; bucket--) wanted -= counts[bucket]!
  const inBucket = new Float64Array(counts[bucket]!)
  let count = 0
  for (let id = 0; id < scores.length; id++) {
    const score = scores[id]!
    if (score > 0 && Math.floor(score / highest * BUCKETS) === bucket) inBucket[count++] = score
  }
  return inBucket.sort()[count - wanted]!
}

/** The first by name of those with one score. */
function firstEquals (scores: Float64Array, score: number, most: number, byName: (one: number, other: number) => number): number[] {
  let kept: number[] = []
  let last = -1
  const cut = (): void => {
    kept = kept.sort(byName).slice(0, most)
    if (kept.length === most) last = kept.at(-1)!
  }
  for (let id = 0; id < scores.length; id++) {
    if (scores[id] !== score || (last >= 0 && byName(id, last) > 0)) continue
    kept.push(id)
    if (kept.length >= 2 * most + SPARE) cut()
  }
  cut()
  return kept
}
