import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Subject } from '../shared/parts.js'

const BROKERS = [
  { program: 'nats-server', name: 'NATS JetStream' },
  { program: 'redis-server', name: 'Redis Streams' }
]

/** Says of the other brokers why they are not in the table. */
export async function noteOthers (subject: Subject): Promise<void> {
  for (const { program, name } of BROKERS) {
    subject.notMeasured.push(await isInstalled(program)
      ? `${name}: ${program} is there, but a client of it is no dependency of this project.`
      : `${name}: ${program} is not installed.`)
  }
}

async function isInstalled (program: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const isThere = await access(join(folder, program), constants.X_OK).then(() => true, () => false)
    if (isThere) return true
  }
  return false
}
