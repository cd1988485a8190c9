/** Lines of the old side that a change replaces, 1-based. A pure insertion has `count` 0 and comes behind line `start`, 0 being the top. */
export interface Hunk {
  start: number
  count: number
  /** Lines of the new side. */
  added: number
}

/** The old sides of what `git diff -U0` prints for one file. Lines of content begin with a sign, so that only a header begins with `@@`. */
export function parseHunks (diff: string): Hunk[] {
  return [...diff.matchAll(/^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@/gm)]
    .map(([, start, count = '1', added = '1']) => ({ start: Number(start), count: Number(count), added: Number(added) }))
}
