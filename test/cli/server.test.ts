import t, { type Test } from 'tap'
import { listenError, urlOf } from '../../cli/server/address.js'
import { banner, type StartFacts } from '../../cli/server/banner.js'
import { checkExposure } from '../../cli/server/exposure.js'
import { reloadWith } from '../../cli/server/reload.js'
import { installShutdown } from '../../cli/server/signals.js'
import { loadConfig } from '../../core/config/load.js'
import { createLogSpy } from '../support/log-spy.js'
import { stubTerminal } from './stub-terminal.js'

t.test('the sentence on listening says what to do', async (t) => {
  const place = { host: 'h', port: 80 }
  const cases = { EADDRINUSE: /Port 80 on h is taken/, EACCES: /above 1023/, EADDRNOTAVAIL: /--host/, ENOTFOUND: /--host/, EWEIRD: /cannot listen on h, port 80: odd/ }
  for (const [code, message] of Object.entries(cases)) t.match(listenError(Object.assign(new Error('odd'), { code }), place).message, message, code)
})

t.test('signals', async (t) => {
  const signalled = (t: Test, hasTerminal = (): boolean => false): { clock: { time: number }, terminal: ReturnType<typeof stubTerminal>, exits: number[], shutdown: ReturnType<typeof installShutdown> } => {
    const before = new Map((['SIGTERM', 'SIGINT', 'SIGHUP', 'uncaughtException', 'unhandledRejection'] as const).map((name) => [name, process.listeners(name as 'SIGINT')]))
    t.teardown(() => {
      for (const [name, kept] of before) for (const listener of process.listeners(name as 'SIGINT')) if (!kept.includes(listener)) process.off(name, listener)
    })
    const terminal = stubTerminal()
    const exits: number[] = []
    const clock = { time: 0 }
    return { clock, terminal, exits, shutdown: installShutdown(terminal, (code) => { exits.push(code) }, () => clock.time, hasTerminal) }
  }
  const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

  t.test('the first drains, a second one ends at once', async (t) => {
    const { clock, terminal, exits, shutdown } = signalled(t)
    let closes = 0
    shutdown.guard(() => { closes++; return new Promise(() => {}) })
    process.emit('SIGTERM', 'SIGTERM')
    await settled()
    t.same([closes, exits], [1, []])
    clock.time = 10
    process.emit('SIGTERM', 'SIGTERM')
    t.same(exits, [], 'npm passes on what the terminal has sent already')
    clock.time = 500
    process.emit('SIGINT', 'SIGINT')
    t.same([closes, exits], [1, [1]])
    t.match(terminal.stderr(), /SIGINT again: ended without draining\./)
  })

  t.test('one that comes before there is anything to drain is remembered', async (t) => {
    const { exits, shutdown } = signalled(t)
    process.emit('SIGTERM', 'SIGTERM')
    t.equal(shutdown.asked, true)
    t.same(exits, [])
    shutdown.guard(async () => {})
    await settled()
    t.same(exits, [0])
  })

  t.test('SIGHUP drains where the terminal is gone, however often it comes, and else reads anew', async (t) => {
    for (const [had, has] of [[true, false], [true, true], [false, false]] as const) {
      let isThere: boolean = had
      const { exits, shutdown } = signalled(t, () => isThere)
      let reloads = 0
      shutdown.guard(async () => {})
      // Before there is anything to read anew.
      if (!had || has) process.emit('SIGHUP', 'SIGHUP')
      shutdown.onHangup(() => { reloads++ })
      isThere = has
      for (let again = 0; again < 3; again++) process.emit('SIGHUP', 'SIGHUP')
      await settled()
      t.same([reloads, exits, shutdown.asked], had && !has ? [0, [0], true] : [3, [], false])
      process.removeAllListeners('SIGHUP')
    }
  })

  t.test('a close that fails ends with 1 and says why', async (t) => {
    const { terminal, exits, shutdown } = signalled(t)
    shutdown.guard(async () => { throw new Error('disk full') })
    process.emit('SIGTERM', 'SIGTERM')
    await settled()
    t.same(exits, [1])
    t.match(terminal.stderr(), /did not close cleanly: disk full/)
  })
})

t.test('the banner names plugins by kind, those of others first', async (t) => {
  const plugin = (name: string, source = 'built-in'): StartFacts['plugins'][number] => ({ kind: 'context-strategy', name, source, location: `./${name}.js` })
  const facts: StartFacts = {
    version: '1.2.3', project: { id: 'shop', root: '/srv/my shop' }, url: 'http://127.0.0.1:3001', storage: '/s', profiles: 119, files: [], ignored: ['plugins'],
    plugins: [...Array.from({ length: 9 }, (_, index) => plugin(`built-${index}`)), plugin('mine', 'path'), { ...plugin('jwt'), kind: 'auth' }]
  }
  const text = banner(facts, stubTerminal().colors)
  t.match(text, 'cco-sidecar 1.2.3 listening on http://127.0.0.1:3001')
  t.match(text, /context-strategy +10: mine \(\.\/mine\.js\), built-0, .*, …\n/)
  t.match(text, /auth +jwt\n/)
  t.match(text, 'cco trust \'/srv/my shop\'')
  t.notMatch(banner({ ...facts, ignored: [] }, stubTerminal().colors), 'trust')
})

t.test('the address that is shown can be opened on this machine', async (t) => {
  const address = { address: '::', family: 'IPv6', port: 3001 }
  t.same(['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost'].map((host) => urlOf(address, host)),
    ['http://127.0.0.1:3001', 'http://127.0.0.1:3001', 'http://[::1]:3001', 'http://[::1]:3001', 'http://localhost:3001'])
})

t.test('another address than loopback without TLS has to be asked for', async (t) => {
  const settings = (await loadConfig({ flags: {}, env: {}, project: t.testdir(), home: t.testdir() })).settings
  for (const host of ['127.0.0.1', '127.8.0.1', 'localhost', '::1']) t.equal(checkExposure({ ...settings, host }), undefined, host)
  for (const host of ['0.0.0.0', '::', '192.168.1.5', '127.0.0.1.example', 'shop.example']) {
    t.throws(() => checkExposure({ ...settings, host }), { code: 'SIDECAR_ERR_LISTEN', message: /--tls-cert and --tls-key, or --access-plain-http/ }, host)
    t.equal(checkExposure({ ...settings, host, tls: { ...settings.tls, cert: 'c', key: 'k' } }), undefined)
    t.match(checkExposure({ ...settings, host, access: { ...settings.access, plain_http: true } }), /no TLS/, 'and is warned of')
  }
})

t.test('SIGHUP takes up the certificate, says where it is wrong, and where there is none', (t) => {
  const log = createLogSpy()
  let wrong = false
  const reload = reloadWith(() => { if (wrong) throw new Error('no certificate') }, log)
  reload()
  t.strictSame(log.said.info, ['the certificate was loaded anew'])
  wrong = true
  reload()
  t.match(log.lines.at(-1), { level: 'error', details: { reason: 'no certificate' }, message: /stays in force/ })
  reloadWith(undefined, log)()
  t.match(log.said.info.at(-1), /no certificate to load anew/)
  t.end()
})
