import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { GitDirectory } from '../../../core/project/worker/git-directory.js'
import { findIndexEntries, readIndex, type IndexEntries } from '../../../core/project/worker/git-index.js'
import { createTrackedReader } from '../../../core/project/worker/tracked.js'
import { watchLoop } from '../../support/loop-watch.js'
import { temporaryFolder } from '../../support/temporary.js'

interface Listed { path: Buffer | string, mode?: number, stage?: number, skipped?: boolean, times?: number }

/** An index as git writes it; see gitformat-index(5). */
function indexOf (version: 2 | 3 | 4, entries: readonly Listed[], extensions = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(12)
  head.write('DIRC')
  head.writeUInt32BE(version, 4)
  head.writeUInt32BE(entries.length, 8)
  let last = Buffer.alloc(0)
  const written = entries.map(({ path, mode = 0o100644, stage = 0, skipped = false, times = 0 }) => {
    const bytes = Buffer.from(path)
    const fixed = Buffer.alloc(skipped ? 64 : 62, times)
    fixed.writeUInt32BE(mode, 24)
    createHash('sha1').update(bytes).digest().copy(fixed, 40)
    fixed.writeUInt16BE((skipped ? 0x4000 : 0) | (stage << 12) | Math.min(bytes.length, 0xFFF), 60)
    if (skipped) fixed.writeUInt16BE(0x4000, 62)
    if (version !== 4) return Buffer.concat([fixed, bytes, Buffer.alloc(8 - (fixed.length + bytes.length) % 8)])
    let shared = 0
    while (shared < Math.min(last.length, bytes.length) && last[shared] === bytes[shared]) shared++
    const strip = last.length - shared
    last = bytes
    return Buffer.concat([fixed, Buffer.from(strip < 128 ? [strip] : [(strip >> 7) - 1 | 128, strip & 127]), bytes.subarray(shared), Buffer.alloc(1)])
  })
  const all = Buffer.concat([head, ...written, extensions])
  return Buffer.concat([all, createHash('sha1').update(all).digest()])
}

const LONG = 'x'.repeat(5000)
const ENTRIES: Listed[] = [
  { path: 'a.txt' }, { path: 'lib/a.ts' }, { path: 'lib/b.ts', stage: 1 }, { path: 'lib/b.ts', stage: 2 }, { path: 'lib/deep/er/c.ts' },
  { path: 'lib/f.ts', mode: 0o100755 }, { path: Buffer.from('lib/\xff.ts', 'latin1') }, { path: `lib/${LONG}/${LONG}.ts` }, { path: 'lib/z/.gitignore', skipped: true },
  { path: 'module', mode: 0o160000 }, { path: Buffer.from('odd\xff/a.ts', 'latin1') }, { path: 'straße/ü.ts' }
]

t.test('an index is read by folders, in each of its versions', async t => {
  const path = join(await temporaryFolder(t, 'cco-index'), 'index')
  const read = async (bytes: Buffer): Promise<IndexEntries> => {
    writeFileSync(path, bytes)
    return await readIndex(path, 20) as IndexEntries
  }
  for (const version of [3, 4] as const) {
    const { hash, ...found } = await read(indexOf(version, ENTRIES))
    t.strictSame(found, {
      folders: new Map([
        ['', ['a.txt']], ['lib', ['a.ts', 'b.ts', 'f.ts']], ['lib/deep/er', ['c.ts']], [`lib/${LONG}`, [`${LONG}.ts`]], ['lib/z', ['.gitignore']], ['straße', ['ü.ts']]
      ]),
      gitlinks: ['module'],
      unreadable: ['lib/\xff.ts', 'odd\xff/a.ts'],
      skipped: ['lib/z/.gitignore']
    }, `version ${version}`)
    t.equal((await read(indexOf(version, ENTRIES.map((entry) => ({ ...entry, times: 7 }))))).hash, hash, 'what files looked like when they were compared does not count')
    t.not((await read(indexOf(version, ENTRIES.slice(1)))).hash, hash)
    t.not((await read(indexOf(version, [{ path: 'a.txt', mode: 0o100755 }, ...ENTRIES.slice(1)]))).hash, hash)
    t.equal(await read(indexOf(version, ENTRIES, Buffer.from('link\0\0\0\0'))), 'unknown')
    t.equal(await read(indexOf(version, [{ path: 'lib/', mode: 0o040000 }])), 'unknown')
    writeFileSync(path, indexOf(version, ENTRIES))
    t.strictSame([...await findIndexEntries(path, 20, new Set(['straße/ü.ts', 'lib/f.ts', 'lib/b.ts', 'gone.ts'])) ?? []].map(([name, { mode, isSpecial }]) => [name, mode, isSpecial]), [
      ['lib/b.ts', 0o100644, true], ['lib/f.ts', 0o100755, false], ['straße/ü.ts', 0o100644, false]
    ])
  }
})

t.test('FAULT 29: an index of 100,000 entries is read in short pieces, and little is held of it', async t => {
  const own = await temporaryFolder(t, 'cco-index')
  const path = join(own, 'index')
  const entries = Array.from({ length: 100_000 }, (_, index) => ({ path: `part-${1000 + Math.floor(index / 4000)}/folder-${10_000 + Math.floor(index / 70)}/file-${100_000 + index}.ts` }))
  writeFileSync(path, indexOf(2, entries))
  const wanted = new Set([entries[5]!.path])
  for (const [what, run] of [
    ['all of it', async () => await readIndex(path, 20)],
    ['one entry', async () => await findIndexEntries(path, 20, wanted)]
  ] as const) {
    const shares = []
    // What else the machine does may stop any of them, but hardly all at their longest piece.
    for (let round = 0; round < 8; round++) {
      const { took, longest } = await watchLoop(run)
      shares.push(longest / took)
    }
    t.ok(Math.min(...shares) < 0.8, `${what}: the longest pieces took ${shares.map((share) => share.toFixed(2)).join(', ')} of the time`)
  }
  const tracked = await createTrackedReader()({ own, hashBytes: 20 } as GitDirectory, '')
  const texts = [...tracked?.folders.values() ?? []]
  t.ok(texts.every((names) => typeof names === 'string'), 'a set for each folder would take four times as much')
  t.strictSame([texts.reduce((sum, { length }) => sum + length + 1, 0) < 16 * entries.length, tracked?.folders.get('part-1000/folder-10000')?.split('\0').length], [true, 70])
})
