import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { takeStorage } from '../../core/storage.js'
import { temporaryFolder } from '../support/temporary.js'

/** A process that has ended, so that its number is nobody's. */
async function deadProcess (): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid!
}

t.test('takes the folder, for its owner alone, and gives it back', async t => {
  const folder = join(await temporaryFolder(t), 'a/b')
  const lock = await takeStorage(folder)
  t.equal((await stat(folder)).mode & 0o777, 0o700)
  t.strictSame(await readdir(folder), ['sidecar.lock'], 'and leaves nothing beside the lock')
  t.equal((await stat(join(folder, 'sidecar.lock'))).mode & 0o777, 0o600)
  await t.rejects(takeStorage(folder), { code: 'SIDECAR_ERR_STORAGE_LOCKED', message: new RegExp(`in use by another sidecar \\(process ${process.pid}\\)\\. Stop it, or choose another folder with --storage`) })
  await lock.release()
  t.strictSame(await readdir(folder), [])
  await (await takeStorage(folder)).release()
})

t.test('closes an open folder to others', async t => {
  const folder = await temporaryFolder(t)
  await chmod(folder, 0o755)
  await (await takeStorage(folder)).release()
  t.equal((await stat(folder)).mode & 0o777, 0o700)
})

t.test('refuses a folder that others may have written to, and leaves it as it is', async t => {
  for (const mode of [0o777, 0o770, 0o702, 0o720]) {
    const folder = await temporaryFolder(t)
    await chmod(folder, mode)
    await t.rejects(takeStorage(folder), { code: 'SIDECAR_ERR_STORAGE_INVALID', message: /can be written by other users.*chmod 700/ }, mode.toString(8))
    t.equal((await stat(folder)).mode & 0o777, mode)
    t.strictSame(await readdir(folder), [])
  }
})

t.test('takes over what a dead sidecar held', async t => {
  const pid = await deadProcess()
  const left: [what: string, content: string][] = [
    ['of a process that has ended', JSON.stringify({ pid, started: '1', id: 'x' })],
    ['of a process whose number another has now', JSON.stringify({ pid: process.pid, started: 'at another time', id: 'x' })],
    ['cut off by a crash', '{"pid":'],
    ['empty', ''],
    ...['null', '[]', '{}', '5', '{"pid":0}', '{"pid":-1}', '{"pid":"1"}'].map((content): [string, string] => [`that says ${content}`, content])
  ]
  for (const [what, content] of left) {
    const folder = await temporaryFolder(t)
    await writeFile(join(folder, 'sidecar.lock'), content)
    const lock = await takeStorage(folder)
    t.match(JSON.parse(await readFile(join(folder, 'sidecar.lock'), 'utf8')), { pid: process.pid }, `a lock ${what}`)
    await lock.release()
    t.strictSame(await readdir(folder), [])
  }
})

t.test('of many who start at once exactly one gets it', async t => {
  const stale = JSON.stringify({ pid: await deadProcess(), started: null, id: 'x' })
  for (let round = 0; round < 20; round++) {
    const folder = await temporaryFolder(t)
    if (round % 2 === 0) await writeFile(join(folder, 'sidecar.lock'), stale)
    const taken = await Promise.allSettled(Array.from({ length: 12 }, async () => await takeStorage(folder)))
    const codes = taken.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []))
    t.strictSame(codes, Array(11).fill('SIDECAR_ERR_STORAGE_LOCKED'))
    t.strictSame(await readdir(folder), ['sidecar.lock'])
  }
})

t.test('release leaves the lock of somebody else', async t => {
  const folder = await temporaryFolder(t)
  const lock = await takeStorage(folder)
  await writeFile(join(folder, 'sidecar.lock'), JSON.stringify({ pid: process.pid, started: null, id: 'another' }))
  await lock.release()
  t.strictSame(await readdir(folder), ['sidecar.lock'])
})

t.test('discard', async t => {
  await t.test('removes what this start has made, folders above it included', async t => {
    const base = await temporaryFolder(t)
    const lock = await takeStorage(join(base, 'a/b/c'))
    await mkdir(join(base, 'a/b/c/keys'))
    await lock.release({ discard: true })
    t.strictSame(await readdir(base), [])
  })
  await t.test('leaves a folder above that somebody else has come to use', async t => {
    const base = await temporaryFolder(t)
    const lock = await takeStorage(join(base, 'a/b/c'))
    await writeFile(join(base, 'a/other'), '')
    await lock.release({ discard: true })
    t.strictSame(await readdir(join(base, 'a')), ['other'])
  })
  await t.test('leaves a folder that was there before, and what it holds', async t => {
    const base = await temporaryFolder(t)
    await mkdir(join(base, 'storage/results'), { recursive: true })
    const lock = await takeStorage(join(base, 'storage'))
    await lock.release({ discard: true })
    t.strictSame(await readdir(join(base, 'storage')), ['results'])
  })
})

t.test('what is no folder to write in is refused in words', async t => {
  const base = await temporaryFolder(t)
  await writeFile(join(base, 'file'), '')
  await symlink(join(base, 'nowhere'), join(base, 'dangling'))
  for (const path of ['file', 'file/below', 'dangling']) {
    await t.rejects(takeStorage(join(base, path)), { code: 'SIDECAR_ERR_STORAGE_INVALID', message: new RegExp(`^The storage folder .*/${path} `) })
  }
  if (process.platform === 'linux') await t.rejects(takeStorage('/proc/self'), { code: 'SIDECAR_ERR_STORAGE_INVALID' })
})
