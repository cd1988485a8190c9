import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startSidecar } from '../../support/sidecar.js'

interface Context {
  context: { relevant_files: { path: string, content: string }[] }
  file_count: number
  cache_hit: boolean
  delta?: { since: string, removed: string[], unchanged: number }
}

t.test('who holds an answer is sent only what differs from it', async t => {
  const { ask, root } = await startSidecar(t, { files: { 'src/cart.js': 'export const cart = 1\n', 'src/mail.js': 'export const mail = 1\n', 'src/old.js': 'export const old = 1\n' } })
  const get = async (query = ''): Promise<{ etag: string, body: Context }> => {
    const { status, headers, body } = await ask('GET', `/api/context/i-1/javascript-pro?task=cart${query}`)
    t.equal(status, 200)
    return { etag: headers.etag as string, body: body as unknown as Context }
  }
  const pathsOf = ({ context }: Context): string[] => context.relevant_files.map(({ path }) => path).sort()
  const first = await get()
  t.strictSame(pathsOf(first.body), ['src/cart.js', 'src/mail.js', 'src/old.js'])
  t.notOk('delta' in first.body)

  const same = await get(`&since=${encodeURIComponent(first.etag)}`)
  t.strictSame(pathsOf(same.body), [])
  t.strictSame(same.body.delta, { since: first.etag, removed: [], unchanged: 3 })
  t.equal(same.etag, first.etag)

  writeFileSync(join(root, 'src/cart.js'), 'export const cart = 2\n')
  rmSync(join(root, 'src/old.js'))
  mkdirSync(join(root, 'lib'))
  writeFileSync(join(root, 'lib/new.js'), 'export const fresh = 1\n')
  const second = await get(`&since=${encodeURIComponent(first.etag)}`)
  t.strictSame(pathsOf(second.body), ['lib/new.js', 'src/cart.js'])
  t.match(second.body.context.relevant_files.find(({ path }) => path === 'src/cart.js'), { content: 'export const cart = 2\n' })
  t.strictSame(second.body.delta, { since: first.etag, removed: ['src/old.js'], unchanged: 1 })
  const again = await get(`&since=${first.etag.replaceAll('"', '')}`)
  t.strictSame(again.body.delta, second.body.delta, 'without the quotes it is the same')
  t.match((await get(`&since=${first.etag}`)).body, { cache_hit: true, delta: second.body.delta }, 'and from the cache')

  const whole = await get('&since=unknown')
  t.strictSame(pathsOf(whole.body), ['lib/new.js', 'src/cart.js', 'src/mail.js'])
  t.notOk('delta' in whole.body, 'what is not known any more is answered whole')
  for (const path of ['lib/new.js', 'src/cart.js', 'src/mail.js']) rmSync(join(root, path))
  const none = await get(`&since=${encodeURIComponent(second.etag)}`)
  t.strictSame([pathsOf(none.body), none.body.delta?.removed.sort()], [[], ['lib/new.js', 'src/cart.js', 'src/mail.js']])
})
