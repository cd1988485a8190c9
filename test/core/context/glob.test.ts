import fc from 'fast-check'
import t from 'tap'
import { matchesGlob } from '../../../core/context/glob.js'
import { MOST_COST, costOf } from '../../support/cost.js'

/** What the matcher must agree with: the definition, tried in every way, at exponential cost. */
function reference (names: string[], patterns: string[]): boolean {
  const [pattern, ...rest] = patterns
  if (pattern === undefined) return names.length === 0
  if (pattern === '**') return names.some((_, taken) => reference(names.slice(taken), rest)) || reference([], rest)
  const [name, ...others] = names
  return name !== undefined && referenceName([...name], [...pattern]) && reference(others, rest)
}

function referenceName (name: string[], pattern: string[]): boolean {
  const [sign, ...rest] = pattern
  if (sign === undefined) return name.length === 0
  if (sign === '*') return referenceName(name, rest) || (name.length > 0 && referenceName(name.slice(1), pattern))
  return name.length > 0 && (sign === '?' || sign === name[0]) && referenceName(name.slice(1), rest)
}

const nameOf = (...signs: string[]) => fc.array(fc.constantFrom(...signs), { maxLength: 5 }).map(all => all.join(''))
const paths = fc.array(nameOf('a', 'b', '.'), { minLength: 1, maxLength: 5 })
const globs = fc.array(fc.oneof({ weight: 3, arbitrary: nameOf('a', 'b', '.', '*', '?') }, { weight: 1, arbitrary: fc.constant('**') }), { minLength: 1, maxLength: 5 })

t.test('agrees with the definition', async t => {
  let matched = 0
  fc.assert(fc.property(paths, globs, (names, patterns) => {
    const expected = reference(names, patterns)
    if (expected) matched++
    return matchesGlob(names.join('/'), patterns.join('/')) === expected
  }), { numRuns: 20_000, seed: 1 })
  t.ok(matched > 500, `${matched} of the cases match, so both answers are tried`)
})

t.test('a path made from a glob matches it', async t => {
  // Random paths seldom match a long glob; these always must.
  const made = fc.array(fc.oneof(
    fc.tuple(nameOf('a', 'b'), nameOf('x', 'y'), nameOf('a')).map(([start, any, end]) => [`${start}*${end}`, `${start}${any}${end}`] as const),
    nameOf('x', '/').map(any => ['**', any] as const),
    nameOf('a', 'b', '?').map(name => [name, name.replaceAll('?', 'z')] as const)
  ), { minLength: 1, maxLength: 6 })
  fc.assert(fc.property(made, parts => {
    const glob = parts.map(([pattern]) => pattern).join('/')
    // `**` may stand for no folder at all.
    const path = parts.filter(([pattern, any]) => pattern !== '**' || any !== '').map(([, any]) => any).join('/')
    return parts.every(([pattern, any]) => pattern === '**' && any === '') || matchesGlob(path, glob)
  }), { numRuns: 5000, seed: 2 })
})

t.test('by example', async t => {
  const yes: [string, string][] = [
    ['src/a.ts', 'src/*.ts'], ['src/a.ts', '**/*.ts'], ['a.ts', '**/*.ts'], ['src/x/y/a.ts', 'src/**/a.ts'], ['src/a.ts', 'src/**/a.ts'], ['src/a.ts', 'src/**'],
    ['src', 'src/**'], ['a/b', '**'], ['.github/x.yml', '*/*.yml'], ['ab', 'a?'], ['a**b', 'a**b'], ['aXb', 'a**b']
  ]
  const no: [string, string][] = [
    ['src/x/a.ts', 'src/*.ts'], ['src/a.tsx', 'src/*.ts'], ['lib/src/a.ts', 'src/**'], ['a', 'a?'], ['a/b', 'a?b'], ['a/b', 'a*b'], ['A.ts', 'a.ts'], ['a.ts', '*.{ts,js}'],
    ['a.ts', '[a-z].ts'], ['aats', 'a.ts'], ['a', ''], ['a', 'a/'], ['a/b', '/a/b']
  ]
  for (const [path, glob] of yes) t.ok(matchesGlob(path, glob), `${glob} matches ${path}`)
  for (const [path, glob] of no) t.notOk(matchesGlob(path, glob), `${glob} does not match ${path}`)
})

t.test('costs no more than the product of both lengths', async t => {
  const hostile: [string, string][] = [
    ['a'.repeat(5000), `${'*a'.repeat(2000)}b`],
    ['a/'.repeat(2000), `${'**/a/'.repeat(1000)}b`],
    [`${'a'.repeat(4000)}/x`, `${'*a?'.repeat(1000)}/y`]
  ]
  for (const [path, glob] of hostile) {
    const cost = await costOf(() => t.notOk(matchesGlob(path, glob)))
    t.ok(cost < MOST_COST, `${glob.slice(0, 10)}… costs ${Math.round(cost)}`)
  }
})
