import { pascalCase, type Template } from './template.js'

export const spawner: Template = {
  about: 'starts agents, and ends them with everything that they started',
  plugin: (name) => `import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { apiError, definePlugin, Type } from 'cco-sidecar/plugin-api'

const POLL_MS = 50
/** How long what an agent left behind may take to end when asked, and to vanish when killed. */
const LEFTOVER_MS = 1000

/** Runs one program for every agent, each in a process group of its own. */
export function create${pascalCase(name)} ({ command: [program, ...args] }) {
  return {
    // With adopt, adopt() has to find an agent again after a restart of the sidecar. What the agents write is understood with 'events'.
    supports: { adopt: false, signs: 'output' },
    async start (request) {
      const log = await open(request.log_file, 'a', 0o600)
      try {
        const child = spawn(program, args, {
          cwd: request.project_root,
          // Complete as it is: add nothing of process.env, which holds the sidecar's own secrets.
          env: request.environment,
          stdio: ['ignore', log.fd, log.fd],
          detached: true
        })
        const ended = new Promise((resolve) => { child.once('exit', (code, signal) => { resolve({ code, signal }) }) })
        await new Promise((resolve, reject) => {
          child.once('spawn', resolve)
          child.once('error', (error) => { reject(apiError('AGT_001', "The agent could not be started with '" + program + "': " + error.message + '.', { cause: error })) })
        })
        return handleOf(child.pid, ended, watchOutput(request))
      } finally {
        await log.close()
      }
    }
  }
}

/** Tells that the agent lives when it has written something. Gives what looks a last time. */
function watchOutput ({ log_file: path, on_sign: onSign }) {
  let seen = 0
  const look = () => {
    const { size } = statSync(path)
    // Smaller: the log was rotated.
    if (size !== seen && size > 0) onSign({ kind: 'alive' })
    seen = size
  }
  const timer = setInterval(look, POLL_MS).unref()
  return () => {
    clearInterval(timer)
    look()
  }
}

function handleOf (pid, ended, finish) {
  let stopping
  const exited = ended.then(async (exit) => {
    // What the agent left behind ends with it.
    await (stopping ?? endGroup(pid, LEFTOVER_MS))
    finish()
    return exit
  })
  return {
    process_id: pid,
    reference: { pid },
    exited,
    async stop ({ graceMs }) {
      stopping ??= endGroup(pid, graceMs)
      await stopping
      await exited
    }
  }
}

/** Asks the whole group to end, and ends it after the grace. */
async function endGroup (group, graceMs) {
  for (const [signal, patience] of [['SIGTERM', graceMs], ['SIGKILL', LEFTOVER_MS]]) {
    if (!signalGroup(group, signal)) return
    for (const until = performance.now() + patience; performance.now() < until;) {
      await delay(POLL_MS)
      if (!signalGroup(group, 0)) return
    }
  }
}

function signalGroup (group, signal) {
  try {
    return process.kill(-group, signal)
  } catch {
    return false
  }
}

export default definePlugin({
  kind: 'spawner',
  name: '${name}',
  description: 'Runs a program for each agent',
  options: Type.Object({
    command: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, default: ['my-agent'], description: 'Program and arguments; no shell is involved.' })
  }, { additionalProperties: false }),
  create: (options) => create${pascalCase(name)}(options)
})
`,
  test: (name) => `// Run it with: node --test ${name}.test.js
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createFromPlugin, createPluginContext, spawnerContract } from 'cco-sidecar/testing'
import plugin from './${name}.js'

const directory = mkdtempSync(join(tmpdir(), '${name}-'))
after(() => { rmSync(directory, { recursive: true, force: true }) })

spawnerContract({
  test,
  directory,
  // The suite says what is to run as an agent: small programs that report, wait, crash and leave children behind.
  create: async ({ clock, directory: storage, command }) => ({
    instance: await createFromPlugin(plugin, { command }, createPluginContext({ storage, clock })),
    dispose: async () => {}
  })
})
`
}
