import fc from 'fast-check'
import t from 'tap'
import type { ProjectFile, ProjectView } from '../../../core/plugin-api.js'
import { indexOf, rememberedOfPlaces, type ProjectIndex } from '../../../plugins/context/shared/project-index.js'

const PATHS = ['a.ts', 'b.py', 'docs/c.md', 'src/d.ts', 'src/e.go', 'z.json']
const LANGUAGES: Record<string, string> = { ts: 'typescript', py: 'python', md: 'markdown', go: 'go' }

const file = (path: string, modified: number): ProjectFile => ({ path, size: modified, modified, language: LANGUAGES[path.split('.').at(-1)!] })
const viewOf = (id: string, files: readonly ProjectFile[]): ProjectView => ({ id, files } as unknown as ProjectView)

/** Files that are not even have a value. */
const odd = () => rememberedOfPlaces(place => place.file.modified % 2 === 0 ? undefined : { path: place.file.path, modified: place.file.modified })

const told = ({ places, medianModified, languages, sources, byWord }: ProjectIndex): unknown => ({ files: places.map(({ file }) => file), medianModified, languages: [...languages].map(String).sort(), sources: [...sources].map(String).sort(), words: [...byWord.keys()].sort() })

t.test('an index that follows edits is the one that would be made anew, and so is what is remembered of its files', async t => {
  const step = fc.record({ path: fc.constantFrom(...PATHS), modified: fc.nat(6), what: fc.constantFrom('edit', 'edit', 'edit', 'toggle') })
  let projects = 0
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), fc.boolean(), async (steps, skips) => {
    const id = `followed-${projects++}`
    const hitsOf = odd()
    let files = PATHS.map((path, modified) => file(path, modified))
    for (const [turn, { path, modified, what }] of steps.entries()) {
      const isThere = files.some(other => other.path === path)
      const others = files.filter(other => other.path !== path)
      files = what === 'toggle' && isThere ? others : [...others, file(path, modified)].sort((one, other) => one.path < other.path ? -1 : 1)
      const index = await indexOf(viewOf(id, files))
      const anew = await indexOf(viewOf(`${id} anew ${turn}`, files.slice()))
      t.strictSame(told(index), told(anew))
      // Not everybody asks about every list of files.
      if (skips && turn % 2 === 1) continue
      t.strictSame(await hitsOf(index), await odd()(anew))
    }
    return t.passing()
  }), { numRuns: 60, seed: 11 })
})

t.test('after an edit only the file that was edited is asked about', async t => {
  const asked: string[] = []
  const hitsOf = rememberedOfPlaces(place => {
    asked.push(place.file.path)
    return place.file.path.startsWith('src/') ? { path: place.file.path, size: place.file.size } : undefined
  })
  const files = PATHS.map((path, modified) => file(path, modified))
  const first = await hitsOf(await indexOf(viewOf('edited', files)))
  t.strictSame(asked.splice(0), PATHS)
  const next = await hitsOf(await indexOf(viewOf('edited', files.map(other => other.path === 'src/e.go' ? file('src/e.go', 99) : other))))
  t.strictSame(asked.splice(0), ['src/e.go'])
  t.strictSame([first, next], [[{ path: 'src/d.ts', size: 3 }, { path: 'src/e.go', size: 4 }], [{ path: 'src/d.ts', size: 3 }, { path: 'src/e.go', size: 99 }]], 'and who has the earlier list is not told otherwise')
})

t.test('files of one name are found in the order of their paths, also when some have gone and others have come', async t => {
  const paths = ['Index.ts', 'a/index.ts', 'b/index.ts', 'b/other.ts', 'c/index.ts']
  const namesakes = async (present: readonly string[]): Promise<string[]> => (await indexOf(viewOf('namesakes', present.map((path, modified) => file(path, modified))))).called('index.ts').map(place => place.file.path)
  t.strictSame(await namesakes(paths), ['Index.ts', 'a/index.ts', 'b/index.ts', 'c/index.ts'])
  t.strictSame(await namesakes(['a/index.ts', 'aa/index.ts', 'b/other.ts', 'c/index.ts']), ['a/index.ts', 'aa/index.ts', 'c/index.ts'])
  t.strictSame(await namesakes(['b/other.ts']), [])
})
