import type { Command } from 'commander'
import { examples, segment } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { Failure } from '../failure.js'
import { counted, printable, show } from '../output.js'
import type { Colors, Terminal } from '../terminal.js'

interface Change { path: string, status: string }
interface Diff { committed: Change[], uncommitted: Change[], diff: string | null, truncated: boolean }
interface Merge { outcome: string, target: string | null, branch: string, commits: number, files: Change[], conflicts: string[], uncommitted: string[], undo: string | null, reason: string | null }

const MERGE_MS = 11 * 60_000
const WELL = ['merged', 'mergeable', 'nothing_to_merge']

/** `cco agent diff` and `cco agent merge`: what an agent changed, and how it comes into the project. */
export function addWork (group: Command, terminal: Terminal): void {
  const diff = calling(group.command('diff')
    .description('what an agent changed, committed and not')
    .argument('<id>', 'agent id')
    .option('--names', 'only the names of the files'))
    .action(async (id: string, { names, ...options }: CallingOptions & { names?: boolean }) => {
      const client = await connect(options, terminal)
      show(terminal, options.format, await client.call<Diff>('GET', `/api/agents/${segment(id)}/diff`), (answer, colors) => describeDiff(answer, names === true, colors))
    })
  examples(diff, 'cco agent diff test-engineer-01jd3m0n8q', 'cco agent diff test-engineer-01jd3m0n8q --names')
  const merge = calling(group.command('merge')
    .description('merge the branch of an agent into the branch that the project is on; exit code 1 when it cannot be')
    .argument('<id>', 'agent id')
    .option('--dry-run', 'only tell what would happen'))
    .action(async (id: string, { dryRun = false, ...options }: CallingOptions & { dryRun?: boolean }) => {
      const client = await connect(options, terminal)
      const answer = await client.call<Merge>('POST', `/api/agents/${segment(id)}/merge`, { body: { dry_run: dryRun }, timeoutMs: MERGE_MS })
      show(terminal, options.format, answer, describeMerge)
      if (!WELL.includes(answer.outcome)) throw new Failure('')
    })
  examples(merge, 'cco agent merge test-engineer-01jd3m0n8q --dry-run', 'cco agent merge test-engineer-01jd3m0n8q')
}

function describeDiff ({ committed, uncommitted, diff, truncated }: Diff, namesOnly: boolean, colors: Colors): string {
  if (committed.length + uncommitted.length === 0) return 'Nothing was changed.'
  const names = [...committed.map((change) => line(change, 'committed')), ...uncommitted.map((change) => line(change, 'uncommitted'))].join('\n')
  if (namesOnly || diff === null) return names + (diff === null && !namesOnly ? colors.dim('\nThere is too much for a diff.') : '')
  return printable(diff.replace(/\n$/, '')) + (truncated ? colors.dim('\nNot all of it is shown; see --names.') : '')
}

function line ({ path, status }: Change, where: string): string {
  return printable(`${status.padEnd(8)}  ${where.padEnd(11)}  ${path}`)
}

function describeMerge (merge: Merge, colors: Colors): string {
  const { outcome, target, branch, commits, files, conflicts, uncommitted, undo, reason } = merge
  const list = (paths: readonly string[]): string => paths.map((path) => `  ${printable(path)}`).join('\n')
  const said: Record<string, string> = {
    merged: colors.green(`Merged ${counted(commits, 'commit')} of ${branch} into ${target ?? '?'}.`) + `\nTo take it back, in the project: ${undo ?? ''}`,
    mergeable: `${counted(commits, 'commit')} of ${branch} can be merged into ${target ?? '?'}:\n${list(files.map(({ path }) => path))}`,
    nothing_to_merge: `There is no commit of ${branch} that ${target ?? 'the project'} does not have.`,
    conflicts: colors.red(`${branch} and ${target ?? 'the project'} have changed the same:`) + `\n${list(conflicts)}`,
    target_not_clean: 'The project has uncommitted changes; commit or stash them first.',
    no_target: 'The project is on no branch; check one out first.',
    refused: `git refused: ${printable(reason ?? '')}`
  }
  const left = uncommitted.length === 0 ? '' : colors.yellow(`\nNot committed, and therefore not in it:\n${list(uncommitted.slice(0, 20))}`)
  return (said[outcome] ?? outcome) + left
}
