import type { ProjectFile } from '../../contracts/index.js'
import { editedBetween } from '../edited-files.js'
import { listedOf } from './listed.js'
import { isAside, isForeign, type ManifestSummary } from './manifests.js'

/** Where programs begin by the conventions of their languages, relative to the folder of a manifest. */
const CONVENTIONS = [
  'src/main.rs', 'src/lib.rs', 'main.go', 'manage.py', 'main.py', 'app.py', '__main__.py', 'wsgi.py', 'asgi.py', 'src/main.py', 'src/index.ts', 'src/main.ts', 'src/index.js', 'src/main.js',
  'src/main.tsx', 'src/index.tsx', 'index.ts', 'index.js', 'main.ts', 'server.ts', 'server.js', 'app.ts', 'app.js', 'config.ru', 'public/index.php', 'Program.cs', 'lib/main.dart', 'Sources/main.swift'
]
const MOST = 40

/** `cmd/<name>/main.go`, `src/<package>/__main__.py`, Spring's class: folders with names of the project's own. */
const FORMS = /^(?:.*\/)?(?:cmd\/[^/]+\/main\.go|__main__\.py|src\/main\/(?:java|kotlin)\/.*Application\.(?:java|kt)|src\/bin\/[^/]+\.rs)$/

export function isEntryPoint (path: string): boolean {
  return FORMS.test(path) && !isForeign(path) && !isAside(path)
}

/** Those of a list of files with such manifests, which are the same objects as long as nothing that they tell changes. */
const latest = new WeakMap<readonly ManifestSummary[], { files: readonly ProjectFile[], usual: ReadonlySet<string> }>()

async function usualOf (files: readonly ProjectFile[], manifests: readonly ManifestSummary[]): Promise<ReadonlySet<string>> {
  const known = latest.get(manifests)
  if (known !== undefined && editedBetween(known.files, files) !== undefined) return known.usual
  const folders = new Set(['', ...manifests.filter(({ path }) => !isAside(path)).map(({ path }) => path.slice(0, path.lastIndexOf('/') + 1))])
  const usual = await listedOf(files, new Set([...folders].flatMap((folder) => CONVENTIONS.map((name) => folder + name))))
  latest.set(manifests, { files, usual })
  return usual
}

/** `stated` are those that manifests name, and those that have such a form. */
export async function findEntryPoints (files: readonly ProjectFile[], stated: readonly string[], manifests: readonly ManifestSummary[]): Promise<{ entry_points: string[], entry_points_omitted: number }> {
  const ordered = [...new Set([...stated, ...await usualOf(files, manifests)])].sort((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1))
  return { entry_points: ordered.slice(0, MOST), entry_points_omitted: Math.max(0, ordered.length - MOST) }
}
