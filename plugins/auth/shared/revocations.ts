import { appendFile, readFile } from 'node:fs/promises'
import { apiError, codeOf, messageOf, writeFileDurably, type Logger } from '../../../core/plugin-api.js'

type Revocation =
  | { jti: string, until: number }
  /** Every token of the chain that began with this one. */
  | { chain: string, until: number }
  /** Every token of the agent whose moment sorts at or before the mark. */
  | { project_id: string, agent_id: string, mark: string, until: number }

/** What of a token decides whether it is revoked. */
export interface Revocable {
  jti: string
  /** The first token of its chain. */
  chain: string
  project_id: string
  agent_id: string
  /** Sorts by the time of issue. */
  moment: string
}

/** Tokens that are refused before their time; each is kept until the token would have ended anyway. */
export class Revocations {
  readonly #path: string
  readonly #log: Logger
  readonly #tokens = new Map<string, Revocation>()
  readonly #chains = new Map<string, Revocation>()
  readonly #agents = new Map<string, Extract<Revocation, { mark: string }>>()
  #writing: Promise<void> = Promise.resolve()

  constructor (path: string, log: Logger) {
    this.#path = path
    this.#log = log
  }

  /** Reads what is still in force at `now` (seconds) and forgets the rest. */
  async open (now: number): Promise<void> {
    let text = ''
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
    let unreadable = 0
    for (const line of text.split('\n')) {
      if (line === '') continue
      try {
        const revocation = JSON.parse(line) as Revocation
        if (revocation.until > now) this.#apply(revocation)
      } catch {
        // Only a crash in the middle of a write leaves such a line, and that revocation was never acknowledged.
        unreadable++
      }
    }
    if (unreadable > 0) this.#log.warn({ lines: unreadable }, 'incomplete lines of the revocations were dropped')
    await this.#rewrite()
  }

  /** The last mark that was set; `undefined` without one. */
  get lastMark (): string | undefined {
    return [...this.#agents.values()].map(({ mark }) => mark).sort().at(-1)
  }

  isRevoked (token: Revocable): boolean {
    if (this.#tokens.has(token.jti)) return true
    if (this.#chains.size > 0 && this.#chains.has(token.chain)) return true
    if (this.#agents.size === 0) return false
    const agent = this.#agents.get(nameOf(token))
    return agent !== undefined && token.moment <= agent.mark
  }

  /** Resolves when it is durable; `false` when it was in force already. */
  async add (revocation: Revocation): Promise<boolean> {
    const isNew = this.#apply(revocation)
    this.#writing = this.#writing.catch(() => {}).then(async () => {
      // The newline before it sets it apart from what a failed write may have left.
      await appendFile(this.#path, `\n${JSON.stringify(revocation)}\n`, { mode: 0o600, flush: true }).catch((error: unknown) => {
        throw apiError('STR_001', `The revocation holds until the sidecar is restarted, and could not be written: ${messageOf(error)}.`, { cause: error })
      })
    })
    await this.#writing
    return isNew
  }

  #apply (revocation: Revocation): boolean {
    if ('jti' in revocation) return put(this.#tokens, revocation.jti, revocation)
    if ('chain' in revocation) return put(this.#chains, revocation.chain, revocation)
    this.#agents.set(nameOf(revocation), revocation)
    return true
  }

  async #rewrite (): Promise<void> {
    const lines = [...this.#tokens.values(), ...this.#chains.values(), ...this.#agents.values()].map((revocation) => `${JSON.stringify(revocation)}\n`)
    await writeFileDurably(this.#path, lines.join(''))
  }
}

/** Whether it is new; the longer of two holds. */
function put (map: Map<string, Revocation>, key: string, revocation: Revocation): boolean {
  const known = map.get(key)
  if (known === undefined || known.until < revocation.until) map.set(key, revocation)
  return known === undefined
}

/** Identifiers hold no `/`. */
function nameOf ({ project_id: project, agent_id: agent }: { project_id: string, agent_id: string }): string {
  return `${project}/${agent}`
}
