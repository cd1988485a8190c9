import { trackedFiles } from '../disk.js'
import type { Figure } from '../figures.js'
import { startSession, type Blocked, type Query, type Session } from '../session.js'

export interface Plan {
  rounds: number
  coldRounds: number
  edits: number
  /** How often something is done before it is measured, so that what is measured is a server at work. */
  warmUps: number
  /** How long each throughput is measured, ms. */
  loadMs: number
}

export const FULL: Plan = { rounds: 21, coldRounds: 2, edits: 15, warmUps: 60, loadMs: 1000 }
export const QUICK: Plan = { rounds: 1, coldRounds: 1, edits: 1, warmUps: 1, loadMs: 50 }

/** One repository under measurement, and what has been found so far. */
export interface Subject {
  root: string
  folder: string
  agent: string
  plan: Plan
  figures: Figure[]
  faults: string[]
  /** For how long the event loop of the server was held, by what was done. */
  loop: (Blocked & { by: string })[]
  say (text: string): void
}

export const ISSUE = 'issue-1'
export const TOKENS = 32_000
export const TITLE = 'Errors of a handler are lost when the options are read twice'
export const CONNECTIONS = 50
export const CROWD = 119
/** As many tokens as a call may ask for, so that 10 MiB are what bounds the answer: every profile has a budget of tokens otherwise. */
export const WHOLE: Query = { max_tokens: 10_000_000 }
/** What fits a model beside its work. */
export const SMALL: Query = { max_tokens: TOKENS }
export const BUDGETS: readonly (readonly [name: string, query: Query])[] = [['10 MiB', WHOLE], ['32k tokens', SMALL]]
export const ROUNDS_WHEN_SLOW = 3

export function expect (subject: Subject, isRight: boolean, fault: string): void {
  if (!isRight) subject.faults.push(fault)
}

export async function begin (subject: Subject): Promise<Session> {
  const session = await startSession(subject.root, subject.folder, subject.agent)
  await session.tell(ISSUE, TITLE)
  return session
}

/** Those of some paths that are files of the repository, and no texts of a strategy. */
export async function pathsOnDisk (subject: Subject, paths: readonly string[]): Promise<string[]> {
  const tracked = new Set(await trackedFiles(subject.root))
  return paths.filter((path) => tracked.has(path))
}

const SLOW_MS = 2000
const WARM_MS = 10_000

/** How many rounds are done of something that took so long before. */
export function roundsFor (rounds: number, times: readonly number[]): number {
  return (times[0] ?? 0) > SLOW_MS ? Math.min(rounds, ROUNDS_WHEN_SLOW) : rounds
}

/** Does something as often as is planned before it is measured, but not for long; gives how long the first times took, when next to nothing was compiled. */
export async function warmUp ({ plan }: Subject, run: (round: number) => Promise<number>): Promise<number[]> {
  const times: number[] = []
  const ends = performance.now() + WARM_MS
  for (let round = 0; round < plan.warmUps && performance.now() < ends; round++) times.push(await run(round))
  return times.slice(0, FIRST)
}

export const FIRST = 5
