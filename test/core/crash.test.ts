import t from 'tap'
import { copyWithout } from '../support/without-safeguard.js'
import { crashOverFile, crashOverResult, type Call } from './crash.js'

const MOMENTS: [Call, string][] = [
  ['writeFile', 'in the middle of writing'],
  ['datasync', 'between writing and renaming'],
  ['sync', 'after renaming']
]

/** Both are written in their place. */
const BESIDE = [
  { module: 'core/durable-file.js', line: "await open(temporary, 'wx', FILE_MODE)", without: "await open(path, 'w', FILE_MODE)" },
  { module: 'plugins/storage/files/slot-writer.js', line: 'writeSynced(temporary, text)', without: 'writeSynced(historyFile(slot, entry), text)' }
]

for (const [call, when] of MOMENTS) {
  t.test(`FAULT 7: a crash ${when} leaves the old or the new file, and what is left beside it is cleaned`, async (t) => {
    t.strictSame(await crashOverFile(t, { call }), [])
    t.strictSame(await crashOverResult(t, { call }), [])
  })
}

t.test('FAULT 7, safeguard taken out: files that are written in their place are found', async (t) => {
  const build = await copyWithout(t, BESIDE)
  t.match(await crashOverFile(t, { call: 'writeFile', build }), [/a mixture/])
  t.match(await crashOverResult(t, { call: 'writeFile', build }), [/is cut off/])
})
