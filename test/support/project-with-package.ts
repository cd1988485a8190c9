import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { createRepository, writeFiles } from './repository.js'
import { temporaryFolder } from './temporary.js'

/** A repository that has this package among its own, as after an install, with further files that nobody has committed. */
export async function projectWithPackage (t: Parameters<typeof temporaryFolder>[0], committed: Record<string, string>, files: Record<string, string | Buffer>): Promise<string> {
  const root = await temporaryFolder(t, 'cco-project')
  await createRepository(root, committed)
  await mkdir(join(root, 'node_modules'))
  await symlink(PACKAGE_ROOT, join(root, 'node_modules', 'cco-sidecar'), 'dir')
  await writeFiles(root, files)
  return root
}
