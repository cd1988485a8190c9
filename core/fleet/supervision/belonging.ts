import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What the environment of a process, as /proc shows it, says of the agent that it belongs to. */
export interface Belonging {
  agent_id: string
  /** The folder of the agent, by its CONTEXT_FILE; `undefined` for a process that was not told. */
  folder: string | undefined
}

/** `undefined` for a process of no agent. */
export function belongingIn (environment: string): Belonging | undefined {
  const agentId = valueOf(environment, 'AGENT_ID')
  if (agentId === undefined) return undefined
  const contextFile = valueOf(environment, 'CONTEXT_FILE')
  return { agent_id: agentId, folder: contextFile === undefined ? undefined : dirname(contextFile) }
}

/** Of a process of this user, on Linux; of all others, and of one that is gone, `undefined`. */
export async function belongingOf (pid: number): Promise<Belonging | undefined> {
  try {
    const { uid } = await stat(`/proc/${pid}`)
    if (uid !== process.getuid!()) return undefined
    return belongingIn(await readFile(`/proc/${pid}/environ`, 'latin1'))
  } catch {
    return undefined
  }
}

/**
 * Whether a process works for a sidecar with another storage, of which this one's is a copy: the same agents, but in other folders.
 * A storage that was moved has left no folder behind; then nobody else would look after the process.
 */
export async function isOfAnotherStorage ({ folder }: Belonging, directory: string): Promise<boolean> {
  if (folder === undefined || folder === directory) return false
  const [its, ours] = await Promise.all([folder, directory].map(async (path) => await stat(path).catch(() => undefined)))
  return its !== undefined && (its.dev !== ours?.dev || its.ino !== ours.ino)
}

function valueOf (environment: string, name: string): string | undefined {
  const mark = `${name}=`
  const found = environment.indexOf(`\0${mark}`)
  const from = environment.startsWith(mark) ? mark.length : found < 0 ? undefined : found + 1 + mark.length
  if (from === undefined) return undefined
  const end = environment.indexOf('\0', from)
  // Read byte by byte, since a variable may be no UTF-8; a path of ours is.
  return Buffer.from(environment.slice(from, end < 0 ? undefined : end), 'latin1').toString('utf8')
}
