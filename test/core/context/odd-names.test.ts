import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createRepository, git, writeFiles } from '../../support/repository.js'
import { startSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'

const LEVELS = 500
const DEEP = `${'d/'.repeat(LEVELS)}deep.py`

/** Names that are awkward on a command line, in a pattern of paths, in a listing, on a screen or in JSON. */
const NAMES = [
  'new\nline.py', 'carriage\rreturn.py', 'tab\t.py', '\u0001.py', 'quo"te\'s.py', 'back\\slash.py', 'sp ace .py', ' leading.py',
  '-rf.py', '--output=x.py', ':(exclude)x.py', ':(exclude)*', ':/top.py', ':!not.py', '*.py', 'q?[x].py', '#.py', '!.py', '%s.py', '$(touch x).py', '`x`.py', '~.py',
  '\u202egnp.py', '\u2066x\u2069.py', 'é.py', 'e\u0301.py', '\u{1F600}.py', '__proto__', 'constructor', '漢'.repeat(84), `${'n'.repeat(252)}.py`, DEEP
]
const NO_UTF8 = [Buffer.from([0xFF, 0xFE]), Buffer.from([0x66, 0xC3, 0x28])]

t.test('FAULT 28: names of any kind are listed, read, seen to change and told of as they are; what is no UTF-8 is skipped and said', async t => {
  for (const kind of ['repository', 'plain'] as const) {
    await t.test(kind, async t => {
      const root = await temporaryFolder(t, 'cco-project')
      await mkdir(join(root, 'odd'))
      const files = Object.fromEntries(NAMES.map((name, index) => [name === DEEP ? name : `odd/${name}`, `value_${index} = ${index}\n`]))
      await writeFiles(root, files)
      for (const name of NO_UTF8) {
        mkdirSync(Buffer.concat([Buffer.from(`${root}/odd/folder`), name]))
        writeFileSync(Buffer.concat([Buffer.from(`${root}/odd/`), name, Buffer.from('.py')]), 'unreadable = 1\n')
      }
      if (kind === 'repository') await createRepository(root, {})
      const { ask, agent } = await startSidecar(t, { root })
      const { token } = await agent('python-specialist')
      const get = async () => {
        const { status, body, text } = await ask('GET', '/api/context/i-1/python-specialist?explain=true&max_tokens=1000000&requirements=config-files', { token })
        t.equal(status, 200, text.slice(0, 300))
        return body as { context: { relevant_files: { path: string, content: string }[], project_structure: { total_files: number }, git_context: { recent_commits: { files_changed: string[] }[], uncommitted_changes: { path: string, status: string, diff: string | null }[] } | null }, explanation: { path: string, reason: string }[] }
      }
      const paths = Object.keys(files)
      const { context, explanation } = await get()
      t.equal(context.project_structure.total_files, paths.length, 'each is listed, and nothing else')
      const shown = new Map(context.relevant_files.map(({ path, content }) => [path, content]))
      for (const path of paths) if (path.endsWith('.py')) t.equal(shown.get(path), files[path], JSON.stringify(path.slice(0, 40)))
      t.match(explanation.find(({ path }) => path === ''), { reason: '2 names are no UTF-8' })

      await writeFiles(root, Object.fromEntries(paths.map((path) => [path, `${files[path]}changed = 1\n`])))
      const after = (await get()).context
      for (const { path, content } of after.relevant_files) if (path in files) t.match(content, 'changed = 1', `${JSON.stringify(path.slice(0, 40))} is never stale`)
      if (kind === 'plain') return t.equal(after.git_context, null)
      t.strictSame([...context.git_context!.recent_commits[0]!.files_changed].filter((path) => path in files).length > 0, true, 'the commit names them')
      const changes = new Map(after.git_context!.uncommitted_changes.map((change) => [change.path, change]))
      for (const path of paths) t.match(changes.get(path), { status: 'modified', diff: /\+changed = 1/ }, `${JSON.stringify(path.slice(0, 40))} is told to have changed`)
      t.equal(await git(root, 'status', '--porcelain', '-z').then((output) => output.split('\0').filter((line) => line !== '' && !line.startsWith(' M ')).length), 0, 'and nothing was made, moved or removed')
    })
  }
})
