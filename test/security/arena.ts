import { createPublicKey, createSign, generateKeyPairSync } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { openRaw, portOf } from '../support/raw-http.js'
import { createRepository } from '../support/repository.js'
import { startSidecar, type Answer, type TestSidecar, type TestSidecarOptions } from '../support/sidecar.js'
import { quickFolder } from '../support/temporary.js'
import { checkConventions } from '../core/http/documented.js'

export interface Request {
  method?: string
  path?: string
  token?: string
  headers?: Record<string, string>
  /** An object is sent as JSON, a text as it is. */
  body?: unknown
}

/** An attack, and what must come of it: a status, with the code of the wire contract where there are several. */
export interface Attack extends Request {
  name: string
  expect: number | readonly [status: number, code: string]
}

export interface Arena extends TestSidecar {
  port: number
  /** The folder that holds the storage, the projects and what nobody may touch. */
  house: string
  /** The key that signs, as a PEM: for forgeries that only one thing is wrong with. */
  privateKey: string
  publicKey: string
  /** A request on a connection of its own, and its answer. */
  send (request: Request): Promise<Answer>
  /** Carries attacks out one after the other, and sees that the server is well and has touched nothing outside its storage. */
  attack (t: Test, attacks: readonly Attack[]): Promise<void>
  calm (t: Test): Promise<void>
}

/** Everything that tests of security attack: a sidecar on a socket, a project of the attacker and one of a neighbour. */
export async function openArena (t: Test, options: TestSidecarOptions = {}): Promise<Arena> {
  const house = await quickFolder(t, 'cco-arena')
  const [root, neighbour] = [join(house, 'project'), join(house, 'neighbour')]
  for (const folder of [root, neighbour]) {
    await mkdir(folder)
    await createRepository(folder, { 'README.md': '# A place\n', 'src/main.py': 'def main():\n    return 1\n' })
  }
  const sidecar = await startSidecar(t, {
    storage: join(house, 'storage'), root, projects: [{ project_id: 'neighbour', root: neighbour }], ...options,
    settings: { 'rate-limit-enabled': 'false', ...options.settings }
  })
  const port = await portOf(sidecar.sidecar.app)
  const privateKey = privateKeyIn(await readFile(join(sidecar.storage, 'keys', 'keyring.json'), 'utf8'))
  const send = async (request: Request): Promise<Answer> => {
    const connection = await openRaw(t, port)
    connection.write(textOf(request))
    return await connection.answer()
  }
  const untouched = await outside(house)
  const calm: Arena['calm'] = async (t) => {
    t.equal((await send({ path: '/health' })).status, 200, 'the server is well')
    t.strictSame(await outside(house), untouched, 'nothing outside the storage was touched')
  }
  return {
    ...sidecar,
    port,
    house,
    privateKey,
    publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }) as string,
    send,
    calm,
    async attack (t, attacks) {
      for (const { name, expect, ...request } of attacks) {
        const answer = await send(request)
        if (answer.status >= 400) checkConventions(answer)
        t.strictSame(typeof expect === 'number' ? answer.status : [answer.status, answer.body.code], expect, name)
      }
      await calm(t)
    }
  }
}

function textOf ({ method = 'GET', path = '/api/plugins', token, headers = {}, body }: Request): string {
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
  const all = {
    host: '127.0.0.1',
    connection: 'close',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
    ...headers
  }
  return `${method} ${path} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${text ?? ''}`
}

/** Every file of the house that is not of the storage, with its content. */
async function outside (house: string): Promise<Record<string, string>> {
  const entries = await readdir(house, { recursive: true, withFileTypes: true })
  // What git itself keeps changes when somebody looks.
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.startsWith(join(house, 'storage', '/')) && !file.includes('/.git/'))
  return Object.fromEntries(await Promise.all(files.sort().map(async (file) => [file, await readFile(file, 'utf8')])))
}

function privateKeyIn (keyring: string): string {
  const [key] = /-----BEGIN (?:RSA )?PRIVATE KEY-----.*?-----END (?:RSA )?PRIVATE KEY-----\\n/.exec(JSON.stringify(JSON.parse(keyring)))!
  return JSON.parse(`"${key}"`) as string
}

export interface Parts { header: Record<string, unknown>, payload: Record<string, unknown>, signature: string }

export function partsOf (token: string): Parts {
  const [header, payload, signature] = token.split('.') as [string, string, string]
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
  return { header: read(header), payload: read(payload), signature }
}

export function encode (value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** A token with a right signature of whatever it says. */
export function sign (header: unknown, payload: unknown, key: string, algorithm = 'RSA-SHA256'): string {
  const text = `${encode(header)}.${encode(payload)}`
  return `${text}.${createSign(algorithm).update(text).sign(key, 'base64url')}`
}

/** A key that the sidecar does not know. */
export function strangeKey (): { privateKey: string, jwk: object } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, jwk: publicKey.export({ format: 'jwk' }) }
}
