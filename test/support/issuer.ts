import { generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock, Identity, JsonObject } from '../../core/contracts/index.js'

interface Teardown { teardown (handler: () => Promise<void>): unknown }

export interface IssuerKey { kid: string, alg: string, privateKey: KeyObject, publicKey: KeyObject }

export interface Issuer {
  name: string
  url: string
  /** What it publishes; may be changed. */
  keys: IssuerKey[]
  /** How often its keys were asked for. */
  asked: number
  /** Answers instead of it, while there is one. */
  answer: RequestListener | undefined
  /** Another key, which is not published yet. */
  makeKey (alg?: string): IssuerKey
  mint (clock: Clock, identity: Identity, ttlSeconds: number, changes?: { header?: object, payload?: object, key?: IssuerKey }): string
}

/** The first of every issuer of this process: to make one takes longer than most of what is done with it. */
let first: Pick<IssuerKey, 'privateKey' | 'publicKey'> | undefined

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/** An issuer of tokens that is none of ours: an HTTP server with a key set. */
export async function startIssuer (t: Teardown): Promise<Issuer> {
  const makeKey = (alg = 'RS256'): IssuerKey => {
    const pair = alg.startsWith('ES')
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : alg === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: 2048 })
    return { kid: randomUUID(), alg, ...pair }
  }
  const issuer: Issuer = {
    name: 'https://login.example',
    url: '',
    keys: [{ kid: randomUUID(), alg: 'RS256', ...(first ??= generateKeyPairSync('rsa', { modulusLength: 2048 })) }],
    asked: 0,
    answer: undefined,
    makeKey,
    mint (clock, { agent_id, agent_type, project_id, permissions }, ttlSeconds, { header = {}, payload = {}, key = issuer.keys[0]! } = {}) {
      const now = Math.floor(clock() / 1000)
      const claims = { iss: issuer.name, aud: 'cco-agents', sub: agent_id, agent_type, project_id, permissions, iat: now, exp: now + ttlSeconds, jti: randomUUID(), ...payload }
      const text = `${encode({ alg: key.alg, typ: 'JWT', kid: key.kid, ...header })}.${encode(claims)}`
      const signature = key.alg === 'EdDSA'
        ? sign(null, Buffer.from(text), key.privateKey)
        : sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
      return `${text}.${signature.toString('base64url')}`
    }
  }
  const server = createServer((request, response) => {
    issuer.asked++
    if (issuer.answer !== undefined) {
      issuer.answer(request, response)
      return
    }
    const keys = issuer.keys.map(({ kid, alg, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }) as JsonObject, kid, alg, use: 'sig' }))
    response.end(JSON.stringify({ keys }))
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => { server.close(resolve) })
  })
  issuer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
  return issuer
}
