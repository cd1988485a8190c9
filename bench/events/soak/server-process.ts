import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { track } from '../../speed/child.js'

/** The server in its present life. */
export interface Life {
  number: number
  port: number
}

/** A server that is killed and started again on what it left on the disk. */
export class ServerProcess {
  readonly #folder: string
  readonly #module: URL
  readonly #environment: Record<string, string>
  #child: ChildProcess | undefined
  #life = 0
  #alive: Promise<Life> = Promise.reject(new Error('The server was not started.'))

  /** `module` is given the folder as its argument and sends its port when it listens. */
  constructor (folder: string, module = new URL('./server.js', import.meta.url), environment: Record<string, string> = {}) {
    this.#folder = folder
    this.#module = module
    this.#environment = environment
    this.#alive.catch(() => {})
  }

  /** Resolves when the server listens: now, or when it was started again. */
  alive (): Promise<Life> {
    return this.#alive
  }

  async start (): Promise<void> {
    const child = fork(this.#module, [this.#folder], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { PATH: process.env.PATH, ...this.#environment } })
    track(child)
    this.#child = child
    const number = ++this.#life
    this.#alive = Promise.race([
      once(child, 'message').then(([port]) => ({ number, port: port as number })),
      once(child, 'exit').then(([code, signal]) => { throw new Error(`The server ended with ${signal ?? `code ${code}`} before it listened.`) })
    ])
    await this.#alive
  }

  /** SIGKILL, and a new life. */
  async killAndStart (): Promise<void> {
    let revive: (life: Promise<Life>) => void = () => {}
    // Who asks from now on waits for the next life.
    this.#alive = new Promise((resolve) => { revive = resolve })
    const next = this.#alive
    await this.kill()
    const started = this.start()
    revive(started.then(async () => await this.alive()))
    await started
    await next
  }

  async kill (): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}
