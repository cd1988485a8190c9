import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit, type Git } from '../../../../core/fleet/workspaces/git.js'
import { createLooks, readWorkingTree } from '../../../../core/fleet/workspaces/working-tree.js'
import { createProjectWorker } from '../../../../core/project/worker/client.js'
import { eventually } from '../../../../core/testing/expectations.js'
import { createRepository, git as runGit } from '../../../support/repository.js'
import { temporaryFolder } from '../../../support/temporary.js'

t.test('all that ask before a look begins share it, and none is given an older one', async (t) => {
  const answers: ((output: string) => void)[] = []
  const git: Git = async (_root, [command]) => (command === 'status' ? await new Promise((resolve) => answers.push(resolve)) : '')
  const look = createLooks(git)
  const head = (name: string): string => `# branch.oid ${name}\0`
  const first = look('/sample')
  const others = Array.from({ length: 118 }, async () => await look('/sample'))
  const elsewhere = look('/other')
  await eventually(() => answers.length === 2, 'each folder is looked at')
  answers[0]!(head('one'))
  t.equal((await first).head, 'one')
  await eventually(() => answers.length === 3, 'and once more')
  const late = look('/sample')
  answers[2]!(head('two'))
  t.ok((await Promise.all(others)).every(({ head }) => head === 'two'))
  await eventually(() => answers.length === 4, 'for who came after it had begun')
  answers[3]!(head('three'))
  t.equal((await late).head, 'three')
  answers[1]!(head('other'))
  t.equal((await elsewhere).head, 'other')
})

t.test('a look that fails is told to who shares it, and the next one is made', async (t) => {
  let calls = 0
  const look = createLooks(async (_root, [command]) => {
    if (command === 'status' && ++calls <= 2) throw new Error('not today')
    return ''
  })
  await Promise.all([1, 2, 3].map(async () => await t.rejects(look('/sample'), { message: 'not today' })))
  t.equal(calls, 2)
  t.equal((await look('/sample')).head, null)
})

t.test('paths are those below the folder, wherever it lies and whatever is configured', async (t) => {
  const worker = createProjectWorker()
  t.teardown(async () => await worker.close())
  const git = createGit(worker)
  const look = createLooks(git)
  const root = await temporaryFolder(t)
  await createRepository(root, { 'a.txt': 'a\n', 'below/b.txt': 'b\n' })
  const further = join(await temporaryFolder(t), 'further')
  await runGit(root, 'worktree', 'add', '--quiet', '-b', 'further', further)
  mkdirSync(join(root, 'below', 'deep'))
  for (const folder of [join(root, 'below'), join(further, 'below')]) writeFileSync(join(folder, 'b.txt'), 'changed\n')
  writeFileSync(join(root, 'below', 'deep', 'new.txt'), '')
  const check = async (folder: string, paths: string[]): Promise<void> => {
    const { top, common, prefix, ...status } = await readWorkingTree(git, folder)
    t.same(await look(folder), status, folder.slice(root.length))
    t.same(status.uncommitted.map(({ path }) => path), paths)
  }
  await check(root, ['below/b.txt', 'below/deep/new.txt'])
  await check(join(root, 'below'), ['b.txt', 'deep/new.txt'])
  await check(join(further, 'below'), ['b.txt'])
  // What the configuration includes only git can say.
  writeFileSync(join(root, 'more.gitconfig'), '')
  await runGit(root, 'config', 'include.path', '../more.gitconfig')
  await check(join(root, 'below'), ['b.txt', 'deep/new.txt'])
})
