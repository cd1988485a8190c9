import type { Command } from 'commander'
import { examples, segment, wholeNumber } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { describeContext, type ContextAnswer } from '../context-summary.js'
import { bytes, counted, show } from '../output.js'
import type { Terminal } from '../terminal.js'

const LARGEST = 10 * 1024 * 1024
/** Gathering a cold context of a large repository takes its time; the sidecar has a bound of its own. */
const GATHER_MS = 120_000

interface GetOptions extends CallingOptions { task?: string, maxBytes?: number, maxTokens?: number, requirements?: string, fresh?: boolean, explain?: boolean }
interface ClearOptions extends CallingOptions { agentType?: string }
interface Cleared { cleared: boolean, entries_removed: number, bytes_freed: number }

/** `cco context`: what an agent is given for an issue. */
export function addContext (program: Command, terminal: Terminal): void {
  const group = program.command('context').description('what an agent is given for an issue')
  const get = calling(group.command('get')
    .description('gather the context of an agent type for an issue')
    .argument('<issue>', 'issue id')
    .argument('<agent_type>', 'for example python-specialist')
    .option('--task <text>', 'what the agent is to do; ranks the files')
    .option('--max-bytes <n>', 'size that it may have', wholeNumber(1, LARGEST))
    .option('--max-tokens <n>', 'tokens that it may have', wholeNumber(1, 100_000_000))
    .option('--requirements <a,b>', 'needs beside those of the profile')
    .option('--fresh', 'skip the cache')
    .option('--explain', 'say why each file is in it or not'))
    .action(async (issue: string, type: string, options: GetOptions) => {
      const client = await connect(options, terminal)
      const answer = await client.call<ContextAnswer>('GET', `/api/context/${segment(issue)}/${segment(type)}`, {
        query: {
          task: options.task,
          max_bytes: options.maxBytes,
          max_tokens: options.maxTokens,
          requirements: options.requirements,
          fresh: options.fresh,
          explain: options.explain
        },
        timeoutMs: GATHER_MS
      })
      show(terminal, options.format, answer, describeContext)
    })
  examples(get,
    'cco context get issue-123 python-specialist --task "retry failed uploads"',
    'cco context get issue-123 security-auditor --max-tokens 32000 --explain')
  const clear = calling(group.command('clear')
    .description('forget the cached contexts of an issue')
    .argument('<issue>', 'issue id')
    .option('--agent-type <type>', 'those of one agent type only'))
    .action(async (issue: string, options: ClearOptions) => {
      const client = await connect(options, terminal)
      const answer = await client.call<Cleared>('DELETE', `/api/cache/context/${segment(issue)}`, { query: { agent_type: options.agentType } })
      show(terminal, options.format, answer, ({ entries_removed: removed, bytes_freed: freed }) => removed === 0 ? 'Nothing was cached.' : `${counted(removed, 'entry', 'entries')} removed, ${bytes(freed)} freed.`)
    })
  examples(clear, 'cco context clear issue-123')
  examples(group, 'cco context get issue-123 python-specialist')
}
