import type { Command } from 'commander'
import { examples, wholeNumber } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { time } from '../output.js'
import type { Terminal } from '../terminal.js'

interface Token { token: string, agent_id: string, agent_type: string, project_id: string, permissions: string[], expires_at: string }

interface Options extends CallingOptions { projectId?: string, agentId?: string, ttl?: number }

/** `cco token`: a token for an agent that is started by hand. Only the token goes to standard output. */
export function addToken (program: Command, terminal: Terminal): void {
  const command = calling(program.command('token')
    .description('issue a token for an agent that you start yourself')
    .argument('<agent_type>', 'for example python-specialist; `cco profiles list` shows all')
    .option('--project-id <id>', 'project it is for; the sidecar\'s own by default')
    .option('--agent-id <id>', 'agent it is for; a new one by default')
    .option('--ttl <seconds>', 'how long it is valid', wholeNumber(1, 86_400)))
    .action(async (type: string, options: Options) => {
      const client = await connect(options, terminal)
      const issued = await client.call<Token>('POST', '/api/tokens', {
        body: { agent_type: type, project_id: options.projectId, agent_id: options.agentId, ttl_seconds: options.ttl }
      })
      if (options.format === 'json') {
        terminal.out(JSON.stringify(issued, null, 2))
        return
      }
      terminal.out(issued.token)
      terminal.err(terminal.colors.dim(`${issued.agent_id} of ${issued.project_id} until ${time(issued.expires_at)} UTC: ${issued.permissions.join(', ')}`))
    })
  examples(command, 'export JWT_TOKEN="$(cco token python-specialist)"', 'cco token test-engineer --agent-id night-tests --ttl 7200 --format json')
}
