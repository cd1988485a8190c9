import { stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createRepository, createRepositoryWithGit, git, writeFiles } from './repository.js'
import { temporaryFolder } from './temporary.js'

const FILES = {
  'README.md': '# Sample\n',
  'src/main.py': 'def main():\n    return 1\n',
  'src/deep/er.txt': '',
  // A folder and a file between which the order of names and that of paths differ.
  'src.txt': 'a\n',
  'src-2/a.txt': 'a\n',
  'image.bin': Buffer.from([0, 255, 10, 13]),
  [`long/${'name'.repeat(40)}`]: 'long\n',
  'Größe 世界.txt': 'ä\n'
}

for (const [name, files] of Object.entries({ 'of several folders': FILES, 'of nothing': {} })) {
  t.test(`a repository ${name} that is written without git is what git makes`, async (t) => {
    const [written, made] = [await temporaryFolder(t), await temporaryFolder(t)]
    await createRepository(written, files)
    await writeFiles(made, files)
    await createRepositoryWithGit(made)
    for (const args of [['ls-files', '--stage'], ['rev-parse', 'HEAD^{tree}'], ['log', '--format=%an %ae %cn %ce %s %b', '--name-status'], ['config', '--local', '--list'], ['symbolic-ref', 'HEAD']]) {
      t.equal(await git(written, ...args), await git(made, ...args), args.join(' '))
    }
    t.equal(await git(written, 'fsck', '--strict', '--no-progress'), '')
    t.equal(await git(written, 'status', '--porcelain'), '')
    t.match(await git(written, 'reflog'), /HEAD@\{0\}: commit \(initial\): Begin/)
  })
}

t.test('its index holds what git compares files with, so that none is read again', async (t) => {
  const root = await temporaryFolder(t)
  await createRepository(root, FILES)
  t.equal(await git(root, 'diff-files', '--name-only'), '')
  const { atime, mtime } = await stat(join(root, 'src.txt'))
  await utimes(join(root, 'src.txt'), atime, new Date(mtime.getTime() - 5000))
  t.equal(await git(root, 'diff-files', '--name-only'), 'src.txt\n')
})

t.test('what ignores files, and what was there before, is left to git', async (t) => {
  const [ignoring, filled] = [await temporaryFolder(t), await temporaryFolder(t)]
  await createRepository(ignoring, { '.gitignore': '*.log\n', 'a.txt': 'a\n', 'b.log': 'b\n' })
  t.equal(await git(ignoring, 'ls-files'), '.gitignore\na.txt\n')
  await writeFiles(filled, { 'before.txt': 'before\n' })
  await createRepository(filled, { 'a.txt': 'a\n' })
  t.equal(await git(filled, 'ls-files'), 'a.txt\nbefore.txt\n')
})
