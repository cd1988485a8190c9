import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { countTokens as countWhole } from 'gpt-tokenizer/encoding/o200k_base'
import t from 'tap'
import { packRanks } from '../../../core/project/worker/byte-pair-ranks.js'
import { countBytePairs } from '../../../core/project/worker/byte-pairs.js'
import { countTokens } from '../../../core/project/worker/tokens.js'
import { anyCharacter } from '../../support/any-character.js'

const truth = (text: string): number => countWhole(text, { disallowedSpecial: new Set() })

t.test('a text has as many tokens as its parts', async t => {
  const word = fc.oneof(fc.constantFrom("it's", 'don', "'", ' ', '  ', '\n', '\\n', '"', 'fooBar', '12', '1234', '/', '//', 'é', 'e\u0301', '語', '\u{1F600}', '<|endoftext|>', '.', '","'), fc.string({ maxLength: 6 }), fc.string({ unit: anyCharacter, maxLength: 3 }))
  fc.assert(fc.property(fc.array(word, { maxLength: 40 }), (words) => {
    const text = words.join('')
    return countTokens(text) === truth(text) && countTokens(text) === truth(text)
  }), { numRuns: 2000, seed: 1 })
  for (const path of ['package.json', 'README.md']) {
    const text = JSON.stringify(readFileSync(path, 'utf8'))
    t.equal(countTokens(text), truth(text), path)
  }
  const long = JSON.stringify(readFileSync('docs/context.md', 'utf8').repeat(2))
  for (const text of [long, long.slice(0, 9000), long.replace('Files', 'files'), `${long.slice(0, 5000)}x${long.slice(5000)}`]) t.equal(countTokens(text), truth(text), 'of paragraphs that were counted before')
  // Without blank lines: a list of paths, changed at its beginning, in the middle and at its end.
  const paths = JSON.stringify(Array.from({ length: 800 }, (_, number) => `packages/part-${number * 37 % 101}/src/it's-${number}.test.ts`))
  for (const text of [paths, `{"total":1,"files":${paths}`, paths.replace('part-37', "p'art-é"), `${paths.slice(0, 20_000)}12${paths.slice(20_000)}`, `${paths}12`]) t.equal(countTokens(text), truth(text), 'of pieces that were counted before')
  t.equal(countTokens(''), 0)
})

t.test('tokens are counted as the published encoder does', async t => {
  const unit = fc.oneof(fc.integer({ min: 32, max: 126 }), fc.integer({ min: 0, max: 0x2FFF }), fc.integer({ min: 0x3000, max: 0xFEFE }), fc.integer({ min: 0x10000, max: 0x10FFFF }))
  fc.assert(fc.property(fc.array(unit, { maxLength: 24 }), (units) => {
    const text = String.fromCodePoint(...units)
    return countBytePairs(text) === truth(text)
  }), { numRuns: 3000, seed: 1 })
  for (const text of ['x'.repeat(5000), 'ab'.repeat(300), '語'.repeat(500), ' \n \n\t ', 'e\u0301x', '²³', '\u{1F469}\u200D\u{1F469}\u200D\u{1F466} hi', '']) t.equal(countBytePairs(text), truth(text), text.slice(0, 10))
  // The package takes a mark of the order of bytes out of what it looks up, and counts 5.
  t.equal(countBytePairs('\uFEFFusing System;'), 3)
})

t.test('the ranks that the build has prepared are the published ones', async t => {
  for (const path of ['dist/core/project/worker', 'dist/bundle/chunks']) t.ok(readFileSync(`${path}/o200k_base.ranks`).equals(packRanks()), path)
})

t.test('a run that has no end costs no more than it is long', async t => {
  // The best of several: one run alone may have been interrupted.
  const time = (text: string): number => Math.min(...Array.from({ length: 3 }, () => {
    const started = performance.now()
    countTokens(text)
    return performance.now() - started
  }))
  time('語'.repeat(20_000))
  const [short, long] = [time('語'.repeat(10_000)), time('語'.repeat(40_000))]
  t.ok(long < 40 * short, `${long} ms against ${short} ms`)
})
