import t from 'tap'
import type { ProjectFile, ProjectView } from '../../../core/plugin-api.js'
import architectureDocs from '../../../plugins/context/architecture-docs.js'
import docs from '../../../plugins/context/docs.js'
import sourceFiles from '../../../plugins/context/source-files.js'
import { definePlugin } from '../../../core/plugin-api.js'
import { MANIFEST } from '../../../core/plugin-host/define-plugin.js'
import { fakeProject, gather } from './fake-project.js'

/** The same strategy for each request, as the host has it: what it remembers outlives a request. */
async function once (plugin: typeof docs): Promise<typeof docs> {
  const manifest = plugin[MANIFEST]
  const strategy = await manifest.create({ maxItems: 400 } as never, { clock: () => 0, sidecar: {} } as never)
  return definePlugin({ ...manifest, create: () => strategy } as never)
}

/** The project after a change: another list, with another object for the file that is new or has changed. */
function changed (project: ProjectView, file: ProjectFile, content: string): ProjectView {
  return {
    ...project,
    files: [...project.files.filter(({ path }) => path !== file.path), file].sort((one, other) => one.path < other.path ? -1 : 1),
    read: async path => path === file.path ? content : await project.read(path)
  }
}

const DIAGRAM = '```mermaid\ngraph\n```'

t.test('a text is looked into once for all requests, and again when its file changes', async t => {
  const plugin = await once(architectureDocs)
  const project = fakeProject({ 'docs/plain.md': 'Nothing.', 'docs/flow.md': DIAGRAM })
  for (let request = 0; request < 3; request++) t.same((await gather(plugin, project)).paths, ['docs/flow.md'])
  t.same(project.reads.sort(), ['docs/flow.md', 'docs/plain.md'], 'one read each')

  const file = { path: 'docs/plain.md', size: DIAGRAM.length, modified: 1, language: 'markdown' }
  const drawn = changed(project, file, DIAGRAM)
  t.same((await gather(plugin, drawn)).paths.sort(), ['docs/flow.md', 'docs/plain.md'])
  const erased = changed(drawn, { ...file, path: 'docs/flow.md' }, 'Gone.')
  t.same((await gather(plugin, erased)).paths, ['docs/plain.md'])
  t.same((await gather(plugin, project)).paths, ['docs/flow.md'], 'who still has the old list is told of the old files')
  t.equal(project.reads.length, 2, 'what did not change is not read again')
})

t.test('requests at the same time share their reads', async t => {
  const plugin = await once(architectureDocs)
  const project = fakeProject({ 'docs/plain.md': 'Nothing.', 'docs/flow.md': DIAGRAM })
  const answers = await Promise.all(Array.from({ length: 20 }, async () => await gather(plugin, project)))
  for (const { paths } of answers) t.same(paths, ['docs/flow.md'])
  t.equal(project.reads.length, 2)
})

t.test('what could not be read is tried again', async t => {
  const plugin = await once(architectureDocs)
  const project = fakeProject({ 'docs/flow.md': DIAGRAM })
  t.same((await gather(plugin, { ...project, read: async () => undefined })).paths, [])
  await t.rejects(gather(plugin, { ...project, read: async () => { throw new Error('no') } }), { message: 'no' })
  t.same((await gather(plugin, project)).paths, ['docs/flow.md'])
})

t.test('one request that is given up takes nothing from the others', async t => {
  const plugin = await once(architectureDocs)
  const project = fakeProject({ 'docs/flow.md': DIAGRAM })
  const [given, kept] = await Promise.allSettled([gather(plugin, project, { signal: AbortSignal.abort(new Error('gone')) }), gather(plugin, project)])
  t.match(given, { status: 'rejected', reason: { message: 'gone' } })
  t.match(kept, { status: 'fulfilled', value: { paths: ['docs/flow.md'] } })
})

t.test('rules and globs are asked anew of another list of files', async t => {
  const strategies = { docs: await once(docs), sourceFiles: await once(sourceFiles) }
  const project = fakeProject({ 'docs/b.md': 'b', 'src/b.ts': 'b', 'zoo/b.ts': 'b' })
  const ask = async (view: ProjectView) => [
    ...(await gather(strategies.docs, view, { with: { paths: ['docs/**'] } })).paths,
    ...(await gather(strategies.sourceFiles, view, { with: { paths: ['src/**', 'docs/**'] } })).paths
  ]
  for (let request = 0; request < 2; request++) t.same(await ask(project), ['docs/b.md', 'src/b.ts'])
  // First in the list, so that all others move.
  const grown = changed(changed(project, { path: 'docs/a.md', size: 1, modified: 0, language: 'markdown' }, 'a'), { path: 'src/a.ts', size: 1, modified: 0, language: 'typescript' }, 'a')
  for (let request = 0; request < 2; request++) t.same(await ask(grown), ['docs/a.md', 'docs/b.md', 'src/a.ts', 'src/b.ts'])
  t.same(await ask({ ...grown, files: grown.files.filter(({ path }) => !path.endsWith('b.ts')) }), ['docs/a.md', 'docs/b.md', 'src/a.ts'])
  t.same(await ask(project), ['docs/b.md', 'src/b.ts'])
})

t.test('what one agent asks for is not what another is given', async t => {
  const plugin = await once(sourceFiles)
  const project = fakeProject({ 'src/a.ts': 'a', 'lib/b.ts': 'b' })
  for (let request = 0; request < 2; request++) {
    t.same((await gather(plugin, project, { with: { paths: ['src/**'] } })).paths, ['src/a.ts'])
    t.same((await gather(plugin, project, { with: { paths: ['lib/**'] } })).paths, ['lib/b.ts'])
    t.same((await gather(plugin, project, { with: { paths: ['li', 'b/**'] } })).paths, [])
    t.same((await gather(plugin, project, { with: { prefer: ['lib/**'] } })).paths, ['lib/b.ts', 'src/a.ts'])
    t.same((await gather(plugin, project, { with: { prefer: ['src/**'] } })).paths, ['src/a.ts', 'lib/b.ts'])
  }
})

t.test('more lists of globs than are remembered', async t => {
  const plugin = await once(sourceFiles)
  const project = fakeProject({ 'src/a.ts': 'a', 'lib/b.ts': 'b' })
  for (let request = 0; request < 600; request++) {
    const { paths } = await gather(plugin, project, { with: { paths: [request % 2 === 0 ? 'src/**' : 'lib/**', `none${request % 300}`] } })
    if (paths.join() !== (request % 2 === 0 ? 'src/a.ts' : 'lib/b.ts')) t.fail(`${request}: ${paths.join()}`)
  }
  t.pass('each right')
})
