/** Room beyond what is wanted, so that few are sorted often. */
const SPARE = 64

/** The numbers with the best of the scores above 0, best first, equals by name. To sort all of them would hold the event loop. */
export function topOf (scores: Float64Array, most: number, nameOf: (id: number) => string): number[] {
  const order = (one: number, other: number): number => scores[other]! - scores[one]! || (nameOf(one) < nameOf(other) ? -1 : 1)
  let kept: number[] = []
  let worst = -1
  const cut = (): void => {
    kept = kept.sort(order).slice(0, most)
    if (kept.length === most) worst = kept.at(-1) ?? -1
  }
  for (let id = 0; id < scores.length; id++) {
    if (scores[id]! <= 0 || (worst >= 0 && order(id, worst) > 0)) continue
    kept.push(id)
    if (kept.length >= 2 * most + SPARE) cut()
  }
  cut()
  return kept
}
