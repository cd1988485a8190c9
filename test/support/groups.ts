/**
 * Those that take longest, each with the seconds of a processor that it takes, quiet; the others take about one. What takes longest
 * begins first, so that none of it is left at the end.
 */
export const LONG: Record<string, number> = {
  'core/fleet.test.js': 13,
  'core/fleet/workspaces/workspaces.test.js': 11,
  'core/kill-nine.test.js': 8,
  'cli/demo.test.js': 7,
  'plugins/contracts.test.js': 7,
  'plugins/spawners/contract.test.js': 7,
  'plugins/events/journal/damage.test.js': 7,
  'core/http/agents.test.js': 6,
  'core/fleet/workspaces/merge.test.js': 6,
  'core/testing/spawner-contract.test.js': 6,
  'core/http/event-faults.test.js': 6,
  'core/symbols/hostile.test.js': 6,
  'core/fleet/take-over.test.js': 5,
  'core/http/bad-disk.test.js': 5,
  'core/context/secrets.test.js': 5,
  'core/backup/backup.test.js': 5,
  'bench/speed.test.js': 5,
  'security/fuzz.test.js': 5,
  'core/context/many-files.test.js': 5,
  'core/fleet/supervision/supervision.test.js': 5,
  'cli/start.test.js': 5,
  'cli/demo-triggers.test.js': 5,
  'core/project/watch.test.js': 4,
  'bench/context.test.js': 4,
  'docs/events.test.js': 4,
  'core/project/git-state.test.js': 4,
  'core/context/repositories.test.js': 4,
  'core/project/changes.test.js': 4,
  'core/retries-over-kills.test.js': 4,
  'core/http/webhooks.test.js': 4,
  'core/http/triggers.test.js': 4,
  'core/http/context.test.js': 3,
  'core/context/budget.test.js': 3,
  'core/fleet/workspaces/proof.test.js': 3,
  'core/http/tokens.test.js': 3,
  'core/http/catalogue-and-status.test.js': 3,
  'core/http/conventions.test.js': 3,
  'core/project/index.test.js': 3,
  'plugins/auth/jwks-own-tokens.test.js': 3,
  'plugins/auth/jwks.test.js': 3,
  'examples/agents.test.js': 3,
  'core/context/freshness.test.js': 3,
  'core/layers.test.js': 3,
  'core/http/event-waits.test.js': 3,
  'core/context/agents.test.js': 2,
  'security/trust.test.js': 2,
  'security/isolation.test.js': 2,
  'security/payloads.test.js': 2,
  'support/run.test.js': 2,
  'core/project/guarded-read.test.js': 2,
  'core/context/strategies.test.js': 2,
  'cli/event-commands.test.js': 2,
  'core/project/tokens.test.js': 2
}

/** What belongs to the whole process, and what measures it, is no place to share. */
const OF_THE_PROCESS = /process\.(?:chdir|umask|on|once|emit|cpuUsage|memoryUsage|hrtime)\b|performance\.now\b|process\.env\.\w+ = |process\.env\[|\/proc\/self|support\/cost/
/** A process grows with each file, and whatever it starts takes longer then. */
const MOST_TOGETHER = 10
/** The longer a process, the less the others can do beside it at the end. */
const MOST_SECONDS = 15

export interface TestFile {
  /** Its path below the folder of the tests, in slashes. */
  name: string
  source: string
}

/** The comment which tells that a file of several has come to its end. */
export function endOf (name: string): string {
  return `end of ${name}`
}

/** Which files run in one process, in the order in which they start: those of one folder, as far as they may share. */
export function groupFiles (files: readonly TestFile[]): string[][] {
  const alone = files.filter(({ source }) => OF_THE_PROCESS.test(source)).map(({ name }) => [name])
  const folders = new Map<string, string[]>()
  for (const { name } of files.filter(({ source }) => !OF_THE_PROCESS.test(source))) {
    const folder = name.split('/').slice(0, -1).slice(0, 2).join('/')
    folders.set(folder, [...folders.get(folder) ?? [], name])
  }
  return [...alone, ...[...folders.values()].flatMap(share)].sort((one, other) => secondsOf(other) - secondsOf(one))
}

/** As few groups as may be, none of which takes much longer than another. */
function share (names: readonly string[]): string[][] {
  const groups: string[][] = Array.from({ length: Math.ceil(Math.max(names.length / MOST_TOGETHER, secondsOf(names) / MOST_SECONDS)) }, () => [])
  for (const name of names.toSorted((one, other) => secondsOf([other]) - secondsOf([one]))) {
    groups.reduce((least, group) => secondsOf(group) < secondsOf(least) ? group : least).push(name)
  }
  return groups
}

function secondsOf (names: readonly string[]): number {
  return names.reduce((sum, name) => sum + (LONG[name] ?? 1), 0)
}
