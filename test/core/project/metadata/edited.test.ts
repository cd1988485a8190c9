import fc from 'fast-check'
import t from 'tap'
import { structureOf, treeJson } from '../../../../core/context/sections.js'
import type { ProjectFile, ProjectView } from '../../../../core/contracts/index.js'
import { languageOf } from '../../../../core/project/languages.js'
import { readMetadata } from '../../../../core/project/metadata.js'

const PATHS = ['Cargo.toml', 'coverage/lcov.info', 'index.js', 'lib/a.py', 'package.json', 'src/main.rs', 'vendor/x.js']
const CONTENTS: Record<string, (turn: number) => string> = {
  'Cargo.toml': turn => `[package]\nname = "crate-${turn}"\n`,
  'package.json': turn => JSON.stringify({ name: `shop-${turn}`, main: turn % 2 === 0 ? 'index.js' : 'lib/a.py', dependencies: { fastify: `${turn}.0.0` } }),
  'coverage/lcov.info': turn => `SF:index.js\nLF:10\nLH:${turn}\nend_of_record\n`
}

interface Entry { file: ProjectFile, content: string }

function entry (path: string, turn: number, modified: number): Entry {
  const content = CONTENTS[path]?.(turn) ?? 'x'.repeat(turn)
  return { content, file: { path, size: content.length, modified, language: languageOf(path) } }
}

function viewOf (id: string, entries: ReadonlyMap<string, Entry>): ProjectView {
  const files = [...entries.values()].map(({ file }) => file).sort((one, other) => (one.path < other.path ? -1 : 1))
  return { id, files, read: async (path: string) => entries.get(path)?.content } as unknown as ProjectView
}

t.test('what is kept of a project whose files are edited is what would be found anew', async t => {
  const step = fc.record({ path: fc.constantFrom(...PATHS), turn: fc.integer({ min: 1, max: 9 }), modified: fc.nat(5), isGone: fc.constantFrom(false, false, false, true) })
  let projects = 0
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async steps => {
    const id = `edited-${projects++}`
    const entries = new Map(PATHS.map(path => [path, entry(path, 1, 1)]))
    for (const [number, { path, turn, modified, isGone }] of steps.entries()) {
      if (isGone && entries.has(path)) entries.delete(path)
      else entries.set(path, entry(path, turn, modified))
      const [kept, anew] = [viewOf(id, entries), viewOf(`${id} anew ${number}`, entries)]
      t.strictSame(await readMetadata(kept), await readMetadata(anew))
      for (const bytes of [60, 10_000]) {
        const structure = structureOf(kept, bytes)
        t.strictSame(structure, structureOf(anew, bytes))
        const tree = treeJson(structure.value)
        t.equal(`"project_structure${tree.text}":${structure.value.total_files},"total_size_bytes":${structure.value.total_size_bytes}}`, `"project_structure":${JSON.stringify(structure.value)}`)
        t.equal(tree.bytes.toString(), tree.text)
      }
    }
    return t.passing()
  }), { numRuns: 40, seed: 7 })
})

t.test('manifests are read again when one of them is edited, and not for another file', async t => {
  const reads: string[] = []
  const entries = new Map(['index.js', 'package.json'].map(path => [path, entry(path, 2, 1)]))
  const ask = async (): Promise<unknown> => {
    const view = viewOf('manifests', entries)
    const { manifests, entry_points: entryPoints } = await readMetadata({ ...view, read: async path => { reads.push(path); return await view.read(path) } })
    return [manifests[0]?.name, entryPoints, reads.splice(0)]
  }
  t.strictSame(await ask(), ['shop-2', ['index.js'], ['package.json']])
  entries.set('index.js', entry('index.js', 5, 2))
  t.strictSame(await ask(), ['shop-2', ['index.js'], []])
  entries.set('package.json', entry('package.json', 4, 2))
  t.strictSame(await ask(), ['shop-4', ['index.js'], ['package.json']])
})
