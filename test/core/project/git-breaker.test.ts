import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { closeGit, git } from '../../../core/project/worker/git.js'
import { temporaryFolder } from '../../support/temporary.js'

t.test('git that does not answer in a folder is left alone there, and nowhere else', async (t) => {
  const [tools, hanging, other] = [await temporaryFolder(t), await temporaryFolder(t), await temporaryFolder(t)]
  const calls = join(tools, 'calls')
  await writeFile(calls, '')
  // Stands for git on a file system that does not answer.
  await writeFile(join(tools, 'git'), `#!/bin/sh\necho x >> '${calls}'\n[ "$PWD" = '${hanging}' ] && exec sleep 60\n[ "$PWD" = '${other}' ] && exit 128\n`)
  await chmod(join(tools, 'git'), 0o755)
  const path = process.env.PATH
  process.env.PATH = `${tools}:${path}`
  t.teardown(async () => {
    process.env.PATH = path
    await closeGit()
  })
  for (let call = 0; call < 3; call++) await t.rejects(git(hanging, ['status'], { timeoutMs: 100 }), { code: 'ETIMEDOUT', message: 'git status: no answer within 0.1 s' })
  const before = await readFile(calls, 'utf8')
  await t.rejects(git(hanging, ['status'], { timeoutMs: 100 }), { code: 'EAGAIN', message: /3 times in a row/ })
  t.equal(await readFile(calls, 'utf8'), before, 'the fourth was not started')
  for (let call = 0; call < 5; call++) await t.rejects(git(other, ['status']), { code: 128 }, 'a refusal is an answer')
})
