import { Connection, type Reply } from '../../speed/client.js'
import type { Life, ServerProcess } from './server-process.js'

/** One who asks a server that may be killed at any time: each life of it is asked over a connection of its own. */
export class SoakClient {
  readonly #server: ServerProcess
  #connection: Connection | undefined
  #life: Life | undefined

  constructor (server: ServerProcess) {
    this.#server = server
  }

  /** The answer and the life of the server that gave it, or `undefined` when there was no whole one. */
  async ask (request: string): Promise<{ reply: Reply, life: number } | undefined> {
    const life = await this.#server.alive()
    try {
      if (this.#connection === undefined || this.#life?.number !== life.number) {
        this.close()
        this.#connection = await Connection.open(life.port)
        this.#life = life
      }
      return { reply: await this.#connection.send(request), life: life.number }
    } catch {
      // The server was killed: with the next life it is asked again.
      this.close()
      return undefined
    }
  }

  close (): void {
    this.#connection?.close()
    this.#connection = undefined
  }
}
