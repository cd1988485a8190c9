import type { LookupAddress } from 'node:dns'
import type { LookupOptions } from 'node:dns'
import t from 'tap'
import { createTargetGuard, type TargetGuard } from '../../../../core/events/webhooks/target-guard.js'

const at = (...addresses: string[]) => async (): Promise<LookupAddress[]> => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

async function lookUp (guard: TargetGuard, hostname: string, options: LookupOptions = { all: true }): Promise<unknown> {
  return await new Promise((resolve) => {
    guard.lookup(hostname, options, (error, address, family) => resolve(error === null ? (family === undefined ? address : [address, family]) : error))
  })
}

t.test('only http and https without credentials pass, and the reason is told', async (t) => {
  const guard = createTargetGuard({ allow: [], resolve: at('1.1.1.1') })
  const wrong: [url: string, why: RegExp][] = [
    ['', /no absolute URL/], ['/hook', /no absolute URL/], ['hooks.example.com', /no absolute URL/], ['http://', /no absolute URL/], ['http://[::1', /no absolute URL/],
    ['ftp://example.com', /http:\/\/ or https/], ['file:///etc/passwd', /http:\/\/ or https/], ['javascript:alert(1)', /http:\/\/ or https/], ['gopher://example.com', /http/],
    ['https://user@example.com', /user name or password/], ['https://user:secret@example.com', /user name or password/], ['https://:secret@example.com', /user name/],
    [`https://example.com/${'x'.repeat(2048)}`, /longer than 2048/]
  ]
  for (const [url, why] of wrong) {
    const error = await guard.check(url).then(() => t.fail(url), (reason: unknown) => reason) as Error
    t.match(error, { code: 'VAL_001', message: why, details: { issues: [{ path: 'url', message: why }] } }, url)
    t.notMatch(error.message, 'secret')
  }
  t.equal((await guard.check('HTTPS://Example.com:8443/a?b=c#d')).href, 'https://example.com:8443/a?b=c')
})

t.test('an address is refused in every spelling, and the setting is named', async (t) => {
  const guard = createTargetGuard({ allow: [], resolve: async () => { throw new Error('an address is not resolved') } })
  const spellings = [
    'http://127.0.0.1', 'http://127.1', 'http://127.0.1', 'http://2130706433', 'http://0x7f000001', 'http://0x7f.1', 'http://0177.0.0.1', 'http://017700000001',
    'http://0', 'http://00.0x0.0', 'http://127.0.0.1.', 'http://①②⑦.0.0.1', 'http://%31%32%37.0.0.1', 'http://127。0。0。1', 'http://[::1]', 'http://[::]', 'http://[0:0:0:0:0:0:0:1]',
    'http://[::ffff:127.0.0.1]', 'http://[::ffff:7f00:1]', 'http://[64:ff9b::10.0.0.1]', 'http://[fe80::1]', 'http://[fd00::1]:80', 'https://169.254.169.254/latest/meta-data',
    'https://2852039166', 'https://10.1.2.3:8080/x', 'http:\\\\192.168.0.1\\', 'http:///172.16.0.1/'
  ]
  for (const url of spellings) {
    await t.rejects(guard.check(url), { code: 'VAL_001', message: /not public; .* events\.webhook_allow/ }, url)
  }
  for (const url of ['http://1.1.1.1', 'http://0x01010101/', 'https://[2606:4700:4700::1111]:8443/']) t.ok(await guard.check(url), url)
})

t.test('every address of a name must be public', async (t) => {
  for (const addresses of [['127.0.0.1'], ['1.1.1.1', '10.0.0.1'], ['2606:4700::1', 'fd00::1'], ['1.1.1.1', '::ffff:192.168.0.1']]) {
    const guard = createTargetGuard({ allow: [], resolve: at(...addresses) })
    await t.rejects(guard.check('https://hooks.example.com'), { code: 'VAL_001', message: new RegExp(`'hooks\\.example\\.com' at ${addresses.at(-1)!.replaceAll('.', '\\.')}, which is not public`) })
    t.match(await lookUp(guard, 'hooks.example.com'), { code: 'VAL_001' })
  }
  await t.resolves(createTargetGuard({ allow: [], resolve: at('1.1.1.1', '2606:4700::1') }).check('https://hooks.example.com'))
})

t.test('a name that cannot be resolved is told as such', async (t) => {
  const guard = createTargetGuard({ allow: [], resolve: async () => { throw Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }) } })
  await t.rejects(guard.check('https://nowhere.example.com'), { code: 'VAL_001', message: /'nowhere\.example\.com', which cannot be resolved \(ENOTFOUND\)/ })
})

t.test('a name that leads elsewhere after the check gains nothing', async (t) => {
  const answers = [['1.1.1.1'], ['127.0.0.1']]
  const guard = createTargetGuard({ allow: [], resolve: async () => await at(...answers.shift()!)() })
  await t.resolves(guard.check('https://rebound.example.com'))
  t.match(await lookUp(guard, 'rebound.example.com'), { code: 'VAL_001', message: /at 127\.0\.0\.1, which is not public/ })
})

t.test('a look-up gives what a connection asks for', async (t) => {
  const guard = createTargetGuard({ allow: [], resolve: at('1.1.1.1', '2606:4700::1') })
  t.strictSame(await lookUp(guard, 'example.com'), [{ address: '1.1.1.1', family: 4 }, { address: '2606:4700::1', family: 6 }])
  t.strictSame(await lookUp(guard, 'example.com', {}), ['1.1.1.1', 4])
  t.strictSame(await lookUp(guard, 'example.com', { family: 6 }), ['2606:4700::1', 6])
  t.strictSame(await lookUp(guard, 'example.com', { all: true, family: 'IPv6' }), [{ address: '2606:4700::1', family: 6 }])
  t.match(await lookUp(createTargetGuard({ allow: [], resolve: at('1.1.1.1') }), 'example.com', { family: 6 }), { code: 'ENOTFOUND' })
})

t.test('an operator allows names, addresses and ranges, and nothing beside them', async (t) => {
  const guard = createTargetGuard({ allow: ['Hooks.Internal.', '10.1.0.0/16', '192.168.0.7', 'fd00:1::/32', '::1'], resolve: at('172.16.0.1') })
  for (const url of ['http://hooks.internal', 'http://HOOKS.internal./x', 'http://10.1.2.3', 'http://[::ffff:10.1.2.3]', 'http://192.168.0.7', 'http://[fd00:1::9]', 'http://[::1]']) {
    await t.resolves(guard.check(url), url)
  }
  for (const url of ['http://other.internal', 'http://x.hooks.internal', 'http://10.2.0.1', 'http://192.168.0.8', 'http://[fd00:2::1]', 'http://[::ffff:10.2.0.1]', 'http://127.0.0.1']) {
    await t.rejects(guard.check(url), { code: 'VAL_001' }, url)
  }
  const ranged = createTargetGuard({ allow: ['172.16.0.0/12'], resolve: at('172.16.0.1', '1.1.1.1') })
  await t.resolves(ranged.check('http://any.internal'), 'a range counts for names too')
})

t.test('what is no name, address or range stops the start', async (t) => {
  for (const entry of ['10.0.0.0/33', '10.0.0/8', 'http://hooks.internal', 'hooks internal', '', '/8', '*.internal', 'fd00::/129', '10.0.0.0/x']) {
    t.throws(() => createTargetGuard({ allow: [entry] }), { code: 'SIDECAR_ERR_CONFIG_INVALID', message: /events\.webhook_allow/ }, entry)
  }
})
