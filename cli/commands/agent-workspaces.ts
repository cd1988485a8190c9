import type { Command } from 'commander'
import { examples } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { show, table } from '../output.js'
import type { Colors, Terminal } from '../terminal.js'

interface Workspace { agent_id: string, workspace: string, folder: string, branch: string, live: boolean, kept_because: string[] }

/** `cco agent workspaces`: working trees of agents' own. */
export function addWorkspaces (group: Command, terminal: Terminal): void {
  const workspaces = calling(group.command('workspaces')
    .description('working trees of agents\' own, and why they are kept')
    .option('--prune', 'remove those of agents that have ended where nothing would be lost'))
    .action(async ({ prune, ...options }: CallingOptions & { prune?: boolean }) => {
      const client = await connect(options, terminal)
      if (prune === true) {
        const answer = await client.call<{ removed: string[], kept: Workspace[] }>('POST', '/api/workspaces/prune')
        show(terminal, options.format, answer, ({ removed, kept }, colors) => [`${removed.length} removed.`, ...(kept.length === 0 ? [] : [describe(kept, colors)])].join('\n'))
        return
      }
      const answer = await client.call<{ workspaces: Workspace[] }>('GET', '/api/workspaces')
      show(terminal, options.format, answer, ({ workspaces: all }, colors) => all.length === 0 ? 'No agent has a working tree of its own.' : describe(all, colors))
    })
  examples(workspaces, 'cco agent workspaces', 'cco agent workspaces --prune')
}

function describe (all: readonly Workspace[], colors: Colors): string {
  return table(all, [
    { title: 'AGENT', value: ({ agent_id: id }) => id },
    { title: 'KIND', value: ({ workspace }) => workspace },
    { title: 'STATE', value: ({ live, kept_because: reasons }) => live ? 'at work' : reasons.length === 0 ? 'can go' : reasons.join('; ') },
    { title: 'FOLDER', value: ({ folder }) => folder }
  ], colors)
}
