import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { PROGRAM } from '../../core/package-root.js'
import { startSidecar } from '../support/sidecar.js'
import { temporaryFolder } from '../support/temporary.js'
import { findSnippet, snippetsOf } from './pages.js'

const PAGE = 'docs/events.md'

const hasCurl = spawnSync('curl', ['--version']).status === 0

t.test('the commands of the guide to events run as they stand, one after the other', { skip: hasCurl ? false : 'needs curl' }, async (t) => {
  const { sidecar, storage, root } = await startSidecar(t, { settings: { 'rate-limit-enabled': 'false' } })
  const address = await sidecar.app.listen({ host: '127.0.0.1', port: 0 })
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'cco'), `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`)
  await chmod(join(folder, 'cco'), 0o755)
  // `set -e`: the first that fails ends it. What each prints is told apart by where it begins.
  const blocks = snippetsOf(PAGE).filter(({ language }) => language === 'sh')
  const script = blocks.map(({ line, text }) => `echo "== ${line}"\n${text.replaceAll('$(basename "$PWD")', 'sample')}`).join('\n')
  const child = spawn('sh', ['-e', '-c', script], {
    cwd: root,
    env: { PATH: `${folder}:${process.env.PATH}`, HOME: folder, SIDECAR_URL: `${address}/api`, CCO_SIDECAR_URL: address, CCO_SIDECAR_STORAGE: storage },
    timeout: 150_000,
    killSignal: 'SIGKILL'
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text })
  const [code] = await once(child, 'close') as [number | null]
  t.equal(code, 0, `${errors}\n${output.slice(-2000)}`)
  const printed = (containing: string): string => {
    const { line } = findSnippet(PAGE, 'sh', containing)
    return new RegExp(`== ${line}\\n([^]*?)(?=\\n== |$)`).exec(output)?.[1] ?? ''
  }
  const [first, second] = [...printed('idempotency-key').matchAll(/\{"event_id":"(evt_\w+)"/g)].map(([, id]) => id)
  t.equal(first, second, 'the same key gave the same event')
  t.match(printed('subscribe build_done'), /build_done/)
  t.match(printed('groups show'), /"acked":\["build-1"\][^]*group +builders\n/)
  t.match(printed('events trace'), /talk-1: 2 events, round 1[^]*\n└─ .*answer/)
  t.match(printed('--dry-run'), /^2 events would be replayed into sample\.$/m)
  t.match(printed('dead-letters list'), /^No dead letters\.\n0 dead letters handed over once more\.\n0 dead letters thrown away\.$/m)
  t.match(printed('specversion'), /"specversion":"1\.0"[^]*"published":true/)
})

t.test('the body of the guide is one that is taken', async (t) => {
  const { ask } = await startSidecar(t)
  const { text } = findSnippet(PAGE, 'json', '"correlation_id"')
  const { status, body } = await ask('POST', '/api/events/build_done', { body: JSON.parse(text) as object })
  t.equal(status, 202, JSON.stringify(body))
})
