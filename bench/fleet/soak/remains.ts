import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** A live process that belongs to an agent. */
export interface Left {
  pid: number
  agent: string
  /** How it was found. */
  by: 'AGENT_ID' | 'group'
}

/**
 * Processes that agents have left: those whose environment names one, and those in the process group of one. `groups`: agents by
 * the ids of their processes. Numbers of processes come round again, so a member of a group counts when it works in `folder`.
 */
export async function processesLeft (agents: ReadonlySet<string>, groups: ReadonlyMap<number, string>, folder: string): Promise<Left[]> {
  const left: Left[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue
    try {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8')
      // Fields of proc(5) from the third on; the name in parentheses may hold spaces and parentheses.
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (state === 'Z' || state === 'X') continue
      const environment = (await readFile(`/proc/${name}/environ`, 'latin1')).split('\0')
      const marked = environment.find((entry) => entry.startsWith('AGENT_ID='))?.slice('AGENT_ID='.length)
      if (marked !== undefined && agents.has(marked)) {
        left.push({ pid: Number(name), agent: marked, by: 'AGENT_ID' })
        continue
      }
      const ofGroup = groups.get(Number(group))
      if (ofGroup !== undefined && (await readlink(`/proc/${name}/cwd`)).startsWith(folder)) left.push({ pid: Number(name), agent: ofGroup, by: 'group' })
    } catch {
      // It has ended meanwhile, or belongs to somebody else.
    }
  }
  return left
}

/** What a sidecar writes for a moment, and the context of an agent, which goes with it. */
const TEMPORARY = /\.tmp$|^context\.json$/

/** Files of a moment that are still there: all of the temporary folder, half-written ones, contexts, and folders of agents without a record. */
export async function filesLeft (temporary: string, storage: string): Promise<string[]> {
  const inTemporary = (await readdir(temporary, { recursive: true })).map((name) => join(temporary, name))
  const inStorage = (await readdir(storage, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && TEMPORARY.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
  const agents = join(storage, 'agents')
  const unrecorded = (await Promise.all((await readdir(agents)).map(async (id) => (await readdir(join(agents, id))).includes('agent.json') ? [] : [join(agents, id)]))).flat()
  return [...inTemporary, ...inStorage, ...unrecorded]
}

/** Agents by the ids of all processes that they had, as their records have them. */
export async function groupsOf (storage: string): Promise<Map<number, string>> {
  const groups = new Map<number, string>()
  const folder = join(storage, 'agents')
  for (const id of await readdir(folder)) {
    if (!(await readdir(join(folder, id))).includes('agent.json')) continue
    const record = JSON.parse(await readFile(join(folder, id, 'agent.json'), 'utf8')) as { process_id: number | null, earlier?: { process_id: number | null }[] }
    for (const { process_id: pid } of [record, ...record.earlier ?? []]) if (pid !== null) groups.set(pid, id)
  }
  return groups
}
