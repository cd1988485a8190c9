import { readdirSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { startSidecar } from '../support/sidecar.js'
import { readPage } from '../docs/tables.js'

/** What each prints; lines that may come in any order are sorted. */
const PATTERNS: Record<string, RegExp> = {
  'request-response': /^4 files take 8 hours$/,
  broadcast: /^ada stops at 18:00\nbob stops at 18:00\neve stops at 18:00$/,
  'fan-out-fan-in': /^api 3, storage 7, docs 4$/,
  'feedback-loop': /^round 1: work_rejected\nround 2: work_rejected\nround 3: work_accepted$/,
  phases: /^design\nbuild after design\ntest after build\nship after test$/,
  'dependency-wait': /^deployed with image, migration, approval$/,
  'competing-workers': /^(?=[^]*built 0)(?=[^]*built 1)(?=[^]*built 2)(?=[^]*built 3)(?=[^]*built 4)(?=[^]*built 5)((ada|bob) built \d\n?){6}$/
}

t.test('each pattern works against a running sidecar', async (t) => {
  const { sidecar, agent } = await startSidecar(t, { settings: { 'rate-limit-enabled': 'false' } })
  const address = await sidecar.app.listen({ host: '127.0.0.1', port: 0 })
  const { token } = await agent('chief-architect')
  for (const [name, expected] of Object.entries(PATTERNS)) {
    t.test(name, async (t) => {
      const child = spawn(process.execPath, [join(PACKAGE_ROOT, 'examples', 'patterns', `${name}.mjs`)], {
        env: { PATH: process.env.PATH, SIDECAR_URL: `${address}/api`, JWT_TOKEN: token }, timeout: 50_000, killSignal: 'SIGKILL'
      })
      let output = ''
      let errors = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
      child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text })
      const [code] = await once(child, 'close') as [number | null]
      t.equal(code, 0, errors)
      t.match(output.trim(), expected)
    })
  }
})

t.test('every pattern is tested, and told in its page', async (t) => {
  const files = readdirSync(join(PACKAGE_ROOT, 'examples', 'patterns')).filter((name) => name.endsWith('.mjs'))
  t.strictSame(files.filter((name) => name !== 'sidecar.mjs').map((name) => name.replace('.mjs', '')).sort(), Object.keys(PATTERNS).sort())
  const page = readPage('examples/patterns/README.md')
  for (const name of files) t.ok(page.includes(`[${name}](${name})`), name)
})
