import { packStrings, unpackStrings, type PackedStrings } from './transfer.js'

export interface SelectCandidate {
  path: string
  /** 0…1: how much the agent needs such a file, whatever the task is. */
  need: number
  /** Least match with the task, 0…1, where the issue or an earlier agent names it. */
  named: number
  /** Text that a strategy made, for one that is no file. */
  content?: string
}

/** Candidates as they go from thread to thread: a thousand objects would take longer than the ranking. */
export interface PackedCandidates {
  paths: PackedStrings
  /** Need and named of each. */
  numbers: Float64Array
  /** Texts that strategies made, by the number of the candidate. */
  contents: [number, string][]
}

export function packCandidates (candidates: readonly SelectCandidate[]): PackedCandidates {
  return {
    paths: packStrings(candidates.map(({ path }) => path)),
    numbers: Float64Array.from(candidates.flatMap(({ need, named }) => [need, named])),
    contents: candidates.flatMap(({ content }, index): [number, string][] => (content === undefined ? [] : [[index, content]]))
  }
}

export function unpackCandidates ({ paths, numbers, contents }: PackedCandidates): SelectCandidate[] {
  const candidates = [...unpackStrings(paths)].flat().map((path, index): SelectCandidate => ({ path, need: numbers[2 * index]!, named: numbers[2 * index + 1]! }))
  for (const [index, content] of contents) candidates[index]!.content = content
  return candidates
}
