/**
 * Those that take longest, each with the seconds of a processor that it takes, quiet; the others take about half of one. What takes longest
 * begins first, so that none of it is left at the end.
 */
export const LONG: Record<string, number> = {
  'core/fleet.test.js': 10,
  'core/fleet/workspaces/workspaces.test.js': 10,
  'cli/demo.test.js': 8,
  'core/kill-nine.test.js': 8,
  'core/http/agents.test.js': 7,
  'bench/speed.test.js': 6,
  'core/fleet/workspaces/merge.test.js': 6,
  'core/symbols/hostile.test.js': 6,
  'core/testing/spawner-contract.test.js': 6,
  'plugins/contracts.test.js': 6,
  'plugins/spawners/contract.test.js': 6,
  'cli/start.test.js': 5,
  'core/context/many-files.test.js': 5,
  'core/context/repositories.test.js': 5,
  'core/context/secrets.test.js': 5,
  'core/fleet/take-over.test.js': 5,
  'core/http/event-faults.test.js': 5,
  'plugins/events/journal/damage.test.js': 5,
  'core/fleet/supervision/supervision.test.js': 4,
  'bench/context.test.js': 4,
  'core/backup/backup.test.js': 4,
  'core/context/budget.test.js': 4,
  'core/http/bad-disk.test.js': 4,
  'core/http/context.test.js': 4,
  'cli/demo-triggers.test.js': 3,
  'core/fleet/workspaces/proof.test.js': 3,
  'core/http/triggers.test.js': 3,
  'core/http/webhooks.test.js': 3,
  'core/project/changes.test.js': 3,
  'core/project/git-state.test.js': 3,
  'core/project/watch.test.js': 3,
  'core/retries-over-kills.test.js': 3,
  'docs/events.test.js': 3,
  'security/fuzz.test.js': 3,
  'bench/events.test.js': 2,
  'cli/commands.test.js': 2,
  'cli/event-commands.test.js': 2,
  'cli/follow.test.js': 2,
  'cli/plugin.test.js': 2,
  'core/context/freshness.test.js': 2,
  'core/context/hostile-repository.test.js': 2,
  'core/context/odd-names.test.js': 2,
  'core/context/strategies.test.js': 2,
  'core/failed-start.test.js': 2,
  'core/http/broken-connections.test.js': 2,
  'core/http/catalogue-and-status.test.js': 2,
  'core/http/conventions.test.js': 2,
  'core/http/event-groups.test.js': 2,
  'core/http/event-waits.test.js': 2,
  'core/http/results.test.js': 2,
  'core/http/tokens.test.js': 2,
  'core/layers.test.js': 2,
  'core/project/guarded-read.test.js': 2,
  'core/project/index.test.js': 2,
  'core/project/many-files.test.js': 2,
  'core/symbols/edited.test.js': 2,
  'core/symbols/robustness.test.js': 2,
  'docs/plugins.test.js': 2,
  'examples/agents.test.js': 2,
  'plugins/auth/jwks-own-tokens.test.js': 2,
  'plugins/auth/jwks.test.js': 2,
  'plugins/spawners/coding-agents.test.js': 2,
  'security/identifiers.test.js': 2,
  'security/isolation.test.js': 2,
  'security/transport.test.js': 2,
  'security/trust.test.js': 2,
  'support/run.test.js': 2
}

/**
 * What changes the whole process, measures its memory or looks for its children is no place to share. What measures times is: files run one
 * after the other.
 */
const OF_THE_PROCESS = /process\.(?:chdir|umask|on|once|emit|memoryUsage|pid)\b|process\.env\.\w+ = |process\.env\[/
/** A process grows with each file, and whatever it starts takes longer then. */
const MOST_TOGETHER = 20
/** The longer a process, the less the others can do beside it at the end. */
const MOST_SECONDS = 12

export interface TestFile {
  /** Its path below the folder of the tests, in slashes. */
  name: string
  source: string
}

/** The comment which tells that a file of several has come to its end. */
export function endOf (name: string): string {
  return `end of ${name}`
}

/**
 * Which files run in one process, in the order in which they start. Neighbours share one: what they load is much the same. To start a process and
 * to load the server takes as long as most files.
 */
export function groupFiles (files: readonly TestFile[]): string[][] {
  const groups: string[][] = []
  let open: string[] = []
  for (const { name, source } of files) {
    if (OF_THE_PROCESS.test(source)) groups.push([name])
    else if (open.length > 0 && open.length < MOST_TOGETHER && secondsOf([...open, name]) <= MOST_SECONDS) open.push(name)
    else groups.push(open = [name])
  }
  return groups.sort((one, other) => secondsOf(other) - secondsOf(one))
}

function secondsOf (names: readonly string[]): number {
  return names.reduce((sum, name) => sum + (LONG[name] ?? 0.5), 0)
}
