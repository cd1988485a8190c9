import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { hunkOf } from '../../../core/project/worker/git-hunk.js'
import { quickFolder } from '../../support/temporary.js'

t.test('a change in one place is told as git tells it', async t => {
  const folder = await quickFolder(t, 'cco-hunk')
  const told = (before: Buffer, now: Buffer): string => {
    writeFileSync(join(folder, 'before'), before)
    writeFileSync(join(folder, 'now'), now)
    const { stdout } = spawnSync('git', ['diff', '--no-index', '--no-color', 'before', 'now'], { cwd: folder, env: { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' } })
    return stdout.toString('latin1').replace(/^[^]*?^(?=@@)/m, '')
  }
  const line = fc.oneof(fc.constantFrom('', '}', '  return x', 'function f () {', '_private', '$x  ', 'ünï', `long ${'é'.repeat(60)}`, '\x00', '-- a', 'a\r'), fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => text.replace(/\n/g, '')))
  const lines = fc.array(line, { maxLength: 12 })
  const text = (parts: readonly string[][]): Buffer => Buffer.from(parts.flat().map((part) => `${part}\n`).join(''))
  let answered = 0
  fc.assert(fc.property(lines, lines, lines, lines, fc.boolean(), (above, removed, added, below, isWhole) => {
    const before = text([above, removed, below])
    const now = isWhole ? text([above, added, below]) : text([above, added, below]).subarray(0, -1)
    const hunk = hunkOf(before, now)
    if (hunk === undefined) return true
    answered++
    return hunk.toString('latin1') === told(before, now)
  }), { numRuns: Number(process.env.CCO_RUNS ?? 250) })
  t.ok(answered > 20, `${answered} were told`)
})

t.test('what could be told in two ways is left to git', async t => {
  const hunk = (before: string, now: string): string | undefined => hunkOf(Buffer.from(before), Buffer.from(now))?.toString()
  t.equal(hunk('a\nb\n', 'a\nx\nb\n'), '@@ -1,2 +1,3 @@\n a\n+x\n b\n')
  t.equal(hunk('a\nb\n', 'a\nb\n'), undefined, 'no change')
  t.equal(hunk('a\nb\nc\n', 'x\nb\ny\n'), undefined, 'two places')
  t.equal(hunk('a\n}\nb\n', 'a\n}\nc\n}\nb\n'), undefined, 'lines that could stand elsewhere')
  t.equal(hunk('a\nb', 'a\nc'), undefined, 'no line end')
  t.equal(hunk('', 'a\n'), undefined)
})
