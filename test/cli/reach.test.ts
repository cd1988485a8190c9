import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { announceSidecar, readAnnouncement, type Announcement } from '../../cli/announcement.js'
import { run } from '../../cli/program.js'
import { authorityFileOf } from '../../core/config/authority.js'
import { makeCertificate } from '../support/certificate.js'
import { quickFolder } from '../support/temporary.js'
import { DEAD_PORT } from './bound-program.js'
import { start } from './run-program.js'
import { stubTerminal } from './stub-terminal.js'

t.test('commands reach the sidecar of their storage by its socket, by TLS with a certificate of its own, and as it was started', async (t) => {
  const home = await quickFolder(t)
  const [project, storage, socket, cert, key] = ['project', 'storage', 'cco.sock', 'cert.pem', 'key.pem'].map((name) => join(home, name)) as [string, string, string, string, string]
  mkdirSync(join(project, '.git'), { recursive: true })
  mkdirSync(join(home, '.cco'))
  // Where nobody listens: what is reached is what was announced.
  writeFileSync(join(home, '.cco', 'config.json'), JSON.stringify({ sidecar: { storage, port: Number(DEAD_PORT) } }))
  const made = makeCertificate()
  writeFileSync(cert, made.cert)
  writeFileSync(key, made.key)
  const cco = async (args: string[], env: Record<string, string> = {}): Promise<{ code: number, said: string }> => {
    const terminal = stubTerminal({ cwd: project, env: { HOME: home, ...env } })
    return { code: await run(args, terminal), said: terminal.stdout() + terminal.stderr() }
  }
  const running = start(['start', '--port', '0', '--socket', socket, '--tls-cert', cert, '--tls-key', key], { cwd: project, home })
  const [, port] = await running.printed(/^cco-sidecar .* listening on https:\/\/127\.0\.0\.1:(\d+)/m)
  const url = `https://127.0.0.1:${port}`

  const announcement = JSON.parse(readFileSync(join(storage, 'sidecar.json'), 'utf8')) as Announcement
  t.strictSame(announcement, { pid: running.child.pid, url, socket, ca: cert })
  t.equal(statSync(join(storage, 'sidecar.json')).mode & 0o777, 0o600)
  t.match(await cco(['health']), { code: 0, said: `unix:${socket}` })
  t.match(await cco(['status']), { code: 0 }, 'with the operator\'s token')
  for (const form of [`unix:${socket}`, `unix://${socket}`]) t.match(await cco(['status', '--url', form]), { code: 0 }, form)
  t.match(await cco(['health'], { CCO_SIDECAR_URL: `unix:${join(home, 'absent.sock')}` }), { code: 1, said: /No sidecar answers at unix:.*absent\.sock\. Start one with: cco start/ })

  await announceSidecar(storage, { ...announcement, socket: null })
  t.match(await cco(['status']), { code: 0 }, 'by the certificate that was announced')
  t.match(await cco(['health', '--url', url]), { code: 1, said: /no authority known here has signed; name the file of its authority with --ca or CCO_SIDECAR_CA/ })
  t.match(await cco(['health', '--url', url, '--ca', cert]), { code: 0 })
  t.match(await cco(['health', '--url', url], { CCO_SIDECAR_CA: cert }), { code: 0 })
  t.match(await cco(['health', '--url', url, '--ca', join(home, 'absent.pem')]), { code: 1, said: /The certificate .*absent\.pem cannot be read/ })

  running.child.kill('SIGTERM')
  t.equal((await running.ended).code, 0)
  t.notOk(existsSync(join(storage, 'sidecar.json')))
  t.match(await cco(['health']), { code: 1, said: /No sidecar answers at http:\/\/127\.0\.0\.1:\d+\. Start one/ })
  await announceSidecar(storage, announcement)
  t.equal(await readAnnouncement(storage), undefined, 'what a killed one has left does not count')
})

t.test('a certificate of its own is told of by its file, another one by that of its authority, and one that everybody trusts not at all', async (t) => {
  const folder = await quickFolder(t)
  const [own, signed] = [join(folder, 'own.pem'), join(folder, 'signed.pem')]
  writeFileSync(own, makeCertificate().cert)
  writeFileSync(signed, makeCertificate({ issuer: 'An Authority' }).cert)
  const tls = { http2: true, key: 'key.pem' }
  t.equal(authorityFileOf({ http2: true }), undefined)
  t.equal(authorityFileOf({ ...tls, cert: own }), own)
  t.equal(authorityFileOf({ ...tls, cert: signed }), undefined)
  t.equal(authorityFileOf({ ...tls, cert: signed, ca: '/ca.pem' }), '/ca.pem')
  writeFileSync(signed, makeCertificate({ issuer: 'An Authority' }).cert + makeCertificate().cert)
  t.equal(authorityFileOf({ ...tls, cert: signed }), signed, 'a chain that ends with its authority')
})
