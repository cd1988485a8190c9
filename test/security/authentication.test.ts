import { createHmac, createPublicKey } from 'node:crypto'
import t from 'tap'
import { encode, openArena, partsOf, sign, strangeKey, type Attack } from './arena.js'

const REFUSED = [401, 'AUTH_001'] as const

t.test('FAULT 25: forged, stretched and worn-out tokens', async (t) => {
  let ahead = 0
  const arena = await openArena(t, { clock: () => Date.now() + ahead })
  const { agent, attack, send, operator, privateKey, publicKey } = arena
  const { token, agent_id: id } = await agent('ai-engineer')
  const { header, payload, signature } = partsOf(token)
  const now = Math.floor(Date.now() / 1000)
  const forged = (name: string, forgery: string): Attack => ({ name, token: forgery, expect: REFUSED })
  t.equal((await send({ token: sign(header, payload, privateKey) })).status, 200, 'a forgery that is right in everything is taken: what follows is refused for what it says')

  t.test('no algorithm, in every spelling', async (t) => {
    await attack(t, ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', '\tnone', 'none\0', 'n\u043ene', '', null, false, 0, [], ['none'], {}].flatMap((alg) => [
      forged(`alg ${JSON.stringify(alg)}, unsigned`, `${encode({ ...header, alg })}.${encode(payload)}.`),
      forged(`alg ${JSON.stringify(alg)}, with the signature`, `${encode({ ...header, alg })}.${encode(payload)}.${signature}`)
    ]))
  })

  t.test('another algorithm: the public key as a secret, and other ways to sign', async (t) => {
    const mac = (secret: string | Buffer, alg: string): string => {
      const text = `${encode({ ...header, alg })}.${encode(payload)}`
      return `${text}.${createHmac(alg === 'HS512' ? 'sha512' : 'sha256', secret).update(text).digest('base64url')}`
    }
    const secrets: Record<string, string | Buffer> = {
      'as it is': publicKey,
      'behind white space': ` \n\t${publicKey}`,
      'behind a byte order mark': `\ufeff${publicKey}`,
      'without its last line end': publicKey.trimEnd(),
      'with CRLF': publicKey.replaceAll('\n', '\r\n'),
      'on one line': publicKey.replaceAll('\n', ''),
      'as DER': createPublicKey(publicKey).export({ type: 'spki', format: 'der' }),
      'as PKCS 1': createPublicKey(publicKey).export({ type: 'pkcs1', format: 'pem' }) as string,
      'as JWK': JSON.stringify(createPublicKey(publicKey).export({ format: 'jwk' })),
      'by its name': String(header.kid),
      'left out': ''
    }
    await attack(t, [
      ...Object.entries(secrets).flatMap(([how, secret]) => ['HS256', 'HS512', 'RS256'].map((alg) => forged(`${alg} by HMAC with the public key ${how}`, mac(secret, alg)))),
      forged('RS384', sign({ ...header, alg: 'RS384' }, payload, privateKey, 'RSA-SHA384')),
      forged('RS512', sign({ ...header, alg: 'RS512' }, payload, privateKey, 'RSA-SHA512')),
      forged('RS256 that says RS512', sign({ ...header, alg: 'RS512' }, payload, privateKey)),
      forged('PS256', sign({ ...header, alg: 'PS256' }, payload, privateKey)),
      forged('rs256', sign({ ...header, alg: 'rs256' }, payload, privateKey)),
      forged('EdDSA', sign({ ...header, alg: 'EdDSA' }, payload, privateKey))
    ])
  })

  t.test('another key, named or brought along', async (t) => {
    const stranger = strangeKey()
    const brought = (name: string, more: object): Attack => forged(name, sign({ ...header, ...more }, payload, stranger.privateKey))
    await attack(t, [
      brought('under the name of the right one', {}),
      brought('jwk in the header', { jwk: stranger.jwk }),
      brought('jwk in the header, of its own name', { jwk: { ...stranger.jwk, kid: header.kid }, kid: header.kid }),
      brought('jku', { jku: 'http://127.0.0.1:1/jwks.json' }),
      brought('x5u', { x5u: 'http://127.0.0.1:1/cert.pem' }),
      brought('x5c', { x5c: [encode('certificate')] }),
      brought('crit', { crit: ['jwk'], jwk: stranger.jwk }),
      ...['../../../../../../dev/null', '/dev/null', '/proc/self/environ', 'keyring.json', '', ' ', `${String(header.kid)}\0`, String(header.kid).toLowerCase(), '__proto__', 'constructor', '\' OR 1=1 --', '| id', [header.kid], { 0: header.kid }, null, 0, true]
        .map((kid) => forged(`kid ${JSON.stringify(kid)}`, sign({ ...header, kid }, payload, privateKey))),
      forged('no kid', sign({ alg: 'RS256', typ: 'JWT' }, payload, privateKey))
    ])
  })

  t.test('claims that say too much, too little, or something else', async (t) => {
    const claiming = (claim: string, value: unknown): Attack => forged(`${claim} ${JSON.stringify(value)}`, sign(header, { ...payload, [claim]: value }, privateKey))
    await attack(t, Object.entries({
      iss: ['other', '', 'CCO-SIDECAR', 'cco-sidecar ', ['cco-sidecar'], ['cco-sidecar', 'other'], { 0: 'cco-sidecar' }, null, undefined],
      aud: ['other', '', ['other'], [], null, undefined],
      exp: [undefined, null, `${now + 600}`, 1e16, [now + 600], true],
      nbf: [now + 600, now + 86_400, `${now}`],
      iat: [undefined, now + 600, `${now}`],
      sub: [undefined, null, 7, ['operator']],
      agent_type: [undefined, null, ['ai-engineer']],
      project_id: [undefined, null, ['neighbour']],
      permissions: [undefined, null, 'admin', ['root'], { length: 1, 0: 'admin' }, [['admin']]],
      jti: [undefined, null, [], 7]
    }).flatMap(([claim, values]) => values.map((value) => claiming(claim, value))))
  })

  t.test('tampered, cut, swollen and wrongly presented', async (t) => {
    const [first, second, third] = token.split('.') as [string, string, string]
    const tampered = (more: object): string => `${first}.${encode({ ...payload, ...more })}.${third}`
    const presented = (name: string, authorization: string): Attack => ({ name, headers: { authorization }, expect: REFUSED })
    await attack(t, [
      forged('another agent', tampered({ sub: 'operator' })),
      forged('another project', tampered({ project_id: 'neighbour' })),
      forged('more rights', tampered({ permissions: ['admin'] })),
      forged('a longer life', tampered({ exp: Number(payload.exp) + 86_400 })),
      forged('a member twice', `${first}.${encode(`{"project_id":"neighbour",${JSON.stringify(payload).slice(1)}`)}.${third}`),
      forged('the signature of another token', `${first}.${second}.${partsOf(operator).signature}`),
      forged('one bit less', `${token.slice(0, -6)}${token.at(-6) === 'A' ? 'B' : 'A'}${token.slice(-5)}`),
      forged('no signature', `${first}.${second}`),
      forged('an empty signature', `${first}.${second}.`),
      forged('four parts', `${token}.${third}`),
      forged('five parts, as if encrypted', `${first}..${second}.${third}.x`),
      forged('padding', `${token}==`),
      forged('standard base64', `${first}.${second}.${Buffer.from(third, 'base64url').toString('base64')}!`),
      forged('only dots', '.'.repeat(5000)),
      { name: 'a token of 100 kB', token: sign(header, { ...payload, more: 'x'.repeat(100_000) }, privateKey), expect: [431, 'VAL_001'] },
      forged('a token of 12 kB', sign(header, { ...payload, more: 'x'.repeat(9000) }, privateKey)),
      presented('Basic', `Basic ${token}`),
      presented('no scheme', token),
      presented('no token', 'Bearer'),
      presented('two tokens', `Bearer ${token}, Bearer ${operator}`),
      presented('a token after another', `Bearer x ${token}`),
      { name: 'in the query', path: `/api/plugins?access_token=${token}`, expect: REFUSED },
      { name: 'in a cookie', headers: { cookie: `token=${token}; Authorization=Bearer ${token}` }, expect: REFUSED },
      { name: 'in another header', headers: { 'x-authorization': `Bearer ${token}`, 'proxy-authorization': `Bearer ${token}` }, expect: REFUSED },
      { name: 'in the body', method: 'POST', path: '/api/tokens', body: { agent_type: 'ai-engineer', authorization: `Bearer ${operator}` }, expect: REFUSED }
    ])
  })

  t.test('a token that was moved to another agent or project', async (t) => {
    const other = await agent('ai-engineer')
    const abroad = await agent('ai-engineer', { project_id: 'neighbour' })
    const result = { agent_type: 'ai-engineer', issue_id: 'i', result: { status: 'success', files_created: [], files_modified: [] } }
    await attack(t, [
      { name: 'a result of another agent', method: 'POST', path: '/api/results', token, body: { ...result, agent_id: other.agent_id }, expect: [403, 'AUTH_003'] },
      { name: 'a result of an agent of another project', method: 'POST', path: '/api/results', token, body: { ...result, agent_id: abroad.agent_id }, expect: [403, 'AUTH_003'] },
      { name: 'a result in another project', method: 'POST', path: '/api/results', token, body: { ...result, agent_id: id, project_id: 'neighbour' }, expect: [403, 'AUTH_003'] },
      { name: 'a result of another type', method: 'POST', path: '/api/results', token, body: { ...result, agent_id: id, agent_type: 'chief-architect' }, expect: [403, 'AUTH_003'] },
      { name: 'the context of another type', path: '/api/context/i/chief-architect', token, expect: [403, 'AUTH_003'] },
      { name: 'an event of another publisher', method: 'POST', path: '/api/events/note', token, body: { topic: 'coordination', publisher: other.agent_id }, expect: [403, 'EVT_003'] },
      { name: 'an event of the operator', method: 'POST', path: '/api/events/note', token, body: { topic: 'coordination', publisher: 'operator' }, expect: [403, 'EVT_003'] },
      { name: 'a sign of life of another agent', method: 'POST', path: `/api/agents/${other.agent_id}/status`, token, body: { progress: 1 }, expect: [403, 'AUTH_003'] },
      { name: 'a token for another project', method: 'POST', path: '/api/tokens', token: (await agent('chief-architect')).token, body: { agent_type: 'ai-engineer', project_id: 'neighbour' }, expect: [403, 'AUTH_003'] },
      { name: 'an agent in another project', method: 'POST', path: '/api/agents/spawn', token: (await agent('chief-architect')).token, body: { agent_type: 'ai-engineer', issue_id: 'i', task: 't', project_id: 'neighbour' }, expect: [403, 'AUTH_003'] }
    ])
  })

  t.test('used up: expired, revoked, replaced, and what was remembered of them', async (t) => {
    const shortLived = async (): Promise<string> => (await send({ method: 'POST', path: '/api/tokens', token: operator, body: { agent_type: 'ai-engineer', ttl_seconds: 200 } })).body.token as string
    const [expired, revoked, replaced, ofAgent] = [await shortLived(), await shortLived(), await shortLived(), await shortLived()]
    for (const [name, each] of Object.entries({ expired, revoked, replaced, ofAgent })) t.equal((await send({ token: each })).status, 200, `${name}: taken, and remembered`)
    const admin = async (body: object): Promise<number> => (await send({ method: 'POST', path: '/api/tokens/revoke', token: operator, body })).status
    t.equal(await admin({ jti: partsOf(revoked).payload.jti }), 200)
    t.equal(await admin({ agent_id: partsOf(ofAgent).payload.sub }), 200)
    const next = await send({ method: 'POST', path: '/api/tokens/refresh', token: replaced })
    t.equal(next.status, 200)
    await attack(t, [
      forged('revoked', revoked),
      forged('revoked, once more', revoked),
      forged('of a revoked agent', ofAgent),
      forged('replaced, and replayed', replaced),
      { name: 'refreshed twice', method: 'POST', path: '/api/tokens/refresh', token: replaced, expect: REFUSED },
      { name: 'a revoked one refreshed', method: 'POST', path: '/api/tokens/refresh', token: revoked, expect: REFUSED },
      { name: 'refreshed before its last minutes', method: 'POST', path: '/api/tokens/refresh', token, expect: [400, 'VAL_001'] },
      { name: 'revoked by one who may not', method: 'POST', path: '/api/tokens/revoke', token, body: { jti: partsOf(operator).payload.jti }, expect: [403, 'AUTH_003'] }
    ])
    ahead = 201_000
    await attack(t, [
      { name: 'expired, though remembered', token: expired, expect: [401, 'AUTH_002'] },
      { name: 'expired, and refreshed', method: 'POST', path: '/api/tokens/refresh', token: expired, expect: [401, 'AUTH_002'] },
      { name: 'the next one, expired', token: next.body.token as string, expect: [401, 'AUTH_002'] }
    ])
    ahead = 0
  })
})
