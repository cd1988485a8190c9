import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Auth, Logger } from './contracts/index.js'
import { writeFileDurably } from './durable-file.js'
import { messageOf } from './errors.js'

/** Keeps a token of the operator in `<storage>/operator.token`, renewed well before it ends; there is none where all tokens come from outside. */
export async function keepOperatorToken ({ auth, storage, project, ttlSeconds, log }: {
  auth: Auth
  storage: string
  project: string
  ttlSeconds: number
  log: Logger
}): Promise<{ close (): void }> {
  const file = join(storage, 'operator.token')
  const write = async (): Promise<number> => {
    const { token, claims } = await auth.issue({ agent_id: 'operator', agent_type: 'operator', project_id: project, permissions: ['admin'] }, { ttlSeconds })
    await writeFileDurably(file, `${token}\n`)
    return claims.expires_at - claims.issued_at
  }
  if (!auth.supports.issue) {
    // One of before would be refused, and hide from the commands that they need another.
    await rm(file, { force: true })
    return { close () {} }
  }
  // The bound of a chain may make it shorter than it was asked for.
  const lifeSeconds = await write()
  const timer = setInterval(() => {
    write().catch((error: unknown) => log.error({ reason: messageOf(error) }, 'the token of the operator could not be renewed'))
  }, lifeSeconds * 1000 / 2)
  timer.unref()
  return { close: () => clearInterval(timer) }
}
