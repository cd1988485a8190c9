import type { Command } from 'commander'
import { examples } from '../command-line.js'
import { withFormat } from '../connect.js'
import { show, table, type Format } from '../output.js'
import { projectIdOf } from '../project-folder.js'
import type { Terminal } from '../terminal.js'

/** `cco routes`: who may call what, from what the routes declare. Needs no running sidecar and starts none. */
export function addRoutes (program: Command, terminal: Terminal): void {
  const command = withFormat(program.command('routes').description('every route with the permission it needs, how far it reaches and what limits it'))
    .addHelpText('after', `
permission  open to all; any token; loopback: any token, or none from this machine; else what the token must carry
scope       what a call can reach: the caller's own things (agent), its project, or all of the sidecar
limit       agent: the rates of the caller's type and of its project; held: also the number of long polls and streams;
            address: what is asked for in vain from one place

Plugins of the configuration are loaded as for a start. Nothing is opened, written or listened on.`)
    .action(async ({ format }: { format: Format }) => {
      const [{ loadConfiguration }, { listRoutes }] = await Promise.all([import('../configuration.js'), import('../../index.js')])
      const { settings, root, projects, plugins, trusted } = await loadConfiguration({}, terminal)
      const routes = await listRoutes({ settings, project: { id: projectIdOf(root), root }, projects, plugins, trusted, environment: {} })
      show(terminal, format, { routes }, (answer, colors) => table(answer.routes, [
        { title: 'METHOD', value: ({ method }) => method },
        { title: 'PATH', value: ({ path }) => path },
        { title: 'PERMISSION', value: ({ permission }) => permission, paint: (text, { permission }) => (permission === 'open' ? colors.yellow(text) : text) },
        { title: 'SCOPE', value: ({ scope }) => scope },
        { title: 'LIMIT', value: ({ limit }) => limit }
      ], colors))
    })
  examples(command, 'cco routes', 'cco routes --json | jq -r \'.routes[] | select(.permission == "open").path\'')
}
