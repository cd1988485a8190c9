import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Says that it is there once it has its context, and waits for its end. */
const SHELL_AGENT = `#!/bin/sh
test -s "$CONTEXT_FILE" && echo ready
exec sleep 600
`
const NODE_AGENT = `import { readFileSync } from 'node:fs'
if (readFileSync(process.env.CONTEXT_FILE).length > 0) console.log('ready')
setTimeout(() => {}, 600_000)
`

export type Kind = 'node' | 'shell'

/** Programs that stand for agents; each is called the same by the sidecar and without it. */
export type Commands = Record<Kind, string[]>

export async function writeCommands (folder: string): Promise<Commands> {
  const [shell, node] = [join(folder, 'agent.sh'), join(folder, 'agent.mjs')]
  await writeFile(shell, SHELL_AGENT)
  await chmod(shell, 0o700)
  await writeFile(node, NODE_AGENT)
  return { shell: [shell], node: [process.execPath, node] }
}
